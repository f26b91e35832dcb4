"""What the fan-out benchmark serves and what makes its events; started by `fanout.py` as processes of their own.

A source prints `ready`, waits for a line on its input, then emits. Every event carries `t`, microseconds since 1970.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from typing import Any

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

GROUP = "viewers"


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    django.setup()


def microseconds() -> int:
    return time.time_ns() // 1000


def envelope(n: int) -> dict[str, Any]:
    """As big as a public envelope of the log."""
    return {
        "stream": "bench:00000000",
        "seq": n,
        "type": "bench.tick",
        "at": "2026-11-21T02:00:00.000000Z",
        "actor": {"role": "system", "name": ""},
        "data": {"t": microseconds(), "n": n},
        "sealed": None,
        "prev": "0" * 64,
        "hash": "0" * 64,
    }


def _hub() -> Any:
    """The application as deployed, but with one event in a frame."""
    _django()
    from livestream import hub
    from marketplace.asgi import application

    hub.CHUNK = 1
    return application


def _group_send() -> Any:
    """The usual way: a group member per viewer, and every one encodes for itself."""
    _django()
    from channels.auth import AuthMiddlewareStack
    from channels.generic.websocket import AsyncWebsocketConsumer
    from channels.routing import ProtocolTypeRouter, URLRouter
    from channels.security.websocket import AllowedHostsOriginValidator
    from django.urls import path

    class Viewer(AsyncWebsocketConsumer):  # type: ignore[misc]
        groups = [GROUP]

        async def tick(self, message: dict[str, Any]) -> None:
            await self.send(text_data=json.dumps(message["event"]))

    class Control(AsyncWebsocketConsumer):  # type: ignore[misc]
        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            wanted = json.loads(text_data or "{}")
            for n in range(1, wanted["events"] + 1):
                await self.channel_layer.group_send(GROUP, {"type": "tick", "event": envelope(n)})
                await asyncio.sleep(wanted["pause"])

    routes = [path("viewers/", Viewer.as_asgi()), path("control/", Control.as_asgi())]
    return ProtocolTypeRouter({"websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes)))})


def __getattr__(name: str) -> Any:
    # Made when the server asks for it: each process needs only one of them.
    if name == "hub_application":
        return _hub()
    if name == "group_send_application":
        return _group_send()
    raise AttributeError(name)


async def serve_broadcast(port: int) -> None:
    """The library's own way to write one message to many."""
    viewers: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        if connection.request is not None and connection.request.path == "/control/":
            wanted = json.loads(await connection.recv())
            for n in range(1, wanted["events"] + 1):
                broadcast(viewers, json.dumps(envelope(n)))
                await asyncio.sleep(wanted["pause"])
            return
        viewers.add(connection)
        try:
            await connection.wait_closed()
        finally:
            viewers.discard(connection)

    async with serve(handle, "127.0.0.1", port, compression=None, backlog=1024):
        await asyncio.get_running_loop().create_future()


async def trigger(port: int, events: int, pause: float) -> None:
    """Ask a server that makes its own events to begin, and stay until it has ended."""
    async with connect(
        f"ws://127.0.0.1:{port}/control/", origin=websockets.Origin(f"http://127.0.0.1:{port}")
    ) as control:
        await asyncio.to_thread(_wait_for_go)
        await control.send(json.dumps({"events": events, "pause": pause}))
        await control.wait_closed()


def write_log(stream: str, count: int, pause: float) -> None:
    """Record events one by one, each in its transaction, as the application does."""
    _django()
    from django.db import transaction

    from marketplace import clock, events

    events.register("bench.tick", "tick {n}", data={"t": int, "n": int})
    events.open_stream(stream)
    _wait_for_go()
    for n in range(1, count + 1):
        with transaction.atomic():
            events.record(stream, "bench.tick", {"t": microseconds(), "n": n}, actor=None, at=clock.now())
        if pause:
            time.sleep(pause)


def _wait_for_go() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["broadcast", "trigger", "writer"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stream", default="")
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    pause = 1 / options.rate if options.rate else 0.0
    try:
        if options.what == "broadcast":
            asyncio.run(serve_broadcast(options.port))
        elif options.what == "trigger":
            _connect_patiently(options.port, options.events, pause)
        else:
            write_log(options.stream, options.events, pause)
    except KeyboardInterrupt:
        pass


def _connect_patiently(port: int, events: int, pause: float) -> None:
    for _ in range(300):
        try:
            asyncio.run(trigger(port, events, pause))
            return
        except ConnectionRefusedError:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
