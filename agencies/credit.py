"""The credit score: a pure function of ledger entries and a day. No database, no clock, no settings.

The score of a day is the one at its end:

    score = start + points of every entry in force on that day, never below 0 and never above start

An entry is in force from `effective_on` to the day before `expires_on` and before `ended_on` (repair); an entry that was
dropped or struck out never is. Merits make good what breaches cost in the same time; they are not saved up above the
start, so nobody buys a breach in advance. Anybody can fold the public log of an agency (`from_events`) and gets the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from marketplace.workdays import add_months


@dataclass(frozen=True)
class LedgerEntry:
    """One entry as the score sees it. `effective_on` is None while its right of reply runs; `voided`: it never counts."""

    key: int
    rule: str
    points: int
    effective_on: date | None = None
    expires_on: date | None = None
    ended_on: date | None = None
    voided: bool = False

    @property
    def last_bound(self) -> date | None:
        """The first day on which it is not in force any more, or None."""
        bounds = [day for day in (self.expires_on, self.ended_on) if day is not None]
        return min(bounds) if bounds else None

    def in_force(self, on: date) -> bool:
        if self.voided or self.effective_on is None or on < self.effective_on:
            return False
        return self.last_bound is None or on < self.last_bound


@dataclass(frozen=True)
class Part:
    """What one entry gives or takes on the day asked for."""

    entry: LedgerEntry
    points: int


@dataclass(frozen=True)
class Standing:
    """Score, stars (1 to 5), the entries it is made of, and the next day on which it changes by itself."""

    score: int
    stars: int
    parts: tuple[Part, ...]
    next_change: date | None


class Threshold(Protocol):
    """So many entries of one rule within so many calendar months: a row of the list of rules."""

    @property
    def code(self) -> str: ...
    @property
    def threshold(self) -> int: ...
    @property
    def within_months(self) -> int: ...


def stars_of(score: int, limits: Sequence[int]) -> int:
    """`limits`: the lowest scores for five, four, three and two stars, in this order."""
    return 1 + sum(score >= limit for limit in limits)


def standing(entries: Iterable[LedgerEntry], on: date, *, start: int, star_limits: Sequence[int]) -> Standing:
    """The standing at the end of the day `on`; the order of `entries` does not matter."""
    known = sorted(entries, key=lambda entry: entry.key)
    parts = tuple(Part(entry, entry.points) for entry in known if entry.in_force(on))
    score = max(0, min(start, start + sum(part.points for part in parts)))
    turns = {
        day
        for entry in known
        for day in (entry.effective_on, entry.last_bound)
        # A bound that no day in force comes before changes nothing.
        if day is not None and day > on and entry.in_force(day) != entry.in_force(_day_before(day))
    }
    return Standing(score, stars_of(score, star_limits), parts, min(turns, default=None))


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def threshold_reached(entries: Iterable[LedgerEntry], rule: Threshold, on: date) -> tuple[LedgerEntry, ...]:
    """The entries of the rule that reach its threshold on the day, by effective day; empty when there are too few.

    Counted are those that began to count within the rule's months up to that day, also when their points have expired
    since; not those that were repaired or struck out.
    """
    counted = [
        entry
        for entry in entries
        if entry.rule == rule.code
        and not entry.voided
        and entry.effective_on is not None
        and entry.effective_on <= on < add_months(entry.effective_on, rule.within_months)
        and (entry.ended_on is None or on < entry.ended_on)
    ]
    if len(counted) < rule.threshold:
        return ()
    return tuple(sorted(counted, key=lambda entry: (entry.effective_on or on, entry.key)))


def from_events(envelopes: Iterable[Mapping[str, Any]]) -> list[LedgerEntry]:
    """The ledger out of an agency's public event stream (envelopes in order); events of other kinds are passed over."""
    found: dict[int, LedgerEntry] = {}
    for envelope in envelopes:
        kind, data = envelope["type"], envelope["data"]
        if kind == "credit.entered":
            found[data["entry"]] = LedgerEntry(data["entry"], data["rule"], data["points"])
        elif kind in {"credit.counted", "credit.confirmed"}:
            found[data["entry"]] = replace(
                found[data["entry"]], effective_on=_day(data["effective_on"]), expires_on=_day(data["expires_on"])
            )
        elif kind in {"credit.dropped", "credit.voided"}:
            found[data["entry"]] = replace(found[data["entry"]], voided=True)
        elif kind == "credit.repaired":
            found[data["entry"]] = replace(found[data["entry"]], ended_on=_day(data["ended_on"]))
    return list(found.values())


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
