"""How the hub treats many viewers: one read, one encoding, nobody waits for a slow one, nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from livestream import consumers, hub, sockets
from livestream.frames import CLOSE_TOO_SLOW, Frame
from livestream.sockets import AsgiSocket
from marketplace import events

from .conftest import STREAM, joined, numbers, received, record

pytestmark = pytest.mark.django_db(transaction=True)


class SlowViewer:
    """A viewer behind an ASGI server whose `send` waits once the peer has stopped reading."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.reading = asyncio.Event()
        self.reading.set()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] != "websocket.close":
            await self.reading.wait()
        self.sent.append(message)

    def start(self) -> asyncio.Task[None]:
        scope = {"type": "websocket", "url_route": {"kwargs": {"name": STREAM}}, "query_string": b"after=0"}
        self.incoming.put_nowait({"type": "websocket.connect"})
        return asyncio.create_task(consumers.stream_socket(scope, self.incoming.get, self.send))

    async def has(self, count: int) -> None:
        async with asyncio.timeout(3):
            while len(self.sent) < count:
                await asyncio.sleep(0.01)


async def test_slow_viewer_is_dropped_and_the_others_get_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 4000)
    await record(STREAM, 1)
    slow = SlowViewer()
    task = slow.start()
    quick, _ = await joined()
    assert numbers(await received(quick, 1)) == [1]
    await slow.has(3)  # accept, hello, the first event
    slow.reading.clear()
    for n in range(2, 22):
        await record(STREAM, n)
        assert numbers(await received(quick, 1)) == [n]
    async with asyncio.timeout(3):
        await task
    assert slow.sent[-1] == {"type": "websocket.close", "code": CLOSE_TOO_SLOW}
    assert len(slow.sent) == 4, "what was buffered for the slow viewer is forgotten"
    await quick.disconnect()


async def test_viewer_that_pauses_shortly_loses_nothing() -> None:
    await record(STREAM, 1)
    slow = SlowViewer()
    task = slow.start()
    await slow.has(3)
    slow.reading.clear()
    for n in range(2, 6):
        await record(STREAM, n)
        await asyncio.sleep(0.3)
    slow.reading.set()
    await slow.has(7)
    assert [f'"seq":{n},' in m["text"] for n, m in zip(range(2, 6), slow.sent[3:], strict=True)] == [True] * 4
    slow.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    async with asyncio.timeout(3):
        await task


async def test_send_that_is_done_at_once_costs_no_task() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    socket, before = AsgiSocket(send), asyncio.all_tasks()
    assert socket.push(Frame("a"))
    assert asyncio.all_tasks() == before
    assert sent == [{"type": "websocket.send", "text": "a"}]


@contextmanager
def counted_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which functions of the log the hubs call."""
    calls: list[str] = []
    with monkeypatch.context() as patch:
        for name in ("read", "is_public", "may_read", "head"):
            inner = getattr(events, name)

            def counting(*args: Any, _name: str = name, _inner: Any = inner, **kwargs: Any) -> Any:
                calls.append(_name)
                return _inner(*args, **kwargs)

            patch.setattr(events, name, counting)
        yield calls


@pytest.mark.parametrize("crowd", [1, 50])
async def test_an_event_is_read_once_however_many_watch(crowd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(STREAM, 1)
    with counted_reads(monkeypatch) as calls:
        viewers = [(await joined())[0] for _ in range(crowd)]
        for one in viewers:
            assert numbers(await received(one, 1)) == [1]
        # is_public, and to begin with: the head, the events, and one look whether more has come.
        assert sorted(set(calls)) == ["head", "is_public", "read"]
        assert len(calls) <= 5
        calls.clear()
        await record(STREAM, 2)
        for one in viewers:
            assert numbers(await received(one, 1)) == [2]
        assert calls == ["read"]
    for one in viewers:
        await one.disconnect()


async def test_all_viewers_get_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    inner = hub.frames.encode
    monkeypatch.setattr(hub.frames, "encode", lambda value: made.append(inner(value)) or made[-1])
    await record(STREAM, 1)
    viewers = [(await joined(after=1))[0] for _ in range(3)]
    made.clear()
    await record(STREAM, 2)
    texts = {await one.receive_from(timeout=3) for one in viewers}
    assert len(texts) == 1
    assert len([text for text in made if '"type":"test.said"' in text]) == 1
    for one in viewers:
        await one.disconnect()


@pytest.mark.usefixtures("no_doorbell")
async def test_heads_of_all_streams_are_one_query(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    inner = events.heads
    monkeypatch.setattr(events, "heads", lambda streams: asked.append(sorted(streams)) or inner(streams))
    await record("session:a", 1)
    await record("session:b", 1)
    first, _ = await joined("session:a", after=1)
    second, _ = await joined("session:b", after=1)
    asked.clear()
    await record("session:b", 2)
    assert numbers(await received(second, 1)) == [2]
    assert {tuple(names) for names in asked} == {("session:a", "session:b")}
    assert len(asked) <= 3
    await first.disconnect()
    await second.disconnect()


async def test_hub_survives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    await record(STREAM, 1)
    one, _ = await joined(after=1)
    with monkeypatch.context() as patch:
        for name in ("read", "heads"):
            patch.setattr(events, name, lambda *args, **kwargs: 1 / 0)
        await record(STREAM, 2)
        await asyncio.sleep(hub.POLL_S * 2)
    assert numbers(await received(one, 1)) == [2]
    await one.disconnect()


async def test_last_viewer_switches_everything_off() -> None:
    await record(STREAM, 1)
    one, _ = await joined()
    assert len(hub._switchboards) == 1
    await one.disconnect()
    await asyncio.sleep(0.05)
    assert len(hub._switchboards) == 0
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    assert [name for name in names if name.startswith(("Hub.", "Switchboard.", "AsgiSocket."))] == []
    readers = [thread for thread in threading.enumerate() if thread.name.startswith("livestream-reader")]
    for thread in readers:
        thread.join(2)
    assert not any(thread.is_alive() for thread in readers)
