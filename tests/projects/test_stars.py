"""One star cannot sign up for tasks paid from government funds (信用), and the task page says so."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from agencies import credit_rules, ledger
from agencies.models import Agency
from marketplace import clock
from marketplace.errors import RuleBroken
from marketplace.models import Event
from projects import actions, queries
from projects.models import SignUp
from tests.factories import MONDAY
from tests.project_factories import HOUR, PUBLISHED_AT, World, make_world, published

NOW = PUBLISHED_AT + HOUR
ROWS = [
    {
        "code": code,
        "name_zh": code,
        "name_en": code,
        "gravity": "breach",
        "points": points,
        "months": 12,
        "basis": "x",
        "valid_from": "2019-01-01",
    }
    for code, points in (("forty_points", -40), ("one_point", -1))
]


@pytest.fixture
def world(db: None) -> World:
    made = make_world(agencies=1)
    credit_rules.load(ROWS)
    breach(made.agencies[0], "forty_points")
    return made


def breach(agency: Agency, code: str) -> None:
    """A breach that counts from the day of its entry on."""
    earlier = MONDAY - 14 * 24 * HOUR
    entry = ledger.add_entry(
        agency, code, summary="x", source=code, happened_on=clock.local_date(earlier), actor=None, at=earlier
    )
    assert entry.reply_until is not None
    ledger.let_stand(entry, at=entry.reply_until)


def test_two_stars_sign_up_for_government_funds_and_one_does_not(world: World) -> None:
    task, [agency], [member] = published(world), world.agencies, world.members
    assert ledger.standing_of(agency, clock.local_date(NOW)).stars == 2
    mine = actions.sign_up(task, actor=member, at=NOW, agency=agency)
    actions.withdraw_sign_up(task, actor=member, at=NOW, agency=agency)
    breach(agency, "one_point")
    before = (Event.objects.count(), SignUp.objects.count())

    with pytest.raises(RuleBroken) as refusal:
        actions.sign_up(task, actor=member, at=NOW, agency=agency)

    assert (refusal.value.code, mine.task) == ("stars_suffice", task)
    assert (Event.objects.count(), SignUp.objects.count()) == before


def test_one_star_signs_up_where_social_funds_pay(world: World) -> None:
    breach(world.agencies[0], "one_point")
    task = published(world, fund_government=0, fund_social=100)

    assert actions.sign_up(task, actor=world.members[0], at=NOW, agency=world.agencies[0]).task == task


def test_pages_name_the_missing_star_among_the_reasons(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    breach(world.agencies[0], "one_point")
    government, social = published(world), published(world, fund_government=0, fund_social=100)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.members[0])

    for task, fits in ((government, False), (social, True)):
        page = client.get(reverse("notice_detail", args=[task.code])).content.decode()
        assert ("one star cannot sign up" in page) is not fits
    agency = Agency.objects.get(pk=world.agencies[0].pk)
    assert list(queries.fitting_tasks(agency, NOW)) == [social]
    rows = client.get(reverse("open_tasks")).context["rows"]
    assert {row["title"]: row["can"] for row in rows if row["url"].endswith(f"{social.code}/")} == {social.name: True}
    assert [row["can"] for row in rows].count(False) == 1
