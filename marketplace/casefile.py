"""What every case file shows: its clock with the days counted, and what has happened so far.

The contexts of `components/clock.html` and `components/timeline.html`, the same for registrations and tasks.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from . import clock, events
from .deadlines import calendar
from .models import Organisation
from .workflow import StatefulModel


def light(start: datetime | None, due: datetime | None, at: datetime) -> str:
    """`green`, `amber` in the last third of the period, `red` when overdue; empty without a clock."""
    if due is None:
        return ""
    if at >= due:
        return "red"
    total = due - start if start else timedelta(0)
    return "amber" if due - at <= total / 3 else "green"


def days_left(at: datetime, last: date) -> int:
    """Whole working days between the day of `at` and a last day, never negative."""
    return max(0, calendar().workdays_between(clock.local_date(at), last))


def day_reason(reason: str) -> str:
    """The words of a day in a count; empty for an ordinary working day."""
    return {
        "event_day": _("day of the event"),
        "workday": "",
        "makeup_workday": _("make-up working day"),
        "weekend": _("weekend"),
        "holiday": _("public holiday"),
        "local_closure": _("closed locally"),
        "local_workday": _("worked locally"),
    }[reason]


def deadline_clock(
    label: str, due: datetime, derivation: dict[str, Any], *, at: datetime, met: bool = False
) -> dict[str, Any]:
    """A stored deadline with its derivation (see `deadlines.Deadline`), as it stands at `at`."""
    period = derivation.get("period")
    start = clock.from_iso(derivation["start"]) if "start" in derivation else None
    shown: dict[str, Any] = {
        "label": label,
        "due": due,
        "now": at,
        "rule": derivation.get("basis", ""),
        "state": "met" if met else light(start, due, at),
        "counted": [],
    }
    if period:
        # 24:00 of the last day is the next day's midnight; today itself no longer counts as a whole day.
        shown["remaining_workdays"] = days_left(at, date.fromisoformat(period["last"]))
        shown["provisional"] = period["provisional"]
        shown["counted"] = [
            {
                "day": date.fromisoformat(day["date"]),
                "counted": day["counted"],
                "reason": day_reason(day["reason"]),
            }
            for day in period["days"]
        ]
    return shown


def history(case: StatefulModel) -> list[dict[str, Any]]:
    """The events of the case's log, oldest first: when, what, who in which role, under which rule."""
    basis = {spec.event: spec.basis for spec in case.verbs().values()}
    roles = dict(Organisation.Kind.choices) | {"system": _("the clock"), "public": _("visitor")}
    return [
        {
            "at": clock.from_iso(event["at"]),
            "act": events.event_type(event["type"]).sentence(event["data"]),
            "actor": event["actor"]["name"],
            "role": str(roles.get(event["actor"]["role"], event["actor"]["role"])),
            "rule": basis.get(event["type"], ""),
            "tense": "past",
        }
        for event in events.read_all(case.stream_name())
    ]
