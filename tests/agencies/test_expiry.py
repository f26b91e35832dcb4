"""Certificates near their end: who is told when, once; what stops on the day after, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from agencies import expiry, queries
from agencies.models import Agency, Qualification
from agencies.states import ENTERED, AgencyState
from marketplace import deadlines
from marketplace.clock import start_of_day
from marketplace.errors import RuleBroken
from marketplace.models import Event, Notification, ServiceItem, User
from projects import actions as tasks
from tests.factories import AgencyFactory, QualificationFactory, offers, person_at
from tests.live import scene

pytestmark = pytest.mark.django_db
LAST = date(2026, 8, 31)
STEPS = [7, 30, 60]
SECOND = timedelta(seconds=1)


def before(days: int) -> datetime:
    """Ten o'clock in China so many days before the last day."""
    return start_of_day(LAST - timedelta(days=days)) + timedelta(hours=10)


@pytest.fixture
def agency(surveying: ServiceItem) -> Agency:
    found: Agency = AgencyFactory()
    offers(found, surveying, valid_until=LAST)
    return found


@pytest.fixture
def member(agency: Agency) -> User:
    return person_at(agency.organisation)


def play(*moments: datetime) -> list[tuple[str, int | None]]:
    """The clock passes at these moments; the events it left: [(type, days left)]."""
    for moment in moments:
        deadlines.run_due(moment)
    rows = Event.objects.filter(type__startswith="agency.certificate").order_by("pk")
    return [(row.type.removeprefix("agency.certificate_"), row.data.get("days")) for row in rows]


@pytest.fixture(autouse=True)
def _only_this_source(settings: Any) -> Iterator[None]:
    settings.DEADLINE_SOURCES = ["agencies.expiry.due"]
    return


@pytest.mark.parametrize(
    ("left", "stage"),
    [(61, None), (60, 60), (31, 60), (30, 30), (20, 30), (8, 30), (7, 7), (1, 7), (0, 7), (-1, 0), (-40, 0)],
)
def test_one_reminder_is_called_for_on_each_day(left: int, stage: int | None) -> None:
    assert expiry.stage_of(LAST, LAST - timedelta(days=left), STEPS) == stage


def test_the_agency_is_told_sixty_thirty_and_seven_days_before_and_on_the_day_after(
    agency: Agency, member: User, surveying: ServiceItem
) -> None:
    days = [61, 60, 59, 45, 30, 29, 10, 7, 6, 1, 0, -1, -2]

    told = play(*(before(left) for left in days for _twice in range(2)))

    assert told == [("expiring", 60), ("expiring", 30), ("expiring", 7), ("expired", None)]
    letters = Notification.objects.filter(user=member).order_by("pk")
    assert [letter.kind for letter in letters] == ["agency.certificate_expiring"] * 3 + ["agency.certificate_expired"]
    assert f"{surveying.pk} {surveying.name_zh}" in letters[0].params["items"]
    assert letters[0].link == reverse("change_new_of", args=["qualification_update", agency.qualifications.get().pk])
    assert Event.objects.filter(data__items=[surveying.pk]).count() == 4


def test_a_certificate_entered_late_gets_the_one_reminder_of_its_day(agency: Agency, member: User) -> None:
    assert play(before(20), before(19), before(8)) == [("expiring", 20)]


def test_a_clock_that_was_down_sends_one_reminder_and_not_three(agency: Agency, member: User) -> None:
    assert play(before(3), before(3)) == [("expiring", 3)]
    assert play(before(-5)) == [("expiring", 3), ("expired", None)]


def test_the_reminder_falls_due_at_midnight_in_china(agency: Agency, member: User) -> None:
    midnight = start_of_day(LAST - timedelta(days=60))

    assert play(midnight - SECOND) == []
    assert [entry.at for entry in expiry.due(midnight)] == [midnight]
    assert play(midnight) == [("expiring", 60)]


@pytest.mark.parametrize("state", AgencyState.values)
def test_only_entered_agencies_are_reminded(state: str) -> None:
    agency = AgencyFactory(state=AgencyState(state))
    QualificationFactory(agency=agency, valid_until=LAST)

    assert bool(play(before(60))) is (state in ENTERED)


def test_what_never_entitled_is_not_reminded_and_what_was_renewed_is_reminded_anew(agency: Agency) -> None:
    Qualification.objects.update(checked=False)
    assert play(before(60)) == []
    Qualification.objects.update(checked=False, committed=True)
    assert play(before(60)) == [("expiring", 60)]

    Qualification.objects.update(valid_until=LAST + timedelta(days=365), reminded_at_days=None)

    assert play(before(30)) == [("expiring", 60)]
    assert len(play(before(60 - 365))) == 2


def test_only_services_that_really_stop_are_named(agency: Agency, surveying: ServiceItem) -> None:
    paper = agency.qualifications.get()
    assert expiry.stopping(agency, paper) == [surveying]
    second = QualificationFactory(agency=agency, valid_until=LAST + timedelta(days=1))
    use = paper.uses.get()
    use.pk, use.qualification = None, second
    use.save()

    assert expiry.stopping(agency, paper) == []
    assert expiry.stopping(agency, second) == [surveying]


def test_a_quiet_clock_asks_one_question(agency: Agency, django_assert_num_queries: Any) -> None:
    QualificationFactory.create_batch(2, agency=agency, valid_until=LAST + timedelta(days=90))
    QualificationFactory(agency=agency, valid_until=LAST - timedelta(days=400))

    with django_assert_num_queries(2):  # the parameter, the certificates
        assert list(expiry.due(before(61))) == []


def test_the_desk_shows_what_ends_within_sixty_days(agency: Agency, member: User) -> None:
    assert expiry.cards(member, before(61)) == []
    assert expiry.cards(person_at(AgencyFactory().organisation), before(7)) == []

    (card,) = expiry.cards(member, before(30))

    assert (card["count"], len(card["items"])) == (1, 1)
    item = card["items"][0]
    assert (item["due"], item["light"]) == (start_of_day(LAST + timedelta(days=1)), "green")
    assert expiry.cards(member, before(7))[0]["items"][0]["light"] == "amber"
    assert expiry.cards(member, before(-1))[0]["items"][0]["light"] == "red"


def test_sign_ups_stop_by_themselves_at_midnight_in_china() -> None:
    world = scene(agencies=2)
    first, second = world.agencies
    task = world.published()
    last = date(2026, 3, 12)
    midnight = start_of_day(last + timedelta(days=1))
    for agency in world.agencies:
        agency.qualifications.update(valid_until=last)

    world.sign_up(task, first, at=midnight - timedelta(microseconds=1))
    with pytest.raises(RuleBroken) as refusal:
        tasks.sign_up(task, actor=world.agent(second), at=midnight, agency=second)
    with pytest.raises(RuleBroken):
        tasks.sign_up(task, actor=world.agent(second), at=midnight + timedelta(hours=9), agency=second)

    assert refusal.value.code == "not_eligible"
    assert [row.agency for row in task.sign_ups.all()] == [first]
    # No clock has run; what it does later is telling.
    assert not Event.objects.filter(type__startswith="agency.certificate").exists()
    assert not queries.is_eligible(second, world.item, last + timedelta(days=1))
