"""The process tree: a busy port is named, a dead child comes back, a hopeless one ends all, nothing is orphaned."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from marketplace import supervisor
from marketplace.supervisor import Child, Supervisor, port_is_free

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_port_in_use_is_said_with_the_way_out(busy_port: int) -> None:
    assert not port_is_free("127.0.0.1", busy_port)
    with pytest.raises(CommandError, match=f"Port {busy_port} is in use.*make run PORT={busy_port + 1}"):
        call_command("serve", port=busy_port)


def run_for(tree: Supervisor, seconds: float) -> int:
    """Run the tree and end it by SIGALRM, which stands in for Ctrl-C."""
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    signal.signal(signal.SIGALRM, tree._stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return tree.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def test_a_child_that_cannot_live_ends_all_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    healthy = Child("web", SLEEPER)
    tree = Supervisor([healthy, Child("clock", [sys.executable, "-c", "raise SystemExit(3)"])], said.append)
    monkeypatch.setattr(supervisor.time, "sleep", lambda _s: time.monotonic())
    assert run_for(tree, 20) == 1
    assert said[-1] == "clock ended 5 times within a minute (last status 3); everything is stopped."
    assert len(said) == supervisor.DEATHS
    assert healthy.process is not None
    assert healthy.process.poll() == -signal.SIGTERM


def test_a_killed_child_is_started_again_and_the_end_takes_all() -> None:
    said: list[str] = []
    child = Child("worker", SLEEPER)
    tree = Supervisor([child], said.append)

    def kill_first(*_: object) -> None:
        assert child.process is not None
        os.kill(child.process.pid, signal.SIGKILL)
        signal.signal(signal.SIGALRM, tree._stop)

    previous = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, kill_first)
    signal.setitimer(signal.ITIMER_REAL, 0.3, 0.6)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert tree.run() == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert said == ["worker ended with status -9; it is started again."]
    assert child.process is not None
    assert child.process.poll() == -signal.SIGTERM


def test_a_child_ends_when_its_supervisor_was_killed() -> None:
    code = "from marketplace.supervisor import end_with_parent; import time; end_with_parent(); print('up', flush=True); time.sleep(60)"
    parent = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {code!r}], "
        "env=os.environ | {'SUPERVISOR_PID': str(os.getpid())}, start_new_session=True)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        assert process.stdout.readline() == "up\n"
        process.kill()
        process.wait()
        # The child holds the other end of the pipe: end of file means that it is gone.
        assert process.stdout.read() == ""
