"""The public pages of credit: an agency's ledger with its score on any day, and the list of rules."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from marketplace import accounts, clock
from marketplace.parameters import UnknownParameter, number
from marketplace.permissions import access

from . import credit_rules as rule_list
from . import credit_words, ledger, queries
from .credit_forms import DayForm
from .reckoning import star_limits


def _crumbs(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "url": url} for label, url in pairs]


def standing_context(form: DayForm, rows: list[Any], today: date) -> dict[str, Any]:
    """The standing of the day the form asks for, of today where it asks for none or a bad one."""
    day = today
    if form.is_bound and form.is_valid():
        day = form.cleaned_data["on"] or today
        try:
            number("credit.start", day)
        except UnknownParameter:
            form.add_error("on", _("No rules of credit held on that day."))
            day = today
    found = ledger.standing_from(rows, day)
    return credit_words.standing_row(found, rows, day, start=number("credit.start", day))


@access("public")
@require_safe
def agency_ledger(request: HttpRequest, code: str) -> HttpResponse:
    """GET /agencies/<code>/credit/?on=YYYY-MM-DD: the whole ledger, the score of any day, the penalties."""
    agency = get_object_or_404(queries.visible_to(accounts.current_user(request)), organisation__code=code)
    today = clock.local_date(clock.now())
    rows = ledger.rows_of(agency)
    form = DayForm(request.GET) if "on" in request.GET else DayForm(initial={"on": today})
    standing = standing_context(form, rows, today)
    context = {
        "agency": agency,
        "form": form,
        "standing": standing,
        "is_today": standing["on"] == today,
        "entries": [credit_words.entry_row(entry, today) for entry in rows],
        "penalties": credit_words.penalty_rows(agency),
        "log_url": reverse("stream_events", args=[agency.stream_name()]),
        "breadcrumb": _crumbs(
            (pgettext("navigation", "Agencies"), reverse("agency_list")),
            (agency.name, reverse("agency_detail", args=[agency.code])),
            (_("Credit ledger"), ""),
        ),
    }
    return render(request, "agencies/ledger.html", context, status=422 if form.errors else 200)


@access("public")
@require_safe
def credit_rules(request: HttpRequest) -> HttpResponse:
    """GET /rules/credit/: the breaches and merits in force today."""
    today = clock.local_date(clock.now())
    context = {
        "rows": [credit_words.rule_row(rule) for rule in rule_list.in_force(today)],
        "limits": [
            {"stars": credit_words.stars_text(5 - place), "least": least}
            for place, least in enumerate([*star_limits(today), 0])
        ],
        "start": number("credit.start", today),
        "today": today,
        "breadcrumb": _crumbs((_("Rules in force"), reverse("rules")), (_("Credit rules"), "")),
    }
    return render(request, "agencies/credit_rules.html", context)
