"""Events to deliver: a kind of our own, recorded in the way the application records them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db import close_old_connections, transaction

from livestream.routing import websocket_urlpatterns
from marketplace import clock, events

if "test.said" not in events.event_types():
    events.register("test.said", "said {n}", data={"n": int}, optional={"text": str, "who": dict})

STREAM = "session:test"
Record = Callable[..., Awaitable[None]]


def record_events(stream: str, *numbers: int, public: bool = True, **data: Any) -> None:
    """Record one event for each number, all in one transaction."""
    with transaction.atomic():
        events.open_stream(stream, public=public)
        for n in numbers:
            events.record(stream, "test.said", {"n": n, **data}, actor=None, at=clock.now())


def _record_and_close(stream: str, *numbers: int, **options: Any) -> None:
    record_events(stream, *numbers, **options)
    close_old_connections()


record = sync_to_async(_record_and_close)


@pytest.fixture
def no_doorbell(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process that shares no channel layer with the hub."""
    monkeypatch.setattr(events, "ring", lambda stream, seq: None)


def viewer(stream: str = STREAM, after: int | str = 0, user: Any = None) -> WebsocketCommunicator:
    communicator = WebsocketCommunicator(URLRouter(websocket_urlpatterns), f"/ws/streams/{stream}/?after={after}")
    if user is not None:
        communicator.scope["user"] = user
    return communicator


async def joined(
    stream: str = STREAM, after: int | str = 0, user: Any = None
) -> tuple[WebsocketCommunicator, dict[str, Any]]:
    """A connected viewer and its hello."""
    communicator = viewer(stream, after, user)
    connected, _ = await communicator.connect(timeout=5)
    assert connected
    hello: dict[str, Any] = await communicator.receive_json_from(timeout=5)
    return communicator, hello


async def received(communicator: WebsocketCommunicator, count: int, timeout: float = 3) -> list[dict[str, Any]]:
    """The next `count` envelopes, from as many frames as they come in."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        frame = await communicator.receive_json_from(timeout=timeout)
        if frame["kind"] == "events":
            found += frame["events"]
    return found


async def close_code(communicator: WebsocketCommunicator, timeout: float = 3) -> int:
    while True:
        message = await communicator.receive_output(timeout=timeout)
        if message["type"] == "websocket.close":
            return int(message["code"])


def numbers(envelopes: list[dict[str, Any]]) -> list[int]:
    return [envelope["seq"] for envelope in envelopes]
