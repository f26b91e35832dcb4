"""Spreadsheets from outside: what is read, and what is refused before it can do harm."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from agencies import spreadsheet
from marketplace.errors import FieldErrors

TYPES = f"<Types><Override ContentType='{spreadsheet.WORKBOOK.decode()}'/></Types>"


def book(*rows: Iterable[Any]) -> bytes:
    made = Workbook(write_only=True)
    sheet = made.create_sheet("list")
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same workbook with the members as `change(name, content)` gives them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def with_member(name: str, content: bytes, data: bytes | None = None) -> bytes:
    out = io.BytesIO(data or book(["name"], ["x"]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def read(data: bytes, name: str = "list.xlsx", rows_max: int = 10) -> spreadsheet.Sheet:
    return spreadsheet.read(SimpleUploadedFile(name, data), rows_max=rows_max)


def refusal(data: bytes, **options: Any) -> str:
    with pytest.raises(FieldErrors) as caught:
        read(data, **options)
    (sentence,) = caught.value.fields["file"]
    return str(sentence)


@pytest.fixture(autouse=True)
def _english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


def test_a_workbook_is_read_as_the_texts_a_person_would_type() -> None:
    sheet = read(book(["name", "n", "day", "f"], [], [" 甲公司 ", 13800000000.0, date(2015, 5, 4), "=1+1"], [None]))
    assert sheet.head == spreadsheet.Row(1, ("name", "n", "day", "f"))
    assert sheet.rows == [spreadsheet.Row(3, ("甲公司", "13800000000", "2015-05-04", "=1+1"))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_understood_in_both_encodings_and_with_each_delimiter(encoding: str, delimiter: str) -> None:
    text = f"名称{delimiter}代码\r\n“镕”测绘{delimiter}1\r\n\r\n".encode(encoding)
    sheet = read(text, "list.csv")
    assert [sheet.head.cells, *(row.cells for row in sheet.rows)] == [("名称", "代码"), ("“镕”测绘", "1")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty."),
        (b"%PDF-1.4\n%%EOF\n", "Only XLSX and CSV"),
        (b"MZ\x90\x00\x03\x00\x00", "Only XLSX and CSV"),
        (spreadsheet.OLD_WORKBOOK + b"\x00" * 600, "old XLS file or one with a password"),
        (b"PK\x03\x04 not really a zip PK\x05\x06", "damaged"),
        (b'name,code\n"open,1\n', "quotation mark"),
        (b"name,code\n\xff\xff\xff,1\n", "neither UTF-8 nor GB18030"),
        (b"name,code\n", "no rows below its head"),
    ],
)
def test_what_is_no_list_is_refused_with_its_reason(data: bytes, said: str) -> None:
    assert said in refusal(data)


def test_a_zip_of_something_else_is_no_workbook() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types ContentType='application/vnd.ms-word.document'/>")
    assert "Only XLSX and CSV" in refusal(out.getvalue())
    assert "damaged" in refusal(with_member("x", b"y", io.BytesIO(zip_of(b"no types")).getvalue()))


def zip_of(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", content)
    return out.getvalue()


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = with_member("xl/bomb.xml", b" " * 3_000_000)
    assert len(data) < 20_000
    monkeypatch.setattr(spreadsheet, "_unpack", lambda *_: pytest.fail("unpacked"))
    assert "unpacks to far more" in refusal(data)


def test_many_members_and_large_sums_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = book(["name"], ["x"])
    monkeypatch.setattr(spreadsheet, "MEMBERS_MAX", 3)
    assert "unpacks to far more" in refusal(plain)
    monkeypatch.setattr(spreadsheet, "MEMBERS_MAX", 200)
    monkeypatch.setattr(spreadsheet, "UNPACKED_MAX", 1000)
    assert "unpacks to far more" in refusal(plain)


def test_a_directory_that_lies_about_sizes_helps_nobody() -> None:
    data = bytearray(with_member("xl/bomb.xml", b" " * 3_000_000))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        info = archive.getinfo("xl/bomb.xml")
    # Both places that name the unpacked size now say 100 bytes.
    data[info.header_offset + 22 : info.header_offset + 26] = struct.pack("<I", 100)
    entry = bytes(data).rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 100)
    assert "damaged" in refusal(bytes(data))


def test_the_unpacking_itself_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = book(["name"], ["x"])
    monkeypatch.setattr(spreadsheet, "ELEMENTS_MAX", 20)
    assert "unpacks to far more" in refusal(data)


def test_a_file_inside_and_a_password_are_refused() -> None:
    assert "another file inside" in refusal(with_member("xl/embeddings/a.bin", zip_of(b"x")))
    data = bytearray(book(["name"], ["x"]))
    entry = bytes(data).index(b"PK\x01\x02")
    data[entry + 8] |= 1
    assert "password" in refusal(bytes(data))


def test_entities_are_never_resolved() -> None:
    evil = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "0123456789"><!ENTITY c "&b;&b;&b;&b;">]>"""

    def poison(name: str, content: bytes) -> bytes:
        if not name.startswith("xl/worksheets/sheet"):
            return content
        return evil + content[content.index(b"?>") + 2 if content.startswith(b"<?xml") else 0 :]

    assert "damaged" in refusal(repacked(book(["name"], ["x"]), poison))


def test_a_row_far_below_the_end_of_any_sheet_ends_the_reading() -> None:
    def far(name: str, content: bytes) -> bytes:
        return content.replace(b'r="2"', b'r="99999999999"') if "worksheets/" in name else content

    assert "damaged" in refusal(repacked(book(["name"], ["x"]), far))


def test_a_sheet_that_understates_its_size_loses_no_row() -> None:
    def understated(name: str, content: bytes) -> bytes:
        if "worksheets/" not in name:
            return content
        return content.replace(b"<sheetData>", b'<dimension ref="A1:A2"/><sheetData>')

    sheet = read(repacked(book(["name", "code"], ["a", "1"], ["b", "2"]), understated))
    assert [row.cells for row in sheet.rows] == [("a", "1"), ("b", "2")]


def test_rows_columns_and_cells_have_limits() -> None:
    assert "more than 2 rows" in refusal(b"name\n1\n2\n3\n", rows_max=2)
    assert "more than 2 rows" in refusal(book(["name"], [1], [2], [], [], [3]), rows_max=2)
    assert "more than 40 columns" in refusal(book(["name"], ["x"] * 41))
    assert "more than 40 columns" in refusal(b"name\n" + b"x," * 40 + b"x\n")
    assert "row 2 has more than 4000 characters" in refusal(b"name\n" + b"x" * 4001 + b"\n")
    assert len(read(book(["name"], ["x"] * 40)).rows[0].cells) == 40
