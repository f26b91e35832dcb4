"""The viewers' socket: `/ws/streams/<name>/?after=<seq>`.

A plain ASGI application and not a Channels consumer: a viewer needs no channel, no group and no second task, only
to be written to by its hub and to be listened to now and then. What is said is in `frames.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from marketplace.clock import iso_micros, now
from marketplace.models import User

from . import frames
from .hub import Hub, Switchboard, max_viewers, switchboard
from .sockets import Send, Socket, SocketGone, viewer_socket

Receive = Callable[[], Awaitable[dict[str, Any]]]

# A client may ask again this often: a burst, then one request a second.
REQUEST_BURST = 10
REQUESTS_PER_S = 1.0


class Left(Exception):
    """The connection is over; `code` is what the server still has to say, None when there is nobody to say it to."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class Allowance:
    """A token bucket for one client's requests."""

    def __init__(self) -> None:
        self.tokens = float(REQUEST_BURST)
        self.at = time.monotonic()

    def take(self) -> bool:
        moment = time.monotonic()
        self.tokens = min(REQUEST_BURST, self.tokens + (moment - self.at) * REQUESTS_PER_S)
        self.at = moment
        self.tokens -= 1
        return self.tokens >= 0


async def stream_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One viewer from the handshake to the end. Closes with one of the CLOSE_ codes of `frames`."""
    if (await receive())["type"] != "websocket.connect":
        return
    # Accepted before anything is refused: a browser shows its page no reason for a rejected handshake.
    await send({"type": "websocket.accept"})
    try:
        name = scope["url_route"]["kwargs"]["name"]
        if "\x00" in name:  # PostgreSQL knows no such text
            raise frames.BadRequest("name")
        after = _first_after(scope.get("query_string", b""))
        async with switchboard() as board:
            if board.guests > max_viewers():
                raise Left(frames.CLOSE_FULL)
            if not await board.may_read(_user(scope), name):
                raise Left(frames.CLOSE_FORBIDDEN)
            await _watch(board, name, after, receive, send)
    except Left as left:
        if left.code is not None:
            await send({"type": "websocket.close", "code": left.code})
    except frames.BadRequest:
        await send({"type": "websocket.close", "code": frames.CLOSE_BAD_INPUT})


async def _watch(board: Switchboard, name: str, after: int, receive: Receive, send: Send) -> None:
    socket = viewer_socket(send)
    async with board.joined(name) as hub:
        try:
            await hub.ready()
            await socket.write(frames.hello(name, hub.head, iso_micros(now()), len(hub.viewers) + 1))
            await hub.attach(socket, after)
            await _listen(hub, socket, receive)
        except TimeoutError:
            raise Left(frames.CLOSE_FULL) from None
        except SocketGone:
            await socket.close_slow()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not socket.dropped or task is None:
                raise
            task.uncancel()  # it was the hub: this viewer did not read
            await socket.close_slow()
        finally:
            hub.detach(socket)
            socket.release()


async def _listen(hub: Hub, socket: Socket, receive: Receive) -> None:
    allowance = Allowance()
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            raise Left
        if message["type"] != "websocket.receive":
            continue
        if not allowance.take():
            raise Left(frames.CLOSE_TOO_MANY)
        text = message.get("text")
        if not isinstance(text, str):
            raise frames.BadRequest("binary")
        await hub.attach(socket, frames.requested_after(text))


def _first_after(query: bytes) -> int:
    try:
        values = parse_qs(query.decode("ascii"), keep_blank_values=True, max_num_fields=4).get("after", ["0"])
    except ValueError:
        raise frames.BadRequest("query") from None
    return frames.sequence(values[-1])


def _user(scope: dict[str, Any]) -> User | None:
    user = scope.get("user")
    return user if user is not None and user.is_authenticated else None
