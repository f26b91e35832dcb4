"""Rule parameters: no number of the regulation is a constant in code; each has a value, a basis and dates."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from .models import RuleParameter

DATA = Path(__file__).parent / "data"


class UnknownParameter(LookupError):
    """No value of this parameter holds on the day: the installation lacks its rules."""


def parameter(code: str, on: date) -> RuleParameter:
    """The parameter that holds on a day; where several do, the one that began last. A demo's own value goes before.

    Raises UnknownParameter.
    """
    found = [row for row in RuleParameter.objects.filter(code=code, valid_from__lte=on) if row.holds_on(on)]
    if not found:
        raise UnknownParameter(f"{code} on {on}")
    return max(found, key=lambda row: (row.is_demo, row.valid_from))


def number(code: str, on: date) -> int:
    return int(parameter(code, on).value)


def codes(code: str, on: date) -> frozenset[str]:
    return frozenset(part for part in parameter(code, on).value.split(",") if part)


def load(rows: list[dict[str, Any]], *, is_demo: bool = False, valid_from: date | None = None) -> int:
    """Insert or update parameters; `valid_from` is used where a row names none. Returns how many there were."""
    wanted = []
    for row in rows:
        began: date | str | None = row.get("valid_from") or valid_from
        if began is None:
            raise ValueError(f"{row['code']} says from no day that it holds")
        named = {name: row[name] for name in ("code", "value", "unit", "basis")}
        ends = row.get("valid_until")
        wanted.append(RuleParameter(valid_from=_day(began), valid_until=_day(ends), is_demo=is_demo, **named))
    RuleParameter.objects.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["code", "valid_from", "is_demo"],
        update_fields=["value", "unit", "basis", "valid_until"],
    )
    return len(rows)


def _day(given: Any) -> Any:
    return date.fromisoformat(given) if isinstance(given, str) else given


def load_file(name: str, *, is_demo: bool = False, valid_from: date | None = None) -> int:
    return load(json.loads((DATA / name).read_text(encoding="utf-8")), is_demo=is_demo, valid_from=valid_from)
