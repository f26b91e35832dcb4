"""The public figures: what is counted, and that counting more costs no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agencies import statistics
from agencies.models import Agency
from agencies.states import AgencyState
from marketplace.models import Organisation
from tests.factories import AgencyFactory, AgencyItemFactory, OrganisationFactory, ServiceItemFactory

QUERIES = 5


@pytest.fixture(autouse=True)
def _english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


def world() -> None:
    item = ServiceItemFactory(service_class__name_en="Surveying")
    other = ServiceItemFactory(service_class=item.service_class)
    local, city = AgencyFactory(stars=5), AgencyFactory(origin=Agency.Origin.CITY, stars=3)
    for agency in (local, city):
        AgencyItemFactory(agency=agency, item=item)
    AgencyItemFactory(agency=local, item=other)
    AgencyItemFactory(agency=AgencyFactory(state=AgencyState.DRAFT), item=item)
    AgencyItemFactory(agency=AgencyFactory(state=AgencyState.PUBLICITY), item=item)
    OrganisationFactory(kind=Organisation.Kind.OWNER, nature=Organisation.Nature.PUBLIC)
    OrganisationFactory(kind=Organisation.Kind.OWNER, is_active=False)


def test_entered_agencies_are_counted_once_and_drafts_never() -> None:
    world()
    found = statistics.read()
    counts = {one.key: {label: count for label, count in one.rows if count} for one in found.counts}
    assert counts == {
        "origin": {"local": 1, "from the prefecture city, outside this city": 1},
        "class": {"Surveying": 2},
        "stars": {"5 stars": 1, "3 stars": 1},
        "state": {"in publicity": 1, "active": 2},
        "owners": {"public body": 1},
    }
    assert found.cross.rows == [("Surveying", [0, 0, 1, 1])]


def test_counting_more_costs_no_more(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(QUERIES):
        statistics.read()
    world()
    with django_assert_num_queries(QUERIES):
        statistics.read()


def test_the_page_shows_each_count_as_picture_and_table_and_gives_the_file(client: Client) -> None:
    world()
    text = client.get(reverse("agency_statistics")).content.decode()
    assert text.count('<svg role="img"') == 5
    assert "style=" not in text
    assert '<td data-label="All" class="num">2</td>' in text
    rows = client.get(reverse("agency_statistics_csv")).content.decode("utf-8-sig").splitlines()
    assert "Agencies by class of service and place of registration,Surveying,local,1" in rows


def test_an_empty_register_is_no_error(client: Client) -> None:
    assert "There is nothing to count yet." in client.get(reverse("agency_statistics")).content.decode()
