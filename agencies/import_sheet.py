"""The columns of a list of agencies, and what may be wrong with a row of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from marketplace import catalogue
from marketplace.errors import FieldErrors, Text
from marketplace.models import Organisation
from marketplace.tables import FORMULA_STARTS

from . import rules
from .models import Agency
from .spreadsheet import Row, Sheet

# Column → (label, other heads it is known by). The label stands in the template and in both languages above a column.
COLUMNS: dict[str, tuple[Text, tuple[str, ...]]] = {
    "name": (rules.DEFECT_FIELDS["name"], ("名称", "机构名称", "中介机构名称", "单位名称", "name", "agency")),
    "code": (
        _("Unified social credit code"),
        ("统一社会信用代码", "信用代码", "社会信用代码", "credit code", "code"),
    ),
    "origin": (rules.DEFECT_FIELDS["origin"], ("注册地", "机构类别", "origin", "place of registration")),
    "legal_representative": (
        rules.DEFECT_FIELDS["legal_representative"],
        ("法定代表人", "法人代表", "法人", "legal representative"),
    ),
    "address": (rules.DEFECT_FIELDS["address"], ("注册地址", "地址", "address")),
    "established_on": (
        rules.DEFECT_FIELDS["established_on"],
        ("成立日期", "成立时间", "established", "established on"),
    ),
    "contact_name": (rules.DEFECT_FIELDS["contact_name"], ("联系人", "contact", "contact person")),
    "contact_phone": (rules.DEFECT_FIELDS["contact_phone"], ("联系电话", "电话", "手机", "phone", "contact phone")),
    "contact_email": (rules.DEFECT_FIELDS["contact_email"], ("联系邮箱", "邮箱", "电子邮箱", "email", "e-mail")),
    "items": (
        rules.DEFECT_FIELDS["items"],
        ("服务事项", "中介服务事项", "服务事项编码", "事项编码", "items", "service items"),
    ),
    "introduction": (rules.DEFECT_FIELDS["introduction"], ("简介", "机构简介", "introduction")),
}
# Well formed and belonging to nobody: there is no area 000000.
EXAMPLE_CODE = catalogue.credit_code("91000000MA0000000")
NEEDED = ("name", "code", "origin")
BETWEEN_ITEMS = re.compile(r"[;；,，、\s]+")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{4})(\d{2})(\d{2})")
BASIC = ("legal_representative", "address", "contact_name", "contact_phone", "contact_email", "introduction")

# {"row": 3, "column": "code", "value": "what stands there", "sentence": …}
Fault = dict[str, Any]


@dataclass
class Entry:
    """One row as it is to be written; `values` holds the basic data, `items` the codes of the services."""

    row: int
    name: str
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(" *:：").casefold()


@cache
def _heads() -> dict[str, str]:
    known = {_plain(other): column for column, (_label, others) in COLUMNS.items() for other in others}
    for language, _name in settings.LANGUAGES:
        with override(language):
            known |= {_plain(str(label)): column for column, (label, _others) in COLUMNS.items()}
    return known


@cache
def _origins() -> dict[str, str]:
    known = {value: value for value in Agency.Origin.values}
    for language, _name in settings.LANGUAGES:
        with override(language):
            known |= {_plain(str(label)): value for value, label in Agency.Origin.choices}
    return known


def columns_of(sheet: Sheet, field: str = "file") -> dict[str, int]:
    """The place of each column by its head. Raises FieldErrors: a head that is unknown, twice, or missing."""
    places: dict[str, int] = {}
    sentences: list[Text] = []
    for place, head in enumerate(sheet.head.cells):
        if not head:
            continue
        column = _heads().get(_plain(head))
        if column is None:
            sentences.append(_("No column of the template is called “{head}”.").format(head=head[:60]))
        elif column in places:
            sentences.append(_("The column “{head}” stands there twice.").format(head=head[:60]))
        else:
            places[column] = place
    sentences += [
        _("The column “{head}” is missing.").format(head=COLUMNS[column][0])
        for column in NEEDED
        if column not in places
    ]
    if sentences:
        raise FieldErrors({field: sentences})
    return places


def cells_of(row: Row, places: Mapping[str, int]) -> dict[str, str]:
    """The row's text in each column; the mark by which our own files keep a text from being a formula is taken off."""
    found = {}
    for column, place in places.items():
        text = row.cells[place] if place < len(row.cells) else ""
        found[column] = text[1:] if text.startswith(tuple(f"'{start}" for start in FORMULA_STARTS)) else text
    return found


def code_of(cells: Mapping[str, str]) -> str:
    return rules.check_credit_code(unicodedata.normalize("NFKC", cells.get("code", "")))[0]


def judge(
    row: Row,
    cells: Mapping[str, str],
    *,
    on: date,
    items: Collection[str],
    registered: Collection[str],
    first_rows: Mapping[str, int],
) -> tuple[Entry, list[Fault]]:
    """The row as an entry, and everything that is wrong with it.

    `items`: codes of the open services. `registered`: credit codes that exist. `first_rows`: the first row of the
    sheet in which each credit code stands.
    """
    errors: rules.Errors = {}
    code, faults = rules.check_credit_code(unicodedata.normalize("NFKC", cells["code"]))
    if not cells["code"]:
        errors["code"] = [_("This entry is needed.")]
    elif faults:
        errors["code"] = faults
    elif code == EXAMPLE_CODE:
        errors["code"] = [_("This is the example row of the template; delete it.")]
    elif first_rows.get(code, row.number) != row.number:
        errors["code"] = [_("This code stands already in row {row}.").format(row=first_rows[code])]
    elif code in registered:
        errors["code"] = [_("This code is registered already.")]
    limit = Organisation._meta.get_field("name").max_length or 0
    if not cells["name"]:
        errors["name"] = [_("This entry is needed.")]
    elif len(cells["name"]) > limit:
        errors["name"] = [_("At most {limit} characters.").format(limit=limit)]
    values: dict[str, Any] = {column: cells.get(column, "") for column in BASIC}
    values["contact_phone"] = unicodedata.normalize("NFKC", values["contact_phone"])
    values["origin"] = _origins().get(_plain(cells["origin"]), cells["origin"])
    values["established_on"] = _day(cells.get("established_on", ""), errors)
    errors |= {key: said for key, said in rules.check_basic_data(values, on=on).items() if key not in errors}
    chosen = list(dict.fromkeys(part for part in BETWEEN_ITEMS.split(cells.get("items", "")) if part))
    if unknown := [part for part in chosen if part not in items]:
        errors["items"] = [_("Not in the catalogue: {items}.").format(items=", ".join(unknown)[:200])]
    for column, text in cells.items():
        if text.startswith("="):
            errors[column] = [_("This is a formula; enter its value instead.")]
    found: list[Fault] = [
        {"row": row.number, "column": column, "value": cells.get(column, "")[:200], "sentence": str(sentence)}
        for column in COLUMNS
        for sentence in errors.get(column, ())
    ]
    return Entry(row.number, cells["name"], code, values, chosen), found


def _day(text: str, errors: rules.Errors) -> date | None:
    if not text:
        return None
    matched = DAY.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    if matched:
        try:
            return date(*(int(part) for part in matched.groups() if part))
        except ValueError:
            pass
    errors["established_on"] = [_("This is no date; write it as 2015-05-04.")]
    return None
