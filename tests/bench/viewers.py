"""The crowd of the fan-out benchmark: many sockets in one process that read as fast as they can and count.

Prints {"connect_s"} when all viewers are in, then {"messages_per_s", "p50_s", "p99_s", "lost"}. A message is lost
when it is missing or out of order. A bare epoll loop: a client library would be slower than the servers it
measures.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field

CONNECTING_AT_ONCE = 64

# What a payload holds: (n, seconds since 1970) of each event; viewers get the same bytes, so it is parsed once.
Ticks = tuple[tuple[int, float], ...]


@dataclass(slots=True)
class Viewer:
    sock: socket.socket
    is_open: bool = False
    last: int = 0
    faults: int = 0
    rest: bytes = b""


@dataclass
class Crowd:
    port: int
    path: str
    expected: int
    known: dict[bytes, Ticks] = field(default_factory=dict)
    delays: array[float] = field(default_factory=lambda: array("d"))
    viewers: dict[int, Viewer] = field(default_factory=dict)
    first: float = 0.0
    latest: float = 0.0

    def connect(self, poll: select.epoll, count: int) -> float:
        started = time.perf_counter()
        request = (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nOrigin: http://127.0.0.1:{self.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        opened = 0
        while opened < count:
            while len(self.viewers) < min(count, opened + CONNECTING_AT_ONCE):
                sock = socket.create_connection(("127.0.0.1", self.port), 30)
                sock.sendall(request)
                sock.setblocking(False)
                self.viewers[sock.fileno()] = Viewer(sock)
                poll.register(sock.fileno(), select.EPOLLIN)
            ready = poll.poll(30)
            if not ready:
                raise SystemExit("no answer to the handshake in 30 s")
            for fd, _ in ready:
                viewer = self.viewers[fd]
                was_open = viewer.is_open
                self.read(viewer)
                opened += viewer.is_open and not was_open
        return time.perf_counter() - started

    def read(self, viewer: Viewer) -> int:
        """Take what a socket has; returns how many events it was."""
        try:
            data = viewer.sock.recv(1 << 18)
        except BlockingIOError:
            return 0
        moment = time.time()
        data = viewer.rest + data if viewer.rest else data
        if not viewer.is_open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                viewer.rest = head
                return 0
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(head.decode(errors="replace"))
            viewer.is_open = True
        taken, offset, size = 0, 0, len(data)
        while offset + 2 <= size:
            length, start = data[offset + 1], offset + 2
            if length == 126:
                start = offset + 4
                length = int.from_bytes(data[offset + 2 : start], "big")
            elif length == 127:
                start = offset + 10
                length = int.from_bytes(data[offset + 2 : start], "big")
            if start > size or start + length > size:
                break
            if data[offset] == 0x81:
                taken += self.take(viewer, data[start : start + length], moment)
            offset = start + length
        viewer.rest = data[offset:]
        return taken

    def take(self, viewer: Viewer, payload: bytes, moment: float) -> int:
        ticks = self.known.get(payload)
        if ticks is None:
            ticks = self.known[payload] = parsed(payload)
        for n, emitted in ticks:
            if n != viewer.last + 1:
                viewer.faults += 1
            viewer.last = n
            self.delays.append(moment - emitted)
        if ticks:
            self.first = self.first or moment
            self.latest = moment
        return len(ticks)

    def listen(self, poll: select.epoll, patience: float) -> int:
        """Read until all has come or nothing comes any more; returns the number of events received."""
        received, last_seen, begun = 0, time.monotonic(), False
        while received < self.expected:
            ready = poll.poll(0.5)
            for fd, _ in ready:
                received += self.read(self.viewers[fd])
            if ready and received:
                begun, last_seen = True, time.monotonic()
            elif time.monotonic() - last_seen > (patience if begun else 3 * patience):
                break
        return received


def parsed(payload: bytes) -> Ticks:
    message = json.loads(payload)
    kind = message.get("kind")
    envelopes = message["events"] if kind == "events" else [] if kind else [message]
    return tuple((e["data"]["n"], e["data"]["t"] / 1e6) for e in envelopes)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--viewers", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--patience", type=float, default=20.0)
    options = parser.parse_args()
    expected = options.viewers * options.events
    crowd, poll = Crowd(options.port, options.path, expected), select.epoll()
    print(json.dumps({"connect_s": crowd.connect(poll, options.viewers)}), flush=True)
    received = crowd.listen(poll, options.patience)
    in_order = received - sum(viewer.faults for viewer in crowd.viewers.values())
    delays = sorted(crowd.delays) or [0.0]
    span = max(crowd.latest - crowd.first, 1e-6)
    result = {
        "messages_per_s": received / span,
        "p50_s": delays[len(delays) // 2],
        "p99_s": delays[min(len(delays) - 1, len(delays) * 99 // 100)],
        "lost": expected - in_order,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    # The bench ends a process by SIGINT when it has what it wants.
    with suppress(KeyboardInterrupt):
        main()
