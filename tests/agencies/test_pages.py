"""The pages of agencies: who may open them, what they say, and that nothing typed is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from agencies import actions, desk
from agencies.demo_entry import resident_id
from agencies.models import Agency
from agencies.states import AgencyState
from marketplace import clock, work_desk
from marketplace.models import Event, Membership, Organisation, ServiceItem, Upload, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    UserFactory,
    credit_code,
    entered_agency,
    offers,
    pdf,
    person_at,
    person_of,
)

CODE = credit_code(4711)
REGISTER = {
    "name": "Clear Lake Surveying",
    "code": CODE,
    "origin": "local",
    "contact_name": "Wang Fang",
    "contact_phone": "0792-1234567",
    "contact_email": "",
}
DATA = {
    "name": "Clear Lake Surveying",
    "origin": "local",
    "legal_representative": "Li Ming",
    "legal_id_kind": "resident",
    "legal_id_number": resident_id("Li Ming"),
    "address": "1 Station Road",
    "established_on": "2015-05-04",
    "contact_name": "Wang Fang",
    "contact_phone": "0792-1234567",
    "contact_email": "",
    "introduction": "We survey.",
}


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)


@pytest.fixture(autouse=True)
def _english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


def at(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    found: str = response.content.decode()
    return found


def draft(user: User, *items: ServiceItem) -> Agency:
    agency = actions.register_agency(name="Clear Lake Surveying", code=CODE, origin="local", actor=user, at=MONDAY)
    return actions.choose_items(agency, [item.pk for item in items], actor=user, at=MONDAY) if items else agency


def licence_data(item: ServiceItem, **changes: Any) -> dict[str, Any]:
    given = {
        "kind": "licence",
        "name": "Surveying licence",
        "number": "36-0001",
        "level": "乙级",
        "field_text": "",
        "practitioners_count": "",
        "valid_from": "2024-01-01",
        "valid_until": "2028-12-31",
        "requirements": [item.requirements.get().pk],
        "certificate": pdf(),
    }
    return given | changes


# ---------- who may open what ----------

OWN_PAGES = (
    "agency_entry",
    "agency_data",
    "agency_items",
    "agency_documents",
    "agency_checklist",
    "agency_qualifications",
    "qualification_add",
    "agency_agents",
    "agent_add",
    "agency_practitioners",
    "practitioner_add",
    "agency_submission",
    "agency_commitment",
)


@pytest.mark.parametrize("name", [*OWN_PAGES, "agency_register", "office_queue"])
def test_pages_behind_a_login_send_visitors_there(client: Client, name: str) -> None:
    response = client.get(at(name))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("kind", ["owner", "office", "authority", "supervisor"])
@pytest.mark.parametrize("name", OWN_PAGES)
def test_entry_pages_are_for_agencies(name: str, kind: str) -> None:
    assert as_user(person_of(kind)).get(at(name)).status_code == 403


@pytest.mark.parametrize(
    ("kind", "status"), [("office", 200), ("supervisor", 200), ("agency", 403), ("owner", 403), ("authority", 403)]
)
def test_queue_and_check_are_for_the_office_and_the_supervisor(
    surveying: ServiceItem, kind: str, status: int
) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    client = as_user(person_of(kind))

    assert client.get(at("office_queue")).status_code == status
    assert client.get(at("office_check", agency.code)).status_code == status


@pytest.mark.parametrize("name", ["office_approve", "office_return", "office_refuse"])
@pytest.mark.parametrize("kind", ["supervisor", "agency", "owner"])
def test_only_the_office_gives_a_verdict(surveying: ServiceItem, name: str, kind: str) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)

    response = as_user(person_of(kind)).post(at(name, agency.code), {"reason": "x", "defect_address": "x"})

    assert response.status_code == 403
    assert Agency.objects.get().state == AgencyState.SUBMITTED


def test_entry_is_hidden_until_its_publicity(client: Client, surveying: ServiceItem) -> None:
    hidden = entered_agency(surveying, until=AgencyState.SUBMITTED)
    shown = entered_agency(surveying, until=AgencyState.PUBLICITY)
    stranger = as_user(person_of("agency"))

    for visitor in (client, stranger):
        assert visitor.get(at("agency_detail", hidden.code)).status_code == 404
        assert visitor.get(at("agency_detail", shown.code)).status_code == 200
    member = User.objects.get(memberships__organisation=hidden.organisation)
    assert as_user(member).get(at("agency_detail", hidden.code)).status_code == 200
    assert hidden.name not in text(client.get(at("agency_list")))
    assert shown.name in text(client.get(at("agency_list")))


def test_contact_is_not_on_the_public_page(client: Client, surveying: ServiceItem) -> None:
    agency = entered_agency(surveying, contact_phone="0792-7654321")

    assert "0792-7654321" not in text(client.get(at("agency_detail", agency.code)))
    assert "0792-7654321" in text(as_user(person_of("office")).get(at("agency_detail", agency.code)))


def test_scan_is_served_to_those_allowed_and_nobody_else(
    client: Client, surveying: ServiceItem, officer: User
) -> None:
    agency = entered_agency(surveying)
    member = User.objects.get(memberships__organisation=agency.organisation)
    address = at("download", Upload.objects.get().pk)

    for person in (member, officer, person_of("supervisor")):
        assert as_user(person).get(address).status_code == 200
    for person in (person_of("agency"), person_of("owner"), UserFactory()):
        assert as_user(person).get(address).status_code == 404
    assert client.get(address).status_code == 404


# ---------- registration ----------


def test_newcomer_registers_an_agency_and_lands_on_its_entry(newcomer: User) -> None:
    client = as_user(newcomer)

    response = client.post(at("agency_register"), REGISTER)

    assert response.status_code == 302
    assert response["Location"] == at("agency_entry")
    agency = Agency.objects.get()
    assert (agency.code, agency.contact_name) == (CODE, "Wang Fang")
    assert client.get(at("agency_entry")).status_code == 200
    # Who acts for an agency already is led to it.
    assert client.get(at("agency_register"))["Location"] == at("agency_entry")


def test_a_phone_number_typed_full_width_is_understood(newcomer: User) -> None:
    response = as_user(newcomer).post(at("agency_register"), REGISTER | {"contact_phone": "０７９２－１２３４５６７"})

    assert response.status_code == 302
    assert Agency.objects.get().contact_phone == "0792-1234567"


def test_bad_registration_names_the_field_and_keeps_what_was_typed(newcomer: User) -> None:
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")

    given = REGISTER | {"code": wrong, "contact_phone": "call me", "origin": ""}
    response = as_user(newcomer).post(at("agency_register"), given)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"code", "contact_phone", "origin"}
    page = text(response)
    for typed in (wrong, "Clear Lake Surveying", "call me", "Wang Fang"):
        assert typed in page
    assert Agency.objects.count() == 0


def test_second_registration_of_a_code_is_refused_at_the_code(newcomer: User) -> None:
    draft(UserFactory())

    response = as_user(newcomer).post(at("agency_register"), REGISTER)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"code"}
    assert Agency.objects.count() == 1


def test_desk_offers_newcomers_to_register(newcomer: User) -> None:
    [card] = desk.desk_cards(newcomer, MONDAY)

    assert card["items"][0]["url"] == at("agency_register")
    assert f'href="{at("agency_register")}"' in text(as_user(newcomer).get(at("desk")))
    assert desk.desk_cards(person_of("owner"), MONDAY) == []


def test_desk_shows_the_office_its_queue_with_lights(surveying: ServiceItem, officer: User) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    assert agency.submitted_at is not None
    assert agency.form_check_due is not None
    due = agency.form_check_due
    span = due - agency.submitted_at
    moments = {agency.submitted_at: "green", due - span / 3: "amber", due - timedelta(seconds=1): "amber", due: "red"}

    for moment, light in moments.items():
        [card] = work_desk.cards(officer, moment)
        assert (card["count"], [(row["due"], row["light"]) for row in card["items"]]) == (1, [(due, light)])


# ---------- the agency's own pages ----------


def test_agency_completes_its_entry_page_by_page(newcomer: User, surveying: ServiceItem) -> None:
    client = as_user(newcomer)
    client.post(at("agency_register"), REGISTER)
    assert client.post(at("agency_submit")).status_code == 422

    for name, data in (
        ("agency_data", DATA | {"business_licence": pdf("licence.pdf"), "legal_id": pdf("id.pdf")}),
        ("agency_items", {"items": [surveying.pk]}),
        ("qualification_add", licence_data(surveying)),
        ("agency_agents", {"represented_by": "legal"}),
        ("agency_commitment", {"agree": "on"}),
    ):
        assert client.get(at(name)).status_code == 200
        assert client.post(at(name), data).status_code == 302, name
    assert client.get(at("agency_qualifications")).status_code == 200
    page = client.get(at("agency_entry"))
    assert [task["status"] for task in page.context["tasks"]] == ["done"] * 4 + ["doing"]
    assert page.context["gaps"] == []

    assert client.post(at("agency_submit")).status_code == 302
    agency = Agency.objects.get()
    assert (agency.state, agency.legal_representative) == (AgencyState.SUBMITTED, "Li Ming")
    assert client.get(at("agency_entry")).status_code == 200


def test_submission_with_gaps_lists_them_all_and_changes_nothing(newcomer: User, surveying: ServiceItem) -> None:
    draft(newcomer, surveying)
    before = Event.objects.count()

    response = as_user(newcomer).post(at("agency_submit"))

    assert response.status_code == 422
    gaps = response.context["ways"][0]["gaps"]
    # Five data, the identity number, two documents, a certificate, the letter.
    assert len(gaps) == 10
    for gap in gaps:
        assert f'<a href="{gap["url"]}">{escape(gap["text"])}</a>' in text(response)
    assert (Agency.objects.get().state, Event.objects.count()) == (AgencyState.DRAFT, before)


def test_bad_basic_data_keep_what_was_typed(newcomer: User) -> None:
    draft(newcomer)

    response = as_user(newcomer).post(
        at("agency_data"), DATA | {"established_on": "2031-01-01", "contact_email": "nowhere"}
    )

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"established_on", "contact_email"}
    for typed in ("2031-01-01", "nowhere", "We survey.", "Li Ming"):
        assert typed in text(response)
    assert Agency.objects.get().legal_representative == ""


@pytest.mark.parametrize(
    ("file", "limit"),
    [
        (SimpleUploadedFile("licence.pdf", b"MZ\x90\x00" + b"\0" * 500, "application/pdf"), 10_000),
        (SimpleUploadedFile("licence.pdf", b"%PDF-" + b"x" * 2000 + b"%%EOF", "application/pdf"), 1000),
        (SimpleUploadedFile("licence.pdf", b"", "application/pdf"), 1000),
    ],
    ids=["a program inside", "too large", "empty"],
)
def test_bad_scan_is_named_at_its_field_and_the_text_is_kept(
    newcomer: User, surveying: ServiceItem, settings: Any, file: SimpleUploadedFile, limit: int
) -> None:
    settings.UPLOAD_MAX_BYTES = limit
    agency = draft(newcomer, surveying)
    file.seek(0)

    response = as_user(newcomer).post(at("qualification_add"), licence_data(surveying, certificate=file))

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"certificate"}
    for typed in ("Surveying licence", "36-0001", "2028-12-31"):
        assert typed in text(response)
    assert (agency.qualifications.count(), Upload.objects.count()) == (0, 0)


def test_all_faults_of_a_certificate_are_named_at_once(newcomer: User, surveying: ServiceItem) -> None:
    draft(newcomer, surveying)
    program = SimpleUploadedFile("licence.pdf", b"MZ" + b"\0" * 500, "application/pdf")
    bad = licence_data(surveying, name="", valid_from="2027-01-01", valid_until="2026-12-31", certificate=program)

    response = as_user(newcomer).post(at("qualification_add"), bad)

    assert set(response.context["form"].errors) == {"name", "valid_until", "certificate"}
    assert "36-0001" in text(response)


def test_good_scan_is_kept_while_another_field_is_corrected(newcomer: User, surveying: ServiceItem) -> None:
    agency = draft(newcomer, surveying)
    client = as_user(newcomer)

    response = client.post(at("qualification_add"), licence_data(surveying, valid_until="2023-12-31"))
    assert set(response.context["form"].errors) == {"valid_until"}
    kept = Upload.objects.get()
    assert f'name="kept_certificate" value="{kept.pk}"' in text(response)

    corrected = licence_data(surveying, kept_certificate=str(kept.pk))
    del corrected["certificate"]
    assert client.post(at("qualification_add"), corrected).status_code == 302
    assert agency.qualifications.get().certificate == kept


def test_scan_of_somebody_else_cannot_be_claimed(newcomer: User, surveying: ServiceItem) -> None:
    entered_agency(surveying)
    agency = draft(newcomer, surveying)
    stolen = licence_data(surveying, kept_certificate=str(Upload.objects.get().pk))
    del stolen["certificate"]

    assert as_user(newcomer).post(at("qualification_add"), stolen).status_code == 302
    assert agency.qualifications.get().certificate is None


def test_certificate_page_is_prepared_for_the_requirement(newcomer: User, surveying: ServiceItem) -> None:
    draft(newcomer, surveying)
    requirement = surveying.requirements.get()

    response = as_user(newcomer).get(at("qualification_add"), {"requirement": requirement.pk})

    assert response.context["form"].initial == {
        "kind": "licence",
        "requirements": [requirement.pk],
        "practitioners_count": None,
    }


def test_certificates_are_changed_and_removed_by_their_own_agency_only(
    newcomer: User, surveying: ServiceItem
) -> None:
    agency = draft(newcomer, surveying)
    client = as_user(newcomer)
    client.post(at("qualification_add"), licence_data(surveying))
    paper = agency.qualifications.get()
    stranger = as_user(
        User.objects.get(memberships__organisation=entered_agency(until=AgencyState.DRAFT).organisation)
    )

    for visit in (stranger.get, stranger.post):
        assert visit(at("qualification_change", paper.pk)).status_code == 404
    assert stranger.post(at("qualification_remove", paper.pk)).status_code == 404

    changed = licence_data(surveying, number="36-0002")
    del changed["certificate"]
    assert client.get(at("qualification_change", paper.pk)).status_code == 200
    assert client.post(at("qualification_change", paper.pk), changed).status_code == 302
    paper.refresh_from_db()
    assert paper.number == "36-0002"
    assert paper.certificate is not None
    assert client.post(at("qualification_remove", paper.pk)).status_code == 302
    assert agency.qualifications.count() == 0


@pytest.mark.parametrize("name", ["agency_data", "agency_items", "qualification_add", "agency_commitment"])
def test_papers_are_closed_while_the_office_checks(surveying: ServiceItem, name: str) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    client = as_user(User.objects.get(memberships__organisation=agency.organisation))

    assert client.get(at(name)).status_code == 409
    assert client.post(at(name), DATA).status_code == 409


# ---------- the office ----------


def test_office_returns_with_every_defect_that_was_filled_in(surveying: ServiceItem, officer: User) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    paper = agency.qualifications.get()
    client = as_user(officer)

    response = client.post(
        at("office_return", agency.code),
        {
            "defect_address": "Not the one of the licence.",
            f"defect_qualification_{paper.pk}": "Unreadable.",
            "defect_other": " ",
        },
    )

    assert response.status_code == 302
    agency = Agency.objects.get()
    assert agency.returned_defects == [
        {"field": "address", "sentence": "Not the one of the licence."},
        {"field": f"qualification:{paper.pk}", "sentence": "Unreadable."},
    ]
    member = as_user(User.objects.get(memberships__organisation=agency.organisation))
    page = member.get(at("agency_entry"))
    assert "Not the one of the licence." in text(page)
    assert [row["url"] for row in page.context["defects"]] == [
        at("agency_data"),
        at("qualification_change", paper.pk),
    ]


def test_return_without_a_defect_is_refused(surveying: ServiceItem, officer: User) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)

    response = as_user(officer).post(at("office_return", agency.code), {})

    assert response.status_code == 422
    assert response.context["defects_form"].non_field_errors()
    assert Agency.objects.get().state == AgencyState.SUBMITTED


def test_refusal_without_a_reason_keeps_the_entry(surveying: ServiceItem, officer: User) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    client = as_user(officer)

    assert client.post(at("office_refuse", agency.code), {"reason": " "}).status_code == 422
    assert Agency.objects.get().state == AgencyState.SUBMITTED
    assert client.post(at("office_refuse", agency.code), {"reason": "Forged."}).status_code == 302
    assert Agency.objects.get().state == AgencyState.REFUSED


def test_office_approves_into_publicity(surveying: ServiceItem, officer: User, client: Client) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)

    assert as_user(officer).post(at("office_approve", agency.code)).status_code == 302

    assert Agency.objects.get().state == AgencyState.PUBLICITY
    page = client.get(at("agency_detail", agency.code))
    assert page.context["clock"]["due"] == Agency.objects.get().publicity_until


def test_verdict_is_shown_as_refused_with_its_reason_to_an_insider(
    surveying: ServiceItem, office: Organisation
) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    insider = person_at(office)
    Membership.objects.create(user=insider, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    client = as_user(insider)

    page = client.get(at("office_check", agency.code))

    assert text(page).count("You belong to this agency") == 3
    assert client.post(at("office_approve", agency.code)).status_code == 422
    assert Agency.objects.get().state == AgencyState.SUBMITTED


def test_second_verdict_on_the_same_entry_is_refused(surveying: ServiceItem, officer: User) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    client = as_user(officer)
    client.post(at("office_approve", agency.code))

    assert client.post(at("office_approve", agency.code)).status_code == 409
    assert client.post(at("office_return", agency.code), {"defect_address": "x"}).status_code == 409
    assert client.get(at("office_check", agency.code)).status_code == 200


@pytest.mark.parametrize("state", list(AgencyState))
def test_every_page_shows_every_state(client: Client, state: AgencyState, free: ServiceItem, officer: User) -> None:
    agency = AgencyFactory(
        state=state, returned_defects=[{"field": "address", "sentence": "No."}], refusal_reason="No."
    )
    offers(agency, free)
    member = as_user(person_at(agency.organisation))

    assert member.get(at("agency_entry")).status_code == 200
    assert member.get(at("agency_detail", agency.code)).status_code == 200
    assert as_user(officer).get(at("office_check", agency.code)).status_code == 200
    assert as_user(officer).get(at("office_queue"), {"state": state}).status_code == 200
    assert desk.desk_cards(person_at(agency.organisation), MONDAY)[0]["items"][0]["hint"]


# ---------- the queue ----------


def names(response: Any) -> list[str]:
    return [row["name"] for row in response.context["rows"]]


@pytest.mark.parametrize("state", [AgencyState.SUBMITTED, AgencyState.PUBLICITY])
def test_queue_costs_the_same_at_one_and_at_three_rows(
    officer: User, django_assert_max_num_queries: Any, state: AgencyState
) -> None:
    client = as_user(officer)
    counts = []
    for more in (1, 2):
        for _ in range(more):
            AgencyFactory(state=state)
        with django_assert_max_num_queries(12) as seen:
            response = client.get(at("office_queue"), {"state": state})
        counts.append((len(names(response)), len(seen)))

    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]


def test_queue_begins_with_the_clock_that_ends_first(officer: User) -> None:
    for days in (3, 1, 2):
        AgencyFactory(
            state=AgencyState.SUBMITTED,
            organisation__name=f"due in {days}",
            form_check_due=MONDAY + timedelta(days=days),
        )

    assert names(as_user(officer).get(at("office_queue"))) == ["due in 1", "due in 2", "due in 3"]
