"""The entry, changes and exit of project owners, act by act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils.translation import override

from marketplace import accounts, events, identity, parameters
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, Upload
from projects import owner_changes, owner_desk, owners, queries
from projects import owner_queries as reads
from projects.models import OwnerEntry
from projects.states import OwnerState
from tests import project_factories as made
from tests.factories import MONDAY, AgencyFactory, UserFactory, pdf, person_at, person_of
from tests.owner_story import CODE, CONTACT, HOUR, ID_NUMBER, complete, entry_in, owner_code, proposed, registered

pytestmark = pytest.mark.django_db
LATER = MONDAY + 4 * HOUR
PERSON = {"nature": "person", "code": "", "id_number": ID_NUMBER, "name": "Li Na"}


@pytest.fixture(autouse=True)
def _ready(settings: Any, tmp_path: Any) -> Iterator[None]:
    parameters.load_file("parameters.json")
    settings.UPLOADS_DIR = tmp_path
    with override("en"):
        yield


def snapshot() -> tuple[Any, ...]:
    return (
        list(OwnerEntry.objects.order_by("pk").values()),
        list(Organisation.objects.order_by("pk").values()),
        Membership.objects.count(),
        Event.objects.count(),
        Notification.objects.count(),
    )


def refused_fields(act: Any) -> dict[str, list[str]]:
    before = snapshot()
    with pytest.raises(FieldErrors) as refusal:
        act()
    assert snapshot() == before
    return {field: [str(said) for said in sentences] for field, sentences in refusal.value.fields.items()}


# ---------- registration ----------


def test_registration_opens_nothing_before_the_approval() -> None:
    entry, manager = registered()

    assert (entry.state, entry.organisation.is_active, entry.organisation.code) == ("draft", False, CODE)
    assert accounts.memberships(manager) == []
    assert not accounts.acts_as(manager, "owner")
    assert reads.own_entry(manager) == entry
    assert not events.is_public(f"owner:{CODE}")


def test_a_natural_person_is_known_by_a_number_that_tells_nothing() -> None:
    entry, _manager = registered(**PERSON)
    code = entry.organisation.code

    assert (len(code), code[0]) == (18, "P")
    assert identity.unseal(entry.id_sealed) == ("resident", ID_NUMBER)
    assert ID_NUMBER not in str(list(Event.objects.values())) + str(Organisation.objects.values())
    envelope = events.read_all(entry.stream_name())[0]
    assert envelope["data"] == {"code": code, "nature": "person"}
    assert list(refused_fields(lambda: registered(**PERSON))) == ["id_number"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "1234"}, "code"),
        ({"code": CODE[:-1] + ("0" if CODE[-1] != "0" else "1")}, "code"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"nature": "club"}, "nature"),
        ({"contact": CONTACT | {"contact_phone": "call me"}}, "contact_phone"),
        ({"contact": CONTACT | {"contact_email": "nobody"}}, "contact_email"),
        (PERSON | {"id_number": "360481199003071230"}, "id_number"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(given: dict[str, Any], field: str) -> None:
    assert list(refused_fields(lambda: registered(**given))) == [field]


def test_a_code_is_registered_once_whatever_its_organisation_is() -> None:
    agency = AgencyFactory()
    registered()

    assert list(refused_fields(registered)) == ["code"]
    assert "claim access" in refused_fields(lambda: registered(code=agency.code))["code"][0]
    own = person_at(agency.organisation)
    assert "You act for" in refused_fields(lambda: registered(own, code=agency.code))["code"][0]


def test_an_account_acts_for_one_owner_and_may_act_for_an_agency_too() -> None:
    member = person_at(AgencyFactory().organisation)
    _entry, manager = registered(member)
    before = snapshot()

    with pytest.raises(RuleBroken) as refusal:
        registered(manager, code=owner_code(74))

    assert refusal.value.code == "one_owner_each"
    assert snapshot() == before


def test_in_its_own_log_an_owner_speaks_for_itself() -> None:
    """Also the member of an agency, whose name has no place there."""
    entry, _manager = registered(person_at(AgencyFactory().organisation))

    assert events.read_all(entry.stream_name())[0]["actor"] == {"role": "owner", "name": "Water Bureau"}


# ---------- papers and submission ----------


def test_everything_that_is_missing_is_told_at_once() -> None:
    entry, manager = registered(contact={"contact_name": "Chen Jing"})
    missing = ["legal_representative", "address", "contact_phone", "registration", "authority"]
    assert list(refused_fields(lambda: owners.submit_owner(entry, actor=manager, at=MONDAY))) == missing


def test_a_person_needs_a_contact_and_an_identity_card() -> None:
    entry, manager = registered(**PERSON)
    assert list(refused_fields(lambda: owners.submit_owner(entry, actor=manager, at=MONDAY))) == ["registration"]
    refused = refused_fields(lambda: owners.put_owner_file(entry, "authority", pdf(), actor=manager, at=MONDAY))
    assert list(refused) == ["authority"]

    owners.put_owner_file(entry, "registration", pdf(), actor=manager, at=MONDAY)

    assert owners.submit_owner(entry, actor=manager, at=MONDAY).state == "submitted"


def test_submission_starts_the_clock_and_calls_the_independent_office() -> None:
    officer = person_of("office")
    entry, manager = registered()
    insider = person_at(Organisation.objects.get(kind="office"))
    Membership.objects.create(user=insider, organisation=entry.organisation, role="delegate")

    entry = owners.submit_owner(complete(entry, manager), actor=manager, at=MONDAY)

    # Two working days after Monday end on Wednesday at 24:00 in China.
    assert entry.check_due == MONDAY.replace(hour=16) + timedelta(days=2)
    assert list(Notification.objects.values_list("user", "kind")) == [(officer.pk, "owner.submitted")]
    [work] = owner_desk.work(MONDAY)
    assert (work.case, work.stream, work.due) == (f"owner:{CODE}", f"owner:{CODE}", entry.check_due)


def test_papers_are_closed_while_they_are_checked_and_open_to_their_people_only() -> None:
    entry, manager = entry_in(OwnerState.SUBMITTED)
    for act in (
        lambda: owners.update_owner(entry, {"address": "x"}, actor=manager, at=LATER),
        lambda: owners.put_owner_file(entry, "authority", pdf(), actor=manager, at=LATER),
    ):
        with pytest.raises(WrongState):
            act()
    draft, _manager = registered(code=owner_code(75))
    with pytest.raises(NotAllowed):
        owners.update_owner(draft, {"address": "x"}, actor=UserFactory(), at=LATER)


def test_an_update_without_a_difference_is_no_event() -> None:
    entry, manager = registered()
    owners.update_owner(entry, {"name": "Water Office", "nature": "enterprise"}, actor=manager, at=MONDAY)
    before = snapshot()

    owners.update_owner(entry, {"name": "Water Office "}, actor=manager, at=LATER)

    assert snapshot() == before
    organisation = Organisation.objects.get(code=CODE)
    assert (organisation.name, organisation.nature) == ("Water Office", "enterprise")
    assert list(
        refused_fields(lambda: owners.update_owner(entry, {"nature": "person"}, actor=manager, at=LATER))
    ) == ["nature"]


def test_a_bad_file_is_refused_at_its_field() -> None:
    entry, manager = registered()
    bad = pdf()
    bad.size = 0
    act = lambda: owners.put_owner_file(entry, "registration", bad, actor=manager, at=MONDAY)  # noqa: E731
    assert list(refused_fields(act)) == ["registration"]
    assert Upload.objects.count() == 0


# ---------- the check ----------


def test_approval_makes_the_owner_and_opens_its_log_without_what_is_personal() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)

    assert Organisation.objects.get(code=CODE).is_active
    assert accounts.is_manager(manager, entry.organisation)
    assert events.is_public(f"owner:{CODE}")
    told = str(events.read_all(f"owner:{CODE}"))
    assert "Water Bureau" in told
    for personal in ("Chen Jing", "Zhang Wei", "0792-7654321", "2 Lake Road", "registration.pdf"):
        assert personal not in told
    assert list(events.verify()) == []
    assert Notification.objects.filter(user=manager, kind="owner.approved").count() == 1
    assert Notification.objects.filter(kind="owner.submitted", read_at=None).count() == 0
    assert owner_desk.work(LATER) == []


def test_the_log_of_a_natural_person_stays_closed_and_nameless() -> None:
    entry, manager = registered(**PERSON)
    owners.put_owner_file(entry, "registration", pdf(), actor=manager, at=MONDAY)
    owners.submit_owner(entry, actor=manager, at=MONDAY)
    owners.approve_owner(entry, actor=person_of("office"), at=LATER)

    assert not events.is_public(entry.stream_name())
    assert "Li Na" not in str([one["data"] for one in events.read_all(entry.stream_name())])
    assert accounts.acts_as(manager, "owner")


def test_a_return_names_known_defects_and_a_refusal_its_reason() -> None:
    entry, manager = entry_in(OwnerState.SUBMITTED)
    officer = person_of("office")

    def returning(*defects: dict[str, str]) -> list[str]:
        return list(refused_fields(lambda: owners.return_owner(entry, defects, actor=officer, at=LATER)))

    assert returning() == ["defects"]
    assert returning({"field": "colour", "sentence": "x"}, {"field": "address", "sentence": " "}) == [
        "colour",
        "address",
    ]
    assert list(refused_fields(lambda: owners.refuse_owner(entry, " ", actor=officer, at=LATER))) == ["reason"]

    entry = owners.return_owner(entry, [{"field": "address", "sentence": "Old."}], actor=officer, at=LATER)

    assert (entry.state, entry.check_due) == ("returned", None)
    assert entry.returned_defects == [{"field": "address", "sentence": "Old."}]
    assert Notification.objects.filter(user=manager, kind="owner.returned").count() == 1
    entry = owners.submit_owner(entry, actor=manager, at=LATER)
    assert entry.returned_defects == []


def test_nobody_checks_an_owner_he_belongs_to() -> None:
    entry, manager = entry_in(OwnerState.SUBMITTED)
    Membership.objects.create(user=manager, organisation=Organisation.objects.get(kind="office"), role="officer")
    accounts.forget(manager)
    before = snapshot()

    with pytest.raises(RuleBroken) as refusal:
        owners.approve_owner(entry, actor=manager, at=LATER)

    assert refusal.value.code == "owner_checker_is_independent"
    assert snapshot() == before


# ---------- changes ----------


def test_a_change_takes_effect_when_it_is_approved() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)
    change = proposed(
        entry, manager, name="Water Resources Bureau", legal_representative="Wu Min", address="2 Lake Road"
    )
    assert Organisation.objects.get(code=CODE).name == "Water Bureau"
    assert change.values == {"name": "Water Resources Bureau", "legal_representative": "Wu Min"}
    assert [work.case for work in owner_desk.work(LATER)] == [f"owner_change:{change.pk}"]

    change = owner_changes.approve_owner_change(change, actor=person_of("office"), at=LATER)

    entry = OwnerEntry.objects.get()
    assert (entry.organisation.name, entry.legal_representative) == ("Water Resources Bureau", "Wu Min")
    assert entry.registration_scan == change.proof
    told = events.read_all(f"owner:{CODE}")[-1]
    assert (told["type"], told["data"]["name"]) == ("owner.change_approved", "Water Resources Bureau")
    assert "Wu Min" not in str(told)
    assert Notification.objects.filter(kind="owner.change_submitted", read_at=None).count() == 0


def test_a_refused_change_changes_nothing_and_names_its_reason() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)
    change = proposed(entry, manager)
    officer = person_of("office")
    act = lambda: owner_changes.refuse_owner_change(change, "", actor=officer, at=LATER)  # noqa: E731
    assert list(refused_fields(act)) == ["reason"]

    owner_changes.refuse_owner_change(change, "Not the seal of the unit.", actor=officer, at=LATER)

    assert Organisation.objects.get(code=CODE).name == "Water Bureau"
    letter = Notification.objects.get(user=manager, kind="owner.change_refused")
    assert letter.params["reason"] == "Not the seal of the unit."


def test_one_change_at_a_time_with_its_document() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)

    def without(**values: str) -> list[str]:
        act = lambda: owner_changes.propose_owner_change(entry, values, None, actor=manager, at=LATER)  # noqa: E731
        return list(refused_fields(act))

    assert without(name="") == ["name", "file"]
    assert without(address="") == ["address", "file"]
    change = proposed(entry, manager)
    with pytest.raises(RuleBroken) as refusal:
        proposed(entry, manager)
    assert refusal.value.code == "one_change_at_a_time"
    owner_changes.withdraw_owner_change(change, actor=manager, at=LATER)
    assert proposed(entry, manager).state == "submitted"


def test_an_active_owner_changes_its_contact_itself_and_nothing_else() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)

    entry = owners.update_owner(entry, {"contact_name": "Sun Li"}, actor=manager, at=LATER)

    assert entry.contact_name == "Sun Li"
    with pytest.raises(WrongState):
        owners.update_owner(entry, {"contact_name": "Sun Li", "address": "x"}, actor=manager, at=LATER)


# ---------- exit and return ----------


def test_an_owner_leaves_only_when_no_task_is_open() -> None:
    world = made.make_world(agencies=0)
    entry = OwnerEntry.objects.create(
        organisation=world.owner, state=OwnerState.ACTIVE, checked_by=world.checker, registered_at=MONDAY
    )
    task = made.submitted(world)
    made.draft(world)
    before = snapshot()

    with pytest.raises(RuleBroken) as refusal:
        owners.withdraw_owner(entry, actor=world.manager, at=LATER)

    assert (refusal.value.code, refusal.value.facts) == ("no_task_is_open", {"tasks": [task.code]})
    assert snapshot() == before


def test_who_left_has_no_rights_and_may_begin_again() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)
    change = proposed(entry, manager)

    entry = owners.withdraw_owner(entry, actor=manager, at=LATER)

    change.refresh_from_db()
    assert (entry.state, entry.organisation.is_active, change.state) == ("withdrawn", False, "withdrawn")
    assert not accounts.acts_as(manager, "owner")
    entry = owners.begin_owner_again(entry, actor=manager, at=LATER)
    assert (entry.state, entry.check_due, entry.left_at) == ("draft", None, None)
    entry = owners.submit_owner(entry, actor=manager, at=LATER)
    owners.approve_owner(entry, actor=person_of("office"), at=LATER)
    accounts.forget(manager)
    assert accounts.acts_as(manager, "owner")
    assert list(events.verify()) == []


def test_a_delegate_neither_leaves_nor_begins_again_for_the_unit() -> None:
    entry, _manager = entry_in(OwnerState.ACTIVE)
    delegate = person_at(entry.organisation, Membership.Role.DELEGATE)
    with pytest.raises(NotAllowed):
        owners.withdraw_owner(entry, actor=delegate, at=LATER)


def test_a_delegate_sees_his_own_drafts_and_a_manager_all_of_the_unit() -> None:
    world = made.make_world(agencies=0)
    of_manager, of_delegate = made.draft(world), made.draft(world, actor=world.delegate)
    for read in (queries.visible_to, queries.own_tasks):
        assert set(read(world.delegate)) == {of_delegate}
        assert set(read(world.manager)) == {of_manager, of_delegate}


# ---------- the desks ----------


def test_the_work_of_the_office_takes_two_queries(django_assert_num_queries: Any) -> None:
    office = person_of("office")
    for number in range(3):
        entry, manager = entry_in(OwnerState.ACTIVE, code=owner_code(80 + number), officer=office)
        proposed(entry, manager)
        with django_assert_num_queries(2):
            assert len(owner_desk.work(LATER)) == 2 * number + 1
        entry_in(OwnerState.SUBMITTED, code=owner_code(90 + number))


def test_each_person_has_one_card_of_owners_at_most(django_assert_num_queries: Any) -> None:
    newcomer = UserFactory()
    [card] = owner_desk.cards(newcomer, MONDAY)
    assert card["items"][0]["url"] == "/owners/register/"
    assert owner_desk.cards(None, MONDAY) == []
    assert owner_desk.cards(person_of("agency"), MONDAY) == []
    for state in OwnerState.values:
        _entry, manager = entry_in(state, code=owner_code(100 + list(OwnerState.values).index(state)))
        with django_assert_num_queries(1):
            [card] = owner_desk.cards(manager, MONDAY)
        assert card["count"] == int(state in ("draft", "returned"))
