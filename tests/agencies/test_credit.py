"""The credit score as a pure function: days, bounds, thresholds, and the fold of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agencies.credit import LedgerEntry, Standing, from_events, standing, stars_of, threshold_reached

DAY = date(2026, 3, 9)
LIMITS = (95, 85, 70, 60)


@dataclass(frozen=True)
class Rule:
    code: str = "late"
    threshold: int = 3
    within_months: int = 12


def entry(key: int = 1, points: int = -10, **fields: Any) -> LedgerEntry:
    return LedgerEntry(key, "late", points, **{"effective_on": DAY, "expires_on": date(2027, 3, 9)} | fields)


def score(*entries: LedgerEntry, on: date = DAY) -> int:
    return standing(entries, on, start=100, star_limits=LIMITS).score


def test_empty_ledger_is_the_start_with_five_stars_for_ever() -> None:
    assert standing([], DAY, start=100, star_limits=LIMITS) == Standing(100, 5, (), None)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (DAY - timedelta(days=1), 100),
        (DAY, 90),
        (date(2027, 3, 8), 90),
        (date(2027, 3, 9), 100),
    ],
    ids=["the day before", "the first day", "the last day", "the day it expires"],
)
def test_points_count_from_the_effective_day_to_the_day_before_they_expire(on: date, expected: int) -> None:
    assert score(entry(), on=on) == expected


def test_repaired_entry_counts_no_longer_from_the_day_of_repair_on() -> None:
    repaired = entry(ended_on=date(2026, 9, 9))

    assert score(repaired, on=date(2026, 9, 8)) == 90
    assert score(repaired, on=date(2026, 9, 9)) == 100


@pytest.mark.parametrize("fields", [{"voided": True}, {"effective_on": None, "expires_on": None}])
def test_struck_out_and_waiting_entries_never_count(fields: dict[str, Any]) -> None:
    found = standing([entry(**fields)], DAY, start=100, star_limits=LIMITS)

    assert (found.score, found.parts, found.next_change) == (100, (), None)


def test_merits_make_good_what_breaches_cost_and_are_not_saved_up() -> None:
    assert score(entry(1, -10), entry(2, 5)) == 95
    assert score(entry(1, 5), entry(2, 5)) == 100


def test_score_is_never_below_zero() -> None:
    assert score(entry(1, -90), entry(2, -90)) == 0


@pytest.mark.parametrize(
    ("points", "stars"),
    [(100, 5), (95, 5), (94, 4), (85, 4), (84, 3), (70, 3), (69, 2), (60, 2), (59, 1), (0, 1)],
)
def test_stars_follow_the_limits(points: int, stars: int) -> None:
    assert stars_of(points, LIMITS) == stars


def test_next_change_is_the_first_day_of_another_sum() -> None:
    entries = [entry(1), entry(2, effective_on=date(2026, 5, 1)), entry(3, ended_on=date(2026, 4, 1))]

    assert standing(entries, DAY, start=100, star_limits=LIMITS).next_change == date(2026, 4, 1)
    assert standing(entries, date(2026, 4, 1), start=100, star_limits=LIMITS).next_change == date(2026, 5, 1)
    assert standing(entries, date(2027, 3, 9), start=100, star_limits=LIMITS).next_change is None


# ---------- thresholds ----------


def test_threshold_is_reached_by_the_third_within_twelve_months() -> None:
    first, second, third = (entry(n, effective_on=date(2026, n, 5)) for n in (1, 2, 3))

    assert threshold_reached([first, second], Rule(), date(2026, 3, 5)) == ()
    assert threshold_reached([third, first, second], Rule(), date(2026, 3, 5)) == (first, second, third)


@pytest.mark.parametrize(("on", "reached"), [(date(2027, 1, 4), True), (date(2027, 1, 5), False)])
def test_entry_leaves_the_window_with_its_anniversary(on: date, reached: bool) -> None:
    old = entry(1, effective_on=date(2026, 1, 5))
    others = [entry(n, effective_on=date(2026, 12, 1)) for n in (2, 3)]

    assert bool(threshold_reached([old, *others], Rule(), on)) is reached


def test_entries_whose_points_expired_still_count_towards_the_threshold() -> None:
    short = [entry(n, effective_on=date(2026, 1, n), expires_on=date(2026, 2, n)) for n in (1, 2, 3)]

    assert len(threshold_reached(short, Rule(), date(2026, 6, 1))) == 3


@pytest.mark.parametrize("fields", [{"voided": True}, {"effective_on": None}, {"ended_on": DAY}, {"rule": "other"}])
def test_other_repaired_and_struck_out_entries_do_not_reach_a_threshold(fields: dict[str, Any]) -> None:
    entries = [entry(1), entry(2), replace(entry(3), **fields)]

    assert threshold_reached(entries, Rule(), DAY) == ()


# ---------- the log ----------


def envelope(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data}


def test_the_ledger_is_folded_from_the_log() -> None:
    log = [
        envelope("agency.registered", code="x"),
        envelope("credit.entered", entry=7, rule="late", points=-5),
        envelope("credit.entered", entry=8, rule="late", points=-5),
        envelope("credit.entered", entry=9, rule="praise", points=2),
        envelope("credit.counted", entry=9, effective_on="2026-03-09", expires_on=None),
        envelope("credit.confirmed", entry=7, effective_on="2026-03-10", expires_on="2027-03-10"),
        envelope("credit.dropped", entry=8),
        envelope("credit.repaired", entry=7, ended_on="2026-09-10"),
        envelope("credit.voided", entry=7),
    ]

    assert from_events(log) == [
        LedgerEntry(7, "late", -5, date(2026, 3, 10), date(2027, 3, 10), date(2026, 9, 10), voided=True),
        LedgerEntry(8, "late", -5, voided=True),
        LedgerEntry(9, "praise", 2, date(2026, 3, 9)),
    ]


# ---------- properties ----------

days = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@st.composite
def ledgers(draw: Any) -> list[LedgerEntry]:
    found = []
    for key in range(draw(st.integers(0, 6))):
        begins = draw(st.none() | days)
        span = draw(st.none() | st.integers(1, 300))
        found.append(
            LedgerEntry(
                key,
                draw(st.sampled_from(["late", "praise"])),
                draw(st.integers(-40, 5)),
                begins,
                begins + timedelta(days=span) if begins and span else None,
                begins + timedelta(days=draw(st.integers(0, 400))) if begins and draw(st.booleans()) else None,
                draw(st.booleans()),
            )
        )
    return found


def of(entries: list[LedgerEntry], on: date) -> Standing:
    return standing(entries, on, start=100, star_limits=LIMITS)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(ledgers(), days, st.randoms(use_true_random=False))
def test_order_of_entries_does_not_matter(entries: list[LedgerEntry], on: date, rng: Any) -> None:
    shuffled = list(entries)
    rng.shuffle(shuffled)

    assert of(shuffled, on) == of(entries, on)
    assert threshold_reached(shuffled, Rule(threshold=1), on) == threshold_reached(entries, Rule(threshold=1), on)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(ledgers(), days)
def test_struck_out_entries_change_nothing(entries: list[LedgerEntry], on: date) -> None:
    assert of(entries, on) == of([one for one in entries if not one.voided], on)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(ledgers(), days)
def test_score_stays_the_same_until_the_day_of_the_next_change(entries: list[LedgerEntry], on: date) -> None:
    now = of(entries, on)
    until = now.next_change or on + timedelta(days=800)

    assert 0 <= now.score <= 100
    for day in (on + timedelta(days=1), until - timedelta(days=1)):
        if on < day < until:
            assert of(entries, day) == now
    if now.next_change:
        assert of(entries, now.next_change).parts != now.parts
