"""An application for tests on real servers: the hub over a log in memory that grows by a long event every 20 ms.

Run by a server in a process of its own; the log begins with the first viewer.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

import django

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from livestream import hub  # noqa: E402
from livestream.routing import websocket_urlpatterns  # noqa: E402
from marketplace import events  # noqa: E402

SIZE = 8_000
COUNT = int(os.environ["LOUD_COUNT"])
begun: list[float] = []
listen = socket.socket.listen


def listen_with_small_buffers(sock: socket.socket, *backlog: int) -> None:
    """The kernel would else keep megabytes for a viewer who does not read, and the test would last long."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    listen(sock, *backlog)


socket.socket.listen = listen_with_small_buffers  # type: ignore[method-assign]


def head(stream: str) -> tuple[int, str]:
    begun[:] = begun or [time.monotonic()]
    return min(COUNT, int((time.monotonic() - begun[0]) / 0.02)), events.NO_HASH


def read(stream: str, after: int = 0, limit: int = 500) -> list[dict[str, Any]]:
    last = min(head(stream)[0], after + limit)
    return [{"stream": stream, "seq": seq, "data": {"text": "x" * SIZE}} for seq in range(after + 1, last + 1)]


def heads(streams: Iterable[str]) -> dict[str, int]:
    return {stream: head(stream)[0] for stream in streams}


events.head, events.read, events.heads = head, read, heads
events.is_public = lambda stream: True
hub.POLL_S = 0.02

application = ProtocolTypeRouter({"websocket": URLRouter(websocket_urlpatterns)})
