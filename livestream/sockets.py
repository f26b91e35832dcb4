"""A viewer's socket, seen from the hub: `push` never waits, keeps a bounded buffer and reports a socket that is
too slow.

ASGI's `send` says nothing about the buffer behind it: on uvicorn it waits while the peer does not read, on daphne
it never waits and the buffer grows without end. So there are two kinds of socket, and the hub treats them alike.
"""

from __future__ import annotations

import asyncio
import types
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any

from .frames import CLOSE_TOO_SLOW, MAX_REQUEST, Frame

Send = Callable[[dict[str, Any]], Awaitable[None]]

# What one viewer may have unread before it is dropped; it then reconnects and asks for what it lacks.
BUFFER_BYTES = 256 * 1024
REPLAYED_BYTES = 64 * 1024  # what may be unread when a replay goes on, or ends and the viewer goes live
PATIENCE_S = 30.0  # how long a replay waits for a viewer who reads nothing
CLOSE_S = 1.0


class SocketGone(Exception):
    """The viewer has left, or does not read."""


class Socket(ABC):
    """One viewer. `position` is the last seq written to it; `live` means that the hub writes to it."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.live = False
        self.dropped = False
        self.owner = asyncio.current_task()

    @abstractmethod
    def push(self, frame: Frame) -> bool:
        """Write or buffer a frame without waiting. False: the viewer is gone or too slow."""

    @abstractmethod
    async def write(self, frame: Frame) -> None:
        """Write a frame and wait while the viewer reads. Raises SocketGone."""

    def drop(self) -> None:
        """End the viewer's task: it closes with CLOSE_TOO_SLOW, as far as that can still be said."""
        if not self.dropped:
            self.dropped = True
            if self.owner is not None:
                self.owner.cancel()

    async def close_slow(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.send({"type": "websocket.close", "code": CLOSE_TOO_SLOW})
        except (TimeoutError, OSError, RuntimeError):
            pass  # nothing can be said to a peer that does not read; the server ends the connection

    def release(self) -> None:  # noqa: B027  most sockets hold nothing
        """The viewer's task has ended."""


@types.coroutine
def _rest(started: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine whose first step has been taken already."""
    while True:
        try:
            try:
                value = yield waiting
            except BaseException as error:
                waiting = started.throw(error)
            else:
                waiting = started.send(value)
        except StopIteration:
            return


class AsgiSocket(Socket):
    """Any ASGI server. A send that is done at its first step costs no task; one that waits goes on in a task of
    its own.
    """

    def __init__(self, send: Send) -> None:
        super().__init__(send)
        self.waiting: deque[Frame] = deque()
        self.waiting_bytes = 0
        self.writer: asyncio.Task[None] | None = None
        self.broken = False

    def push(self, frame: Frame) -> bool:
        if self.broken:
            return False
        if self.writer is not None:
            if self.waiting_bytes > BUFFER_BYTES:
                return False
            self.waiting.append(frame)
            self.waiting_bytes += len(frame.payload)
            return True
        step: Any = self.send(frame.message)
        try:
            waits_for = step.send(None)
        except StopIteration:
            return True
        except Exception:  # each server has its own error for a peer that has left
            return False
        self.writer = asyncio.create_task(self._drain(_rest(step, waits_for)))
        return True

    async def _drain(self, first: Awaitable[None]) -> None:
        try:
            await first
            while self.waiting:
                frame = self.waiting.popleft()
                self.waiting_bytes -= len(frame.payload)
                await self.send(frame.message)
        except Exception:  # as in push; the next push tells the hub
            self.broken = True
        finally:
            self.writer = None

    async def write(self, frame: Frame) -> None:
        if self.writer is not None:
            await asyncio.wait({self.writer}, timeout=PATIENCE_S)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.send(frame.message)
        except Exception as error:
            raise SocketGone from error

    def release(self) -> None:
        if self.writer is not None:
            self.writer.cancel()


class DaphneSocket(Socket):
    """daphne over plain TCP: the ready-made frame goes straight to the transport, whose buffer is looked at first.

    Measured with 1,000 viewers: see tests/bench/fanout.py.
    """

    def __init__(self, send: Send, protocol: Any) -> None:
        super().__init__(send)
        self.protocol = protocol
        self.transport = protocol.transport
        self.open_state = protocol.STATE_OPEN
        # daphne sets no limit to what a client may send in one message.
        protocol.maxFramePayloadSize = protocol.maxMessagePayloadSize = 4 * MAX_REQUEST

    def _unread(self) -> int:
        transport = self.transport
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen

    def push(self, frame: Frame) -> bool:
        if self.protocol.state != self.open_state:
            return False
        transport = self.transport
        wire = frame.wire
        if transport.dataBuffer or transport._tempDataLen:
            if self._unread() > BUFFER_BYTES:
                return False
            transport.write(wire)
            return True
        written = transport.writeSomeData(wire)
        if written.__class__ is not int:  # twisted returns the error
            return False
        if written < len(wire):
            transport.write(wire[written:])
        return True

    async def write(self, frame: Frame) -> None:
        self.transport.write(frame.wire)
        unread, waited = self._unread(), 0.0
        while unread > REPLAYED_BYTES and self.protocol.state == self.open_state:
            await asyncio.sleep(0.05)
            before, unread = unread, self._unread()
            waited = 0.0 if unread < before else waited + 0.05
            if waited > PATIENCE_S:
                raise SocketGone
        if self.protocol.state != self.open_state:
            raise SocketGone


def _daphne_protocol(send: Any) -> Any | None:
    """daphne's protocol behind `send`, when what it offers is as expected: plain TCP, no compression."""
    while owner := getattr(send, "__self__", None):
        send = getattr(owner, "real_send", None)  # channels' session middleware wraps it
    if not isinstance(send, partial) or len(send.args) != 1:
        return None
    protocol = send.args[0]
    if not type(protocol).__module__.startswith("daphne."):
        return None
    from twisted.internet import tcp

    transport = getattr(protocol, "transport", None)
    plain = isinstance(transport, tcp.Server) and not transport.TLS
    plain = plain and not protocol.send_queue and not getattr(protocol, "_perMessageCompress", None)
    return protocol if plain else None


def viewer_socket(send: Send) -> Socket:
    """The best kind of socket for this server; call it after the handshake, in the viewer's own task."""
    protocol = _daphne_protocol(send)
    return AsgiSocket(send) if protocol is None else DaphneSocket(send, protocol)
