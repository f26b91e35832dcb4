"""The hub on real servers over TCP: what ASGI does not say about their buffers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

COUNT = 120
APPLICATION = "tests.livestream.loud_app:application"
COMMANDS = {
    "daphne": ["daphne", "-v", "0", "-b", "127.0.0.1", "-p"],
    "uvicorn": ["uvicorn", "--log-level", "error", "--lifespan", "off", "--host", "127.0.0.1", "--port"],
}


@pytest.fixture(params=COMMANDS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server with its own loud log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    command = [sys.executable, "-W", "ignore", "-m", *COMMANDS[request.param], str(free), APPLICATION]
    process = subprocess.Popen(command, env=os.environ | {"LOUD_COUNT": str(COUNT)})
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", free)) == 0:
                    break
            time.sleep(0.05)
        yield free
    finally:
        process.terminate()
        process.wait(10)


def open_viewer(port: int, receive_buffer: int = 0) -> ClientConnection:
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(("127.0.0.1", port))
    queue = 1 if receive_buffer else 1000
    return connect(f"ws://127.0.0.1:{port}/ws/streams/session:loud/", sock=sock, compression=None, max_queue=queue)


def seqs_until(viewer: ClientConnection, last: int) -> list[int]:
    found: list[int] = []
    while not found or found[-1] < last:
        frame = json.loads(viewer.recv(timeout=10))
        found += [event["seq"] for event in frame.get("events", [])]
    return found


def test_slow_socket_is_dropped_and_comes_back_for_the_rest(port: int) -> None:
    with open_viewer(port) as quick, open_viewer(port, receive_buffer=4096) as slow:
        assert json.loads(slow.recv(timeout=10))["kind"] == "hello"
        assert seqs_until(quick, COUNT) == list(range(1, COUNT + 1)), "nobody waits for the slow one"
        got: list[int] = []
        with suppress(ConnectionClosedError):
            while True:
                frame = json.loads(slow.recv(timeout=10))
                got += [event["seq"] for event in frame.get("events", [])]
        assert got == list(range(1, len(got) + 1))
        assert len(got) < COUNT
    with connect(f"ws://127.0.0.1:{port}/ws/streams/session:loud/?after={len(got)}", compression=None) as again:
        assert seqs_until(again, COUNT) == list(range(len(got) + 1, COUNT + 1))


def test_oversized_message_does_not_fill_the_server(port: int) -> None:
    with open_viewer(port) as viewer:
        assert json.loads(viewer.recv(timeout=10))["kind"] == "hello"
        viewer.send("x" * 500_000)
        with suppress(ConnectionClosedError):
            while True:
                viewer.recv(timeout=10)
        # daphne is told to cut the connection before it has the whole message, without a word (1006).
        assert viewer.close_code in {1006, 1009, 4400}
