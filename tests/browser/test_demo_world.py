"""The demo world holds what its list of logins promises, and a log without faults."""

from __future__ import annotations

import pytest

from .demo_site import DemoSite

pytestmark = pytest.mark.browser


def test_each_login_of_the_demo_shows_the_case_it_is_listed_with(demo: DemoSite) -> None:
    told = demo.ask("told_by_logins")
    assert told == {
        "states": {
            "32": "suspended",
            "33": "removed",
            "34": "withdrawn",
            "349": "returned",
            "350": "submitted",
            "351": "submitted",
            "352": "publicity",
            "353": "submitted",
            "354": "draft",
            "355": "committed",
            "356": "verifying",
            "357": "returned",
            "358": "refused",
        },
        "certificate_days": told["certificate_days"],
        "replies": [1, 1],
        "changes": ["returned"],
        "petitions": ["repair lodged"],
        "stars": 1,
        "defects": 3,
        "lights": ["green", "red"],
        "objections": 1,
        "prechecks": 1,
        "agent": 1,
        "claims": 1,
        "belong_nowhere": 2,
        "work": ["change", "claim", "entry", "ledger", "objection", "owner", "petition", "precheck"],
    }
    # The day may have ended since the loading.
    assert told["certificate_days"] in (24, 25)


def test_the_log_of_the_loaded_demo_is_whole(demo: DemoSite) -> None:
    assert "0 faults" in demo.manage("verify_log")
