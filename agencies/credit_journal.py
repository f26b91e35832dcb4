"""What can happen in the credit ledger and around penalties and exit, as events of the agency's stream, and the letters.

The public part of these events is enough to compute the score again (`credit.from_events`). Replies, petitions and the
reasons of decisions about them are private.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace import accounts, events, notifications
from marketplace.models import Event, Organisation, User

from .journal import note, plain_due, stream_of
from .models import Agency, CreditEntry

__all__ = ["note", "plain_due"]

NoneType = type(None)
TEXT = (str, NoneType)

ENTERED = events.register(
    "credit.entered",
    _("Ledger entry {entry}: {summary} ({points} points; a deduction counts only after the right of reply)"),
    data={
        "entry": int,
        "rule": str,
        "rule_from": str,
        "basis": str,
        "gravity": str,
        "points": int,
        # Calendar months the points count, None for ever.
        "months": (int, NoneType),
        "summary": str,
        "link": str,
        "source": str,
        "happened_on": str,
        "evidence_sha256": TEXT,
        "reply_until": TEXT,
        "derivation": (dict, NoneType),
    },
)
REPLIED = events.register(
    "credit.replied",
    _("The agency replied to ledger entry {entry}."),
    data={"entry": int, "decision_due": str, "derivation": dict},
    private={"text": str, "file_sha256": TEXT},
)
COUNTING: events.Shape = {
    "entry": int,
    "rule": str,
    "points": int,
    "effective_on": str,
    "expires_on": TEXT,
    "object_until": TEXT,
}
COUNTED = events.register(
    "credit.counted", _("Ledger entry {entry} counts from {effective_on}: {points} points."), data=COUNTING
)
CONFIRMED = events.register(
    "credit.confirmed",
    _("The reply was considered; ledger entry {entry} counts from {effective_on}: {points} points."),
    data=COUNTING,
    private={"reason": str},
)
DROPPED = events.register(
    "credit.dropped",
    _("Ledger entry {entry} was dropped; it never counted."),
    data={"entry": int},
    private={"reason": str},
)
VOIDED = events.register(
    "credit.voided",
    _("Ledger entry {entry} was struck out after an objection."),
    data={"entry": int},
    private={"reason": str},
)
REPAIRED = events.register(
    "credit.repaired",
    _("Ledger entry {entry} is repaired and counts no longer from {ended_on} on."),
    data={"entry": int, "ended_on": str},
    private={"reason": str},
)
PETITION_LODGED = {
    "objection": events.register(
        "credit.objection_lodged",
        _("The agency objects to ledger entry {entry}."),
        data={"entry": int, "petition": int, "due": str, "derivation": dict},
        private={"text": str, "file_sha256": TEXT},
    ),
    "repair": events.register(
        "credit.repair_asked",
        _("The agency applies for the repair of ledger entry {entry}."),
        data={"entry": int, "petition": int, "due": str, "derivation": dict},
        private={"text": str, "file_sha256": TEXT},
    ),
}
PETITION_GRANTED = events.register(
    "credit.petition_granted",
    _("The petition about ledger entry {entry} was granted."),
    data={"entry": int, "petition": int, "kind": str},
    private={"reason": str},
)
PETITION_REJECTED = events.register(
    "credit.petition_rejected",
    _("The petition about ledger entry {entry} was rejected."),
    data={"entry": int, "petition": int, "kind": str},
    private={"reason": str},
)
RECOUNTED = events.register(
    "credit.recounted",
    _("The credit score is {score} (before: {score_before}), stars: {stars}."),
    data={"on": str, "score": int, "stars": int, "score_before": int, "stars_before": int, "next_change": TEXT},
)
PENALTY: events.Shape = {
    "penalty": int,
    "rule": str,
    "basis": str,
    "entries": list,
    "cause": int,
    "until": TEXT,
}
IMPOSED = {
    "warning": events.register("credit.warned", _("Warning after ledger entry {cause}."), data=PENALTY),
    "suspension": events.register(
        "credit.suspension_imposed", _("Suspension imposed after ledger entry {cause}."), data=PENALTY
    ),
    "removal": events.register(
        "credit.removal_imposed", _("Removal imposed after ledger entry {cause}."), data=PENALTY
    ),
}
LIFTED = events.register(
    "credit.penalty_lifted",
    _("The penalty after ledger entry {cause} was lifted: an objection was granted."),
    data={"penalty": int, "kind": str, "cause": int, "suspended_until": TEXT},
    private={"reason": str},
)
SERVICE_DONE = events.register(
    "agency.service_done",
    _("Service done: {title}"),
    data={
        "item": str,
        "source": str,
        "title": str,
        "link": str,
        "finished_on": str,
        "quality": (int, NoneType),
    },
)
SERVICE_RATED = events.register(
    "agency.service_rated",
    _("The owner marked the quality of a service: {title} ({quality} of 5)"),
    data={"source": str, "title": str, "quality": int},
)

SUSPENDED = events.register(
    "agency.suspended", _("The agency is suspended."), data={"penalty": int, "until": str, "suspended_until": str}
)
SUSPENSION_ENDED = events.register("agency.suspension_ended", _("The suspension ended; the agency is active."))
RESUMED = events.register(
    "agency.resumed_on_commitment",
    _("The suspension ended; the agency is active on its commitment, and the clock for its documents begins anew."),
    data={"supply_due": str, "due": str, "derivation": dict},
)
REMOVED = events.register(
    "agency.removed",
    _("Public notice: the agency is removed from the marketplace. {reason}"),
    data={"penalty": int, "reason": str, "basis": str, "reentry_from": str, "derivation": dict},
)
REINSTATED = events.register(
    "agency.reinstated", _("The removal was lifted; the agency is reinstated."), data={"penalty": int}
)
WITHDRAWAL_RESTORED = events.register(
    "agency.withdrawal_restored",
    _("The removal was lifted; the agency has left by its own will as before."),
    data={"penalty": int},
)
REOPENED = events.register(
    "agency.entry_reopened",
    _("The removal was lifted; the entry is in the agency's own hands and is checked again."),
    data={"penalty": int},
)
BARRED = events.register(
    "agency.entry_barred",
    _("The agency is not in the marketplace; it may not enter before the end of its ban."),
    data={"penalty": int, "reentry_from": str, "derivation": (dict, NoneType)},
)
WITHDRAWN = events.register(
    "agency.withdrawn", _("The agency has left the marketplace by its own will."), private={"reason": str}
)
BEGUN_AGAIN = events.register("agency.entry_begun_again", _("The agency began a new entry."))

NOTE_ENTERED = notifications.register(
    "credit.entered",
    _("Ledger entry about your agency: right of reply until {until}"),
    _("{name}: {summary} ({points} points). You can reply until {until}; before that the entry does not count."),
)
NOTE_MERIT = notifications.register(
    "credit.merit", _("A merit was entered in your credit ledger"), _("{name}: {summary} (+{points} points).")
)
NOTE_REPLIED = notifications.register(
    "credit.replied",
    _("Reply to a ledger entry: {name}"),
    _("{name} has replied to “{summary}”. Somebody other than the maker of the entry decides by {due}."),
)
NOTE_COUNTED = notifications.register(
    "credit.counted",
    _("A ledger entry counts now"),
    _("{name}: “{summary}” counts from {day} with {points} points. You can object until {until}."),
)
NOTE_DROPPED = notifications.register(
    "credit.dropped", _("A ledger entry was dropped"), _("{name}: “{summary}” was dropped and never counted.")
)
NOTE_PETITION = notifications.register(
    "credit.petition",
    _("Petition about a ledger entry: {name}"),
    _("{name} has lodged a petition about “{summary}”. It is to be decided by {due}."),
)
NOTE_GRANTED = notifications.register(
    "credit.petition_granted",
    _("Your petition was granted"),
    _("{name}: the petition about “{summary}” was granted."),
)
NOTE_REJECTED = notifications.register(
    "credit.petition_rejected",
    _("Your petition was rejected"),
    _("{name}: the petition about “{summary}” was rejected. Reason: {reason}"),
)
NOTE_WARNED = notifications.register("credit.warned", _("Warning"), _("{name} is warned: {reason}."))
NOTE_SUSPENDED = notifications.register(
    "agency.suspended", _("Your agency is suspended"), _("{name} is suspended until {until}: {reason}.")
)
NOTE_REMOVED = notifications.register(
    "agency.removed", _("Removed from the marketplace: {name}"), _("{name} is removed: {reason}.")
)
NOTE_BARRED = notifications.register(
    "agency.entry_barred",
    _("No entry before the end of a ban"),
    _("{name} may not enter the marketplace before {until}: {reason}."),
)
NOTE_LIFTED = notifications.register(
    "credit.penalty_lifted", _("A penalty was lifted"), _("{name}: the penalty “{rule}” was lifted.")
)
NOTE_RESUMED = notifications.register(
    "agency.suspension_ended", _("The suspension has ended"), _("{name} may sign up for services again.")
)
NOTE_WITHDRAWN = notifications.register(
    "agency.withdrawn", _("An agency has left: {name}"), _("{name} has left the marketplace by its own will.")
)


def iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def tell_agency(agency: Agency, event: Event, kind: str, params: dict[str, Any], *, at: datetime) -> None:
    """One letter to each member about the ledger."""
    _tell(accounts.members(agency.organisation), agency, event, kind, params, at, reverse("agency_credit"))


def tell_office(
    agency: Agency, event: Event, kind: str, params: dict[str, Any], *, at: datetime, entry: CreditEntry | None = None
) -> None:
    """One letter to everybody in the office who does not belong to the agency."""
    people: QuerySet[User] = accounts.staff(Organisation.Kind.OFFICE).exclude(
        memberships__organisation=agency.organisation
    )
    link = reverse("office_credit_entry", args=[entry.pk]) if entry else reverse("agency_ledger", args=[agency.code])
    _tell(people, agency, event, kind, params, at, link)


def tell_supervisor(agency: Agency, event: Event, kind: str, params: dict[str, Any], *, at: datetime) -> None:
    people = accounts.staff(Organisation.Kind.SUPERVISOR)
    _tell(people, agency, event, kind, params, at, reverse("agency_ledger", args=[agency.code]))


def _tell(
    people: QuerySet[User], agency: Agency, event: Event, kind: str, params: dict[str, Any], at: datetime, link: str
) -> None:
    key = f"{stream_of(agency)}:{event.seq}"
    notifications.notify(people, kind, {"name": agency.name, **params}, key=key, at=at, link=link)
