"""Changes of what was checked of an owner. They take effect when the office approves them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace import notifications, uploads
from marketplace.clock import iso_micros
from marketplace.deadlines import deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Organisation, Upload, User
from marketplace.workflow import fire, locked, why_not

from . import owner_journal as journal
from . import owner_rules as rules
from .models import OwnerChange, OwnerEntry
from .owner_queries import is_member, open_change
from .states import OwnerChangeState, OwnerState


def why_not_propose(entry: OwnerEntry, actor: User | None) -> DomainError | None:
    if entry.state != OwnerState.ACTIVE:
        return WrongState("propose_change", entry.state)
    if not is_member(actor, entry):
        return NotAllowed(verb="propose_change")
    if open_change(entry) is not None:
        return RuleBroken(
            "one_change_at_a_time",
            _("A change of this owner is under check already."),
            remedy=_("Wait for the result, or withdraw it and submit another one."),
        )
    return None


def _difference(entry: OwnerEntry, values: Mapping[str, str], proof_name: str) -> list[dict[str, str]]:
    rows = [{"field": field, "old": str(rules.value_of(entry, field)), "new": new} for field, new in values.items()]
    old = entry.registration_scan.name if entry.registration_scan else ""
    return [*rows, {"field": "registration", "old": old, "new": proof_name}]


@transaction.atomic
def propose_owner_change(
    entry: OwnerEntry,
    values: Mapping[str, str],
    file: UploadedFile | Upload | None,
    *,
    actor: User | None,
    at: datetime,
) -> OwnerChange:
    """Ask for other checked data (owner_rules.CHECKED); `file`, new or kept from an earlier try, is the certificate
    that proves them and becomes the registration certificate. With no other value the certificate alone is renewed.

    Raises FieldErrors (a field, file), WrongState, NotAllowed, RuleBroken(one_change_at_a_time).
    """
    row = locked(entry)
    if refusal := why_not_propose(row, actor):
        raise refusal
    names = rules.labels(row.organisation.nature)
    given = {key: values[key].strip() for key in rules.CHECKED if key in values and key in names}
    errors = rules.check_values(given)
    errors |= {
        field: [_("This entry is needed.")]
        for field, value in given.items()
        if not value and field in rules.needed(row.organisation.nature)
    }
    changed = {field: value for field, value in given.items() if rules.value_of(row, field) != value}
    if file is None:
        errors["file"] = [_("Add the document that shows the change.")]
    elif isinstance(file, UploadedFile):
        try:
            uploads.check(file)
        except FieldErrors as refusal:
            errors |= refusal.fields
    if errors or file is None:
        raise FieldErrors(errors)
    check = deadline("owner.check", at)
    if isinstance(file, Upload):
        proof = file
    else:
        proof = uploads.store(file, organisation=row.organisation, actor=actor, at=at)
    difference = _difference(row, changed, proof.name)
    change = OwnerChange.objects.create(
        owner=row,
        values=changed,
        difference=difference,
        proof=proof,
        submitted_at=at,
        check_due=check.due,
        check_derivation=check.derivation,
    )
    public = {"change": change.pk, "fields": _fields(change)}
    event = journal.note(
        row,
        journal.CHANGE_SUBMITTED,
        public | {"check_due": iso_micros(check.due), "derivation": check.derivation},
        actor=actor,
        at=at,
        private={"difference": difference, "proof_sha256": proof.sha256},
    )
    journal.tell_office(row, event, journal.NOTE_CHANGE_SUBMITTED, check.due, office_link(change), at=at)
    return change


def _fields(change: OwnerChange) -> list[str]:
    return [one["field"] for one in change.difference]


def office_link(change: OwnerChange) -> str:
    return reverse("office_owner_change", args=[change.pk])


@transaction.atomic
def approve_owner_change(change: OwnerChange, *, actor: User | None, at: datetime) -> OwnerChange:
    """The change takes effect now."""
    # The owner's row first, as its exit does, which takes open changes along.
    entry = locked(change.owner)
    row = locked(change)
    if refusal := why_not(row, "approve", actor=actor, at=at):
        raise refusal
    organisation: Organisation = entry.organisation
    for field, value in row.values.items():
        setattr(organisation if field == "name" else entry, field, value)
    entry.registration_scan = row.proof
    organisation.save(update_fields=["name"])
    entry.save(update_fields=["legal_representative", "address", "registration_scan"])
    public: dict[str, Any] = {"change": row.pk, "fields": _fields(row)}
    if "name" in row.values:
        public |= journal.public_name(entry)
    row, event = fire(
        row, "approve", actor=actor, at=at, data=public, private={"difference": row.difference}, decided_by=actor
    )
    notifications.settle(journal.NOTE_CHANGE_SUBMITTED, office_link(row), at=at)
    journal.tell_members(entry, event, journal.NOTE_CHANGE_APPROVED, {}, at=at)
    return row


@transaction.atomic
def refuse_owner_change(change: OwnerChange, reason: str, *, actor: User | None, at: datetime) -> OwnerChange:
    """Nothing changes; the owner is told why. Raises FieldErrors(reason) without a reason."""
    row = locked(change)
    if refusal := why_not(row, "refuse", actor=actor, at=at):
        raise refusal
    reason = reason.strip()
    if not reason:
        raise FieldErrors({"reason": [_("A refusal states its reason.")]})
    row, event = fire(
        row,
        "refuse",
        actor=actor,
        at=at,
        data={"change": row.pk},
        private={"reason": reason},
        decided_by=actor,
        reason=reason,
    )
    notifications.settle(journal.NOTE_CHANGE_SUBMITTED, office_link(row), at=at)
    journal.tell_members(row.owner, event, journal.NOTE_CHANGE_REFUSED, {"reason": reason}, at=at)
    return row


@transaction.atomic
def withdraw_owner_change(change: OwnerChange, *, actor: User | None, at: datetime) -> OwnerChange:
    """The owner takes it back while it is under check."""
    row, _event = fire(change, "withdraw", actor=actor, at=at, data={"change": change.pk})
    notifications.settle(journal.NOTE_CHANGE_SUBMITTED, office_link(row), at=at)
    return row


def withdraw_open_changes(entry: OwnerEntry, *, actor: User | None, at: datetime) -> None:
    """Part of the owner's exit."""
    for change in entry.changes.filter(state=OwnerChangeState.SUBMITTED):
        withdraw_owner_change(change, actor=actor, at=at)
