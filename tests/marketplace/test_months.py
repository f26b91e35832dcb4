"""Periods in calendar months and days (民法典第二百零二条): they end at 24:00 of the day with the same number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.deadlines import add_months, span
from marketplace.models import RuleParameter


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 3, 9), 24, date(2028, 3, 9)),
        (date(2026, 3, 9), 0, date(2026, 3, 9)),
    ],
)
def test_the_day_with_the_same_number_or_the_last_of_the_month(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(("unit", "value", "end"), [("months", 3, date(2026, 6, 9)), ("days", 7, date(2026, 3, 16))])
def test_the_period_ends_at_24_00_in_china(unit: str, value: int, end: date) -> None:
    start = datetime(2026, 3, 8, 17, 0, tzinfo=UTC)  # already the 9th in China
    rule = RuleParameter(code="x", value=str(value), unit=unit, basis="", valid_from=date(2019, 1, 1))
    due = span(rule, start).due
    assert due == datetime(end.year, end.month, end.day, 16, 0, tzinfo=UTC)
    assert (due - timedelta(seconds=1)).astimezone(UTC).hour == 15
