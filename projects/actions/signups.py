"""Sign-up: in, out again before the close, and what the clock does at the deadline."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from agencies.models import Agency
from agencies.queries import eligible_agencies, explain
from agencies.reckoning import standing_of
from marketplace import accounts, clock, events, vault, workdays
from marketplace.deadlines import calendar
from marketplace.errors import NotAllowed, RuleBroken
from marketplace.models import User
from marketplace.notifications import notify
from marketplace.parameters import number, parameter
from marketplace.workflow import fire, locked

from .. import draw, journal, messages, rules, sessions
from ..models import SelectionTask, SignUp, standing
from ..states import TaskState
from . import roster

__all__ = ["journal"]


def agency_key(agency: Agency) -> str:
    """The public key of the agency's line in the pot, made at its first sign-up and kept sealed for it."""
    return sessions.party_public_key(agency.organisation)


def sign_up(task: SelectionTask, *, actor: User, at: datetime, agency: Agency) -> SignUp:
    """Sign an agency up and return the row with its signed receipt.

    The log shows only a hiding fingerprint until the list is closed. Raises NotAllowed, RuleBroken (closed window, not
    eligible, avoided, signed up already); then nothing has changed.
    """
    if not accounts.belongs_to(actor, agency.organisation_id):
        raise NotAllowed("not_agency")
    with transaction.atomic():
        row = locked(task)
        rules.open_for_signup.demand(row)
        rules.before_deadline.demand(row, at=at)
        rules.not_avoided.demand(row, agency=agency)
        day = clock.local_date(at)
        rules.stars_suffice.demand(row, stars=standing_of(agency, day).stars)
        if not eligible_agencies(row.item, day).filter(pk=agency.pk).exists():
            missing = [str(check.text) for check in explain(agency, row.item, day) if not check.ok]
            raise RuleBroken(
                "not_eligible", _("The agency does not meet the requirements of this item."), missing=missing
            )
        if row.sign_ups.filter(agency=agency, withdrawn_at__isnull=True).exists():
            raise RuleBroken("signed_up_already", _("Your agency has signed up for this task already."))
        assert row.session is not None
        entry = draw.entry(
            "signup",
            draw_id=row.draw_id,
            agency=agency.organisation.code,
            pk=agency_key(agency),
            nonce=secrets.token_hex(32),
        )
        leaf = draw.leaf(entry).hex()
        stream = row.session.stream_name()
        event = events.record(
            stream, "draw.signup", {"draw_id": row.draw_id, "signup": leaf}, actor=actor, at=at, anonymous=True
        )
        receipt = {
            "t": "draw/v1/receipt",
            "stream": stream,
            "seq": event.seq,
            "hash": event.hash,
            "signup": leaf,
            "entry": entry,
            "at": clock.iso_micros(at),
        }
        receipt["sig"] = vault.sign(b"draw/v1/receipt\n" + draw.jcs(receipt))
        return SignUp.objects.create(task=row, agency=agency, entry=entry, leaf=leaf, receipt=receipt, at=at)


def withdraw_sign_up(task: SelectionTask, *, actor: User, at: datetime, agency: Agency) -> SignUp:
    """Take a sign-up back before the close. Raises NotAllowed, RuleBroken."""
    if not accounts.belongs_to(actor, agency.organisation_id):
        raise NotAllowed("not_agency")
    with transaction.atomic():
        row = locked(task)
        rules.open_for_signup.demand(row)
        rules.before_deadline.demand(row, at=at)
        found = row.sign_ups.filter(agency=agency, withdrawn_at__isnull=True).first()
        if found is None:
            raise RuleBroken("not_signed_up", _("Your agency has not signed up for this task."))
        assert row.session is not None
        events.record(
            row.session.stream_name(),
            "draw.withdrawal",
            {"draw_id": row.draw_id, "signup": found.leaf},
            actor=actor,
            at=at,
            anonymous=True,
        )
        found.withdrawn_at = at
        found.save(update_fields=["withdrawn_at"])
        return found


def minimum_signups(task: SelectionTask) -> int:
    """How many agencies must sign up, by the rules of the task's day and its funds."""
    funds = "government" if task.uses_government_funds else "social"
    return number(f"signup.minimum_{funds}", task.rules_on)


def close_signup(task: SelectionTask, *, at: datetime) -> SelectionTask:
    """The clock's act at the deadline: freeze and publish the list, or extend once, or let the task fail.

    Every sign-up is judged again on this day; those that no longer qualify do not count, and an end of the sign-up
    excludes them for good. An extension leaves them time to mend it.
    Idempotent: a task that has moved on raises WrongState.
    """
    with transaction.atomic():
        row = locked(task)
        if row.state == TaskState.PUBLISHED:
            rules.deadline_passed.demand(row, at=at)
        standing_ones = list(row.sign_ups.filter(standing()).select_related("agency__organisation"))
        unfit = roster.unfit_sign_ups(row, standing_ones, at)
        gone = [unfit_one.sign_up for unfit_one in unfit]
        valid = [one for one in standing_ones if one not in gone]
        minimum = minimum_signups(row)
        if len(valid) >= minimum:
            roster.exclude(row, unfit, at)
            return _publish_roster(row, valid, unfit, at)
        if rules.extension_left(row):
            row = _extend(row, len(valid), minimum, at)
            roster.warn(row, unfit, at)
            return row
        roster.exclude(row, unfit, at)
        return fail_task(row, at=at, reason="too_few_signups", signups=len(valid), minimum=minimum)


def _publish_roster(
    task: SelectionTask, valid: list[SignUp], unfit: list[roster.Unfit], at: datetime
) -> SelectionTask:
    codes = sorted(sign_up.entry["agency"] for sign_up in valid)
    closing = draw.entry("close", draw_id=task.draw_id, post=draw.leaf(task.post).hex(), roster=codes)
    assert task.session is not None
    row, _event = fire(
        task, "close", actor=None, at=at, data={"signups": len(valid), "sid": task.session.sid}, closing=closing
    )
    stream = task.session.stream_name()
    events.record(stream, "draw.close", closing, actor=None, at=at)
    names = {s.agency.organisation.code: s.agency.organisation.name for s in valid}
    events.record(
        stream,
        "session.roster",
        {"draw_id": task.draw_id, "agencies": [{"id": code, "name": names[code]} for code in codes]},
        actor=None,
        at=at,
    )
    roster.publish_exclusions(row, unfit, at)
    sessions.keep_roster_lead(task.session, closed_at=at, rules_on=task.rules_on)
    people = User.objects.filter(memberships__organisation__agency__sign_ups__in=valid, is_active=True).distinct()
    notify(
        people,
        messages.ROSTER_CLOSED,
        {"task": row.name, "count": len(valid)},
        key=f"{row.code}:closed",
        at=at,
        link=reverse("live_page", args=[task.session.sid]),
    )
    return row


def extended_deadline(task: SelectionTask, at: datetime | None = None) -> datetime:
    """The old deadline moved by the same window: working days by working days, shorter demo windows by their length.

    When the clock finds it late, `at`, the window runs from then: nobody could sign up in between.
    """
    assert task.published_at is not None
    late = at is not None and at > task.signup_deadline + sessions.PACE
    start = at if at is not None and late else task.signup_deadline
    if parameter("signup.window_min", task.rules_on).unit != "workdays":
        return start + (task.signup_deadline - task.published_at)
    days = calendar()
    first, last = (
        clock.local_date(task.published_at),
        clock.local_date(task.signup_deadline - timedelta(microseconds=1)),
    )
    count = max(1, days.workdays_between(first, last))
    moved: workdays.Period = days.period(clock.local_date(start) if late else last, count)
    at_time = task.signup_deadline.astimezone(clock.SHANGHAI).timetz()
    midnight = at_time.replace(tzinfo=None) == datetime.min.time()
    return moved.end_instant() if midnight else datetime.combine(moved.last, at_time)


def _extend(task: SelectionTask, signups: int, minimum: int, at: datetime) -> SelectionTask:
    deadline_at = extended_deadline(task, at).replace(microsecond=0)
    selection_at = deadline_at + (task.selection_at - task.signup_deadline)
    assert task.session is not None
    session = sessions.replan_session(task.session, open_at=selection_at, at=at)
    post = sessions.post_draw(task, session, notice=task.notice, signup_deadline=deadline_at)
    row, _event = fire(
        task,
        "extend",
        actor=None,
        at=at,
        data={
            "signups": signups,
            "minimum": minimum,
            "signup_deadline": clock.iso_seconds(deadline_at),
            "selection_at": clock.iso_seconds(selection_at),
        },
        signup_deadline=deadline_at,
        selection_at=selection_at,
        post=post,
    )
    events.record(session.stream_name(), "draw.post", post, actor=None, at=at)
    messages.tell_owner(row, messages.SIGNUP_EXTENDED, at)
    return row


def fail_task(task: SelectionTask, *, at: datetime, reason: str, signups: int, minimum: int) -> SelectionTask:
    """流标: the task ends without an award; the owner may publish again."""
    with transaction.atomic():
        row, _event = fire(
            task,
            "fail",
            actor=None,
            at=at,
            data={"reason": reason, "signups": signups, "minimum": minimum},
            reason=reason,
        )
        if row.session is not None:
            sessions.abandon_if_empty(row.session, at=at, reason=reason)
        messages.tell_owner(row, messages.TASK_FAILED, at)
    return row
