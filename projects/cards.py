"""What selection puts on a person's desk: what waits for him, with its clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketplace import accounts
from marketplace.casefile import light
from marketplace.models import Organisation, User

from . import queries
from .models import LiveSession, SelectionTask, standing
from .states import EDITABLE, LIVE, SessionState, TaskState

Item = dict[str, Any]
Kind = Organisation.Kind
# A card shows this many; its title leads to the rest.
SHOWN = 5


def cards(user: User | None, at: datetime) -> list[Item]:
    """The cards of selection: [{"title", "count", "url", "items": [{"title", "url", "hint", "due", "light"}]}].

    `light` is green, amber or red by the time left, empty without a clock.
    """
    found: list[Item] = []
    if accounts.acts_as(user, Kind.OWNER):
        found += _owner_cards(user, at)
    if accounts.acts_as(user, Kind.OFFICE):
        found += _office_cards(at)
    if accounts.acts_as(user, Kind.AGENCY):
        found += _agency_cards(user, at)
    if accounts.acts_as(user, Kind.SUPERVISOR):
        found.append(_live_card(at))
    return found


def _card(title: str, url: str, rows: Iterable[Item], count: int) -> Item:
    return {"title": title, "count": count, "url": url, "items": list(rows)}


def _item(
    title: str, url: str, hint: str, *, due: datetime | None = None, start: datetime | None = None, at: datetime
) -> Item:
    return {"title": title, "url": url, "hint": hint, "due": due, "light": light(start, due, at)}


# ---------- the owner ----------


def _owner_cards(user: User | None, at: datetime) -> list[Item]:
    tasks = queries.own_tasks(user)
    counts = queries.task_by_state(tasks)
    base = reverse("owner_tasks")
    groups: tuple[tuple[str, str, tuple[TaskState, ...]], ...] = (
        (_("Notices to complete"), f"{base}?tab=draft", EDITABLE),
        (_("Open for sign-up"), f"{base}?tab=open", (TaskState.PUBLISHED,)),
        (_("Awards in publicity"), f"{base}?tab=awarded", (TaskState.AWARDED,)),
    )
    cards = [
        _card(
            title,
            url,
            [
                _owner_item(task, at)
                for task in tasks.filter(state__in=states)
                .select_related("award_notice")
                .order_by("-created_at", "-pk")[:SHOWN]
            ],
            sum(counts.get(state, 0) for state in states),
        )
        for title, url, states in groups
    ]
    cards[0]["action"] = {"label": _("New purchase notice"), "url": reverse("owner_task_new")}
    return cards


def _owner_item(task: SelectionTask, at: datetime) -> Item:
    url = reverse("owner_task", args=[task.code])
    if task.state == TaskState.PUBLISHED:
        return _item(task.name, url, _("sign-up closes"), due=task.signup_deadline, start=task.published_at, at=at)
    if task.state == TaskState.AWARDED:
        award = task.award_notice
        return _item(task.name, url, _("publicity ends"), due=award.publicity_until, start=award.published_at, at=at)
    if task.state == TaskState.RETURNED:
        count = len(task.return_reasons)
        hint = ngettext("returned: {count} defect to mend", "returned: {count} defects to mend", count)
        return _item(task.name, url, hint.format(count=count), at=at) | {"light": "amber"}
    return _item(task.name, url, pgettext("task", "draft"), at=at)


# ---------- the office ----------


def _office_cards(at: datetime) -> list[Item]:
    tasks = SelectionTask.objects.select_related("owner")
    counts = queries.task_by_state(tasks.filter(state__in=(TaskState.SUBMITTED, TaskState.CHECKED)))
    base = reverse("office_tasks")
    return [
        _card(title, f"{base}?queue={state}", _office_items(tasks.filter(state=state), at), counts.get(state, 0))
        for title, state in (
            (_("Notices to check"), TaskState.SUBMITTED),
            (_("Notices to publish"), TaskState.CHECKED),
        )
    ]


def _office_items(tasks: QuerySet[SelectionTask], at: datetime) -> list[Item]:
    return [
        _item(
            task.name,
            reverse("office_task", args=[task.code]),
            task.owner.name,
            due=task.signup_deadline,
            start=task.created_at,
            at=at,
        )
        for task in tasks.order_by("created_at", "pk")[:SHOWN]
    ]


# ---------- the agency ----------


def _agency_cards(user: User | None, at: datetime) -> list[Item]:
    agency = queries.agency_of(user)
    if agency is None:
        return []
    fitting = queries.fitting_tasks(agency, at)
    mine = queries.sign_ups_of(user).filter(standing(), task__state__in=(TaskState.PUBLISHED, TaskState.CLOSED))
    soon = mine.filter(task__state=TaskState.CLOSED).order_by("task__session__open_at", "pk")
    open_rows = [
        _item(
            task.name,
            reverse("notice_detail", args=[task.code]),
            task.owner.name,
            due=task.signup_deadline,
            start=task.published_at,
            at=at,
        )
        for task in fitting[:SHOWN]
    ]
    my_rows = [
        _item(
            row.task.name,
            reverse("notice_detail", args=[row.task.code]),
            _("selection"),
            due=row.task.session.open_at if row.task.session else None,
            start=row.at,
            at=at,
        )
        for row in mine[:SHOWN]
    ]
    live_rows = [_session_item(row.task.session, at) for row in soon[:SHOWN] if row.task.session is not None]
    signed_up = reverse("my_sign_ups")
    return [
        _card(_("Open tasks that fit"), f"{reverse('open_tasks')}?fit=1", open_rows, fitting.count()),
        _card(_("My sign-ups"), signed_up, my_rows, mine.count()),
        _card(_("My live selections"), signed_up, live_rows, soon.count()),
    ]


# ---------- everybody who watches ----------


def _live_card(at: datetime) -> Item:
    rows = list(queries.live_now()[:SHOWN])
    return _card(_("Live now"), reverse("live_list"), [_session_item(row, at) for row in rows], len(rows))


def _session_item(session: LiveSession, at: datetime) -> Item:
    url = reverse("live_page", args=[session.sid])
    if session.state in LIVE:
        return _item(session.title, url, pgettext("session", "on the air"), at=at) | {"light": "green"}
    due = session.open_at if session.state == SessionState.PLANNED else None
    return _item(session.title, url, pgettext("session", "begins"), due=due, at=at) | {
        "light": "green" if due else ""
    }
