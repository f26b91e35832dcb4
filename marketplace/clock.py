"""The one place that reads the time. Actions never do: they take `at`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.utils import timezone

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    return timezone.now()


def local_date(at: datetime) -> date:
    """The calendar date in China on which `at` falls; every period of the regulation starts from it."""
    return at.astimezone(SHANGHAI).date()


def start_of_day(day: date) -> datetime:
    """Midnight in China at which the day begins; the end of a period is the start of the day after its last."""
    return datetime.combine(day, time(0), SHANGHAI)


def iso_seconds(at: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, the form of times inside draw entries (whole seconds, UTC)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_micros(at: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, the form of an event's `at`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_iso(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
