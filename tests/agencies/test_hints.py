"""Hints for the reviewer: who and what is known from other agencies, and dates; never a judgement."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from agencies.hints import INFO, WARN, hints_for
from agencies.models import Agency
from agencies.states import AgencyState
from marketplace.clock import local_date
from tests.factories import MONDAY, AgencyFactory, AgentFactory, PractitionerFactory, QualificationFactory

pytestmark = pytest.mark.django_db
TODAY = local_date(MONDAY)
DAY = timedelta(days=1)
numbers = iter(range(1, 1000))


def agency(**fields: Any) -> Agency:
    """An agency that has nothing in common with the others."""
    n = next(numbers)
    unlike = {
        "legal_representative": f"Person {n}",
        "contact_phone": f"0792-10{n:05d}",
        "contact_email": f"a{n}@example.org",
        "address": f"{n} Station Road",
        "form_check_due": MONDAY + 3 * DAY,
        "state": AgencyState.SUBMITTED,
    }
    found: Agency = AgencyFactory(**unlike | fields)
    return found


def hinted(one: Agency) -> list[tuple[str, str]]:
    return [(hint.level, hint.field) for hint in hints_for(one, TODAY)]


def test_an_agency_that_shares_nothing_gets_no_hint() -> None:
    one, other = agency(), agency()
    for each in (one, other):
        PractitionerFactory(agency=each)
        AgentFactory(agency=each)
        QualificationFactory(agency=each)
    assert hinted(one) == []


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ({"contact_phone": "0792-123 4567"}, {"contact_phone": "07921234567"}, (WARN, "contact_phone")),
        ({"contact_phone": "138 0000 1111"}, {"contact_phone": "+86 13800001111"}, (WARN, "contact_phone")),
        ({"contact_email": "A@example.org"}, {"contact_email": "a@Example.org"}, (WARN, "contact_email")),
        ({"address": "长江路 1 号"}, {"address": "长江路1号"}, (INFO, "address")),
        ({"legal_representative": "Li Ming"}, {"legal_representative": "Li Ming"}, (INFO, "legal_representative")),
        ({"legal_id_digest": "a" * 64}, {"legal_id_digest": "a" * 64}, (WARN, "legal_representative")),
    ],
)
def test_the_same_data_in_another_agency_is_hinted_with_the_way_to_it(
    own: dict[str, str], others: dict[str, str], expected: tuple[str, str]
) -> None:
    one, other = agency(**own), agency(**others)

    [hint] = hints_for(one, TODAY)

    assert (hint.level, hint.field) == expected
    assert other.name in hint.text
    assert other.code in hint.url


@pytest.mark.parametrize("state", [AgencyState.WITHDRAWN, AgencyState.REMOVED])
def test_who_has_left_the_marketplace_is_no_hint(state: AgencyState) -> None:
    one, other = agency(contact_phone="0792-1"), agency(contact_phone="0792-1", state=state)
    for each in (one, other):
        PractitionerFactory(agency=each, number_of="Zhao", checked=False)
        AgentFactory(agency=each, number_of="Qian")
        QualificationFactory(agency=each, number="No 1")
    assert hinted(one) == []


def test_people_who_serve_two_agencies_are_found_by_their_document() -> None:
    one, other = agency(), agency()
    mine = PractitionerFactory(agency=one, number_of="Zhao", checked=False)
    PractitionerFactory(agency=other, number_of="Zhao")
    agent = AgentFactory(agency=one, number_of="Qian")
    AgentFactory(agency=other, number_of="Qian")
    PractitionerFactory(agency=other, number_of="Sun", left_on=TODAY)
    PractitionerFactory(agency=one, number_of="Sun", checked=False)

    assert hinted(one) == [(WARN, f"practitioner:{mine.pk}"), (WARN, f"agent:{agent.pk}")]


def test_a_practitioner_who_represents_another_agency_is_hinted_at_both() -> None:
    other = agency()
    mine = PractitionerFactory(agency=agency(), id_digest=other.legal_id_digest)

    assert hinted(mine.agency) == [(WARN, f"practitioner:{mine.pk}")]
    assert hinted(other) == [(WARN, "legal_representative")]


def test_a_certificate_number_used_twice_is_hinted() -> None:
    one, other = agency(), agency()
    paper = QualificationFactory(agency=one, number="No 7")
    QualificationFactory(agency=other, number="No 7")
    mine = PractitionerFactory(agency=one, certificate_number="P-7")
    PractitionerFactory(agency=other, certificate_number="P-7")

    assert set(hinted(one)) == {(WARN, f"qualification:{paper.pk}"), (WARN, f"practitioner:{mine.pk}")}


@pytest.mark.parametrize(
    ("last", "level"),
    [
        (TODAY - DAY, WARN),
        (TODAY + DAY, WARN),
        (TODAY + 3 * DAY, INFO),
        (TODAY + 60 * DAY, INFO),
        (TODAY + 61 * DAY, None),
        (None, None),
    ],
)
def test_papers_that_end_soon_are_hinted_and_those_that_end_before_the_check_warn(
    last: date | None, level: str | None
) -> None:
    one = agency()
    paper = QualificationFactory(agency=one, valid_until=last)
    person = PractitionerFactory(agency=one, valid_until=last)

    fields = [f"qualification:{paper.pk}", f"practitioner:{person.pk}"]
    assert hinted(one) == ([(level, field) for field in fields] if level else [])


def test_hints_cost_the_same_for_one_person_and_for_three(django_assert_num_queries: Any) -> None:
    one = agency(contact_phone="0792-1")
    for more in (1, 2):
        for _ in range(more):
            other = agency(contact_phone="0792-1")
            number = f"Zhao {other.code}"
            for each in (one, other):
                PractitionerFactory(agency=each, number_of=number, checked=False)
                AgentFactory(agency=each, number_of=f"Qian {other.code}")
                QualificationFactory(agency=each, number=f"No {other.code}")
        with django_assert_num_queries(8):
            assert len(hints_for(one, TODAY)) >= 4
