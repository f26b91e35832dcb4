"""The live session on the air: open, throw, seal, compute, publish. Each act is one transaction; any process may die between.

After a death the clock and the workers find in the tables where the law says the session stands: an opening that missed its
seal is void and moves to the next declared slot; a sealed one is computed again, to the same result.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from datetime import datetime, timedelta
from functools import cache

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from agencies.models import Agency
from marketplace import accounts, clock, events, vault
from marketplace.errors import FieldErrors, NotAllowed
from marketplace.models import Event, Organisation, User
from marketplace.notifications import notify
from marketplace.workflow import fire, locked

from . import delay, draw, journal, messages, rules
from .actions import award_task
from .models import DrawResult, Freeze, LiveSession, PotLine, SelectionTask
from .sessions import must_keys, next_slot, party_name, party_sign, platform_name, reschedule, secret_of, the_office
from .states import SessionState, TaskState

__all__ = ["journal"]
logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=6)


def open_session(session: LiveSession, *, at: datetime) -> LiveSession:
    """Open the pot at the declared time, with the lines of the platform, the owner and the office.

    An opening missed by a whole slot is not made up for: the session moves to its next declared slot. Raises WrongState,
    RuleBroken; vault.Damaged while the keys are not those of the plan: a draw under others would convince no verifier.
    """
    with transaction.atomic():
        # Judged on the locked row: another clock may have moved the session since it was read.
        session = locked(session)
        missed = at >= session.open_at + timedelta(seconds=session.retry_s)
        if session.state == SessionState.PLANNED and missed:
            return reschedule(
                session, at=at, open_at=next_slot(session, at + timedelta(seconds=2)), reason="opening_missed"
            )
        closes_at = at.replace(microsecond=0) + timedelta(seconds=session.window_s)
        opening = draw.entry(
            "open",
            sid=session.sid,
            attempt=session.attempt,
            plan=draw.leaf(session.plan).hex(),
            closes=clock.iso_seconds(closes_at),
        )
        row, event = fire(session, "open", actor=None, at=at, data=opening, opening=opening, closes_at=closes_at)
        parties = [row.tasks.select_related("owner").earliest("pk").owner, the_office()]
        if must_keys(parties) != {party["who"]: party["pk"] for party in row.plan["must"]}:
            raise vault.Damaged("the keys are not those of the plan; restore the folder of keys")
        # Signed before anybody can know the seed: a record that is changed later contradicts what the viewers hold.
        attest(row, event, at=at)
        _throw(row, who=platform_name(), organisation=None, r=secrets.token_hex(32), actor=None, at=at)
        for organisation in parties:
            _throw(
                row,
                who=party_name(organisation),
                organisation=organisation,
                r=secrets.token_hex(32),
                actor=None,
                at=at,
            )
    return row


def tell_keys_are_wrong(session: LiveSession, *, at: datetime) -> int:
    """One message for each attempt to office and supervisor: only a person can restore the keys. Returns the new ones."""
    with transaction.atomic():
        return sum(
            notify(
                accounts.staff(kind),
                messages.KEYS_WRONG,
                {"sid": session.sid, "title": session.title},
                key=f"{session.sid}:keys:{session.attempt}",
                at=at,
                link=reverse("live_page", args=[session.sid]),
            )
            for kind in (Organisation.Kind.OFFICE, Organisation.Kind.SUPERVISOR)
        )


def _throw(
    session: LiveSession, *, who: str, organisation: Organisation | None, r: str, actor: User | None, at: datetime
) -> PotLine:
    line = draw.entry("pot", open=draw.leaf(session.opening).hex(), who=who, r=r)
    message = draw.pot_sig_message(line)
    line["sig"] = party_sign(organisation, message) if organisation is not None else vault.sign(message)
    events.record(session.stream_name(), "draw.pot", line, actor=actor, at=at)
    return PotLine.objects.create(session=session, attempt=session.attempt, who=who, line=line, at=at)


def throw_into_pot(session: LiveSession, *, actor: User, at: datetime, agency: Agency, r: str) -> PotLine:
    """An agency's page throws its 32 random bytes (64 hex digits). Once for each opening; a second throw gives the first back.

    Raises NotAllowed, RuleBroken when the pot is closed or the agency is on no list, FieldErrors for a malformed number.
    """
    if not accounts.belongs_to(actor, agency.organisation_id):
        raise NotAllowed("not_agency")
    if len(r) != 64 or not set(r) <= set("0123456789abcdef"):
        raise FieldErrors({"r": ["64 hex digits"]})
    with transaction.atomic():
        row = locked(session)
        code = agency.organisation.code
        on_a_list = any(code in task.closing.get("roster", ()) for task in row.tasks.all())
        if not on_a_list:
            raise NotAllowed("not_on_list")
        rules.pot_is_open.demand(row, at=at)
        earlier = row.pot.filter(attempt=row.attempt, who=f"agency:{code}").first()
        if earlier is not None:
            return earlier
        return _throw(row, who=f"agency:{code}", organisation=agency.organisation, r=r, actor=actor, at=at)


def freeze_session(session: LiveSession, *, at: datetime) -> LiveSession:
    """Seal the pot, or declare the opening void when the time for the seal has passed or the sealed number is damaged."""
    with transaction.atomic():
        row = locked(session)
        if row.state != SessionState.OPENED:
            return row
        rules.window_over.demand(row, at=at)
        if not rules.not_late(row, at=at):
            return void_session(row, at=at, reason="seal_missed")
        try:
            secret = secret_of(row)
        except vault.Damaged:
            logger.exception("the sealed number of %s does not open; restore the keys", row.sid)
            return void_session(row, at=at, reason="secret_unreadable")
        lines = [item.line for item in row.pot.filter(attempt=row.attempt)]
        root, count = draw.pot_root(lines)
        entry = draw.entry(
            "freeze",
            sid=row.sid,
            attempt=row.attempt,
            open=draw.leaf(row.opening).hex(),
            pot_root=root.hex(),
            pot_n=count,
            S=secret.hex(),
        )
        Freeze.objects.create(session=row, entry=entry, leaf=draw.leaf(entry).hex(), at=at)
        row, _event = fire(row, "freeze", actor=None, at=at, data=entry)
    return row


def void_session(session: LiveSession, *, at: datetime, reason: str) -> LiveSession:
    """Declare an opening void: the list stays, the pot is thrown away, the next declared slot is announced."""
    with transaction.atomic():
        entry = draw.entry(
            "void",
            sid=session.sid,
            attempt=session.attempt,
            open=draw.leaf(session.opening).hex(),
            reason=reason,
        )
        open_at = next_slot(session, at + timedelta(seconds=2))
        row, _event = fire(session, "void", actor=None, at=at, data=entry, open_at=open_at)
        events.record(
            row.stream_name(),
            "session.rescheduled",
            {"sid": row.sid, "attempt": row.attempt, "open_at": clock.iso_seconds(open_at), "reason": reason},
            actor=None,
            at=at,
        )
        people = [accounts.staff(kind) for kind in (Organisation.Kind.OFFICE, Organisation.Kind.SUPERVISOR)]
        people += [accounts.members(task.owner) for task in row.tasks.select_related("owner")]
        for group in people:
            notify(
                group,
                messages.SESSION_VOID,
                {"sid": row.sid, "title": row.title},
                key=f"{row.sid}:void:{row.attempt}",
                at=at,
                link=reverse("live_page", args=[row.sid]),
            )
    return row


@cache
def _speed() -> int:
    return delay.measure_speed()


def _me() -> str:
    # The end of a long name tells hosts apart; the column holds 60 characters.
    return f"{socket.gethostname()[-40:]}:{os.getpid()}"


def claim_sealed(now: datetime) -> LiveSession | None:
    """A sealed session nobody computes at present, leased to this process for a few seconds; beats renew the lease."""
    with transaction.atomic():
        row = (
            LiveSession.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now), state=SessionState.FROZEN)
            .order_by("open_at", "pk")
            .first()
        )
        if row is not None:
            row.lease_owner, row.lease_until = _me(), now + LEASE
            row.save(update_fields=["lease_owner", "lease_until"])
        return row


def report_progress(session: LiveSession, *, at: datetime, elapsed: float, speed: int) -> bool:
    """One progress event; False when the lease went to another process or the result is out already."""
    with transaction.atomic():
        row = locked(session)
        if row.state != SessionState.FROZEN or row.lease_owner != _me():
            return False
        row.lease_until = at + LEASE
        row.save(update_fields=["lease_until"])
        events.record(
            row.stream_name(),
            "draw.progress",
            {
                "sid": row.sid,
                "attempt": row.attempt,
                "elapsed_s": int(elapsed),
                "steps": min(int(elapsed * speed), row.iters - 1),
                "iters": row.iters,
            },
            actor=None,
            at=at,
        )
    return True


def compute_results(now: datetime) -> int:
    """Background job: compute one sealed session and publish its results. Returns how many it finished."""
    session = claim_sealed(now)
    if session is None:
        return 0
    seed = draw.vdf_seed(bytes.fromhex(session.seal.leaf))
    speed = _speed()

    def beat(elapsed: float) -> bool:
        return report_progress(session, at=clock.now(), elapsed=elapsed, speed=speed)

    found = delay.compute(seed, session.iters, beat)
    if found is None:
        return 0
    publish_results(session, at=clock.now(), found=found)
    return 1


def publish_results(session: LiveSession, *, at: datetime, found: draw.Delay) -> LiveSession:
    """Publish the result of every draw of the session, the award notices, and the platform's signature under the record.

    A pure function of the seal: whoever computed `found`, the result is the same. A second call changes nothing.
    """
    with transaction.atomic():
        row = locked(session)
        if row.state != SessionState.FROZEN:
            return row
        tasks = list(row.tasks.filter(state=TaskState.CLOSED).select_related("owner", "item").order_by("code"))
        drawn: list[tuple[SelectionTask, list[str]]] = []
        for task in tasks:
            entry = draw.result(row.seal.entry, task.post, task.closing["roster"], found)
            DrawResult.objects.create(task=task, session=row, entry=entry, at=at)
            events.record(row.stream_name(), "draw.result", entry, actor=None, at=at)
            drawn.append((task, entry["ranking"]))
        for task, order in drawn:
            award_task(task, at=at, ranking=order)
        row, event = fire(row, "finish", actor=None, at=at, data={"sid": row.sid})
        attest(row, event, at=at)
    return row


def attest(session: LiveSession, event: Event, *, at: datetime) -> None:
    """The platform signs the session's record up to `event`, which must be the last one."""
    stream = session.stream_name()
    message = f"draw/v1/head\n{stream}\n{event.seq}\n{event.hash}".encode()
    attested = {"seq": event.seq, "head": event.hash, "sig": vault.sign(message)}
    events.record(stream, "draw.attested", attested, actor=None, at=at)
