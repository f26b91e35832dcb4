"""What the clock must do for selection, read from the present state through indexed columns: O(due), not O(open)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from marketplace import vault
from marketplace.deadlines import Due

from . import actions, conductor
from .models import Award, LiveSession, SelectionTask
from .states import SessionState, TaskState


def due(now: datetime) -> Iterator[Due]:
    for task in SelectionTask.objects.filter(state=TaskState.PUBLISHED, signup_deadline__lt=now).select_related(
        "session"
    ):
        yield Due(task.signup_deadline, f"close sign-up {task.code}", partial(_close, task))
    ready = LiveSession.objects.filter(state=SessionState.PLANNED, open_at__lte=now)
    for session in ready.exclude(tasks__state=TaskState.PUBLISHED):
        yield Due(session.open_at, f"open {session.sid}", partial(_open, session))
    for session in LiveSession.objects.filter(state=SessionState.OPENED, closes_at__lte=now):
        assert session.closes_at is not None
        yield Due(session.closes_at, f"seal {session.sid}", partial(_freeze, session))
    ended = Award.objects.filter(publicity_until__lte=now, confirmed_at__isnull=True, task__state=TaskState.AWARDED)
    for award in ended.select_related("task"):
        yield Due(award.publicity_until, f"confirm {award.number}", partial(_confirm, award))


def _close(task: SelectionTask, now: datetime) -> None:
    actions.close_signup(task, at=now)


def _open(session: LiveSession, now: datetime) -> None:
    try:
        conductor.open_session(session, at=now)
    except vault.Damaged:
        conductor.tell_keys_are_wrong(session, at=now)
        raise


def _freeze(session: LiveSession, now: datetime) -> None:
    conductor.freeze_session(session, at=now)


def _confirm(award: Award, now: datetime) -> None:
    # The publicity ended when it was due, also when the clock comes later.
    actions.confirm_award(award.task, at=award.publicity_until)
