"""Tasks, awards and sessions as rows of the public lists, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketplace import deadlines
from marketplace.casefile import light
from marketplace.clock import local_date
from marketplace.templatetags.ui import remaining_text
from marketplace.workdays import Calendar

from .models import Award, LiveSession, SelectionTask
from .notices import state_chip
from .states import LIVE, SessionState, TaskState

Chip = dict[str, str]


def task_chip(task: SelectionTask, at: datetime, days: Calendar) -> Chip:
    """The state of a public task as kind and words: what is left while sign-up runs, else where the case stands."""
    if task.state == TaskState.PUBLISHED:
        return _open_chip(task, at, days)
    return state_chip(task)


def _open_chip(task: SelectionTask, at: datetime, days: Calendar) -> Chip:
    due = task.signup_deadline
    state = light(task.published_at, due, at)
    if state == "red":
        return {"kind": "info", "text": _("Sign-up closed, list being made")}
    if state == "green":
        return {"kind": "ok", "text": _("Open for sign-up")}
    last = local_date(due - timedelta(microseconds=1))
    left = {"state": state, "due": due, "now": at, "remaining_workdays": days.workdays_between(local_date(at), last)}
    return {"kind": "warn", "text": remaining_text(left)}


def notice_rows(tasks: Iterable[SelectionTask], at: datetime) -> list[dict[str, Any]]:
    """Rows of components/notice_table.html; the calendar is read once for all."""
    days = deadlines.calendar()
    return [
        {
            "title": task.name,
            "url": reverse("notice_detail", args=[task.code]),
            "note": task.owner.name,
            "mode": task.get_mode_display(),
            "price": task.amount_yuan,
            "deadline": task.signup_deadline,
            "chip": task_chip(task, at, days),
        }
        for task in tasks
    ]


def award_rows(awards: Iterable[Award], at: datetime) -> list[dict[str, Any]]:
    """Rows of projects/portal/award_table.html."""
    return [
        {
            "title": award.task.name,
            "url": reverse("notice_detail", args=[award.task.code]) + "#result",
            "note": award.task.owner.name,
            "number": award.number,
            "winner": award.winner.organisation.name,
            "winner_code": award.winner.organisation.code,
            "published": award.published_at,
            "until": award.publicity_until,
            "running": award.confirmed_at is None and at < award.publicity_until,
            "confirmed": award.confirmed_at is not None,
        }
        for award in awards
    ]


# ---------- sessions ----------


def session_tasks(session: LiveSession) -> list[SelectionTask]:
    """The session's tasks from the prefetched rows, in the order of their numbers."""
    return sorted(session.tasks.all(), key=lambda task: task.code)


def act_of(session: LiveSession) -> str:
    """The act on the air now, in words; empty before the opening and after the end."""
    if session.state == SessionState.OPENED:
        return _("Act 3 of 8 · throwing numbers into the pot")
    if session.state == SessionState.FROZEN:
        return _("Act 5 of 8 · slow opening")
    return ""


def session_facts(session: LiveSession) -> list[str]:
    """Who buys and how many take part."""
    tasks = session_tasks(session)
    owners = list(dict.fromkeys(task.owner.name for task in tasks))
    facts = [_("Owner: {names}").format(names=_list(owners))] if owners else []
    listed = sum(len(task.closing.get("roster", ())) for task in tasks)
    if listed:
        facts.append(
            ngettext("{count} agency on the list", "{count} agencies on the list", listed).format(count=listed)
        )
    return facts


def _list(names: list[str]) -> str:
    return pgettext("between names in a list", ", ").join(names)


def live_strip(session: LiveSession) -> dict[str, Any]:
    """The context of components/live_strip.html for one session."""
    return {
        "on_air": session.state in LIVE,
        "act": act_of(session),
        "starts_at": session.open_at,
        "title": session.title,
        "url": reverse("live_page", args=[session.sid]),
        "facts": session_facts(session),
    }


def upcoming_rows(sessions: Iterable[LiveSession], at: datetime) -> list[dict[str, Any]]:
    """Rows of "coming up" and of the calendar; `other_day` asks for the date beside the time."""
    today = local_date(at)
    return [
        {
            "at": session.open_at,
            "day": local_date(session.open_at),
            "other_day": local_date(session.open_at) != today,
            "title": session.title,
            "url": reverse("live_page", args=[session.sid]),
            "facts": session_facts(session),
        }
        for session in sessions
    ]


def past_row(session: LiveSession) -> dict[str, Any]:
    """A finished session: its page is the replay, each drawn task has its winner and its transcript."""
    draws = [
        {
            "name": task.name,
            "url": reverse("notice_detail", args=[task.code]),
            "winner": task.award_notice.winner.organisation.name if hasattr(task, "award_notice") else "",
            "transcript_url": reverse("transcript", args=[task.code]) if hasattr(task, "result") else "",
        }
        for task in session_tasks(session)
    ]
    return {
        "at": session.open_at,
        "title": session.title,
        "url": reverse("live_page", args=[session.sid]),
        "attempt": session.attempt,
        "draws": draws,
    }
