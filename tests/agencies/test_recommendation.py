"""The recommendation list: one order, made of what everybody can check, and pages that show each agency once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from agencies import queries, recommendation
from agencies.models import Agency, AgencyItem
from agencies.states import AgencyState
from marketplace import clock
from marketplace.models import Organisation, ServiceItem
from tests.factories import MONDAY, AgencyFactory, AgencyItemFactory, ServiceItemFactory, credit_code, offers

DAY = clock.local_date(MONDAY)


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"


def walk(item: ServiceItem, size: int) -> list[list[int]]:
    pages, query = [], ""
    while True:
        page, follows = recommendation.page(item, DAY, QueryDict(query.lstrip("?")), size=size)
        pages.append([agency.pk for agency in page.rows])
        assert (follows is None) == (page.next_url == "")
        if len(pages) > 1:
            back, edge = recommendation.page(item, DAY, QueryDict(page.previous_url.lstrip("?")), size=size)
            assert ([agency.pk for agency in back.rows], edge and edge.pk) == (pages[-2], pages[-1][0])
        query = page.next_url
        if not query:
            return pages


facts = st.tuples(
    st.integers(1, 5), st.integers(0, 3), st.integers(0, 4), st.integers(0, 20), st.integers(0, 2), st.booleans()
)


class OrderTest(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(rows=st.lists(facts, min_size=1, max_size=8), size=st.integers(1, 4), few=st.booleans())
    def test_pages_give_each_agency_once_in_one_total_order(
        self, rows: list[tuple[int, int, int, int, int, bool]], size: int, few: bool
    ) -> None:
        item = ServiceItemFactory()
        for n, (stars, done, count, total, days, listed) in enumerate(rows):
            organisation = Organisation.objects.create(
                kind="agency", name=f"n{n}", code=credit_code(97 * n % 89, "91360481MB")
            )
            agency = Agency.objects.create(
                organisation=organisation, sort_name=organisation.name, sort_code=organisation.code, origin="local",
                state=AgencyState.COMMITTED, on_commitment=True, commitment_signed_at=MONDAY, documents_due=MONDAY,
                registered_at=MONDAY, active_since=MONDAY - timedelta(days=days), stars=stars, services_done=done,
                quality_count=count, quality_sum=count + total % (4 * count + 1),
            )  # fmt: skip
            AgencyItem.objects.create(agency=agency, item=item, is_active=listed)
        agencies = list(queries.eligible_agencies(item, DAY))
        wanted = [agency.pk for agency in sorted(agencies, key=recommendation.place_key)]
        limit = recommendation.FEW if few else 0

        with pytest.MonkeyPatch.context() as patch, transaction.atomic():
            patch.setattr(recommendation, "FEW", limit)
            pages = walk(item, size)

        assert [pk for page in pages for pk in page] == wanted
        assert all(len(page) == size for page in pages[:-1])
        assert len({recommendation.place_key(agency) for agency in agencies}) == len(agencies)


@given(
    first=st.tuples(st.integers(1, 10**6), st.integers(0, 4 * 10**6)),
    second=st.tuples(st.integers(1, 10**6), st.integers(0, 4 * 10**6)),
)
def test_the_stored_key_orders_means_as_exactly_as_fractions_do(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    from agencies.models.entry import QUALITY_SCALE

    means, keys = [], []
    for count, extra in (first, second):
        total = count + extra % (4 * count + 1)
        means.append(Fraction(total, count))
        keys.append(total * QUALITY_SCALE // count)

    assert (means[0] < means[1]) == (keys[0] < keys[1])
    assert max(total for total in keys) * 10**6 < 2**63


@pytest.fixture
def ranked(surveying: ServiceItem) -> Callable[[], list[str]]:
    return lambda: [agency.name for agency in recommendation.ranked(surveying, DAY)]


def test_five_stars_come_first_then_services_then_quality_then_entry(
    surveying: ServiceItem, ranked: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def agency(name: str, **fields: Any) -> None:
        offers(AgencyFactory(organisation__name=name, **fields), surveying)

    agency("four stars, most services", stars=4, services_done=90)
    agency("no mark", services_done=5, active_since=MONDAY)
    agency("good marks", services_done=5, quality_sum=14, quality_count=3)
    agency("few services", services_done=4, quality_sum=5, quality_count=1)
    agency("better marks", services_done=5, quality_sum=5, quality_count=1)
    agency("no mark, earlier", services_done=5, active_since=MONDAY - timedelta(days=1))
    offers(AgencyFactory(organisation__name="expired"), surveying, valid_until=DAY - timedelta(days=1))
    offers(AgencyFactory(organisation__name="suspended", state=AgencyState.SUSPENDED), surveying)

    wanted = [
        "better marks", "good marks", "no mark, earlier", "no mark", "few services", "four stars, most services",
    ]  # fmt: skip
    assert ranked() == wanted
    monkeypatch.setattr(recommendation, "FEW", 0)
    assert ranked() == wanted


def test_equal_agencies_stand_by_credit_code(surveying: ServiceItem, ranked: Callable[[], list[str]]) -> None:
    for number in (2, 1):
        offers(AgencyFactory(organisation__name=str(number), organisation__code=credit_code(number)), surveying)

    assert ranked() == ["1", "2"]


def test_the_page_says_why_each_stands_where_it_does(client: Client, surveying: ServiceItem) -> None:
    since = MONDAY - timedelta(days=9)
    for fields in (
        {"services_done": 7, "stars": 5},
        {"services_done": 5, "stars": 5, "quality_sum": 9, "quality_count": 2, "active_since": MONDAY},
        {"services_done": 5, "stars": 5, "quality_sum": 4, "quality_count": 1, "active_since": since},
        {"services_done": 9, "stars": 1},
    ):
        offers(AgencyFactory(**fields), surveying)

    response = client.get(reverse("recommendation", args=[surveying.pk]))

    assert [(row["place"], row["reason"]) for row in response.context["rows"]] == [
        (1, "five stars; 7 services done, more than the next with 5"),
        (2, "five stars; 5 services done; quality 9/2, better than the next with 4/1"),
        (3, "five stars, the next one has fewer"),
        (4, "1 star; 9 services done"),
    ]
    assert response.content.decode().count("One star: it may not sign up for tasks paid from government funds.") == 1
    rows = client.get(reverse("recommendation_json", args=[surveying.pk])).json()["agencies"]
    assert [row["reason"] for row in rows] == [row["reason"] for row in response.context["rows"]]
    assert [row["government_funds"] for row in rows] == [True, True, True, False]
    lines = client.get(reverse("recommendation_csv", args=[surveying.pk])).content.decode().splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("\ufeffPlace,Agency,")
    assert client.get(reverse("recommendation", args=["none"])).status_code == 404


@pytest.mark.parametrize("few", [0, 400])
def test_the_page_costs_the_same_at_one_and_at_three_rows(
    client: Client,
    surveying: ServiceItem,
    django_assert_max_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
) -> None:
    monkeypatch.setattr(recommendation, "FEW", few)
    counts = []
    for more in (1, 2):
        for _ in range(more):
            offers(AgencyFactory(), surveying)
        with django_assert_max_num_queries(5) as seen:
            response = client.get(reverse("recommendation", args=[surveying.pk]))
        counts.append((len(response.context["rows"]), len(seen)))

    assert counts == [(1, 5), (3, 5)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite")
@pytest.mark.parametrize("later", [False, True])
def test_a_long_list_is_walked_in_its_order(
    surveying: ServiceItem, monkeypatch: pytest.MonkeyPatch, later: bool
) -> None:
    monkeypatch.setattr(recommendation, "FEW", -1)
    AgencyItemFactory(item=surveying)
    rows = recommendation.ranked(surveying, DAY)
    if later:
        edge = recommendation._edge(str(Agency.objects.get().pk))
        assert edge is not None
        rows = rows.filter(recommendation.beyond(Agency, recommendation.KEYS, edge))

    plan = rows.values_list("pk", flat=True)[:26].explain()

    assert "agency_recommended" in plan.splitlines()[0]
    assert "FOR ORDER BY" not in plan
    assert not later or "(rank_done,rank_quality,rank_since,sort_code,organisation_id)>" in plan
