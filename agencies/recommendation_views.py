"""The recommendation list of a service item: page, CSV and JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from marketplace import clock
from marketplace.models import ServiceItem
from marketplace.paging import PAGE_SIZE
from marketplace.permissions import access
from marketplace.tables import csv_response

from . import public_page
from . import recommendation as ranking

# The files carry the head of the list: nobody chooses from further behind, and each place costs a check.
FILE_ROWS = 500


def _item(code: str) -> ServiceItem:
    return get_object_or_404(ServiceItem.objects.select_related("service_class"), code=code, is_active=True)


@access("public")
@require_safe
def recommendation(request: HttpRequest, code: str) -> HttpResponse:
    """GET /recommendations/<item>/: who may take the item today, in order, each with the reason of its place."""
    item, day = _item(code), clock.local_date(clock.now())
    page, follows = ranking.page(item, day, request.GET, size=PAGE_SIZE)
    # Places are known from the top only.
    first = not page.previous_url
    shown = ranking.rows_of(page.rows, follows)
    context = {
        "item": item,
        "rows": [_page_row(row, place if first else None) for place, row in enumerate(shown, 1)],
        "page": page,
        "today": day,
        "basis": ranking.BASIS,
        "one_star": public_page.one_star_words(),
        "csv_url": reverse("recommendation_csv", args=[item.pk]),
        "json_url": reverse("recommendation_json", args=[item.pk]),
        "breadcrumb": [
            {"label": pgettext("navigation", "Services"), "url": reverse("catalogue")},
            {"label": str(item), "url": reverse("catalogue_item", args=[item.pk])},
            {"label": _("Recommended agencies")},
        ],
    }
    return render(request, "agencies/recommendation.html", context)


def _page_row(row: dict[str, Any], place: int | None) -> dict[str, Any]:
    return row | {"place": place, "url": reverse("agency_detail", args=[row["code"]])}


def _rows(item: ServiceItem) -> list[dict[str, Any]]:
    """The head of the list with places, today."""
    found = list(ranking.ranked(item, clock.local_date(clock.now()))[: FILE_ROWS + 1])
    shown = ranking.rows_of(found[:FILE_ROWS], found[FILE_ROWS] if len(found) > FILE_ROWS else None)
    return [{"place": place, **row} for place, row in enumerate(shown, 1)]


@access("public")
@require_safe
def recommendation_csv(_request: HttpRequest, code: str) -> HttpResponse:
    item = _item(code)
    columns = [
        _("Place"),
        _("Agency"),
        _("Unified social credit code"),
        pgettext("credit", "Stars"),
        pgettext("credit", "Score"),
        _("Services done"),
        _("Sum of the quality marks"),
        _("Number of quality marks"),
        _("Entered on"),
        _("May take tasks paid from government funds"),
        _("Reason of the place"),
    ]
    keys = (
        "place", "name", "code", "stars", "score", "services_done", "quality_sum", "quality_count", "entered_on",
    )  # fmt: skip
    rows = [
        [*(row[key] for key in keys), _("yes") if row["government_funds"] else _("no"), row["reason"]]
        for row in _rows(item)
    ]
    return csv_response(f"recommendation-{item.pk}", columns, rows)


@access("public")
@require_safe
def recommendation_json(_request: HttpRequest, code: str) -> HttpResponse:
    """{"item", "day", "basis", "agencies": [{"place", "name", "code", …, "reason"}]}; marks as sum and number."""
    item = _item(code)
    day = clock.local_date(clock.now()).isoformat()
    return JsonResponse({"item": item.pk, "day": day, "basis": ranking.BASIS, "agencies": _rows(item)})
