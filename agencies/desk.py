"""What registration puts on desks: an agency's own card, and the entries, pre-checks and objections that wait for the
office."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace import accounts, clock
from marketplace.casefile import light
from marketplace.casework import Work
from marketplace.models import User
from marketplace.templatetags.ui import day_text

from .models import Agency, EntryObjection, PreCheck
from .queries import own_agency
from .states import EDITABLE, AgencyState, ObjectionState

# A source of the work list gives no more than this, earliest due first.
LIMIT = 200

# ---------- what waits for the office ----------

# The key of the office's queue in each state: the clock that ends first comes first. None of them is ever empty.
ENTRY_ORDER = {
    AgencyState.SUBMITTED: "form_check_due",
    AgencyState.VERIFYING: "documents_due",
    AgencyState.COMMITTED: "documents_supply_due",
    AgencyState.RETURNED: "submitted_at",
    AgencyState.PUBLICITY: "publicity_until",
}


def entries(state: AgencyState) -> QuerySet[Agency]:
    """The entries the office follows in one state."""
    key = ENTRY_ORDER[state]
    return Agency.objects.filter(state=state, **{f"{key}__isnull": False}).order_by(key, "pk")


def open_prechecks() -> QuerySet[PreCheck]:
    return (
        PreCheck.objects.filter(answered_at__isnull=True).select_related("agency__organisation").order_by("due", "pk")
    )


def open_objections() -> QuerySet[EntryObjection]:
    return (
        EntryObjection.objects.filter(state=ObjectionState.LODGED)
        .select_related("agency__organisation")
        .order_by("due", "pk")
    )


def queue_counts() -> dict[str, int]:
    """How many cases each tab of the office's queue holds, by state or `prechecks`, `objections`; three queries."""
    rows = Agency.objects.filter(state__in=list(ENTRY_ORDER)).order_by().values_list("state").annotate(Count("pk"))
    return {
        **{str(state): count for state, count in rows},
        "prechecks": open_prechecks().count(),
        "objections": open_objections().count(),
    }


def entry_case(agency: Agency) -> str:
    return f"entry:{agency.code}"


def entry_work(at: datetime) -> list[Work]:
    """Entries whose form or documents wait for the check. Two queries."""
    forms = [
        _work(agency, entry_case(agency), _("form check"), agency.submitted_at, agency.form_check_due)
        for agency in entries(AgencyState.SUBMITTED)[:LIMIT]
    ]
    documents = [
        _work(
            agency,
            entry_case(agency),
            _("check of documents"),
            agency.documents_supplied_at or agency.submitted_at,
            agency.documents_due,
        )
        for agency in entries(AgencyState.VERIFYING)[:LIMIT]
    ]
    return sorted([*forms, *documents], key=lambda work: work.due or at)[:LIMIT]


def precheck_work(at: datetime) -> list[Work]:
    """Pre-checks that are asked for. One query."""
    return [
        _work(one.agency, f"precheck:{one.pk}", _("pre-check"), one.asked_at, one.due, "office_precheck", one.pk)
        for one in open_prechecks()[:LIMIT]
    ]


def objection_work(at: datetime) -> list[Work]:
    """Objections against entries in publicity. One query."""
    return [
        _work(
            one.agency,
            f"objection:{one.pk}",
            _("objection in publicity"),
            one.lodged_at,
            one.due,
            "office_objection",
            one.pk,
        )
        for one in open_objections()[:LIMIT]
    ]


def _work(
    agency: Agency,
    case: str,
    kind: str,
    started: datetime | None,
    due: datetime | None,
    page: str = "office_check",
    key: Any = None,
) -> Work:
    return Work(
        case=case,
        stream=agency.stream_name(),
        kind=kind,
        title=agency.name,
        url=reverse(page, args=[key or agency.code]),
        started=started or agency.registered_at,
        due=due,
    )


# ---------- the agency's desk ----------


def desk_cards(user: User | None, at: datetime) -> list[dict[str, Any]]:
    """What registration has for this person's desk.

    [{"title", "count", "url", "items": [{"title", "url", "hint", "due", "light"}]}]; `due` is a datetime or None,
    `light` is green, amber, red or empty.
    """
    cards: list[dict[str, Any]] = []
    if user is None or not user.is_authenticated:
        return cards
    if not accounts.memberships(user):
        cards.append(_card(_("Take part as an agency"), 0, reverse("agency_register"), [_invitation()]))
    if (agency := own_agency(user)) is not None:
        waits = agency.state in (*EDITABLE, AgencyState.COMMITTED)
        cards.append(_card(_("Entry of your agency"), int(waits), reverse("agency_entry"), [_own(agency, at)]))
    return cards


def _card(title: str, count: int, url: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "count": count, "url": url, "items": items}


def _invitation() -> dict[str, Any]:
    return {
        "title": _("Register an agency"),
        "url": reverse("agency_register"),
        "hint": _("You need the unified social credit code and your certificates; everything is done online."),
        "due": None,
        "light": "",
    }


def _own(agency: Agency, at: datetime) -> dict[str, Any]:
    due = {
        AgencyState.SUBMITTED: agency.form_check_due,
        AgencyState.PUBLICITY: agency.publicity_until,
        AgencyState.COMMITTED: agency.documents_supply_due,
        AgencyState.VERIFYING: agency.documents_due,
        AgencyState.SUSPENDED: agency.suspended_until,
    }.get(agency.state)
    return {
        "title": agency.name,
        "url": reverse("agency_entry"),
        "hint": _hint(agency),
        "due": due,
        # The other clocks are somebody else's: the agency has nothing to hurry for.
        "light": light(agency.submitted_at, due, at) if agency.state == AgencyState.COMMITTED else "",
    }


def _hint(agency: Agency) -> str:
    hints: dict[str, Callable[[], str]] = {
        AgencyState.DRAFT: lambda: _("Complete the entry and submit it."),
        AgencyState.SUBMITTED: lambda: _("The office checks the form."),
        AgencyState.RETURNED: lambda: ngettext(
            "{count} defect to mend, then submit again.",
            "{count} defects to mend, then submit again.",
            len(agency.returned_defects),
        ).format(count=len(agency.returned_defects)),
        AgencyState.PUBLICITY: lambda: _("In publicity; active by itself afterwards."),
        AgencyState.ACTIVE: lambda: _("Active."),
        AgencyState.REFUSED: lambda: _("Refused: {reason}").format(reason=agency.refusal_reason),
        AgencyState.COMMITTED: lambda: _("Active on commitment; supply the documents in time."),
        AgencyState.VERIFYING: lambda: _("Active on commitment; the office checks the documents."),
        AgencyState.SUSPENDED: lambda: _("Suspended; no sign-up until the end of the suspension."),
        AgencyState.WITHDRAWN: lambda: _("Withdrawn from the marketplace."),
        AgencyState.REMOVED: lambda: (
            _("Removed; a new entry is open from {day}.").format(day=day_text(clock.local_date(agency.reentry_from)))
            if agency.reentry_from
            else _("Removed from the marketplace.")
        ),
    }
    return hints[agency.state]()
