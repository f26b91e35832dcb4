"""An agency's public page: what it says of each state, what it keeps back, and that it costs the same."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agencies.models import Agency, CreditEntry, CreditRule, Penalty, ServiceRecord
from agencies.states import AgencyState, EntryState
from marketplace import clock
from marketplace.models import ServiceItem
from tests.factories import MONDAY, AgencyFactory, entered_agency, offers

DAY = clock.local_date(MONDAY)


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"


def page_of(client: Client, agency: Agency) -> Any:
    return client.get(reverse("agency_detail", args=[agency.code]))


def breach(agency: Agency, number: int, **fields: Any) -> CreditEntry:
    rule, _made = CreditRule.objects.get_or_create(
        code="late", valid_from=date(2020, 1, 1),
        defaults={"name_zh": "逾期", "name_en": "Late result", "gravity": "breach", "points": -5, "basis": "Rule 1"},
    )  # fmt: skip
    given = {"state": EntryState.COUNTED, "effective_on": DAY, "summary": f"Summary {number}"} | fields
    entry: CreditEntry = CreditEntry.objects.create(
        agency=agency, rule=rule, points=-5, source=f"test:{number}", happened_on=DAY, entered_at=MONDAY, **given
    )
    return entry


def test_the_page_shows_services_credit_and_numbers_of_people(client: Client, surveying: ServiceItem) -> None:
    agency = AgencyFactory(stars=4, score=90, services_done=2, quality_sum=14, quality_count=3)
    offers(agency, surveying)
    ServiceRecord.objects.create(
        agency=agency, item=surveying, source="s:1", title="River survey", finished_on=DAY, quality=5
    )
    breach(agency, 1)
    breach(agency, 2, state=EntryState.REPLY, effective_on=None, summary="Under reply")
    breach(agency, 3, state=EntryState.REPAIRED, ended_on=DAY, summary="Mended")

    response = page_of(client, agency)

    body = response.content.decode()
    assert [figure["value"] for figure in response.context["figures"]] == ["4 stars", 2, "4.66", 0]
    assert [(row["title"], row["quality"]) for row in response.context["services"]] == [("River survey", "5 of 5")]
    assert [(row["summary"], row["chip"]["text"]) for row in response.context["ledger"]] == [
        ("Mended", "repaired, counts no longer"),
        ("Summary 1", "counts now"),
    ]
    assert "Under reply" not in body
    assert agency.contact_phone not in body
    assert reverse("recommendation", args=[surveying.pk]) in body
    assert reverse("agency_ledger", args=[agency.code]) in body
    assert reverse("stream_events", args=[agency.stream_name()]) in body


def test_publicity_shows_its_clock_and_where_to_object(client: Client, promised: ServiceItem) -> None:
    agency = entered_agency(promised, until=AgencyState.PUBLICITY)

    response = page_of(client, agency)

    assert [shown["due"] for shown in response.context["clocks"]] == [agency.publicity_until]
    assert reverse("agency_objection", args=[agency.code]) in response.content.decode()
    assert reverse("agency_objection", args=[agency.code]) not in page_of(client, AgencyFactory()).content.decode()


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"state": AgencyState.COMMITTED}, "Entered on commitment first"),
        ({"state": AgencyState.SUSPENDED, "suspended_until": clock.start_of_day(date(2026, 6, 1))}, "2026-05-31"),
        ({"state": AgencyState.REMOVED, "left_at": MONDAY, "left_reason": "Forged papers."}, "Removed from"),
        ({"state": AgencyState.WITHDRAWN, "left_at": MONDAY, "left_reason": "We close."}, "Withdrew from"),
        ({"stars": 1}, "One star: it may not sign up for tasks paid from government funds."),
    ],
)
def test_each_standing_has_its_notice(client: Client, fields: dict[str, Any], title: str) -> None:
    agency = AgencyFactory(**fields)

    response = page_of(client, agency)

    (band,) = response.context["bands"]
    assert title in band["title"]
    removed = fields.get("state") == AgencyState.REMOVED
    if "left_reason" in fields:
        assert (fields["left_reason"] in band["text"]) is removed


def test_penalties_in_force_and_past_are_told_apart(client: Client) -> None:
    agency = AgencyFactory(state=AgencyState.SUSPENDED)
    ends = {1: MONDAY + timedelta(days=9), 2: MONDAY, 3: MONDAY + timedelta(days=9)}
    for number, until in ends.items():
        cause = breach(agency, number)
        Penalty.objects.create(
            agency=agency, kind="suspension", rule=cause.rule, cause=cause, until=until,
            imposed_at=MONDAY - timedelta(days=number), lifted_at=MONDAY if number == 3 else None,
        )  # fmt: skip

    rows = page_of(client, agency).context["penalties"]

    assert [(row["summary"], row["chip"]["text"]) for row in rows] == [
        ("Summary 1", "in force"),
        ("Summary 2", "past"),
        ("Summary 3", "lifted"),
    ]


def test_the_page_costs_the_same_at_one_and_at_three_of_everything(
    client: Client,
    surveying: ServiceItem,
    promised: ServiceItem,
    free: ServiceItem,
    django_assert_max_num_queries: Any,
) -> None:
    agency = AgencyFactory()
    counts = []
    for begin, items in ((0, [surveying]), (1, [promised, free])):
        for number, item in enumerate(items, begin):
            offers(agency, item)
            cause = breach(agency, number)
            Penalty.objects.create(agency=agency, kind="warning", rule=cause.rule, cause=cause, imposed_at=MONDAY)
            ServiceRecord.objects.create(
                agency=agency, item=item, source=f"s:{number}", title=f"Service {number}", finished_on=DAY
            )
        with django_assert_max_num_queries(20) as seen:
            response = page_of(client, agency)
        counts.append((len(response.context["items"]), len(response.context["ledger"]), len(seen)))

    assert [(items, entries) for items, entries, _ in counts] == [(1, 1), (3, 3)]
    assert counts[0][2] == counts[1][2]
