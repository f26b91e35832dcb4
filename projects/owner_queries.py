"""Named reads about owners: whose entry, which tasks keep one here, what the office lists."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from marketplace.models import User

from .models import OwnerChange, OwnerEntry, SelectionTask
from .states import OwnerChangeState, OwnerState, TaskState

# A task in one of these states is before the office or the public; a draft is not, and a returned notice is one again.
OPEN_TASKS = (TaskState.SUBMITTED, TaskState.CHECKED, TaskState.PUBLISHED, TaskState.CLOSED, TaskState.AWARDED)
# The key of the office's list in each state: the clock that ends first, or the newest result, comes first.
ORDER = {
    OwnerState.SUBMITTED: "check_due",
    OwnerState.RETURNED: "checked_at",
    OwnerState.ACTIVE: "checked_at",
    OwnerState.REFUSED: "checked_at",
    OwnerState.WITHDRAWN: "left_at",
}


def own_entry(user: User | None) -> OwnerEntry | None:
    """The owner's entry the person acts for, in any state; an active one before a newer one that is not."""
    if user is None or not user.is_authenticated:
        return None
    found = OwnerEntry.objects.filter(organisation__memberships__user=user).select_related("organisation")
    return found.order_by("-organisation__is_active", "-registered_at").first()


def is_member(user: User | None, entry: OwnerEntry) -> bool:
    """Asked of the table: an organisation that is not active is left out of a person's memberships."""
    return user is not None and user.is_authenticated and user.memberships.filter(organisation=entry.pk).exists()


def open_tasks(entry: OwnerEntry) -> list[SelectionTask]:
    """What keeps the owner from leaving, newest first."""
    return list(SelectionTask.objects.filter(owner=entry.pk, state__in=OPEN_TASKS))


def open_change(entry: OwnerEntry) -> OwnerChange | None:
    found = entry.changes.filter(state=OwnerChangeState.SUBMITTED).select_related("owner__organisation", "proof")
    return found.first()


def entries(state: str) -> QuerySet[OwnerEntry]:
    return OwnerEntry.objects.filter(state=state).select_related("organisation")


def entry_counts() -> dict[str, int]:
    """How many owners stand in each state that the office lists; one query."""
    rows = OwnerEntry.objects.filter(state__in=list(ORDER)).order_by().values_list("state").annotate(Count("pk"))
    return dict(rows)


def waiting_changes() -> QuerySet[OwnerChange]:
    return OwnerChange.objects.filter(state=OwnerChangeState.SUBMITTED).select_related("owner__organisation")
