"""The dated list of breaches and merits: loaded from the project's data file, read by the day something happened."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from .models import CreditRule

FILE = Path(__file__).parent / "data" / "credit_rules.json"
Gravity, Consequence = CreditRule.Gravity, CreditRule.Consequence


class UnknownRule(LookupError):
    """No rule of this code holds on the day."""


def load(rows: list[dict[str, Any]] | None = None) -> int:
    """Insert or refresh the rules, by code and first day; safe to run again. Returns how many there were.

    Raises ValueError for a row that would break the ledger: a merit takes no points and has no consequence, a breach
    gives none, and points that count for no time do not exist.
    """
    given: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if rows is None else rows
    rules = [CreditRule(**row) for row in given]
    for rule in rules:
        if (rule.gravity == Gravity.MERIT) != (rule.points > 0):
            raise ValueError(f"{rule.code}: a merit gives points and nothing else does")
        if rule.gravity == Gravity.MERIT and rule.consequence != Consequence.NONE:
            raise ValueError(f"{rule.code}: nothing bad follows from a merit")
        if rule.months == 0 or rule.threshold == 0 or rule.within_months == 0:
            raise ValueError(f"{rule.code}: a span or threshold of nothing")
    unique = ["code", "valid_from"]
    fields = [field.name for field in CreditRule._meta.concrete_fields if field.name not in {"id", *unique}]
    CreditRule.objects.bulk_create(rules, update_conflicts=True, unique_fields=unique, update_fields=fields)
    return len(rules)


def rule(code: str, on: date) -> CreditRule:
    """The rule of this code that holds on a day; where several do, the one that began last. Raises UnknownRule."""
    found = [row for row in CreditRule.objects.filter(code=code, valid_from__lte=on) if row.holds_on(on)]
    if not found:
        raise UnknownRule(f"{code} on {on}")
    return max(found, key=lambda row: row.valid_from)


def in_force(on: date) -> list[CreditRule]:
    """Every rule that holds on a day, each code once; serious breaches, breaches, merits. One query."""
    best: dict[str, CreditRule] = {}
    for row in CreditRule.objects.filter(valid_from__lte=on).order_by("valid_from"):
        if row.holds_on(on):
            best[row.code] = row
    order = [Gravity.SERIOUS, Gravity.BREACH, Gravity.MERIT]
    return sorted(best.values(), key=lambda row: (order.index(Gravity(row.gravity)), row.points, row.code))
