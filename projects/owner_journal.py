"""What can happen to a project owner, as events of the stream `owner:<code>`, and the letters about it.

The stream of a public body or an enterprise opens to everybody with its approval; a natural person's never does. What
is personal, and what a reviewer found fault with, is private in both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from agencies.journal import plain_due
from marketplace import accounts, events, notifications
from marketplace.models import Event, Membership, Organisation, User

from .models import OwnerEntry

# The name is public of bodies and enterprises only: `optional`, and always in the private part.
NAME: events.Shape = {"name": str}

REGISTERED = events.register(
    "owner.registered",
    _("The entry of the owner was begun."),
    data={"code": str, "nature": str},
    optional=NAME,
    private={"name": str, "contact_name": str, "contact_phone": str, "contact_email": str},
)
DATA_UPDATED = events.register(
    "owner.data_updated", _("The data of the owner were changed."), data={"fields": list}, private={"values": dict}
)
FILE_PUT = events.register(
    "owner.file_put", _("A document of the owner was handed in."), data={"kind": str}, private={"sha256": str}
)
SUBMITTED = events.register(
    "owner.submitted",
    _("The entry of the owner was submitted for the check."),
    data={"check_due": str, "derivation": dict},
)
RETURNED = events.register(
    "owner.returned",
    _("The entry of the owner was returned for supplement; all defects were named at once: {defects}."),
    data={"defects": int},
    private={"defects": list},
)
APPROVED = events.register(
    "owner.approved",
    _("The entry of the owner was approved; it may publish tasks."),
    data={"code": str, "nature": str},
    optional=NAME,
)
REFUSED = events.register("owner.refused", _("The entry of the owner was refused."), private={"reason": str})
WITHDRAWN = events.register("owner.withdrawn", _("The owner left the marketplace."))
BEGUN_AGAIN = events.register("owner.entry_begun_again", _("The owner began its entry again."))
CHANGE_SUBMITTED = events.register(
    "owner.change_submitted",
    _("A change of the owner's data was submitted for the check."),
    data={"change": int, "fields": list, "check_due": str, "derivation": dict},
    private={"difference": list, "proof_sha256": str},
)
CHANGE_APPROVED = events.register(
    "owner.change_approved",
    _("A change of the owner's data took effect."),
    data={"change": int, "fields": list},
    optional=NAME,
    private={"difference": list},
)
CHANGE_REFUSED = events.register(
    "owner.change_refused",
    _("A change of the owner's data was refused."),
    data={"change": int},
    private={"reason": str},
)
CHANGE_WITHDRAWN = events.register(
    "owner.change_withdrawn", _("A change of the owner's data was withdrawn."), data={"change": int}
)

NOTE_SUBMITTED = notifications.register(
    "owner.submitted",
    _("Owner to check: {name}"),
    _("{name} has submitted its entry as a project owner. The check is due by {due}."),
)
NOTE_RETURNED = notifications.register(
    "owner.returned",
    _("Your entry as an owner was returned for supplement"),
    _("The entry of {name} needs a supplement. All defects, {count} in number, are named on the entry page."),
)
NOTE_APPROVED = notifications.register(
    "owner.approved",
    _("Your entry as an owner is approved"),
    _("{name} is a project owner of the marketplace now and may publish tasks."),
)
NOTE_REFUSED = notifications.register(
    "owner.refused",
    _("Your entry as an owner was refused"),
    _("The entry of {name} was refused. Reason: {reason}"),
)
NOTE_WITHDRAWN = notifications.register(
    "owner.withdrawn", _("{name} left the marketplace"), _("{name} is no longer a project owner here.")
)
NOTE_CHANGE_SUBMITTED = notifications.register(
    "owner.change_submitted",
    _("Change to check: {name}"),
    _("The owner {name} has submitted a change of its data. The check is due by {due}."),
)
NOTE_CHANGE_APPROVED = notifications.register(
    "owner.change_approved",
    _("Your change took effect"),
    _("The change of the data of {name} is checked and in effect."),
)
NOTE_CHANGE_REFUSED = notifications.register(
    "owner.change_refused",
    _("Your change was refused"),
    _("The change of the data of {name} was refused. Reason: {reason}"),
)


def public_name(entry: OwnerEntry) -> dict[str, str]:
    """The name for the public part of an event; nothing of a natural person."""
    organisation = entry.organisation
    return {} if organisation.nature == Organisation.Nature.PERSON else {"name": organisation.name}


def note(
    entry: OwnerEntry,
    kind: str,
    data: dict[str, Any],
    *,
    actor: User | None,
    at: datetime,
    private: dict[str, Any] | None = None,
) -> Event:
    """Record an act that moves no state."""
    return events.record(entry.stream_name(), kind, data, actor=actor, at=at, private=private)


def tell_members(entry: OwnerEntry, event: Event, kind: str, params: dict[str, Any], *, at: datetime) -> None:
    """One letter to each person of the owner about this event."""
    notifications.notify(
        accounts.members(entry.organisation),
        kind,
        {"name": entry.organisation.name, **params},
        key=f"{entry.stream_name()}:{event.seq}",
        at=at,
        link=reverse("owner_entry"),
    )


def tell_office(entry: OwnerEntry, event: Event, kind: str, due: datetime, link: str, *, at: datetime) -> None:
    """One letter to everybody in the office, without those who belong to the owner and may not check it."""
    inside = Membership.objects.filter(organisation=entry.organisation).values("user")
    notifications.notify(
        accounts.staff(Organisation.Kind.OFFICE).exclude(pk__in=inside),
        kind,
        {"name": entry.organisation.name, "due": plain_due(due)},
        key=f"{entry.stream_name()}:{event.seq}",
        at=at,
        link=link,
    )
