"""What this database says about itself: is it a demo, and under which seed was it made."""

from __future__ import annotations

from datetime import datetime

from .models import Installation

# Every account of a demo database has this password; both are printed at the start and on its login page.
DEMO_PASSWORD = "sunshine-2026"
DEMO_LOGINS = [
    ("owner1", "项目业主", "owner"),
    ("agency1 … agency348", "中介服务机构", "agency"),
    ("office1", "协管办（审核）", "office, checks"),
    ("office2", "协管办（发布）", "office, publishes"),
    ("authority1", "行业主管部门", "authority"),
    ("supervisor1", "监察", "supervisor"),
    ("visitor1", "新用户", "a person without an organisation"),
]


def is_demo() -> bool:
    """True in a database that `manage.py demo` made: shortened times, and a mark on every page."""
    return Installation.objects.filter(is_demo=True).exists()


def mark_as_demo(*, seed: str, at: datetime) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"is_demo": True, "seed": seed, "created_at": at})
