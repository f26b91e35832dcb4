"""A list of agencies on its way in: all of it or nothing, whatever dies in between."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from agencies import actions, directory, export, import_sheet, imports
from agencies.models import Agency, AgencyGram, AgencyItem, DataImport
from agencies.states import AgencyState
from marketplace import clock, events
from marketplace.errors import FieldErrors, NotAllowed
from marketplace.models import Event, Notification, Organisation, ServiceItem, Stream, Upload, User
from tests.factories import MONDAY, AgencyFactory, OrganisationFactory, UserFactory, credit_code, person_at, person_of

Stage = DataImport.Stage
HEAD = "机构名称,统一社会信用代码,注册地,联系人,联系电话,成立日期,服务事项\n"


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"


def line(number: int, items: str = "", **cells: str) -> str:
    given = {
        "name": f"甲{number}公司",
        "code": credit_code(5000 + number),
        "origin": "local",
        "who": "王芳",
        "phone": "０７９２-1234567",
        "day": "2015年5月4日",
    } | cells
    return ",".join([*given.values(), items]) + "\n"


def sheet(*lines: str, head: str = HEAD) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", (head + "".join(lines)).encode("gb18030"))


def begin(officer: User, *lines: str) -> DataImport:
    return imports.start_import(sheet(*lines), actor=officer, at=MONDAY)


def nothing_written() -> bool:
    return not (
        Agency.objects.exists()
        or Stream.objects.exists()
        or Event.objects.exists()
        or Organisation.objects.filter(kind=Organisation.Kind.AGENCY).exists()
    )


def test_a_list_without_a_fault_becomes_entries_without_members(officer: User, free: ServiceItem) -> None:
    found = begin(officer, line(1, f"{free.pk}、{free.pk}"), line(2, phone="'+86 792 1234567"))
    assert (found.stage, found.rows, found.file.organisation.kind) == (Stage.WAITING, 2, "office")
    assert imports.run(MONDAY) == 1
    found.refresh_from_db()
    assert (found.stage, found.rows_done, found.finished_at) == (Stage.DONE, 2, MONDAY)
    first, second = Agency.objects.order_by("sort_name")
    assert (first.name, first.code, first.state, first.origin) == (
        "甲1公司",
        credit_code(5001),
        AgencyState.DRAFT,
        "local",
    )
    assert (first.contact_phone, second.contact_phone) == ("0792-1234567", "+86 792 1234567")
    assert (first.established_on, first.organisation.memberships.count()) == (date(2015, 5, 4), 0)
    assert list(AgencyItem.objects.values_list("agency", "item", "sort_name")) == [(first.pk, free.pk, first.name)]
    event = Event.objects.get(stream__name=first.stream_name())
    assert event.data == {
        "code": first.code,
        "name": first.name,
        "origin": "local",
        "items": [free.pk],
        "import": found.pk,
    }
    assert event.private is not None and event.private["fields"] == {
        "legal_representative": "",
        "contact_name": "王芳",
        "contact_phone": "0792-1234567",
        "contact_email": "",
        "user": officer.pk,
    }
    assert not AgencyGram.objects.exists(), "a draft is not in the directory"
    asked = export.OfficeFilter({"q": "甲1", "state": AgencyState.DRAFT}).narrow(Agency.objects.all())
    assert list(asked) == [first], "the office finds it without the index of names"
    assert not events.is_public(first.stream_name())
    assert list(events.verify()) == []
    assert [note.kind for note in Notification.objects.filter(user=officer)] == ["import.done"]
    # The log goes on as if it had begun by hand.
    assert imports.run(MONDAY) == 0


def test_every_fault_of_every_row_is_named_and_nothing_is_imported(officer: User, free: ServiceItem) -> None:
    known = OrganisationFactory(kind=Organisation.Kind.OWNER)
    wrong = credit_code(5004)[:-1] + ("0" if credit_code(5004)[-1] != "0" else "1")
    found = begin(
        officer,
        line(1),
        line(1, name=""),
        line(3, code=known.code, items="9999;" + free.pk),
        line(4, code=wrong, phone="12", day="2015-02-30", origin="the moon"),
        line(5, day="2031-01-01", name="=cmd()"),
        line(6, code=import_sheet.EXAMPLE_CODE),
    )
    assert imports.run(MONDAY) == 1
    found.refresh_from_db()
    assert (found.stage, found.rows_done) == (Stage.FAULTY, 6)
    assert [(one["row"], one["column"], one["value"]) for one in found.faults] == [
        (3, "name", ""),
        (3, "code", credit_code(5001)),
        (4, "code", known.code),
        (4, "items", "9999;" + free.pk),
        (5, "code", wrong),
        (5, "origin", "the moon"),
        (5, "established_on", "2015-02-30"),
        (5, "contact_phone", "12"),
        (6, "name", "=cmd()"),
        (6, "established_on", "2031-01-01"),
        (7, "code", import_sheet.EXAMPLE_CODE),
    ]
    assert found.faults[1]["sentence"] == "This code stands already in row 2."
    assert nothing_written()
    assert [note.kind for note in Notification.objects.all()] == ["import.faulty"]


def test_only_the_office_imports_and_only_lists_with_known_heads(officer: User) -> None:
    with pytest.raises(NotAllowed):
        imports.start_import(sheet(line(1)), actor=UserFactory(), at=MONDAY)
    with pytest.raises(FieldErrors) as caught:
        imports.start_import(sheet("a,b,c\n", head="name,name,colour\n"), actor=officer, at=MONDAY)
    assert [str(said) for said in caught.value.fields["file"]] == [
        "The column “name” stands there twice.",
        "No column of the template is called “colour”.",
        "The column “Unified social credit code” is missing.",
        "The column “Place of registration” is missing.",
    ]
    assert not DataImport.objects.exists() and not Upload.objects.exists()


def test_a_worker_that_dies_between_rows_leaves_the_rest_to_the_next(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "STEP", 2)
    found = begin(officer, line(1), line(2, day="x"), line(3), line(4, day="x"), line(5))
    judge, judged = import_sheet.judge, []

    def dying(row: Any, *args: Any, **options: Any) -> Any:
        judged.append(row.number)
        if len(judged) == 4:
            raise KeyboardInterrupt
        return judge(row, *args, **options)

    monkeypatch.setattr(import_sheet, "judge", dying)
    with pytest.raises(KeyboardInterrupt):
        imports.run(MONDAY)
    found.refresh_from_db()
    assert (found.stage, found.rows_done, found.faults) == (Stage.CHECKING, 2, [])
    assert imports.run(MONDAY) == 0, "the lease still runs"
    assert imports.run(MONDAY + timedelta(minutes=2)) == 1
    found.refresh_from_db()
    assert (found.stage, found.rows_done, [one["row"] for one in found.faults]) == (Stage.FAULTY, 5, [3, 5])
    assert judged == [2, 3, 4, 5, 2, 3, 4, 5, 6], "the second worker begins the check anew"
    assert nothing_written()


def test_faults_are_written_once_at_the_end_of_the_check(officer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "STEP", 1)
    begin(officer, *(line(number, day="x") for number in range(6)))
    with CaptureQueriesContext(connection) as caught:
        assert imports.run(MONDAY) == 1
    written = [query for query in caught if query["sql"].startswith("UPDATE") and '"faults"' in query["sql"]]
    assert len(written) == 1
    assert len(DataImport.objects.get().faults) == 6


@pytest.mark.parametrize("commitment", [False, True])
def test_an_imported_agency_is_found_by_its_name_once_it_is_public(
    officer: User, free: ServiceItem, commitment: bool
) -> None:
    begin(officer, line(1, free.pk))
    imports.run(MONDAY)
    agency = Agency.objects.get()
    member = person_at(agency.organisation)
    asked = directory.Conditions(text="甲1")
    if commitment:
        Agency.objects.update(
            legal_representative="王芳", address="1 Station Road", legal_id_digest="x", commitment_signed_at=MONDAY
        )
        actions.enter_on_commitment(agency, actor=member, at=MONDAY)
    else:
        Agency.objects.update(state=AgencyState.SUBMITTED, submitted_at=MONDAY, form_check_due=MONDAY)
        assert directory.find(asked, QueryDict())[0].rows == []
        actions.approve_entry(agency, actor=officer, at=MONDAY)
    assert directory.find(asked, QueryDict())[0].rows == [agency]
    assert set(agency.grams.values_list("gram", flat=True)) == directory.grams(agency.name, agency.code)


@pytest.mark.parametrize("victim", ["events", "_tell"])
def test_a_worker_that_dies_while_it_writes_leaves_nothing_half(
    officer: User, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    found = begin(officer, line(1), line(2))

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if victim == "events":
            patched.setattr(imports.events, "begin_many", dies)
        else:
            patched.setattr(imports, "_tell", dies)
        with pytest.raises(KeyboardInterrupt):
            imports.run(MONDAY)
    found.refresh_from_db()
    assert (found.stage, found.finished_at) == (Stage.WRITING, None)
    assert nothing_written()
    assert imports.run(MONDAY + timedelta(minutes=2)) == 1
    assert Agency.objects.count() == 2
    assert Notification.objects.count() == 1


def test_two_workers_write_a_list_once(officer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is slow, its lease ends, a second one finishes; the first notices and writes nothing."""
    found = begin(officer, line(1))
    write, later = imports._write, MONDAY + timedelta(minutes=2)

    def overtaken(mine: DataImport, entries: Any) -> None:
        monkeypatch.setattr(imports, "_write", write)
        assert imports.run(MONDAY) == 0, "nobody takes it while the lease runs"
        monkeypatch.setattr(clock, "now", lambda: later)
        assert imports.run(later) == 1
        write(mine, entries)

    monkeypatch.setattr(imports, "_write", overtaken)
    assert imports.run(MONDAY) == 0
    found.refresh_from_db()
    assert (found.stage, Agency.objects.count(), Event.objects.count()) == (Stage.DONE, 1, 1)


def test_a_code_that_is_registered_between_check_and_writing_makes_the_list_faulty(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = begin(officer, line(1), line(2))
    write = imports._write

    def late(mine: DataImport, entries: Any) -> None:
        OrganisationFactory(kind=Organisation.Kind.OWNER, code=credit_code(5002))
        write(mine, entries)

    monkeypatch.setattr(imports, "_write", late)
    assert imports.run(MONDAY) == 1
    found.refresh_from_db()
    assert (found.stage, [(one["row"], one["column"]) for one in found.faults]) == (Stage.FAULTY, [(3, "code")])
    assert nothing_written()


def test_a_lost_file_ends_the_import_with_its_reason(officer: User) -> None:
    found = begin(officer, line(1))
    imports.uploads.path_of(found.file).unlink()
    assert imports.run(MONDAY) == 1
    found.refresh_from_db()
    assert (found.stage, found.faults[0]["sentence"]) == (Stage.FAULTY, "The file is gone.")


def test_writing_takes_fewer_statements_than_there_are_rows(
    officer: User, django_assert_max_num_queries: Any
) -> None:
    begin(officer, *(line(number) for number in range(45)))
    with django_assert_max_num_queries(40):
        assert imports.run(MONDAY) == 1
    assert Agency.objects.count() == 45


def test_the_template_is_a_list_whose_example_row_is_not_imported(officer: User, free: ServiceItem) -> None:
    data = b"".join(export.template_file().streaming_content)  # type: ignore[attr-defined]
    book = load_workbook(io.BytesIO(data))
    assert [sheet.title for sheet in book] == ["Agencies", "Allowed values"]
    assert free.pk in [cell.value for cell in book["Allowed values"]["B"]]
    imports.start_import(SimpleUploadedFile("template.xlsx", data), actor=officer, at=MONDAY)
    imports.run(MONDAY)
    assert [one["sentence"] for one in DataImport.objects.get().faults] == [
        "This is the example row of the template; delete it."
    ]


# ---------- pages ----------


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_takes_a_list_shows_its_progress_and_its_faults(officer: User) -> None:
    client = as_user(officer)
    response = client.post(reverse("office_import"), {"file": sheet(line(1), line(2, phone="=1"))})
    found = DataImport.objects.get()
    page = reverse("office_import_page", args=[found.pk])
    assert response.headers["Location"] == page
    DataImport.objects.update(rows_done=1, stage=Stage.CHECKING)
    running = client.get(page)
    assert '<progress class="bar" id="progress" max="2" value="1">' in running.content.decode()
    assert running.headers["Refresh"] == "3"
    imports.run(MONDAY)
    ended = client.get(page)
    assert "Refresh" not in ended.headers
    assert "This is a formula; enter its value instead." in ended.content.decode()
    rows = client.get(reverse("import_faults", args=[found.pk])).content.decode("utf-8-sig").splitlines()
    assert rows[0] == "Row,Column,Cell,What is wrong"
    assert rows[1].startswith("3,Contact phone,'=1,")
    assert "Nothing was imported" in ended.content.decode()


def test_a_wrong_file_is_refused_beside_its_field(officer: User) -> None:
    response = as_user(officer).post(
        reverse("office_import"), {"file": SimpleUploadedFile("list.xlsx", b"MZ\x90\x00\x03")}
    )
    assert response.status_code == 422
    assert "Only XLSX and CSV files are accepted" in response.content.decode()
    assert not DataImport.objects.exists()


@pytest.mark.parametrize("kind", ["supervisor", "agency", "owner"])
def test_imports_are_the_offices_alone(kind: str, officer: User) -> None:
    found = begin(officer, line(1))
    client = as_user(person_of(kind))
    for name, args in (("office_import", []), ("office_import_page", [found.pk]), ("import_faults", [found.pk])):
        assert client.get(reverse(name, args=args)).status_code == 403


def test_the_export_holds_every_state_its_conditions_and_no_formula(officer: User) -> None:
    AgencyFactory(organisation__name="=HYPERLINK(1)", state=AgencyState.DRAFT)
    AgencyFactory(organisation__name="Beta", origin="city", contact_phone="+86 1")
    client = as_user(officer)
    url = reverse("agency_export")
    text = client.get(url, {"format": "csv"}).content.decode("utf-8-sig")
    assert [row.split(",")[0] for row in text.splitlines()] == ["Name of the agency", "'=HYPERLINK(1)", "Beta"]
    response = client.get(url, {"origin": "city"})
    book = load_workbook(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    rows = list(book.active.values)
    assert [row[0] for row in rows] == ["Name of the agency", "Beta"]
    assert "'+86 1" in rows[1]


def test_pages_and_files_cost_the_same_at_one_row_and_at_three(
    officer: User, django_assert_num_queries: Any, free: ServiceItem
) -> None:
    client = as_user(officer)

    def count(name: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            response = client.get(reverse(name))
            if response.streaming:
                b"".join(response.streaming_content)  # type: ignore[attr-defined]
        return len(caught)

    names = ("office_import", "agency_export")
    begin(officer, line(1))
    AgencyItem.objects.create(agency=AgencyFactory(), item=free)
    before = [count(name) for name in names]
    for number in (2, 3):
        begin(officer, line(number))
        AgencyItem.objects.create(agency=AgencyFactory(), item=free)
    assert [count(name) for name in names] == before
