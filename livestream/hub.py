"""One hub per process and stream: it reads new events once, encodes them once and writes the same frame to every
viewer.

The log is the truth and the doorbell only a hint. A hub looks when the doorbell rings, and the switchboard looks
at the heads of all streams that have viewers every POLL_S seconds in one query; so processes that share no channel
layer meet in the log. The switchboard is the only one in its process that listens to the layer: a viewer joins
nothing.

Everything here runs in one event loop and needs no lock. A viewer is `live` only while it has all events up to
`head`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import close_old_connections, connections

from marketplace import events
from marketplace.clock import iso_micros, now
from marketplace.models import User

from . import frames
from .frames import Frame
from .sockets import Socket

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

POLL_S = 0.25
HEARTBEAT_S = 5.0
CHUNK = 200  # envelopes in one frame
CHUNK_CHARS = 200_000
CACHE_EVENTS = 2000
CACHE_CHARS = 4_000_000
BATCH = 250  # sockets written to before the loop may do other work
PUBLIC_S = 5.0  # how long the answer "this stream is public" is believed
READY_S = 10.0
RESUBSCRIBE_S = 3600.0  # a layer forgets its groups after a day


class Reader:
    """One thread with one database connection: neither slow pages nor viewers stand in the hub's way."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="livestream-reader")

    async def __call__(self, function: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.executor, self._run, function, args)

    def _run(self, function: Callable[..., Result], args: tuple[Any, ...]) -> Result:
        close_old_connections()
        try:
            return function(*args)
        finally:
            close_old_connections()

    def close(self) -> None:
        self.executor.submit(connections.close_all)
        self.executor.shutdown(wait=False)


class Hub:
    """The viewers of one stream in this process, and the latest events as they are sent."""

    def __init__(self, name: str, reader: Reader) -> None:
        self.name = name
        self.reader = reader
        self.head = 0  # the last event read here
        self.known = 0  # the last event heard of
        self.viewers: dict[Socket, None] = {}
        self.beat_due = False
        self._bell = asyncio.Event()
        self._cache: deque[str] = deque()  # encoded envelopes up to `head`
        self._chars = 0
        self._replays: dict[int, tuple[list[Frame], int]] = {}
        self._ready = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._bell.set()

    def heard(self, seq: int) -> None:
        """Somebody says that the stream has an event `seq`."""
        if seq > self.head:
            self.known = max(self.known, seq)
            self._bell.set()

    def beat(self) -> None:
        """Tell the viewers the head, in turn with the events: never before an event that the head counts."""
        self.beat_due = True
        self._bell.set()

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                if not self._ready.is_set():
                    await self._load()
                while self.head < self.known and (fresh := await self._read_on()):
                    await self._broadcast(framed(fresh))
            except Exception:  # the database may be away; the switchboard rings again
                logger.exception("cannot read stream %s", self.name)
            if self.beat_due:
                self.beat_due = False
                await self._broadcast([frames.heartbeat(self.head, iso_micros(now()), len(self.viewers))])

    async def _load(self) -> None:
        self._cache.clear()  # of an attempt that failed half-way
        self._chars = 0
        self.known, _ = await self.reader(events.head, self.name)
        self.head = max(0, self.known - CACHE_EVENTS)
        while self.head < self.known and await self._read_on():
            pass
        self._ready.set()

    async def _read_on(self) -> list[str]:
        """Read the events after `head` and take them in, before anybody is told: a viewer who joins meanwhile
        finds them.
        """
        fresh = await self.reader(_encoded, self.name, self.head, CHUNK)
        self.head += len(fresh)
        self._cache.extend(fresh)
        self._chars += sum(map(len, fresh))
        while len(self._cache) > CACHE_EVENTS or (self._chars > CACHE_CHARS and len(self._cache) > CHUNK):
            self._chars -= len(self._cache.popleft())
        if fresh:
            self._replays.clear()
        return fresh

    async def _broadcast(self, due: list[Frame]) -> None:
        """Write the frames to those who are live now; who joins meanwhile has what they say already."""
        lost: list[Socket] = []
        for index, socket in enumerate(tuple(self.viewers), 1):
            for frame in due:
                if socket.live and not socket.push(frame):
                    lost.append(socket)
                    break
            if not index % BATCH:
                await asyncio.sleep(0)
        for socket in lost:
            self.detach(socket)
            socket.drop()

    def detach(self, socket: Socket) -> None:
        """Stop writing to a socket."""
        socket.live = False
        self.viewers.pop(socket, None)

    async def ready(self) -> None:
        """Wait for the first look at the log. Raises TimeoutError when it cannot be read."""
        async with asyncio.timeout(READY_S):
            await self._ready.wait()

    async def attach(self, socket: Socket, after: int) -> None:
        """Bring a socket up to the head and let it live on. Raises SocketGone when it leaves or does not read on."""
        self.detach(socket)
        while after < self.head:
            remembered = after >= self.head - len(self._cache)
            due, after = self._replay(after) if remembered else await self._old(after)
            for frame in due:
                await socket.write(frame)
        # No await since the last look at `head`: nothing can fall between the replay and the live events.
        socket.live = True
        self.viewers[socket] = None

    def _replay(self, after: int) -> tuple[list[Frame], int]:
        """The frames from `after` to the head, from memory, and the seq they end with; a crowd that reconnects
        shares them.
        """
        found = self._replays.get(after)
        if found is None:
            start = after - (self.head - len(self._cache))
            found = framed(list(islice(self._cache, start, None))), self.head
            if len(self._replays) < 32:
                self._replays[after] = found
        return found

    async def _old(self, after: int) -> tuple[list[Frame], int]:
        """The same for some events that are no longer in memory."""
        encoded = await self.reader(_encoded, self.name, after, CHUNK)
        if not encoded:
            raise LookupError(f"stream {self.name} has no event {after + 1}")
        return framed(encoded), after + len(encoded)

    def close(self) -> None:
        self._task.cancel()


def framed(encoded: list[str]) -> list[Frame]:
    """As few frames as CHUNK and CHUNK_CHARS allow."""
    chunks: list[list[str]] = []
    room = 0
    for text in encoded:
        room -= len(text)
        if not chunks or room < 0 or len(chunks[-1]) >= CHUNK:
            chunks.append([])
            room = CHUNK_CHARS - len(text)
        chunks[-1].append(text)
    return [frames.events(chunk) for chunk in chunks]


def _encoded(stream: str, after: int, limit: int) -> list[str]:
    envelopes = events.read(stream, after, limit)
    for expected, envelope in enumerate(envelopes, after + 1):
        if envelope["seq"] != expected:
            raise LookupError(f"stream {stream} has no event {expected}")
    return [frames.encode(envelope) for envelope in envelopes]


class Switchboard:
    """All hubs of one event loop, their common look at the log, and the one ear at the doorbell."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.hubs: dict[str, Hub] = {}
        self.guests = 0
        self._users: dict[str, int] = {}
        self._public: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def joined(self, name: str) -> AsyncIterator[Hub]:
        """The stream's hub for as long as a viewer stays; the last one to leave switches it off."""
        hub = self.hubs.get(name)
        if hub is None:
            hub = self.hubs[name] = Hub(name, self.reader)
        self._users[name] = self._users.get(name, 0) + 1
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._listen())]
        try:
            yield hub
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                self.hubs.pop(name).close()

    async def may_read(self, user: User | None, stream: str) -> bool:
        """As events.may_read; that a stream is public is asked once for a crowd."""
        if self._public.get(stream, 0.0) > time.monotonic():
            return True
        if len(self._public) > 1000:
            self._public.clear()
        if await self.reader(events.is_public, stream):
            self._public[stream] = time.monotonic() + PUBLIC_S
            return True
        self._public.pop(stream, None)
        return user is not None and await self.reader(events.may_read, user, stream)

    async def _watch(self) -> None:
        beat = time.monotonic() + HEARTBEAT_S
        failing = False
        while True:
            await asyncio.sleep(POLL_S)
            try:
                heads = await self.reader(events.heads, list(self.hubs)) if self.hubs else {}
            except Exception:
                if not failing:
                    logger.exception("cannot look at the heads of the streams")
                failing, heads = True, {}
            else:
                failing = False
            beats = time.monotonic() >= beat
            if beats:
                beat = time.monotonic() + HEARTBEAT_S
            for name, hub in self.hubs.items():
                hub.heard(heads.get(name, 0))
                if beats:
                    hub.beat()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except Exception:  # without a doorbell the hubs still look at the log
                logger.warning("the doorbell is out of order", exc_info=True)
                await asyncio.sleep(5)

    async def _listen_once(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            await asyncio.Event().wait()
            return
        channel = await layer.new_channel("livestream.")
        await layer.group_add(events.DOORBELL_GROUP, channel)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(RESUBSCRIBE_S):
                    while True:
                        self._ring(await layer.receive(channel))
        finally:
            await layer.group_discard(events.DOORBELL_GROUP, channel)

    def _ring(self, message: dict[str, Any]) -> None:
        hub = self.hubs.get(str(message.get("stream")))
        if hub is not None:
            hub.heard(int(message.get("seq", 0)))

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.reader.close()


_switchboards: WeakKeyDictionary[asyncio.AbstractEventLoop, Switchboard] = WeakKeyDictionary()


@asynccontextmanager
async def switchboard() -> AsyncIterator[Switchboard]:
    """The switchboard of the running loop; the last guest to leave closes it, so nothing outlives its loop."""
    loop = asyncio.get_running_loop()
    board = _switchboards.get(loop)
    if board is None:
        board = _switchboards[loop] = Switchboard()
    board.guests += 1
    try:
        yield board
    finally:
        board.guests -= 1
        if not board.guests:
            _switchboards.pop(loop, None)
            board.close()


def max_viewers() -> int:
    """Sockets one process accepts; further viewers are told to come back and meanwhile read over HTTP."""
    return int(getattr(settings, "LIVE_MAX_VIEWERS", 10_000))
