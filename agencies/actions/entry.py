"""The acts of registration and entry: one verb, one function. Each is an event in the agency's stream."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from marketplace import accounts, identity
from marketplace.accounts import belongs_to, memberships
from marketplace.clock import iso_micros, local_date
from marketplace.deadlines import deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Membership, Organisation, ServiceItem, User
from marketplace.workflow import fire, locked, why_not

from .. import directory, journal, rules
from ..models import Agency, AgencyItem
from ..states import EDITABLE, SUPPLYING, AgencyState, ObjectionState
from .checking import by_field, mark_checked, named_defects

BASIC_FIELDS = (
    "origin",
    "legal_representative",
    "address",
    "established_on",
    "contact_name",
    "contact_phone",
    "contact_email",
    "introduction",
    "represented_by",
)
# The text an agency signs, see templates/agencies/_letter.html; a new text gets a new name.
LETTER = "entry-1"


def register_agency(
    *, name: str, code: str, origin: str, basic_data: Mapping[str, Any] | None = None, actor: User, at: datetime
) -> Agency:
    """Begin an entry: the organisation, its case, and the actor as its manager.

    `basic_data` as in `update_basic_data`. Raises FieldErrors (name, code, or a field of the basic data), and RuleBroken
    when the account acts for an agency already.
    """
    values = {**(basic_data or {}), "origin": origin}
    errors = rules.check_basic_data(values, on=local_date(at))
    code, faults = rules.check_credit_code(code)
    if faults:
        errors["code"] = faults
    elif Organisation.objects.filter(code=code).exists():
        errors["code"] = [_already_registered(code)]
    errors |= _name_faults(name)
    if errors:
        raise FieldErrors(errors)
    try:
        with transaction.atomic():
            # Two registrations of one person at the same moment meet here.
            User.objects.select_for_update(no_key=True).get(pk=actor.pk)
            accounts.forget(actor)
            if any(m.organisation.kind == Organisation.Kind.AGENCY for m in memberships(actor)):
                raise RuleBroken(
                    "one_agency_each", _("Your account acts for an agency already; one person serves one agency.")
                )
            organisation = Organisation.objects.create(kind=Organisation.Kind.AGENCY, name=name.strip(), code=code)
            basic = {key: value for key, value in values.items() if key in BASIC_FIELDS}
            agency = Agency(organisation=organisation, sort_name=organisation.name, registered_at=at, **basic)
            _seal_legal_id(agency, values)
            agency.save(force_insert=True)
            directory.index_name(agency)
            Membership.objects.create(user=actor, organisation=organisation, role=Membership.Role.MANAGER)
            accounts.forget(actor)
            journal.open_private(agency)
            private = {
                key: getattr(agency, key)
                for key in ("legal_representative", "contact_name", "contact_phone", "contact_email")
            }
            public = {"code": code, "name": organisation.name, "origin": origin}
            journal.note(agency, journal.REGISTERED, public, actor=actor, at=at, private=private)
    except IntegrityError as clash:
        # Two people at once with the same code: the database lets one through.
        accounts.forget(actor)
        raise FieldErrors({"code": [_already_registered(code)]}) from clash
    return agency


def _already_registered(code: str) -> str:
    return _(
        "{code} is registered already. If it is your agency, claim it at the page “Claim access”, or ask its manager."
    ).format(code=code)


def _name_faults(name: str) -> rules.Errors:
    if not name.strip():
        return {"name": [_("This entry is needed.")]}
    limit = Organisation._meta.get_field("name").max_length or 0
    return {"name": [_("At most {limit} characters.").format(limit=limit)]} if len(name.strip()) > limit else {}


def open_for_change(agency: Agency, actor: User | None, *, supplying: bool = False) -> Agency:
    """The locked row, if the agency may change its papers now. Raises WrongState or NotAllowed.

    `supplying`: certificates, documents and people, which may also be supplied while the agency is active on
    commitment; the data it was entered with may not.
    """
    row = locked(agency)
    refusal = why_not_change(row, actor, supplying=supplying)
    if refusal is not None:
        raise refusal
    return row


def why_not_change(agency: Agency, actor: User | None, *, supplying: bool = False) -> DomainError | None:
    if agency.state not in (SUPPLYING if supplying else EDITABLE):
        return WrongState("change_entry", agency.state)
    return None if belongs_to(actor, agency.pk) else NotAllowed(verb="change_entry")


@transaction.atomic
def update_basic_data(agency: Agency, values: Mapping[str, Any], *, actor: User | None, at: datetime) -> Agency:
    """Change the given basic data (BASIC_FIELDS, `name`, `legal_id_kind`, `legal_id_number`); no difference, no event.

    The number of the legal representative's document comes as typed, empty leaves it as it is. Raises FieldErrors.
    """
    row = open_for_change(agency, actor)
    basic = {key: value for key, value in values.items() if key in BASIC_FIELDS}
    document = {key: values[key] for key in ("legal_id_kind", "legal_id_number") if key in values}
    if document.get("legal_id_number"):
        document.setdefault("legal_id_kind", row.legal_id_kind)
    errors = rules.check_basic_data({**basic, **document}, on=local_date(at))
    kind = document.get("legal_id_kind") or row.legal_id_kind
    if row.legal_id_digest and kind != row.legal_id_kind and not document.get("legal_id_number"):
        errors["legal_id_number"] = [_("Enter the number of the other document.")]
    if "name" in values:
        errors |= _name_faults(values["name"])
    if errors:
        raise FieldErrors(errors)
    changed = {key: value for key, value in basic.items() if getattr(row, key) != value}
    for key, value in changed.items():
        setattr(row, key, value)
    if "name" in values and (name := values["name"].strip()) != row.organisation.name:
        row.organisation.name = changed["name"] = name
        row.organisation.save(update_fields=["name"])
        directory.index_name(row)
    if hint := _seal_legal_id(row, document):
        changed["legal_id_number"] = hint
    if changed:
        fields = [key for key in changed if key not in {"name", "legal_id_number"}]
        row.save(update_fields=[*fields, "sort_name", "legal_id_kind", "legal_id_sealed", "legal_id_digest"])
        told = {
            key: value if isinstance(value, str) else value and value.isoformat() for key, value in changed.items()
        }
        journal.note(
            row, journal.DATA_UPDATED, {"fields": sorted(changed)}, actor=actor, at=at, private={"values": told}
        )
    return row


def _seal_legal_id(agency: Agency, values: Mapping[str, Any]) -> str:
    """Put the number that `rules.check_basic_data` found good into the row; its last characters if it is another one."""
    kind, number = values.get("legal_id_kind", ""), values.get("legal_id_number", "")
    if not number:
        return ""
    compact = identity.check(kind, number)[0]
    if identity.digest(kind, compact) == agency.legal_id_digest:
        return ""
    sealed = identity.seal(kind, compact)
    agency.legal_id_kind, agency.legal_id_sealed, agency.legal_id_digest = kind, sealed.sealed, sealed.digest
    return sealed.hint


@transaction.atomic
def choose_items(agency: Agency, codes: Collection[str], *, actor: User | None, at: datetime) -> Agency:
    """Make the list of offered services exactly these item codes. Raises FieldErrors(items)."""
    return set_items(open_for_change(agency, actor), codes, actor=actor, at=at)


def set_items(row: Agency, codes: Collection[str], *, actor: User | None, at: datetime) -> Agency:
    """The same for a locked row that may be changed. Raises FieldErrors(items)."""
    wanted = set(codes)
    known = set(ServiceItem.objects.filter(pk__in=wanted, is_active=True).values_list("pk", flat=True))
    if unknown := wanted - known:
        raise FieldErrors({"items": [_("Not in the catalogue: {items}.").format(items=", ".join(sorted(unknown)))]})
    existing = {entry.item_id: entry for entry in row.items.all()}
    listed = {code for code, entry in existing.items() if entry.is_active}
    added, removed = sorted(wanted - listed), sorted(listed - wanted)
    AgencyItem.objects.bulk_create(
        AgencyItem(agency=row, item_id=code, sort_name=row.sort_name) for code in added if code not in existing
    )
    if returning := [code for code in added if code in existing]:
        row.items.filter(item__in=returning).update(is_active=True)
    if removed:
        row.items.filter(item__in=removed).update(is_active=False)
    if added or removed:
        journal.note(row, journal.ITEMS_CHANGED, {"added": added, "removed": removed}, actor=actor, at=at)
    return row


@transaction.atomic
def add_item(agency: Agency, item: ServiceItem, *, actor: User | None, at: datetime) -> Agency:
    listed = set(agency.items.filter(is_active=True).values_list("item", flat=True))
    return choose_items(agency, listed | {item.pk}, actor=actor, at=at)


@transaction.atomic
def remove_item(agency: Agency, item: ServiceItem, *, actor: User | None, at: datetime) -> Agency:
    listed = set(agency.items.filter(is_active=True).values_list("item", flat=True))
    return choose_items(agency, listed - {item.pk}, actor=actor, at=at)


@transaction.atomic
def sign_commitment(agency: Agency, *, actor: User | None, at: datetime) -> Agency:
    """The agency signs the letter of commitment; signing again changes nothing."""
    row = open_for_change(agency, actor)
    if row.commitment_signed_at is None:
        row.commitment_signed_at = at
        row.save(update_fields=["commitment_signed_at"])
        journal.note(row, journal.COMMITMENT_SIGNED, {"letter": LETTER}, actor=actor, at=at)
    return row


@transaction.atomic
def submit_entry(agency: Agency, *, actor: User | None, at: datetime, quiet: bool = False) -> Agency:
    """Ask for entry; starts the form check's clock and tells the office.

    Raises FieldErrors with everything that is missing, all at once (一次性告知), RuleBroken before the end of a ban.
    `quiet` is for history that is loaded after the fact: nobody is told.
    """
    row = locked(agency)
    rules_on = row.rules_on or local_date(at)
    gaps = rules.entry_gaps(row, on=local_date(at))
    refusal = why_not(row, "submit_entry", actor=actor, at=at, gaps=gaps)
    if isinstance(refusal, RuleBroken) and refusal.code == "entry_is_complete":
        raise FieldErrors(by_field(gaps))
    if refusal is not None:
        raise refusal
    check = deadline("entry.form_check", at, on=rules_on)
    row, event = fire(
        row,
        "submit_entry",
        actor=actor,
        at=at,
        data={"form_check_due": iso_micros(check.due), "derivation": check.derivation},
        facts={"gaps": gaps},
        rules_on=rules_on,
        due=check.due,
        derivation=check.derivation,
    )
    if not quiet:
        journal.tell_office(row, event, journal.NOTE_SUBMITTED, {"due": journal.plain_due(check.due)}, at=at)
    return row


def item_codes(agency: Agency) -> list[str]:
    return list(agency.items.filter(is_active=True).order_by("item").values_list("item", flat=True))


@transaction.atomic
def return_entry(agency: Agency, *, defects: Iterable[Mapping[str, str]], actor: User | None, at: datetime) -> Agency:
    """Send the entry back with all its defects at once, each {"field": …, "sentence": …} (see rules.DEFECT_FIELDS).

    A further return names only what the last notice named or what has changed since. Raises FieldErrors.
    """
    row = locked(agency)
    ask(row, "return_entry", actor, at)
    named = named_defects(row, defects)
    row, event = fire(
        row,
        "return_entry",
        actor=actor,
        at=at,
        data={"defects": len(named)},
        private={"defects": named},
        checked_by=actor,
        defects=named,
        fingerprints=rules.notice_facts(row, (entry["field"] for entry in named)),
    )
    journal.tell_members(row, event, journal.NOTE_RETURNED, {"count": len(named)}, at=at)
    return row


@transaction.atomic
def approve_entry(agency: Agency, *, actor: User | None, at: datetime, quiet: bool = False) -> Agency:
    """Pass the form check: papers and people count as checked, the publicity begins, and everybody may read the log.

    Raises RuleBroken when one of its practitioners was meanwhile checked at another agency, and before the end of a ban.
    """
    row = locked(agency)
    ask(row, "approve_entry", actor, at)
    publicity = deadline("entry.publicity", at, on=row.rules_on)
    data = {
        "code": row.code,
        "name": row.name,
        "origin": row.origin,
        "items": item_codes(row),
        "publicity_until": iso_micros(publicity.due),
        "derivation": publicity.derivation,
    }
    mark_checked(row)
    row, event = fire(
        row,
        "approve_entry",
        actor=actor,
        at=at,
        data=data,
        checked_by=actor,
        until=publicity.due,
        derivation=publicity.derivation,
    )
    journal.make_public(row)
    directory.index_new(row)
    if not quiet:
        journal.tell_members(row, event, journal.NOTE_APPROVED, {"until": journal.plain_due(publicity.due)}, at=at)
    return row


@transaction.atomic
def refuse_entry(agency: Agency, *, reason: str, actor: User | None, at: datetime) -> Agency:
    """Refuse the entry with its reason. Raises FieldErrors(reason) without one."""
    row = locked(agency)
    ask(row, "refuse_entry", actor, at)
    if not reason.strip():
        raise FieldErrors({"reason": [_("A refusal states its reason.")]})
    row, event = fire(
        row,
        "refuse_entry",
        actor=actor,
        at=at,
        private={"reason": reason.strip()},
        checked_by=actor,
        reason=reason.strip(),
    )
    journal.tell_members(row, event, journal.NOTE_REFUSED, {"reason": row.refusal_reason}, at=at)
    return row


@transaction.atomic
def end_publicity(agency: Agency, *, actor: User | None = None, at: datetime, quiet: bool = False) -> Agency:
    """By the clock, when the publicity is over: the agency is active. Doing it again changes nothing.

    While an objection is open, or a suspension runs that was imposed meanwhile, it is refused; the clock comes again.
    """
    try:
        # Under the lock of the agency, as objections are lodged under it.
        row = locked(agency)
        pending = row.objections.filter(state=ObjectionState.LODGED).count()
        row, event = fire(row, "end_publicity", actor=actor, at=at, facts={"open_objections": pending})
    except WrongState as refusal:
        if refusal.facts["state"] == AgencyState.ACTIVE:
            return Agency.objects.get(pk=agency.pk)
        raise
    if not quiet:
        journal.tell_members(row, event, journal.NOTE_ENTERED, {}, at=at)
    return row


def ask(agency: Agency, name: str, actor: User | None, at: datetime) -> None:
    """The gate's answer before anything else is looked at; fire asks again."""
    refusal = why_not(agency, name, actor=actor, at=at)
    if refusal is not None:
        raise refusal
