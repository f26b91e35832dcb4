"""Spreadsheets from outside, read as plain text: nothing in them is executed, and none of them can fill the memory.

An XLSX file is a ZIP of XML files. Before anything of it is parsed, the directory of the ZIP is looked at and each
member is unpacked once, piece by piece, and counted: what the directory says about sizes is only a claim.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

import openpyxl
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from openpyxl.xml import DEFUSEDXML

from marketplace import uploads
from marketplace.errors import FieldErrors, Text

if not DEFUSEDXML:
    raise ImportError("openpyxl must read XML through defusedxml")

# All members together, unpacked. A sheet of 5,000 agencies has about 5 MB.
UNPACKED_MAX = 48 * 1024 * 1024
MEMBERS_MAX = 200
# Of one member that is not small; a sheet of equal rows comes near 50.
RATIO_MAX = 120
RATIO_FROM = 1024 * 1024
# Opening brackets: each element costs more memory than the four characters of <c/>.
ELEMENTS_MAX = 2_000_000
COLUMNS_MAX = 40
# The last row of a sheet in this format; a row that says it lies below it is a trap.
SHEET_ROWS = 1_048_576
# A row number far below makes the reader hand out every empty row before it; no list has so many.
BLANK_MAX = 20_000
BATCH = 200
CELL_MAX = 4000
PIECE = 64 * 1024
WORKBOOK = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
CONTENT_TYPES = "[Content_Types].xml"
PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGED = _("The file is damaged or no spreadsheet; save it again and try once more.")
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Row:
    """`number` is the row's number in the sheet, the first being 1; the cells are trimmed texts."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """The first row that is not empty, and those after it."""

    head: Row
    rows: list[Row]


def read(file: UploadedFile, *, rows_max: int, field: str = "file") -> Sheet:
    """The first sheet of an XLSX file, or a CSV file in UTF-8 or GB18030. Raises FieldErrors for `field`.

    Formulas come as their text, dates as YYYY-MM-DD, whole numbers without a point. Empty rows are left out.
    """
    file.seek(0)
    if file.read(len(OLD_WORKBOOK)) == OLD_WORKBOOK:
        raise _refused(field, _("This is an old XLS file or one with a password. Save it as XLSX without password."))
    content_type = uploads.check(file, field, uploads.SPREADSHEETS)
    file.seek(0)
    lines = _csv_lines(file.read(), field) if content_type == uploads.TEXT else _xlsx_lines(file, field)
    return _sheet(lines, rows_max, field)


def read_stored(handle: IO[bytes], content_type: str, *, rows_max: int) -> Sheet:
    """The same for a file that was checked when it came. Raises FieldErrors(file)."""
    lines = _csv_lines(handle.read(), "file") if content_type == uploads.TEXT else _xlsx_lines(handle, "file")
    return _sheet(lines, rows_max, "file")


def _refused(field: str, sentence: Text) -> FieldErrors:
    return FieldErrors({field: [sentence]})


def _sheet(lines: Iterable[Iterable[Any]], rows_max: int, field: str) -> Sheet:
    head: Row | None = None
    rows: list[Row] = []
    blank = 0
    for number, values in enumerate(lines, 1):
        if number > SHEET_ROWS or blank > BLANK_MAX:
            raise _refused(field, DAMAGED)
        cells = tuple(text_of(value) for value in values)
        while cells and not cells[-1]:
            cells = cells[:-1]
        if not cells:
            blank += 1
            continue
        if len(cells) > COLUMNS_MAX:
            raise _refused(field, _("The sheet has more than {limit} columns.").format(limit=COLUMNS_MAX))
        if any(len(cell) > CELL_MAX for cell in cells):
            raise _refused(
                field, _("A cell of row {row} has more than {limit} characters.").format(row=number, limit=CELL_MAX)
            )
        if head is None:
            head = Row(number, cells)
        elif len(rows) == rows_max:
            raise _refused(
                field, _("The sheet has more than {limit} rows; divide it into several files.").format(limit=rows_max)
            )
        else:
            rows.append(Row(number, cells))
    if head is None or not rows:
        raise _refused(field, _("The sheet has no rows below its head."))
    return Sheet(head, rows)


def text_of(value: Any) -> str:
    """A cell as text, as a person would have typed it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    # A formula over several cells is an object with its text.
    return str(getattr(value, "text", value) or "").strip()


# ---------- CSV ----------


def _csv_lines(data: bytes, field: str) -> Iterator[list[str]]:
    text = _decoded(data, field)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",\t;", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise _refused(
            field, _("The file is no well-formed CSV: a quotation mark is missing or misplaced.")
        ) from error


def _decoded(data: bytes, field: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(character < " " and character not in "\t\n\r" for character in text):
            break
        return text
    raise _refused(field, _("The text of the file is neither UTF-8 nor GB18030."))


# ---------- XLSX ----------


def _xlsx_lines(file: Any, field: str) -> Iterator[Iterable[Any]]:
    file.seek(0)
    _inspect(file, field)
    file.seek(0)
    with _safely(field):
        book = openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
        sheet = next(iter(book.worksheets))
        # What the sheet says about its size may be wrong both ways.
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_col=COLUMNS_MAX + 1, values_only=True)
    while True:
        with _safely(field):
            batch = list(islice(rows, BATCH))
        if not batch:
            return
        for values in batch:
            yield values if values[COLUMNS_MAX:] != (None,) else values[:COLUMNS_MAX]


@contextmanager
def _safely(field: str) -> Iterator[None]:
    """The library raises whatever a malformed file makes of it, and warns of features that it leaves out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            raise _refused(field, DAMAGED) from error


def _inspect(file: IO[bytes], field: str) -> None:
    """Refuse what is no plain workbook, or would unpack to more than its content deserves."""
    too_much = _("The file unpacks to far more than a list of agencies can hold; it was not opened.")
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS_MAX or sum(one.file_size for one in members) > UNPACKED_MAX:
                raise _refused(field, too_much)
            for member in members:
                if member.flag_bits & 1:
                    raise _refused(field, _("The file has a password. Save it without one."))
                if member.compress_type not in PLAIN_METHODS:
                    raise _refused(field, _("The file is packed in a way that no spreadsheet program uses."))
                if member.file_size > RATIO_FROM and member.file_size > RATIO_MAX * member.compress_size:
                    raise _refused(field, too_much)
            _unpack(archive, members, field, too_much)
            if WORKBOOK not in archive.read(CONTENT_TYPES):
                raise _refused(field, _("Only XLSX and CSV files are accepted; this file is none of them inside."))
    except (zipfile.BadZipFile, EOFError, KeyError, OSError, ValueError, NotImplementedError, zlib.error) as error:
        raise _refused(field, DAMAGED) from error


def _unpack(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], field: str, too_much: Text) -> None:
    """Read every member through a counter and keep nothing."""
    total = elements = 0
    for member in members:
        with archive.open(member) as unpacked:
            begin = True
            while piece := unpacked.read(PIECE):
                if begin and piece.startswith((b"PK\x03\x04", OLD_WORKBOOK, b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")):
                    raise _refused(field, _("The file holds another file inside; save the list alone."))
                begin = False
                total += len(piece)
                elements += piece.count(b"<")
                if total > UNPACKED_MAX or elements > ELEMENTS_MAX:
                    raise _refused(field, too_much)
