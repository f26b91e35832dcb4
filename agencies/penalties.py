"""What follows from the ledger: warnings, suspensions, removal; and what follows when their ground is struck out.

A breach is punished once (行政处罚法第二十九条): an entry that led to a penalty which stands is not counted towards the next.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from marketplace.clock import iso_micros, local_date, start_of_day
from marketplace.deadlines import add_months, deadline
from marketplace.models import User
from marketplace.workflow import fire, locked

from . import credit, leaving
from . import credit_journal as journal
from .models import Agency, CreditEntry, CreditRule, Penalty
from .states import ENTERED, AgencyState, EntryState

Kind = CreditRule.Consequence


def as_ledger(entries: list[CreditEntry]) -> list[credit.LedgerEntry]:
    """Rows (with their rules) as `credit` sees them."""
    return [
        credit.LedgerEntry(
            key=entry.pk,
            rule=entry.rule.code,
            points=entry.points,
            effective_on=entry.effective_on,
            expires_on=entry.expires_on,
            ended_on=entry.ended_on,
            voided=entry.state in (EntryState.DROPPED, EntryState.VOIDED),
        )
        for entry in entries
    ]


@transaction.atomic
def follow(entry: CreditEntry, *, actor: User | None, at: datetime) -> Penalty | None:
    """What the entry, which begins to count, leads to; None when its rule's threshold is not reached.

    Called in the transaction that lets it count. Again for the same entry: the penalty it led to.
    """
    rule = entry.rule
    if rule.consequence == Kind.NONE:
        return None
    known = Penalty.objects.filter(cause=entry).first()
    if known is not None:
        return known
    agency = locked(entry.agency)
    spent = Penalty.objects.filter(agency=agency, lifted_at__isnull=True).values("entries")
    rows = list(agency.ledger.filter(rule__code=rule.code).exclude(pk__in=spent).select_related("rule"))
    reached = credit.threshold_reached(as_ledger(rows), rule, local_date(at))
    if not reached:
        return None
    until = _end_of(rule, at) if rule.consequence == Kind.SUSPENSION else None
    penalty = Penalty.objects.create(
        agency=agency, kind=rule.consequence, rule=rule, cause=entry, imposed_at=at, until=until
    )
    numbers = sorted(one.key for one in reached)
    penalty.entries.set(numbers)
    data = {
        "penalty": penalty.pk,
        "rule": rule.code,
        "basis": rule.basis,
        "entries": numbers,
        "cause": entry.pk,
        "until": iso_micros(until) if until else None,
    }
    event = journal.note(agency, journal.IMPOSED[rule.consequence], data, actor=actor, at=at)
    if rule.consequence == Kind.WARNING:
        journal.tell_agency(agency, event, journal.NOTE_WARNED, {"reason": _ground(entry)}, at=at)
    elif until is not None:
        _suspend(agency, penalty, until, actor=actor, at=at)
    else:
        _remove(agency, penalty, actor=actor, at=at)
    return penalty


def _end_of(rule: CreditRule, at: datetime) -> datetime:
    """24:00 of the day with the same number so many months later (民法典第二百零二条)."""
    return start_of_day(add_months(local_date(at), rule.term_months or 0) + timedelta(days=1))


def _ground(entry: CreditEntry) -> str:
    return f"{entry.rule.name_zh}（{entry.summary}）"


def _suspend(agency: Agency, penalty: Penalty, until: datetime, *, actor: User | None, at: datetime) -> None:
    reason = {"reason": _ground(penalty.cause), "until": journal.plain_due(until)}
    if agency.state in Agency.verbs()["suspend"].source:
        _row, event = fire(
            agency,
            "suspend",
            actor=actor,
            at=at,
            data=lambda row: {
                "penalty": penalty.pk,
                "until": iso_micros(until),
                "suspended_until": iso_micros(row.suspended_until) if row.suspended_until else "",
            },
            until=until,
        )
        journal.tell_agency(agency, event, journal.NOTE_SUSPENDED, reason, at=at)
    else:
        _bar(agency, penalty, until, None, actor=actor, at=at)


def _bar(
    agency: Agency,
    penalty: Penalty,
    until: datetime,
    derivation: dict[str, Any] | None,
    *,
    actor: User | None,
    at: datetime,
) -> None:
    """Leaving before the entry counts, or entering anew, does not spare the penalty: the way in opens at its end."""
    if agency.reentry_from is not None and agency.reentry_from >= until:
        return
    agency.reentry_from = until
    agency.save(update_fields=["reentry_from"])
    data = {"penalty": penalty.pk, "reentry_from": iso_micros(until), "derivation": derivation}
    event = journal.note(agency, journal.BARRED, data, actor=actor, at=at)
    told = {"reason": _ground(penalty.cause), "until": journal.plain_due(until)}
    journal.tell_agency(agency, event, journal.NOTE_BARRED, told, at=at)


def _remove(agency: Agency, penalty: Penalty, *, actor: User | None, at: datetime) -> None:
    ban = deadline("reentry.after_removal", at)
    if agency.state not in Agency.verbs()["remove"].source:
        agency.commitment_barred = True
        agency.save(update_fields=["commitment_barred"])
        _bar(agency, penalty, ban.due, ban.derivation, actor=actor, at=at)
        return
    reason = _ground(penalty.cause)
    row, event = fire(
        agency,
        "remove",
        actor=actor,
        at=at,
        data={
            "penalty": penalty.pk,
            "reason": reason,
            "basis": penalty.rule.basis,
            "reentry_from": iso_micros(_later(ban.due, agency.reentry_from)),
            "derivation": ban.derivation,
        },
        reason=reason,
        reentry_from=_later(ban.due, agency.reentry_from),
        held=leaving.held_by(agency),
    )
    leaving.void_checks(row)
    leaving.close_cases(row, at=at)
    journal.tell_agency(row, event, journal.NOTE_REMOVED, {"reason": reason}, at=at)
    journal.tell_supervisor(row, event, journal.NOTE_REMOVED, {"reason": reason}, at=at)


def _later(one: datetime, other: datetime | None) -> datetime:
    return one if other is None else max(one, other)


# ---------- lifting ----------


@transaction.atomic
def lift_after(entry: CreditEntry, reason: str, *, actor: User | None, at: datetime) -> list[Penalty]:
    """The entry was struck out: lift every penalty that has no ground without it. Returns those lifted."""
    lifted = []
    standing = Penalty.objects.filter(entries=entry, lifted_at__isnull=True).select_related("rule", "agency")
    for penalty in standing:
        rest = list(penalty.entries.select_related("rule"))
        imposed_on = local_date(penalty.imposed_at)
        if not credit.threshold_reached(as_ledger(rest), penalty.rule, imposed_on):
            lifted.append(lift(penalty, reason, actor=actor, at=at))
    return lifted


@transaction.atomic
def lift(penalty: Penalty, reason: str, *, actor: User | None, at: datetime) -> Penalty:
    """End a penalty whose ground is gone: a suspension ends unless another one runs, a removed agency is again what it
    was, and a ban lasts no longer than what still stands asks for.

    Lifting again changes nothing.
    """
    agency = locked(penalty.agency)
    row = Penalty.objects.select_related("rule").get(pk=penalty.pk)
    if row.lifted_at is not None:
        return row
    row.lifted_at, row.lifted_reason = at, reason
    row.save(update_fields=["lifted_at", "lifted_reason"])
    others = Penalty.objects.filter(agency=agency, lifted_at__isnull=True)
    suspensions = others.filter(kind=Kind.SUSPENSION, until__gt=at).order_by("-until").values_list("until", flat=True)
    removal = others.filter(kind=Kind.REMOVAL).select_related("cause__rule").order_by("-imposed_at", "-pk").first()
    if row.kind == Kind.REMOVAL:
        if removal is None:
            agency = _undo_removal(agency, row, actor=actor, at=at)
        elif agency.state == AgencyState.REMOVED:
            agency.left_reason = _ground(removal.cause)
            agency.save(update_fields=["left_reason"])
    if agency.state == AgencyState.SUSPENDED:
        agency.suspended_until = suspensions.first() or at
        agency.save(update_fields=["suspended_until"])
    elif agency.state not in ENTERED and row.kind != Kind.WARNING:
        ban = deadline("reentry.after_removal", removal.imposed_at).due if removal else None
        ends = [end for end in (suspensions.first(), ban) if end is not None and end > at]
        agency.reentry_from = max(ends, default=None)
        agency.save(update_fields=["reentry_from"])
    data = {
        "penalty": row.pk,
        "kind": row.kind,
        "cause": row.cause_id,
        "suspended_until": iso_micros(agency.suspended_until) if agency.suspended_until else None,
    }
    event = journal.note(agency, journal.LIFTED, data, actor=actor, at=at, private={"reason": reason})
    journal.tell_agency(agency, event, journal.NOTE_LIFTED, {"rule": row.rule.name_zh}, at=at)
    if agency.state == AgencyState.SUSPENDED and agency.suspended_until is not None and agency.suspended_until <= at:
        end_suspension(agency, actor=actor, at=at)
    return row


def _undo_removal(agency: Agency, penalty: Penalty, *, actor: User | None, at: datetime) -> Agency:
    """No removal stands any more. An entered agency is suspended until now, with what the removal took; one that had
    withdrawn has withdrawn; an entry that was in publicity is in the agency's own hands again."""
    if agency.state == AgencyState.REMOVED:
        held, data = agency.held, {"penalty": penalty.pk}
        if agency.removed_from == AgencyState.WITHDRAWN:
            left_at, reason = leaving.left_before(agency)
            agency, _event = fire(
                agency, "restore_withdrawal", actor=actor, at=at, data=data, left_at=left_at, reason=reason
            )
        elif agency.removed_from == AgencyState.PUBLICITY:
            agency, _event = fire(agency, "reopen_entry", actor=actor, at=at, data=data)
        else:
            agency, _event = fire(agency, "reinstate", actor=actor, at=at, data=data)
            leaving.give_back(agency, held, actor=actor, at=at)
        agency.held = {}
    # The bar came with the removal; a commitment that was not kept bars on its own.
    unkept = agency.ledger.filter(rule__code="commitment_not_kept")
    agency.commitment_barred = unkept.exclude(state__in=[EntryState.DROPPED, EntryState.VOIDED]).exists()
    agency.save(update_fields=["commitment_barred", "held"])
    return agency


@transaction.atomic
def end_suspension(agency: Agency, *, actor: User | None = None, at: datetime) -> Agency:
    """By the clock, when the suspension is over: active again, or back on commitment with new clocks for the documents.

    An agency that is not suspended any more is left as it is. Raises RuleBroken before the end.
    """
    row = locked(agency)
    if row.state != AgencyState.SUSPENDED:
        return row
    if row.on_commitment:
        supply = deadline("entry.documents_supply", at, on=row.rules_on)
        check = deadline("entry.documents", at, on=row.rules_on)
        row, event = fire(
            row,
            "resume_on_commitment",
            actor=actor,
            at=at,
            data={
                "supply_due": iso_micros(supply.due),
                "due": iso_micros(check.due),
                "derivation": check.derivation,
            },
            supply_due=supply.due,
            due=check.due,
            derivation=check.derivation,
        )
    else:
        row, event = fire(row, "end_suspension", actor=actor, at=at)
    journal.tell_agency(row, event, journal.NOTE_RESUMED, {}, at=at)
    return row
