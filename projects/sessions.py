"""Planning of live sessions: the plan and the sealed number before any sign-up, the posts of the draws, the slots.

draw/v1 §2: rules first. What happens on the air is in `conductor.py`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from marketplace import clock, events, installation, vault
from marketplace.models import Organisation, User
from marketplace.parameters import number
from marketplace.workflow import fire

from . import draw
from .models import LiveSession, SelectionTask
from .states import SessionState, TaskState

# How soon after a deadline the clock acts; later than this it is late.
PACE = timedelta(seconds=5)


def _purpose(sid: str) -> str:
    return f"draw-secret:{sid}"


def platform_name() -> str:
    return f"platform:{settings.LOG_NAME}"


def party_name(organisation: Organisation) -> str:
    return f"{organisation.kind}:{organisation.code}"


def party_public_key(organisation: Organisation) -> str:
    """The Ed25519 public key of an organisation's line in the pot; made once, its private half kept sealed."""
    # A key is never changed, so the usual case needs no lock.
    if known := Organisation.objects.values_list("public_key", flat=True).get(pk=organisation.pk):
        return known
    with transaction.atomic():
        row = Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        if not row.public_key:
            row.public_key, row.sealed_key = vault.new_party_key(purpose=f"party:{row.code}")
            row.save(update_fields=["public_key", "sealed_key"])
        return row.public_key


def party_sign(organisation: Organisation, message: bytes) -> str:
    # The key may have been made after the caller read its organisation.
    sealed = Organisation.objects.values_list("sealed_key", flat=True).get(pk=organisation.pk)
    key = vault.party_key(bytes(sealed), purpose=f"party:{organisation.code}")
    return key.sign(message).hex()


def secret_of(session: LiveSession) -> bytes:
    """The platform's sealed number S. Raises vault.Damaged; then the opening is void."""
    secret = vault.unseal(bytes(session.sealed_secret), purpose=_purpose(session.sid))
    if draw.op_commit(session.sid, secret).hex() != session.op_commit:
        raise vault.Damaged("the sealed number does not fit its commitment")
    return secret


def the_office() -> Organisation:
    """The office that runs this marketplace; an installation has one."""
    return Organisation.objects.filter(kind=Organisation.Kind.OFFICE, is_active=True).earliest("pk")


def _next_sid(at: datetime) -> str:
    prefix = f"ZB{clock.local_date(at):%Y%m%d}"
    last = LiveSession.objects.filter(sid__startswith=prefix).aggregate(last=Max("sid"))["last"]
    return f"{prefix}{int(last[len(prefix) :]) + 1 if last else 1:04d}"


def _plan_entry(session: LiveSession, owner: Organisation) -> dict[str, Any]:
    office = the_office()
    return draw.entry(
        "plan",
        sid=session.sid,
        open_at=clock.iso_seconds(session.open_at),
        window_s=session.window_s,
        publish_s=session.publish_s,
        vdf={"alg": draw.VDF_ALGORITHM, "iters": session.iters},
        beacon="",
        op_commit=session.op_commit,
        quorum=3,
        must=[{"who": who, "pk": key} for who, key in must_keys([owner, office]).items()],
        witnesses=[],
    )


def must_keys(parties: Iterable[Organisation]) -> dict[str, str]:
    """Who must throw, with the keys they would sign with now."""
    keys = {party_name(party): party_public_key(party) for party in parties}
    return {platform_name(): vault.log_public_key(), **keys}


def plan_session(task: SelectionTask, *, open_at: datetime, actor: User, at: datetime) -> LiveSession:
    """A live session for a task about to be published, with a fresh sealed number whose commitment is public at once.

    Must run in the transaction of the publication.
    """
    # Publications take turns here: two at once would give their sessions the same number.
    Organisation.objects.select_for_update(no_key=True).get(pk=the_office().pk)
    sid, demo = _next_sid(at), installation.is_demo()
    secret = secrets.token_bytes(32)
    window_s, publish_s = number("session.window", task.rules_on), number("session.publish", task.rules_on)
    # A delay that ends while the pot is open protects nobody, and every verifier rejects it outside a demo.
    least = 0 if demo else (window_s + publish_s) * draw.STEPS_PER_SECOND_BOUND
    session = LiveSession.objects.create(
        sid=sid,
        title=task.name,
        open_at=open_at,
        window_s=window_s,
        publish_s=publish_s,
        retry_s=number("session.retry", task.rules_on),
        iters=max(least, number("session.delay_steps", task.rules_on)),
        op_commit=draw.op_commit(sid, secret).hex(),
        sealed_secret=vault.seal(secret, purpose=_purpose(sid)),
    )
    session.plan = _plan_entry(session, task.owner)
    session.save(update_fields=["plan"])
    log = {"origin": settings.LOG_ORIGIN, "name": settings.LOG_NAME, "pk": vault.log_public_key()}
    stream = session.stream_name()
    opening = {
        "sid": sid,
        "title": task.name,
        "log": log,
        "retry_s": session.retry_s,
        "demo": demo,
    }
    events.record(stream, "session.planned", opening, actor=actor, at=at)
    events.record(stream, "draw.plan", session.plan, actor=actor, at=at)
    return session


def replan_session(session: LiveSession, *, open_at: datetime, at: datetime) -> LiveSession:
    """The same session and sealed number at a later time, after the sign-up was extended; only before any list is closed."""
    row = LiveSession.objects.select_for_update(no_key=True).get(pk=session.pk)
    row.open_at = open_at
    owner = SelectionTask.objects.filter(session=row).select_related("owner").earliest("pk").owner
    row.plan = _plan_entry(row, owner)
    row.save(update_fields=["open_at", "plan"])
    events.record(row.stream_name(), "draw.plan", row.plan, actor=None, at=at)
    return row


def post_draw(
    task: SelectionTask, session: LiveSession, *, notice: dict[str, Any], signup_deadline: datetime
) -> dict[str, Any]:
    """The post entry of a task's draw; its caller records it."""
    return draw.entry(
        "post",
        draw_id=task.draw_id,
        plan=draw.leaf(session.plan).hex(),
        task_sha256=hashlib.sha256(draw.jcs(notice)).hexdigest(),
        k=task.winners,
        reserves=task.reserves,
        signup_close=clock.iso_seconds(signup_deadline),
    )


def next_slot(session: LiveSession, not_before: datetime) -> datetime:
    """The first declared slot after the present one that is not before an instant: open_at + n × retry_s, n ≥ 1."""
    step = timedelta(seconds=session.retry_s)
    slot = session.open_at + step
    if slot < not_before:
        slot += step * -(-(not_before - slot) // step)
    return slot


def reschedule(session: LiveSession, *, at: datetime, open_at: datetime, reason: str) -> LiveSession:
    row, _event = fire(
        session,
        "reschedule",
        actor=None,
        at=at,
        data=lambda moved: {
            "sid": moved.sid,
            "attempt": moved.attempt,
            "open_at": clock.iso_seconds(open_at),
            "reason": reason,
        },
        open_at=open_at,
    )
    return row


def keep_roster_lead(session: LiveSession, *, closed_at: datetime, rules_on: Any) -> LiveSession:
    """A list that was closed late stays public for its full time: the session moves to a later declared slot if needed."""
    ready = closed_at + timedelta(seconds=number("session.roster_lead", rules_on))
    # The deadline itself closes at its next instant; a clock that comes within its pace is not late.
    if session.open_at + PACE >= ready:
        return session
    return reschedule(session, at=closed_at, open_at=next_slot(session, ready), reason="list_closed_late")


def abandon_if_empty(session: LiveSession, *, at: datetime, reason: str) -> None:
    """A session whose last task has failed is not held."""
    if session.state == SessionState.PLANNED and not session.tasks.exclude(state=TaskState.FAILED).exists():
        fire(session, "abandon", actor=None, at=at, data={"sid": session.sid, "reason": reason})
