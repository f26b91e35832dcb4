"""Access to an organisation: invitations, members and their roles. Claims of access are in `access_claims`.

Agencies and owners look after their people themselves. An invitation is a one-time code that is shown once; only its
keyed digest is kept.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from . import access_journal as journal
from . import accounts, notifications, vault
from .clock import iso_micros
from .deadlines import deadline
from .errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text
from .models import Invitation, Membership, Organisation, User
from .templatetags.ui import datetime_text

Kind, Role = Organisation.Kind, Membership.Role
# Whom a manager may invite. An agency's delegate is its authorised agent 业务授权人, an owner's its 采购受托人.
INVITABLE: dict[str, tuple[str, ...]] = {Kind.AGENCY: (Role.DELEGATE,), Kind.OWNER: (Role.DELEGATE, Role.MANAGER)}
ROLES = (Role.MANAGER, Role.DELEGATE)
PURPOSE = "invitation"
CODE_BYTES = 24


def own_memberships(user: User | None) -> list[Membership]:
    """The agencies and owners a person acts for, also while their entry is not approved yet."""
    if user is None or not user.is_authenticated:
        return []
    found = user.memberships.select_related("organisation").filter(organisation__kind__in=list(INVITABLE))
    return list(found.order_by("pk"))


def manages(user: User | None, organisation: Organisation) -> bool:
    return (
        user is not None
        and user.is_authenticated
        and organisation.kind in INVITABLE
        and Membership.objects.filter(user=user, organisation=organisation, role=Role.MANAGER).exists()
    )


def _demand_manager(actor: User | None, organisation: Organisation) -> User:
    if actor is None or not manages(actor, organisation):
        raise NotAllowed("not_manager", _("Only a manager of the organisation decides who acts for it."))
    return actor


def acts_elsewhere(user: User, organisation: Organisation) -> RuleBroken | None:
    """One person serves one agency; and one owner, so that nobody buys for the wrong unit by mistake."""
    others = user.memberships.filter(organisation__kind=organisation.kind, organisation__is_active=True)
    if not others.exclude(organisation=organisation).exists():
        return None
    if organisation.kind == Kind.AGENCY:
        sentence = _("Your account acts for an agency already; one person serves one agency.")
        return RuleBroken("one_agency_each", sentence)
    return RuleBroken(
        "one_owner_each",
        _("Your account acts for another project owner already."),
        remedy=_("Use an account of its own for each owner."),
    )


# ---------- invitations ----------


def digest(code: str) -> str:
    return vault.keyed_digest(code, purpose=PURPOSE)


def _invitation_faults(organisation: Organisation, full_name: str, email: str, role: str) -> dict[str, list[Text]]:
    faults: dict[str, list[Text]] = {}
    if not full_name:
        faults["full_name"] = [_("This entry is needed.")]
    for field, value in (("full_name", full_name), ("email", email)):
        limit = int(getattr(Invitation._meta.get_field(field), "max_length", 0))
        if len(value) > limit:
            faults[field] = [_("At most {limit} characters.").format(limit=limit)]
    if email and "email" not in faults:
        try:
            validate_email(email)
        except ValidationError:
            faults["email"] = [_("This is not an e-mail address.")]
    if role not in INVITABLE[organisation.kind]:
        faults["role"] = [_("Choose one of the roles.")]
    return faults


@transaction.atomic
def invite(
    organisation: Organisation, full_name: str, email: str, role: str, *, actor: User | None, at: datetime
) -> tuple[Invitation, str]:
    """Invite a person; returns the invitation and its code, which nobody can read again.

    An account with this e-mail is told that there is an invitation, never its code: addresses are not verified, so
    the manager hands over the link himself. Raises NotAllowed, FieldErrors(full_name, email, role).
    """
    manager = _demand_manager(actor, organisation)
    full_name, email = full_name.strip(), email.strip()
    if faults := _invitation_faults(organisation, full_name, email, role):
        raise FieldErrors(faults)
    code = secrets.token_urlsafe(CODE_BYTES)
    expires = deadline("invitation.valid", at).due
    invitation = Invitation.objects.create(
        organisation=organisation,
        role=role,
        full_name=full_name,
        email=email,
        code_digest=digest(code),
        invited_by=manager,
        invited_at=at,
        expires_at=expires,
    )
    event = journal.note(
        organisation,
        journal.INVITED,
        {"invitation": invitation.pk, "role": role, "expires_at": iso_micros(expires)},
        actor=manager,
        at=at,
        private={"full_name": full_name, "email": email},
    )
    known = list(User.objects.filter(email__iexact=email, is_active=True)[:2]) if email else []
    if len(known) == 1:
        notifications.notify(
            known,
            journal.NOTE_INVITED,
            {"name": organisation.name, "until": datetime_text(expires, end_of_day=True)},
            key=f"{journal.stream_of(organisation)}:{event.seq}",
            at=at,
        )
    return invitation, code


def find_invitation(code: str) -> Invitation | None:
    found = Invitation.objects.filter(code_digest=digest(code))
    return found.select_related("organisation", "invited_by").first()


def why_not_accept(invitation: Invitation, actor: User | None, at: datetime) -> DomainError | None:
    """Why this person cannot accept it now, or None. The codes: invitation_used, _cancelled, _expired, is_member,
    one_agency_each, one_owner_each."""
    if invitation.accepted_at is not None:
        return RuleBroken("invitation_used", _("This invitation was used already."))
    if invitation.cancelled_at is not None:
        return RuleBroken("invitation_cancelled", _("This invitation was cancelled."), remedy=_ASK_AGAIN)
    if at >= invitation.expires_at:
        return RuleBroken("invitation_expired", _("This invitation is no longer valid."), remedy=_ASK_AGAIN)
    if actor is None:
        return NotAllowed("login", _("Log in to accept the invitation."))
    if actor.memberships.filter(organisation=invitation.organisation_id).exists():
        return RuleBroken("is_member", _("You act for this organisation already."))
    return acts_elsewhere(actor, invitation.organisation)


_ASK_AGAIN = _("Ask the manager for a new one.")


@transaction.atomic
def accept_invitation(code: str, *, actor: User | None, at: datetime) -> Membership:
    """Begin to act for the organisation. Raises RuleBroken, NotAllowed; nothing has changed then."""
    found = find_invitation(code)
    if found is None:
        raise RuleBroken("invitation_unknown", _("There is no such invitation."), remedy=_ASK_AGAIN)
    if actor is not None:
        # Two invitations of two agencies accepted in the same moment meet here.
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    invitation = Invitation.objects.select_for_update(no_key=True, of=("self",)).get(pk=found.pk)
    refusal = why_not_accept(invitation, actor, at)
    if refusal is not None:
        raise refusal
    assert actor is not None
    organisation = found.organisation
    membership = Membership.objects.create(user=actor, organisation=organisation, role=invitation.role)
    invitation.accepted_by, invitation.accepted_at = actor, at
    invitation.save(update_fields=["accepted_by", "accepted_at"])
    accounts.forget(actor)
    for path in settings.ON_JOINING:
        import_string(path)(organisation, actor, invitation.full_name)
    event = journal.note(
        organisation,
        journal.JOINED,
        {"invitation": invitation.pk, "role": invitation.role},
        actor=actor,
        at=at,
        private=person_facts(actor),
    )
    notifications.notify(
        [found.invited_by],
        journal.NOTE_JOINED,
        {"name": organisation.name, "person": actor.get_full_name()},
        key=f"{journal.stream_of(organisation)}:{event.seq}",
        at=at,
        link=members_url(organisation),
    )
    return membership


@transaction.atomic
def cancel_invitation(invitation: Invitation, *, actor: User | None, at: datetime) -> Invitation:
    """Raises NotAllowed, or RuleBroken when it was accepted; cancelling again changes nothing."""
    manager = _demand_manager(actor, invitation.organisation)
    row = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    if row.accepted_at is not None:
        raise RuleBroken("invitation_used", _("This invitation was used already."))
    if row.cancelled_at is None:
        row.cancelled_at = at
        row.save(update_fields=["cancelled_at"])
        data = {"invitation": row.pk}
        journal.note(invitation.organisation, journal.INVITATION_CANCELLED, data, actor=manager, at=at)
    return row


def open_invitations(organisation: Organisation) -> list[Invitation]:
    """Neither accepted nor cancelled, newest first; one may have expired."""
    return list(organisation.invitations.filter(accepted_at=None, cancelled_at=None))


# ---------- members ----------


def person_facts(user: User) -> dict[str, Any]:
    return {"member": user.pk, "full_name": user.get_full_name()}


def members_url(organisation: Organisation) -> str:
    return f"{reverse('organisation_members')}?of={organisation.code}"


def why_not_last_manager(membership: Membership) -> RuleBroken | None:
    """A refusal when nobody else could look after the organisation."""
    others = journal.managers(membership.organisation).exclude(pk=membership.user_id)
    if membership.role != Role.MANAGER or others.exists():
        return None
    return RuleBroken(
        "last_manager",
        _("The organisation would be left without a manager."),
        remedy=_("Make another person its manager first."),
    )


def _locked_membership(membership: Membership) -> Membership:
    """As it stands now; the organisation's row is locked, so that two managers cannot remove each other."""
    Organisation.objects.select_for_update(no_key=True).get(pk=membership.organisation_id)
    row = Membership.objects.select_related("user", "organisation").filter(pk=membership.pk).first()
    if row is None:
        raise RuleBroken("no_member", _("This person does not act for the organisation any more."))
    return row


def _cancel_invitations_of(user: User, organisation: Organisation, at: datetime) -> None:
    """Who is no longer a manager has nobody join through codes that he gave out."""
    given = organisation.invitations.filter(invited_by=user, accepted_at=None, cancelled_at=None)
    given.update(cancelled_at=at)


@transaction.atomic
def remove_member(membership: Membership, *, actor: User | None, at: datetime) -> None:
    """End a person's access, by a manager or by the person. Raises NotAllowed, RuleBroken(last_manager, no_member)."""
    row = _locked_membership(membership)
    organisation, person = row.organisation, row.user
    leaving = actor is not None and actor.pk == person.pk and organisation.kind in INVITABLE
    if not leaving:
        _demand_manager(actor, organisation)
    if refusal := why_not_last_manager(row):
        raise refusal
    event = journal.note(
        organisation, journal.MEMBER_REMOVED, {"role": row.role}, actor=actor, at=at, private=person_facts(person)
    )
    row.delete()
    _cancel_invitations_of(person, organisation, at)
    for user in (person, actor, membership.user):
        if user is not None:
            accounts.forget(user)
    if not leaving:
        key = f"{journal.stream_of(organisation)}:{event.seq}"
        notifications.notify([person], journal.NOTE_REMOVED, {"name": organisation.name}, key=key, at=at)


@transaction.atomic
def change_role(membership: Membership, role: str, *, actor: User | None, at: datetime) -> Membership:
    """Manager or delegate; the same role changes nothing. Raises NotAllowed, FieldErrors(role), RuleBroken."""
    row = _locked_membership(membership)
    _demand_manager(actor, row.organisation)
    if role not in ROLES:
        raise FieldErrors({"role": [_("Choose one of the roles.")]})
    if role == row.role:
        return row
    if refusal := why_not_last_manager(row):
        raise refusal
    private = person_facts(row.user)
    data = {"old": row.role, "new": role}
    row.role = role
    row.save(update_fields=["role"])
    event = journal.note(row.organisation, journal.ROLE_CHANGED, data, actor=actor, at=at, private=private)
    if role != Role.MANAGER:
        _cancel_invitations_of(row.user, row.organisation, at)
    for user in (row.user, actor, membership.user):
        if user is not None:
            accounts.forget(user)
    if actor is not None and actor.pk != row.user_id:
        key = f"{journal.stream_of(row.organisation)}:{event.seq}"
        notifications.notify([row.user], journal.NOTE_ROLE, {"name": row.organisation.name}, key=key, at=at)
    return row
