"""Keeps a running demo alive, through the real acts and at the real time: a new live selection every few minutes, agencies
that sign up for whatever is open, and pages of agencies that throw into the pot. Does nothing outside a demo database.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from random import Random

from django.db.models import Count, Q

from agencies.models import Agency
from agencies.queries import eligible_agencies
from marketplace import clock, installation
from marketplace.errors import DomainError
from marketplace.models import Organisation, ServiceItem, User
from projects import actions, conductor, rules
from projects.models import LiveSession, SelectionTask, standing
from projects.states import LIVE, SessionState, TaskState

from . import tasks

# A new selection comes this long after the last one ended.
PAUSE = timedelta(seconds=100)
ROSTER = timedelta(seconds=14)
# Tasks with a long window are left to visitors; the director fills those that close soon.
SOON = timedelta(minutes=30)
SIGNUPS = 7


def keep_going(now: datetime) -> int:
    """One pass; returns how many acts were done."""
    if not installation.is_demo():
        return 0
    return _next_selection(now) + _sign_ups(now) + _throws(now)


def _next_selection(now: datetime) -> int:
    soon = Q(state__in=LIVE) | Q(state=SessionState.PLANNED, open_at__lte=now + timedelta(minutes=10))
    if LiveSession.objects.filter(soon).exists():
        return 0
    last = LiveSession.objects.filter(state=SessionState.FINISHED, seal__at__gt=now - PAUSE).first()
    if last is not None:
        return 0
    number = SelectionTask.objects.filter(created_at__gte=now - timedelta(days=1)).count()
    publish_live_task(tasks.LIVE[number % len(tasks.LIVE)], now)
    return 1


def publish_live_task(plan: tasks.Plan, now: datetime) -> SelectionTask:
    """Owner and office act for a task whose live session begins within a minute."""
    owner = Organisation.objects.get(kind=Organisation.Kind.OWNER, name=plan.owner)
    person = User.objects.get(memberships__organisation=owner)
    staff = list(User.objects.filter(memberships__organisation__kind=Organisation.Kind.OFFICE).order_by("pk")[:2])
    closes = rules.earliest_signup_deadline(now, clock.local_date(now)).due + timedelta(seconds=3)
    fields = plan.fields() | {
        "item": ServiceItem.objects.get(pk=plan.item),
        "contact_name": person.full_name,
        "contact_phone": person.phone,
        "complaint_phone": "0792-0000000",
        "signup_deadline": closes,
        "selection_at": closes + ROSTER,
    }
    task = actions.draft_task(actor=person, at=now, owner=owner, fields=fields)
    task = actions.submit_task(task, actor=person, at=now)
    task = actions.check_task(task, actor=staff[0], at=now)
    return actions.publish_notice(task, actor=staff[1], at=now)


def _sign_ups(now: datetime) -> int:
    """One more agency for every task that closes soon, spread over its window."""
    done = 0
    open_tasks = SelectionTask.objects.filter(
        state=TaskState.PUBLISHED, signup_deadline__gt=now, signup_deadline__lt=now + SOON
    ).annotate(n=Count("sign_ups", filter=standing("sign_ups__")))
    for task in open_tasks:
        assert task.published_at is not None
        passed = (now - task.published_at) / (task.signup_deadline - task.published_at)
        if task.n >= SIGNUPS or task.n > passed * SIGNUPS * 1.3:
            continue
        taken = task.sign_ups.values("agency")
        field = (
            eligible_agencies(task.item, clock.local_date(now)).exclude(pk__in=taken).select_related("organisation")
        )
        candidates = list(field.order_by("pk"))
        # agency1 … agency9 stay free for visitors of the demo who log in as them.
        candidates = [a for a in candidates if not _kept_for_visitors(a)]
        if not candidates:
            continue
        agency = Random(f"{task.code}{task.n}").choice(candidates)
        member = User.objects.filter(memberships__organisation=agency.organisation).first()
        if member is None:
            continue
        try:
            actions.sign_up(task, actor=member, at=now, agency=agency)
        except DomainError:  # the window closed in this very moment, or the owner asked this agency to keep away
            continue
        done += 1
    return done


def _kept_for_visitors(agency: Agency) -> bool:
    return User.objects.filter(
        memberships__organisation=agency.organisation, username__in=[f"agency{n}" for n in range(1, 10)]
    ).exists()


def _throws(now: datetime) -> int:
    """The pages of the demo agencies throw, one at each pass, while a pot is open."""
    done = 0
    for session in LiveSession.objects.filter(state=SessionState.OPENED, closes_at__gt=now):
        thrown = set(session.pot.filter(attempt=session.attempt).values_list("who", flat=True))
        for task in session.tasks.filter(state=TaskState.CLOSED):
            waiting = [code for code in task.closing["roster"] if f"agency:{code}" not in thrown]
            for code in waiting[:2]:
                agency = Agency.objects.select_related("organisation").get(organisation__code=code)
                member = User.objects.filter(memberships__organisation=agency.organisation).first()
                if member is None or _kept_for_visitors(agency):
                    continue
                try:
                    conductor.throw_into_pot(session, actor=member, at=now, agency=agency, r=secrets.token_hex(32))
                except DomainError:
                    continue
                done += 1
    return done
