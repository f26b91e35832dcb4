"""Who acts for whom: the questions every permission asks about a person's memberships."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from .models import Membership, Organisation, User

Kind = Organisation.Kind
Role = Membership.Role


def memberships(user: User | None) -> list[Membership]:
    """The person's memberships in active organisations, read once for each user object."""
    if user is None or not user.is_authenticated:
        return []
    found: list[Membership] | None = getattr(user, "_memberships", None)
    if found is None:
        found = list(
            user.memberships.select_related("organisation").filter(organisation__is_active=True).order_by("pk")
        )
        user._memberships = found  # type: ignore[attr-defined]
    return found


def forget(user: User) -> None:
    """Let go of the memberships read so far; after one was made for this person. Works through a lazy request user."""
    if hasattr(user, "_memberships"):
        del user._memberships


def belongs_to(user: User | None, organisation: Organisation | int | None) -> bool:
    pk = organisation.pk if isinstance(organisation, Organisation) else organisation
    return pk is not None and any(m.organisation_id == pk for m in memberships(user))


def acts_as(user: User | None, kind: str) -> bool:
    """True when the person belongs to an active organisation of this kind."""
    return any(m.organisation.kind == kind for m in memberships(user))


def organisation_of(user: User | None, kind: str) -> Organisation | None:
    """The first organisation of this kind the person acts for, or None."""
    return next((m.organisation for m in memberships(user) if m.organisation.kind == kind), None)


def is_manager(user: User | None, organisation: Organisation) -> bool:
    return any(m.organisation_id == organisation.pk and m.role == Role.MANAGER for m in memberships(user))


def public_label(user: User | None, stream: str = "") -> tuple[str, str]:
    """(role, organisation name) under which an act is published: an office acts, not a named clerk.

    `system` stands for the clock, `public` for a person who belongs to nothing. Whoever belongs to several acts, in
    the stream of one of them, for that one; an owner also before its entry is approved.
    """
    if user is None:
        return "system", ""
    found = memberships(user)
    acting = [m for m in found if f"{m.organisation.kind}:{m.organisation.code}" == stream]
    if not acting and stream.startswith(f"{Kind.OWNER}:"):
        own = user.memberships.filter(organisation__kind=Kind.OWNER, organisation__code=stream.partition(":")[2])
        acting = list(own.select_related("organisation"))
    speaker = next(iter(acting or found), None)
    return (speaker.organisation.kind, speaker.organisation.name) if speaker else ("public", "")


def members(organisation: Organisation) -> QuerySet[User]:
    return User.objects.filter(memberships__organisation=organisation, is_active=True).distinct()


def staff(kind: str) -> QuerySet[User]:
    """Everybody who acts for an organisation of this kind."""
    return User.objects.filter(
        memberships__organisation__kind=kind, memberships__organisation__is_active=True, is_active=True
    ).distinct()


def display_name(user: User) -> str:
    return user.get_full_name()


def current_user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
