"""Deadlines: stored instants with their derivation, and the clock that moves only what is due.

A deadline is computed once, by the act that starts it, and enforced on the request's clock: an act after it is refused
even when no clock process has run. The clock asks each app for `(due, verb)` from current state; every verb is idempotent.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from . import clock, workdays
from .clock import iso_micros, local_date
from .errors import DomainError
from .models import CalendarDay, RuleParameter
from .parameters import parameter
from .workdays import add_months as add_months

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deadline:
    """An instant and how it was found: start, parameter, value, unit, basis, and for working days the days counted."""

    due: datetime
    derivation: dict[str, Any]


def calendar() -> workdays.Calendar:
    """The working-day calendar with this installation's own corrections."""
    rows = list(CalendarDay.objects.values_list("day", "is_workday"))
    base = workdays.current()
    if not rows:
        return base
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()[:8]
    return base.with_exceptions(dict(rows), f"{base.version}+{digest}")


def deadline(code: str, start: datetime, *, on: date | None = None) -> Deadline:
    """The end of the period `code` that starts with an event at `start`; `on` is the day whose rules the case keeps.

    Working days: the day of the event does not count and the period ends at 24:00 of its last working day in China
    (民法典第二百零一条、第二百零三条). Shorter units are exact spans.
    """
    rule = parameter(code, on or local_date(start))
    return span(rule, start)


def span(rule: RuleParameter, start: datetime) -> Deadline:
    derivation: dict[str, Any] = {
        "start": iso_micros(start),
        "parameter": rule.code,
        "value": rule.value,
        "unit": rule.unit,
        "basis": rule.basis,
        "demo": rule.is_demo,
    }
    amount = int(rule.value)
    if rule.unit == RuleParameter.Unit.WORKDAYS:
        period = calendar().period(local_date(start), amount)
        return Deadline(period.end_instant(), derivation | {"period": period.as_data()})
    if rule.unit == RuleParameter.Unit.MONTHS:
        return Deadline(clock.start_of_day(add_months(local_date(start), amount) + timedelta(days=1)), derivation)
    if rule.unit == RuleParameter.Unit.DAYS:
        return Deadline(clock.start_of_day(local_date(start) + timedelta(days=amount + 1)), derivation)
    if rule.unit in {"hours", "minutes", "seconds"}:
        return Deadline(start + timedelta(**{rule.unit: amount}), derivation)
    raise ValueError(f"{rule.code} has the unit {rule.unit}, which measures no time")


@dataclass(frozen=True)
class Due:
    """Something the clock must do: when it fell due, a name for the journal, and the act (called with `now`)."""

    at: datetime
    name: str
    act: Callable[[datetime], object]


def run_due(now: datetime, *, reading: Callable[[], datetime] | None = None) -> list[str]:
    """Do everything that is due, oldest first; returns the names of what was done.

    An act that finds its case moved on already, by a visitor or another clock, is passed over. One failing act or
    source never holds the others. `reading` reads the clock again for each act: in a long pass a pot must not be opened
    for a window that is over. Without it every act is dated `now`.
    """
    done: list[str] = []
    work: list[Due] = []
    for path in settings.DEADLINE_SOURCES:
        source: Callable[[datetime], Iterator[Due]] = import_string(path)
        try:
            work.extend(source(now))
        except Exception:  # the database may be away; the clock goes on and asks again
            logger.exception("%s cannot say what is due", path)
    for item in sorted(work, key=lambda entry: entry.at):
        try:
            item.act(reading() if reading else now)
        except DomainError as refusal:
            logger.info("%s passed over: %s", item.name, refusal.code)
        except Exception:
            logger.exception("%s failed; it stays due", item.name)
        else:
            done.append(item.name)
    return done
