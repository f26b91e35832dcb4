"""The public pages about agencies: the directory, entries in publicity, penalties, and an agency's own page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from marketplace import accounts, clock
from marketplace.paging import COUNT_LIMIT, PAGE_SIZE, page_of
from marketplace.permissions import access

from . import casefile, directory, public_page, queries
from .filters import AgencyFilter
from .states import AgencyState

ITEMS_SHOWN = 3


def crumbs(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """The way to a page from the directory."""
    directory_crumb = {"label": pgettext("navigation", "Agencies"), "url": reverse("agency_list")}
    return [directory_crumb, *({"label": label, "url": url} for label, url in pairs)]


# ---------- the directory ----------


@access("public")
@require_safe
def agency_list(request: HttpRequest) -> HttpResponse:
    """GET /agencies/?q=&state=&origin=&stars=&way=&service_class=&item=: published agencies by name."""
    form = AgencyFilter(request.GET)
    page, total = directory.find(form.conditions(), request.GET, size=PAGE_SIZE)
    text = form.fields.pop("q")
    narrowed = [name for name in form.fields if request.GET.get(name)]
    for field in form.fields.values():
        # Read here, not while the template renders.
        field.widget.choices = list(field.widget.choices)
    number = max(total.number, len(page.rows))
    context = {
        "rows": [list_row(agency) for agency in page.rows],
        "page": page,
        "form": form,
        "more_open": bool(narrowed),
        "search": {"label": text.label, "name": "q", "value": request.GET.get("q", "")},
        "count": number if total.exact and number <= COUNT_LIMIT else None,
        "at_least": min(number, COUNT_LIMIT),
        "clear_url": reverse("agency_list") if narrowed or request.GET.get("q") else "",
    }
    return render(request, "agencies/list.html", context)


def list_row(agency: Any) -> dict[str, Any]:
    names = [str(entry.item) for entry in agency.listed]
    return {
        "name": agency.name,
        "code": agency.code,
        "url": reverse("agency_detail", args=[agency.code]),
        "origin": agency.get_origin_display(),
        "standing": public_page.standing_words(agency),
        "items": names[:ITEMS_SHOWN],
        "more": max(0, len(names) - ITEMS_SHOWN),
        "chip": casefile.state_chip(agency),
    }


# ---------- public notices ----------


@access("public")
@require_safe
def agency_publicity(request: HttpRequest) -> HttpResponse:
    """GET /agencies/publicity/: the entries anybody may object to now, the one that ends first at the top."""
    at = clock.now()
    page = page_of(directory.in_publicity(at), key="publicity_until", query=request.GET)
    context = {
        "rows": [public_page.publicity_row(agency, at) for agency in page.rows],
        "page": page,
        "breadcrumb": crumbs((_("Entries in publicity"), "")),
    }
    return render(request, "agencies/publicity.html", context)


@access("public")
@require_safe
def agency_penalties(request: HttpRequest) -> HttpResponse:
    """GET /agencies/penalties/?state=removed|suspended|withdrawn: 清退公示, the newest first."""
    kinds = public_page.NOTICE_KINDS
    asked = request.GET.get("state", "")
    state = AgencyState(asked) if asked in kinds else AgencyState.REMOVED
    page = page_of(directory.under_notice(state), key=kinds[state], query=request.GET, newest_first=True)
    base = reverse("agency_penalties")
    context = {
        "rows": [public_page.notice_row(agency) for agency in page.rows],
        "page": page,
        "state": state.value,
        "tabs": [
            {"label": kind.label, "url": f"{base}?state={kind.value}", "current": kind == state} for kind in kinds
        ],
        "breadcrumb": crumbs((_("Removed and suspended"), "")),
    }
    return render(request, "agencies/penalties.html", context)


# ---------- one agency ----------


@access("public")
@require_safe
def agency_detail(request: HttpRequest, code: str) -> HttpResponse:
    """An agency's public page. Its own people, the office and the supervisor see it before the publicity too."""
    user, at = accounts.current_user(request), clock.now()
    agency = get_object_or_404(queries.visible_to(user), organisation__code=code)
    context = public_page.context(agency, user=user, at=at)
    return render(request, "agencies/detail.html", {**context, "breadcrumb": crumbs((agency.name, ""))})
