"""The directory: what it finds, in which order, and that every page costs the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from agencies import actions, directory
from agencies.directory import Conditions
from agencies.models import Agency, AgencyGram, AgencyItem
from agencies.states import AgencyState
from marketplace import clock
from marketplace.models import ServiceItem, User
from tests.factories import MONDAY, AgencyFactory, AgencyItemFactory, ServiceItemFactory, credit_code, offers

DIRECTORY = "/agencies/"


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"


def names(response: Any) -> list[str]:
    return [row["name"] for row in response.context["rows"]]


def found(asked: Conditions, query: str = "", size: int = 25) -> list[str]:
    page, _total = directory.find(asked, QueryDict(query), size=size)
    return [agency.name for agency in page.rows]


# ---------- what is found ----------


def test_directory_is_searched_and_filtered(client: Client, surveying: ServiceItem, free: ServiceItem) -> None:
    lake = AgencyFactory(organisation__name="Clear Lake Surveying", organisation__code=credit_code(777_777), stars=4)
    hill = AgencyFactory(
        organisation__name="Green Hill", organisation__code=credit_code(31**6 + 1),
        origin=Agency.Origin.PROVINCE, state=AgencyState.PUBLICITY,
    )  # fmt: skip
    AgencyFactory(organisation__name="Hidden", state=AgencyState.SUBMITTED)
    promise = AgencyFactory(organisation__name="瑞昌市测绘有限公司", state=AgencyState.COMMITTED, way="commitment")
    offers(lake, surveying)
    offers(hill, free)

    def seen(**conditions: str) -> list[str]:
        return names(client.get(DIRECTORY, conditions))

    everybody = ["Clear Lake Surveying", "Green Hill", "瑞昌市测绘有限公司"]
    assert seen() == everybody
    assert seen(q="lake") == ["Clear Lake Surveying"]
    assert seen(q=" LAKE sur ") == ["Clear Lake Surveying"]
    assert seen(q="l") == ["Clear Lake Surveying", "Green Hill"]
    assert seen(q="绘") == seen(q="测绘") == seen(q="市测绘有") == [promise.name]
    assert seen(q="绘测") == seen(q="测公") == seen(q="nobody") == seen(q="%") == seen(q="_") == []
    assert seen(q=hill.code) == seen(q=hill.code[9:].lower()) == ["Green Hill"]
    assert seen(q="60481ma") == everybody
    assert seen(origin="province") == ["Green Hill"]
    assert seen(stars="4") == ["Clear Lake Surveying"]
    assert seen(way="commitment") == [promise.name]
    assert seen(item=surveying.pk) == ["Clear Lake Surveying"]
    assert seen(service_class="9") == ["Clear Lake Surveying", "Green Hill"]
    assert seen(service_class="9", item=free.pk) == ["Green Hill"]
    assert seen(state="publicity") == ["Green Hill"]
    assert seen(state="active", q="surveying", stars="4", item=surveying.pk) == ["Clear Lake Surveying"]
    assert seen(state="active", stars="5") == []


def test_unknown_values_are_the_error_of_their_fields_and_ask_for_nothing(client: Client) -> None:
    AgencyFactory()
    wrong = {"state": "draft", "origin": "moon", "stars": "6", "way": "x", "service_class": "x", "item": "x"}

    response = client.get(DIRECTORY, wrong | {"after": "x"})

    assert response.status_code == 200
    assert set(response.context["form"].errors) == set(wrong)
    assert len(names(response)) == 1


def test_an_agency_is_found_by_its_new_name_and_no_longer_by_the_old(newcomer: User, free: ServiceItem) -> None:
    agency = actions.register_agency(
        name="瑞昌旧名测绘", code=credit_code(888_888), origin="local", actor=newcomer, at=MONDAY
    )
    actions.choose_items(agency, [free.pk], actor=newcomer, at=MONDAY)
    assert set(agency.grams.values_list("gram", flat=True)) == directory.grams("瑞昌旧名测绘", credit_code(888_888))

    actions.update_basic_data(agency, {"name": "瑞昌新名咨询"}, actor=newcomer, at=MONDAY)

    assert set(agency.grams.values_list("gram", flat=True)) == directory.grams("瑞昌新名咨询", credit_code(888_888))
    assert list(AgencyItem.objects.values_list("sort_name", flat=True)) == ["瑞昌新名咨询"]
    assert list(AgencyGram.objects.values_list("sort_name", flat=True).distinct()) == ["瑞昌新名咨询"]
    agency.refresh_from_db()
    assert (agency.sort_name, agency.sort_code) == ("瑞昌新名咨询", credit_code(888_888))


letters = st.text(alphabet="ab1 测绘工程É", max_size=12)


@given(name=letters, start=st.integers(0, 12), length=st.integers(0, 8))
def test_whatever_stands_in_a_name_or_code_has_its_grams_there(name: str, start: int, length: int) -> None:
    code = "91360481MA0000ABC1"
    indexed = directory.grams(name, code)

    assert set(directory.asked_grams(name[start : start + length])) <= indexed
    part = code[start : start + length]
    assert len(part) < directory.CODE_PART or set(directory.asked_grams(part)) <= indexed


# ---------- pages ----------


def test_directory_pages_show_every_agency_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two share a name: the key decides between them.
    for name in ["a", "b", "b", "c", "d"]:
        AgencyFactory(organisation__name=name)
    monkeypatch.setattr("agencies.directory_views.PAGE_SIZE", 2)

    seen, query = [], ""
    while True:
        response = client.get(DIRECTORY + query)
        seen.append(names(response))
        query = response.context["page"].next_url
        if not query:
            break

    assert seen == [["a", "b"], ["b", "c"], ["d"]]
    back = client.get(DIRECTORY + response.context["page"].previous_url)
    assert names(back) == ["b", "c"]


@pytest.mark.parametrize(
    "asked",
    [
        Conditions(),
        Conditions(state="active"),
        Conditions(origin="local"),
        Conditions(stars=5),
        Conditions(way="check_first"),
        Conditions(text="ab"),
        Conditions(text="9136"),
        Conditions(item="9001"),
        Conditions(service_class="9"),
        Conditions(text="a", service_class="9", state="active"),
        Conditions(item="9002", origin="local", stars=5),
    ],
)
def test_every_walk_shows_each_agency_that_fits_once_in_order(asked: Conditions) -> None:
    items = [ServiceItemFactory(code=code) for code in ("9001", "9002")]
    agencies = [
        AgencyFactory(
            organisation__name=f"ab{n % 3}", origin="local" if n % 4 else "city", stars=5 if n % 5 else 3,
            state=AgencyState.ACTIVE if n % 6 else AgencyState.REFUSED,
        )
        for n in range(9)
    ]  # fmt: skip
    for agency in agencies:
        for item in items:
            AgencyItemFactory(agency=agency, item=item, is_active=bool((agency.pk + len(item.code)) % 4))
    wanted = [
        agency.pk
        for agency in sorted(agencies, key=lambda one: (one.sort_name, one.pk))
        if agency.state == AgencyState.ACTIVE
        and (not asked.origin or agency.origin == asked.origin)
        and (asked.stars is None or agency.stars == asked.stars)
        and (not (asked.item or asked.service_class) or agency.items.filter(is_active=True).exists())
    ]

    pages, query = [], ""
    while True:
        page, total = directory.find(asked, QueryDict(query.lstrip("?")), size=2)
        pages.append([agency.pk for agency in page.rows])
        query = page.next_url
        if not query:
            break

    assert [pk for page in pages for pk in page] == wanted
    assert (total.number, total.exact) == (len(wanted), True)
    if page.previous_url:
        back, _total = directory.find(asked, QueryDict(page.previous_url.lstrip("?")), size=2)
        assert [agency.pk for agency in back.rows] == pages[-2]


def test_a_count_looks_no_further_than_it_may(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(directory, "SCAN", 2)
    for _ in range(3):
        AgencyFactory()

    response = client.get(DIRECTORY)

    assert response.context["count"] is None
    assert "At least 3 agencies" in response.content.decode()


# ---------- cost ----------

EVERYTHING = {"q": "Org", "origin": "local", "service_class": "9", "state": "active", "stars": "5"}


@pytest.mark.parametrize("conditions", [{}, {"state": "active"}, EVERYTHING])
def test_directory_costs_the_same_at_one_and_at_three_rows(
    client: Client, surveying: ServiceItem, django_assert_max_num_queries: Any, conditions: dict[str, str]
) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            offers(AgencyFactory(), surveying)
        with django_assert_max_num_queries(11) as seen:
            response = client.get(DIRECTORY, conditions)
        counts.append((len(names(response)), len(seen)))

    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite")
@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Conditions(), "agency_by_name"),
        (Conditions(state="active"), "agency_state_by_name"),
        (Conditions(origin="local"), "agency_origin_by_name"),
        (Conditions(stars=4), "agency_stars_by_name"),
        (Conditions(way="commitment"), "agency_way_by_name"),
        (Conditions(item="9001"), "agency_item_by_name"),
        (Conditions(service_class="9"), "agency_class_by_name"),
        (Conditions(text="测绘"), "AgencyGram"),
        (Conditions(text="测绘公司"), "AgencyGram"),
        (Conditions(text="9136"), "AgencyGram"),
        (Conditions(item="9001", state="active", origin="local", stars=5, way="check_first"), "agency_item_by_name"),
        (Conditions(text="测绘", item="9001", service_class="9", state="removed"), "agency_item_by_name"),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_every_walk_follows_the_index_of_its_list_in_order(asked: Conditions, index: str, later: bool) -> None:
    walked = directory._lists(asked)[0]
    rows = directory._walk(walked, asked)
    if later:
        rows = rows.filter(directory.beyond(rows.model, ("sort_name", walked.key), ("x", 1)))

    plan = rows.order_by("sort_name", walked.key)[:26].explain().splitlines()

    steps = [line.split(maxsplit=3)[3] for line in plan]
    assert index in steps[0] or (index == "AgencyGram" and "agencies_agencygram_1" in steps[0]), plan
    assert "ORDER BY" not in "".join(steps)
    # Everything after the first step is looked up by a key.
    assert [step for step in steps if step.startswith("SCAN")] == (
        [steps[0]] if asked == Conditions() and not later else []
    )
    assert later <= (
        "(sort_name,organisation_id)>" in steps[0] or "sort_name>" in steps[0] or "(sort_name," in steps[0]
    )


# ---------- public notices ----------


def test_publicity_lists_who_can_be_objected_to(client: Client, django_assert_max_num_queries: Any) -> None:
    soon, late = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    AgencyFactory(organisation__name="late", state=AgencyState.PUBLICITY, publicity_until=late)
    AgencyFactory(organisation__name="soon", state=AgencyState.COMMITTED, publicity_until=soon)
    AgencyFactory(organisation__name="over", state=AgencyState.COMMITTED, publicity_until=MONDAY)
    AgencyFactory(organisation__name="contested", state=AgencyState.PUBLICITY, publicity_until=MONDAY)
    AgencyFactory(organisation__name="active", publicity_until=late)

    with django_assert_max_num_queries(4):
        response = client.get(reverse("agency_publicity"))

    assert names(response) == ["contested", "soon", "late"]
    assert [bool(row["objection_url"]) for row in response.context["rows"]] == [False, True, True]


def test_the_notice_of_removals_says_since_when_and_why(client: Client, django_assert_max_num_queries: Any) -> None:
    for n in (1, 2):
        AgencyFactory(
            organisation__name=f"removed {n}", state=AgencyState.REMOVED, left_at=MONDAY + timedelta(days=n),
            left_reason="False documents.", reentry_from=MONDAY + timedelta(days=700),
        )  # fmt: skip
    AgencyFactory(organisation__name="suspended", state=AgencyState.SUSPENDED)

    with django_assert_max_num_queries(4):
        response = client.get(reverse("agency_penalties"))

    assert names(response) == ["removed 2", "removed 1"]
    assert "False documents." in response.content.decode()
    assert names(client.get(reverse("agency_penalties"), {"state": "suspended"})) == ["suspended"]
    assert names(client.get(reverse("agency_penalties"), {"state": "active"})) == ["removed 2", "removed 1"]
