"""The pages of owners: who may open them, what they say, and that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from marketplace import clock, parameters
from marketplace.models import Membership, Organisation, Upload, User
from projects import owner_queries as reads
from projects import owners
from projects.models import OwnerChange, OwnerEntry
from projects.states import OwnerState
from tests import project_factories as made
from tests.factories import MONDAY, AgencyFactory, UserFactory, pdf, person_at, person_of
from tests.owner_story import CODE, ID_NUMBER, entry_in, owner_code, proposed, registered

pytestmark = pytest.mark.django_db
TUESDAY = MONDAY + timedelta(days=1)
REGISTER = {
    "nature": "public",
    "name": "Water Bureau",
    "code": CODE,
    "id_number": "",
    "contact_name": "Chen Jing",
    "contact_phone": "0792-7654321",
    "contact_email": "",
}


@pytest.fixture(autouse=True)
def _ready(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    parameters.load_file("parameters.json")
    settings.UPLOADS_DIR = tmp_path
    settings.LANGUAGE_CODE = "en"
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)
    with override("en"):
        yield


def browser(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(User.objects.get(pk=user.pk))
    return client


def body(response: Any) -> str:
    found: str = response.content.decode()
    return found


def get(user: User, name: str, *args: Any) -> Any:
    return browser(user).get(reverse(name, args=args))


def post(user: User, name: str, data: Any = None, *args: Any) -> Any:
    return browser(user).post(reverse(name, args=args), data or {})


# ---------- registration ----------


def test_a_newcomer_is_led_from_the_desk_to_his_entry() -> None:
    newcomer = UserFactory(full_name="Chen Jing")
    assert reverse("owner_register") in body(get(newcomer, "desk"))
    assert 'value="Chen Jing"' in body(get(newcomer, "owner_register"))

    assert post(newcomer, "owner_register", REGISTER)["Location"] == reverse("owner_entry")

    assert get(newcomer, "owner_register")["Location"] == reverse("owner_entry")
    assert reverse("owner_entry") in body(get(newcomer, "desk"))
    assert get(newcomer, "owner_tasks").status_code == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "123"}, "id_code"),
        ({"code": ""}, "id_code"),
        ({"name": ""}, "id_name"),
        ({"nature": "person"}, "id_id_number"),
        ({"nature": "person", "id_number": "123"}, "id_id_number"),
        ({"contact_phone": "call me"}, "id_contact_phone"),
    ],
)
def test_a_bad_entry_is_said_at_its_field_and_the_rest_kept(changes: dict[str, str], field: str) -> None:
    response = post(UserFactory(), "owner_register", REGISTER | changes)
    assert response.status_code == 422
    assert f'id="{field}_error"' in body(response)
    assert 'value="Chen Jing"' in body(response)
    assert OwnerEntry.objects.count() == 0


def test_a_registered_code_leads_to_a_claim_and_a_persons_number_into_no_address() -> None:
    registered()
    found = post(UserFactory(), "owner_register", REGISTER)
    assert (found.status_code, f"{reverse('access_claim')}?code={CODE}" in body(found)) == (422, True)
    person = REGISTER | {"nature": "person", "code": "", "id_number": ID_NUMBER}
    assert post(UserFactory(), "owner_register", person).status_code == 302
    again = post(UserFactory(), "owner_register", person)
    assert (again.status_code, f"code={ID_NUMBER}" in body(again)) == (422, False)


# ---------- the entry ----------

OWN = ("owner_entry", "owner_data", "owner_files", "owner_change", "owner_withdraw")


@pytest.mark.parametrize("name", OWN)
def test_the_pages_of_an_owner_are_for_its_people(name: str) -> None:
    registered()
    assert browser().get(reverse(name)).status_code == 302
    for stranger in (UserFactory(), person_of("office"), person_at(AgencyFactory().organisation)):
        assert get(stranger, name).status_code == 404


def test_an_entry_is_completed_submitted_and_closed() -> None:
    _entry, manager = registered()
    refused = post(manager, "owner_submit")
    assert refused.status_code == 422
    for missing in ("Address is missing.", "Letter of authority is missing."):
        assert missing in body(refused)
    data = REGISTER | {"legal_representative": "Zhang Wei", "address": "2 Lake Road"}
    assert post(manager, "owner_data", data).status_code == 302
    half = post(
        manager, "owner_files", {"registration": pdf("one.pdf"), "authority": SimpleUploadedFile("t.pdf", b"x")}
    )
    assert half.status_code == 422
    # The good one is kept and named beside the bad one.
    assert "one.pdf" in body(half)
    assert Upload.objects.count() == 1
    assert post(manager, "owner_files", {"authority": pdf("two.pdf")}).status_code == 302
    assert post(manager, "owner_submit")["Location"] == reverse("owner_entry")
    page = body(get(manager, "owner_entry"))
    assert "The office checks the documents." in page
    for name in ("owner_data", "owner_files", "owner_change", "owner_withdraw"):
        assert get(manager, name).status_code == 409


@pytest.mark.parametrize("state", OwnerState.values)
def test_the_entry_is_shown_in_every_state(state: str) -> None:
    entry, manager = entry_in(state)
    page = body(get(manager, "owner_entry"))
    assert entry.get_state_display() in page
    assert ID_NUMBER not in page
    assert body(get(person_of("office"), "office_owner", CODE)).count("<h1") == 1


def test_a_return_is_mended_where_it_says() -> None:
    _entry, manager = entry_in(OwnerState.RETURNED)
    page = body(get(manager, "owner_entry"))
    assert "Not the one of the certificate." in page
    assert post(manager, "owner_submit").status_code == 302


def test_a_delegate_is_told_why_he_cannot_leave_for_the_unit() -> None:
    entry, _manager = entry_in(OwnerState.ACTIVE)
    delegate = person_at(entry.organisation, Membership.Role.DELEGATE)
    assert "Your account has no right to this step." in body(get(delegate, "owner_entry"))
    assert get(delegate, "owner_withdraw").status_code == 403
    assert post(delegate, "owner_withdraw").status_code == 403


def test_a_change_keeps_its_document_and_is_withdrawn() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)
    given = {"name": "", "legal_representative": "Zhang Wei", "address": "2 Lake Road", "file": pdf("new.pdf")}
    faulty = post(manager, "owner_change", given)
    kept = Upload.objects.get(name="new.pdf")
    assert (faulty.status_code, str(kept.pk) in body(faulty)) == (422, True)
    given = given | {"name": "Water Resources Bureau", "file": "", "kept_file": str(kept.pk)}
    assert post(manager, "owner_change", given).status_code == 302
    assert OwnerChange.objects.get().proof == kept
    assert "Water Resources Bureau" in body(get(manager, "owner_entry"))
    assert get(manager, "owner_change").status_code == 422
    assert post(manager, "owner_change_withdraw").status_code == 302
    assert post(manager, "owner_change_withdraw").status_code == 404
    assert reads.open_change(entry) is None


def test_leaving_lists_the_open_tasks_and_then_goes() -> None:
    world = made.make_world(agencies=0)
    OwnerEntry.objects.create(
        organisation=world.owner, state=OwnerState.ACTIVE, checked_by=world.checker, registered_at=MONDAY
    )
    task = made.submitted(world)
    for response in (get(world.manager, "owner_withdraw"), post(world.manager, "owner_withdraw")):
        assert task.code in body(response)
    assert Organisation.objects.get(pk=world.owner.pk).is_active
    made.actions.return_task(task, actor=world.checker, at=TUESDAY, reasons=["State the area."])
    assert post(world.manager, "owner_withdraw").status_code == 302
    assert not Organisation.objects.get(pk=world.owner.pk).is_active
    assert post(world.manager, "owner_again").status_code == 302
    assert get(world.manager, "owner_data").status_code == 200


# ---------- the office ----------


def test_the_office_checks_on_its_page() -> None:
    _entry, manager = entry_in(OwnerState.SUBMITTED)
    officer, watcher = person_of("office"), person_of("supervisor")
    assert "Water Bureau" in body(get(officer, "office_owners"))
    assert get(manager, "office_owner", CODE).status_code == 403
    assert get(officer, "office_owner", "none").status_code == 404
    seen = body(get(watcher, "office_owner", CODE))
    assert "0792-7654321" in seen
    assert 'value="approve"' not in seen
    assert post(watcher, "office_owner", {"act": "approve"}, CODE).status_code == 403
    empty = post(officer, "office_owner", {"act": "return"}, CODE)
    assert (empty.status_code, "Name at least one defect" in body(empty)) == (422, True)
    assert post(officer, "office_owner", {"act": "refuse", "reason": ""}, CODE).status_code == 422
    assert post(officer, "office_owner", {"act": "x"}, CODE).status_code == 404
    defect = {"act": "return", "defect_address": "Old.", "defect_other": "Stamp missing."}
    assert post(officer, "office_owner", defect, CODE).status_code == 302
    entry = OwnerEntry.objects.get()
    assert [one["field"] for one in entry.returned_defects] == ["address", "other"]
    owners.submit_owner(entry, actor=manager, at=TUESDAY)
    assert post(officer, "office_owner", {"act": "approve"}, CODE)["Location"] == reverse("office_owners")
    assert post(officer, "office_owner", {"act": "approve"}, CODE).status_code == 409
    assert get(manager, "owner_tasks").status_code == 200
    assert "Water Bureau" in body(browser(officer).get(f"{reverse('office_owners')}?state=active"))


def test_the_office_decides_a_change_on_its_page() -> None:
    entry, manager = entry_in(OwnerState.ACTIVE)
    change = proposed(entry, manager)
    officer, page = person_of("office"), "office_owner_change"
    assert "Water Bureau" in body(browser(officer).get(f"{reverse('office_owners')}?state=changes"))
    shown = body(get(officer, page, change.pk))
    assert "Water Resources Bureau" in shown
    assert get(manager, page, change.pk).status_code == 403
    assert post(officer, page, {"act": "refuse", "reason": ""}, change.pk).status_code == 422
    assert post(officer, page, {"act": ""}, change.pk).status_code == 404
    assert post(officer, page, {"act": "approve"}, change.pk).status_code == 302
    assert Organisation.objects.get(code=CODE).name == "Water Resources Bureau"
    assert 'value="approve"' not in body(get(officer, page, change.pk))


def test_pages_ask_the_same_at_one_row_and_at_three() -> None:
    officer = person_of("office")
    entry, manager = entry_in(OwnerState.ACTIVE, officer=officer)
    entry_in(OwnerState.SUBMITTED, code=owner_code(200), officer=officer)
    change = proposed(entry, manager)
    lists = reverse("office_owners")
    pages = {
        lists: officer,
        f"{lists}?state=changes": officer,
        f"{lists}?state=active": officer,
        reverse("office_owner", args=[CODE]): officer,
        reverse("office_owner_change", args=[change.pk]): officer,
        reverse("owner_entry"): manager,
    }
    counts: list[list[int]] = []
    for number in range(2):
        row = []
        for page, user in pages.items():
            client = browser(user)
            client.get(page)
            with CaptureQueriesContext(connection) as asked:
                assert client.get(page).status_code == 200
            row.append(len(asked))
        counts.append(row)
        for more in range(2 * (1 - number)):
            other, boss = entry_in(OwnerState.ACTIVE, code=owner_code(210 + more), officer=officer)
            proposed(other, boss)
            entry_in(OwnerState.SUBMITTED, code=owner_code(220 + more), officer=officer)
            OwnerChange.objects.create(
                owner=entry, state="refused", proof=change.proof, submitted_at=MONDAY, check_due=MONDAY, reason="No."
            )
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 25
