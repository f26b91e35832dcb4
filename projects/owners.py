"""The acts of a project owner's entry and exit: one verb, one function. Changes are in `owner_changes`.

The organisation is inactive until the entry is approved, so that nothing in selection is open to its people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from agencies.rules import check_credit_code
from marketplace import accounts, events, identity, notifications, uploads
from marketplace.clock import iso_micros
from marketplace.deadlines import deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text, WrongState
from marketplace.models import Membership, Organisation, User
from marketplace.workflow import fire, locked, why_not

from . import owner_journal as journal
from . import owner_rules as rules
from .models import OwnerEntry
from .owner_changes import withdraw_open_changes
from .owner_queries import is_member, open_tasks, own_entry
from .states import OWNER_EDITABLE, OwnerState

Kind, Nature = Organisation.Kind, Organisation.Nature

# ---------- registration ----------


def register_owner(
    *,
    name: str,
    nature: str,
    code: str = "",
    id_number: str = "",
    contact: Mapping[str, str] | None = None,
    actor: User,
    at: datetime,
) -> OwnerEntry:
    """Begin the entry of an owner: the organisation, not active yet, its case, and the actor as its manager.

    A public body or an enterprise gives its unified social credit code; a natural person the number of his identity
    card, which is sealed. `contact`: owner_rules.CONTACT. Raises FieldErrors (name, nature, code or id_number, a
    contact), RuleBroken when the account acts for an owner already.
    """
    given = {key: value.strip() for key, value in (contact or {}).items() if key in rules.CONTACT}
    errors = rules.check_values({"name": name, **given})
    if nature not in Nature.values:
        errors["nature"] = [_("Choose what kind of owner this is.")]
    sealed: identity.Sealed | None = None
    field = "id_number" if nature == Nature.PERSON else "code"
    if nature == Nature.PERSON:
        number, faults = identity.check(identity.RESIDENT, id_number)
        if not faults:
            sealed = identity.seal(identity.RESIDENT, number)
            code = rules.person_code(sealed.digest)
    else:
        code, faults = check_credit_code(code)
    if faults:
        errors[field] = faults
    elif code_is_taken(code):
        errors[field] = [_taken(actor, code)]
    if errors:
        raise FieldErrors(errors)
    if (busy := own_entry(actor)) and busy.state not in (OwnerState.REFUSED, OwnerState.WITHDRAWN):
        raise RuleBroken(
            "one_owner_each",
            _("Your account acts for another project owner already."),
            remedy=_("Use an account of its own for each owner."),
        )
    try:
        with transaction.atomic():
            return _begin(name.strip(), nature, code, sealed, given, actor, at)
    except IntegrityError as clash:
        # Two people at once with the same code: the database lets one through.
        raise FieldErrors({field: [_taken(actor, code)]}) from clash
    finally:
        accounts.forget(actor)


def code_is_taken(code: str) -> bool:
    return Organisation.objects.filter(code=code).exists()


def _taken(actor: User, code: str) -> Text:
    if actor.memberships.filter(organisation__code=code).exists():
        return _("You act for the organisation with this code already; one organisation has one role here.")
    return _("This is registered already. If you act for it, claim access instead of registering it again.")


def _begin(
    name: str,
    nature: str,
    code: str,
    sealed: identity.Sealed | None,
    contact: Mapping[str, str],
    actor: User,
    at: datetime,
) -> OwnerEntry:
    organisation = Organisation.objects.create(kind=Kind.OWNER, nature=nature, name=name, code=code, is_active=False)
    entry = OwnerEntry.objects.create(
        organisation=organisation, registered_at=at, id_sealed=sealed.sealed if sealed else b"", **contact
    )
    Membership.objects.create(user=actor, organisation=organisation, role=Membership.Role.MANAGER)
    events.open_stream(entry.stream_name(), public=False)
    private = {"name": name} | {key: getattr(entry, key) for key in rules.CONTACT}
    public = {"code": code, "nature": nature} | journal.public_name(entry)
    journal.note(entry, journal.REGISTERED, public, actor=actor, at=at, private=private)
    return entry


# ---------- the papers ----------


def why_not_change(entry: OwnerEntry, actor: User | None) -> DomainError | None:
    """Why the papers cannot be changed now, or None. An active owner changes its contact at any time, the rest by a
    check."""
    if entry.state not in OWNER_EDITABLE:
        return WrongState("change_entry", entry.state)
    return None if is_member(actor, entry) else NotAllowed(verb="change_entry")


def _open(entry: OwnerEntry, actor: User | None, *, contact_only: bool = False) -> OwnerEntry:
    row = locked(entry)
    refusal = why_not_change(row, actor)
    if contact_only and row.state == OwnerState.ACTIVE:
        refusal = None if is_member(actor, row) else NotAllowed(verb="change_entry")
    if refusal is not None:
        raise refusal
    return row


@transaction.atomic
def update_owner(entry: OwnerEntry, values: Mapping[str, str], *, actor: User | None, at: datetime) -> OwnerEntry:
    """Change the given data: owner_rules.CHECKED and CONTACT, and `nature` between body and enterprise. No difference,
    no event. Raises FieldErrors, WrongState, NotAllowed."""
    known = {key: value.strip() for key, value in values.items() if key in (*rules.CHECKED, *rules.CONTACT, "nature")}
    row = _open(entry, actor, contact_only=set(known) <= set(rules.CONTACT))
    errors = rules.check_values({key: value for key, value in known.items() if key != "nature"})
    # Whether it is a natural person is part of the identity: it decides what the code is made of.
    person = row.organisation.nature == Nature.PERSON
    if "nature" in known and (known["nature"] not in Nature.values or (known["nature"] == Nature.PERSON) != person):
        errors["nature"] = [_("Choose what kind of owner this is.")]
    if errors:
        raise FieldErrors(errors)
    changed = {key: value for key, value in known.items() if rules.value_of(row, key) != value}
    for key, value in changed.items():
        setattr(row.organisation if key in {"name", "nature"} else row, key, value)
    if changed:
        row.organisation.save(update_fields=["name", "nature"])
        row.save(update_fields=[key for key in changed if key not in {"name", "nature"}])
        fields = {"fields": sorted(changed)}
        journal.note(row, journal.DATA_UPDATED, fields, actor=actor, at=at, private={"values": changed})
    return row


@transaction.atomic
def put_owner_file(
    entry: OwnerEntry, kind: str, file: UploadedFile, *, actor: User | None, at: datetime
) -> OwnerEntry:
    """Hand in a document, `registration` or `authority` (owner_rules.FILES); a new one replaces the old. Raises
    FieldErrors at the kind."""
    row = _open(entry, actor)
    if kind not in rules.FILES or kind not in rules.labels(row.organisation.nature):
        raise FieldErrors({kind: [_("The case has no such entry.")]})
    kept = uploads.store(file, organisation=row.organisation, actor=actor, at=at, field=kind)
    setattr(row, rules.FILES[kind], kept)
    row.save(update_fields=[rules.FILES[kind]])
    journal.note(row, journal.FILE_PUT, {"kind": kind}, actor=actor, at=at, private={"sha256": kept.sha256})
    return row


def _forget(actor: User | None) -> None:
    """What was read while the organisation was not active must not be believed after its approval."""
    if actor is not None:
        accounts.forget(actor)


# ---------- the check ----------


@transaction.atomic
def submit_owner(entry: OwnerEntry, *, actor: User | None, at: datetime, quiet: bool = False) -> OwnerEntry:
    """Ask for the check of the documents; starts its clock and tells the office.

    Raises FieldErrors with everything that is missing, all at once. `quiet` is for history that is loaded after the
    fact: nobody is told.
    """
    row = locked(entry)
    gaps = rules.gaps(row)
    refusal = why_not(row, "submit", actor=actor, at=at, gaps=gaps)
    if isinstance(refusal, RuleBroken):
        raise FieldErrors({gap.field: [gap.sentence] for gap in gaps})
    check = deadline("owner.check", at)
    row, event = fire(
        row,
        "submit",
        actor=actor,
        at=at,
        data={"check_due": iso_micros(check.due), "derivation": check.derivation},
        facts={"gaps": gaps},
        due=check.due,
        derivation=check.derivation,
    )
    if not quiet:
        journal.tell_office(row, event, journal.NOTE_SUBMITTED, check.due, _office_link(row), at=at)
    _forget(actor)
    return row


def _office_link(entry: OwnerEntry) -> str:
    return reverse("office_owner", args=[entry.organisation.code])


def _ask(entry: OwnerEntry, name: str, actor: User | None, at: datetime) -> None:
    """The gate's answer before anything else is looked at; fire asks again."""
    refusal = why_not(entry, name, actor=actor, at=at)
    if refusal is not None:
        raise refusal


@transaction.atomic
def return_owner(
    entry: OwnerEntry, defects: Iterable[Mapping[str, str]], *, actor: User | None, at: datetime
) -> OwnerEntry:
    """Send the entry back with all its defects at once, each {"field", "sentence"} (owner_rules.labels).

    Raises FieldErrors when there is none, a sentence is empty or a field unknown.
    """
    row = locked(entry)
    _ask(row, "return_entry", actor, at)
    named = [{"field": one["field"], "sentence": one["sentence"].strip()} for one in defects]
    errors: dict[str, list[Text]] = {}
    if not named:
        errors["defects"] = [_("Name at least one defect; the owner is told all of them at once.")]
    for one in named:
        if one["field"] not in rules.labels(row.organisation.nature):
            errors.setdefault(one["field"], []).append(_("The case has no such entry."))
        elif not one["sentence"]:
            errors.setdefault(one["field"], []).append(_("Say what is wrong."))
    if errors:
        raise FieldErrors(errors)
    row, event = fire(
        row,
        "return_entry",
        actor=actor,
        at=at,
        data={"defects": len(named)},
        private={"defects": named},
        checked_by=actor,
        defects=named,
    )
    notifications.settle(journal.NOTE_SUBMITTED, _office_link(row), at=at)
    journal.tell_members(row, event, journal.NOTE_RETURNED, {"count": len(named)}, at=at)
    return row


@transaction.atomic
def approve_owner(entry: OwnerEntry, *, actor: User | None, at: datetime, quiet: bool = False) -> OwnerEntry:
    """The documents are in order: the owner is active from now on, and the log of a body or an enterprise is public."""
    row = locked(entry)
    organisation = row.organisation
    data = {"code": organisation.code, "nature": organisation.nature} | journal.public_name(row)
    row, event = fire(row, "approve", actor=actor, at=at, data=data, checked_by=actor)
    _set_active(row, True)
    if organisation.nature != Nature.PERSON:
        events.make_public(row.stream_name())
    notifications.settle(journal.NOTE_SUBMITTED, _office_link(row), at=at)
    if not quiet:
        journal.tell_members(row, event, journal.NOTE_APPROVED, {}, at=at)
    return row


def _set_active(entry: OwnerEntry, active: bool) -> None:
    entry.organisation.is_active = active
    entry.organisation.save(update_fields=["is_active"])


@transaction.atomic
def refuse_owner(entry: OwnerEntry, reason: str, *, actor: User | None, at: datetime) -> OwnerEntry:
    """Refuse the entry with its reason. Raises FieldErrors(reason) without one."""
    row = locked(entry)
    _ask(row, "refuse", actor, at)
    reason = reason.strip()
    if not reason:
        raise FieldErrors({"reason": [_("A refusal states its reason.")]})
    row, event = fire(row, "refuse", actor=actor, at=at, private={"reason": reason}, checked_by=actor, reason=reason)
    notifications.settle(journal.NOTE_SUBMITTED, _office_link(row), at=at)
    journal.tell_members(row, event, journal.NOTE_REFUSED, {"reason": reason}, at=at)
    return row


# ---------- exit and return ----------


@transaction.atomic
def withdraw_owner(entry: OwnerEntry, *, actor: User | None, at: datetime) -> OwnerEntry:
    """Leave the marketplace; a change that is under check falls with it. Raises RuleBroken(no_task_is_open) with the
    codes of the open tasks in `facts["tasks"]`."""
    row = locked(entry)
    waiting = open_tasks(row)
    try:
        row, event = fire(row, "withdraw", actor=actor, at=at, facts={"open_tasks": waiting})
    except RuleBroken as refusal:
        refusal.facts["tasks"] = [task.code for task in waiting]
        raise
    withdraw_open_changes(row, actor=actor, at=at)
    _set_active(row, False)
    journal.tell_members(row, event, journal.NOTE_WITHDRAWN, {}, at=at)
    _forget(actor)
    return row


@transaction.atomic
def begin_owner_again(entry: OwnerEntry, *, actor: User | None, at: datetime) -> OwnerEntry:
    """After a refusal or an exit: a new entry from the papers that are there; everything is checked anew."""
    row, _event = fire(entry, "begin_again", actor=actor, at=at)
    return row
