"""What goes over the wire: text frames, each encoded once and shared by every socket that gets it.

Server to client, JSON objects told apart by `kind`:

    hello   {stream, head, server_time, protocol, viewers_here}    first frame
    events  {events: [public envelope, …]}                         in order of seq, replayed or live alike
    head    {seq, server_time, viewers_here}                       every HEARTBEAT_S: shows what was missed

Client to server: `{"kind": "after", "seq": n}` asks for everything after n once more.
`viewers_here` counts the sockets of one server process, not of the whole site.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any

PROTOCOL = 1
MAX_SEQ = 2**53 - 1
MAX_REQUEST = 1024  # characters of one message from a client

# Why the server closed. 4403 is final; after the others a client comes back and asks for what it lacks.
CLOSE_BAD_INPUT = 4400
CLOSE_FORBIDDEN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429
CLOSE_FULL = 1013


class BadRequest(ValueError):
    """A client said something the protocol does not know."""


def encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Frame:
    """One text message, as ASGI wants it (`text`) and as it goes over the wire (`wire`, an unmasked RFC 6455
    frame).
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def payload(self) -> bytes:
        return self.text.encode()

    @cached_property
    def wire(self) -> bytes:
        size = len(self.payload)
        if size < 126:
            head = bytes((0x81, size))
        elif size < 1 << 16:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        return head + self.payload

    @cached_property
    def message(self) -> dict[str, Any]:
        return {"type": "websocket.send", "text": self.text}


def hello(stream: str, head: int, server_time: str, viewers_here: int) -> Frame:
    fields = {
        "stream": stream,
        "head": head,
        "server_time": server_time,
        "protocol": PROTOCOL,
        "viewers_here": viewers_here,
    }
    return Frame(encode({"kind": "hello", **fields}))


def heartbeat(seq: int, server_time: str, viewers_here: int) -> Frame:
    return Frame(encode({"kind": "head", "seq": seq, "server_time": server_time, "viewers_here": viewers_here}))


def events(envelopes: Iterable[str]) -> Frame:
    """A frame of envelopes that are encoded already."""
    return Frame('{"kind":"events","events":[' + ",".join(envelopes) + "]}")


def sequence(text: str) -> int:
    """A seq given as text. Raises BadRequest unless it is a whole number from 0 to 2**53 − 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= 16) or int(text) > MAX_SEQ:
        raise BadRequest("seq")
    return int(text)


def requested_after(text: str) -> int:
    """The seq after which a client wants the events again. Raises BadRequest for anything else it may say."""
    if len(text) > MAX_REQUEST:
        raise BadRequest("size")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("json") from None
    if not isinstance(value, dict) or value.keys() != {"kind", "seq"} or value["kind"] != "after":
        raise BadRequest("kind")
    seq = value["seq"]
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= MAX_SEQ:
        raise BadRequest("seq")
    return seq
