"""The changes that wait for the office, and what its check of one may want to know."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from marketplace import accounts
from marketplace.casework import Work
from marketplace.models import Organisation, User

from .models import Agency, AuthorisedAgent, Change, Practitioner
from .states import ChangeState

WORK_LIMIT = 200
# The key of the office's list in each state.
ORDER = {
    ChangeState.SUBMITTED: "check_due",
    ChangeState.RETURNED: "decided_at",
    ChangeState.APPROVED: "decided_at",
    ChangeState.REFUSED: "decided_at",
}


def visible_to(user: User | None) -> QuerySet[Change]:
    """Changes are for the agency itself, the office and the supervisor."""
    found = Change.objects.select_related("agency__organisation", "decided_by")
    if accounts.acts_as(user, Organisation.Kind.OFFICE) or accounts.acts_as(user, Organisation.Kind.SUPERVISOR):
        return found
    return found.filter(agency__in=[m.organisation_id for m in accounts.memberships(user)])


def in_state(state: ChangeState) -> QuerySet[Change]:
    """The changes the office follows in one state."""
    return Change.objects.filter(state=state).select_related("agency__organisation").order_by(ORDER[state], "pk")


def case_of(change: Change) -> str:
    """The name of the case in the office's work list."""
    return f"change:{change.pk}"


def work(at: datetime) -> list[Work]:
    """Changes under check, for the office's own list; one query."""
    return [
        Work(
            case=case_of(change),
            stream=change.agency.stream_name(),
            kind=str(change.get_kind_display()),
            title=change.agency.name,
            url=reverse("office_change", args=[change.pk]),
            started=change.submitted_at or change.begun_at,
            due=change.check_due,
        )
        for change in in_state(ChangeState.SUBMITTED)[:WORK_LIMIT]
    ]


def known_elsewhere(change: Change, digest: str) -> list[dict[str, Any]]:
    """Other agencies in which the same identity document occurs: [{"name", "code"}]; at most one query."""
    if not digest:
        return []
    people = [
        model.objects.filter(id_digest=digest, left_on__isnull=True).values("agency")
        for model in (Practitioner, AuthorisedAgent)
    ]
    found = Agency.objects.filter(Q(legal_id_digest=digest) | Q(pk__in=people[0]) | Q(pk__in=people[1]))
    others = found.exclude(pk=change.agency_id).order_by("sort_name", "pk")
    return [{"name": agency.name, "code": agency.code} for agency in others]
