"""Who may take which service on which day, and why not: one query, one explanation, and they always agree."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agencies import queries, rules
from agencies.models import Agency, QualificationUse
from agencies.states import OPERATING, AgencyState
from marketplace.models import Requirement, ServiceItem
from tests.factories import (
    AgencyFactory,
    AgencyItemFactory,
    QualificationFactory,
    RequirementFactory,
    ServiceItemFactory,
    offers,
)

DAY = date(2026, 3, 9)


def agrees(agency: Agency, item: ServiceItem, on: date = DAY) -> bool:
    """The verdict, after the explanation has been found to say the same."""
    verdict = queries.is_eligible(agency, item, on)
    assert all(check.ok for check in queries.explain(agency, item, on)) is verdict
    assert (agency in queries.eligible_agencies(item, on)) is verdict
    assert (item in queries.fitting_items(agency, on)) is verdict
    return verdict


def test_agency_with_a_checked_valid_certificate_is_eligible(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, surveying)

    assert agrees(agency, surveying)


def test_certificate_counts_on_its_last_day_and_not_the_day_after(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, surveying, valid_from=date(2024, 1, 1), valid_until=date(2026, 3, 9))

    assert agrees(agency, surveying, date(2026, 3, 9))
    assert not agrees(agency, surveying, date(2026, 3, 10))


def test_certificate_counts_on_its_first_day_and_not_the_day_before(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, surveying, valid_from=date(2026, 3, 9), valid_until=None)

    assert agrees(agency, surveying, date(2026, 3, 9))
    assert not agrees(agency, surveying, date(2026, 3, 8))


def test_unchecked_certificate_entitles_to_nothing(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, surveying, checked=False)

    assert not agrees(agency, surveying)


@pytest.mark.parametrize("state", [state for state in AgencyState if state not in OPERATING])
def test_only_operating_agencies_are_eligible(surveying: ServiceItem, state: AgencyState) -> None:
    agency = AgencyFactory(state=state)
    offers(agency, surveying)

    assert not agrees(agency, surveying)


def test_agency_whose_organisation_is_closed_is_not_eligible(surveying: ServiceItem) -> None:
    agency = AgencyFactory(organisation__is_active=False)
    offers(agency, surveying)

    assert not agrees(agency, surveying)


def test_item_taken_off_the_list_is_not_offered(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, surveying)
    agency.items.update(is_active=False)

    assert not agrees(agency, surveying)


def test_certificate_of_another_agency_does_not_help(surveying: ServiceItem) -> None:
    offers(AgencyFactory(), surveying)
    agency = AgencyFactory()
    AgencyItemFactory(agency=agency, item=surveying)

    assert not agrees(agency, surveying)


def test_certificate_for_another_item_does_not_help(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, RequirementFactory().item)
    AgencyItemFactory(agency=agency, item=surveying)

    assert not agrees(agency, surveying)


def test_commitment_and_voluntary_rating_keep_nobody_out(promised: ServiceItem) -> None:
    RequirementFactory(item=promised, group=2, kind=Requirement.Kind.RATING, text="水平评价")
    agency = AgencyFactory()
    AgencyItemFactory(agency=agency, item=promised)

    assert agrees(agency, promised)


def test_every_group_must_be_met_and_any_way_inside_a_group_is_enough() -> None:
    item = ServiceItemFactory()
    first = RequirementFactory(item=item, group=1, text="A")
    RequirementFactory(item=item, group=1, kind=Requirement.Kind.FILING, text="B")
    second = RequirementFactory(item=item, group=2, kind=Requirement.Kind.ACCREDITATION, text="C")
    agency = AgencyFactory()
    entry = AgencyItemFactory(agency=agency, item=item)

    def meet(requirement: Requirement) -> None:
        paper = QualificationFactory(agency=agency, kind=requirement.kind)
        QualificationUse.objects.create(agency_item=entry, requirement=requirement, qualification=paper)

    meet(first)
    assert not agrees(agency, item)
    meet(second)
    assert agrees(agency, item)


papers = st.fixed_dictionaries(
    {
        "checked": st.booleans(),
        "valid_from": st.sampled_from([date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 10)]),
        "valid_until": st.sampled_from([None, date(2026, 3, 10), date(2026, 3, 11)]),
    }
)
requirements = st.tuples(
    st.integers(1, 2),
    st.sampled_from([Requirement.Kind.LICENCE, Requirement.Kind.RATING, Requirement.Kind.COMMITMENT]),
    st.lists(papers, max_size=2),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(requirements, max_size=3),
    listed=st.booleans(),
    state=st.sampled_from([AgencyState.ACTIVE, AgencyState.PUBLICITY]),
    on=st.sampled_from([date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]),
)
def test_query_and_explanation_always_agree(asked: list[Any], listed: bool, state: AgencyState, on: date) -> None:
    item = ServiceItemFactory()
    agency = AgencyFactory(state=state)
    entry = AgencyItemFactory(agency=agency, item=item, is_active=listed)
    groups: dict[int, list[tuple[bool, bool]]] = {}
    for group, kind, given_papers in asked:
        requirement = RequirementFactory(item=item, group=group, kind=kind)
        for fields in given_papers:
            paper = QualificationFactory(agency=agency, kind=kind, **fields)
            QualificationUse.objects.create(agency_item=entry, requirement=requirement, qualification=paper)
        met = kind == Requirement.Kind.COMMITMENT or any(
            fields["checked"]
            and fields["valid_from"] <= on
            and (fields["valid_until"] is None or on <= fields["valid_until"])
            for fields in given_papers
        )
        groups.setdefault(group, []).append((kind != Requirement.Kind.RATING, met))
    expected = (
        state == AgencyState.ACTIVE
        and listed
        and all(any(met for _, met in ways) for ways in groups.values() if any(mandatory for mandatory, _ in ways))
    )

    assert agrees(agency, item, on) is expected


@pytest.mark.parametrize("count", [1, 3])
def test_eligibility_of_all_agencies_is_one_query(
    surveying: ServiceItem, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        offers(AgencyFactory(), surveying)

    with django_assert_num_queries(1):
        assert len([agency.name for agency in queries.eligible_agencies(surveying, DAY)]) == count
    agency = queries.eligible_agencies(surveying, DAY).get() if count == 1 else AgencyFactory()
    with django_assert_num_queries(1):
        assert queries.is_eligible(agency, surveying, DAY) is (count == 1)


def test_explanation_costs_three_queries(surveying: ServiceItem, django_assert_num_queries: Any) -> None:
    agency = AgencyFactory()
    offers(agency, surveying)
    RequirementFactory(item=surveying, group=2)
    RequirementFactory(item=surveying, group=3)

    with django_assert_num_queries(3):
        checks = queries.explain(agency, surveying, DAY)

    assert [check.ok for check in checks] == [True, True, True, False, False]


def test_explanation_of_several_items_still_costs_three_queries(
    surveying: ServiceItem, promised: ServiceItem, django_assert_num_queries: Any
) -> None:
    agency = AgencyFactory()
    offers(agency, surveying)

    with django_assert_num_queries(3):
        found = queries.explain_many(agency, [surveying, promised], DAY)

    assert {code: [check.ok for check in checks] for code, checks in found.items()} == {
        surveying.pk: [True, True, True],
        promised.pk: [True, False, True],
    }


def test_explanation_shows_the_certificate_and_its_last_day(surveying: ServiceItem) -> None:
    agency = AgencyFactory()
    offers(agency, surveying, number="36-0001", valid_until=date(2026, 3, 9))

    with override("zh-hans"):
        last_day = queries.explain(agency, surveying, date(2026, 3, 9))[-1].text
    with override("en"):
        good = queries.explain(agency, surveying, date(2026, 3, 9))[-1]
        bad = queries.explain(agency, surveying, date(2026, 3, 10))[-1]

    assert (good.ok, bad.ok) == (True, False)
    assert "2026年3月9日" in last_day
    for check in (good, bad):
        assert surveying.requirements.get().text in check.text
        assert "36-0001" in check.text
        assert "2026-03-09" in check.text


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("测绘资质甲级或乙级", ["甲级", "乙级"]),
        ("房地产估价机构备案等级一级至三级", ["一级", "二级", "三级"]),
        ("工程勘察综合甲级或岩土工程专业甲级或乙级", ["甲级", "乙级"]),
        ("安全评价机构资质", []),
    ],
)
def test_levels_a_requirement_accepts(text: str, accepted: list[str]) -> None:
    assert rules.accepted_levels(Requirement(kind=Requirement.Kind.FILING, text=text)) == accepted


def test_number_of_people_a_requirement_asks_for() -> None:
    requirement = Requirement(kind=Requirement.Kind.PRACTITIONERS, text="一级注册消防工程师不少于2人")

    assert rules.minimum_people(requirement) == 2
    assert rules.cannot_meet(requirement, kind="practitioners", level="", practitioners_count=1)
    assert rules.cannot_meet(requirement, kind="practitioners", level="", practitioners_count=2) is None
