"""One process tree: start children, restart a dead one, end all together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PARENT = "SUPERVISOR_PID"
# A child that dies this often within the span is not restarted again: something is wrong that a restart cannot mend.
DEATHS, SPAN_S = 5, 60.0
GRACE_S = 8.0


def port_is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def end_with_parent() -> None:
    """In a child: end when the supervisor is gone, so that a killed supervisor leaves no orphans on the port."""
    parent = os.environ.get(PARENT)
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


@dataclass
class Child:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor only, which ends the children in order.
        self.process = subprocess.Popen(
            self.command, start_new_session=True, env=os.environ | {PARENT: str(os.getpid())}
        )


class Supervisor:
    """Runs `children` until a signal, or until one dies too often. `say` prints a line."""

    def __init__(self, children: list[Child], say: Callable[[str], object]) -> None:
        self.children = children
        self.say = say
        self.stopping = False

    def run(self) -> int:
        """Exit status: 0 after Ctrl-C or SIGTERM, 1 when a child could not be kept alive."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        status = 0
        try:
            for child in self.children:
                child.start()
            while not self.stopping:
                time.sleep(0.2)
                if any(not self._keep(child) for child in self.children):
                    status = 1
                    break
        finally:
            self._end_all()
        return status

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _keep(self, child: Child) -> bool:
        assert child.process is not None
        code = child.process.poll()
        if code is None or self.stopping:
            return True
        now = time.monotonic()
        child.deaths = [moment for moment in child.deaths if now - moment < SPAN_S] + [now]
        if len(child.deaths) >= DEATHS:
            self.say(
                f"{child.name} ended {DEATHS} times within a minute (last status {code}); everything is stopped."
            )
            return False
        self.say(f"{child.name} ended with status {code}; it is started again.")
        child.start()
        return True

    def _end_all(self) -> None:
        running = [child for child in self.children if child.process is not None and child.process.poll() is None]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        limit = time.monotonic() + GRACE_S
        for child in running:
            assert child.process is not None
            try:
                child.process.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
