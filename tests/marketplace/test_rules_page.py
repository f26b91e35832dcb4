"""Everybody can read which rules hold, since when, and on which basis."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.translation import override

from marketplace import clock, deadlines, parameters, rules_page
from marketplace.models import CalendarDay, RuleParameter
from tests.live import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    parameters.load_file("parameters.json")


def test_every_shipped_parameter_has_words() -> None:
    assert {row.code for row in RuleParameter.objects.all()} == set(rules_page.LABELS)


def test_the_page_shows_the_value_that_holds_today_with_its_basis(client: Client) -> None:
    page = client.get("/rules/", headers={"accept-language": "en"}).content.decode()
    assert "3 working days" in page
    assert "¥500,000.00" in page
    assert "¥300,000.00" not in page  # the edition of 2020 has ended
    assert "瑞昌市中介超市规则：中选公告公示 3 个工作日" in page
    assert "shortened for the demo" not in page
    assert "provisional" in page  # 2027's notice is not out


def test_a_demos_own_value_is_marked(client: Client) -> None:
    parameters.load_file("demo_parameters.json", is_demo=True, valid_from=NOW.date())
    page = client.get("/rules/", headers={"accept-language": "en"}).content.decode()
    assert "shortened for the demo" in page
    assert "20 seconds" in page


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("workdays", "1", "1 working day"),
        ("percent", "60", "60 %"),
        ("codes", "5007,5008", "5007, 5008"),
        ("count", "25000000", "25,000,000"),
    ],
)
def test_values_are_shown_with_their_unit(unit: str, value: str, text: str) -> None:
    with override("en"):
        assert (
            rules_page.value_text(RuleParameter(code="x", value=value, unit=unit, valid_from=date(2026, 1, 1)))
            == text
        )


def test_a_correction_of_the_calendar_goes_both_ways_and_needs_a_basis(client: Client, capsys: Any) -> None:
    wednesday = NOW.date() + timedelta(days=1)
    saturday = date(2026, 3, 14)
    with pytest.raises(CommandError):
        call_command("calendar_day", str(wednesday), "closed")
    call_command("calendar_day", str(wednesday), "closed", basis="flood")
    call_command("calendar_day", str(saturday), "worked", basis="make-up")
    days = deadlines.calendar()
    assert not days.is_workday(wednesday)
    assert days.is_workday(saturday)
    assert "flood" in client.get("/rules/").content.decode()
    call_command("calendar_day", str(wednesday), "remove")
    assert CalendarDay.objects.count() == 1
    assert deadlines.calendar().is_workday(wednesday)
