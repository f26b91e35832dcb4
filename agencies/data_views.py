"""The public figures about agencies, as pictures, tables and a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from marketplace import charts, clock, tables
from marketplace.permissions import access

from . import statistics
from .views import crumbs


@access("public")
@require_safe
def agency_statistics(request: HttpRequest) -> HttpResponse:
    """GET /data/agencies/: each count as bars with its table; classes against places as a table."""
    found = statistics.read()
    number = pgettext("statistics", "Number")
    cross = found.cross
    context: dict[str, Any] = {
        "charts": [
            {
                "title": one.title,
                "sentence": one.sentence,
                "svg": charts.bars(one.title, one.rows),
                "columns": [{"label": one.label}, {"label": number, "numeric": True}],
                "rows": [[label, count] for label, count in one.rows],
            }
            for one in found.counts
        ],
        "cross_columns": [
            {"label": _("Class of service")},
            *({"label": place, "numeric": True} for place in cross.places),
            {"label": pgettext("statistics", "All"), "numeric": True},
        ],
        "cross_rows": [[label, *numbers, sum(numbers)] for label, numbers in cross.rows],
        "csv_url": reverse("agency_statistics_csv"),
        "now": clock.now(),
        "breadcrumb": crumbs((pgettext("navigation", "Agencies"), reverse("agency_list")), (_("Figures"), "")),
    }
    return render(request, "agencies/statistics.html", context)


@access("public")
@require_safe
def agency_statistics_csv(request: HttpRequest) -> HttpResponse:
    columns = (_("Statistic"), _("Category"), _("Second category"), pgettext("statistics", "Number"))
    return tables.csv_response("agency-statistics", columns, statistics.lines(statistics.read()))
