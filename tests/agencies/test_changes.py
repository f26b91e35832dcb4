"""Changes of what was checked: nothing is different before the check, everything is judged again when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from agencies import changes, queries
from agencies.changes.proposal import Proposal
from agencies.models import (
    Agency,
    AgencyDocument,
    AgencyItem,
    AuthorisedAgent,
    Change,
    Practitioner,
    Qualification,
)
from agencies.states import AgencyState, ChangeState
from marketplace import events, identity, parameters
from marketplace.casefile import history
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, RuleParameter, ServiceItem, Upload, User
from tests.factories import MONDAY, AgencyFactory, AgencyItemFactory, offers, pdf, person_at

pytestmark = pytest.mark.django_db
Kind = Change.Kind
LATER = MONDAY + timedelta(hours=20)
NUMBER = "11010519491231002X"
OTHER_NUMBER = "440524188001010014"
PERSON: dict[str, Any] = {
    "full_name": "Zhao Min",
    "id_kind": "resident",
    "id_number": NUMBER,
    "certificate_name": "注册测绘师",
    "certificate_number": "R-1",
    "valid_until": None,
}
PERSON_PAPERS = ("id_scan", "insurance", "certificate")


@pytest.fixture
def agency(surveying: ServiceItem) -> Agency:
    found: Agency = AgencyFactory()
    events.open_stream(found.stream_name())
    offers(found, surveying)
    return found


@pytest.fixture
def member(agency: Agency) -> User:
    return person_at(agency.organisation, Membership.Role.MANAGER)


def licence_of(item: ServiceItem, **other: Any) -> dict[str, Any]:
    return {
        "kind": "licence",
        "name": "测绘资质证书",
        "number": "N-9",
        "level": "乙级",
        "field_text": "",
        "practitioners_count": 0,
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2030, 12, 31),
        "requirements": [item.requirements.get().pk],
    } | other


def papers(*names: str) -> dict[str, Any]:
    return {name: pdf(f"{name}.pdf") for name in names}


def propose(agency: Agency, kind: str, values: Mapping[str, Any], *names: str, by: User, **other: Any) -> Change:
    return changes.propose_change(
        agency, kind, values=values, files=papers(*names), actor=by, at=other.pop("at", MONDAY), **other
    )


def rename(agency: Agency, by: User, name: str = "Blue Lake") -> Change:
    return propose(agency, Kind.NAME, {"name": name}, "business_licence", by=by)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Change, Event, Notification, Qualification, Practitioner))


# ---------- proposing ----------


def test_a_change_starts_its_clock_tells_the_office_and_changes_nothing_yet(
    agency: Agency, member: User, officer: User
) -> None:
    old = agency.name

    change = rename(agency, member)

    assert (change.state, change.difference) == ("submitted", [{"field": "name", "old": old, "new": "Blue Lake"}])
    # Monday does not count; the second working day ends at its midnight.
    assert change.check_due is not None and change.check_due.isoformat() == "2026-03-12T00:00:00+08:00"
    assert [letter.user for letter in Notification.objects.all()] == [officer]
    assert Agency.objects.get(pk=agency.pk).name == old
    event = Event.objects.get()
    assert (event.type, "difference" in event.data) == ("agency.change_submitted", False)
    assert history(change)[0]["act"].count("Blue Lake") == 0


@pytest.mark.parametrize(
    ("state", "data", "papers_too"),
    [
        ("active", None, None),
        ("verifying", None, None),
        ("suspended", None, None),
        ("committed", None, "entry_is_open"),
        ("draft", "entry_is_open", "entry_is_open"),
        ("returned", "entry_is_open", "entry_is_open"),
        ("submitted", "entry_is_under_check", "entry_is_under_check"),
        ("publicity", "entry_is_under_check", "entry_is_under_check"),
        ("refused", "agency_is_entered", "agency_is_entered"),
        ("withdrawn", "agency_is_entered", "agency_is_entered"),
        ("removed", "agency_is_entered", "agency_is_entered"),
    ],
)
def test_changes_are_for_entered_agencies_and_the_entry_is_changed_on_its_own_pages(
    state: str, data: str | None, papers_too: str | None
) -> None:
    agency = AgencyFactory(state=AgencyState(state))
    member = person_at(agency.organisation)

    found = [changes.why_not_propose(agency, kind, member) for kind in (Kind.NAME, Kind.QUALIFICATION_ADD)]

    assert [refusal and refusal.code for refusal in found] == [data, papers_too]
    assert all(refusal.remedy for refusal in found if refusal and refusal.code == "entry_is_open")


def test_only_the_agencys_own_people_propose(agency: Agency, officer: User) -> None:
    before = counts()

    with pytest.raises(NotAllowed):
        rename(agency, officer)

    assert counts() == before


def test_all_faults_are_named_at_once_at_their_fields(agency: Agency, member: User, surveying: ServiceItem) -> None:
    before = counts()
    values = licence_of(surveying, number="", level="丙级", valid_until=date(2026, 3, 1))

    with pytest.raises(FieldErrors) as refusal:
        propose(agency, Kind.QUALIFICATION_ADD, values, by=member)

    assert set(refusal.value.fields) == {"number", "valid_until", "requirements", "certificate"}
    with pytest.raises(FieldErrors) as refusal:
        propose(agency, Kind.PRACTITIONER_ADD, PERSON | {"full_name": "", "id_number": "123"}, by=member)
    assert set(refusal.value.fields) == {"full_name", "id_number", *PERSON_PAPERS}
    with pytest.raises(FieldErrors) as refusal:
        propose(agency, Kind.NAME, {"name": agency.name}, "business_licence", by=member)
    assert set(refusal.value.fields) == {"change"}
    assert counts() == before and not Upload.objects.exists()


def test_one_thing_has_one_open_change(agency: Agency, member: User, surveying: ServiceItem) -> None:
    paper = agency.qualifications.get()
    rename(agency, member)
    first = propose(agency, Kind.QUALIFICATION_REMOVE, {}, by=member, target=paper.pk, reason="Sold.")
    propose(agency, Kind.QUALIFICATION_ADD, licence_of(surveying), "certificate", by=member)
    propose(agency, Kind.PRACTITIONER_ADD, PERSON, *PERSON_PAPERS, by=member)
    before = counts()

    with pytest.raises(RuleBroken) as refusal:
        rename(agency, member, "Red Lake")
    assert refusal.value.code == "one_change_at_a_time"
    with pytest.raises(RuleBroken) as refusal:
        propose(agency, Kind.QUALIFICATION_UPDATE, licence_of(surveying), "certificate", by=member, target=paper.pk)
    assert refusal.value.facts["change"] == first.pk
    with pytest.raises(FieldErrors) as faults:
        propose(agency, Kind.QUALIFICATION_ADD, licence_of(surveying), "certificate", by=member)
    assert set(faults.value.fields) == {"number"}
    with pytest.raises(FieldErrors) as faults:
        propose(agency, Kind.PRACTITIONER_ADD, PERSON, *PERSON_PAPERS, by=member)
    assert set(faults.value.fields) == {"id_number"}
    assert counts() == before


def test_what_leaves_leaves_with_a_reason_and_must_be_the_agencys_own(agency: Agency, member: User) -> None:
    paper, strange = agency.qualifications.get(), AgencyFactory()
    other = Qualification.objects.create(agency=strange, kind="licence", number="X", valid_from=date(2024, 1, 1))
    before = counts()

    with pytest.raises(FieldErrors) as faults:
        propose(agency, Kind.QUALIFICATION_REMOVE, {}, by=member, target=paper.pk)
    assert set(faults.value.fields) == {"reason"}
    with pytest.raises(FieldErrors) as faults:
        propose(agency, Kind.QUALIFICATION_REMOVE, {}, by=member, target=other.pk, reason="Sold.")
    assert set(faults.value.fields) == {"change"}
    assert counts() == before


# ---------- approval ----------


def test_an_approved_name_holds_everywhere_and_the_log_says_what_it_was(
    agency: Agency, member: User, officer: User
) -> None:
    old = agency.name

    changes.approve_change(rename(agency, member), actor=officer, at=LATER)

    agency = Agency.objects.get(pk=agency.pk)
    entry = AgencyItem.objects.get()
    assert (agency.name, agency.sort_name, entry.sort_name) == ("Blue Lake",) * 3
    assert AgencyDocument.objects.get().kind == AgencyDocument.Kind.LICENCE
    event = Event.objects.get(type="agency.change_approved")
    assert event.data["difference"] == [{"field": "name", "old": old, "new": "Blue Lake"}]
    assert f"{old} → Blue Lake" in history(Change.objects.get())[-1]["act"]
    letters = {(letter.user, letter.kind, letter.read_at is None) for letter in Notification.objects.all()}
    assert letters == {(officer, "agency.change_submitted", False), (member, "agency.change_approved", True)}


def test_a_new_address_and_origin_take_effect_together(agency: Agency, member: User, officer: User) -> None:
    values = {"address": "9 Lake Street", "origin": "city"}
    change = propose(agency, Kind.ADDRESS, values, "business_licence", by=member)

    changes.approve_change(change, actor=officer, at=LATER)

    agency = Agency.objects.get(pk=agency.pk)
    assert (agency.address, agency.origin) == ("9 Lake Street", "city")


def test_the_new_legal_representative_is_sealed_and_nothing_personal_is_published(
    agency: Agency, member: User, officer: User
) -> None:
    values = {"legal_representative": "Zhao Min", "legal_id_kind": "resident", "legal_id_number": NUMBER}
    change = propose(agency, Kind.LEGAL_REPRESENTATIVE, values, "business_licence", "id_scan", by=member)
    assert "Zhao" not in str(change.secret) and NUMBER not in str(Change.objects.values())

    changes.approve_change(change, actor=officer, at=LATER)

    agency = Agency.objects.get(pk=agency.pk)
    assert agency.legal_representative == "Zhao Min"
    assert identity.unseal(bytes(agency.legal_id_sealed)) == ("resident", NUMBER)
    assert agency.legal_id_digest == identity.digest("resident", NUMBER)
    assert set(AgencyDocument.objects.values_list("kind", "checked")) == {
        ("business_licence", True),
        ("legal_id", True),
    }
    published = str([events.read_all(agency.stream_name()), list(Event.objects.values_list("data"))])
    assert "Zhao" not in published and NUMBER not in published and NUMBER[-4:] not in published


def test_a_new_certificate_entitles_from_its_approval_on(
    agency: Agency, member: User, officer: User, surveying: ServiceItem
) -> None:
    agency.qualifications.all().delete()
    change = propose(agency, Kind.QUALIFICATION_ADD, licence_of(surveying), "certificate", by=member)
    assert not queries.is_eligible(agency, surveying, LATER.date())

    changes.approve_change(change, actor=officer, at=LATER)

    assert queries.is_eligible(agency, surveying, LATER.date())
    paper = Qualification.objects.get()
    assert (paper.number, paper.checked, paper.certificate is not None) == ("N-9", True, True)
    event = Event.objects.get(type="agency.change_approved")
    assert paper.certificate is not None and event.data["papers"] == {"certificate": paper.certificate.sha256}


def test_a_renewed_certificate_keeps_its_old_values_readable_and_is_reminded_anew(
    agency: Agency, member: User, officer: User, surveying: ServiceItem
) -> None:
    paper = agency.qualifications.get()
    Qualification.objects.update(reminded_at_days=30, valid_until=date(2026, 3, 31))
    values = licence_of(surveying, number=paper.number)
    change = propose(agency, Kind.QUALIFICATION_UPDATE, values, "certificate", by=member, target=paper.pk)

    changes.approve_change(change, actor=officer, at=LATER)

    paper.refresh_from_db()
    assert (paper.valid_until, paper.checked, paper.reminded_at_days) == (date(2030, 12, 31), True, None)
    row = {"field": "valid_until", "old": "2026-03-31", "new": "2030-12-31"}
    assert row in Change.objects.get().difference
    assert row in Event.objects.get(type="agency.change_approved").data["difference"]


def test_a_certificate_may_come_to_meet_more_without_a_new_scan(
    agency: Agency, member: User, surveying: ServiceItem
) -> None:
    paper = agency.qualifications.get()
    paper.uses.all().delete()
    scan = Upload.objects.create(
        organisation=agency.organisation, name="a.pdf", content_type="application/pdf", size=1, created_at=MONDAY
    )
    Qualification.objects.update(certificate=scan)
    same = {name: getattr(paper, name) for name in ("kind", "name", "number", "level", "valid_from", "valid_until")}
    values = licence_of(surveying, **same)

    change = propose(agency, Kind.QUALIFICATION_UPDATE, values, by=member, target=paper.pk)

    assert [row["field"] for row in change.difference] == ["requirements"]
    with pytest.raises(FieldErrors) as faults:
        changes.withdraw_change(change, actor=member, at=MONDAY)
        propose(agency, Kind.QUALIFICATION_UPDATE, values | {"number": "N-8"}, by=member, target=paper.pk)
    assert set(faults.value.fields) == {"certificate"}


def test_a_certificate_given_up_is_gone_after_the_check(
    agency: Agency, member: User, officer: User, surveying: ServiceItem
) -> None:
    paper = agency.qualifications.get()
    change = propose(agency, Kind.QUALIFICATION_REMOVE, {}, by=member, target=paper.pk, reason="Sold.")
    assert queries.is_eligible(agency, surveying, LATER.date())

    changes.approve_change(change, actor=officer, at=LATER)

    assert not Qualification.objects.exists()
    assert not queries.is_eligible(agency, surveying, LATER.date())
    assert {row["field"] for row in Change.objects.get().difference} >= {"name", "number", "valid_until"}


def test_people_join_and_leave_by_changes(agency: Agency, member: User, officer: User) -> None:
    joins = propose(agency, Kind.PRACTITIONER_ADD, PERSON, *PERSON_PAPERS, by=member)
    agent_values = PERSON | {"id_number": OTHER_NUMBER, "phone": "0792-1234567", "email": ""}
    appointed = propose(agency, Kind.AGENT_ADD, agent_values, "id_scan", "insurance", "authority", by=member)
    assert not Practitioner.objects.exists()
    for change in (joins, appointed):
        changes.approve_change(change, actor=officer, at=LATER)
    one, agent = Practitioner.objects.get(), AuthorisedAgent.objects.get()
    assert (one.full_name, one.id_hint, one.checked, one.left_on) == ("Zhao Min", NUMBER[-4:], True, None)
    assert identity.unseal(bytes(agent.id_sealed)) == ("resident", OTHER_NUMBER)

    for kind, person in ((Kind.PRACTITIONER_REMOVE, one), (Kind.AGENT_REMOVE, agent)):
        gone = propose(agency, kind, {}, by=member, target=person.pk, reason="Left.", at=LATER)
        changes.approve_change(gone, actor=officer, at=LATER)

    assert {Practitioner.objects.get().left_on, AuthorisedAgent.objects.get().left_on} == {date(2026, 3, 10)}
    published = str(list(Event.objects.values_list("data")))
    assert "注册测绘师" in published
    assert not [word for word in ("Zhao", NUMBER[-4:], "0792-1234567", "R-1") if word in published]


def test_a_delegate_whose_authority_ended_no_longer_acts_for_the_agency(
    agency: Agency, member: User, officer: User
) -> None:
    delegate = person_at(agency.organisation, Membership.Role.DELEGATE)
    agent = AuthorisedAgent.objects.create(
        agency=agency, full_name="Li", id_digest="d", phone="0792-1234567", user=delegate, checked=True
    )
    change = propose(agency, Kind.AGENT_REMOVE, {}, by=member, target=agent.pk, reason="Left.")

    changes.approve_change(change, actor=officer, at=LATER)

    assert list(Membership.objects.filter(organisation=agency.pk).values_list("user", flat=True)) == [member.pk]


def test_a_practitioner_checked_elsewhere_meanwhile_is_not_taken_over(
    agency: Agency, member: User, officer: User
) -> None:
    change = propose(agency, Kind.PRACTITIONER_ADD, PERSON, *PERSON_PAPERS, by=member)
    digest = identity.digest("resident", NUMBER)
    Practitioner.objects.create(agency=AgencyFactory(), full_name="Zhao Min", id_digest=digest, checked=True)
    before = counts()

    with pytest.raises(FieldErrors) as refusal:
        changes.approve_change(change, actor=officer, at=LATER)

    assert set(refusal.value.fields) == {"id_number"}
    assert counts() == before
    assert Change.objects.get().state == ChangeState.SUBMITTED


def test_two_approvals_that_meet_let_one_agency_have_the_person(
    agency: Agency, member: User, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = propose(agency, Kind.PRACTITIONER_ADD, PERSON, *PERSON_PAPERS, by=member)
    digest = identity.digest("resident", NUMBER)
    Practitioner.objects.create(agency=AgencyFactory(), full_name="Zhao Min", id_digest=digest, checked=True)
    # The other approval is not visible yet when the facts are judged.
    monkeypatch.setattr(Proposal, "faults", lambda self, *, at: {})

    with pytest.raises(RuleBroken) as refusal:
        changes.approve_change(change, actor=officer, at=LATER)

    assert refusal.value.code == "practitioner_serves_one_agency"
    assert (agency.practitioners.count(), Change.objects.get().state) == (0, ChangeState.SUBMITTED)


def test_a_certificate_that_expired_meanwhile_or_is_entered_twice_is_not_approved(
    agency: Agency, member: User, officer: User, surveying: ServiceItem
) -> None:
    values = licence_of(surveying, valid_until=date(2026, 3, 9))
    change = propose(agency, Kind.QUALIFICATION_ADD, values, "certificate", by=member)
    Qualification.objects.update(number="N-9")
    before = counts()

    with pytest.raises(FieldErrors) as refusal:
        changes.approve_change(change, actor=officer, at=LATER)

    assert set(refusal.value.fields) == {"number", "valid_until"}
    assert counts() == before


def test_what_is_gone_or_left_the_market_meanwhile_is_not_changed(
    agency: Agency, member: User, officer: User
) -> None:
    paper = agency.qualifications.get()
    change = propose(agency, Kind.QUALIFICATION_REMOVE, {}, by=member, target=paper.pk, reason="Sold.")
    renamed = rename(agency, member)
    paper.delete()
    before = counts()

    with pytest.raises(FieldErrors):
        changes.approve_change(change, actor=officer, at=LATER)
    gone: Agency = AgencyFactory(state=AgencyState.WITHDRAWN)
    Change.objects.filter(pk=renamed.pk).update(agency=gone)
    with pytest.raises(RuleBroken) as refusal:
        changes.approve_change(Change.objects.get(pk=renamed.pk), actor=officer, at=LATER)

    assert refusal.value.code == "agency_is_entered"
    assert counts() == before


def test_nobody_decides_about_his_own_agency(agency: Agency, member: User, officer: User) -> None:
    change = rename(agency, member)
    Membership.objects.create(user=officer, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    before = counts()

    for act in (
        lambda: changes.approve_change(change, actor=officer, at=LATER),
        lambda: changes.return_change(change, [{"field": "name", "sentence": "No."}], actor=officer, at=LATER),
        lambda: changes.refuse_change(change, "No.", actor=officer, at=LATER),
    ):
        with pytest.raises(RuleBroken) as refusal:
            act()
        assert refusal.value.code == "checker_is_independent"

    assert counts() == before


# ---------- return, refusal, withdrawal ----------


def test_a_returned_change_is_corrected_with_its_papers_and_its_number_kept(
    agency: Agency, member: User, officer: User
) -> None:
    change = propose(agency, Kind.PRACTITIONER_ADD, PERSON, *PERSON_PAPERS, by=member)
    defects = [
        {"field": "full_name", "sentence": "Not as on the card."},
        {"field": "insurance", "sentence": "One month only."},
    ]
    change = changes.return_change(change, defects, actor=officer, at=LATER)
    assert (change.state, change.check_due, len(change.returned_defects)) == ("returned", None, 2)
    assert Notification.objects.filter(user=member, kind="agency.change_returned").count() == 1

    corrected = changes.correct_change(
        change,
        values=PERSON | {"full_name": "Zhao Minmin", "id_number": ""},
        files=papers("insurance"),
        actor=member,
        at=LATER,
    )

    assert (corrected.state, corrected.returned_defects, corrected.papers.count()) == ("submitted", [], 3)
    changes.approve_change(corrected, actor=officer, at=LATER)
    one = Practitioner.objects.get()
    assert (one.full_name, identity.unseal(bytes(one.id_sealed))[1]) == ("Zhao Minmin", NUMBER)


def test_a_return_names_known_defects_and_a_refusal_its_reason(agency: Agency, member: User, officer: User) -> None:
    change = rename(agency, member)
    before = counts()
    for defects in ([], [{"field": "phone", "sentence": "?"}], [{"field": "name", "sentence": " "}]):
        with pytest.raises(FieldErrors):
            changes.return_change(change, defects, actor=officer, at=LATER)
    with pytest.raises(FieldErrors):
        changes.refuse_change(change, " ", actor=officer, at=LATER)
    assert counts() == before

    refused = changes.refuse_change(change, "Another agency bears it.", actor=officer, at=LATER)

    assert (refused.state, refused.decided_by) == ("refused", officer)
    assert Agency.objects.get(pk=agency.pk).name == agency.name
    with pytest.raises(WrongState):
        changes.approve_change(change, actor=officer, at=LATER)


def test_a_withdrawn_change_makes_room_for_another(agency: Agency, member: User, officer: User) -> None:
    assert changes.withdraw_change(rename(agency, member), actor=member, at=LATER).state == "withdrawn"
    assert not Notification.objects.filter(user=officer, read_at=None).exists()

    assert rename(agency, member, "Red Lake").state == "submitted"


# ---------- at once ----------


def test_contacts_change_at_once_and_stay_private(agency: Agency, member: User) -> None:
    values = {"contact_name": "Zhao Min", "contact_phone": "0792-7654321", "introduction": "We survey."}

    changes.update_contact(agency, values, actor=member, at=MONDAY)
    changes.update_contact(agency, values, actor=member, at=MONDAY)

    agency.refresh_from_db()
    assert (agency.contact_name, agency.introduction) == ("Zhao Min", "We survey.")
    event = Event.objects.get()
    assert event.data == {"fields": ["contact_name", "contact_phone", "introduction"]}
    with pytest.raises(FieldErrors) as refusal:
        changes.update_contact(agency, {"contact_name": "", "contact_phone": "abc"}, actor=member, at=MONDAY)
    assert set(refusal.value.fields) == {"contact_name", "contact_phone"}
    assert Event.objects.count() == 1


def test_an_item_put_on_at_once_is_open_only_with_checked_certificates(
    agency: Agency, member: User, surveying: ServiceItem, free: ServiceItem
) -> None:
    other = AgencyItemFactory().item
    other.requirements.create(kind="licence", text="监理资质")

    changes.change_items(agency, [free.pk, other.pk], actor=member, at=MONDAY)

    day = MONDAY.date()
    found = {item.pk: queries.is_eligible(agency, item, day) for item in (surveying, free, other)}
    assert found == {surveying.pk: False, free.pk: True, other.pk: False}
    with pytest.raises(FieldErrors):
        changes.change_items(agency, [], actor=member, at=MONDAY)
    assert Event.objects.count() == 1


def test_on_commitment_no_service_is_added_that_is_not_entered_on_commitment(free: ServiceItem) -> None:
    agency = AgencyFactory(state=AgencyState.COMMITTED)
    member = person_at(agency.organisation)
    row = parameters.parameter("entry.commitment_off_items", MONDAY.date())
    RuleParameter.objects.filter(pk=row.pk).update(value=free.pk)

    with pytest.raises(FieldErrors) as refusal:
        changes.change_items(agency, [free.pk], actor=member, at=MONDAY)

    assert set(refusal.value.fields) == {"items"}
    assert not AgencyItem.objects.exists() and not Event.objects.exists()


def test_before_the_entry_nothing_is_changed_at_once(free: ServiceItem) -> None:
    agency = AgencyFactory(state=AgencyState.DRAFT)
    member = person_at(agency.organisation)

    for act in (
        lambda: changes.update_contact(agency, {"introduction": "x"}, actor=member, at=MONDAY),
        lambda: changes.change_items(agency, [free.pk], actor=member, at=MONDAY),
    ):
        with pytest.raises(RuleBroken):
            act()

    assert not Event.objects.exists()
