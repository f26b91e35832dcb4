"""The acts of entry: registration, papers, submission, form check, publicity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from agencies import actions, certificates, journal, kept_files, wizard
from agencies.deadlines import due
from agencies.demo_entry import resident_id
from agencies.models import Agency
from agencies.states import AgencyState
from marketplace import events, identity
from marketplace.deadlines import run_due
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, ServiceItem, Upload, User
from tests.factories import (
    MONDAY,
    AgentFactory,
    PractitionerFactory,
    UserFactory,
    credit_code,
    entered_agency,
    pdf,
    person_at,
)

CODE = credit_code(4711)
# 24:00 in China on Wednesday 11 March: two working days after Monday the 9th.
CHECK_DUE = datetime(2026, 3, 11, 16, 0, tzinfo=UTC)

BASIC = {
    "legal_representative": "Li Ming",
    "legal_id_kind": "resident",
    "legal_id_number": resident_id("Li Ming"),
    "address": "1 Station Road",
    "established_on": date(2015, 5, 4),
    "contact_name": "Wang Fang",
    "contact_phone": "0792-1234567",
}
PAPER = {
    "kind": "licence",
    "name": "Surveying licence",
    "number": "36-0001",
    "level": "乙级",
    "valid_from": date(2024, 1, 1),
    "valid_until": date(2028, 12, 31),
}


def scans() -> dict[str, Any]:
    return {"business_licence": pdf("licence.pdf"), "legal_id": pdf("id.pdf")}


def paper(changes: dict[str, Any] | None = None, **rest: Any) -> certificates.Paper:
    return {"values": PAPER | (changes or {}), **rest}  # type: ignore[typeddict-item]


def register(user: User, **changes: Any) -> Agency:
    given = {"name": "Clear Lake Surveying", "code": CODE, "origin": "local", "basic_data": BASIC} | changes
    return actions.register_agency(**given, actor=user, at=MONDAY)


def types(agency: Agency) -> list[str]:
    return [row["type"] for row in events.read_all(agency.stream_name())]


def complete(user: User, item: ServiceItem) -> Agency:
    agency = register(user)
    actions.choose_items(agency, [item.pk], actor=user, at=MONDAY)
    wanted = [one.pk for one in item.requirements.all() if one.is_mandatory and one.kind != "commitment"]
    if wanted:
        certificates.add_qualification(agency, paper(requirements=wanted, file=pdf()), actor=user, at=MONDAY)
    actions.put_documents(agency, scans(), actor=user, at=MONDAY)
    return actions.sign_commitment(agency, actor=user, at=MONDAY)


# ---------- registration ----------


def test_registration_makes_organisation_case_and_manager(newcomer: User) -> None:
    agency = register(newcomer)

    assert (agency.organisation.kind, agency.code, agency.state) == ("agency", CODE, "draft")
    assert [(m.organisation_id, m.role) for m in newcomer.memberships.all()] == [(agency.pk, Membership.Role.MANAGER)]
    assert types(agency) == ["agency.registered"]


def test_personal_data_stay_out_of_the_public_envelope(newcomer: User) -> None:
    agency = register(newcomer)

    [envelope] = events.read(agency.stream_name())

    assert envelope["data"] == {"code": CODE, "name": "Clear Lake Surveying", "origin": "local"}
    assert envelope["sealed"] is not None
    assert Event.objects.get().private["fields"]["contact_name"] == "Wang Fang"


def test_credit_code_is_kept_in_its_compact_form(newcomer: User) -> None:
    spaced = f" {CODE[:2].lower()} {CODE[2:8]}-{CODE[8:].lower()} "

    assert register(newcomer, code=spaced).code == CODE


def _refused(act: Any, *fields: str) -> FieldErrors:
    before = (Organisation.objects.count(), Agency.objects.count(), Membership.objects.count(), Event.objects.count())
    with pytest.raises(FieldErrors) as refusal:
        act()
    assert set(refusal.value.fields) == set(fields)
    after = (Organisation.objects.count(), Agency.objects.count(), Membership.objects.count(), Event.objects.count())
    assert after == before
    return refusal.value


@pytest.mark.parametrize(
    "code",
    [
        CODE[:-1],
        CODE[:-1] + ("0" if CODE[-1] != "0" else "1"),
        CODE[:8] + "I" + CODE[9:],
        "AB" + CODE[2:],
        "",
    ],
    ids=["too short", "wrong check digit", "a letter codes never have", "letters in the first eight", "empty"],
)
def test_malformed_credit_code_is_refused_at_its_field(newcomer: User, code: str) -> None:
    _refused(lambda: register(newcomer, code=code), "code")


def test_wrong_check_digit_is_named_as_such(newcomer: User) -> None:
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")

    refusal = _refused(lambda: register(newcomer, code=wrong), "code")

    assert "check digit" in str(refusal.fields["code"][0]) or "校验" in str(refusal.fields["code"][0])


def test_second_registration_with_the_same_code_is_refused(newcomer: User) -> None:
    register(newcomer)

    refusal = _refused(lambda: register(UserFactory(), name="Another name"), "code")

    assert CODE in str(refusal.fields["code"][0])


def test_all_faults_of_a_registration_are_named_at_once(newcomer: User) -> None:
    bad = BASIC | {"contact_phone": "call me", "contact_email": "nowhere", "established_on": date(2031, 1, 1)}

    _refused(
        lambda: register(newcomer, name=" ", code="1", origin="moon", basic_data=bad),
        "name",
        "code",
        "origin",
        "contact_phone",
        "contact_email",
        "established_on",
    )


def test_one_person_registers_one_agency(newcomer: User) -> None:
    register(newcomer)

    with pytest.raises(RuleBroken) as refusal:
        register(newcomer, code=credit_code(4712))

    assert refusal.value.code == "one_agency_each"
    assert Agency.objects.count() == 1


# ---------- papers ----------


def test_basic_data_record_what_changed_and_nothing_else(newcomer: User) -> None:
    agency = register(newcomer)

    actions.update_basic_data(agency, BASIC | {"address": "2 Station Road"}, actor=newcomer, at=MONDAY)
    actions.update_basic_data(agency, BASIC | {"address": "2 Station Road"}, actor=newcomer, at=MONDAY)

    agency = Agency.objects.get()
    assert agency.address == "2 Station Road"
    assert [row["data"] for row in events.read(agency.stream_name(), after=1)] == [{"fields": ["address"]}]


def test_number_of_the_legal_representative_is_kept_sealed(newcomer: User) -> None:
    agency = register(newcomer)
    number = resident_id("Zhao Lei")

    actions.update_basic_data(
        agency, {"legal_id_kind": "resident", "legal_id_number": f" {number.lower()} "}, actor=newcomer, at=MONDAY
    )

    agency = Agency.objects.get()
    assert identity.unseal(agency.legal_id_sealed) == ("resident", number)
    assert agency.legal_id_digest == identity.digest("resident", number)
    event = Event.objects.last()
    assert event.data == {"fields": ["legal_id_number"]}
    assert event.private["fields"]["values"] == {"legal_id_number": number[-4:]}
    assert number not in str(list(Event.objects.values_list("data", "private")))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"legal_id_kind": "resident", "legal_id_number": resident_id("x")[:-1]}, "legal_id_number"),
        ({"legal_id_kind": "moon", "legal_id_number": resident_id("x")}, "legal_id_kind"),
        ({"legal_id_kind": "other", "legal_id_number": ""}, "legal_id_number"),
        ({"represented_by": "nobody"}, "represented_by"),
    ],
)
def test_bad_identity_data_are_refused_at_their_field(newcomer: User, values: dict[str, str], field: str) -> None:
    agency = register(newcomer)
    before = Agency.objects.values().get()

    _refused(lambda: actions.update_basic_data(agency, values, actor=newcomer, at=MONDAY), field)

    assert Agency.objects.values().get() == before


def test_empty_number_leaves_the_one_that_is_there(newcomer: User) -> None:
    agency = register(newcomer)

    actions.update_basic_data(agency, {"legal_id_kind": "resident", "legal_id_number": ""}, actor=newcomer, at=MONDAY)

    assert types(agency) == ["agency.registered"]
    assert Agency.objects.get().legal_id_digest == identity.digest("resident", resident_id("Li Ming"))


def test_document_is_replaced_and_its_digest_stays_private(newcomer: User) -> None:
    agency = register(newcomer)
    actions.put_document(agency, "business_licence", pdf(title="old"), actor=newcomer, at=MONDAY)

    actions.put_document(agency, "business_licence", pdf("new.pdf", "new"), actor=newcomer, at=MONDAY)

    assert [(one.kind, one.file.name, one.checked) for one in agency.documents.all()] == [
        ("business_licence", "new.pdf", False)
    ]
    assert Event.objects.last().data == {"count": 1, "kinds": ["business_licence"]}


def test_bad_document_is_refused_at_its_own_field(newcomer: User) -> None:
    agency = register(newcomer)
    program = type(pdf())("licence.pdf", b"MZ\x90\x00" + b"\0" * 500, "application/pdf")
    stranger = entered_agency(until=AgencyState.DRAFT).documents.first().file
    seen = types(agency)

    for kind, file in (("legal_id", program), ("business_licence", stranger), ("passport", pdf())):
        with pytest.raises(FieldErrors) as refusal:
            actions.put_document(agency, kind, file, actor=newcomer, at=MONDAY)
        assert list(refusal.value.fields) == [kind]

    assert (types(agency), agency.documents.count()) == (seen, 0)


def test_items_can_be_added_removed_and_added_again(newcomer: User, free: ServiceItem, promised: ServiceItem) -> None:
    agency = register(newcomer)

    actions.add_item(agency, free, actor=newcomer, at=MONDAY)
    actions.add_item(agency, promised, actor=newcomer, at=MONDAY)
    actions.remove_item(agency, free, actor=newcomer, at=MONDAY)
    assert list(agency.items.filter(is_active=True).values_list("item", flat=True)) == [promised.pk]
    actions.add_item(agency, free, actor=newcomer, at=MONDAY)

    assert agency.items.filter(is_active=True).count() == agency.items.count() == 2
    assert types(agency)[1:] == ["agency.items_changed"] * 4


def test_item_that_is_not_in_the_catalogue_is_refused(newcomer: User) -> None:
    agency = register(newcomer)

    _refused(lambda: actions.choose_items(agency, ["0000"], actor=newcomer, at=MONDAY), "items")


def test_certificate_is_kept_with_its_scan_and_its_use(newcomer: User, surveying: ServiceItem) -> None:
    agency = register(newcomer)
    actions.add_item(agency, surveying, actor=newcomer, at=MONDAY)
    requirement = surveying.requirements.get()

    licence = certificates.add_qualification(
        agency, paper(requirements=[requirement.pk], file=pdf()), actor=newcomer, at=MONDAY
    )

    assert not licence.checked
    assert licence.certificate is not None
    assert (licence.certificate.organisation_id, licence.certificate.is_public) == (agency.pk, False)
    assert [(use.agency_item.item_id, use.requirement_id) for use in licence.uses.all()] == [
        (surveying.pk, requirement.pk)
    ]
    assert events.read(agency.stream_name())[-1]["data"]["meets"] == [[surveying.pk, 1]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"number": ""}, "number"),
        ({"kind": "commitment"}, "kind"),
        ({"valid_from": None}, "valid_from"),
        ({"valid_until": date(2023, 12, 31)}, "valid_until"),
        ({"valid_until": date(2026, 3, 8)}, "valid_until"),
        ({"kind": "practitioners"}, "practitioners_count"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_bad_certificate_data_are_refused_at_their_field(newcomer: User, changes: dict[str, Any], field: str) -> None:
    agency = register(newcomer)

    _refused(lambda: certificates.add_qualification(agency, paper(changes), actor=newcomer, at=MONDAY), field)

    assert agency.qualifications.count() == 0


def test_certificate_may_be_entered_on_its_last_day(newcomer: User) -> None:
    agency = register(newcomer)

    certificates.add_qualification(agency, paper({"valid_until": date(2026, 3, 9)}), actor=newcomer, at=MONDAY)

    assert agency.qualifications.count() == 1


def test_same_certificate_twice_is_refused(newcomer: User) -> None:
    agency = register(newcomer)
    certificates.add_qualification(agency, paper(), actor=newcomer, at=MONDAY)

    _refused(lambda: certificates.add_qualification(agency, paper(), actor=newcomer, at=MONDAY), "number")


@pytest.mark.parametrize("changes", [{"level": "丙级"}, {"level": ""}, {"kind": "filing"}])
def test_certificate_that_does_not_fit_the_requirement_is_refused(
    newcomer: User, surveying: ServiceItem, changes: dict[str, Any]
) -> None:
    agency = register(newcomer)
    actions.add_item(agency, surveying, actor=newcomer, at=MONDAY)

    _refused(
        lambda: certificates.add_qualification(
            agency, paper(changes, requirements=[surveying.requirements.get().pk]), actor=newcomer, at=MONDAY
        ),
        "requirements",
    )


def test_certificate_cannot_meet_a_requirement_of_an_item_not_offered(newcomer: User, surveying: ServiceItem) -> None:
    agency = register(newcomer)

    _refused(
        lambda: certificates.add_qualification(
            agency, paper(requirements=[surveying.requirements.get().pk]), actor=newcomer, at=MONDAY
        ),
        "requirements",
    )


@pytest.mark.parametrize(
    "file",
    [pdf("empty.pdf"), pdf("program.pdf"), pdf("large.pdf")],
    ids=["empty", "a program named .pdf", "too large"],
)
def test_bad_scan_is_refused_together_with_the_other_faults(newcomer: User, settings: Any, file: Any) -> None:
    agency = register(newcomer)
    if file.name == "empty.pdf":
        file.size = 0
    elif file.name == "program.pdf":
        file = type(file)("licence.pdf", b"MZ\x90\x00" + b"\0" * 500, "application/pdf")
    else:
        settings.UPLOAD_MAX_BYTES = 100

    _refused(
        lambda: certificates.add_qualification(agency, paper({"number": ""}, file=file), actor=newcomer, at=MONDAY),
        "number",
        "certificate",
    )

    assert Upload.objects.count() == 0


def test_scan_of_another_agency_is_refused(newcomer: User, surveying: ServiceItem) -> None:
    entered_agency(surveying)
    agency = register(newcomer)

    _refused(
        lambda: certificates.add_qualification(agency, paper(kept=Upload.objects.get()), actor=newcomer, at=MONDAY),
        "certificate",
    )


def test_changed_certificate_keeps_its_scan(newcomer: User, surveying: ServiceItem) -> None:
    agency = complete(newcomer, surveying)
    licence = agency.qualifications.get()

    certificates.update_qualification(
        agency,
        licence,
        paper({"number": "36-0002"}, requirements=[surveying.requirements.get().pk]),
        actor=newcomer,
        at=MONDAY,
    )

    licence.refresh_from_db()
    assert licence.number == "36-0002"
    assert licence.certificate is not None
    assert licence.uses.count() == 1


def test_removed_certificate_leaves_its_requirement_open(newcomer: User, surveying: ServiceItem) -> None:
    agency = complete(newcomer, surveying)

    certificates.remove_qualification(agency, agency.qualifications.get(), actor=newcomer, at=MONDAY)

    _refused(lambda: actions.submit_entry(agency, actor=newcomer, at=MONDAY), f"requirement:{surveying.pk}:1")


def test_papers_cannot_be_changed_while_the_office_checks(newcomer: User, surveying: ServiceItem) -> None:
    agency = actions.submit_entry(complete(newcomer, surveying), actor=newcomer, at=MONDAY)
    seen = types(agency)

    for act in (
        lambda: actions.update_basic_data(agency, {"address": "x"}, actor=newcomer, at=MONDAY),
        lambda: actions.choose_items(agency, [], actor=newcomer, at=MONDAY),
        lambda: certificates.add_qualification(agency, paper(), actor=newcomer, at=MONDAY),
        lambda: certificates.remove_qualification(agency, agency.qualifications.get(), actor=newcomer, at=MONDAY),
        lambda: kept_files.keep(agency, {"certificate": pdf()}, actor=newcomer, at=MONDAY),
        lambda: actions.sign_commitment(agency, actor=newcomer, at=MONDAY),
        lambda: actions.put_document(agency, "legal_id", pdf(), actor=newcomer, at=MONDAY),
    ):
        with pytest.raises(WrongState):
            act()

    assert types(agency) == seen


def test_strangers_and_the_office_cannot_change_an_agency_s_papers(newcomer: User, officer: User) -> None:
    agency = register(newcomer)

    for person in (officer, UserFactory(), None):
        with pytest.raises(NotAllowed):
            actions.update_basic_data(agency, {"address": "x"}, actor=person, at=MONDAY)

    assert Agency.objects.get().address == "1 Station Road"


# ---------- submission ----------


def test_submission_names_everything_that_is_missing_at_once(newcomer: User, surveying: ServiceItem) -> None:
    agency = register(newcomer, basic_data={})
    actions.add_item(agency, surveying, actor=newcomer, at=MONDAY)

    _refused(
        lambda: actions.submit_entry(agency, actor=newcomer, at=MONDAY),
        "legal_representative",
        "address",
        "established_on",
        "contact_name",
        "contact_phone",
        "legal_id_number",
        "document:business_licence",
        "document:legal_id",
        f"requirement:{surveying.pk}:1",
        "commitment",
    )

    assert Agency.objects.get().state == AgencyState.DRAFT


def test_submission_needs_an_item(newcomer: User) -> None:
    agency = register(newcomer)
    actions.put_documents(agency, scans(), actor=newcomer, at=MONDAY)

    _refused(lambda: actions.submit_entry(agency, actor=newcomer, at=MONDAY), "items", "commitment")


def test_certificate_without_its_scan_does_not_count(newcomer: User, surveying: ServiceItem) -> None:
    agency = register(newcomer)
    actions.add_item(agency, surveying, actor=newcomer, at=MONDAY)
    certificates.add_qualification(
        agency, paper(requirements=[surveying.requirements.get().pk]), actor=newcomer, at=MONDAY
    )
    actions.put_documents(agency, scans(), actor=newcomer, at=MONDAY)
    actions.sign_commitment(agency, actor=newcomer, at=MONDAY)

    _refused(lambda: actions.submit_entry(agency, actor=newcomer, at=MONDAY), f"requirement:{surveying.pk}:1")


def test_voluntary_rating_is_not_demanded(newcomer: User, free: ServiceItem) -> None:
    free.requirements.create(kind="rating", text="voluntary", is_mandatory=False)

    agency = actions.submit_entry(complete(newcomer, free), actor=newcomer, at=MONDAY)

    assert agency.state == AgencyState.SUBMITTED


def test_submission_starts_the_two_day_clock_and_tells_the_office(
    newcomer: User, surveying: ServiceItem, officer: User
) -> None:
    agency = actions.submit_entry(complete(newcomer, surveying), actor=newcomer, at=MONDAY)

    assert agency.form_check_due == CHECK_DUE
    assert agency.form_check_derivation is not None
    assert [day["date"] for day in agency.form_check_derivation["period"]["days"] if day["counted"]] == [
        "2026-03-10",
        "2026-03-11",
    ]
    assert [(n.user, n.kind) for n in Notification.objects.all()] == [(officer, journal.NOTE_SUBMITTED)]


# ---------- the form check ----------


def test_an_office_member_of_the_agency_may_not_check_it(
    newcomer: User, surveying: ServiceItem, office: Organisation
) -> None:
    agency = actions.submit_entry(complete(newcomer, surveying), actor=newcomer, at=MONDAY)
    insider = person_at(office)
    Membership.objects.create(user=insider, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    seen = types(agency)

    for act in (
        lambda: actions.approve_entry(agency, actor=insider, at=MONDAY),
        lambda: actions.refuse_entry(agency, reason="x", actor=insider, at=MONDAY),
        lambda: actions.return_entry(agency, defects=[{"field": "name", "sentence": "x"}], actor=insider, at=MONDAY),
    ):
        with pytest.raises(RuleBroken) as refusal:
            act()
        assert refusal.value.code == "checker_is_independent"

    assert types(agency) == seen
    assert Agency.objects.get().state == AgencyState.SUBMITTED
    assert not agency.qualifications.get().checked


def test_return_names_at_least_one_defect(newcomer: User, surveying: ServiceItem, officer: User) -> None:
    agency = actions.submit_entry(complete(newcomer, surveying), actor=newcomer, at=MONDAY)

    _refused(lambda: actions.return_entry(agency, defects=[], actor=officer, at=MONDAY), "defects")
    _refused(
        lambda: actions.return_entry(
            agency,
            defects=[{"field": "moon", "sentence": "x"}, {"field": "name", "sentence": " "}],
            actor=officer,
            at=MONDAY,
        ),
        "moon",
        "name",
    )
    foreign = [{"field": "qualification:999999", "sentence": "x"}]
    _refused(lambda: actions.return_entry(agency, defects=foreign, actor=officer, at=MONDAY), "qualification:999999")

    assert Agency.objects.get().state == AgencyState.SUBMITTED


def test_refusal_needs_a_reason_and_tells_it_to_the_agency(
    newcomer: User, surveying: ServiceItem, officer: User
) -> None:
    agency = actions.submit_entry(complete(newcomer, surveying), actor=newcomer, at=MONDAY)
    _refused(lambda: actions.refuse_entry(agency, reason="  ", actor=officer, at=MONDAY), "reason")

    agency = actions.refuse_entry(agency, reason="The licence is forged.", actor=officer, at=MONDAY)

    assert (agency.state, agency.refusal_reason) == (AgencyState.REFUSED, "The licence is forged.")
    told = Notification.objects.get(user=newcomer)
    assert (told.kind, told.params["reason"]) == (journal.NOTE_REFUSED, "The licence is forged.")
    assert "reason" not in events.read_all(agency.stream_name())[-1]["data"]


def test_entry_with_one_return_goes_its_whole_way(newcomer: User, surveying: ServiceItem, officer: User) -> None:
    agency = actions.submit_entry(complete(newcomer, surveying), actor=newcomer, at=MONDAY)
    licence = agency.qualifications.get()
    assert not events.is_public(agency.stream_name())

    # All defects are told at once.
    tuesday = MONDAY + timedelta(days=1)
    defects = [
        {"field": "address", "sentence": "The licence shows another address."},
        {"field": f"qualification:{licence.pk}", "sentence": "The scan cannot be read."},
    ]
    agency = actions.return_entry(agency, defects=defects, actor=officer, at=tuesday)
    assert (agency.state, agency.returned_defects, agency.form_check_due) == (AgencyState.RETURNED, defects, None)
    assert Notification.objects.get(user=newcomer).params == {"name": agency.name, "count": 2}

    # The agency mends them and submits again; a new check begins.
    wednesday = MONDAY + timedelta(days=2)
    actions.update_basic_data(agency, {"address": "3 Station Road"}, actor=newcomer, at=wednesday)
    certificates.update_qualification(
        agency,
        licence,
        paper(requirements=[surveying.requirements.get().pk], file=pdf()),
        actor=newcomer,
        at=wednesday,
    )
    agency = actions.submit_entry(agency, actor=newcomer, at=wednesday)
    assert (agency.returned_defects, agency.rules_on) == ([], date(2026, 3, 9))
    assert agency.form_check_due == datetime(2026, 3, 13, 16, 0, tzinfo=UTC)

    # Approval: the papers are checked, the log opens, five working days of publicity.
    thursday = MONDAY + timedelta(days=3)
    agency = actions.approve_entry(agency, actor=officer, at=thursday)
    assert agency.state == AgencyState.PUBLICITY
    assert agency.publicity_until == datetime(2026, 3, 19, 16, 0, tzinfo=UTC)
    assert agency.qualifications.get().checked
    assert events.is_public(agency.stream_name())

    # The clock ends it, once, and not a second too early.
    assert run_due(agency.publicity_until - timedelta(seconds=1)) == []
    assert len(run_due(agency.publicity_until)) == 1
    assert run_due(agency.publicity_until) == []
    agency = Agency.objects.get()
    assert agency.state == AgencyState.ACTIVE
    assert types(agency) == [
        "agency.registered",
        "agency.items_changed",
        "agency.qualification_added",
        "agency.documents_kept",
        "agency.commitment_signed",
        "agency.submitted",
        "agency.returned",
        "agency.data_updated",
        "agency.qualification_updated",
        "agency.submitted",
        "agency.approved",
        "agency.entered",
    ]
    assert list(events.verify()) == []
    told = list(Notification.objects.filter(user=newcomer).order_by("pk").values_list("kind", flat=True))
    assert told == [journal.NOTE_RETURNED, journal.NOTE_APPROVED, journal.NOTE_ENTERED]


def _returned(user: User, item: ServiceItem, officer: User, *fields: str) -> Agency:
    """An entry that was returned on Monday with a defect at each of these fields."""
    agency = actions.submit_entry(complete(user, item), actor=user, at=MONDAY)
    defects = [{"field": field, "sentence": "Wrong."} for field in fields]
    return actions.return_entry(agency, defects=defects, actor=officer, at=MONDAY)


def test_second_notice_names_only_what_was_named_or_has_changed(
    newcomer: User, surveying: ServiceItem, officer: User
) -> None:
    agency = _returned(newcomer, surveying, officer, "address")
    actions.update_basic_data(agency, {"introduction": "New."}, actor=newcomer, at=MONDAY)
    actions.put_document(agency, "legal_id", pdf(), actor=newcomer, at=MONDAY)
    agency = actions.submit_entry(agency, actor=newcomer, at=MONDAY)
    licence = f"qualification:{agency.qualifications.get().pk}"

    late = ("contact_name", "legal_id_number", "document:business_licence", licence, "items", "other")
    for field in late:
        with pytest.raises(FieldErrors) as refusal:
            actions.return_entry(
                agency, defects=[{"field": field, "sentence": "Wrong too."}], actor=officer, at=MONDAY
            )
        assert list(refusal.value.fields) == [field]
    assert Agency.objects.get().state == AgencyState.SUBMITTED

    defects = [
        {"field": field, "sentence": "Still wrong."} for field in ("address", "introduction", "document:legal_id")
    ]
    agency = actions.return_entry(agency, defects=defects, actor=officer, at=MONDAY)
    assert (agency.returned_defects, agency.supplement_rounds) == (defects, 2)

    # Each notice stands for itself: what the first named and the second did not is settled, unless it changes.
    actions.update_basic_data(agency, {"introduction": "Newer."}, actor=newcomer, at=MONDAY)
    agency = actions.submit_entry(agency, actor=newcomer, at=MONDAY)
    agency = actions.return_entry(
        agency, defects=[{"field": "introduction", "sentence": "No."}], actor=officer, at=MONDAY
    )
    agency = actions.submit_entry(agency, actor=newcomer, at=MONDAY)
    with pytest.raises(FieldErrors) as refusal:
        actions.return_entry(agency, defects=[{"field": "address", "sentence": "No."}], actor=officer, at=MONDAY)
    assert list(refusal.value.fields) == ["address"]


def test_defect_can_be_named_at_a_person(newcomer: User, surveying: ServiceItem, officer: User) -> None:
    agency = complete(newcomer, surveying)
    file = Upload.objects.first()
    person, agent = PractitionerFactory(agency=agency, file=file), AgentFactory(agency=agency, file=file)
    gone = PractitionerFactory(agency=agency, file=file, left_on=MONDAY.date())
    agency = actions.submit_entry(agency, actor=newcomer, at=MONDAY)
    defects = [
        {"field": f"{kind}:{pk}", "sentence": "Unreadable."}
        for kind, pk in (("practitioner", person.pk), ("agent", agent.pk))
    ]

    for field in (f"practitioner:{gone.pk}", f"agent:{agent.pk + 1}", "document:moon"):
        with pytest.raises(FieldErrors) as refusal:
            actions.return_entry(agency, defects=[{"field": field, "sentence": "No."}], actor=officer, at=MONDAY)
        assert list(refusal.value.fields) == [field]
    agency = actions.return_entry(agency, defects=defects, actor=officer, at=MONDAY)

    assert agency.returned_defects == defects
    assert {row["sentence"] for row in wizard.fault_rows(agency, agency.returned_defects)} == {"Unreadable."}


def test_ending_publicity_again_changes_nothing(surveying: ServiceItem) -> None:
    agency = entered_agency(surveying)
    seen = types(agency)

    again = actions.end_publicity(agency, actor=None, at=agency.publicity_until + timedelta(days=1))

    assert (again.state, again.active_since, types(agency)) == (AgencyState.ACTIVE, agency.active_since, seen)


def test_clock_reads_only_what_is_due(surveying: ServiceItem, django_assert_num_queries: Any) -> None:
    entered_agency(surveying)
    waiting = entered_agency(surveying, until=AgencyState.PUBLICITY)
    assert waiting.publicity_until is not None

    with django_assert_num_queries(2):
        found = list(due(waiting.publicity_until))

    assert [(one.at, one.name) for one in found] == [
        (waiting.publicity_until, f"agency:{waiting.code} end_publicity")
    ]
    assert list(due(waiting.publicity_until - timedelta(microseconds=1))) == []


def test_played_entry_records_what_the_acts_record_and_tells_nobody(newcomer: User, surveying: ServiceItem) -> None:
    agency = entered_agency(surveying, member=newcomer)

    assert types(agency) == [
        "agency.registered",
        "agency.items_changed",
        "agency.documents_kept",
        "agency.qualification_added",
        "agency.commitment_signed",
        "agency.submitted",
        "agency.approved",
        "agency.entered",
    ]
    assert Notification.objects.count() == 0
    assert [row["at"] for row in events.read_all(agency.stream_name())] == sorted(
        row["at"] for row in events.read_all(agency.stream_name())
    )
