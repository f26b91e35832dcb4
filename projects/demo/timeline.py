"""Acts of the demo's past with their moments, played in the order of time whatever the order they were thought of."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count

from marketplace import clock, deadlines

Act = Callable[[datetime], object]


class Timeline:
    """`until` is the moment of loading: what would come after it is left to the clock and to visitors."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.today = clock.local_date(until)
        self.days = deadlines.calendar()
        self._heap: list[tuple[datetime, int, Act]] = []
        self._order = count()

    def add(self, at: datetime, act: Act) -> None:
        """Also from within an act, for what follows from it."""
        if at <= self.until:
            heapq.heappush(self._heap, (at, next(self._order), act))

    def play(self) -> None:
        while self._heap:
            at, _number, act = heapq.heappop(self._heap)
            act(at)

    def workdays_before(self, workdays: int, hour: int, minute: int = 0) -> datetime:
        """An hour of the so-many-th working day before the day of loading."""
        day = self.today
        while workdays:
            day -= timedelta(days=1)
            workdays -= self.days.is_workday(day)
        return _moment(day, hour, minute)

    def days_before(self, days: int, hour: int, minute: int = 0) -> datetime:
        """An hour of a working day, about so many days before the day of loading."""
        day = self.today - timedelta(days=days)
        while not self.days.is_workday(day):
            day -= timedelta(days=1)
        return _moment(day, hour, minute)

    def workdays_after(self, at: datetime | date, workdays: int, hour: int, minute: int = 0) -> datetime:
        """An hour of the so-many-th working day after a moment or a day."""
        day = clock.local_date(at) if isinstance(at, datetime) else at
        return _moment(self.days.add_workdays(day, workdays), hour, minute)


def _moment(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), clock.SHANGHAI)
