"""The people of an agency: entered with sealed numbers, one practitioner in one agency, asked for before submission."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from agencies import actions, entry_journal, rules
from agencies.demo_entry import resident_id
from agencies.models import Agency, Practitioner
from agencies.states import AgencyState
from marketplace import events, identity
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Notification, Organisation, Requirement, ServiceItem, Upload, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    AgentFactory,
    PractitionerFactory,
    RequirementFactory,
    UserFactory,
    entered_agency,
    pdf,
    person_at,
)

DAY = date(2026, 3, 9)
NUMBER = resident_id("Chen Jie")
PRACTITIONER = {
    "full_name": "Chen Jie",
    "id_kind": "resident",
    "id_number": NUMBER,
    "certificate_name": "Registered surveyor",
    "certificate_number": "S-1",
    "valid_until": date(2026, 3, 9),
}
AGENT = {
    "full_name": "Chen Jie",
    "id_kind": "resident",
    "id_number": NUMBER,
    "phone": "0792-7654321",
    "email": "",
    "valid_until": None,
}


@pytest.fixture
def evaluating() -> ServiceItem:
    """A service that needs two certified people."""
    item: ServiceItem = RequirementFactory(kind=Requirement.Kind.PRACTITIONERS, text="评估师不少于2人").item
    return item


@pytest.fixture
def draft(newcomer: User) -> Agency:
    return entered_agency(until=AgencyState.DRAFT, member=newcomer)


def given(values: dict[str, Any], **changes: Any) -> Any:
    return {"values": values | changes}


def test_practitioner_is_kept_with_a_sealed_number_and_papers(draft: Agency, newcomer: User) -> None:
    files = {"id_scan": pdf("id.pdf"), "certificate": pdf("paper.pdf"), "insurance": pdf("insurance.pdf")}

    person = actions.add_practitioner(draft, {"values": PRACTITIONER, "files": files}, actor=newcomer, at=MONDAY)

    person = Practitioner.objects.get(pk=person.pk)
    assert identity.unseal(person.id_sealed) == ("resident", NUMBER)
    assert (person.id_hint, person.checked, person.left_on) == (NUMBER[-4:], False, None)
    assert [person.id_scan.name, person.certificate.name, person.insurance.name] == [
        "id.pdf",
        "paper.pdf",
        "insurance.pdf",
    ]
    event = Event.objects.last()
    assert event.data == {"count": 1, "people": [person.pk]}
    assert event.private["fields"]["people"] == [{"name": "Chen Jie", "hint": NUMBER[-4:]}]
    assert NUMBER not in str(list(Event.objects.values_list("data", "private")))


def test_agent_is_entered_changed_and_removed(draft: Agency, newcomer: User) -> None:
    kept = draft.documents.first().file

    agent = actions.add_agent(draft, {"values": AGENT, "kept": {"authority": kept}}, actor=newcomer, at=MONDAY)
    actions.update_agent(draft, agent, given({"phone": "0792-1111111", "id_number": ""}), actor=newcomer, at=MONDAY)
    actions.update_agent(draft, agent, given({"phone": "0792-1111111"}), actor=newcomer, at=MONDAY)
    agent.refresh_from_db()
    assert (agent.phone, agent.full_name, agent.authority, agent.id_hint) == (
        "0792-1111111",
        "Chen Jie",
        kept,
        NUMBER[-4:],
    )
    actions.remove_agent(draft, agent, actor=newcomer, at=MONDAY)

    assert draft.agents.count() == 0
    told = [(row["type"], row["data"]) for row in events.read_all(draft.stream_name())][-3:]
    assert told == [
        ("agency.agents_added", {"count": 1, "people": [agent.pk]}),
        ("agency.agent_updated", {"person": agent.pk, "fields": ["phone"]}),
        ("agency.agent_removed", {"person": agent.pk}),
    ]


def _refused(act: Callable[[], object], *fields: str) -> FieldErrors:
    before = (Event.objects.count(), Upload.objects.count(), list(Practitioner.objects.values()))
    with pytest.raises(FieldErrors) as refusal:
        act()
    assert set(refusal.value.fields) == set(fields)
    assert (Event.objects.count(), Upload.objects.count(), list(Practitioner.objects.values())) == before
    return refusal.value


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"full_name": ""}, "full_name"),
        ({"full_name": "x" * 61}, "full_name"),
        ({"id_kind": "moon"}, "id_kind"),
        ({"id_number": ""}, "id_number"),
        ({"id_number": NUMBER[:-1]}, "id_number"),
        ({"certificate_name": ""}, "certificate_name"),
        ({"certificate_number": "x" * 61}, "certificate_number"),
        ({"valid_until": date(2026, 3, 8)}, "valid_until"),
    ],
)
def test_bad_data_of_a_practitioner_are_refused_at_their_field(
    draft: Agency, newcomer: User, changes: dict[str, Any], field: str
) -> None:
    _refused(
        lambda: actions.add_practitioner(draft, given(PRACTITIONER, **changes), actor=newcomer, at=MONDAY), field
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": ""}, "phone"),
        ({"phone": "call me"}, "phone"),
        ({"email": "nowhere"}, "email"),
        ({"valid_until": date(2026, 3, 8)}, "valid_until"),
    ],
)
def test_bad_data_of_an_agent_are_refused_at_their_field(
    draft: Agency, newcomer: User, changes: dict[str, Any], field: str
) -> None:
    _refused(lambda: actions.add_agent(draft, given(AGENT, **changes), actor=newcomer, at=MONDAY), field)


def test_faults_of_files_are_named_at_each_and_together_with_the_rest(draft: Agency, newcomer: User) -> None:
    empty, program = pdf(), type(pdf())("x.pdf", b"MZ" + b"\0" * 500, "application/pdf")
    empty.size = 0
    one = {
        "values": PRACTITIONER | {"full_name": ""},
        "files": {"id_scan": empty, "insurance": program, "certificate": pdf()},
    }

    _refused(
        lambda: actions.add_practitioner(draft, one, actor=newcomer, at=MONDAY), "full_name", "id_scan", "insurance"
    )


def test_file_of_another_agency_is_refused(draft: Agency, newcomer: User) -> None:
    other = entered_agency(until=AgencyState.DRAFT).documents.first().file
    one = {"values": PRACTITIONER, "kept": {"certificate": other}}

    _refused(lambda: actions.add_practitioner(draft, one, actor=newcomer, at=MONDAY), "certificate")


def test_same_person_is_entered_once_in_an_agency(draft: Agency, newcomer: User) -> None:
    actions.add_practitioner(draft, given(PRACTITIONER), actor=newcomer, at=MONDAY)
    again = given(PRACTITIONER, full_name="Another", id_number=f"{NUMBER[:6]} {NUMBER[6:]}")

    _refused(lambda: actions.add_practitioner(draft, again, actor=newcomer, at=MONDAY), "id_number")
    actions.add_agent(draft, given(AGENT), actor=newcomer, at=MONDAY)

    assert (draft.practitioners.count(), draft.agents.count()) == (1, 1)


def test_changing_the_number_to_that_of_a_colleague_is_refused(draft: Agency, newcomer: User) -> None:
    actions.add_practitioner(draft, given(PRACTITIONER), actor=newcomer, at=MONDAY)
    other = actions.add_practitioner(
        draft, given(PRACTITIONER, id_number=resident_id("x")), actor=newcomer, at=MONDAY
    )

    _refused(
        lambda: actions.update_practitioner(draft, other, given({"id_number": NUMBER}), actor=newcomer, at=MONDAY),
        "id_number",
    )


# ---------- one practitioner, one agency ----------


def test_practitioner_checked_elsewhere_is_refused_without_naming_the_agency(draft: Agency, newcomer: User) -> None:
    elsewhere = PractitionerFactory(number_of="Chen Jie")

    refusal = _refused(
        lambda: actions.add_practitioner(draft, given(PRACTITIONER, full_name=""), actor=newcomer, at=MONDAY),
        "id_number",
        "full_name",
    )

    assert elsewhere.agency.name not in str(refusal.fields["id_number"][0])
    assert elsewhere.agency.code not in str(refusal.fields["id_number"][0])


@pytest.mark.parametrize("state", [{"checked": False}, {"left_on": date(2026, 3, 9)}], ids=["unchecked", "left"])
def test_who_was_never_checked_or_has_left_elsewhere_may_be_entered(
    draft: Agency, newcomer: User, state: dict[str, Any]
) -> None:
    PractitionerFactory(number_of="Chen Jie", **state)

    actions.add_practitioner(draft, given(PRACTITIONER), actor=newcomer, at=MONDAY)

    assert draft.practitioners.count() == 1


def test_of_two_agencies_with_the_same_person_the_second_is_not_approved(
    evaluating: ServiceItem, officer: User
) -> None:
    people = [PRACTITIONER, PRACTITIONER | {"id_number": resident_id("second")}]
    first = entered_agency(evaluating, until=AgencyState.SUBMITTED, practitioners=people)
    second = entered_agency(
        evaluating,
        until=AgencyState.SUBMITTED,
        practitioners=[PRACTITIONER, PRACTITIONER | {"id_number": resident_id("third")}],
    )
    actions.approve_entry(first, actor=officer, at=MONDAY)
    before = (Event.objects.count(), list(Agency.objects.values()), Practitioner.objects.filter(checked=True).count())

    with pytest.raises(RuleBroken) as refusal:
        actions.approve_entry(second, actor=officer, at=MONDAY)

    assert refusal.value.code == "practitioner_serves_one_agency"
    after = (Event.objects.count(), list(Agency.objects.values()), Practitioner.objects.filter(checked=True).count())
    assert (after, before[2]) == (before, 2)
    # The reviewer can name it, and it keeps the entry from being submitted again.
    taken = second.practitioners.get(id_digest=first.practitioners.first().id_digest)
    second = actions.return_entry(
        second,
        defects=[{"field": f"practitioner:{taken.pk}", "sentence": "Works elsewhere."}],
        actor=officer,
        at=MONDAY,
    )
    assert f"practitioner:{taken.pk}" in {gap.field for gap in rules.entry_gaps(second, on=DAY)}


def test_the_database_lets_nobody_be_checked_at_two_agencies() -> None:
    PractitionerFactory(number_of="x")
    second = PractitionerFactory(number_of="x", checked=False)

    with pytest.raises(IntegrityError), transaction.atomic():
        Practitioner.objects.filter(pk=second.pk).update(checked=True)


def test_office_releases_who_is_not_reported_as_gone(officer: User, draft: Agency, newcomer: User) -> None:
    person = PractitionerFactory(number_of="Chen Jie")
    member = person_at(person.agency.organisation)

    actions.office_release_practitioner(person, " He resigned in May. ", actor=officer, at=MONDAY)

    person.refresh_from_db()
    assert person.left_on == DAY
    [envelope] = events.read_all(person.agency.stream_name())
    assert (envelope["type"], envelope["data"]) == ("agency.practitioner_released", {"person": person.pk})
    letter = Notification.objects.get()
    assert (letter.user, letter.kind) == (member, entry_journal.NOTE_RELEASED)
    assert letter.params["reason"] == "He resigned in May."
    actions.add_practitioner(draft, given(PRACTITIONER), actor=newcomer, at=MONDAY)


def test_release_needs_a_reason_and_an_independent_office(officer: User, office: Organisation) -> None:
    person = PractitionerFactory()
    insider = person_at(office)
    insider.memberships.create(organisation=person.agency.organisation)
    cases: list[tuple[User, str, type[DomainError]]] = [
        (officer, " ", FieldErrors),
        (insider, "Gone.", RuleBroken),
        (person_at(person.agency.organisation), "Gone.", NotAllowed),
        (UserFactory(), "Gone.", NotAllowed),
    ]
    for actor, reason, refusal in cases:
        with pytest.raises(refusal):
            actions.office_release_practitioner(person, reason, actor=actor, at=MONDAY)
    assert (Practitioner.objects.get().left_on, Event.objects.count()) == (None, 0)

    actions.office_release_practitioner(person, "Gone.", actor=officer, at=MONDAY)
    with pytest.raises(WrongState):
        actions.office_release_practitioner(person, "Gone.", actor=officer, at=MONDAY)


# ---------- when the list may be changed ----------


def test_people_can_be_changed_while_documents_are_supplied_and_not_while_they_are_checked(
    free: ServiceItem, newcomer: User
) -> None:
    agency = entered_agency(free, until=AgencyState.COMMITTED, member=newcomer, commitment=True)
    at = MONDAY + timedelta(days=1)
    person = actions.add_practitioner(agency, given(PRACTITIONER), actor=newcomer, at=MONDAY)
    actions.remove_practitioner(agency, person, actor=newcomer, at=at)
    actions.supply_documents(agency, actor=newcomer, at=at)
    seen = Event.objects.count()

    for act in (
        lambda: actions.add_practitioner(agency, given(PRACTITIONER), actor=newcomer, at=at),
        lambda: actions.add_agent(agency, given(AGENT), actor=newcomer, at=at),
    ):
        with pytest.raises(WrongState):
            act()
    assert (Event.objects.count(), agency.practitioners.count()) == (seen, 0)


def test_only_the_agency_s_own_people_change_the_list(draft: Agency, officer: User) -> None:
    for actor in (officer, UserFactory(), None):
        with pytest.raises(NotAllowed):
            actions.add_practitioner(draft, given(PRACTITIONER), actor=actor, at=MONDAY)

    assert draft.practitioners.count() == 0


def test_checked_person_taken_off_the_list_stays_as_history(draft: Agency, newcomer: User) -> None:
    person = PractitionerFactory(agency=draft)

    actions.remove_practitioner(draft, person, actor=newcomer, at=MONDAY)

    person.refresh_from_db()
    assert person.left_on == DAY


# ---------- what an entry lacks ----------


def fields(agency: Agency, *, scans: bool = True, on: date = DAY) -> list[str]:
    return [gap.field for gap in rules.entry_gaps(agency, on=on, scans=scans)]


def test_certificates_of_people_ask_for_as_many_practitioners(evaluating: ServiceItem) -> None:
    agency = entered_agency(evaluating, until=AgencyState.DRAFT)
    assert (agency.practitioners.count(), fields(agency)) == (2, [])

    agency.practitioners.first().delete()
    assert fields(agency) == fields(agency, scans=False) == ["practitioners"]

    # Without its certificate the requirement still asks for its people.
    agency.qualifications.all().delete()
    assert fields(agency) == [f"requirement:{evaluating.pk}:1", "practitioners"]


def test_every_listed_person_needs_all_papers_except_on_commitment(draft: Agency, free: ServiceItem) -> None:
    draft.items.create(item=free)
    person, agent = PractitionerFactory(agency=draft), AgentFactory(agency=draft)
    PractitionerFactory(agency=draft, left_on=DAY)

    assert fields(draft) == [f"agent:{agent.pk}"] * 3 + [f"practitioner:{person.pk}"] * 3
    assert fields(draft, scans=False) == []


def test_expired_papers_of_people_are_gaps_from_the_day_after(draft: Agency, free: ServiceItem) -> None:
    draft.items.create(item=free)
    file = draft.documents.first().file
    person = PractitionerFactory(agency=draft, file=file, valid_until=DAY)
    agent = AgentFactory(agency=draft, file=file, valid_until=DAY)

    assert fields(draft) == []
    assert fields(draft, on=DAY + timedelta(days=1)) == [f"agent:{agent.pk}", f"practitioner:{person.pk}"]


def test_agency_represented_by_agents_needs_one(draft: Agency, free: ServiceItem) -> None:
    draft.items.create(item=free)
    Agency.objects.filter(pk=draft.pk).update(represented_by=Agency.RepresentedBy.AGENTS)
    draft = Agency.objects.get(pk=draft.pk)
    assert fields(draft) == fields(draft, scans=False) == ["agents"]

    AgentFactory(agency=draft, file=draft.documents.first().file)
    assert fields(draft) == []


def test_gaps_take_the_same_number_of_queries_whatever_the_number_of_people(evaluating: ServiceItem) -> None:
    agency = entered_agency(evaluating, until=AgencyState.DRAFT)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            rules.entry_gaps(Agency.objects.get(), on=DAY)
        return len(seen)

    few = queries()
    PractitionerFactory.create_batch(3, agency=agency)
    AgentFactory.create_batch(3, agency=agency)
    assert queries() == few <= 8


def test_agency_factory_lacks_no_data() -> None:
    assert "legal_id_number" not in fields(AgencyFactory(state=AgencyState.DRAFT))
