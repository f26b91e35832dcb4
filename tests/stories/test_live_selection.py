"""The live session as the regulation and draw/v1 tell it: from the closed list to the confirmed award, and what may go wrong."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace import clock, deadlines, events, vault
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Notification
from projects import actions, conductor, delay, draw, verify
from projects.models import Award, DrawResult, Freeze, LiveSession, SelectionTask
from projects.queries import transcript
from projects.states import SessionState, TaskState
from tests.live import CLOSES, NOW, OPENS, scene

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)


def types(session: LiveSession) -> list[str]:
    return [envelope["type"] for envelope in events.read_all(session.stream_name())]


def judged(task: SelectionTask) -> verify.Report:
    data = json.dumps(transcript(task), ensure_ascii=False).encode()
    return verify.check(data, {"sunshine-marketplace": vault.log_public_key()})


def test_a_whole_session_by_the_clock_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = scene(agencies=4)
    task = world.published()
    world.sign_up(task)
    assert deadlines.run_due(CLOSES) == []  # the last instant still belongs to the window
    assert deadlines.run_due(CLOSES + S) == [f"close sign-up {task.code}"]
    assert deadlines.run_due(OPENS - S) == []
    assert len(deadlines.run_due(OPENS)) == 1
    assert deadlines.run_due(OPENS + 9 * S) == []
    assert len(deadlines.run_due(OPENS + 11 * S)) == 1
    monkeypatch.setattr(clock, "now", lambda: OPENS + 20 * S)
    assert conductor.compute_results(OPENS + 12 * S) == 1
    assert conductor.compute_results(OPENS + 13 * S) == 0
    task.refresh_from_db()
    award = task.award_notice
    assert task.state == TaskState.AWARDED
    assert award.winner.organisation.code == task.result.entry["ranking"][0]
    assert award.waitlist == task.result.entry["ranking"][1:3]
    assert award.publicity_until == datetime.fromisoformat("2026-03-21T00:00:00+08:00")
    assert deadlines.run_due(award.publicity_until - S) == []
    deadlines.run_due(award.publicity_until + timedelta(days=3))
    task.refresh_from_db()
    award.refresh_from_db()
    assert task.state == TaskState.CONFIRMED
    assert award.confirmed_at == award.publicity_until  # dated when it was due, though the clock came late
    assert task.session is not None
    assert [kind for kind in types(task.session) if kind != "draw.progress"] == [
        "session.planned", "draw.plan", "draw.post", *["draw.signup"] * 4, "draw.close", "session.roster",
        "draw.open", "draw.attested", *["draw.pot"] * 3, "draw.freeze", "draw.result", "award.published", "session.finished",
        "draw.attested",
    ]  # fmt: skip
    assert list(events.verify()) == []
    assert judged(task).accepted


def test_the_transcript_is_accepted_and_one_changed_byte_is_not() -> None:
    task = scene().drawn()
    data = json.dumps(transcript(task), ensure_ascii=False).encode()
    assert verify.check(data).accepted
    ranking = json.dumps(task.result.entry["ranking"][0]).encode()
    place = data.index(ranking) + 3
    assert not verify.check(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]).accepted


def test_the_sealed_number_is_neither_in_the_database_nor_in_the_log_before_the_seal() -> None:
    world = scene()
    task = world.closed()
    assert task.session is not None
    secret = conductor.secret_of(task.session)
    assert draw.op_commit(task.session.sid, secret).hex() == task.session.plan["op_commit"]
    assert secret not in bytes(task.session.sealed_secret)
    assert secret.hex() not in json.dumps(events.read_all(task.session.stream_name()))
    session = world.sealed(task)
    assert session.seal.entry["S"] == secret.hex()


def test_names_on_the_list_stay_hidden_until_the_close() -> None:
    world = scene()
    task = world.published()
    world.sign_up(task)
    assert task.session is not None
    before = json.dumps(events.read_all(task.session.stream_name()))
    for agency in world.agencies:
        assert agency.organisation.code not in before
        assert agency.organisation.name not in before
    actions.close_signup(task, at=CLOSES + S)
    assert world.agencies[0].organisation.code in json.dumps(events.read_all(task.session.stream_name()))


def test_a_second_seal_and_a_second_result_are_impossible_in_the_database_itself() -> None:
    world = scene()
    task = world.drawn()
    session = LiveSession.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Freeze.objects.create(session=session, entry={}, leaf="ab" * 32, at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        DrawResult.objects.create(task=task, session=session, entry={}, at=NOW)
    count = Event.objects.count()
    conductor.freeze_session(session, at=OPENS + 12 * S)
    conductor.publish_results(session, at=OPENS + 30 * S, found=draw.Delay(b"", b"", 0, 0))
    assert conductor.compute_results(OPENS + 60 * S) == 0
    assert Event.objects.count() == count
    assert Award.objects.count() == 1


def test_whoever_computes_gets_the_same_result() -> None:
    session = scene().sealed()
    seed = draw.vdf_seed(bytes.fromhex(session.seal.leaf))
    task = session.tasks.get()
    roster = task.closing["roster"]
    here, elsewhere = (
        draw.result(session.seal.entry, task.post, names, delay.evaluate(seed, session.iters))
        for names in (roster, list(reversed(roster)))
    )
    assert here == elsewhere
    found = delay.compute(seed, session.iters, lambda _elapsed: True)
    assert found is not None
    conductor.publish_results(session, at=OPENS + 20 * S, found=found)
    assert DrawResult.objects.get().entry == here


def test_an_agency_throws_once_while_the_pot_is_open_and_only_from_the_list() -> None:
    world = scene(agencies=3)
    outsider = world.add_agency()
    task = world.published()
    world.sign_up(task, *world.agencies[:3])
    task = actions.close_signup(task, at=CLOSES + S)
    assert task.session is not None
    agency, agent = world.agencies[0], world.agent(world.agencies[0])
    with pytest.raises(RuleBroken) as early:
        conductor.throw_into_pot(task.session, actor=agent, at=OPENS - S, agency=agency, r="00" * 32)
    session = conductor.open_session(task.session, at=OPENS)
    first = conductor.throw_into_pot(session, actor=agent, at=OPENS + S, agency=agency, r="01" * 32)
    again = conductor.throw_into_pot(session, actor=agent, at=OPENS + 2 * S, agency=agency, r="02" * 32)
    assert again.pk == first.pk
    assert again.line["r"] == "01" * 32
    for bad in ("", "zz" * 32, "AB" * 32, "00" * 31):
        with pytest.raises(FieldErrors):
            conductor.throw_into_pot(session, actor=agent, at=OPENS + S, agency=agency, r=bad)
    with pytest.raises(NotAllowed):
        conductor.throw_into_pot(session, actor=world.agent(outsider), at=OPENS + S, agency=outsider, r="03" * 32)
    with pytest.raises(NotAllowed):
        conductor.throw_into_pot(session, actor=world.agent(outsider), at=OPENS + S, agency=agency, r="03" * 32)
    with pytest.raises(RuleBroken) as late:
        conductor.throw_into_pot(
            session, actor=world.agent(world.agencies[1]), at=OPENS + 11 * S, agency=world.agencies[1], r="04" * 32
        )
    assert early.value.code == late.value.code == "pot_is_open"
    assert session.pot.count() == 4


def test_a_missed_seal_voids_the_opening_and_the_next_declared_slot_uses_the_same_list_and_number() -> None:
    world = scene()
    task = world.closed()
    assert task.session is not None
    conductor.open_session(task.session, at=OPENS)
    late = OPENS + 16 * S  # window 10 s and publication 5 s are over
    deadlines.run_due(late)
    session = LiveSession.objects.get()
    assert (session.state, session.attempt) == (SessionState.PLANNED, 2)
    assert session.open_at == OPENS + timedelta(seconds=session.retry_s)
    assert types(session)[-2:] == ["draw.void", "session.rescheduled"]
    told = Notification.objects.filter(kind="session.void").values_list("user", flat=True)
    assert set(told) == {world.checker.pk, world.publisher.pk, world.manager.pk}
    session = conductor.open_session(session, at=session.open_at)
    session = conductor.freeze_session(session, at=session.open_at + 11 * S)
    assert session.seal.entry["attempt"] == 2
    assert session.seal.entry["S"] == conductor.secret_of(session).hex()
    found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
    conductor.publish_results(session, at=session.seal.at + 9 * S, found=found)
    report = judged(SelectionTask.objects.get())
    assert report.accepted, report.reason


def test_an_opening_missed_by_a_whole_slot_moves_to_the_next_one() -> None:
    world = scene()
    task = world.closed()
    assert task.session is not None
    session = conductor.open_session(task.session, at=OPENS + timedelta(minutes=25))
    assert (session.state, session.attempt) == (SessionState.PLANNED, 2)
    assert session.open_at == OPENS + timedelta(minutes=30)
    assert types(session)[-1] == "session.rescheduled"


def test_a_sealed_number_that_does_not_open_voids_instead_of_using_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = scene()
    task = world.closed()
    assert task.session is not None
    conductor.open_session(task.session, at=OPENS)

    def damaged(_session: LiveSession) -> bytes:
        raise vault.Damaged("x")

    monkeypatch.setattr(conductor, "secret_of", damaged)
    session = conductor.freeze_session(LiveSession.objects.get(), at=OPENS + 11 * S)
    assert session.state == SessionState.PLANNED
    assert Freeze.objects.count() == 0
    assert events.read_all(session.stream_name())[-2]["data"]["reason"] == "secret_unreadable"


def test_nobody_can_start_seal_or_finish_a_session_by_hand() -> None:
    world = scene()
    task = world.closed()
    from marketplace.workflow import fire

    assert task.session is not None
    for person in (world.manager, world.checker, world.publisher):
        with pytest.raises(NotAllowed):
            fire(task.session, "open", actor=person, at=OPENS, opening={}, closes_at=OPENS)
    with pytest.raises(RuleBroken):
        conductor.open_session(task.session, at=OPENS - S)
    with pytest.raises(WrongState):
        fire(task.session, "freeze", actor=None, at=OPENS)
    assert LiveSession.objects.get().state == SessionState.PLANNED


def test_too_few_agencies_extend_once_then_fail_and_the_session_is_not_held() -> None:
    world = scene(agencies=2)
    task = world.published()
    world.sign_up(task)
    task = actions.close_signup(task, at=CLOSES + S)
    assert (task.state, task.extensions) == (TaskState.PUBLISHED, 1)
    # Published on Tuesday 10 March, first deadline Monday 16 March 17:30: four working days, and four more.
    assert task.signup_deadline == datetime.fromisoformat("2026-03-20T17:30:00+08:00")
    assert task.selection_at - task.signup_deadline == OPENS - CLOSES
    assert task.session is not None
    assert draw.leaf(task.session.plan).hex() == task.post["plan"]
    task = actions.close_signup(task, at=task.signup_deadline + S)
    assert task.state == TaskState.FAILED
    assert LiveSession.objects.get().state == SessionState.ABANDONED
    assert list(events.verify()) == []


def test_an_extension_that_brings_a_third_agency_leads_to_a_result_the_verifier_accepts() -> None:
    world = scene(agencies=2)
    task = world.published()
    world.sign_up(task)
    task = actions.close_signup(task, at=CLOSES + S)
    third = world.add_agency()
    world.sign_up(task, third, at=CLOSES + timedelta(hours=2))
    task = actions.close_signup(task, at=task.signup_deadline + S)
    assert task.session is not None
    at = task.session.open_at
    session = conductor.open_session(task.session, at=at)
    session = conductor.freeze_session(session, at=at + 11 * S)
    found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
    conductor.publish_results(session, at=at + 20 * S, found=found)
    report = judged(SelectionTask.objects.get())
    assert report.accepted, report.reason


def test_progress_is_reported_only_by_the_process_that_holds_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    session = scene().sealed()
    claimed = conductor.claim_sealed(OPENS + 12 * S)
    assert claimed is not None
    assert conductor.claim_sealed(OPENS + 13 * S) is None
    assert conductor.report_progress(claimed, at=OPENS + 13 * S, elapsed=1, speed=100)
    monkeypatch.setattr(conductor, "_me", lambda: "another process")
    assert not conductor.report_progress(claimed, at=OPENS + 14 * S, elapsed=2, speed=100)
    assert conductor.claim_sealed(OPENS + 13 * S + conductor.LEASE + S) is not None
    progress: list[dict[str, Any]] = [
        e["data"] for e in events.read_all(session.stream_name()) if e["type"] == "draw.progress"
    ]
    assert progress == [{"sid": session.sid, "attempt": 1, "elapsed_s": 1, "steps": 100, "iters": 1000}]
