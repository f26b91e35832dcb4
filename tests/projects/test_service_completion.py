"""The owner records that the service of a confirmed award was completed, once, with a grade from one to five."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agencies import credit_rules
from agencies.models import Agency, CreditEntry, ServiceRecord
from agencies.states import EntryState
from marketplace import clock, events
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation
from projects import actions
from projects.models import SelectionTask
from projects.open_services import open_services
from tests import project_factories as make
from tests.factories import OrganisationFactory, person_at
from tests.project_factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = make.make_world(agencies=3)
    credit_rules.load()
    return made


@pytest.fixture
def task(world: World) -> SelectionTask:
    return make.confirmed(world)


def later(task: SelectionTask, days: int = 10) -> datetime:
    return task.award_notice.publicity_until + timedelta(days=days, hours=9)


def first_day(task: SelectionTask) -> date:
    return clock.local_date(task.award_notice.publicity_until)


def winner_of(task: SelectionTask, world: World) -> tuple[Agency, Any]:
    place = [agency.pk for agency in world.agencies].index(task.award_notice.winner_id)
    return Agency.objects.get(pk=world.agencies[place].pk), world.members[place]


def everything() -> tuple[Any, ...]:
    return (
        Event.objects.count(),
        Notification.objects.count(),
        CreditEntry.objects.count(),
        list(ServiceRecord.objects.values()),
        list(Agency.objects.order_by("pk").values("services_done", "quality_sum", "quality_count", "score")),
    )


def refused(kind: type[DomainError], task: SelectionTask, *args: Any, **facts: Any) -> DomainError:
    before = everything()
    with pytest.raises(kind) as caught:
        actions.complete_service(task, *args, **facts)
    assert everything() == before
    return caught.value


def test_a_completed_service_counts_for_the_agency_and_ends_its_open_service(
    world: World, task: SelectionTask
) -> None:
    at, [agency, member] = later(task), winner_of(task, world)
    assert len(open_services(agency, at)) == 1

    record = actions.complete_service(task, first_day(task), 3, actor=world.manager, at=at)

    agency.refresh_from_db()
    assert (record.source, record.item, record.quality) == (f"task:{task.code}", task.item, 3)
    assert (record.title, record.link) == (task.name, reverse("notice_detail", args=[task.code]))
    assert (agency.services_done, agency.quality_sum, agency.quality_count) == (1, 3, 1)
    assert open_services(agency, at) == []
    last = events.read_all(task.stream_name())[-1]
    assert (last["type"], last["data"]["finished_on"], last["data"]["quality"]) == (
        "service.completed",
        first_day(task).isoformat(),
        3,
    )
    assert last["data"]["agency"]["id"] == agency.organisation.code
    assert [one.user for one in Notification.objects.filter(kind="service.completed")] == [member]
    task.refresh_from_db()
    assert task.state == "confirmed"
    assert CreditEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("quality", "rule", "state"),
    [
        (5, "evaluated_very_satisfied", EntryState.COUNTED),
        (4, "evaluated_satisfied", EntryState.COUNTED),
        (2, "evaluated_dissatisfied", EntryState.REPLY),
        (1, "evaluated_very_dissatisfied", EntryState.REPLY),
    ],
)
def test_a_grade_enters_the_credit_ledger_and_a_bad_one_waits_for_the_reply(
    world: World, task: SelectionTask, quality: int, rule: str, state: str
) -> None:
    at, [agency, _member] = later(task), winner_of(task, world)

    actions.complete_service(task, first_day(task), quality, actor=world.manager, at=at)

    entry = CreditEntry.objects.get()
    assert (entry.agency, entry.rule.code, entry.state) == (agency, rule, state)
    assert (entry.source, entry.entered_by) == (f"task:{task.code}:evaluation", None)
    assert (task.code in entry.summary, world.owner.name in entry.summary) == (True, False)
    assert (entry.reply_until is None) == (quality > 3)
    assert (entry.effective_on == clock.local_date(at)) == (quality > 3)


def test_the_owner_s_manager_and_the_delegate_whose_task_it_is_may_and_nobody_else(world: World) -> None:
    task = make.confirmed(world, actor=world.delegate)
    at, stranger = later(task), person_at(OrganisationFactory(kind=Organisation.Kind.OWNER), Membership.Role.MANAGER)
    other = person_at(world.owner, Membership.Role.DELEGATE)
    _agency, member = winner_of(task, world)
    for actor in (None, stranger, other, world.checker, member):
        refused(NotAllowed, task, first_day(task), 4, actor=actor, at=at)
    assert actions.complete_service(task, first_day(task), 4, actor=world.delegate, at=at).quality == 4


def test_a_service_is_not_completed_before_the_award_is_confirmed(world: World) -> None:
    task = make.awarded(world)
    at = later(task)
    assert refused(WrongState, task, first_day(task), 4, actor=world.manager, at=at).code == "wrong_state"


def test_a_service_is_recorded_once(world: World, task: SelectionTask) -> None:
    at = later(task)
    actions.complete_service(task, first_day(task), 4, actor=world.manager, at=at)
    again = refused(RuleBroken, task, first_day(task), 1, actor=world.manager, at=at)
    assert again.code == "service_recorded"


@pytest.mark.parametrize(
    ("shift", "quality", "fields"),
    [
        (-1, 4, {"finished_on"}),
        (11, 4, {"finished_on"}),
        (None, 4, {"finished_on"}),
        (0, 0, {"quality"}),
        (0, 6, {"quality"}),
        (0, None, {"quality"}),
        (0, True, {"quality"}),
        (-1, 9, {"finished_on", "quality"}),
    ],
)
def test_the_day_lies_between_the_end_of_publicity_and_today_and_the_grade_is_one_of_five(
    world: World, task: SelectionTask, shift: int | None, quality: int | None, fields: set[str]
) -> None:
    day = None if shift is None else first_day(task) + timedelta(days=shift)
    error = refused(FieldErrors, task, day, quality, actor=world.manager, at=later(task))
    assert isinstance(error, FieldErrors)
    assert set(error.fields) == fields


def test_today_itself_is_a_lawful_day(world: World, task: SelectionTask) -> None:
    day = first_day(task) + timedelta(days=10)
    assert actions.complete_service(task, day, 5, actor=world.manager, at=later(task)).finished_on == day


# ---------- pages ----------


def test_the_owner_records_it_on_the_page_of_the_task_and_faults_stand_at_their_fields(
    world: World, task: SelectionTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: later(task))
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.manager)
    page, post = (reverse(name, args=[task.code]) for name in ("owner_task", "owner_task_service"))
    assert "Is the service completed?" in client.get(page).content.decode()

    early = (first_day(task) - timedelta(days=1)).isoformat()
    wrong = client.post(post, {"finished_on": early, "quality": "2"})
    assert wrong.status_code == 422
    assert set(wrong.context["completion"].errors) == {"finished_on"}
    assert f'value="{early}"' in wrong.content.decode()
    empty = client.post(post, {})
    assert (empty.status_code, set(empty.context["completion"].errors)) == (422, {"finished_on", "quality"})
    assert ServiceRecord.objects.count() == 0

    done = client.post(post, {"finished_on": first_day(task).isoformat(), "quality": "2"})
    assert (done.status_code, done.headers["location"]) == (302, page)
    after = client.get(page)
    assert after.context["completion"] is None
    assert "the owner&#x27;s grade: dissatisfied" in after.content.decode()
    public = Client(headers={"accept-language": "en"}).get(reverse("notice_detail", args=[task.code]))
    assert "the owner&#x27;s grade: dissatisfied" in public.content.decode()
    assert client.post(post, {"finished_on": early, "quality": "5"}).status_code == 422
    assert ServiceRecord.objects.count() == 1


def test_others_neither_see_the_form_nor_post_it(
    world: World, task: SelectionTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: later(task))
    given = {"finished_on": first_day(task).isoformat(), "quality": "5"}
    post = reverse("owner_task_service", args=[task.code])
    for person, status in ((world.delegate, 404), (world.members[0], 403), (world.checker, 403)):
        client = Client()
        client.force_login(person)
        assert client.post(post, given).status_code == status
    assert ServiceRecord.objects.count() == 0
