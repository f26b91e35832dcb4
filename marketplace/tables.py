"""Lists as CSV files that spreadsheets open as they are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse

# The largest list one file carries; a longer one is narrowed by its filters first.
ROW_LIMIT = 10_000
# A cell that begins like a formula would be run by a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


# No spreadsheet holds them, and a pasted text may.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def cell(value: Any) -> Any:
    if isinstance(value, str):
        value = CONTROL.sub("", value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def csv_response(name: str, columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """A download named `name`.csv: UTF-8 with the mark by which spreadsheets know it."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow([str(column) for column in columns])
    writer.writerows([cell(value) for value in row] for row in rows)
    return response
