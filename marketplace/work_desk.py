"""The office's work list: every open case of every kind with its light, to take, to reassign, to read in a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import accounts, casework, clock
from .casefile import light
from .casework import Work
from .errors import FieldErrors, NotAllowed
from .models import CaseHandler, Organisation, User
from .pages import LIGHT_CHIPS, light_words
from .permissions import access
from .reading import LIMIT

SHOWN = 50
DESK_SHOWN = 5
Kind = Organisation.Kind


# ---------- the list ----------


@access("office", "supervisor")
@require_safe
def office_work(request: HttpRequest) -> HttpResponse:
    """GET /office/work/?kind=entry&who=mine|free&page=2: open cases by the end of their clock."""
    user, at = _person(request), clock.now()
    found, broken = casework.gather(at)
    handlers = casework.handlers_of(work.case for work in found)
    who = request.GET.get("who", "") if request.GET.get("who") in {"mine", "free"} else ""
    chosen = [work for work in found if _fits(work, who, handlers, user)]
    kinds = _kinds(found)
    kind = request.GET.get("kind", "") if request.GET.get("kind") in kinds else ""
    listed = [work for work in chosen if not kind or work.sort == kind]
    page = _page(request, len(listed))
    rows = [_row(work, handlers.get(work.case), user, at) for work in listed[(page - 1) * SHOWN : page * SHOWN]]
    context = {
        "rows": rows,
        "tabs": _tabs(kinds, kind, who, chosen),
        "chips": _chips(kind, who, found, handlers, user),
        "broken": broken,
        "may_act": accounts.acts_as(user, Kind.OFFICE),
        "here": request.get_full_path(),
        "previous_url": _address(kind=kind, who=who, page=page - 1) if page > 1 else "",
        "next_url": _address(kind=kind, who=who, page=page + 1) if page * SHOWN < len(listed) else "",
        "read_limit": LIMIT,
        "breadcrumb": [
            {"label": _("My desk"), "url": reverse("desk")},
            {"label": _("Cases of the office"), "url": ""},
        ],
    }
    return render(request, "marketplace/office_work.html", context)


def _person(request: HttpRequest) -> User:
    user = accounts.current_user(request)
    if user is None:
        raise NotAllowed("login")
    return user


def _page(request: HttpRequest, count: int) -> int:
    text = request.GET.get("page", "")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 1
    return max(1, min(asked, -(-count // SHOWN)))


def _fits(work: Work, who: str, handlers: Mapping[str, CaseHandler], user: User) -> bool:
    row = handlers.get(work.case)
    if who == "mine":
        return row is not None and row.handler_id == user.pk
    return who != "free" or row is None


def _kinds(found: Iterable[Work]) -> dict[str, str]:
    """The sorts of cases there are, each with its words; two clocks of one sort share a tab."""
    words: dict[str, list[str]] = {}
    for work in found:
        known = words.setdefault(work.sort, [])
        if str(work.kind) not in known:
            known.append(str(work.kind))
    return {sort: pgettext("between kinds of cases", " / ").join(said) for sort, said in sorted(words.items())}


def _address(**query: Any) -> str:
    given = {key: value for key, value in query.items() if value}
    return reverse("office_work") + (f"?{urlencode(given)}" if given else "")


def _tabs(kinds: Mapping[str, str], kind: str, who: str, chosen: Sequence[Work]) -> list[dict[str, Any]]:
    tabs = [(pgettext("cases", "All"), "", len(chosen))]
    tabs += [(words, sort, sum(work.sort == sort for work in chosen)) for sort, words in kinds.items()]
    return [
        {"label": label, "url": _address(kind=sort, who=who), "count": count, "current": sort == kind}
        for label, sort, count in tabs
    ]


def _chips(
    kind: str, who: str, found: Sequence[Work], handlers: Mapping[str, CaseHandler], user: User
) -> list[dict[str, Any]]:
    if not accounts.acts_as(user, Kind.OFFICE):
        return []
    labels = {
        "": _("Everybody's"),
        "mine": pgettext("cases", "Mine"),
        "free": _("Not taken yet"),
    }
    return [
        {
            "label": label,
            "url": _address(kind=kind, who=value),
            "count": sum(_fits(work, value, handlers, user) for work in found if not kind or work.sort == kind),
            "current": value == who,
        }
        for value, label in labels.items()
    ]


def _row(work: Work, row: CaseHandler | None, user: User, at: datetime) -> dict[str, Any]:
    shown = light(work.started, work.due, at)
    return {
        "case": work.case,
        "kind": work.kind,
        "title": work.title,
        "url": work.url,
        "started": work.started,
        "due": work.due,
        "chip": {"kind": LIGHT_CHIPS[shown], "text": light_words(shown)} if shown else None,
        "handler": accounts.display_name(row.handler) if row else "",
        "first": accounts.display_name(row.first_receiver) if row and row.first_receiver_id != row.handler_id else "",
        "mine": row is not None and row.handler_id == user.pk,
        "insider": casework.is_insider(user, work.stream),
    }


# ---------- taking and reassigning ----------


def _open(names: Iterable[str]) -> list[Work]:
    """The open cases among the names, in the order of the list."""
    wanted = set(names)
    return [work for work in casework.all_work(clock.now()) if work.case in wanted]


def _back(request: HttpRequest) -> str:
    """The page of this site that the form names, or the work list."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return reverse("office_work")


@access("office")
@require_POST
def office_take(request: HttpRequest) -> HttpResponse:
    """POST case=…: whoever is first answers for it."""
    taken = _open(request.POST.getlist("case")[:1])
    if not taken:
        messages.info(request, _("The case is not open any more."))
        return redirect("office_work")
    user = _person(request)
    row = casework.take_case(taken[0], actor=user, at=clock.now())
    if row.handler_id == user.pk:
        messages.success(request, _("You answer for “{title}” now.").format(title=taken[0].title))
    else:
        messages.info(request, _("{name} took the case before you.").format(name=accounts.display_name(row.handler)))
    return HttpResponseRedirect(_back(request))


class ReassignForm(forms.Form):
    to = forms.ModelChoiceField(
        queryset=User.objects.none(), label=gettext_lazy("New handler"), empty_label=gettext_lazy("Choose a person")
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=casework.REASON_LIMIT,
        help_text=gettext_lazy("It is recorded, and the new handler reads it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = accounts.staff(Kind.OFFICE).order_by("full_name", "pk")
        field.label_from_instance = accounts.display_name  # type: ignore[assignment, method-assign]


@access("office")
@require_http_methods(["GET", "HEAD", "POST"])
def office_reassign(request: HttpRequest) -> HttpResponse:
    """GET ?case=…&case=…: who gets the selected cases, and why; POST to=…, reason=…: all of them or none."""
    given = request.POST if request.method == "POST" else request.GET
    found = _open(given.getlist("case")[:LIMIT])
    if not found:
        messages.info(request, _("Select at least one open case."))
        return HttpResponseRedirect(_back(request))
    form = ReassignForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        to = form.cleaned_data["to"]
        try:
            with transaction.atomic():
                for work in found:
                    casework.reassign_case(
                        work, to, form.cleaned_data["reason"], actor=_person(request), at=clock.now()
                    )
        except FieldErrors as refusal:
            for field, said in refusal.fields.items():
                for sentence in said:
                    form.add_error(field, str(sentence))
        else:
            words = ngettext("{count} case was given to {name}.", "{count} cases were given to {name}.", len(found))
            messages.success(request, words.format(count=len(found), name=accounts.display_name(to)))
            return HttpResponseRedirect(_back(request))
    handlers = casework.handlers_of(work.case for work in found)
    at = clock.now()
    # Read here, not while the template renders.
    form.fields["to"].widget.choices = list(form.fields["to"].widget.choices)
    context = {
        "form": form,
        "rows": [_row(work, handlers.get(work.case), _person(request), at) for work in found],
        "next": _back(request),
        "breadcrumb": [
            {"label": _("My desk"), "url": reverse("desk")},
            {"label": _("Cases of the office"), "url": reverse("office_work")},
            {"label": _("Reassign"), "url": ""},
        ],
    }
    return render(request, "marketplace/office_reassign.html", context, status=422 if form.errors else 200)


# ---------- the desk ----------


def cards(user: User, at: datetime) -> list[dict[str, Any]]:
    """The desk's cards of office and supervisor: the cases the person answers for, and all that are open."""
    office = accounts.acts_as(user, Kind.OFFICE)
    if not office and not accounts.acts_as(user, Kind.SUPERVISOR):
        return []
    found = casework.all_work(at)
    base = reverse("office_work")
    shown = [_card(_("Open cases of the office"), base, found, at)]
    if office:
        handlers = casework.handlers_of(work.case for work in found)
        mine = [work for work in found if _fits(work, "mine", handlers, user)]
        if mine:
            shown.insert(0, _card(_("Cases you answer for"), f"{base}?who=mine", mine, at))
    return shown


def _card(title: str, url: str, found: Sequence[Work], at: datetime) -> dict[str, Any]:
    return {
        "title": title,
        "count": len(found),
        "url": url,
        "items": [
            {
                "title": work.title,
                "url": work.url,
                "hint": work.kind,
                "due": work.due,
                "light": light(work.started, work.due, at),
            }
            for work in found[:DESK_SHOWN]
        ],
    }
