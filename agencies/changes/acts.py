"""The acts of a change: propose, correct, withdraw; approve, return, refuse. One verb, one function.

Each locks the agency first and then the change, so that two changes of one agency never judge the same facts at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace import uploads
from marketplace.accounts import belongs_to
from marketplace.clock import iso_micros
from marketplace.deadlines import deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken
from marketplace.models import Event, Upload, User
from marketplace.workflow import fire, locked, why_not

from .. import conditions
from ..journal import plain_due
from ..models import BASIS, Agency, Change, ChangeFile
from ..rules import Errors
from ..states import SUPPLYING, AgencyState
from . import journal, kinds
from .effects import apply
from .proposal import Proposal, gone, target_of


def why_not_propose(agency: Agency, kind: str, actor: User | None) -> DomainError | None:
    """Why this kind of change is not open to the person now, or None."""
    if not belongs_to(actor, agency.pk):
        return NotAllowed(verb="propose_change")
    if agency.state in kinds.SPECS[Change.Kind(kind)].states:
        return None
    if agency.state in SUPPLYING:
        return RuleBroken(
            "entry_is_open",
            _("The entry is still in the agency's own hands, so nothing of it is changed by a check."),
            basis=BASIS,
            remedy=_("Change it on the pages of the entry."),
        )
    if agency.state in {AgencyState.SUBMITTED, AgencyState.PUBLICITY}:
        return RuleBroken(
            "entry_is_under_check",
            _("The entry is under check or in publicity."),
            basis=BASIS,
            remedy=_("Changes are open once the agency is entered."),
        )
    rule = conditions.agency_is_entered
    return RuleBroken(rule.code, rule.sentence, basis=BASIS)


@transaction.atomic
def propose_change(
    agency: Agency,
    kind: str,
    *,
    values: Mapping[str, Any],
    files: Mapping[str, UploadedFile] | None = None,
    kept: Mapping[str, Upload] | None = None,
    target: int | None = None,
    reason: str = "",
    actor: User | None,
    at: datetime,
) -> Change:
    """Ask for a change of what was checked, and submit it; what is registered stays until its check approves it.

    `values` has the fields of kinds.SPECS[kind] (dates as dates, `requirements` as pks, the number of an identity
    document in plain); `files` and `kept` the papers by field; `target` is the pk of the certificate or person.
    Raises FieldErrors (those fields, or `change` for the whole), RuleBroken, NotAllowed.
    """
    row = locked(agency)
    if (refusal := why_not_propose(row, kind, actor)) is not None:
        raise refusal
    proposal = Proposal(row, Change.Kind(kind), target_of(row, Change.Kind(kind), target))
    if proposal.spec.has_target and proposal.target is None:
        raise gone()
    _take(proposal, values, files, kept)
    proposal.demand_only_one()
    if errors := proposal.faults(at=at) | _reason_faults(proposal, reason):
        raise FieldErrors(errors)
    proposal.change = Change(
        agency=row, kind=kind, target=proposal.target.pk if proposal.target else None, begun_at=at
    )
    return _submit(proposal, reason, actor, at)


@transaction.atomic
def correct_change(
    change: Change,
    *,
    values: Mapping[str, Any],
    files: Mapping[str, UploadedFile] | None = None,
    kept: Mapping[str, Upload] | None = None,
    reason: str = "",
    actor: User | None,
    at: datetime,
) -> Change:
    """After a return: correct and submit again. Papers that are not sent stay; an empty number stays as it was."""
    row = _locked(change)
    entered = row.agency.state in kinds.SPECS[Change.Kind(row.kind)].states
    if (refusal := why_not(row, "submit", actor=actor, at=at, entered=entered)) is not None:
        raise refusal
    proposal = Proposal.of(row, files=papers(row))
    if proposal.spec.has_target and proposal.target is None:
        raise gone()
    _take(proposal, values, files, kept)
    if errors := proposal.faults(at=at) | _reason_faults(proposal, reason):
        raise FieldErrors(errors)
    return _submit(proposal, reason, actor, at)


def judge(
    agency: Agency,
    kind: str,
    *,
    values: Mapping[str, Any],
    files: Mapping[str, UploadedFile] | None = None,
    kept: Mapping[str, Upload] | None = None,
    target: int | None = None,
    change: Change | None = None,
    at: datetime,
) -> Errors:
    """What propose_change, or correct_change of `change`, would find wrong with these values; nothing is written."""
    if change is not None:
        proposal = Proposal.of(change, files=papers(change))
    else:
        proposal = Proposal(agency, Change.Kind(kind), target_of(agency, Change.Kind(kind), target))
    _take(proposal, values, files, kept)
    return proposal.faults(at=at)


def _take(
    proposal: Proposal,
    values: Mapping[str, Any],
    files: Mapping[str, UploadedFile] | None,
    kept: Mapping[str, Upload] | None,
) -> None:
    """Put what was typed and sent now over what the proposal has."""
    spec = proposal.spec
    number = kinds.NUMBER.get(proposal.kind, "")
    typed = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in values.items()
        if name in spec.fields and name != number
    }
    if "practitioners_count" in spec.fields:
        typed["practitioners_count"] = typed.get("practitioners_count") or 0
    proposal.values = typed
    proposal.number = (values.get(number) or "").strip() or proposal.number
    proposal.files = {name: file for name, file in (files or {}).items() if name in spec.files and file}
    proposal.kept = {**proposal.kept, **{name: one for name, one in (kept or {}).items() if name in spec.files}}


def _reason_faults(proposal: Proposal, reason: str) -> Errors:
    """What leaves without a paper leaves with a reason."""
    if not reason.strip() and not proposal.spec.files:
        return {"reason": [_("Say why.")]}
    limit = Change._meta.get_field("reason").max_length or 0
    return {"reason": [_("At most {limit} characters.").format(limit=limit)]} if len(reason) > limit else {}


def _submit(proposal: Proposal, reason: str, actor: User | None, at: datetime) -> Change:
    """Store a proposal without faults with its papers, and start the clock of its check."""
    change, agency = proposal.change, proposal.agency
    assert change is not None
    change.reason = reason.strip()
    change.values, change.secret = proposal.stored_values(), proposal.secret()
    change.difference = proposal.difference()
    change.save()
    for name in proposal.spec.files:
        file = proposal.kept.get(name)
        if (sent := proposal.files.get(name)) is not None:
            file = uploads.store(sent, organisation=agency.organisation, actor=actor, at=at, field=name)
        if file is not None:
            ChangeFile.objects.update_or_create(change=change, field=name, defaults={"file": file})
    check = deadline("change.check", at)
    row, event = fire(
        change,
        "submit",
        actor=actor,
        at=at,
        data=_data(change, proposal) | {"check_due": iso_micros(check.due), "derivation": check.derivation},
        private={"difference": change.difference, "reason": change.reason},
        facts={"entered": True},
        due=check.due,
        derivation=check.derivation,
    )
    journal.tell_office(row, event, {"due": plain_due(check.due)}, at=at)
    return row


def _data(change: Change, proposal: Proposal) -> dict[str, Any]:
    return {"change": change.pk, "kind": str(change.kind), "what": proposal.what()}


def papers(change: Change) -> dict[str, Upload]:
    """The papers of a change by field; one query."""
    return {paper.field: paper.file for paper in change.papers.select_related("file")}


@transaction.atomic
def keep_papers(
    agency: Agency, kind: str, files: Mapping[str, UploadedFile], *, actor: User | None, at: datetime
) -> dict[str, Upload]:
    """Keep good papers while the rest of their form is corrected, {field: Upload}. Raises FieldErrors."""
    row = locked(agency)
    if (refusal := why_not_propose(row, kind, actor)) is not None:
        raise refusal
    return {
        name: uploads.store(file, organisation=row.organisation, actor=actor, at=at, field=name)
        for name, file in files.items()
    }


@transaction.atomic
def withdraw_change(change: Change, *, actor: User | None, at: datetime) -> Change:
    """The agency does not want it any more; what is registered stays."""
    row, _event = _decide(_locked(change), "withdraw", actor, at)
    return row


# ---------- the office ----------


@transaction.atomic
def approve_change(change: Change, *, actor: User | None, at: datetime) -> Change:
    """The check is passed and the change takes effect, if nothing stands against it at this moment.

    Raises FieldErrors when something does by now: a practitioner checked elsewhere, a certificate expired meanwhile,
    a certificate or person that is gone. Then nothing has changed.
    """
    row = _locked(change)
    facts = {"entered": row.agency.state in kinds.SPECS[Change.Kind(row.kind)].states}
    _ask(row, "approve", actor, at, **facts)
    stored = papers(row)
    proposal = Proposal.of(row, files=stored)
    if proposal.spec.has_target and proposal.target is None:
        raise gone()
    if errors := proposal.faults(at=at):
        raise FieldErrors(errors)
    # What it was may have become different since it was proposed.
    row.difference = proposal.difference()
    row.save(update_fields=["difference"])
    data = _data(row, proposal)
    apply(proposal, at=at)
    hashes = {name: upload.sha256 for name, upload in stored.items()}
    public = {"certificate": hashes["certificate"]} if _certificate_is_public(proposal, hashes) else {}
    row, event = fire(
        row,
        "approve",
        actor=actor,
        at=at,
        data=data | {"difference": kinds.public_rows(row.kind, row.difference), "papers": public},
        private={"difference": row.difference, "papers": hashes},
        facts=facts,
        decided_by=actor,
    )
    journal.settled(row, at=at)
    journal.tell_members(row, event, journal.NOTE_APPROVED, {}, at=at)
    return row


def _certificate_is_public(proposal: Proposal, hashes: Mapping[str, str]) -> bool:
    return "certificate" in hashes and "kind" in proposal.spec.public


@transaction.atomic
def return_change(
    change: Change, defects: Iterable[Mapping[str, str]], *, actor: User | None, at: datetime
) -> Change:
    """Send the change back with all its defects at once, each {"field": …, "sentence": …} (kinds.defect_fields).

    Raises FieldErrors when there is none, a sentence is empty or a field unknown.
    """
    row = _locked(change)
    _ask(row, "return_change", actor, at)
    named = [{"field": entry["field"], "sentence": entry["sentence"].strip()} for entry in defects]
    errors: Errors = {}
    if not named:
        errors["defects"] = [_("Name at least one defect; the agency is told all of them at once.")]
    for entry in named:
        if entry["field"] not in kinds.defect_fields(row.kind):
            errors.setdefault(entry["field"], []).append(_("The case has no such entry."))
        elif not entry["sentence"]:
            errors.setdefault(entry["field"], []).append(_("Say what is wrong."))
    if errors:
        raise FieldErrors(errors)
    row, event = _decide(
        row,
        "return_change",
        actor,
        at,
        data={"defects": len(named)},
        private={"defects": named},
        decided_by=actor,
        defects=named,
    )
    journal.tell_members(row, event, journal.NOTE_RETURNED, {"count": len(named)}, at=at)
    return row


@transaction.atomic
def refuse_change(change: Change, reason: str, *, actor: User | None, at: datetime) -> Change:
    """Refuse the change with its reason; what is registered stays. Raises FieldErrors(reason) without one."""
    row = _locked(change)
    _ask(row, "refuse", actor, at)
    if not reason.strip():
        raise FieldErrors({"reason": [_("A refusal states its reason.")]})
    row, event = _decide(
        row, "refuse", actor, at, private={"reason": reason.strip()}, decided_by=actor, reason=reason.strip()
    )
    journal.tell_members(row, event, journal.NOTE_REFUSED, {"reason": row.refusal_reason}, at=at)
    return row


def _decide(
    row: Change,
    name: str,
    actor: User | None,
    at: datetime,
    *,
    data: dict[str, Any] | None = None,
    private: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[Change, Event]:
    """Move a change that takes no effect by it; the office is done with it."""
    told = _data(row, Proposal.of(row)) | (data or {})
    row, event = fire(row, name, actor=actor, at=at, data=told, private=private, **changes)
    journal.settled(row, at=at)
    return row, event


def _locked(change: Change) -> Change:
    """The change as it stands now with its agency, both locked."""
    agency = locked(Agency.objects.get(pk=change.agency_id))
    row = locked(change)
    row.agency = agency
    return row


def _ask(change: Change, name: str, actor: User | None, at: datetime, **facts: Any) -> None:
    """The gate's answer before anything else is looked at; fire asks again."""
    if (refusal := why_not(change, name, actor=actor, at=at, **facts)) is not None:
        raise refusal
