"""Commitment first (告知承诺制): active at once on a signed commitment, the documents are supplied and checked afterwards
(国办发〔2020〕42号)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from marketplace import parameters
from marketplace.clock import iso_micros, local_date
from marketplace.deadlines import deadline
from marketplace.errors import FieldErrors, RuleBroken
from marketplace.models import User
from marketplace.workflow import fire, locked, why_not

from .. import directory, entry_journal, journal, ledger, rules
from ..models import Agency
from .checking import by_field, mark_checked, named_defects
from .entry import item_codes


def documents_clock(at: datetime, rules_on: date) -> tuple[datetime, datetime, dict[str, Any]]:
    """The end of the time to supply the documents, the end of their check, and the derivation of both.

    The derivation is the one of the check; under "supply" it holds that of the supply.
    """
    supply = deadline("entry.documents_supply", at, on=rules_on)
    check = deadline("entry.documents", at, on=rules_on)
    return supply.due, check.due, check.derivation | {"supply": supply.derivation}


def supplement_clock(at: datetime, rules_on: date | None) -> tuple[datetime, datetime, dict[str, Any]]:
    """The same after a return: the time for the supplement, and the form check's working days counted from its end."""
    supply = deadline("entry.documents_supplement", at, on=rules_on)
    # 24:00 of the last day still belongs to that day; the check counts from the day after it.
    check = deadline("entry.form_check", supply.due - timedelta(microseconds=1), on=rules_on)
    return supply.due, check.due, check.derivation | {"supply": supply.derivation}


def off_items(agency: Agency, on: date) -> list[str]:
    """The agency's items that cannot be entered on commitment on that day."""
    closed = parameters.codes("entry.commitment_off_items", on)
    return [code for code in item_codes(agency) if code in closed]


def commitment_facts(agency: Agency, at: datetime) -> dict[str, Any]:
    """What the conditions of `enter_on_commitment` look at; for pages that ask `why_not` too."""
    return {
        "gaps": rules.entry_gaps(agency, on=local_date(at), scans=False),
        "off_items": off_items(agency, agency.rules_on or local_date(at)),
    }


@transaction.atomic
def enter_on_commitment(agency: Agency, *, actor: User | None, at: datetime, quiet: bool = False) -> Agency:
    """Active at once: the certificates count as promised, the publicity begins, the documents follow.

    Raises FieldErrors with everything that is missing, RuleBroken when this way is closed to the agency or to one of
    its items. `quiet` is for history that is loaded after the fact.
    """
    row = locked(agency)
    rules_on = row.rules_on or local_date(at)
    facts = commitment_facts(row, at)
    _demand(row, "enter_on_commitment", actor, at, facts)
    publicity = deadline("entry.publicity", at, on=rules_on)
    supply_due, due, derivation = documents_clock(at, rules_on)
    used = row.qualifications.filter(uses__agency_item__is_active=True).values("pk")
    row.qualifications.filter(pk__in=used).update(committed=True)
    row, event = fire(
        row,
        "enter_on_commitment",
        actor=actor,
        at=at,
        data={
            "code": row.code,
            "name": row.name,
            "origin": row.origin,
            "items": item_codes(row),
            "supply_due": iso_micros(supply_due),
            "documents_due": iso_micros(due),
            "derivation": derivation,
            "publicity_until": iso_micros(publicity.due),
            "publicity_derivation": publicity.derivation,
        },
        facts=facts,
        rules_on=rules_on,
        supply_due=supply_due,
        due=due,
        derivation=derivation,
        publicity_until=publicity.due,
        publicity_derivation=publicity.derivation,
    )
    journal.make_public(row)
    directory.index_new(row)
    if not quiet:
        supply, check = journal.plain_due(supply_due), journal.plain_due(due)
        journal.tell_members(row, event, entry_journal.NOTE_COMMITTED, {"due": supply}, at=at)
        params = {"supply": supply, "due": check}
        journal.tell_office(row, event, entry_journal.NOTE_COMMITTED_OFFICE, params, at=at)
    return row


@transaction.atomic
def supply_documents(agency: Agency, *, actor: User | None, at: datetime, quiet: bool = False) -> Agency:
    """Give the documents to the check. Raises FieldErrors with everything that is missing, RuleBroken after the end."""
    row = locked(agency)
    facts = {"gaps": rules.entry_gaps(row, on=local_date(at))}
    _demand(row, "supply_documents", actor, at, facts)
    due = row.documents_due
    assert due is not None, "agency_committed_has_clock"
    data = {"documents_due": iso_micros(due)}
    row, event = fire(row, "supply_documents", actor=actor, at=at, data=data, facts=facts)
    if not quiet:
        journal.tell_office(row, event, entry_journal.NOTE_DOCUMENTS, {"due": journal.plain_due(due)}, at=at)
    return row


@transaction.atomic
def return_documents(
    agency: Agency, *, defects: Iterable[Mapping[str, str]], actor: User | None, at: datetime
) -> Agency:
    """Send the documents back with all their defects at once; the agency stays active while it supplies them again.

    Raises FieldErrors as `return_entry`.
    """
    row = locked(agency)
    _demand(row, "return_documents", actor, at, {})
    named = named_defects(row, defects)
    supply_due, due, derivation = supplement_clock(at, row.rules_on)
    row, event = fire(
        row,
        "return_documents",
        actor=actor,
        at=at,
        data={
            "defects": len(named),
            "supply_due": iso_micros(supply_due),
            "documents_due": iso_micros(due),
            "derivation": derivation,
        },
        private={"defects": named},
        checked_by=actor,
        defects=named,
        fingerprints=rules.notice_facts(row, (entry["field"] for entry in named)),
        supply_due=supply_due,
        due=due,
        derivation=derivation,
    )
    params = {"count": len(named), "due": journal.plain_due(supply_due)}
    journal.tell_members(row, event, entry_journal.NOTE_DOCUMENTS_RETURNED, params, at=at)
    return row


@transaction.atomic
def confirm_documents(agency: Agency, *, actor: User | None, at: datetime, quiet: bool = False) -> Agency:
    """The documents are good: papers and people count as checked, nothing rests on the commitment any more.

    Raises RuleBroken when one of its practitioners was meanwhile checked at another agency.
    """
    row = locked(agency)
    _demand(row, "confirm_documents", actor, at, {})
    mark_checked(row)
    row, event = fire(row, "confirm_documents", actor=actor, at=at, checked_by=actor)
    if not quiet:
        journal.tell_members(row, event, entry_journal.NOTE_CONFIRMED, {}, at=at)
    return row


@transaction.atomic
def lapse_commitment(agency: Agency, *, actor: User | None = None, at: datetime) -> Agency:
    """By the clock, when the documents were not supplied in time: not active any more, back to the form check.

    What is missing becomes its list of defects. What the last notice of the office said stays what it was: this is
    none. The ledger gets its entry (commitment_not_kept), which counts after the right of reply.
    """
    row = locked(agency)
    _demand(row, "lapse_commitment", actor, at, {})
    due = row.documents_supply_due
    assert due is not None, "documents_are_overdue"
    with override(settings.LANGUAGE_CODE):
        gaps = rules.entry_gaps(row, on=local_date(at))
        defects = [{"field": gap.field, "sentence": str(gap.sentence)} for gap in gaps] or row.returned_defects
        if not defects:
            defects = [{"field": "other", "sentence": _("The documents were not given to the check in time.")}]
    row.qualifications.filter(committed=True).update(committed=False)
    row, event = fire(
        row,
        "lapse_commitment",
        actor=actor,
        at=at,
        data={"defects": len(defects)},
        private={"defects": defects},
        defects=defects,
        fingerprints=row.returned_facts,
    )
    journal.tell_members(row, event, entry_journal.NOTE_LAPSED, {}, at=at)
    journal.tell_office(row, event, entry_journal.NOTE_LAPSED_OFFICE, {}, at=at)
    with override(settings.LANGUAGE_CODE):
        said = _("The documents promised in the commitment were not supplied by {due}.")
    ledger.add_entry(
        row,
        "commitment_not_kept",
        summary=said.format(due=journal.plain_due(due)),
        source=f"commitment_lapsed:{iso_micros(due)}",
        happened_on=local_date(due),
        link=reverse("agency_detail", args=[row.code]),
        actor=actor,
        at=at,
    )
    return row


def _demand(agency: Agency, name: str, actor: User | None, at: datetime, facts: dict[str, Any]) -> None:
    """The gate's answer; what is missing comes as the fields it is missing from."""
    refusal = why_not(agency, name, actor=actor, at=at, **facts)
    if isinstance(refusal, RuleBroken) and refusal.code == "entry_is_complete":
        raise FieldErrors(by_field(facts["gaps"]))
    if refusal is not None:
        raise refusal
