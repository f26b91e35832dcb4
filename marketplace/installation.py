"""What this database says about itself: is it a demo, and under which seed was it made."""

from __future__ import annotations

from datetime import datetime

from .models import Installation


def is_demo() -> bool:
    """True in a database that `manage.py demo` made: shortened times, and a mark on every page."""
    return Installation.objects.filter(is_demo=True).exists()


def mark_as_demo(*, seed: str, at: datetime) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"is_demo": True, "seed": seed, "created_at": at})
