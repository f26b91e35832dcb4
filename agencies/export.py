"""Lists of agencies as files: the office's export with all data, the template of an import, and the faults of one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation

from marketplace import tables
from marketplace.clock import local_date
from marketplace.models import ServiceItem

from .filters import AgencyFilter
from .import_sheet import COLUMNS, EXAMPLE_CODE, Fault
from .models import Agency, AgencyItem
from .states import AgencyState

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHUNK = 500
WIDTHS = {"name": 34, "code": 22, "address": 40, "items": 30, "introduction": 40}
EXAMPLE_ITEMS = 2
# After the columns of an import.
FURTHER = (
    pgettext_lazy("agency", "State"),
    _("Stars"),
    _("Credit score"),
    _("Registered on"),
    _("Active since"),
)


class OfficeFilter(AgencyFilter):
    """The directory's conditions, over every state."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", ""), *AgencyState.choices]  # type: ignore[attr-defined]

    def narrow(self, agencies: QuerySet[Agency]) -> QuerySet[Agency]:
        """The agencies that fit; a condition with an unknown value is left out, as in the directory."""
        asked = self.conditions()
        wanted = {"state": asked.state, "origin": asked.origin, "stars": asked.stars, "way": asked.way}
        agencies = agencies.filter(**{name: value for name, value in wanted.items() if value})
        if asked.text:
            named, coded = Q(organisation__name__icontains=asked.text), Q(organisation__code__icontains=asked.text)
            agencies = agencies.filter(named | coded)
        offers = AgencyItem.objects.filter(agency=OuterRef("pk"), is_active=True)
        if asked.service_class:
            agencies = agencies.filter(Exists(offers.filter(item__service_class=asked.service_class)))
        return agencies.filter(Exists(offers.filter(item=asked.item))) if asked.item else agencies


def agency_rows(agencies: QuerySet[Agency]) -> Iterator[list[Any]]:
    """A row for each agency, by name; two queries for every 500."""
    items = AgencyItem.objects.filter(is_active=True).order_by("item")
    listed = agencies.prefetch_related(Prefetch("items", items, to_attr="listed")).order_by("sort_name", "pk")
    for agency in listed.iterator(chunk_size=CHUNK):
        values = {
            "name": agency.name,
            "code": agency.code,
            "origin": agency.get_origin_display(),
            "items": "; ".join(entry.item_id for entry in agency.listed),
        }
        yield [
            *(values.get(column, getattr(agency, column, "")) for column in COLUMNS),
            agency.get_state_display(),
            agency.stars,
            agency.score,
            _day(agency.registered_at),
            _day(agency.active_since),
        ]


def _day(moment: datetime | None) -> date | None:
    return local_date(moment) if moment else None


def agencies_file(agencies: QuerySet[Agency], form: str) -> HttpResponseBase:
    """The agencies as `xlsx` or `csv`."""
    heads = [*(label for label, _others in COLUMNS.values()), *FURTHER]
    if form == "csv":
        return tables.csv_response("agencies", heads, agency_rows(agencies))
    book = Workbook(write_only=True)
    _sheet(book, str(_("Agencies")), heads, agency_rows(agencies))
    return _workbook(book, "agencies")


def template_file() -> HttpResponseBase:
    """An empty list with an example row, and a second sheet with what may stand in it."""
    items = list(ServiceItem.objects.filter(is_active=True))
    example = {
        "name": "示例测绘有限公司",
        "code": EXAMPLE_CODE,
        "origin": str(Agency.Origin.LOCAL.label),
        "legal_representative": "张示例",
        "address": "瑞昌市赤乌中路1号",
        "established_on": date(2015, 5, 4),
        "contact_name": "李示例",
        "contact_phone": "0792-0000000",
        "contact_email": "name@example.org",
        "items": "; ".join(item.pk for item in items[:EXAMPLE_ITEMS]),
        "introduction": str(_("Delete this example row before you send the list.")),
    }
    book = Workbook(write_only=True)
    sheet = _sheet(
        book, str(_("Agencies")), [label for label, _o in COLUMNS.values()], [[example[c] for c in COLUMNS]]
    )
    allowed = str(_("Allowed values"))
    places = DataValidation(type="list", formula1=f"'{allowed}'!$A$2:$A${1 + len(Agency.Origin.choices)}")
    sheet.data_validations.append(places)
    places.add("C2:C5001")
    origins = [str(label) for label in Agency.Origin.labels]
    rows = [
        [
            origins[n] if n < len(origins) else "",
            items[n].pk if n < len(items) else "",
            str(items[n]) if n < len(items) else "",
        ]
        for n in range(max(len(origins), len(items)))
    ]
    _sheet(book, allowed, [COLUMNS["origin"][0], _("Code of the service item"), _("Service item")], rows)
    return _workbook(book, "agencies-template")


def faults_file(name: str, faults: Iterable[Fault]) -> HttpResponse:
    columns = (_("Row"), _("Column"), _("Cell"), _("What is wrong"))
    return tables.csv_response(
        name, columns, ([one["row"], label_of(one["column"]), one["value"], one["sentence"]] for one in faults)
    )


def label_of(column: str) -> str:
    return str(COLUMNS[column][0]) if column in COLUMNS else ""


def _sheet(book: Workbook, title: str, heads: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Any:
    """A sheet with a fixed bold head; texts that look like formulas stay texts."""
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for number, column in enumerate(COLUMNS):
        sheet.column_dimensions[chr(ord("A") + number)].width = WIDTHS.get(column, 18)
    bold = []
    for head in heads:
        cell = WriteOnlyCell(sheet, str(head))
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        sheet.append([tables.cell(value) for value in row])
    return sheet


def _workbook(book: Workbook, name: str) -> FileResponse:
    """The book from a file without a name: no more than one row of it is in memory at a time."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed by the response
    book.save(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)
