"""What can happen to an agency, as events of the stream `agency:<credit code>`, and the letters about it.

The stream opens to the public together with the publicity of the entry; what is personal, and what a reviewer found
fault with, is private from the first event on.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace import accounts, events, notifications
from marketplace.clock import SHANGHAI
from marketplace.models import Event, Organisation, Stream, User

from .models import Agency

NoneType = type(None)

REGISTERED = events.register(
    "agency.registered",
    _("{name} began its entry."),
    data={"code": str, "name": str, "origin": str},
    private={"legal_representative": str, "contact_name": str, "contact_phone": str, "contact_email": str},
)
DATA_UPDATED = events.register(
    "agency.data_updated",
    _("The basic data were changed."),
    data={"fields": list},
    private={"values": dict},
)
ITEMS_CHANGED = events.register(
    "agency.items_changed",
    _("The list of service items was changed."),
    data={"added": list, "removed": list},
)
CERTIFICATE: events.Shape = {
    "kind": str,
    "name": str,
    "number": str,
    "level": str,
    "field": str,
    "valid_from": str,
    "valid_until": (str, NoneType),
    "practitioners": int,
    "certificate_sha256": (str, NoneType),
    # [[item code, number of the requirement's group], …]
    "meets": list,
}
QUALIFICATION_ADDED = events.register(
    "agency.qualification_added", _("Certificate entered: {name} {number}."), data=CERTIFICATE
)
QUALIFICATION_UPDATED = events.register(
    "agency.qualification_updated", _("Certificate changed: {name} {number}."), data=CERTIFICATE
)
QUALIFICATION_REMOVED = events.register(
    "agency.qualification_removed",
    _("Certificate removed: {name} {number}."),
    data={"kind": str, "name": str, "number": str},
)
COMMITMENT_SIGNED = events.register(
    "agency.commitment_signed",
    _("The letter of commitment was signed."),
    data={"letter": str},
)
SUBMITTED = events.register(
    "agency.submitted",
    _("The entry was submitted for the form check."),
    data={"form_check_due": str, "derivation": dict},
)
RETURNED = events.register(
    "agency.returned",
    _("The entry was returned for supplement; all defects were named at once: {defects}."),
    data={"defects": int},
    private={"defects": list},
)
APPROVED = events.register(
    "agency.approved",
    _("The form check was passed and the publicity of the entry began."),
    data={"code": str, "name": str, "origin": str, "items": list, "publicity_until": str, "derivation": dict},
)
REFUSED = events.register("agency.refused", _("The entry was refused."), private={"reason": str})
ENTERED = events.register("agency.entered", _("The publicity ended; the agency is active."))

NOTE_SUBMITTED = notifications.register(
    "agency.submitted",
    _("Entry to check: {name}"),
    _("{name} has submitted its entry. The form check is due by {due}."),
)
NOTE_RETURNED = notifications.register(
    "agency.returned",
    _("Your entry was returned for supplement"),
    _("The entry of {name} needs a supplement. All defects, {count} in number, are named on the entry page."),
)
NOTE_APPROVED = notifications.register(
    "agency.approved",
    _("Your entry passed the form check"),
    _("The entry of {name} is in publicity until {until}. After that the agency is active by itself."),
)
NOTE_REFUSED = notifications.register(
    "agency.refused", _("Your entry was refused"), _("The entry of {name} was refused. Reason: {reason}")
)
NOTE_ENTERED = notifications.register(
    "agency.entered",
    _("Your agency is active"),
    _("The publicity of {name} has ended. It may now sign up for the services it is entitled to."),
)


def plain_due(moment: datetime) -> str:
    """A deadline for letters, the same in every language; the end of a day is its 24:00."""
    local = moment.astimezone(SHANGHAI)
    if local.time() == time(0):
        return f"{local.date() - timedelta(days=1)} 24:00"
    return local.strftime("%Y-%m-%d %H:%M")


def stream_of(agency: Agency) -> str:
    return agency.stream_name()


def open_private(agency: Agency) -> None:
    events.open_stream(stream_of(agency), public=False)


def make_public(agency: Agency) -> None:
    """From the publicity on everybody may read the agency's log, from its first event."""
    Stream.objects.filter(name=stream_of(agency)).update(is_public=True)


def note(
    agency: Agency,
    kind: str,
    data: dict[str, Any],
    *,
    actor: User | None,
    at: datetime,
    private: dict[str, Any] | None = None,
) -> Event:
    """Record an act that moves no state."""
    return events.record(stream_of(agency), kind, data, actor=actor, at=at, private=private)


def tell_members(agency: Agency, event: Event, kind: str, params: dict[str, Any], *, at: datetime) -> None:
    """One letter to each member of the agency about this event."""
    notifications.notify(
        accounts.members(agency.organisation),
        kind,
        {"name": agency.name, **params},
        key=f"{stream_of(agency)}:{event.seq}",
        at=at,
        link=reverse("agency_entry"),
    )


def tell_office(agency: Agency, event: Event, kind: str, params: dict[str, Any], *, at: datetime) -> None:
    """One letter to everybody in the office, without those who belong to the agency and may not check it."""
    office: QuerySet[User] = accounts.staff(Organisation.Kind.OFFICE).exclude(
        memberships__organisation=agency.organisation
    )
    notifications.notify(
        office,
        kind,
        {"name": agency.name, **params},
        key=f"{stream_of(agency)}:{event.seq}",
        at=at,
        link=reverse("office_check", args=[agency.code]),
    )
