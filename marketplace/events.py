"""The log: append-only, hash-chained event streams with closed payload schemas.

A stream is one case (`project:…`, `agency:…`) or one live session (`session:…`). An event gets the next `seq` under its
stream's row lock, in the transaction of the change it tells about, so a reader who has seen `seq` n has seen all before n.

    hash = SHA-256(prev ‖ canonical JSON of {stream, seq, type, at, actor, data, sealed})

Private fields never enter the public envelope: it carries their salted commitment `sealed = SHA-256(salt ‖ canonical JSON)`.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction

from . import accounts
from .clock import iso_micros
from .errors import Text
from .models import Event, Stream, User

logger = logging.getLogger(__name__)

NO_HASH = "0" * 64
DOORBELL_GROUP = "doorbell"

Shape = Mapping[str, type | tuple[type, ...]]


class BadEvent(Exception):
    """A payload that does not fit its schema: a fault of the program, never of the user."""


@dataclass(frozen=True)
class EventType:
    """A kind of event: the exact keys of its payload, those it may lack, its private keys, and its sentence.

    `words` is a format string over the payload's keys, shown in timelines and in the live text log. `present` gives the
    values of it that a reader sees in other words than the payload holds, such as the label of a code.
    """

    name: str
    words: Text
    data: Shape = field(default_factory=dict)
    optional: Shape = field(default_factory=dict)
    private: Shape = field(default_factory=dict)
    present: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    def sentence(self, data: Mapping[str, Any]) -> str:
        """What happened, in the reader's language."""
        return str(self.words).format(**{**data, **(self.present(data) if self.present else {})})


_types: dict[str, EventType] = {}


def register(
    name: str,
    words: Text,
    *,
    data: Shape | None = None,
    optional: Shape | None = None,
    private: Shape | None = None,
    present: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> str:
    """Declare a kind of event; called at import by the app whose event it is. Returns the name."""
    if name in _types:
        raise BadEvent(f"event type {name} registered twice")
    _types[name] = EventType(name, words, data or {}, optional or {}, private or {}, present)
    return name


def event_type(name: str) -> EventType:
    return _types[name]


def event_types() -> dict[str, EventType]:
    return dict(_types)


def canonical(value: Any) -> bytes:
    """RFC 8785 over the closed set ASCII keys, strings, booleans, null, integers below 2**53, arrays, objects."""
    _restrict(value)
    return rfc8785.dumps(value)


def _restrict(value: Any) -> None:
    if value is None or isinstance(value, bool | str):
        return
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise BadEvent(f"integer out of range: {value}")
    elif isinstance(value, list):
        for item in value:
            _restrict(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise BadEvent(f"key is not ASCII: {key!r}")
            _restrict(item)
    else:
        raise BadEvent(f"not allowed in canonical JSON: {type(value).__name__}")


def _check(shape: Shape, optional: Shape, given: dict[str, Any], where: str) -> None:
    if missing := shape.keys() - given.keys():
        raise BadEvent(f"{where}: missing {sorted(missing)}")
    if unknown := given.keys() - shape.keys() - optional.keys():
        raise BadEvent(f"{where}: unknown {sorted(unknown)}")
    for key, value in given.items():
        expected = shape.get(key) or optional[key]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is int):
            raise BadEvent(f"{where}: {key} is {type(value).__name__}")


def body(event: Event, stream: str) -> dict[str, Any]:
    """The part of the public envelope that is hashed."""
    return {
        "stream": stream,
        "seq": event.seq,
        "type": event.type,
        "at": iso_micros(event.at),
        "actor": {"role": event.actor_role, "name": event.actor_name},
        "data": event.data,
        "sealed": event.sealed,
    }


def chain_hash(prev: str, content: dict[str, Any]) -> str:
    return hashlib.sha256(bytes.fromhex(prev) + canonical(content)).hexdigest()


def commitment(private: dict[str, Any]) -> str:
    """`private` is {"salt": hex, "fields": {…}} as stored."""
    return hashlib.sha256(bytes.fromhex(private["salt"]) + canonical(private["fields"])).hexdigest()


def open_stream(name: str, *, public: bool = True) -> Stream:
    stream, _ = Stream.objects.get_or_create(name=name, defaults={"is_public": public})
    return stream


def record(
    stream: str,
    type: str,
    data: dict[str, Any],
    *,
    actor: User | None,
    at: datetime,
    private: dict[str, Any] | None = None,
    anonymous: bool = False,
) -> Event:
    """Append one event; must run inside the transaction of the change it tells about.

    `anonymous` publishes the actor's role without the name: who signed up stays hidden until the list is closed. Raises BadEvent when the payload does not fit its schema. Rings the doorbell after commit.
    """
    if not connection.in_atomic_block:
        raise BadEvent("an event is recorded inside the transaction of its change")
    kind = _types[type]
    _check(kind.data, kind.optional, data, type)
    hidden: dict[str, Any] = dict(private or {})
    _check(kind.private, {}, hidden, f"{type} private")
    if actor is not None:
        hidden["user"] = actor.pk
    role, name = accounts.public_label(actor, stream)
    if anonymous:
        name = ""
    head = Stream.objects.select_for_update().filter(name=stream).first()
    if head is None:
        Stream.objects.get_or_create(name=stream)
        head = Stream.objects.select_for_update().get(name=stream)
    stored = {"salt": secrets.token_hex(32), "fields": hidden} if hidden else None
    event = Event(
        stream=head,
        seq=head.head_seq + 1,
        type=type,
        at=at,
        actor_role=role,
        actor_name=name,
        data=data,
        private=stored,
        sealed=commitment(stored) if stored else None,
        prev=head.head_hash,
    )
    event.hash = chain_hash(event.prev, body(event, stream))
    event.save(force_insert=True)
    Stream.objects.filter(pk=head.pk).update(head_seq=event.seq, head_hash=event.hash)
    transaction.on_commit(lambda: ring(stream, event.seq))
    return event


def begin_many(
    type: str,
    entries: Iterable[tuple[str, dict[str, Any], dict[str, Any]]],
    *,
    actor: User | None,
    at: datetime,
) -> None:
    """Open a private stream for each (stream, data, private) with this as its first event, in a few statements.

    For thousands of cases that begin in one transaction, which must not keep the database from others. Nobody listens
    to a stream that did not exist, so no bell rings. Raises BadEvent, and IntegrityError for a stream that exists.
    """
    if not connection.in_atomic_block:
        raise BadEvent("an event is recorded inside the transaction of its change")
    kind = _types[type]
    role, name = accounts.public_label(actor)
    heads, firsts = [], []
    for stream, data, private in entries:
        _check(kind.data, kind.optional, data, type)
        _check(kind.private, {}, private, f"{type} private")
        hidden = private | ({"user": actor.pk} if actor is not None else {})
        stored = {"salt": secrets.token_hex(32), "fields": hidden} if hidden else None
        event = Event(
            seq=1,
            type=type,
            at=at,
            actor_role=role,
            actor_name=name,
            data=data,
            private=stored,
            sealed=commitment(stored) if stored else None,
            prev=NO_HASH,
        )
        event.hash = chain_hash(event.prev, body(event, stream))
        heads.append(Stream(name=stream, is_public=False, head_seq=1, head_hash=event.hash))
        firsts.append(event)
    Stream.objects.bulk_create(heads)
    for head, event in zip(heads, firsts, strict=True):
        event.stream = head
    Event.objects.bulk_create(firsts)


def ring(stream: str, seq: int) -> None:
    """Tell the hubs that a stream has grown. At most once and never trusted: the log is the truth."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(DOORBELL_GROUP, {"type": "doorbell.ring", "stream": stream, "seq": seq})
    except Exception:  # a broken doorbell must not undo a committed change; hubs poll the log anyway
        logger.warning("doorbell not rung for %s", stream, exc_info=True)


def envelope(event: Event, stream: str) -> dict[str, Any]:
    """The public envelope: what viewers receive, store and check."""
    return body(event, stream) | {"prev": event.prev, "hash": event.hash}


def read(stream: str, after: int = 0, limit: int = 500) -> list[dict[str, Any]]:
    """Public envelopes with seq > after, in order."""
    rows = Event.objects.filter(stream__name=stream, seq__gt=after).order_by("seq")[:limit]
    return [envelope(row, stream) for row in rows]


def read_all(stream: str) -> list[dict[str, Any]]:
    return [envelope(row, stream) for row in Event.objects.filter(stream__name=stream).order_by("seq")]


def head(stream: str) -> tuple[int, str]:
    row = Stream.objects.filter(name=stream).values_list("head_seq", "head_hash").first()
    return row or (0, NO_HASH)


def heads(streams: Iterable[str]) -> dict[str, int]:
    """The current seq of several streams in one query; streams without events are absent."""
    return dict(Stream.objects.filter(name__in=list(streams)).values_list("name", "head_seq"))


def is_public(stream: str) -> bool:
    return Stream.objects.filter(name=stream, is_public=True).exists()


def may_read(user: User | None, stream: str) -> bool:
    """Public streams are everybody's; the others are for the office and the supervisor, who see everything."""
    return is_public(stream) or accounts.acts_as(user, "office") or accounts.acts_as(user, "supervisor")


@dataclass(frozen=True)
class Fault:
    stream: str
    seq: int
    what: str


def verify(streams: Iterable[Stream] | None = None) -> Iterator[Fault]:
    """Every fault in the log: a changed, missing or reordered event, a wrong commitment, a head that does not fit."""
    for stream in streams if streams is not None else Stream.objects.order_by("name").iterator():
        seq, prev = 0, NO_HASH
        for event in _settled(stream):
            if event.seq != seq + 1:
                yield Fault(stream.name, seq + 1, "missing" if event.seq > seq + 1 else "repeated")
            if event.prev != prev:
                yield Fault(stream.name, event.seq, "does not follow the event before it")
            try:
                intact = event.hash == chain_hash(event.prev, body(event, stream.name))
                kept = event.sealed == (commitment(event.private) if event.private else None)
            except (BadEvent, ValueError, KeyError, TypeError):
                intact = kept = False
            if not intact:
                yield Fault(stream.name, event.seq, "changed")
            elif not kept:
                yield Fault(stream.name, event.seq, "private part changed")
            seq, prev = event.seq, event.hash
        if (seq, prev) != (stream.head_seq, stream.head_hash):
            yield Fault(stream.name, stream.head_seq, "head does not match the last event")


def _settled(stream: Stream) -> Iterator[Event]:
    """Every event of a stream in order, those included that are written meanwhile; the head of `stream` keeps up."""
    last = -1
    while True:
        known = stream.head_seq
        rows = Event.objects.filter(stream=stream, seq__gt=last).order_by("seq", "pk")
        for event in rows.iterator(chunk_size=2000):
            last = event.seq
            yield event
        stream.refresh_from_db(fields=["head_seq", "head_hash"])
        if stream.head_seq == known:
            return


def make_public(name: str) -> None:
    """Open a stream to everybody; there is no way back."""
    Stream.objects.filter(name=name).update(is_public=True)
