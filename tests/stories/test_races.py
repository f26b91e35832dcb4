"""Races, run for real: several connections to PostgreSQL at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection

from marketplace import events
from marketplace.errors import DomainError
from marketplace.models import Event
from projects import actions, conductor, delay, draw
from projects.models import Award, DrawResult, Freeze, LiveSession, SelectionTask
from projects.states import TaskState
from tests.live import CLOSES, NOW, OPENS, scene

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
S = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def on_postgresql() -> None:
    assert connection.vendor == "postgresql", "races are run on PostgreSQL: set DATABASE_URL"


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts at the same moment, each on its own connection; results or raised DomainErrors in order."""
    barrier = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            found[place] = act()
        except DomainError as refusal:
            found[place] = refusal
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_two_simultaneous_seals_make_one() -> None:
    world = scene()
    task = world.closed()
    assert task.session is not None
    session = conductor.open_session(task.session, at=OPENS)
    together(*[lambda: conductor.freeze_session(session, at=OPENS + 11 * S)] * 6)
    assert Freeze.objects.count() == 1
    assert Event.objects.filter(type="draw.freeze").count() == 1
    assert list(events.verify()) == []


def test_two_simultaneous_draws_one_happens() -> None:
    world = scene()
    session = world.sealed()
    found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
    together(*[lambda: conductor.publish_results(session, at=OPENS + 20 * S, found=found)] * 6)
    assert DrawResult.objects.count() == Award.objects.count() == 1
    assert Event.objects.filter(type="draw.result").count() == 1
    assert SelectionTask.objects.get().state == TaskState.AWARDED
    assert list(events.verify()) == []


def test_two_workers_do_not_claim_the_same_session() -> None:
    scene().sealed()
    found = together(*[lambda: conductor.claim_sealed(OPENS + 12 * S)] * 4)
    assert sum(isinstance(item, LiveSession) for item in found) == 1


def test_a_sign_up_at_the_last_instant_is_on_the_list_or_refused_never_lost() -> None:
    world = scene(agencies=9)
    task = world.published()
    world.sign_up(task, *world.agencies[:3])
    late = world.agencies[3:]

    def sign_up(agency: Any) -> Callable[[], Any]:
        return lambda: actions.sign_up(task, actor=world.agent(agency), at=CLOSES, agency=agency)

    found = together(*[sign_up(agency) for agency in late], lambda: actions.close_signup(task, at=CLOSES + S))
    task.refresh_from_db()
    taken = {
        agency.organisation.code
        for agency, item in zip(late, found, strict=False)
        if not isinstance(item, DomainError)
    }
    early = {agency.organisation.code for agency in world.agencies[:3]}
    assert set(task.closing["roster"]) == early | taken
    assert {item.code for item in found if isinstance(item, DomainError)} <= {"open_for_signup"}
    assert list(events.verify()) == []


def test_sixteen_parallel_sign_ups_get_gap_free_receipts() -> None:
    world = scene(agencies=16)
    task = world.published()
    at = NOW + timedelta(hours=1)
    found = together(
        *[
            lambda agency=agency: actions.sign_up(task, actor=world.agent(agency), at=at, agency=agency)
            for agency in world.agencies
        ]
    )
    assert sorted(item.receipt["seq"] for item in found) == list(range(4, 20))
    assert list(events.verify()) == []


def test_one_agency_that_clicks_twice_signs_up_once() -> None:
    world = scene()
    task = world.published()
    agency = world.agencies[0]
    at = NOW + timedelta(hours=1)
    found = together(*[lambda: actions.sign_up(task, actor=world.agent(agency), at=at, agency=agency)] * 5)
    assert sum(not isinstance(item, DomainError) for item in found) == 1
    assert task.sign_ups.count() == 1


def test_two_notices_published_at_the_same_moment_get_two_sessions() -> None:
    world = scene()
    tasks = [world.checked() for _ in range(6)]
    found = together(
        *[lambda task=task: actions.publish_notice(task, actor=world.publisher, at=NOW) for task in tasks]
    )
    assert [item.state for item in found] == [TaskState.PUBLISHED] * 6
    assert len({item.session.sid for item in found}) == 6
    assert list(events.verify()) == []


def test_two_clocks_that_find_a_missed_opening_at_once_move_it_once() -> None:
    scene().closed()
    rows = [LiveSession.objects.get() for _ in range(4)]
    late = OPENS + timedelta(minutes=25)
    together(*[lambda row=row: conductor.open_session(row, at=late) for row in rows])
    assert LiveSession.objects.get().attempt == 2
    assert Event.objects.filter(type="session.rescheduled").count() == 1
    assert list(events.verify()) == []


def test_openings_throws_and_publications_at_once_do_not_block_each_other() -> None:
    world = scene(agencies=6)
    task = world.closed()
    assert task.session is not None
    session = conductor.open_session(task.session, at=OPENS)
    notices = [world.checked() for _ in range(3)]
    throws = [
        lambda agency=agency: conductor.throw_into_pot(
            session, actor=world.agent(agency), at=OPENS + S, agency=agency, r="ab" * 32
        )
        for agency in world.agencies
    ]
    opens = [lambda task=task: actions.publish_notice(task, actor=world.publisher, at=NOW) for task in notices]
    found = together(*throws, *opens, lambda: conductor.freeze_session(session, at=OPENS + 11 * S))
    assert None not in found
    assert Freeze.objects.get().entry["pot_n"] == session.pot.count()
    assert list(events.verify()) == []
