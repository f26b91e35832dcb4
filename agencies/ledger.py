"""The acts of the credit ledger: entries with their right of reply, petitions, recounts, and services done.

An entry counts from the day in China on which it is let stand or confirmed, never from an earlier one: a late clock takes
nothing away from an agency after the fact. A merit counts at once.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace import accounts, uploads
from marketplace.clock import iso_micros, local_date
from marketplace.deadlines import add_months, deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text, WrongState
from marketplace.models import Organisation, Upload, User
from marketplace.workflow import fire, locked, why_not

from . import conditions, credit_rules, penalties
from . import credit_journal as journal
from .models import Agency, CreditEntry, CreditPetition, CreditRule
from .reckoning import rate_service, record_service, recount, rows_of, standing_from, standing_of
from .states import EntryState, PetitionState

LAPSE = "commitment_not_kept"

Merit = CreditRule.Gravity.MERIT
Kind = CreditPetition.Kind
# An address of this site or of another one; nothing a browser would run.
LINK = re.compile(r"(/(?!/)|https?://)\S*")
__all__ = [
    "add_entry",
    "confirm",
    "decide_petition",
    "drop",
    "let_stand",
    "lodge_petition",
    "rate_service",
    "record_service",
    "recount",
    "reply",
    "rows_of",
    "standing_from",
    "standing_of",
]

NEEDED = gettext_lazy("This entry is needed.")


# ---------- entries ----------


def why_no_entry(agency: Agency, *, actor: User | None) -> DomainError | None:
    """Why this person may make no entry about the agency, or None. The clock may."""
    if actor is not None and not accounts.acts_as(actor, Organisation.Kind.OFFICE):
        return NotAllowed(verb="add_entry")
    if not conditions.checker_is_independent(agency, actor=actor):
        rule = conditions.checker_is_independent
        return RuleBroken(rule.code, rule.sentence, basis=rule.basis, remedy=rule.remedy)
    if agency.publicity_from is None:
        return RuleBroken("agency_never_entered", _("This agency never entered, so there is no ledger about it."))
    return None


@transaction.atomic
def add_entry(
    agency: Agency,
    rule_code: str,
    *,
    summary: str,
    source: str,
    happened_on: date,
    link: str = "",
    evidence: UploadedFile | Upload | None = None,
    actor: User | None,
    at: datetime,
) -> CreditEntry:
    """Enter an event in the ledger, under the rule of the day it happened; the same `source` is entered once.

    A breach waits for the end of its right of reply; a merit counts at once. `evidence` is readable for the agency,
    office and supervisor. Raises NotAllowed, RuleBroken, FieldErrors (rule, summary, source, happened_on, link,
    evidence).
    """
    row = locked(agency)
    if (refusal := why_no_entry(row, actor=actor)) is not None:
        raise refusal
    known = row.ledger.filter(source=source).select_related("rule").first()
    if known is not None:
        return known
    summary, link = " ".join(summary.split()), link.strip()
    errors: dict[str, list[Text]] = {}
    rule = None
    if happened_on > local_date(at):
        errors["happened_on"] = [_("This day lies in the future.")]
    else:
        try:
            rule = credit_rules.rule(rule_code, happened_on)
        except credit_rules.UnknownRule:
            errors["rule"] = [_("No such rule held on that day.")]
    for field, text in (("summary", summary), ("source", source)):
        if not text:
            errors[field] = [NEEDED]
    for field, text in (("summary", summary), ("link", link), ("source", source)):
        limit = CreditEntry._meta.get_field(field).max_length or 0  # type: ignore[union-attr]
        if len(text) > limit:
            errors[field] = [_("At most {limit} characters.").format(limit=limit)]
    if link and not LINK.fullmatch(link):
        errors.setdefault("link", []).append(_("An address begins with / or https://."))
    if errors or rule is None:
        raise FieldErrors(errors)
    paper = _keep(evidence, row, actor, at, "evidence")
    merit = rule.gravity == Merit
    reply = None if merit else deadline("credit.reply", at)
    entry = CreditEntry.objects.create(
        agency=row,
        rule=rule,
        points=rule.points,
        summary=summary,
        link=link,
        source=source,
        evidence=paper,
        happened_on=happened_on,
        entered_by=actor,
        entered_at=at,
        reply_until=reply.due if reply else None,
        reply_derivation=reply.derivation if reply else None,
    )
    data = {
        "entry": entry.pk,
        "rule": rule.code,
        "rule_from": rule.valid_from.isoformat(),
        "basis": rule.basis,
        "gravity": rule.gravity,
        "points": rule.points,
        "months": rule.months,
        "summary": summary,
        "link": link,
        "source": source,
        "happened_on": happened_on.isoformat(),
        "evidence_sha256": paper.sha256 if paper else None,
        "reply_until": iso_micros(reply.due) if reply else None,
        "derivation": reply.derivation if reply else None,
    }
    event = journal.note(row, journal.ENTERED, data, actor=actor, at=at)
    told = {"summary": summary, "points": rule.points}
    if reply:
        told["until"] = journal.plain_due(reply.due)
    journal.tell_agency(row, event, journal.NOTE_ENTERED if reply else journal.NOTE_MERIT, told, at=at)
    return entry if reply else _begin(entry, "let_stand", actor=actor, at=at)


def _keep(
    file: UploadedFile | Upload | None, agency: Agency, actor: User | None, at: datetime, field: str
) -> Upload | None:
    if file is None or isinstance(file, Upload):
        return file
    return uploads.store(file, organisation=agency.organisation, actor=actor, at=at, field=field)


def _fresh(entry: CreditEntry) -> CreditEntry:
    """The entry as it stands now, its agency locked first: every act takes the locks in this order."""
    locked(entry.agency)
    row: CreditEntry = CreditEntry.objects.select_related("agency__organisation", "rule").get(pk=entry.pk)
    return row


@transaction.atomic
def reply(
    entry: CreditEntry, text: str, file: UploadedFile | None = None, *, actor: User | None, at: datetime
) -> CreditEntry:
    """陈述、申辩: the agency replies, once, while its right runs. Raises FieldErrors(text, file)."""
    row = _fresh(entry)
    _ask(row, "reply", actor, at)
    text = _needed("text", text, 4000)
    paper = _keep(file, row.agency, actor, at, "file")
    decision = deadline("credit.reply_decision", at)
    row, event = fire(
        row,
        "reply",
        actor=actor,
        at=at,
        data={"entry": row.pk, "decision_due": iso_micros(decision.due), "derivation": decision.derivation},
        private={"text": text, "file_sha256": paper.sha256 if paper else None},
        text=text,
        file=paper,
        decision_due=decision.due,
    )
    told = {"summary": row.summary, "due": journal.plain_due(decision.due)}
    journal.tell_office(row.agency, event, journal.NOTE_REPLIED, told, at=at, entry=row)
    return row


@transaction.atomic
def let_stand(entry: CreditEntry, *, actor: User | None = None, at: datetime) -> CreditEntry:
    """By the clock, when the right of reply ended without a reply. One that counts already is left as it is."""
    row = _fresh(entry)
    if row.state == EntryState.COUNTED:
        return row
    return _begin(row, "let_stand", actor=actor, at=at)


@transaction.atomic
def confirm(entry: CreditEntry, reason: str, *, actor: User | None, at: datetime) -> CreditEntry:
    """The reply does not change the entry; it counts from today. Raises FieldErrors(reason)."""
    row = _fresh(entry)
    _ask(row, "confirm", actor, at, maker=row.entered_by_id)
    reason = _needed("reason", reason, 2000)
    return _begin(row, "confirm", actor=actor, at=at, reason=reason)


def _begin(entry: CreditEntry, name: str, *, actor: User | None, at: datetime, reason: str = "") -> CreditEntry:
    """The entry begins to count: from today, for the months of its rule, with what follows from it."""
    today = local_date(at)
    months = entry.rule.months
    expires_on = add_months(today, months) if months else None
    objection = None if entry.rule.gravity == Merit else deadline("credit.objection", at)
    object_until = objection.due if objection else None
    decided: dict[str, Any] = {"decided_by": actor, "reason": reason} if name == "confirm" else {}
    row, event = fire(
        entry,
        name,
        actor=actor,
        at=at,
        data={
            "entry": entry.pk,
            "rule": entry.rule.code,
            "points": entry.points,
            "effective_on": today.isoformat(),
            "expires_on": journal.iso(expires_on),
            "object_until": iso_micros(object_until) if object_until else None,
        },
        private={"reason": reason} if reason else None,
        facts={"maker": entry.entered_by_id},
        effective_on=today,
        expires_on=expires_on,
        object_until=object_until,
        **decided,
    )
    if object_until:
        told = {"summary": row.summary, "points": row.points, "day": today.isoformat()}
        told["until"] = journal.plain_due(object_until)
        journal.tell_agency(row.agency, event, journal.NOTE_COUNTED, told, at=at)
    recount(row.agency, actor=actor, at=at)
    penalties.follow(row, actor=actor, at=at)
    return row


@transaction.atomic
def drop(entry: CreditEntry, reason: str, *, actor: User | None, at: datetime) -> CreditEntry:
    """The entry was not right: it never counts. Raises FieldErrors(reason)."""
    row = _fresh(entry)
    _ask(row, "drop", actor, at, maker=row.entered_by_id)
    reason = _needed("reason", reason, 2000)
    row, event = fire(
        row,
        "drop",
        actor=actor,
        at=at,
        data={"entry": row.pk},
        private={"reason": reason},
        facts={"maker": row.entered_by_id},
        decided_by=actor,
        reason=reason,
    )
    journal.tell_agency(row.agency, event, journal.NOTE_DROPPED, {"summary": row.summary}, at=at)
    _reopen_commitment(row)
    return row


def _reopen_commitment(entry: CreditEntry) -> None:
    """A lapse that was no lapse closes commitment first no longer, unless another entry of the kind stands."""
    if entry.rule.code != LAPSE:
        return
    agency = locked(entry.agency)
    gone = (EntryState.DROPPED, EntryState.VOIDED)
    if not agency.ledger.filter(rule__code__in=(LAPSE, "false_commitment")).exclude(state__in=gone).exists():
        agency.commitment_barred = False
        agency.save(update_fields=["commitment_barred"])


# ---------- petitions ----------


def why_no_petition(entry: CreditEntry, kind: str, *, actor: User | None, at: datetime) -> DomainError | None:
    """Why this person cannot lodge this petition about the entry now, or None."""
    if not accounts.belongs_to(actor, entry.agency_id):
        return NotAllowed(verb="lodge_petition")
    if entry.state not in (
        (EntryState.COUNTED, EntryState.REPAIRED) if kind == Kind.OBJECTION else (EntryState.COUNTED,)
    ):
        return WrongState("lodge_petition", entry.state)
    lodged = list(entry.petitions.all())
    if any(one.state == PetitionState.LODGED for one in lodged):
        return RuleBroken("petition_open", _("A petition about this entry is not decided yet."))
    if kind == Kind.OBJECTION:
        if any(one.kind == Kind.OBJECTION for one in lodged):
            return RuleBroken("objected_already", _("An objection against this entry was decided already."))
        if not conditions.objection_time_is_running(entry, at=at):
            return RuleBroken("objection_time_is_running", conditions.objection_time_is_running.sentence)
        return None
    opens = repair_opens_on(entry)
    if opens is None:
        return RuleBroken("never_repaired", _("Entries of this kind cannot be repaired."), basis=entry.rule.basis)
    if local_date(at) < opens:
        return RuleBroken(
            "repair_too_early",
            _("Repair can be applied for from {day} on.").format(day=opens.isoformat()),
            basis=entry.rule.basis,
        )
    if entry.expires_on is not None and entry.expires_on <= local_date(at):
        return RuleBroken("expired_already", _("The entry counts no longer; there is nothing to repair."))
    return None


def repair_opens_on(entry: CreditEntry) -> date | None:
    """The first day on which repair can be applied for; None where the rule knows no repair or nothing counts yet."""
    months = entry.rule.repair_after_months
    if months is None or entry.effective_on is None or entry.rule.gravity == Merit:
        return None
    return add_months(entry.effective_on, months)


@transaction.atomic
def lodge_petition(
    entry: CreditEntry,
    kind: str,
    text: str,
    file: UploadedFile | None = None,
    *,
    actor: User,
    at: datetime,
) -> CreditPetition:
    """Object to an entry that counts (in time, once), or apply for its repair. Raises FieldErrors(text, file, kind)."""
    if kind not in Kind.values:
        raise FieldErrors({"kind": [_("Choose objection or repair.")]})
    row = _fresh(entry)
    if (refusal := why_no_petition(row, kind, actor=actor, at=at)) is not None:
        raise refusal
    text = _needed("text", text, 4000)
    paper = _keep(file, row.agency, actor, at, "file")
    due = deadline("credit.petition", at)
    petition = CreditPetition.objects.create(
        entry=row,
        agency=row.agency,
        kind=kind,
        text=text,
        evidence=paper,
        lodged_by=actor,
        lodged_at=at,
        due=due.due,
        derivation=due.derivation,
    )
    event = journal.note(
        row.agency,
        journal.PETITION_LODGED[kind],
        {"entry": row.pk, "petition": petition.pk, "due": iso_micros(due.due), "derivation": due.derivation},
        actor=actor,
        at=at,
        private={"text": text, "file_sha256": paper.sha256 if paper else None},
    )
    told = {"summary": row.summary, "due": journal.plain_due(due.due)}
    journal.tell_office(row.agency, event, journal.NOTE_PETITION, told, at=at, entry=row)
    return petition


def maker_of(entry: CreditEntry, actor: User | None) -> int | None:
    """The fact `maker` of a petition: the person himself where he entered or confirmed the entry."""
    return actor.pk if actor is not None and actor.pk in (entry.entered_by_id, entry.decided_by_id) else None


@transaction.atomic
def decide_petition(
    petition: CreditPetition, *, grant: bool, reason: str, actor: User | None, at: datetime
) -> CreditPetition:
    """Grant or reject a petition. A granted objection strikes the entry out, with the penalties that rest on it; a
    granted repair ends it today. Raises FieldErrors(reason)."""
    entry = _fresh(petition.entry)
    case: CreditPetition = CreditPetition.objects.select_related("agency__organisation").get(pk=petition.pk)
    name = "grant" if grant else "reject"
    maker = maker_of(entry, actor)
    _ask(case, name, actor, at, maker=maker)
    reason = _needed("reason", reason, 2000)
    data = {"entry": entry.pk, "petition": case.pk, "kind": case.kind}
    private = {"reason": reason}
    case, event = fire(
        case,
        name,
        actor=actor,
        at=at,
        data=data,
        private=private,
        facts={"maker": maker},
        decided_by=actor,
        reason=reason,
    )
    told = {"summary": entry.summary, "reason": reason}
    note = journal.NOTE_GRANTED if grant else journal.NOTE_REJECTED
    journal.tell_agency(entry.agency, event, note, told, at=at)
    if grant and case.kind == Kind.OBJECTION:
        entry, _event = fire(
            entry, "void", actor=actor, at=at, data={"entry": entry.pk}, private=private, reason=reason
        )
        penalties.lift_after(entry, reason, actor=actor, at=at)
        _reopen_commitment(entry)
    elif grant:
        today = local_date(at)
        ended = {"entry": entry.pk, "ended_on": today.isoformat()}
        fire(entry, "repair", actor=actor, at=at, data=ended, private=private, ended_on=today, reason=reason)
    if grant:
        recount(entry.agency, actor=actor, at=at)
    return case


def _needed(field: str, text: str, limit: int) -> str:
    text = text.strip()
    if not text:
        raise FieldErrors({field: [NEEDED]})
    if len(text) > limit:
        raise FieldErrors({field: [_("At most {limit} characters.").format(limit=limit)]})
    return text


def _ask(case: Any, name: str, actor: User | None, at: datetime, **facts: Any) -> None:
    """The gate's answer before anything else is looked at; fire asks again."""
    refusal = why_not(case, name, actor=actor, at=at, **facts)
    if refusal is not None:
        raise refusal
