"""The rules in force, for everybody: every parameter with its value and legal basis, and the working-day calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from . import clock, workdays
from .deadlines import calendar
from .models import CalendarDay, RuleParameter
from .permissions import access
from .templatetags.ui import money

LABELS = {
    "entry.form_check": gettext_lazy("Form check of an entry"),
    "entry.publicity": gettext_lazy("Publicity of an entry"),
    "entry.precheck": gettext_lazy("Answer to a pre-check"),
    "entry.objection": gettext_lazy("Decision about an objection against an entry"),
    "entry.documents_supply": gettext_lazy("Commitment first: documents to be supplied"),
    "entry.documents": gettext_lazy("Commitment first: documents to be checked"),
    "entry.documents_supplement": gettext_lazy("Commitment first: supplement after a return"),
    "entry.commitment_off_items": gettext_lazy("Items without commitment first"),
    "entry.claim": gettext_lazy("Decision about a claim of access"),
    "reentry.after_removal": gettext_lazy("From removal to a new entry"),
    "change.check": gettext_lazy("Check of a change"),
    "certificate.reminders": gettext_lazy("Reminders before a certificate expires (days)"),
    "credit.start": gettext_lazy("Credit score to begin with"),
    "credit.stars": gettext_lazy("Lowest scores for five, four, three and two stars"),
    "credit.reply": gettext_lazy("Right of reply before a ledger entry counts"),
    "credit.reply_decision": gettext_lazy("Decision after a reply"),
    "credit.objection": gettext_lazy("Time to object to a ledger entry"),
    "credit.petition": gettext_lazy("Decision about an objection or a repair"),
    "owner.check": gettext_lazy("Check of an owner's entry"),
    "invitation.valid": gettext_lazy("How long an invitation is valid"),
    "import.rows": gettext_lazy("Most rows of one import"),
    "signup.window_min": gettext_lazy("Shortest sign-up window"),
    "signup.window_default": gettext_lazy("Sign-up window that the form proposes"),
    "signup.minimum_government": gettext_lazy("Fewest sign-ups with government funds"),
    "signup.minimum_social": gettext_lazy("Fewest sign-ups with social funds only"),
    "signup.extensions": gettext_lazy("Extensions when too few sign up"),
    "session.roster_lead": gettext_lazy("How long the closed list is public before the live session"),
    "session.window": gettext_lazy("How long the pot is open"),
    "session.publish": gettext_lazy("Time for the seal after that"),
    "session.delay_steps": gettext_lazy("Steps of the slow opening"),
    "session.retry": gettext_lazy("From a void opening to the next declared time"),
    "draw.reserves": gettext_lazy("Places on the wait list"),
    "award.publicity": gettext_lazy("Publicity of an award"),
    "mode.random.off_items": gettext_lazy("Items without random selection"),
    "limit.government_procurement": gettext_lazy("Limit of government procurement"),
    "limit.tender_services": gettext_lazy("Services that must be tendered from"),
}


def value_text(row: RuleParameter) -> str:
    """The value with its unit: "3 working days", "¥500,000.00", "5007, 5008"."""
    unit = row.unit
    if unit == RuleParameter.Unit.CODES:
        return ", ".join(part for part in row.value.split(",") if part) or _("none")
    if unit == RuleParameter.Unit.YUAN:
        return str(money(row.value))
    number = int(row.value)
    words = {
        "workdays": ngettext("%(n)s working day", "%(n)s working days", number),
        "months": ngettext("%(n)s month", "%(n)s months", number),
        "days": ngettext("%(n)s day", "%(n)s days", number),
        "hours": ngettext("%(n)s hour", "%(n)s hours", number),
        "minutes": ngettext("%(n)s minute", "%(n)s minutes", number),
        "seconds": ngettext("%(n)s second", "%(n)s seconds", number),
        "percent": "%(n)s %%",
    }
    return words.get(unit, "%(n)s") % {"n": f"{number:,}"}


def in_force(on: date) -> list[RuleParameter]:
    """The one value of each parameter that holds on a day, in the order of LABELS. One query."""
    best: dict[str, RuleParameter] = {}
    for row in RuleParameter.objects.filter(valid_from__lte=on):
        held = best.get(row.code)
        if row.holds_on(on) and (held is None or (row.is_demo, row.valid_from) > (held.is_demo, held.valid_from)):
            best[row.code] = row
    order = {code: place for place, code in enumerate(LABELS)}
    return sorted(best.values(), key=lambda row: (order.get(row.code, len(order)), row.code))


def _year(year: int) -> dict[str, Any]:
    """A year of the calendar: its notice, its working days, and the weekends that are worked."""
    days = calendar()
    first, last = date(year, 1, 1), date(year, 12, 31)
    span = [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]
    return {
        "year": year,
        "known": not days.is_provisional(last),
        "workdays": sum(days.is_workday(day) for day in span),
        "makeup": [day for day in span if day.weekday() >= 5 and days.is_workday(day)],
        "notice": next((found.number for found in workdays.current().notices if found.year == year), ""),
    }


@access("public")
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """GET /rules/: what holds today, and on which basis."""
    today = clock.local_date(clock.now())
    rows = [
        {
            "label": str(LABELS.get(row.code, row.code)),
            "value": value_text(row),
            "basis": row.basis,
            "since": row.valid_from,
            "demo": row.is_demo,
        }
        for row in in_force(today)
    ]
    context = {
        "rows": rows,
        "today": today,
        "years": [_year(year) for year in range(today.year, today.year + 2)],
        "version": calendar().version,
        "corrections": list(CalendarDay.objects.filter(day__gte=today)),
    }
    return render(request, "marketplace/rules.html", context)
