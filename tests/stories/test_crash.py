"""Kill -9 at every recorded step of a live session, inside the step's transaction and right after it, then start again.

Each step runs in a forked process on a copy of the database; the process really dies by SIGKILL. Whatever happened, the
session ends with one result that is a pure function of its seal, or with a visible void before it: never a second draw.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from marketplace import clock, deadlines, events
from marketplace.models import Event
from projects import conductor, delay, draw, verify
from projects.models import DrawResult, Freeze, LiveSession, SelectionTask
from projects.queries import transcript
from projects.states import SessionState, TaskState
from tests.live import OPENS, Scene, scene

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="works on copies of a database file"),
    pytest.mark.django_db(transaction=True),
]
STEP = timedelta(milliseconds=500)


def on_file(path: Path) -> None:
    """Let this (forked) process work on a database file of its own."""
    connection.connection = None  # the parent's connection stays the parent's
    connection.settings_dict["NAME"] = str(path)
    # A killed process loses nothing that reached the operating system, so that no disk need be waited for.
    connection.settings_dict["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL;",
    }


def forked(path: Path, work: Callable[[], None]) -> int:
    """Run `work` on the file in a child process; returns its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            on_file(path)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
            code = 70
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(step: int, inside: bool) -> None:
    """From now on the process kills itself at the n-th recorded event, before or after its transaction is committed."""
    real = events.record
    count = 0

    def record(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        event = real(*args, **kwargs)
        count += 1
        if count == step:
            if inside:
                os.kill(os.getpid(), signal.SIGKILL)
            transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        return event

    events.record = record


def conduct(start: datetime, people: list[tuple[int, int]], turns: int = 40) -> None:
    """The clock, a worker and the agencies' pages, from `start` on, at the moments when something is due, until the session is over."""

    def compute(seed: bytes, iters: int, beat: Callable[[float], bool], every: float = 1.0) -> draw.Delay | None:
        return delay.evaluate(seed, iters) if beat(1.0) and beat(2.0) else None

    moment = start
    clock.now = lambda: moment  # type: ignore[assignment]
    delay.compute = compute
    conductor._speed = lambda: 100  # type: ignore[assignment]
    from agencies.models import Agency
    from marketplace.models import User

    for _ in range(turns):
        deadlines.run_due(moment)
        session = LiveSession.objects.get()
        if session.state == SessionState.OPENED:
            for agency, user in people:
                conductor.throw_into_pot(
                    session,
                    actor=User.objects.get(pk=user),
                    at=moment,
                    agency=Agency.objects.get(pk=agency),
                    r="ab" * 32,
                )
        conductor.compute_results(moment)
        session = LiveSession.objects.get()
        if session.state == SessionState.FINISHED:
            return
        moment += STEP
        if session.state == SessionState.PLANNED:
            moment = max(moment, session.open_at)
        elif session.state == SessionState.OPENED and session.closes_at is not None:
            moment = max(moment, session.closes_at)


def report(path: Path, *, judge: bool) -> None:
    """Write what the file says in the end beside it; `judge` asks the independent verifier too, which takes longer."""
    session = LiveSession.objects.get()
    task = SelectionTask.objects.get()
    freeze = Freeze.objects.filter(session=session).first()
    assert task.state == TaskState.AWARDED
    assert freeze is not None
    found = delay.evaluate(draw.vdf_seed(bytes.fromhex(freeze.leaf)), session.iters)
    pure = draw.result(freeze.entry, task.post, task.closing["roster"], found)
    judged = verify.check(json.dumps(transcript(task)).encode()) if judge else None
    path.with_suffix(".json").write_text(
        json.dumps(
            {
                "state": session.state,
                "task": task.state,
                "freezes": Freeze.objects.count(),
                "freeze": freeze.leaf if freeze else None,
                "results": DrawResult.objects.count(),
                "pure": task.result.entry == pure,
                "faults": [str(fault) for fault in events.verify()],
                "voids": [e["type"] for e in events.read_all(session.stream_name())].count("draw.void"),
                "judgement": "" if judged is None or judged.accepted else judged.reason,
            }
        )
    )


def frozen_leaf(path: Path) -> str | None:
    with sqlite3.connect(path) as db:
        row = db.execute("SELECT leaf FROM projects_freeze").fetchone()
    return row[0] if row else None


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[tuple[int, int]]]:
    """A database file with one session whose list is closed, and who throws."""
    monkeypatch.setattr(events, "ring", lambda stream, seq: None)
    world: Scene = scene(agencies=3)
    world.closed()
    path = tmp_path / "base.sqlite3"
    with sqlite3.connect(path) as copy:
        assert connection.connection is not None
        connection.connection.backup(copy)
    copy.close()
    return path, [(agency.pk, world.agent(agency).pk) for agency in world.agencies]


def copied(base: Path, name: str) -> Path:
    path = base.with_name(f"{name}.sqlite3")
    path.write_bytes(base.read_bytes())
    return path


@pytest.mark.parametrize(
    ("inside", "late"),
    [(True, timedelta(minutes=25)), (False, timedelta(0))],
    ids=["inside the step, restarted late", "after the step, restarted at once"],
)
def test_killed_at_every_step_it_ends_with_one_result(stage: Any, late: timedelta, inside: bool) -> None:
    base, people = stage
    whole = copied(base, "whole")
    counted = base.with_name("count")

    def count() -> None:
        real, seen = events.record, []
        events.record = lambda *a, **k: (seen.append(1), real(*a, **k))[1]
        conduct(OPENS, people)
        counted.write_text(str(len(seen)))

    assert forked(whole, count) == 0
    steps = int(counted.read_text())
    assert steps >= 15
    voids = 0
    for step in range(1, steps + 1):
        path = copied(base, f"step{step}")

        def dying(step: int = step) -> None:
            die_at(step, inside)
            conduct(OPENS, people)

        assert forked(path, dying) == -signal.SIGKILL
        sealed_before = frozen_leaf(path)

        def resumed(path: Path = path, step: int = step) -> None:
            last = Event.objects.filter(stream__name__startswith="session:").latest("at").at
            conduct(max(last, OPENS) + STEP + late + conductor.LEASE * bool(frozen_leaf(path)), people)
            report(path, judge=step % 6 == 2)

        assert forked(path, resumed) == 0
        end = json.loads(path.with_suffix(".json").read_text())
        assert (end["state"], end["task"], end["freezes"], end["results"]) == ("finished", "awarded", 1, 1), (
            step,
            end,
        )
        assert end["faults"] == []
        assert (end["pure"], end["judgement"]) == (True, ""), (step, end)
        if sealed_before is not None:
            assert end["freeze"] == sealed_before
            assert end["voids"] == 0
        voids += end["voids"]
    assert (voids > 0) == bool(late)  # a death that misses the seal shows as a void, a quick restart needs none
