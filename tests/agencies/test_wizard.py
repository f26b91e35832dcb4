"""The five steps of an entry: their order, where one goes on, and that nothing typed or chosen is lost."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import resolve, reverse

from agencies import actions, demo_papers, wizard
from agencies.checklist import checklist
from agencies.demo_entry import resident_id
from agencies.models import Agency, EntryObjection, Practitioner, PreCheck
from agencies.rules import DEFECT_FIELDS, Gap
from agencies.states import AgencyState
from marketplace import clock, installation
from marketplace.models import Requirement, ServiceItem, Upload, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    RequirementFactory,
    UserFactory,
    credit_code,
    entered_agency,
    offers,
    pdf,
    person_at,
    person_of,
)

CODE = credit_code(4711)
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
PERSON = {
    "full_name": "Zhao Lei",
    "id_kind": "resident",
    "id_number": resident_id("Zhao Lei"),
    "certificate_name": "Registered surveyor",
    "certificate_number": "36-77",
    "valid_until": "2029-12-31",
}
PERSON_FILES = ("id_scan", "certificate", "insurance")


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


@pytest.fixture
def agency(newcomer: User) -> Agency:
    return actions.register_agency(name="Clear Lake Surveying", code=CODE, origin="local", actor=newcomer, at=MONDAY)


@pytest.fixture
def member(agency: Agency, newcomer: User) -> Client:
    return as_user(newcomer)


def documents() -> dict[str, SimpleUploadedFile]:
    return {"business_licence": pdf("licence.pdf"), "legal_id": pdf("id.pdf")}


def licence(item: ServiceItem, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "licence",
        "name": "Surveying licence",
        "number": "36-0001",
        "level": "乙级",
        "valid_from": "2024-01-01",
        "valid_until": "2028-12-31",
        "requirements": [item.requirements.get().pk],
        "certificate": pdf(),
    } | changes


def practitioner(**changes: Any) -> dict[str, Any]:
    return PERSON | {name: pdf(f"{name}.pdf") for name in PERSON_FILES} | changes


def goes_to(response: Any) -> str:
    assert response.status_code == 302, response.context["form"].errors
    return str(response["Location"])


# ---------- pure ----------


def test_every_defect_field_has_its_step_and_a_page_that_exists() -> None:
    fields = [*DEFECT_FIELDS, "requirement:1001:1", "qualification:1", "agent:2", "practitioner:3"]

    for field in fields:
        assert wizard.step_of(field) in wizard.STEPS
        assert resolve(wizard.page_of(field)).url_name
    assert wizard.step_of("document:legal_id") is wizard.DATA
    assert wizard.step_of("requirement:1001:1") is wizard.SERVICES
    assert wizard.step_of("agent:2") is wizard.AGENTS
    assert wizard.page_of("practitioner:3") == at("practitioner_change", 3)
    assert wizard.page_of("document:legal_id", supplying=True) == at("agency_documents")


def test_steps_follow_each_other_and_the_last_leads_to_the_overview() -> None:
    assert [wizard.where(step)["step"] for step in wizard.STEPS] == [1, 2, 3, 4, 5]
    assert [wizard.after(step) for step in wizard.STEPS] == [
        at("agency_items"),
        at("agency_agents"),
        at("agency_practitioners"),
        at("agency_submission"),
        at("agency_entry"),
    ]
    assert wizard.where(wizard.SUBMISSION)["next_title"] == ""


def test_one_goes_on_at_the_first_step_that_lacks_something() -> None:
    def goes_on(*fields: str, items: int = 1) -> str:
        return str(wizard.resume([Gap(field, "-") for field in fields], items=items)["url"])

    assert goes_on("commitment", "items", "address") == at("agency_data")
    assert goes_on("commitment", "items", items=0) == at("agency_items")
    assert goes_on("commitment", "requirement:1001:1") == at("agency_qualifications")
    assert goes_on("practitioners", "agents") == at("agency_agents")
    assert goes_on("practitioner:7", "commitment") == at("agency_practitioners")
    assert goes_on() == at("agency_submission")


# ---------- the way through ----------


def test_an_entry_goes_through_its_five_steps_in_order(
    member: Client, agency: Agency, surveying: ServiceItem
) -> None:
    def resumes_at() -> str:
        return str(member.get(at("agency_entry")).context["resume"]["url"])

    assert resumes_at() == at("agency_data")
    step = goes_to(member.post(at("agency_data"), DATA | documents()))
    assert step == at("agency_items") == resumes_at()
    step = goes_to(member.post(step, {"items": [surveying.pk]}))
    assert step == at("agency_qualifications") == resumes_at()
    assert goes_to(member.post(at("qualification_add"), licence(surveying))) == step
    assert member.get(step).context["next_url"] == at("agency_agents")
    step = goes_to(member.post(at("agency_agents"), {"represented_by": "legal"}))
    assert step == at("agency_practitioners")
    assert member.get(step).context["next_url"] == at("agency_submission") == resumes_at()
    assert goes_to(member.post(at("agency_commitment"), {"agree": "on"})) == at("agency_submission")
    page = member.get(at("agency_submission"))
    assert [way["gaps"] for way in page.context["ways"]] == [[], []]
    assert page.context["list"]["missing"] == 0

    assert goes_to(member.post(at("agency_submit"))) == at("agency_entry")
    agency.refresh_from_db()
    assert (agency.state, agency.way) == (AgencyState.SUBMITTED, Agency.Way.CHECK_FIRST)
    assert agency.documents.count() == 2


def test_saving_can_lead_to_the_overview_instead(member: Client) -> None:
    assert goes_to(member.post(at("agency_data"), DATA | {"then": "overview"})) == at("agency_entry")


def test_stepper_says_where_one_is_and_offers_nothing_to_click(member: Client) -> None:
    for place, name in enumerate(("agency_data", "agency_items", "agency_agents", "agency_practitioners"), 1):
        page = text(member.get(at(name)))
        stepper = page[page.index('<div class="stepper">') :]
        assert f"Step {place} of 5" in stepper
        assert "<a" not in stepper[: stepper.index("</div>")]
        assert page.count("<h1") == 1


# ---------- what was typed and chosen stays ----------


def test_a_good_document_is_saved_while_the_data_beside_it_are_wrong(member: Client, agency: Agency) -> None:
    wrong = DATA | {"legal_id_number": "123", "contact_phone": "call me"} | documents()

    response = member.post(at("agency_data"), wrong)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"legal_id_number", "contact_phone"}
    for typed in ("call me", "Li Ming", "2015-05-04", "licence.pdf"):
        assert typed in text(response)
    assert agency.documents.count() == 2
    assert goes_to(member.post(at("agency_data"), DATA)) == at("agency_items")
    assert agency.documents.count() == 2


def test_the_number_of_the_legal_representative_is_never_shown_again(member: Client, agency: Agency) -> None:
    member.post(at("agency_data"), DATA)

    page = text(member.get(at("agency_data")))

    assert DATA["legal_id_number"] not in page
    assert "A number is entered and kept sealed" in page
    before = Agency.objects.get().legal_id_digest
    assert goes_to(member.post(at("agency_data"), DATA | {"legal_id_number": ""})) == at("agency_items")
    assert Agency.objects.get().legal_id_digest == before != ""


def test_all_good_files_of_a_person_are_kept_while_the_rest_is_mended(member: Client, agency: Agency) -> None:
    program = SimpleUploadedFile("insurance.pdf", b"MZ" + b"\0" * 500, "application/pdf")
    bad = practitioner(full_name="", valid_until="2020-01-01", insurance=program)

    response = member.post(at("practitioner_add"), bad)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"full_name", "valid_until", "insurance"}
    assert "36-77" in text(response)
    kept = {upload.name: str(upload.pk) for upload in Upload.objects.all()}
    assert set(kept) == {"id_scan.pdf", "certificate.pdf"}
    for pk in kept.values():
        assert f'value="{pk}"' in text(response)
    assert agency.practitioners.count() == 0

    mended = PERSON | {
        "kept_id_scan": kept["id_scan.pdf"],
        "kept_certificate": kept["certificate.pdf"],
        "insurance": pdf("insurance.pdf"),
    }
    assert goes_to(member.post(at("practitioner_add"), mended)) == at("agency_practitioners")
    one = agency.practitioners.get()
    assert (str(one.id_scan_id), str(one.certificate_id)) == (kept["id_scan.pdf"], kept["certificate.pdf"])
    assert one.insurance is not None


def test_files_of_somebody_else_cannot_be_claimed(member: Client, agency: Agency, surveying: ServiceItem) -> None:
    foreign = str(Upload.objects.filter(organisation=entered_agency(surveying).organisation)[0].pk)

    member.post(at("practitioner_add"), PERSON | {"kept_id_scan": foreign})

    assert agency.practitioners.get().id_scan is None


def test_somebody_checked_at_another_agency_is_refused_at_the_number(member: Client, agency: Agency) -> None:
    first = AgencyFactory()
    given = {"values": PERSON | {"valid_until": None}, "files": {}, "kept": {}}
    user = UserFactory()
    other = actions.register_agency(name="Other", code=credit_code(4712), origin="local", actor=user, at=MONDAY)
    known = actions.add_practitioner(other, given, actor=user, at=MONDAY)
    Practitioner.objects.filter(pk=known.pk).update(checked=True)

    response = member.post(at("practitioner_add"), practitioner())

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"id_number"}
    assert "another agency" in text(response)
    assert other.name not in text(response)
    assert (agency.practitioners.count(), first.practitioners.count()) == (0, 0)


# ---------- people ----------


def test_several_practitioners_are_entered_one_after_the_other(member: Client, agency: Agency) -> None:
    assert goes_to(member.post(at("practitioner_add"), practitioner(then="another"))) == at("practitioner_add")
    second = practitioner(full_name="Qian Bo", id_number=resident_id("Qian Bo"))
    assert goes_to(member.post(at("practitioner_add"), second)) == at("agency_practitioners")

    assert [row["name"] for row in member.get(at("agency_practitioners")).context["people"]] == [
        "Zhao Lei",
        "Qian Bo",
    ]


def test_people_are_changed_and_removed_by_their_own_agency_only(member: Client, agency: Agency) -> None:
    member.post(at("practitioner_add"), practitioner())
    one = agency.practitioners.get()
    stranger_user = UserFactory()
    actions.register_agency(name="Other", code=credit_code(4712), origin="local", actor=stranger_user, at=MONDAY)
    stranger = as_user(stranger_user)

    for visit in (stranger.get, stranger.post):
        assert visit(at("practitioner_change", one.pk)).status_code == 404
    assert stranger.post(at("practitioner_remove", one.pk)).status_code == 404
    assert one.full_name in text(member.get(at("practitioner_change", one.pk)))
    changed = PERSON | {"id_number": "", "certificate_number": "36-78"}
    assert goes_to(member.post(at("practitioner_change", one.pk), changed)) == at("agency_practitioners")
    one.refresh_from_db()
    assert (one.certificate_number, one.id_hint) == ("36-78", PERSON["id_number"][-4:])
    assert one.id_scan is not None
    assert goes_to(member.post(at("practitioner_remove", one.pk))) == at("agency_practitioners")
    assert agency.practitioners.count() == 0


def test_choosing_agents_leads_to_the_first_one(member: Client, agency: Agency) -> None:
    assert goes_to(member.post(at("agency_agents"), {"represented_by": "agents"})) == at("agent_add")
    agent = {
        "full_name": "Sun Wei",
        "id_kind": "resident",
        "id_number": resident_id("Sun Wei"),
        "phone": "13800000000",
        "email": "",
        "valid_until": "",
        "id_scan": pdf("id.pdf"),
        "authority": pdf("authority.pdf"),
        "insurance": pdf("insurance.pdf"),
    }
    assert goes_to(member.post(at("agent_add"), agent)) == at("agency_agents")

    assert (agency.agents.get().full_name, Agency.objects.get().represented_by) == ("Sun Wei", "agents")
    assert [row["name"] for row in member.get(at("agency_agents")).context["people"]] == ["Sun Wei"]
    assert goes_to(member.post(at("agent_remove", agency.agents.get().pk))) == at("agency_agents")
    assert agency.agents.count() == 0


# ---------- the checklist ----------


def test_checklist_names_all_of_and_any_of_and_what_each_lacks(agency: Agency, newcomer: User) -> None:
    item = RequirementFactory(text="First", group=1).item
    RequirementFactory(item=item, text="Or this", group=1)
    RequirementFactory(item=item, text="Certified", kind=Requirement.Kind.PRACTITIONERS, group=2)
    RequirementFactory(item=item, text="Rated", kind=Requirement.Kind.RATING, group=3)
    RequirementFactory(item=item, text="Promised", kind=Requirement.Kind.COMMITMENT, group=4)
    actions.choose_items(agency, [item.pk], actor=newcomer, at=MONDAY)

    found = checklist(agency, clock.local_date(MONDAY))

    [part] = found["services"]
    assert part["rule"] == "All of these are needed:"
    assert [(line["options"], line["any_of"], line["state"]) for line in part["lines"]] == [
        (["First", "Or this"], True, "missing"),
        (["Certified"], False, "missing"),
        (["Rated"], False, "voluntary"),
        (["Promised"], False, "there"),
    ]
    assert part["lines"][0]["url"] == f"{at('qualification_add')}?requirement={item.requirements.all()[0].pk}"
    assert [line["state"] for line in found["general"]] == ["missing"] * 3
    # Two requirements, two documents, the letter; the rating keeps nobody out.
    assert found["missing"] == 5


def test_checklist_says_until_when_a_paper_is_valid_and_which_has_expired(agency: Agency, free: ServiceItem) -> None:
    requirement = RequirementFactory(item=free)
    paper = offers(agency, free, certificate=None)
    assert paper is not None
    day = clock.local_date(MONDAY)

    [line] = checklist(agency, day)["services"][0]["lines"]
    assert (line["state"], line["papers"][0]["note"]) == ("missing", "the scan is missing")
    assert "2028-12-31" in line["papers"][0]["text"]
    assert line["url"] == at("qualification_change", paper.pk)
    assert checklist(agency, day, scans=False)["services"][0]["lines"][0]["state"] == "there"
    [line] = checklist(agency, day.replace(year=2030))["services"][0]["lines"]
    assert (line["state"], line["papers"][0]["note"]) == ("expired", "expired")
    assert requirement.item == free


@pytest.mark.parametrize("name", ["agency_entry", "agency_submission", "agency_checklist", "agency_practitioners"])
def test_pages_cost_the_same_at_one_and_at_three_rows(
    member: Client, agency: Agency, newcomer: User, django_assert_max_num_queries: Any, name: str
) -> None:
    counts = []
    items: list[str] = []
    for more in (1, 2):
        for number in range(more):
            items.append(RequirementFactory().item.pk)
            seed = f"{more}-{number}"
            given = {"values": PERSON | {"id_number": resident_id(seed), "valid_until": None}}
            actions.add_practitioner(agency, given, actor=newcomer, at=MONDAY)
        actions.choose_items(agency, items, actor=newcomer, at=MONDAY)
        with django_assert_max_num_queries(50) as seen:
            assert member.get(at(name)).status_code == 200
        counts.append(len(seen))

    assert counts[0] == counts[1]


# ---------- two ways in ----------


def ready(member: Client, item: ServiceItem, **paper: Any) -> None:
    """Data, service, certificate and letter, without a single document."""
    member.post(at("agency_data"), DATA)
    member.post(at("agency_items"), {"items": [item.pk]})
    given = licence(item, **paper)
    del given["certificate"]
    member.post(at("qualification_add"), given)
    member.post(at("agency_commitment"), {"agree": "on"})


def test_both_ways_in_list_their_own_gaps_with_links(member: Client, surveying: ServiceItem) -> None:
    ready(member, surveying)

    page = member.get(at("agency_submission"))

    check, commitment = page.context["ways"]
    assert {gap["url"] for gap in check["gaps"]} == {at("agency_data"), at("agency_qualifications")}
    assert "refused" in check["acts"][0]
    assert commitment["gaps"] == []
    assert commitment["acts"][0]["url"] == at("agency_commit")
    response = member.post(at("agency_submit"))
    assert response.status_code == 422
    assert len(response.context["ways"][0]["gaps"]) == 3
    assert Agency.objects.get().state == AgencyState.DRAFT


def test_both_ways_in_say_until_when_a_ban_lasts(member: Client, surveying: ServiceItem) -> None:
    ready(member, surveying)
    Agency.objects.update(reentry_from=datetime(2099, 3, 17, 16, tzinfo=UTC))

    page = member.get(at("agency_submission"))

    for way in page.context["ways"]:
        assert "2099" in way["acts"][0]["refused"]
    assert member.post(at("agency_commit")).status_code in (409, 422)
    assert Agency.objects.get().state == AgencyState.DRAFT


def test_entry_on_commitment_leaves_the_documents_open_and_the_data_closed(
    member: Client, agency: Agency, surveying: ServiceItem
) -> None:
    ready(member, surveying)

    assert goes_to(member.post(at("agency_commit"))) == at("agency_entry")

    hub = member.get(at("agency_entry"))
    agency.refresh_from_db()
    assert agency.state == AgencyState.COMMITTED
    assert hub.context["clock"]["due"] == agency.documents_supply_due
    assert {gap["url"] for gap in hub.context["gaps"]} == {at("agency_documents"), at("agency_qualifications")}
    assert "refused" in hub.context["acts"][0]
    for name in ("agency_documents", "agency_qualifications", "agency_agents", "agency_practitioners"):
        assert member.get(at(name)).status_code == 200, name
    for name in ("agency_data", "agency_items", "agency_submission", "agency_commitment"):
        response = member.get(at(name))
        assert response.status_code == 409, name
        assert "entered on commitment" in text(response)
    assert member.post(at("agency_agents"), {"represented_by": "agents"}).status_code == 409
    assert member.post(at("agency_supply")).status_code == 422

    paper = agency.qualifications.get()
    assert goes_to(member.post(at("agency_documents"), documents())) == at("agency_entry")
    goes_to(member.post(at("qualification_change", paper.pk), licence(surveying)))
    assert goes_to(member.post(at("agency_supply"))) == at("agency_entry")
    agency.refresh_from_db()
    assert agency.state == AgencyState.VERIFYING
    assert member.get(at("agency_entry")).context["clock"]["due"] == agency.documents_due


# ---------- the pre-check ----------


def test_precheck_is_asked_and_its_answer_names_pages(
    member: Client, agency: Agency, newcomer: User, officer: User
) -> None:
    assert member.get(at("agency_submission")).context["precheck_open"]

    response = member.post(at("agency_precheck"), {"question": "Is the old address right?"})

    assert goes_to(response) == f"{at('agency_submission')}#precheck"
    page = member.get(at("agency_submission"))
    assert page.context["precheck"]["question"] == "Is the old address right?"
    assert page.context["precheck"]["clock"]["due"] == PreCheck.objects.get().due
    assert not page.context["precheck_open"]
    actions.answer_precheck(
        PreCheck.objects.get(),
        remarks=[{"field": "address", "sentence": "Take the new one."}],
        actor=officer,
        at=MONDAY,
    )
    for name in ("agency_submission", "agency_entry"):
        shown = member.get(at(name)).context["precheck"]
        assert [(row["url"], row["sentence"]) for row in shown["remarks"]] == [
            (at("agency_data"), "Take the new one.")
        ]


def test_a_question_that_is_too_long_comes_back_as_typed(member: Client) -> None:
    response = member.post(at("agency_precheck"), {"question": "x" * 1001})

    assert response.status_code == 422
    assert "x" * 1001 in text(response)
    assert PreCheck.objects.count() == 0


# ---------- objections ----------


def test_anybody_objects_to_an_entry_in_publicity(surveying: ServiceItem) -> None:
    agency = entered_agency(surveying, until=AgencyState.PUBLICITY)
    visitor = UserFactory()
    client = as_user(visitor)
    page = at("agency_objection", agency.code)

    assert client.get(page).status_code == 200
    given = {"text": "The licence was revoked last year.", "file": pdf("evidence.pdf")}
    assert goes_to(client.post(page, given)) == at("agency_detail", agency.code)

    objection = EntryObjection.objects.get()
    assert (objection.agency, objection.lodged_by) == (agency, visitor)
    assert objection.evidence is not None


def test_evidence_is_kept_for_its_own_writer_while_the_text_is_mended(surveying: ServiceItem, officer: User) -> None:
    agency = entered_agency(surveying, until=AgencyState.PUBLICITY)
    visitor = UserFactory()
    page = at("agency_objection", agency.code)

    response = as_user(visitor).post(page, {"text": "", "file": pdf("evidence.pdf")})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"text"}
    kept = Upload.objects.get(name="evidence.pdf")
    assert f'value="{kept.pk}"' in text(response)
    words = "The licence was revoked last year."
    assert as_user(UserFactory()).post(page, {"text": words, "kept_file": str(kept.pk)}).status_code == 302
    assert EntryObjection.objects.get().evidence is None
    assert as_user(visitor).post(page, {"text": words, "kept_file": str(kept.pk)}).status_code == 302
    assert EntryObjection.objects.get(lodged_by=visitor).evidence == kept


@pytest.mark.parametrize("state", [AgencyState.ACTIVE, AgencyState.PUBLICITY])
def test_objection_page_says_why_it_is_closed(state: AgencyState) -> None:
    agency = AgencyFactory(state=state)  # Its publicity ends at this very moment.
    client = as_user(person_of("owner"))

    page = client.get(at("agency_objection", agency.code))

    assert (page.status_code, page.context["refused"] != "") == (200, True)
    assert client.post(at("agency_objection", agency.code), {"text": "Too late to say so."}).status_code == 422
    assert EntryObjection.objects.count() == 0


# ---------- again ----------


@pytest.mark.parametrize("state", [AgencyState.REFUSED, AgencyState.WITHDRAWN, AgencyState.REMOVED])
def test_whoever_left_may_begin_again(state: AgencyState) -> None:
    agency = AgencyFactory(state=state, refusal_reason="Forged.", left_reason="Closed down.")
    client = as_user(person_at(agency.organisation, role="manager"))

    page = client.get(at("agency_entry"))
    assert page.context["situation"]["text"] in ("Forged.", "Closed down.")
    assert page.context["acts"][0]["url"] == at("agency_begin_again")
    assert goes_to(client.post(at("agency_begin_again"))) == at("agency_entry")
    assert Agency.objects.get(pk=agency.pk).state == AgencyState.DRAFT


def test_a_ban_is_said_with_its_end() -> None:
    agency = AgencyFactory(state=AgencyState.REMOVED, left_reason="Forged.", reentry_from=MONDAY.replace(year=2028))
    client = as_user(person_at(agency.organisation, role="manager"))

    [act] = client.get(at("agency_entry")).context["acts"]

    assert "2028-03-09" in act["refused"]
    assert client.post(at("agency_begin_again")).status_code == 422
    assert Agency.objects.get(pk=agency.pk).state == AgencyState.REMOVED


# ---------- registration and the demo ----------


def test_registered_code_is_refused_at_the_field_with_the_way_to_claim_it(agency: Agency) -> None:
    given = {"name": "Another", "code": CODE, "origin": "local", "contact_name": "A", "contact_phone": "0792-1234567"}

    response = as_user(UserFactory()).post(at("agency_register"), given)

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"code"}
    assert f'href="{at("access_claim")}?code={CODE}"' in text(response)
    assert Agency.objects.count() == 1


def test_demo_documents_are_offered_in_a_demo_only(newcomer: User, client: Client) -> None:
    registering = as_user(newcomer)
    assert at("demo_documents") not in text(registering.get(at("agency_register")))
    assert client.get(at("demo_documents")).status_code == 404
    installation.mark_as_demo(seed="test", at=MONDAY)

    assert at("demo_documents") in text(registering.get(at("agency_register")))
    pack = zipfile.ZipFile(io.BytesIO(client.get(at("demo_documents")).content))
    assert pack.namelist() == list(demo_papers.PAPERS)


def test_demo_documents_are_written_into_a_folder(tmp_path: Path) -> None:
    call_command("demo_documents", str(tmp_path / "papers"), verbosity=0, stdout=io.StringIO())

    found = {path.name: path.read_bytes()[:5] for path in (tmp_path / "papers").iterdir()}
    assert found == dict.fromkeys(demo_papers.PAPERS, b"%PDF-")
