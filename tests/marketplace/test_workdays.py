"""The working-day calendar against the notices, the ``holidays`` package and the cost of ignoring them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace import workdays
from marketplace.workdays import Calendar, Holiday, Notice, Period, shipped

ONE_DAY = timedelta(days=1)
KNOWN = frozenset({2023, 2024, 2025, 2026})
FIRST, LAST = date(2023, 1, 1), date(2026, 12, 31)

days = st.dates(min_value=date(2021, 1, 1), max_value=date(2029, 12, 31))
known_days = st.dates(min_value=FIRST, max_value=LAST)
counts = st.integers(min_value=0, max_value=60)
calendars = st.dictionaries(days, st.booleans(), max_size=30).map(
    lambda exceptions: shipped().with_exceptions(exceptions, "county")
)

# A busy machine must not fail a property; the first provisional day also imports ``holidays``.
no_deadline = settings(deadline=None)


def span(first: date, last: date) -> Iterator[date]:
    return (first + offset * ONE_DAY for offset in range((last - first).days + 1))


@pytest.fixture(autouse=True)
def shipped_calendar() -> Iterator[None]:
    workdays.install(shipped())
    yield
    workdays.install(shipped())


# The table


def test_every_day_of_the_known_years_agrees_with_the_holidays_package() -> None:
    china = holidays.country_holidays("CN", years=range(2022, 2028))
    checked = list(span(FIRST, LAST))
    assert len(checked) == 1461
    differing = [day for day in checked if workdays.is_workday(day) is not china.is_working_day(day)]
    assert differing == []


def test_the_makeup_weekends_are_those_of_the_holidays_package() -> None:
    china = holidays.country_holidays("CN", years=range(2022, 2028))
    ours = {day for day in span(FIRST, LAST) if shipped().reason(day) == "makeup_workday"}
    assert ours == {day for day in china.weekend_workdays if FIRST <= day <= LAST}
    assert len(ours) == 7 + 8 + 5 + 6


def test_the_number_of_working_days_of_each_year() -> None:
    totals = {year: sum(map(workdays.is_workday, span(date(year, 1, 1), date(year, 12, 31)))) for year in KNOWN}
    assert totals == {2023: 249, 2024: 251, 2025: 248, 2026: 248}


def test_the_notices_are_named_and_issued_before_their_year() -> None:
    notices = shipped().notices
    assert [(notice.year, notice.number, notice.issued.isoformat()) for notice in notices] == [
        (2023, "国办发明电〔2022〕16号", "2022-12-08"),
        (2024, "国办发明电〔2023〕7号", "2023-10-25"),
        (2025, "国办发明电〔2024〕12号", "2024-11-12"),
        (2026, "国办发明电〔2025〕7号", "2025-11-04"),
    ]
    assert shipped().known_years == KNOWN
    assert shipped().version == "cn-2025-11-04"
    # Each notice states how many days a holiday lasts; a single day joins the weekend next to it.
    assert [[(h.last - h.first).days + 1 for h in notice.holidays] for notice in notices] == [
        [3, 7, 1, 5, 3, 8],
        [1, 8, 3, 5, 1, 3, 7],
        [1, 8, 3, 5, 3, 8],
        [3, 9, 3, 5, 3, 3, 7],
    ]


# Each holiday and the weeks around it: W works, m works on a weekend, H holiday, - weekend.

SIGNS = {"workday": "W", "makeup_workday": "m", "holiday": "H", "weekend": "-"}


@pytest.mark.parametrize(
    ("monday", "weeks"),
    [
        # New Year
        (date(2022, 12, 26), "WWWWWHH HWWWW--"),
        (date(2023, 12, 25), "WWWWW-- HWWWW--"),
        (date(2024, 12, 30), "WWHWW--"),
        (date(2025, 12, 29), "WWWHHHm"),
        # Spring Festival
        (date(2023, 1, 16), "WWWWWHH HHHHHmm WWWWW--"),
        (date(2024, 1, 29), "WWWWW-m WWWWWHH HHHHHHm WWWWW--"),
        (date(2025, 1, 20), "WWWWW-m WHHHHHH HHWWWm-"),
        (date(2026, 2, 9), "WWWWWmH HHHHHHH HWWWWm-"),
        # Tomb-Sweeping Day
        (date(2023, 4, 3), "WWHWW--"),
        (date(2024, 4, 1), "WWWHHHm"),
        (date(2025, 3, 31), "WWWWHHH"),
        (date(2026, 3, 30), "WWWWWHH HWWWW--"),
        # Labour Day
        (date(2023, 4, 17), "WWWWW-m WWWWWHH HHHWWm-"),
        (date(2024, 4, 22), "WWWWW-m WWHHHHH WWWWWm-"),
        (date(2025, 4, 21), "WWWWW-m WWWHHHH HWWWW--"),
        (date(2026, 4, 27), "WWWWHHH HHWWWm-"),
        # Dragon Boat Festival
        (date(2023, 6, 19), "WWWHHHm"),
        (date(2024, 6, 3), "WWWWW-- HWWWW--"),
        (date(2025, 5, 26), "WWWWWHH HWWWW--"),
        (date(2026, 6, 15), "WWWWHHH"),
        # Mid-Autumn and National Day
        (date(2023, 9, 25), "WWWWHHH HHHHHmm WWWWW--"),
        (date(2024, 9, 9), "WWWWWmH HHWWW--"),
        (date(2024, 9, 23), "WWWWW-m WHHHHHH HWWWWm-"),
        (date(2025, 9, 22), "WWWWW-m WWHHHHH HHHWWm-"),
        (date(2026, 9, 14), "WWWWW-m WWWWHHH WWWHHHH HHHWWm-"),
    ],
)
def test_the_weeks_around_each_holiday(monday: date, weeks: str) -> None:
    expected = weeks.replace(" ", "")
    assert monday.weekday() == 0
    found = "".join(SIGNS[shipped().reason(monday + n * ONE_DAY)] for n in range(len(expected)))
    assert found == expected


@pytest.mark.parametrize(
    ("start", "n", "last"),
    [
        (date(2026, 10, 1), 1, date(2026, 10, 8)),  # the day of the event may be a holiday
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # ends on a make-up Saturday
        (date(2026, 9, 19), 1, date(2026, 9, 20)),  # a Saturday, then a make-up Sunday
        (date(2026, 9, 20), 1, date(2026, 9, 21)),  # a make-up Sunday as the event does not count either
        (date(2023, 9, 28), 2, date(2023, 10, 8)),
        (date(2025, 1, 24), 2, date(2025, 1, 27)),
        (date(2024, 2, 9), 5, date(2024, 2, 22)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 13), 15, date(2026, 3, 12)),
        (date(2026, 10, 1), 0, date(2026, 10, 1)),
    ],
)
def test_periods_across_the_holidays(start: date, n: int, last: date) -> None:
    assert workdays.add_workdays(start, n) == last
    assert workdays.workdays_between(start, last) == n


# What ignoring the notices costs


def ignoring_makeup(day: date) -> bool:
    return day.weekday() < 5 and shipped().is_workday(day)


def plain_week(day: date) -> bool:
    return day.weekday() < 5


@pytest.mark.parametrize(
    ("rule", "n", "wrong", "percent"),
    [
        (ignoring_makeup, 2, 90, 6.3),
        (ignoring_makeup, 3, 134, 9.4),
        (ignoring_makeup, 15, 463, 32.4),
        (plain_week, 2, 181, 12.7),
        (plain_week, 3, 222, 15.5),
        (plain_week, 15, 615, 43.0),
    ],
)
def test_share_of_periods_a_simpler_rule_gets_wrong(
    rule: Callable[[date], bool], n: int, wrong: int, percent: float
) -> None:
    """Events on every calendar day from 2023-01-01 to 2026-11-30, working or not; their day does not count.

    The last month is left out so that every period, of 15 days too, ends in a year whose notice is known.
    """
    starts = list(span(FIRST, date(2026, 11, 30)))
    assert len(starts) == 1430

    def last(start: date) -> date:
        left, day = n, start
        while left:
            day += ONE_DAY
            left -= rule(day)
        return day

    found = sum(last(start) != workdays.add_workdays(start, n) for start in starts)
    assert (found, round(100 * found / len(starts), 1)) == (wrong, percent)


# Properties


@no_deadline
@given(calendars, days, counts)
def test_between_undoes_add(calendar: Calendar, start: date, n: int) -> None:
    last = calendar.add_workdays(start, n)
    assert calendar.workdays_between(start, last) == n
    assert last >= start
    assert n == 0 or (last > start and calendar.is_workday(last))


@no_deadline
@given(calendars, days, days)
def test_add_returns_the_last_working_day_of_a_span(calendar: Calendar, one: date, two: date) -> None:
    start, end = sorted((one, min(two, one + 90 * ONE_DAY)))
    last = calendar.add_workdays(start, calendar.workdays_between(start, end))
    assert start <= last <= end
    assert not any(calendar.is_workday(day) for day in span(last + ONE_DAY, end))


@no_deadline
@given(calendars, days, counts, st.integers(min_value=1, max_value=30))
def test_later_events_and_longer_periods_end_later(calendar: Calendar, start: date, n: int, more: int) -> None:
    assert calendar.add_workdays(start, n + more) > calendar.add_workdays(start, n)
    assert calendar.add_workdays(start + more * ONE_DAY, n) >= calendar.add_workdays(start, n)
    halfway = calendar.add_workdays(start, n)
    assert calendar.add_workdays(halfway, more) == calendar.add_workdays(start, n + more)


@no_deadline
@given(calendars, days, days, days)
def test_between_is_additive_and_changes_its_sign(calendar: Calendar, one: date, two: date, three: date) -> None:
    between = calendar.workdays_between
    assert between(one, two) == -between(two, one)
    assert between(one, three) == between(one, two) + between(two, three)


@no_deadline
@given(known_days, st.booleans())
def test_an_exception_wins_in_both_directions_and_only_on_its_day(day: date, works: bool) -> None:
    base = shipped()
    county = base.with_exceptions({day: works}, "county-1")
    assert county.is_workday(day) is works
    for other in (day - ONE_DAY, day + ONE_DAY):
        assert county.reason(other) == base.reason(other)
    if base.is_workday(day) is works:
        assert county.reason(day) == base.reason(day)
    else:
        assert county.reason(day) == ("local_workday" if works else "local_closure")
        shift = 1 if works else -1
        before = day - ONE_DAY
        assert county.workdays_between(before, day) == base.workdays_between(before, day) + shift


@no_deadline
@given(calendars, days, counts)
def test_a_period_agrees_with_add_and_explains_every_day(calendar: Calendar, start: date, n: int) -> None:
    period = calendar.period(start, n)
    assert period.last == calendar.add_workdays(start, n)
    assert (period.start, period.n, period.version) == (start, n, calendar.version)
    assert [day.date for day in period.days] == list(span(start, period.last))
    assert period.days[0] == (start, False, None, "event_day")
    for day in period.days[1:]:
        assert day.reason == calendar.reason(day.date)
        assert day.counted is calendar.is_workday(day.date)
    assert [day.ordinal for day in period.days if day.counted] == list(range(1, n + 1))
    assert all(day.ordinal is None for day in period.days if not day.counted)
    assert period.provisional is any(calendar.is_provisional(day.date) for day in period.days[1:])


@no_deadline
@given(calendars, days, counts)
def test_a_period_survives_json(calendar: Calendar, start: date, n: int) -> None:
    period = calendar.period(start, n)
    text = json.dumps(period.as_data())
    assert text.isascii()
    assert Period.from_data(json.loads(text)) == period


# Exceptions of the county


def test_a_county_closes_a_working_day_and_opens_a_weekend() -> None:
    flood, market = date(2026, 6, 10), date(2026, 6, 13)
    base = shipped()
    county = base.with_exceptions({flood: False}, "county-1").with_exceptions({market: True}, "county-2")
    assert county.version == "county-2"
    assert dict(county.exceptions) == {flood: False, market: True}
    assert base.exceptions == {}
    period = county.period(date(2026, 6, 9), 3)
    assert [(day.date.day, day.ordinal, day.reason) for day in period.days] == [
        (9, None, "event_day"),
        (10, None, "local_closure"),
        (11, 1, "workday"),
        (12, 2, "workday"),
        (13, 3, "local_workday"),
    ]
    assert county.with_exceptions({flood: True}, "county-3").reason(flood) == "workday"


def test_a_county_may_close_a_makeup_day_and_work_on_a_holiday() -> None:
    county = shipped().with_exceptions({date(2026, 10, 10): False, date(2026, 10, 5): True}, "county-1")
    assert county.reason(date(2026, 10, 10)) == "local_closure"
    assert county.reason(date(2026, 10, 5)) == "local_workday"
    assert county.add_workdays(date(2026, 9, 30), 1) == date(2026, 10, 5)


def test_a_calendar_cannot_be_changed_behind_its_version() -> None:
    exceptions = {date(2026, 6, 10): False}
    county = Calendar("county-1", exceptions, KNOWN)
    exceptions[date(2026, 6, 11)] = False
    assert county.is_workday(date(2026, 6, 11))
    with pytest.raises(TypeError):
        county.exceptions[date(2026, 6, 11)] = False  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        county.version = "county-2"  # type: ignore[misc]
    assert hash(county) == hash(Calendar("county-1", {date(2026, 6, 10): False}, KNOWN))


def test_malformed_calendars_are_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        Calendar("", {}, KNOWN)
    with pytest.raises(TypeError):
        Calendar("x", {datetime(2026, 6, 10, tzinfo=UTC): False}, KNOWN)
    with pytest.raises(TypeError):
        Calendar("x", {date(2026, 6, 10): 0}, KNOWN)  # type: ignore[dict-item]


# Provisional years


def test_only_the_known_years_are_final() -> None:
    assert [year for year in range(2015, 2040) if not workdays.is_provisional(date(year, 6, 1))] == sorted(KNOWN)
    assert not workdays.is_provisional(date(2026, 12, 31))
    assert workdays.is_provisional(date(2027, 1, 1))
    assert workdays.is_provisional(date(2022, 12, 31))


def test_a_period_is_provisional_when_it_reaches_an_unknown_year() -> None:
    assert not workdays.period(date(2026, 12, 29), 2).provisional  # ends on the 31st
    assert workdays.period(date(2026, 12, 29), 3).provisional
    assert workdays.period(date(2022, 12, 29), 2).provisional
    assert not workdays.period(date(2022, 12, 31), 2).provisional  # the day of the event is not counted
    assert not workdays.period(date(2027, 3, 1), 0).provisional


@pytest.mark.parametrize("year", [2027, 2028, 2035])
def test_statutory_days_are_free_in_a_provisional_year(year: int) -> None:
    for month, day in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)):
        assert shipped().reason(date(year, month, day)) == "holiday"
    assert workdays.is_workday(date(year, 11, 15)) is (date(year, 11, 15).weekday() < 5)


def test_years_before_the_table_and_beyond_the_package() -> None:
    assert shipped().reason(date(2018, 12, 29)) == "makeup_workday"  # by the notice for 2019
    assert shipped().reason(date(2018, 12, 31)) == "holiday"
    assert shipped().reason(date(2011, 12, 31)) == "makeup_workday"  # by the notice for 2012
    assert shipped().reason(date(2022, 12, 31)) == "holiday"  # by the notice for 2023
    assert [workdays.is_workday(date(2150, 1, day)) for day in range(1, 8)] == [
        date(2150, 1, day).weekday() < 5 for day in range(1, 8)
    ]


INVENTED_2027 = Notice(
    year=2027,
    number="invented for the test",
    issued=date(2026, 11, 5),
    holidays=(
        Holiday("New Year", date(2026, 12, 31), date(2027, 1, 2)),
        Holiday("National Day", date(2027, 10, 1), date(2027, 10, 7)),
    ),
    workdays=(date(2026, 12, 27), date(2027, 10, 9)),
)


def test_a_notice_makes_its_year_final_and_moves_the_deadline() -> None:
    guessed = workdays.period(date(2027, 9, 30), 1)
    assert guessed.provisional
    assert guessed.last < date(2027, 10, 8)
    calendar = shipped().with_notice(INVENTED_2027, "cn-2026-11-05")
    final = calendar.period(date(2027, 9, 30), 1)
    assert (final.last, final.provisional, final.version) == (date(2027, 10, 8), False, "cn-2026-11-05")
    assert calendar.known_years == KNOWN | {2027}
    # It may reach back into the year before.
    assert calendar.reason(date(2026, 12, 27)) == "makeup_workday"
    assert calendar.reason(date(2026, 12, 31)) == "holiday"
    assert shipped().reason(date(2026, 12, 31)) == "workday"


def test_a_second_notice_of_a_year_replaces_the_first() -> None:
    amended = Notice(2027, "amended", date(2027, 9, 1), INVENTED_2027.holidays, ())
    calendar = shipped().with_notice(INVENTED_2027, "a").with_notice(amended, "b")
    assert calendar.reason(date(2027, 10, 9)) == "weekend"
    assert calendar.notices[-1] == amended
    assert len(calendar.notices) == 5


def test_a_notice_counts_only_in_a_known_year() -> None:
    before = Calendar("cn-2024", {}, frozenset({2023, 2024}))
    assert before.is_provisional(date(2025, 3, 3))
    assert not before.period(date(2024, 9, 30), 3).provisional
    early = Calendar("cn-2025-11-04", {}, KNOWN, (*shipped().notices, INVENTED_2027))
    assert early.reason(date(2027, 10, 9)) == "weekend"
    assert early.reason(date(2026, 12, 31)) == "workday"
    empty = Calendar("none", {}, frozenset({2025}), ())
    assert empty.reason(date(2025, 10, 1)) == "workday"


@pytest.mark.parametrize(
    ("holiday", "workday"),
    [
        (Holiday("x", date(2027, 5, 1), date(2027, 5, 3)), date(2027, 5, 7)),  # a Friday
        (Holiday("x", date(2027, 5, 1), date(2027, 5, 3)), date(2027, 5, 2)),  # a holiday too
        (Holiday("x", date(2027, 5, 3), date(2027, 5, 1)), date(2027, 5, 8)),  # ends before it begins
        (Holiday("x", date(2028, 5, 1), date(2028, 5, 3)), date(2027, 5, 8)),  # another year
        (Holiday("x", date(2027, 5, 1), date(2027, 5, 3)), date(2026, 5, 9)),
    ],
)
def test_malformed_notices_are_refused(holiday: Holiday, workday: date) -> None:
    with pytest.raises(ValueError, match="20"):
        Notice(2027, "x", date(2026, 11, 5), (holiday,), (workday,))


# Instants


def test_a_period_ends_at_midnight_in_shanghai() -> None:
    end = workdays.period(date(2026, 9, 30), 3).end_instant()
    assert end.isoformat() == "2026-10-11T00:00:00+08:00"
    assert end.astimezone(UTC) == datetime(2026, 10, 10, 16, tzinfo=UTC)


@no_deadline
@given(days, counts)
def test_the_end_is_the_first_instant_after_the_last_day(start: date, n: int) -> None:
    period = workdays.period(start, n)
    end = period.end_instant()
    assert end.tzinfo is not None
    assert end.timetz().replace(tzinfo=None) == time.min
    assert workdays.day_of(end) == period.last + ONE_DAY
    assert workdays.day_of(end - timedelta(microseconds=1)) == period.last


def test_the_day_of_an_instant_is_the_day_in_shanghai() -> None:
    assert workdays.day_of(datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert workdays.day_of(datetime(2026, 11, 20, 16, 0, tzinfo=UTC)) == date(2026, 11, 21)
    with pytest.raises(ValueError, match="time zone"):
        workdays.day_of(datetime(2026, 11, 20, 16, 0))


# Refusals


@pytest.mark.parametrize("wrong", [datetime(2026, 6, 10), datetime(2026, 6, 10, tzinfo=UTC), "2026-06-10", None])
def test_anything_but_a_plain_date_is_refused(wrong: Any) -> None:
    day = date(2026, 6, 10)
    calls: list[Callable[[], object]] = [
        lambda: workdays.is_workday(wrong),
        lambda: workdays.is_provisional(wrong),
        lambda: workdays.add_workdays(wrong, 1),
        lambda: workdays.add_workdays(wrong, 0),
        lambda: workdays.workdays_between(wrong, day),
        lambda: workdays.workdays_between(day, wrong),
        lambda: workdays.workdays_between(wrong, wrong),
        lambda: workdays.period(wrong, 1),
        lambda: shipped().reason(wrong),
        lambda: shipped().with_exceptions({wrong: True}, "x"),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="plain date"):
            call()


def test_only_whole_numbers_from_zero_are_counted() -> None:
    day = date(2026, 6, 10)
    for function in (workdays.add_workdays, workdays.period):
        with pytest.raises(ValueError, match="negative"):
            function(day, -1)
        for wrong in (1.0, True, "1", None):
            with pytest.raises(TypeError, match="whole number"):
                function(day, wrong)  # type: ignore[arg-type]


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = workdays.period(date(2026, 9, 30), 3).as_data()
    change(data)
    return data


@pytest.mark.parametrize(
    "data",
    [
        {},
        broken(lambda data: data.pop("version")),
        broken(lambda data: data.update(extra=1)),
        broken(lambda data: data.update(n=4)),
        broken(lambda data: data.update(n=3.0)),
        broken(lambda data: data.update(provisional=0)),
        broken(lambda data: data.update(start="20260930")),
        broken(lambda data: data.update(last="2026-10-11")),
        broken(lambda data: data.update(days=[])),
        broken(lambda data: data["days"].pop()),
        broken(lambda data: data["days"].pop(3)),
        broken(lambda data: data["days"][0].update(reason="workday")),
        broken(lambda data: data["days"][1].update(reason="event_day")),
        broken(lambda data: data["days"][1].update(reason="rain")),
        broken(lambda data: data["days"][1].update(reason=["holiday"])),
        broken(lambda data: data["days"][1].update(extra=None)),
        broken(lambda data: data["days"][-1].update(ordinal=2)),
        broken(lambda data: data["days"][8].update(ordinal=True)),
        broken(lambda data: data["days"][-1].update(counted=1)),
    ],
)
def test_a_stored_period_that_does_not_add_up_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a period"):
        Period.from_data(data)


# The current calendar


def test_the_module_uses_the_installed_calendar() -> None:
    day = date(2026, 6, 10)
    county = shipped().with_exceptions({day: False}, "county-1")
    workdays.install(county)
    assert workdays.current() is county
    assert not workdays.is_workday(day)
    assert workdays.add_workdays(date(2026, 6, 9), 1) == date(2026, 6, 11)
    assert workdays.workdays_between(date(2026, 6, 9), day) == 0
    assert workdays.period(date(2026, 6, 9), 1).version == "county-1"
    workdays.install(shipped())
    assert workdays.is_workday(day)


def test_neither_django_nor_holidays_is_imported_for_known_years() -> None:
    program = (
        "import sys, datetime; from marketplace import workdays;"
        "workdays.period(datetime.date(2026, 9, 30), 15);"
        "assert not {'django', 'holidays'} & set(sys.modules);"
        "workdays.is_workday(datetime.date(2027, 1, 1));"
        "assert 'holidays' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_ten_years_are_counted_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = date(2020, 1, 1), date(2030, 1, 1)
    looked_at: list[date] = []
    is_workday = Calendar.is_workday

    def counting(self: Calendar, day: date) -> bool:
        looked_at.append(day)
        return is_workday(self, day)

    monkeypatch.setattr(Calendar, "is_workday", counting)
    n = workdays.workdays_between(start, end)
    assert len(looked_at) == (end - start).days
    looked_at.clear()
    last = workdays.add_workdays(start, n)
    assert len(looked_at) == (last - start).days
    assert 2400 < n < 2550
