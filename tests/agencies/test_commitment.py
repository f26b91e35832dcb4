"""Commitment first: active at once, documents in time and complete, or back to the form check."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from agencies import actions, certificates, entry_journal, queries
from agencies.deadlines import due
from agencies.models import Agency, Qualification
from agencies.states import AgencyState
from marketplace import events
from marketplace.deadlines import run_due
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Notification, Requirement, RuleParameter, ServiceItem, User
from tests.factories import MONDAY, PractitionerFactory, RequirementFactory, UserFactory, entered_agency, pdf

DAY = date(2026, 3, 9)
# 24:00 in China of the eighth and the tenth working day after Monday 9 March, and of the fifth.
SUPPLY_DUE = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)
DOCUMENTS_DUE = datetime(2026, 3, 23, 16, 0, tzinfo=UTC)
PUBLICITY_UNTIL = datetime(2026, 3, 16, 16, 0, tzinfo=UTC)


@pytest.fixture
def draft(newcomer: User, surveying: ServiceItem) -> Agency:
    """Complete in its data, without any scan."""
    agency = entered_agency(surveying, until=AgencyState.DRAFT, member=newcomer)
    agency.documents.all().delete()
    agency.qualifications.update(certificate=None)
    return agency


def enter(agency: Agency, user: User) -> Agency:
    return actions.enter_on_commitment(agency, actor=user, at=MONDAY)


def supply(agency: Agency, user: User, at: datetime = MONDAY) -> Agency:
    actions.put_documents(agency, {"business_licence": pdf(), "legal_id": pdf()}, actor=user, at=at)
    for paper in agency.qualifications.all():
        change(agency, paper, user, file=pdf())
    return actions.supply_documents(agency, actor=user, at=at)


def change(agency: Agency, paper: Qualification, user: User, at: datetime = MONDAY, **given: Any) -> Qualification:
    """Change a certificate by its form, which sends everything it shows."""
    values = {field: getattr(paper, field) for field in certificates.FIELDS} | given.pop("values", {})
    wanted = [use.requirement_id for use in paper.uses.all()]
    return certificates.update_qualification(
        agency, paper, {"values": values, "requirements": wanted, **given}, actor=user, at=at
    )


def snapshot() -> tuple[Any, ...]:
    return (
        list(Agency.objects.order_by("pk").values()),
        list(Qualification.objects.order_by("pk").values()),
        Event.objects.count(),
        Notification.objects.count(),
    )


def refused(kind: type[DomainError], act: Any) -> Any:
    before = snapshot()
    with pytest.raises(kind) as refusal:
        act()
    assert snapshot() == before
    return refusal.value


def test_entry_on_commitment_is_active_at_once_and_starts_its_clocks(
    draft: Agency, newcomer: User, surveying: ServiceItem, officer: User
) -> None:
    assert not queries.is_eligible(draft, surveying, DAY)

    agency = enter(draft, newcomer)

    assert (agency.state, agency.way, agency.on_commitment, agency.active_since) == (
        AgencyState.COMMITTED,
        "commitment",
        True,
        MONDAY,
    )
    assert (agency.documents_supply_due, agency.documents_due, agency.publicity_until) == (
        SUPPLY_DUE,
        DOCUMENTS_DUE,
        PUBLICITY_UNTIL,
    )
    assert agency.documents_derivation is not None
    assert agency.documents_derivation["value"] == "10"
    assert agency.documents_derivation["supply"]["value"] == "8"
    assert queries.is_eligible(agency, surveying, DAY)
    assert events.is_public(agency.stream_name())
    told = {(letter.user, letter.kind) for letter in Notification.objects.all()}
    # The factory's own checker is of the office too.
    office = User.objects.filter(memberships__organisation__kind="office")
    assert told == {(newcomer, entry_journal.NOTE_COMMITTED)} | {
        (one, entry_journal.NOTE_COMMITTED_OFFICE) for one in office
    }
    assert officer in office


def test_only_certificates_that_are_used_count_as_promised(draft: Agency, newcomer: User) -> None:
    other = {"kind": "licence", "name": "Other", "number": "O-1", "valid_from": date(2024, 1, 1)}
    certificates.add_qualification(draft, {"values": other}, actor=newcomer, at=MONDAY)

    agency = enter(draft, newcomer)

    assert dict(agency.qualifications.values_list("number", "committed")) == {
        "O-1": False,
        agency.qualifications.exclude(number="O-1").get().number: True,
    }


def test_commitment_asks_for_data_and_people_and_for_no_document(draft: Agency, newcomer: User) -> None:
    expired = PractitionerFactory(agency=draft, valid_until=DAY - timedelta(days=1))
    draft.qualifications.update(valid_until=date(2026, 3, 8))
    Agency.objects.update(address="", legal_id_digest="", commitment_signed_at=None)

    refusal = refused(FieldErrors, lambda: enter(draft, newcomer))

    item = draft.items.get().item_id
    assert set(refusal.fields) == {
        "address",
        "legal_id_number",
        "commitment",
        f"requirement:{item}:1",
        f"practitioner:{expired.pk}",
    }


def test_way_is_closed_after_a_broken_commitment_and_for_items_that_are_off(
    draft: Agency, newcomer: User, surveying: ServiceItem
) -> None:
    RuleParameter.objects.filter(code="entry.commitment_off_items").update(value=f"0001,{surveying.pk}")
    assert refused(RuleBroken, lambda: enter(draft, newcomer)).code == "items_allow_commitment"

    Agency.objects.update(commitment_barred=True)
    assert refused(RuleBroken, lambda: enter(draft, newcomer)).code == "commitment_is_open"


def test_only_members_enter_on_commitment(draft: Agency, officer: User) -> None:
    for actor in (officer, UserFactory(), None):
        refused(NotAllowed, lambda actor=actor: enter(draft, actor))  # type: ignore[misc]


def test_basic_data_and_items_are_closed_while_documents_are_supplied(draft: Agency, newcomer: User) -> None:
    agency = enter(draft, newcomer)

    refused(WrongState, lambda: actions.update_basic_data(agency, {"address": "x"}, actor=newcomer, at=MONDAY))
    refused(WrongState, lambda: actions.choose_items(agency, [], actor=newcomer, at=MONDAY))


def test_documents_are_checked_and_the_entry_is_active_for_good(
    draft: Agency, newcomer: User, surveying: ServiceItem, officer: User
) -> None:
    person = PractitionerFactory(agency=draft, checked=False)
    agency = enter(draft, newcomer)
    refusal = refused(FieldErrors, lambda: actions.supply_documents(agency, actor=newcomer, at=MONDAY))
    assert set(refusal.fields) == {
        "document:business_licence",
        "document:legal_id",
        f"requirement:{surveying.pk}:1",
        f"practitioner:{person.pk}",
    }

    papers = {"id_scan": pdf(), "certificate": pdf(), "insurance": pdf()}
    actions.update_practitioner(agency, person, {"files": papers}, actor=newcomer, at=MONDAY)
    agency = supply(agency, newcomer)
    assert (agency.state, agency.documents_supplied_at) == (AgencyState.VERIFYING, MONDAY)
    assert queries.is_eligible(agency, surveying, DAY)
    assert Notification.objects.filter(user=officer, kind=entry_journal.NOTE_DOCUMENTS).count() == 1
    refused(NotAllowed, lambda: actions.confirm_documents(agency, actor=newcomer, at=MONDAY))

    agency = actions.confirm_documents(agency, actor=officer, at=MONDAY)

    assert (agency.state, agency.on_commitment, agency.checked_by) == (AgencyState.ACTIVE, False, officer)
    assert list(agency.qualifications.values_list("checked", "committed")) == [(True, False)]
    assert set(agency.documents.values_list("checked", flat=True)) == {True}
    assert agency.practitioners.get().checked
    assert queries.is_eligible(agency, surveying, DAY)
    told = list(Notification.objects.filter(user=newcomer).order_by("pk").values_list("kind", flat=True))
    assert told == [entry_journal.NOTE_COMMITTED, entry_journal.NOTE_CONFIRMED]
    assert list(events.verify()) == []


def test_documents_are_not_confirmed_with_a_person_checked_elsewhere(
    draft: Agency, newcomer: User, officer: User
) -> None:
    PractitionerFactory(agency=draft, number_of="x", checked=False, file=None)
    agency = enter(draft, newcomer)
    person = agency.practitioners.get()
    papers = {"id_scan": pdf(), "certificate": pdf(), "insurance": pdf()}
    actions.update_practitioner(agency, person, {"files": papers}, actor=newcomer, at=MONDAY)
    agency = supply(agency, newcomer)
    PractitionerFactory(number_of="x")

    refusal = refused(RuleBroken, lambda: actions.confirm_documents(agency, actor=officer, at=MONDAY))

    assert refusal.code == "practitioner_serves_one_agency"


def test_returned_documents_get_a_clock_of_their_own(draft: Agency, newcomer: User, officer: User) -> None:
    agency = supply(enter(draft, newcomer), newcomer)
    wednesday = MONDAY + timedelta(days=2)
    defects = [{"field": "document:legal_id", "sentence": "Unreadable."}]

    agency = actions.return_documents(agency, defects=defects, actor=officer, at=wednesday)

    # Three working days from Wednesday the 11th end on Monday the 16th; two more for the check on Wednesday the 18th.
    assert (agency.state, agency.returned_defects) == (AgencyState.COMMITTED, defects)
    assert agency.documents_supply_due == datetime(2026, 3, 16, 16, 0, tzinfo=UTC)
    assert agency.documents_due == datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
    # The second notice names nothing new.
    actions.put_document(agency, "legal_id", pdf(), actor=newcomer, at=wednesday)
    agency = actions.supply_documents(agency, actor=newcomer, at=wednesday)
    refusal = refused(
        FieldErrors,
        lambda: actions.return_documents(
            agency, defects=[{"field": "document:business_licence", "sentence": "No."}], actor=officer, at=wednesday
        ),
    )
    assert list(refusal.fields) == ["document:business_licence"]
    agency = actions.return_documents(agency, defects=defects, actor=officer, at=wednesday)
    assert agency.supplement_rounds == 2


# ---------- the certificates that were promised ----------


def test_scan_of_a_promised_certificate_may_follow_and_nothing_else_may_change(
    draft: Agency, newcomer: User, surveying: ServiceItem
) -> None:
    agency = enter(draft, newcomer)
    paper = agency.qualifications.get()

    assert change(agency, paper, newcomer, file=pdf()).committed
    assert queries.is_eligible(agency, surveying, DAY)
    assert not change(agency, paper, newcomer, values={"valid_until": date(2029, 1, 1)}).committed
    assert not queries.is_eligible(agency, surveying, DAY)
    assert not change(agency, paper, newcomer, values={"valid_until": paper.valid_until}).committed


def test_promised_certificate_does_not_take_on_a_further_requirement(newcomer: User) -> None:
    first = RequirementFactory()
    second = RequirementFactory(item=first.item, group=2, is_mandatory=False)
    agency = enter(entered_agency(first.item, until=AgencyState.DRAFT, member=newcomer), newcomer)
    paper = agency.qualifications.get(uses__requirement=first)

    values = {field: getattr(paper, field) for field in certificates.FIELDS}
    paper = certificates.update_qualification(
        agency, paper, {"values": values, "requirements": [first.pk, second.pk]}, actor=newcomer, at=MONDAY
    )

    assert not paper.committed


def test_certificate_entered_after_the_commitment_is_not_promised(draft: Agency, newcomer: User) -> None:
    agency = enter(draft, newcomer)
    wanted = [one.pk for one in Requirement.objects.all()]
    other = {"kind": "licence", "name": "New", "number": "N-1", "level": "甲级", "valid_from": date(2024, 1, 1)}

    paper = certificates.add_qualification(
        agency, {"values": other, "requirements": wanted}, actor=newcomer, at=MONDAY
    )

    assert not paper.committed


# ---------- the clock ----------


def test_documents_can_be_supplied_until_the_end_and_not_at_it(draft: Agency, newcomer: User) -> None:
    agency = enter(draft, newcomer)
    actions.put_documents(agency, {"business_licence": pdf(), "legal_id": pdf()}, actor=newcomer, at=MONDAY)
    change(agency, agency.qualifications.get(), newcomer, file=pdf())

    refusal = refused(RuleBroken, lambda: actions.supply_documents(agency, actor=newcomer, at=SUPPLY_DUE))
    assert refusal.code == "documents_are_in_time"

    just_before = SUPPLY_DUE - timedelta(microseconds=1)
    assert actions.supply_documents(agency, actor=newcomer, at=just_before).state == AgencyState.VERIFYING


def test_unkept_commitment_lapses_at_its_end_and_not_before(
    draft: Agency, newcomer: User, surveying: ServiceItem, officer: User
) -> None:
    agency = enter(draft, newcomer)
    name = f"agency:{agency.code} lapse_commitment"
    just_before = SUPPLY_DUE - timedelta(microseconds=1)
    assert list(due(just_before)) == []
    early = refused(RuleBroken, lambda: actions.lapse_commitment(agency, at=just_before))
    assert early.code == "documents_are_overdue"

    assert [(one.at, one.name) for one in due(SUPPLY_DUE)] == [(SUPPLY_DUE, name)]
    assert run_due(SUPPLY_DUE) == [name]
    assert run_due(SUPPLY_DUE) == []

    agency = Agency.objects.get()
    assert (agency.state, agency.on_commitment, agency.commitment_barred, agency.active_since) == (
        AgencyState.RETURNED,
        False,
        True,
        None,
    )
    assert [entry["field"] for entry in agency.returned_defects] == [
        "document:business_licence",
        "document:legal_id",
        f"requirement:{surveying.pk}:1",
    ]
    assert not agency.qualifications.get().committed
    assert not queries.is_eligible(agency, surveying, DAY)
    assert Notification.objects.filter(kind=entry_journal.NOTE_LAPSED, user=newcomer).count() == 1
    assert Notification.objects.filter(kind=entry_journal.NOTE_LAPSED_OFFICE, user=officer).count() == 1
    unkept = agency.ledger.get()
    assert (unkept.rule.code, unkept.state, unkept.entered_by) == ("commitment_not_kept", "reply", None)
    assert (unkept.happened_on, unkept.reply_until) == (date(2026, 3, 20), datetime(2026, 3, 27, 16, tzinfo=UTC))
    assert agency.score == 100, "it counts after the right of reply"


def test_entry_goes_on_by_the_form_check_after_a_lapse(draft: Agency, newcomer: User, officer: User) -> None:
    agency = enter(draft, newcomer)
    actions.lapse_commitment(agency, at=SUPPLY_DUE)
    actions.put_documents(agency, {"business_licence": pdf(), "legal_id": pdf()}, actor=newcomer, at=SUPPLY_DUE)
    change(agency, agency.qualifications.get(), newcomer, at=SUPPLY_DUE, file=pdf())
    assert refused(RuleBroken, lambda: enter(agency, newcomer)).code == "commitment_is_open"

    agency = actions.submit_entry(agency, actor=newcomer, at=SUPPLY_DUE)
    # The lapse was no notice of the office: its first check names whatever it finds.
    agency = actions.return_entry(
        agency, defects=[{"field": "address", "sentence": "Not the licence's."}], actor=officer, at=SUPPLY_DUE
    )
    assert agency.state == AgencyState.RETURNED


def test_complete_documents_that_were_never_given_to_the_check_lapse_too(draft: Agency, newcomer: User) -> None:
    agency = enter(draft, newcomer)
    actions.put_documents(agency, {"business_licence": pdf(), "legal_id": pdf()}, actor=newcomer, at=MONDAY)
    change(agency, agency.qualifications.get(), newcomer, file=pdf())

    agency = actions.lapse_commitment(agency, at=SUPPLY_DUE)

    assert [entry["field"] for entry in agency.returned_defects] == ["other"]


def test_played_entry_on_commitment_goes_its_whole_way(surveying: ServiceItem) -> None:
    agency = entered_agency(surveying, commitment=True)

    assert (agency.state, agency.way) == (AgencyState.ACTIVE, "commitment")
    assert Notification.objects.count() == 0
    assert [row["type"] for row in events.read_all(agency.stream_name())][-3:] == [
        "agency.entered_on_commitment",
        "agency.documents_supplied",
        "agency.documents_confirmed",
    ]
