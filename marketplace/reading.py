"""Batch reading: several cases of the work list, read one after another.

`/office/read/?case=…&case=…&n=2` leads to the page of the second of them. The batch is kept in the session, so that each
page can say where one is, and so that a verdict leads to the next case instead of back to a list. No script, no row of
the domain is written by reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from . import casework, clock
from .permissions import access

KEY = "reading"
LIMIT = 50
# The cases of the batch in order: [[name, address of its page], …].
Batch = list[list[str]]


def batch_of(request: HttpRequest) -> Batch:
    kept: Batch = request.session.get(KEY, []) if hasattr(request, "session") else []
    return kept


def place_of(request: HttpRequest, batch: Batch) -> int | None:
    """Which case of the batch the address belongs to, from 0; the longest address wins."""
    fits = [(len(url), place) for place, (_case, url) in enumerate(batch) if request.path.startswith(url)]
    return max(fits)[1] if fits else None


def address(batch: Batch, **more: Any) -> str:
    pairs = [("case", case) for case, _url in batch] + list(more.items())
    return f"{reverse('office_read')}?{urlencode(pairs)}"


def bar(request: HttpRequest) -> dict[str, Any] | None:
    """The context of components/reading_bar.html on a page of the batch: {"number", "total", "previous_url",
    "next_url", "end_url"}; None elsewhere. No query beyond the session's own."""
    batch = batch_of(request)
    place = place_of(request, batch)
    if place is None:
        return None
    return {
        "number": place + 1,
        "total": len(batch),
        "previous_url": address(batch, n=place) if place > 0 else "",
        "next_url": address(batch, n=place + 2) if place + 1 < len(batch) else "",
        "end_url": reverse("office_read"),
    }


@access("office", "supervisor")
@require_safe
def office_read(request: HttpRequest) -> HttpResponse:
    """GET ?case=…&case=…[&n=2 | &after=2]: the page of the n-th case, or of the next open one behind the second.

    Without a case, or behind the last one, the reading ends.
    """
    names = list(dict.fromkeys(request.GET.getlist("case")))[:LIMIT]
    work = {one.case: one.url for one in casework.all_work(clock.now())} if names else {}
    # A case decided meanwhile has left the list; its page is known from before.
    known = dict(batch_of(request)) | work
    batch = [[name, known[name]] for name in names if name in known]
    place = _place(request, batch, work)
    if place is None:
        request.session.pop(KEY, None)
        if batch:
            left = sum(name in work for name, _url in batch)
            messages.success(request, _end_words(left))
        elif names:
            messages.info(request, _("None of the selected cases is open any more."))
        return HttpResponseRedirect(reverse("office_work"))
    request.session[KEY] = batch
    return HttpResponseRedirect(batch[place][1])


def _end_words(left: int) -> str:
    if left == 0:
        return _("All selected cases are decided.")
    return ngettext(
        "That was the last of the selected cases; {count} of them is still open.",
        "That was the last of the selected cases; {count} of them are still open.",
        left,
    ).format(count=left)


def _place(request: HttpRequest, batch: Batch, work: dict[str, str]) -> int | None:
    if (after := _number(request, "after")) is not None:
        return next((place for place in range(after, len(batch)) if batch[place][0] in work), None)
    number = _number(request, "n")
    place = 0 if number is None else number - 1
    return place if 0 <= place < len(batch) else None


def _number(request: HttpRequest, key: str) -> int | None:
    text = request.GET.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None


class Onwards:
    """While a batch is read, an act that leads away from its case leads to the next case of the batch."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method != "POST" or response.status_code != 302:
            return response
        batch = batch_of(request)
        place = place_of(request, batch)
        if place is not None and not response["Location"].startswith(batch[place][1]):
            response["Location"] = address(batch, after=place + 1)
        return response
