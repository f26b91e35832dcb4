"""What leaving takes from an agency, and what comes back when a removal is lifted.

Its papers entitle to nothing any more, its practitioners are free for other agencies, and what it had asked of the
office is settled. Objections against its entry stay: whoever objected gets his answer, and nobody escapes one by leaving.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from marketplace import events, notifications
from marketplace.clock import iso_micros, local_date
from marketplace.models import User
from marketplace.workflow import fire

from . import journal
from .models import Agency, Change
from .states import ENTERED, OPEN_CHANGES, AgencyState

CHANGE_CLOSED = events.register(
    "agency.change_closed",
    gettext_lazy("A change came to nothing, because the agency has left: {kind}."),
    data={"change": int, "kind": str},
    present=lambda data: {"kind": str(Change.Kind(data["kind"]).label)},
)
PRECHECK_CLOSED = events.register(
    "agency.precheck_closed",
    gettext_lazy("A pre-check came to nothing, because the agency has left."),
    data={"precheck": int},
)
PEOPLE_GONE = events.register(
    "agency.practitioners_gone",
    gettext_lazy("Practitioners who were registered elsewhere during the removal do not come back: {count}."),
    data={"count": int, "people": list},
    private={"people": list},
)
NOTE_PEOPLE_GONE = notifications.register(
    "agency.practitioners_gone",
    gettext_lazy("Practitioners were registered elsewhere meanwhile"),
    gettext_lazy(
        "The removal of {name} was lifted. No longer its practitioners, because another agency has them: {people}."
    ),
)
# `changes.journal.NOTE_SUBMITTED`, the letter that called the office to the check: `changes` stands above this module.
CALL_TO_CHECK = "agency.change_submitted"


def void_checks(agency: Agency) -> None:
    """The check does not stand any more: papers entitle to nothing, and people may be entered by other agencies."""
    agency.qualifications.update(checked=False, committed=False)
    agency.documents.update(checked=False)
    agency.agents.filter(left_on__isnull=True).update(checked=False)
    agency.practitioners.filter(left_on__isnull=True).update(checked=False)


def held_by(agency: Agency) -> dict[str, Any]:
    """What a removal takes from the agency as it stands: the keys of what is checked or promised, or how it had left.

    {"checked", "committed", "documents", "agents", "practitioners": lists of pks} of an entered one, {"left_at",
    "left_reason"} of one that has withdrawn.
    """
    if agency.state == AgencyState.WITHDRAWN:
        return {"left_at": iso_micros(agency.left_at) if agency.left_at else "", "left_reason": agency.left_reason}
    if agency.state not in ENTERED:
        return {}
    here = {"checked": True, "left_on__isnull": True}
    found = {
        "checked": agency.qualifications.filter(checked=True),
        "committed": agency.qualifications.filter(committed=True),
        "documents": agency.documents.filter(checked=True),
        "agents": agency.agents.filter(**here),
        "practitioners": agency.practitioners.filter(**here),
    }
    return {name: list(rows.order_by("pk").values_list("pk", flat=True)) for name, rows in found.items()}


def left_before(agency: Agency) -> tuple[datetime | None, str]:
    """When and why a removed agency had withdrawn."""
    return parse_datetime(agency.held.get("left_at", "")), agency.held.get("left_reason", "")


def close_cases(agency: Agency, *, at: datetime) -> None:
    """Settle what the agency had asked of the office and not got yet: changes and a pre-check."""
    for change in agency.changes.filter(state__in=OPEN_CHANGES).order_by("pk"):
        fire(change, "close", actor=None, at=at, data={"change": change.pk, "kind": str(change.kind)})
        notifications.settle(CALL_TO_CHECK, reverse("office_change", args=[change.pk]), at=at)
    for precheck in agency.prechecks.select_for_update(of=("self",)).filter(answered_at__isnull=True):
        with override(settings.LANGUAGE_CODE):
            said = _("The agency has left, so the pre-check came to nothing.")
        precheck.answered_at, precheck.remarks = at, [{"field": "other", "sentence": said}]
        precheck.save(update_fields=["answered_at", "remarks"])
        journal.note(agency, PRECHECK_CLOSED, {"precheck": precheck.pk}, actor=None, at=at)


def give_back(agency: Agency, held: dict[str, Any], *, actor: User | None, at: datetime) -> None:
    """Let what a removal took count again: what is still there, and those people who are still free.

    A practitioner whom another agency has by now, or whom the office released, is no longer one of this agency.
    """
    agency.qualifications.filter(pk__in=held.get("checked", ())).update(checked=True)
    agency.qualifications.filter(pk__in=held.get("committed", ())).update(committed=True)
    agency.documents.filter(pk__in=held.get("documents", ())).update(checked=True)
    agency.agents.filter(pk__in=held.get("agents", ()), left_on__isnull=True).update(checked=True)
    gone = []
    for person in agency.practitioners.filter(pk__in=held.get("practitioners", ()), left_on__isnull=True):
        person.checked = True
        try:
            # The database lets one agency have the person, also when another is approved at this moment.
            with transaction.atomic():
                person.save(update_fields=["checked"])
        except IntegrityError:
            person.checked, person.left_on = False, local_date(at)
            person.save(update_fields=["left_on"])
            gone.append(person)
    if gone:
        told = [{"name": person.full_name, "hint": person.id_hint} for person in gone]
        data = {"count": len(gone), "people": [person.pk for person in gone]}
        event = journal.note(agency, PEOPLE_GONE, data, actor=actor, at=at, private={"people": told})
        names = {"people": "、".join(person.full_name for person in gone)}
        journal.tell_members(agency, event, NOTE_PEOPLE_GONE, names, at=at)
