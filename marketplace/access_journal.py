"""Who has access to an organisation, as events of its stream, and the letters about it.

The stream of an agency or an owner may be public: names, reasons and who is meant stay in the private part.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from . import accounts, events, notifications
from .models import Event, Membership, Organisation, User

PERSON: events.Shape = {"member": int, "full_name": str}

INVITED = events.register(
    "access.invited",
    _("A person was invited to act for the organisation."),
    data={"invitation": int, "role": str, "expires_at": str},
    private={"full_name": str, "email": str},
)
JOINED = events.register(
    "access.joined",
    _("An invited person began to act for the organisation."),
    data={"invitation": int, "role": str},
    private=PERSON,
)
INVITATION_CANCELLED = events.register(
    "access.invitation_cancelled", _("An invitation was cancelled."), data={"invitation": int}
)
MEMBER_REMOVED = events.register(
    "access.member_removed",
    _("A person no longer acts for the organisation."),
    data={"role": str},
    private=PERSON,
)
ROLE_CHANGED = events.register(
    "access.role_changed",
    _("The role of a person was changed."),
    data={"old": str, "new": str},
    private=PERSON,
)
CLAIMED = events.register(
    "access.claimed",
    _("Somebody asked for access to the organisation; the office decides."),
    data={"claim": int, "due": str, "derivation": dict},
    private={"member": int, "full_name": str, "text": str, "proof_sha256": str},
)
CLAIM_GRANTED = events.register(
    "access.claim_granted",
    _("The office granted access to the organisation."),
    data={"claim": int, "role": str},
    private={"member": int, "full_name": str, "reason": str},
)
CLAIM_REFUSED = events.register(
    "access.claim_refused",
    _("The office refused access to the organisation."),
    data={"claim": int},
    private={"member": int, "full_name": str, "reason": str},
)

NOTE_INVITED = notifications.register(
    "access.invited",
    _("You are invited to act for {name}"),
    _(
        "A manager of {name} invites you to act for it. Ask him for the link of the invitation; it is valid until "
        "{until}. If you do not know of it, do nothing."
    ),
)
NOTE_JOINED = notifications.register(
    "access.joined", _("{person} now acts for {name}"), _("{person} accepted your invitation and acts for {name}.")
)
NOTE_REMOVED = notifications.register(
    "access.member_removed",
    _("You no longer act for {name}"),
    _("A manager of {name} ended your access. What you did for it stays on record."),
)
NOTE_ROLE = notifications.register(
    "access.role_changed",
    _("Your role at {name} was changed"),
    _("A manager of {name} changed your role. Your desk shows what it opens."),
)
NOTE_CLAIM = notifications.register(
    "access.claim_to_decide",
    _("Access claim to decide: {name}"),
    _("Somebody asks for access to {name}. The decision is due by {due}."),
)
NOTE_CLAIM_MANAGERS = notifications.register(
    "access.claimed",
    _("Somebody asks for access to {name}"),
    _(
        "{person} asks the office to become a manager of {name}. If this is not in order, tell the office before {due}."
    ),
)
NOTE_CLAIM_GRANTED = notifications.register(
    "access.claim_granted",
    _("You now act for {name}"),
    _("The office granted your claim: you are a manager of {name}."),
)
NOTE_CLAIM_REFUSED = notifications.register(
    "access.claim_refused",
    _("Your claim of access was refused"),
    _("The office refused your claim of access to {code}. Reason: {reason}"),
)
NOTE_NEW_MANAGER = notifications.register(
    "access.new_manager",
    _("{name} has a new manager"),
    _("The office granted a claim of access: {person} is now a manager of {name}."),
)


def stream_of(organisation: Organisation) -> str:
    return f"{organisation.kind}:{organisation.code}"


def note(
    organisation: Organisation,
    kind: str,
    data: dict[str, Any],
    *,
    actor: User | None,
    at: datetime,
    private: dict[str, Any] | None = None,
    anonymous: bool = False,
) -> Event:
    """Record an act in the organisation's stream, which begins closed to the public."""
    events.open_stream(stream_of(organisation), public=False)
    return events.record(
        stream_of(organisation), kind, data, actor=actor, at=at, private=private, anonymous=anonymous
    )


def managers(organisation: Organisation) -> QuerySet[User]:
    """Its managers who can log in."""
    found = Membership.objects.filter(organisation=organisation, role=Membership.Role.MANAGER)
    return User.objects.filter(pk__in=found.values("user"), is_active=True)


def independent_office(organisation: Organisation, claimant: User) -> QuerySet[User]:
    """Everybody in the office who may decide about this organisation's case."""
    inside = Membership.objects.filter(organisation=organisation).values("user")
    return accounts.staff(Organisation.Kind.OFFICE).exclude(pk__in=inside).exclude(pk=claimant.pk)
