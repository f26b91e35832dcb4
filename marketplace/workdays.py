"""Working days of the People's Republic of China, and the periods counted in them.

A working day is Monday to Friday, less the holidays and plus the make-up weekends of the State Council's
yearly notice (``data/workdays.json``, under 《全国年节及纪念日放假办法》), corrected by the exceptions of the
county, which may close a working day or open a weekend.

How a period runs (《民法典》, the Civil Code):

* article 201 (第二百零一条): the day of the event does not count, whatever day of the week it is; counting
  starts the next day;
* article 203 (第二百零三条): the last day is a working day and ends at 24:00, here in Asia/Shanghai.

A year whose notice is not loaded is *provisional*: its days are the best guess of the ``holidays`` package
(the statutory days, else Monday to Friday; for years before 2023 what it remembers of the old notices; plain
Monday to Friday outside 1950-2100). Whoever stores a deadline stores ``Period.provisional`` with it, and
computes it again once ``Calendar.with_notice`` has brought the year in. A notice may reach into the last days
of the year before it (that of 2019 made 2018-12-29 a working day): such days are taken from it, but are not
called provisional in advance.

All functions take plain ``date`` values, already in the time zone of the county; ``day_of`` gets one from an
instant. A ``datetime`` is refused with ``TypeError``: it is a ``date`` by inheritance, and would give wrong
answers in silence.
"""

import json
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Self, get_args
from zoneinfo import ZoneInfo

Reason = Literal["event_day", "workday", "makeup_workday", "weekend", "holiday", "local_closure", "local_workday"]

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORKING: frozenset[Reason] = frozenset({"workday", "makeup_workday", "local_workday"})
_REASONS = frozenset(get_args(Reason))
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_TABLE = Path(__file__).with_name("data") / "workdays.json"


class Holiday(NamedTuple):
    """One holiday of a notice, from its first to its last day off, both included."""

    name: str
    first: date
    last: date


@dataclass(frozen=True)
class Notice:
    """A notice of the General Office of the State Council: the holidays and make-up days of one year."""

    year: int
    number: str
    issued: date
    holidays: tuple[Holiday, ...]
    workdays: tuple[date, ...]

    def __post_init__(self) -> None:
        off = {day for holiday in self.holidays for day in _span(holiday.first, holiday.last)}
        for day in self.workdays:
            if _plain_date(day).weekday() < _SATURDAY or day in off:
                raise ValueError(f"{day} is no make-up working day: not on a weekend, or a holiday")
        for day in off.union(self.workdays):
            # Only New Year's holiday crosses the turn of a year.
            if day.year != self.year and (day.year, day.month) != (self.year - 1, 12):
                raise ValueError(f"{day} does not belong to the notice of {self.year}")

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The notice from an entry of ``data/workdays.json``. ``KeyError``, ``ValueError`` if malformed."""
        return cls(
            year=int(data["year"]),
            number=str(data["number"]),
            issued=date.fromisoformat(data["issued"]),
            holidays=tuple(
                Holiday(str(row["name"]), date.fromisoformat(row["first"]), date.fromisoformat(row["last"]))
                for row in data["holidays"]
            ),
            workdays=tuple(date.fromisoformat(day) for day in data["workdays"]),
        )

    def days(self) -> dict[date, bool]:
        """Every day of the notice: False for a day off (a weekend in a holiday too), True for a make-up."""
        days = {day: False for holiday in self.holidays for day in _span(holiday.first, holiday.last)}
        days.update(dict.fromkeys(self.workdays, True))
        return days


@cache
def _table() -> Mapping[str, Any]:
    data: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return data


def _shipped_notices() -> tuple[Notice, ...]:
    return tuple(Notice.from_data(entry) for entry in _table()["notices"])


class CountedDay(NamedTuple):
    """A day a period runs over: ``ordinal`` is 1..n for a counted working day, None for any other day."""

    date: date
    counted: bool
    ordinal: int | None
    reason: Reason


@dataclass(frozen=True)
class Period:
    """``n`` working days after ``start``, and their derivation: every day from ``start`` to ``last``."""

    start: date
    n: int
    last: date
    provisional: bool
    version: str
    days: tuple[CountedDay, ...]

    def end_instant(self) -> datetime:
        """24:00 of the last day in Asia/Shanghai (Civil Code, article 203), that is 00:00 of the next day."""
        return datetime.combine(self.last + _ONE_DAY, time.min, SHANGHAI)

    def as_data(self) -> dict[str, Any]:
        """The period as JSON data: ASCII keys, dates as YYYY-MM-DD."""
        return {
            "start": self.start.isoformat(),
            "n": self.n,
            "last": self.last.isoformat(),
            "provisional": self.provisional,
            "version": self.version,
            "days": [
                {
                    "date": day.date.isoformat(),
                    "counted": day.counted,
                    "ordinal": day.ordinal,
                    "reason": day.reason,
                }
                for day in self.days
            ],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of ``as_data``. ``ValueError`` if keys or types are wrong or the days do not add up."""
        try:
            days = tuple(
                CountedDay(date.fromisoformat(row["date"]), row["counted"], row["ordinal"], row["reason"])
                for row in data["days"]
            )
            period = cls(
                start=date.fromisoformat(data["start"]),
                n=data["n"],
                last=date.fromisoformat(data["last"]),
                provisional=data["provisional"],
                version=data["version"],
                days=days,
            )
            # The comparison also finds keys left over and dates in another format.
            sound = period._adds_up() and period.as_data() == data
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a period: {error!r}") from error
        if not sound:
            raise ValueError("not a period: its days do not add up")
        return period

    def _adds_up(self) -> bool:
        if type(self.n) is not int or type(self.provisional) is not bool or type(self.version) is not str:
            return False
        if not self.days or self.days[0] != CountedDay(self.start, False, None, "event_day"):
            return False
        ordinal = 0
        for offset, day in enumerate(self.days):
            works = day.reason in WORKING
            ordinal += works
            if (
                day.date != self.start + offset * _ONE_DAY
                or day.reason not in _REASONS
                or (day.reason == "event_day") is not (offset == 0)
                or day.counted is not works
                or day.ordinal != (ordinal if works else None)
                or type(day.ordinal) is not (int if works else type(None))
            ):
                return False
        final = self.days[-1]
        return ordinal == self.n and self.last == final.date and final.counted is (self.n > 0)


@dataclass(frozen=True)
class Calendar:
    """A calendar that never changes: a corrected one is a new value with a new version.

    ``version`` names the calendar in stored derivations. ``exceptions`` are the days on which the county
    differs from the nation (True: works, False: closed). ``known_years`` are the years whose notice is out; a
    notice of any other year is ignored. ``notices`` defaults to the ones shipped in ``data/workdays.json``.
    """

    version: str
    exceptions: Mapping[date, bool] = field(hash=False)
    known_years: frozenset[int]
    notices: tuple[Notice, ...] = field(default_factory=_shipped_notices, repr=False)
    _national: Mapping[date, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.version:
            raise ValueError("a calendar needs a version")
        for day, works in self.exceptions.items():
            _plain_date(day)
            if type(works) is not bool:
                raise TypeError(f"the exception of {day} must be True (works) or False (closed)")
        national: dict[date, bool] = {}
        for notice in sorted(self.notices, key=lambda notice: notice.year):
            if notice.year in self.known_years:
                national.update(notice.days())
        object.__setattr__(self, "exceptions", MappingProxyType(dict(self.exceptions)))
        object.__setattr__(self, "known_years", frozenset(self.known_years))
        object.__setattr__(self, "_national", MappingProxyType(national))

    def with_exceptions(self, mapping: Mapping[date, bool], version: str) -> "Calendar":
        """The calendar with these exceptions added; an exception of the same day is replaced."""
        return replace(self, version=version, exceptions={**self.exceptions, **mapping})

    def with_notice(self, notice: Notice, version: str) -> "Calendar":
        """The calendar with the year of ``notice`` known; an earlier notice of the same year is replaced."""
        others = tuple(other for other in self.notices if other.year != notice.year)
        known = self.known_years | {notice.year}
        return replace(self, version=version, notices=(*others, notice), known_years=known)

    def is_provisional(self, day: date) -> bool:
        """Whether the notice for the year of ``day`` is not known."""
        return _plain_date(day).year not in self.known_years

    def reason(self, day: date) -> Reason:
        """Why ``day`` is, or is not, a working day. An exception that agrees with the nation is not named."""
        reason = self._national_reason(_plain_date(day))
        works = self.exceptions.get(day)
        if works is None or works is (reason in WORKING):
            return reason
        return "local_workday" if works else "local_closure"

    def is_workday(self, day: date) -> bool:
        """Whether ``day`` is a working day."""
        return self.reason(day) in WORKING

    def add_workdays(self, start: date, n: int) -> date:
        """The ``n``-th working day after ``start``, which itself does not count; ``start`` when ``n`` is 0.

        ``ValueError`` if ``n`` is negative: counting back from an event is another rule.
        """
        day = _plain_date(start)
        left = _count(n)
        while left:
            day += _ONE_DAY
            left -= self.is_workday(day)
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """The number of working days d with start < d <= end; minus that of (end, start] when end < start."""
        if _plain_date(end) < _plain_date(start):
            return -self.workdays_between(end, start)
        return sum(self.is_workday(day) for day in _span(start + _ONE_DAY, end)) if start < end else 0

    def period(self, start: date, n: int) -> Period:
        """``n`` working days after ``start`` with the days counted. ``ValueError`` if ``n`` is negative.

        It is provisional if any day after ``start`` is. With ``n`` = 0 it ends with the day of the event.
        """
        day = _plain_date(start)
        _count(n)
        days = [CountedDay(day, False, None, "event_day")]
        ordinal = 0
        while ordinal < n:
            day += _ONE_DAY
            reason = self.reason(day)
            works = reason in WORKING
            ordinal += works
            days.append(CountedDay(day, works, ordinal if works else None, reason))
        provisional = any(self.is_provisional(counted.date) for counted in days[1:])
        return Period(start, n, day, provisional, self.version, tuple(days))

    def _national_reason(self, day: date) -> Reason:
        weekend = day.weekday() >= _SATURDAY
        works = self._national.get(day)
        if works is None and day.year not in self.known_years:
            works = _guess(day.year).get(day)
        if works is None:
            return "weekend" if weekend else "workday"
        if not works:
            return "holiday"
        return "makeup_workday" if weekend else "workday"


@cache
def shipped() -> Calendar:
    """The calendar of ``data/workdays.json`` alone: the notices this release knows, no exceptions."""
    notices = _shipped_notices()
    return Calendar(_table()["version"], {}, frozenset(notice.year for notice in notices), notices)


def current() -> Calendar:
    """The calendar the functions of this module use: the installed one, or else the shipped one."""
    return _installed or shipped()


def install(calendar: Calendar) -> None:
    """Make ``calendar`` the current one of this process; ``install(shipped())`` undoes it."""
    global _installed
    _installed = calendar


def is_workday(day: date) -> bool:
    """``Calendar.is_workday`` of the current calendar."""
    return current().is_workday(day)


def is_provisional(day: date) -> bool:
    """``Calendar.is_provisional`` of the current calendar."""
    return current().is_provisional(day)


def add_workdays(start: date, n: int) -> date:
    """``Calendar.add_workdays`` of the current calendar."""
    return current().add_workdays(start, n)


def workdays_between(start: date, end: date) -> int:
    """``Calendar.workdays_between`` of the current calendar."""
    return current().workdays_between(start, end)


def period(start: date, n: int) -> Period:
    """``Calendar.period`` of the current calendar."""
    return current().period(start, n)


def day_of(at: datetime) -> date:
    """The date of the instant ``at`` in Asia/Shanghai. ``ValueError`` if ``at`` is naive."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(SHANGHAI).date()


_installed: Calendar | None = None


@cache
def _guess(year: int) -> dict[date, bool]:
    # Imported here because it is slow to import and only provisional years need it.
    import holidays

    china = holidays.country_holidays("CN", years=year, expand=False)
    days = dict.fromkeys(china, False)
    days.update(dict.fromkeys(china.weekend_workdays, True))
    return days


def _plain_date(day: date) -> date:
    if isinstance(day, datetime) or not isinstance(day, date):
        raise TypeError(f"a plain date is needed, not {type(day).__name__}")
    return day


def _count(n: int) -> int:
    if type(n) is not int:
        raise TypeError(f"a whole number of working days is needed, not {type(n).__name__}")
    if n < 0:
        raise ValueError("the number of working days cannot be negative")
    return n


def _span(first: date, last: date) -> Iterator[date]:
    if _plain_date(last) < _plain_date(first):
        raise ValueError(f"{last} is before {first}")
    for offset in range((last - first).days + 1):
        yield first + offset * _ONE_DAY


def add_months(day: date, months: int) -> date:
    """The day with the same number so many calendar months later; where that month lacks it, its last day
    (民法典第二百零二条)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
