"""What can happen around an entry, beside its form check: documents, people, commitment first, pre-check, objections.

Names of people, ends of identity numbers, questions, remarks and reasons are private; the public log says that
something happened.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace import events, notifications
from marketplace.models import Event, User

from .journal import stream_of
from .models import Agency

DOCUMENTS_SUPPLIED = events.register(
    "agency.documents_kept",
    _("Documents of the agency were entered: {count}."),
    data={"count": int, "kinds": list},
    private={"sha256": list},
)

# {"name", "hint"} of each person, in the order of the public pks.
PEOPLE: events.Shape = {"people": list}
PRACTITIONERS_ADDED = events.register(
    "agency.practitioners_added",
    _("Practitioners were entered: {count}."),
    data={"count": int, "people": list},
    private=PEOPLE,
)
PRACTITIONER_UPDATED = events.register(
    "agency.practitioner_updated",
    _("The entry of a practitioner was changed."),
    data={"person": int, "fields": list},
    private=PEOPLE,
)
PRACTITIONER_REMOVED = events.register(
    "agency.practitioner_removed",
    _("A practitioner was taken off the list."),
    data={"person": int},
    private=PEOPLE,
)
PRACTITIONER_RELEASED = events.register(
    "agency.practitioner_released",
    _("The office ended the registration of a practitioner."),
    data={"person": int},
    private={**PEOPLE, "reason": str},
)
AGENTS_ADDED = events.register(
    "agency.agents_added",
    _("Authorised agents were entered: {count}."),
    data={"count": int, "people": list},
    private=PEOPLE,
)
AGENT_UPDATED = events.register(
    "agency.agent_updated",
    _("The entry of an authorised agent was changed."),
    data={"person": int, "fields": list},
    private=PEOPLE,
)
AGENT_REMOVED = events.register(
    "agency.agent_removed",
    _("An authorised agent was taken off the list."),
    data={"person": int},
    private=PEOPLE,
)

# ---------- commitment first ----------

ENTERED_ON_COMMITMENT = events.register(
    "agency.entered_on_commitment",
    _("The agency entered on commitment; it is active, and its documents are checked afterwards."),
    data={
        "code": str,
        "name": str,
        "origin": str,
        "items": list,
        "supply_due": str,
        "documents_due": str,
        "derivation": dict,
        "publicity_until": str,
        "publicity_derivation": dict,
    },
)
DOCUMENTS_SENT = events.register(
    "agency.documents_supplied", _("The documents were supplied for their check."), data={"documents_due": str}
)
DOCUMENTS_RETURNED = events.register(
    "agency.documents_returned",
    _("The documents were returned for supplement; all defects were named at once: {defects}."),
    data={"defects": int, "supply_due": str, "documents_due": str, "derivation": dict},
    private={"defects": list},
)
DOCUMENTS_CONFIRMED = events.register(
    "agency.documents_confirmed", _("The documents were checked; the commitment is kept.")
)
COMMITMENT_LAPSED = events.register(
    "agency.commitment_lapsed",
    _("The documents were not supplied in time; the entry falls back to the form check."),
    data={"defects": int},
    private={"defects": list},
)

# ---------- pre-check ----------

PRECHECK_ASKED = events.register(
    "agency.precheck_asked",
    _("A pre-check of the papers was asked for."),
    data={"precheck": int, "due": str, "derivation": dict},
    private={"question": str},
)
PRECHECK_ANSWERED = events.register(
    "agency.precheck_answered",
    _("The pre-check was answered; remarks: {remarks}."),
    data={"precheck": int, "remarks": int},
    private={"remarks": list},
)

# ---------- publicity ----------

OBJECTION_LODGED = events.register(
    "agency.objection_lodged",
    _("An objection against the entry was lodged."),
    data={"objection": int, "due": str, "derivation": dict},
    private={"text": str, "evidence_sha256": (str, type(None))},
)
OBJECTION_UPHELD = events.register(
    "agency.objection_upheld",
    _("An objection against the entry was upheld."),
    data={"objection": int},
    private={"reason": str},
)
OBJECTION_DISMISSED = events.register(
    "agency.objection_dismissed",
    _("An objection against the entry was dismissed."),
    data={"objection": int},
    private={"reason": str},
)
RETURNED_FROM_PUBLICITY = events.register(
    "agency.returned_from_publicity",
    _("After an objection the entry was returned for supplement."),
    data={"defects": int},
    private={"defects": list},
)
REFUSED_FROM_PUBLICITY = events.register(
    "agency.refused_from_publicity", _("After an objection the entry was refused."), private={"reason": str}
)

# ---------- letters ----------

NOTE_RELEASED = notifications.register(
    "agency.practitioner_released",
    _("The office ended the registration of a practitioner"),
    _("{person} is no longer registered as a practitioner of {name}. Reason: {reason}"),
)
NOTE_COMMITTED = notifications.register(
    "agency.entered_on_commitment",
    _("Your agency is active on commitment"),
    _("{name} is active. Supply all documents by {due}; they are checked afterwards."),
)
NOTE_COMMITTED_OFFICE = notifications.register(
    "agency.entered_on_commitment.office",
    _("Entered on commitment: {name}"),
    _("{name} has entered on commitment. Its documents come by {supply}; their check is due by {due}."),
)
NOTE_DOCUMENTS = notifications.register(
    "agency.documents_supplied",
    _("Documents to check: {name}"),
    _("{name} has supplied the documents it had promised. Their check is due by {due}."),
)
NOTE_DOCUMENTS_RETURNED = notifications.register(
    "agency.documents_returned",
    _("Your documents were returned for supplement"),
    _(
        "The documents of {name} need a supplement by {due}. All defects, {count} in number, are named on the entry page."
    ),
)
NOTE_CONFIRMED = notifications.register(
    "agency.documents_confirmed",
    _("Your documents were checked"),
    _("The documents of {name} were checked; the commitment is kept and nothing more is needed."),
)
NOTE_LAPSED = notifications.register(
    "agency.commitment_lapsed",
    _("Your entry on commitment has lapsed"),
    _(
        "The documents of {name} were not supplied in time. It is not active any more; complete the entry and submit it for the form check."
    ),
)
NOTE_LAPSED_OFFICE = notifications.register(
    "agency.commitment_lapsed.office",
    _("Commitment lapsed: {name}"),
    _("{name} did not supply its documents in time; its entry fell back to the form check."),
)
NOTE_PRECHECK = notifications.register(
    "agency.precheck_asked",
    _("Pre-check asked: {name}"),
    _("{name} asks for a pre-check of its papers. The answer is due by {due}."),
)
NOTE_PRECHECK_ANSWERED = notifications.register(
    "agency.precheck_answered",
    _("Your pre-check was answered"),
    _("The office has looked at the papers of {name}. Remarks: {count}; they stand on the entry page."),
)
NOTE_OBJECTION = notifications.register(
    "agency.objection_lodged",
    _("An objection was lodged against your entry"),
    _("Somebody objects to the entry of {name}. The office decides by {due}; you are told the result."),
)
NOTE_OBJECTION_OFFICE = notifications.register(
    "agency.objection_lodged.office",
    _("Objection to decide: {name}"),
    _("An objection against the entry of {name} was lodged. It is due by {due}."),
)
NOTE_OBJECTION_UPHELD = notifications.register(
    "agency.objection_upheld",
    _("An objection against your entry was upheld"),
    _("An objection against the entry of {name} was upheld. Reason: {reason}"),
)
NOTE_OBJECTION_DISMISSED = notifications.register(
    "agency.objection_dismissed",
    _("An objection against your entry was dismissed"),
    _("An objection against the entry of {name} was dismissed. Reason: {reason}"),
)
NOTE_YOURS_UPHELD = notifications.register(
    "agency.objection_upheld.lodged",
    _("Your objection was upheld"),
    _("Your objection against the entry of {name} was upheld. Reason: {reason}"),
)
NOTE_YOURS_DISMISSED = notifications.register(
    "agency.objection_dismissed.lodged",
    _("Your objection was dismissed"),
    _("Your objection against the entry of {name} was dismissed. Reason: {reason}"),
)


def tell(person: User, agency: Agency, event: Event, kind: str, params: dict[str, Any], *, at: datetime) -> None:
    """One letter to a person outside the agency about this event."""
    notifications.notify(
        [person],
        kind,
        {"name": agency.name, **params},
        key=f"{stream_of(agency)}:{event.seq}",
        at=at,
        link=reverse("agency_detail", args=[agency.code]),
    )
