"""What a viewer gets over the socket."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model

from livestream import frames, hub
from livestream.routing import websocket_urlpatterns
from marketplace import clock, events
from marketplace.models import Membership, Organisation

from .conftest import STREAM, close_code, joined, numbers, received, record, viewer

pytestmark = pytest.mark.django_db(transaction=True)


async def test_late_joiner_gets_everything_in_order() -> None:
    await record(STREAM, *range(1, 451))
    communicator, hello = await joined()
    assert (hello["kind"], hello["stream"], hello["head"], hello["protocol"]) == ("hello", STREAM, 450, 1)
    got = await received(communicator, 450)
    assert got == await sync_to_async(events.read_all)(STREAM)
    await record(STREAM, 451)
    assert numbers(await received(communicator, 1)) == [451]
    await communicator.disconnect()


async def test_reconnect_gets_only_what_is_missing() -> None:
    await record(STREAM, *range(1, 11))
    communicator, _ = await joined(after=7)
    assert numbers(await received(communicator, 3)) == [8, 9, 10]
    assert await communicator.receive_nothing(timeout=0.3)
    await communicator.disconnect()


async def test_viewer_of_an_empty_stream_waits_for_its_first_event() -> None:
    await record(STREAM)
    communicator, hello = await joined()
    assert hello["head"] == 0
    await record(STREAM, 1)
    assert numbers(await received(communicator, 1)) == [1]
    await communicator.disconnect()


async def test_replay_older_than_the_memory_of_the_hub_comes_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CACHE_EVENTS", 20)
    monkeypatch.setattr(hub, "CHUNK", 10)
    await record(STREAM, *range(1, 56))
    first, _ = await joined(after=40)
    assert numbers(await received(first, 15)) == list(range(41, 56))
    second, _ = await joined(after=0)
    assert numbers(await received(second, 55)) == list(range(1, 56))
    await record(STREAM, 56)
    assert numbers(await received(first, 1)) == numbers(await received(second, 1)) == [56]
    await first.disconnect()
    await second.disconnect()


@pytest.mark.usefixtures("no_doorbell")
async def test_events_of_another_process_arrive_within_a_second_without_a_doorbell() -> None:
    communicator, _ = await joined_with_first()
    started = time.monotonic()
    await record(STREAM, 2)
    assert numbers(await received(communicator, 1, timeout=1)) == [2]
    assert time.monotonic() - started < 1
    await communicator.disconnect()


async def joined_with_first() -> tuple[WebsocketCommunicator, dict[str, object]]:
    await record(STREAM, 1)
    return await joined(after=1)


async def test_doorbell_is_faster_than_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "POLL_S", 60)
    communicator, _ = await joined_with_first()
    await asyncio.sleep(0.05)  # the ear must be at the door
    await record(STREAM, 2)
    assert numbers(await received(communicator, 1)) == [2]
    await communicator.disconnect()


async def test_client_may_ask_again() -> None:
    await record(STREAM, 1, 2, 3)
    communicator, _ = await joined(after=3)
    await communicator.send_json_to({"kind": "after", "seq": 1})
    assert numbers(await received(communicator, 2)) == [2, 3]
    await record(STREAM, 4)
    assert numbers(await received(communicator, 1)) == [4]
    await communicator.disconnect()


async def test_heartbeat_carries_the_head_and_the_viewers_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(hub, "POLL_S", 0.05)
    await record(STREAM, 1, 2)
    first, hello = await joined(after=2)
    second, _ = await joined(after=2)
    assert hello["viewers_here"] == 1
    while (beat := await first.receive_json_from(timeout=2))["viewers_here"] != 2:
        pass
    assert (beat["kind"], beat["seq"]) == ("head", 2)
    assert abs((clock.from_iso(beat["server_time"]) - clock.now()).total_seconds()) < 5
    await first.disconnect()
    await second.disconnect()


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "99999999999999999", "", "%FF"])
async def test_bad_start_is_refused_with_a_clear_code(after: str) -> None:
    await record(STREAM, 1)
    communicator = viewer(after=after)
    assert (await communicator.connect(timeout=5))[0]
    assert await close_code(communicator) == frames.CLOSE_BAD_INPUT


@pytest.mark.parametrize(
    "text",
    ["\x00", "null", "[]", "{", "[" * 900, '{"kind":"after"}', '{"kind":"after","seq":true}',
     '{"kind":"after","seq":-1}', '{"kind":"after","seq":1.5}', '{"kind":"before","seq":1}',
     '{"kind":"after","seq":1,"x":1}', " " * 2000],
)  # fmt: skip
async def test_garbage_closes_with_a_clear_code(text: str) -> None:
    await record(STREAM, 1)
    communicator, _ = await joined(after=1)
    await communicator.send_to(text_data=text)
    assert await close_code(communicator) == frames.CLOSE_BAD_INPUT


async def test_binary_closes_with_a_clear_code() -> None:
    await record(STREAM, 1)
    communicator, _ = await joined(after=1)
    await communicator.send_to(bytes_data=b"\x00\xff")
    assert await close_code(communicator) == frames.CLOSE_BAD_INPUT


async def test_a_client_that_asks_too_often_is_closed() -> None:
    await record(STREAM, 1)
    communicator, _ = await joined(after=1)
    for _ in range(20):
        await communicator.send_to(text_data=json.dumps({"kind": "after", "seq": 1}))
    assert await close_code(communicator) == frames.CLOSE_TOO_MANY


async def test_private_stream_is_refused_to_strangers_and_open_to_the_office() -> None:
    private = "session:private"
    await record(private, 1, public=False)
    for name in (private, "session:unknown"):
        communicator = viewer(name)
        assert (await communicator.connect(timeout=5))[0]
        assert await close_code(communicator) == frames.CLOSE_FORBIDDEN

    @sync_to_async
    def officer() -> object:
        user = get_user_model().objects.create_user("officer", password="a-long-password")
        office = Organisation.objects.create(kind="office", name="Office", code="123456789012345678")
        Membership.objects.create(user=user, organisation=office, role="officer")
        return user

    communicator, hello = await joined(private, user=await officer())
    assert hello["head"] == 1
    assert numbers(await received(communicator, 1)) == [1]
    await communicator.disconnect()


async def test_full_process_sends_viewers_away(settings: object) -> None:
    settings.LIVE_MAX_VIEWERS = 1  # type: ignore[attr-defined]
    await record(STREAM, 1)
    first, _ = await joined()
    second = WebsocketCommunicator(URLRouter(websocket_urlpatterns), f"/ws/streams/{STREAM}/")
    assert (await second.connect(timeout=5))[0]
    assert await close_code(second) == frames.CLOSE_FULL
    await first.disconnect()
