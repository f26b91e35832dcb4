"""The pages of changes: who opens them, what they say, and that nothing typed or attached is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agencies import change_desk, changes
from agencies.demo_entry import resident_id
from agencies.models import Agency, Change, Practitioner, Qualification
from agencies.states import AgencyState, ChangeState
from marketplace import casework, clock, events
from marketplace.models import CaseHandler, Event, Membership, Organisation, ServiceItem, Upload, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    AgentFactory,
    PractitionerFactory,
    QualificationFactory,
    offers,
    pdf,
    person_at,
    person_of,
)

pytestmark = pytest.mark.django_db
Kind = Change.Kind
NUMBER = resident_id("Zhao Min")
CERTIFICATE = {
    "kind": "licence",
    "name": "Surveying licence",
    "number": "N-9",
    "level": "乙级",
    "field_text": "",
    "practitioners_count": "",
    "valid_from": "2026-01-01",
    "valid_until": "2030-12-31",
}
PERSON = {
    "full_name": "Zhao Min",
    "id_kind": "resident",
    "id_number": NUMBER,
    "certificate_name": "Surveyor",
    "certificate_number": "R-1",
    "valid_until": "",
}


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def agency(surveying: ServiceItem) -> Agency:
    found: Agency = AgencyFactory()
    events.open_stream(found.stream_name())
    offers(found, surveying)
    return found


@pytest.fixture
def member(agency: Agency) -> User:
    return person_at(agency.organisation, Membership.Role.MANAGER)


@pytest.fixture
def change(agency: Agency, member: User) -> Change:
    return renamed(agency, member)


def renamed(agency: Agency, member: User, at: Any = MONDAY) -> Change:
    return changes.propose_change(
        agency, Kind.NAME, values={"name": "Blue Lake"}, files={"business_licence": pdf()}, actor=member, at=at
    )


def at(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    found: str = response.content.decode()
    return found


# ---------- who opens what ----------


def test_pages_are_for_the_agency_and_for_the_office(agency: Agency, change: Change, client: Client) -> None:
    own = [at("agency_changes"), at("change_new", "name"), at("change_contact"), at("change_offer")]
    office = [at("office_changes"), at("office_change", change.pk)]
    for url in [*own, *office]:
        assert client.get(url).status_code == 302, url
    for kind in ("owner", "authority", "office", "supervisor"):
        found = as_user(person_of(kind))
        assert {found.get(url).status_code for url in own} == {403}, kind
        expected = {200} if kind in {"office", "supervisor"} else {403}
        assert {found.get(url).status_code for url in office} == expected, kind
    supervisor = as_user(person_of(Organisation.Kind.SUPERVISOR))
    assert supervisor.post(at("office_change_approve", change.pk)).status_code == 403
    stranger = as_user(person_of(Organisation.Kind.AGENCY))
    assert stranger.get(at("change_case", change.pk)).status_code == 404


def test_a_change_of_another_agency_does_not_exist(agency: Agency, change: Change) -> None:
    other: Agency = AgencyFactory()
    client = as_user(person_at(other.organisation))

    for name in ("change_case", "change_correct"):
        assert client.get(at(name, change.pk)).status_code == 404
    assert client.post(at("change_withdraw", change.pk)).status_code == 404
    paper = agency.qualifications.get()
    assert client.get(at("change_new_of", "qualification_update", paper.pk)).status_code == 404
    assert client.get(at("change_new", "qualification_update")).status_code == 404
    assert client.get(at("change_new_of", "name", 1)).status_code == 404
    assert client.get(at("change_new", "colour")).status_code == 404
    change.refresh_from_db()
    assert change.state == ChangeState.SUBMITTED


def test_every_kind_has_its_form(agency: Agency, member: User) -> None:
    client = as_user(member)
    targets = {
        Kind.QUALIFICATION_UPDATE: agency.qualifications.get().pk,
        Kind.QUALIFICATION_REMOVE: agency.qualifications.get().pk,
        Kind.PRACTITIONER_REMOVE: PractitionerFactory(agency=agency).pk,
        Kind.AGENT_REMOVE: AgentFactory(agency=agency).pk,
    }
    for kind in Kind:
        url = at("change_new_of", kind, targets[kind]) if kind in targets else at("change_new", kind)
        assert client.get(url).status_code == 200, kind
        refused = client.post(url, {})
        assert refused.status_code == 422, kind
        assert "needs correction" in text(refused) or "need correction" in text(refused), kind
    assert not Change.objects.exists()


def test_before_the_entry_the_form_says_where_it_is_changed_instead(surveying: ServiceItem) -> None:
    agency: Agency = AgencyFactory(state=AgencyState.DRAFT)
    client = as_user(person_at(agency.organisation))

    response = client.get(at("change_new", "name"))

    assert response.status_code == 422
    assert "Change it on the pages of the entry." in text(response)
    assert at("change_new", "name") not in text(client.get(at("agency_changes")))


# ---------- the agency ----------


def test_the_overview_shows_what_is_registered_open_and_decided(
    agency: Agency, member: User, change: Change, officer: User
) -> None:
    changes.refuse_change(change, "Another agency bears it.", actor=officer, at=MONDAY)
    opened = renamed(agency, member)
    PractitionerFactory(agency=agency, full_name="Zhao Min")

    page = text(as_user(member).get(at("agency_changes")))

    for words in (agency.name, "Blue Lake", "Zhao Min", "under check", "refused", "Another agency bears it."):
        assert words in page, words
    assert at("change_case", opened.pk) in page
    for name, target in (("legal_representative", None), ("qualification_update", agency.qualifications.get().pk)):
        assert at("change_new_of", name, target) if target else at("change_new", name) in page


def test_the_overview_costs_the_same_at_one_row_and_at_three(
    agency: Agency, member: User, officer: User, surveying: ServiceItem
) -> None:
    def more() -> None:
        QualificationFactory(agency=agency)
        PractitionerFactory(agency=agency)
        AgentFactory(agency=agency)
        changes.withdraw_change(renamed(agency, member), actor=member, at=MONDAY)
        changes.propose_change(
            agency,
            Kind.PRACTITIONER_REMOVE,
            values={},
            target=Practitioner.objects.latest("pk").pk,
            reason="Left.",
            actor=member,
            at=MONDAY,
        )

    client, desk = as_user(member), as_user(officer)
    costs = []
    for _row in range(3):
        more()
        with CaptureQueriesContext(
            connection,
        ) as own:
            assert client.get(at("agency_changes")).status_code == 200
        with CaptureQueriesContext(connection) as office:
            assert desk.get(at("office_changes")).status_code == 200
        costs.append((len(own), len(office)))
    assert costs[0] == costs[2]


def test_a_certificate_is_renewed_through_its_page(agency: Agency, member: User, surveying: ServiceItem) -> None:
    paper = agency.qualifications.get()
    client = as_user(member)
    url = at("change_new_of", "qualification_update", paper.pk)
    assert f'value="{paper.number}"' in text(client.get(url))
    given = CERTIFICATE | {"requirements": [surveying.requirements.get().pk], "certificate": pdf()}

    response = client.post(url, given, follow=True)

    change = Change.objects.get()
    assert response.redirect_chain == [(at("change_case", change.pk), 302)]
    assert (change.state, change.target) == ("submitted", paper.pk)
    assert "N-9" in text(response) and paper.number in text(response)
    assert Qualification.objects.get().number == paper.number


def test_a_form_that_comes_back_keeps_what_was_typed_and_the_chosen_files(agency: Agency, member: User) -> None:
    client, url = as_user(member), at("change_new", "practitioner_add")
    faulty = PERSON | {"id_number": NUMBER[:-1], "id_scan": pdf("card.pdf"), "insurance": pdf("insurance.pdf")}

    response = client.post(url, faulty)

    page = text(response)
    assert response.status_code == 422
    assert "Zhao Min" in page and "card.pdf" in page and "insurance.pdf" in page
    assert page.count("Attach this paper.") == 2  # in the summary and beside the field
    kept = {f"kept_{name}": Upload.objects.get(name=f"{stem}.pdf").pk for name, stem in KEPT.items()}
    response = client.post(url, PERSON | kept | {"certificate": pdf("surveyor.pdf")})
    assert response.status_code == 302
    assert Change.objects.get().papers.count() == 3
    assert Upload.objects.count() == 3


KEPT = {"id_scan": "card", "insurance": "insurance"}


def test_a_file_of_another_agency_cannot_be_passed_off_as_kept(agency: Agency, member: User) -> None:
    other: Agency = AgencyFactory()
    strange = Upload.objects.create(
        organisation=other.organisation, name="x.pdf", content_type="application/pdf", size=1, created_at=MONDAY
    )

    response = as_user(member).post(
        at("change_new", "name"), {"name": "Blue Lake", "kept_business_licence": strange.pk}
    )

    assert response.status_code == 422
    assert not Change.objects.exists()


def test_a_second_change_of_the_same_is_refused_on_the_form(agency: Agency, member: User, change: Change) -> None:
    response = as_user(member).post(at("change_new", "name"), {"name": "Red Lake", "business_licence": pdf()})

    assert response.status_code == 422
    assert "A change of the same thing is open already." in text(response)
    assert Change.objects.count() == 1


def test_a_returned_change_is_corrected_on_its_form(
    agency: Agency, member: User, officer: User, change: Change
) -> None:
    changes.return_change(
        change, [{"field": "name", "sentence": "As on the licence, please."}], actor=officer, at=MONDAY
    )
    client = as_user(member)
    page = text(client.get(at("change_case", change.pk)))
    assert "As on the licence, please." in page and at("change_correct", change.pk) in page
    assert "Blue Lake" in text(client.get(at("change_correct", change.pk)))

    response = client.post(at("change_correct", change.pk), {"name": "Blue Lake Ltd"})

    assert response.status_code == 302
    change.refresh_from_db()
    assert (change.state, change.values, change.papers.count()) == ("submitted", {"name": "Blue Lake Ltd"}, 1)


def test_a_change_is_withdrawn_by_its_button(agency: Agency, member: User, change: Change) -> None:
    client = as_user(member)

    assert client.post(at("change_withdraw", change.pk)).status_code == 302

    change.refresh_from_db()
    assert change.state == ChangeState.WITHDRAWN
    assert at("change_withdraw", change.pk) not in text(client.get(at("change_case", change.pk)))


def test_contact_and_services_change_at_once_on_their_pages(
    agency: Agency, member: User, free: ServiceItem, surveying: ServiceItem
) -> None:
    client = as_user(member)
    given = {"contact_name": "Zhao", "contact_phone": "0792-7654321", "contact_email": "", "introduction": ""}
    assert client.post(at("change_contact"), given).status_code == 302
    assert client.post(at("change_contact"), given | {"contact_phone": "x"}).status_code == 422
    assert client.post(at("change_offer"), {"items": [surveying.pk, free.pk]}).status_code == 302
    assert client.post(at("change_offer"), {"items": []}).status_code == 422

    agency.refresh_from_db()
    assert agency.contact_name == "Zhao"
    assert agency.items.filter(is_active=True).count() == 2


# ---------- the office ----------


def test_the_office_sees_before_and_after_and_approves(
    agency: Agency, member: User, officer: User, change: Change
) -> None:
    old, client = agency.name, as_user(officer)
    assert "Blue Lake" not in text(client.get(at("office_changes"))) and old in text(client.get(at("office_changes")))
    page = text(client.get(at("office_change", change.pk)))
    assert old in page and "Blue Lake" in page and "certificate.pdf" in page

    response = client.post(at("office_change_approve", change.pk))

    assert response.status_code == 302
    assert Agency.objects.get(pk=agency.pk).name == "Blue Lake"
    handler = CaseHandler.objects.get()
    assert (handler.case, handler.handler) == (f"change:{change.pk}", officer)
    assert "In effect" in text(client.get(at("office_changes") + "?state=approved"))
    public = text(Client().get(at("agency_detail", agency.code)))
    assert f"{old} → Blue Lake" in public


def test_all_defects_are_told_at_once_and_a_slip_loses_nothing(officer: User, change: Change) -> None:
    client = as_user(officer)
    empty = client.post(at("office_change_return", change.pk), {})
    assert empty.status_code == 422 and "Name at least one defect" in text(empty)
    no_reason = client.post(at("office_change_refuse", change.pk), {"reason": " "})
    assert no_reason.status_code == 422

    client.post(at("office_change_return", change.pk), {"defect_name": "No.", "defect_business_licence": "Blurred."})

    change.refresh_from_db()
    assert change.state == ChangeState.RETURNED
    assert [entry["field"] for entry in change.returned_defects] == ["name", "business_licence"]


def test_the_office_reads_why_an_approval_cannot_take_effect(
    agency: Agency, member: User, officer: User, surveying: ServiceItem
) -> None:
    change = changes.propose_change(
        agency,
        Kind.PRACTITIONER_ADD,
        values=PERSON | {"valid_until": None},
        files={name: pdf() for name in ("id_scan", "insurance", "certificate")},
        actor=member,
        at=MONDAY,
    )
    other = PractitionerFactory(number_of="Zhao Min")
    client = as_user(officer)
    page = text(client.get(at("office_change", change.pk)))
    assert NUMBER in page and other.agency.name in page  # to compare with the scan; a hint, no judgement
    assert NUMBER not in text(as_user(member).get(at("change_case", change.pk)))
    assert NUMBER not in text(as_user(person_of(Organisation.Kind.SUPERVISOR)).get(at("office_change", change.pk)))
    before = Event.objects.count()

    response = client.post(at("office_change_approve", change.pk))

    assert response.status_code == 422
    assert "It cannot take effect as it stands now" in text(response)
    assert Event.objects.count() == before
    assert Practitioner.objects.filter(agency=agency).count() == 0


def test_an_insider_of_the_office_reads_why_he_may_not_decide(agency: Agency, officer: User, change: Change) -> None:
    Membership.objects.create(user=officer, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    client = as_user(officer)

    page = text(client.get(at("office_change", change.pk)))

    assert "You belong to this agency" in page
    assert at("office_change_approve", change.pk) not in page
    assert client.post(at("office_change_approve", change.pk)).status_code == 422
    change.refresh_from_db()
    assert change.state == ChangeState.SUBMITTED


def test_the_work_list_has_every_change_under_check_by_its_clock(
    agency: Agency, member: User, django_assert_num_queries: Any
) -> None:
    late = renamed(agency, member, at=MONDAY + timedelta(days=2))
    other: Agency = AgencyFactory()
    early = renamed(other, person_at(other.organisation))

    with django_assert_num_queries(1):
        found = change_desk.work(MONDAY)

    assert [work.case for work in found] == [f"change:{early.pk}", f"change:{late.pk}"]
    assert (found[1].title, found[1].stream, found[1].due) == (agency.name, agency.stream_name(), late.check_due)
    assert {work.case for work in casework.all_work(MONDAY)} >= {work.case for work in found}


def test_who_gives_a_certificate_up_reads_which_one(agency: Agency, member: User) -> None:
    paper = agency.qualifications.get()

    page = text(as_user(member).get(at("change_new_of", "qualification_remove", paper.pk)))

    assert paper.name in page and paper.number in page
