"""The verifiable draw, protocol draw/v1: pure functions over bytes, no Django, runnable by an outsider.

Whoever holds the entries of a live session recomputes the winner with these lines and a Wesolowski verifier; nothing here
reads a clock, a database or a random source. Integers are unbounded Python integers, hashes are SHA-256.

    leaf(e)     = SHA256(0x00 ‖ JCS(e))
    op_commit   = SHA256("draw/v1/op-commit" LF sid LF ‖ S)
    vdf_seed    = SHA256("draw/v1/vdf" LF ‖ leaf(freeze))
    final_seed  = SHA256("draw/v1/seed" LF ‖ vdf_seed ‖ hex(a) ":" hex(b) LF ‖ beacon)
    ticket(i)   = HMAC-SHA256(final_seed, "draw/v1/ticket" LF draw_id LF agency_id)

The smallest ticket wins, the next ones wait; the order of the roster does not matter.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import rfc8785

T = "draw/v1/"
DISCRIMINANT_BITS = 1024
FORM_BYTES = 100
VDF_ALGORITHM = "chia-wesolowski-1024"
# The class group's generator, the x of the delay function.
GENERATOR = b"\x08" + b"\x00" * (FORM_BYTES - 1)
# Steps a second of 2.3 × the fastest published hardware; the delay must outlast the window at this speed.
STEPS_PER_SECOND_BOUND = 1_670_000

Text = TypeVar("Text", str, bytes)
_ID = re.compile(rb"[A-Za-z0-9:._-]{1,64}")

# The exact keys of every entry; an unknown or missing key is an error.
ENTRY_KEYS: dict[str, frozenset[str]] = {
    "plan": frozenset(
        ["t", "sid", "open_at", "window_s", "publish_s", "vdf", "beacon", "op_commit", "quorum", "must", "witnesses"]
    ),
    "post": frozenset(["t", "draw_id", "plan", "task_sha256", "k", "reserves", "signup_close"]),
    "signup": frozenset(["t", "draw_id", "agency", "pk", "nonce"]),
    "close": frozenset(["t", "draw_id", "post", "roster"]),
    "open": frozenset(["t", "sid", "attempt", "plan", "closes"]),
    "pot": frozenset(["t", "open", "who", "r"]),
    "freeze": frozenset(["t", "sid", "attempt", "open", "pot_root", "pot_n", "S"]),
    "result": frozenset(["t", "draw_id", "freeze", "y", "pi", "seed", "ranking"]),
    "void": frozenset(["t", "sid", "attempt", "open", "reason"]),
}
OPTIONAL_KEYS: dict[str, frozenset[str]] = {"pot": frozenset({"sig"}), "result": frozenset({"beacon_sig"})}


class BadEntry(ValueError):
    """An entry that the protocol does not know in this form."""


def _as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("ascii")


def _identifier(text: str | bytes) -> bytes:
    raw = _as_bytes(text)
    if not _ID.fullmatch(raw):
        raise BadEntry(f"not an identifier: {text!r}")
    return raw


def _restrict(value: Any) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate has no bytes
    elif isinstance(value, int):
        if abs(value) >= 2**53:
            raise BadEntry(f"integer out of range: {value}")
    elif isinstance(value, list | tuple):
        for item in value:
            _restrict(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise BadEntry(f"key is not ASCII: {key!r}")
            _restrict(item)
    else:
        raise BadEntry(f"{type(value).__name__} is not allowed in an entry")


def jcs(value: Any) -> bytes:
    """Canonical JSON (RFC 8785) over ASCII keys, strings, booleans, null, integers |n| < 2**53, arrays and objects.

    Raises BadEntry for anything else, floats included.
    """
    try:
        _restrict(value)
    except UnicodeEncodeError as error:
        raise BadEntry("text with a lone surrogate") from error
    return rfc8785.dumps(value)


def leaf_hash(data: bytes) -> bytes:
    """SHA256(0x00 ‖ data): 32 bytes (RFC 9162 §2.1). For an entry, `data` is `jcs(entry)`."""
    return hashlib.sha256(b"\x00" + data).digest()


def leaf(entry: dict[str, Any]) -> bytes:
    """The 32-byte name under which other entries refer to this one."""
    return leaf_hash(jcs(entry))


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The RFC 9162 tree head over 32-byte leaf hashes, in the given order; SHA256("") when there are none."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if any(len(item) != 32 for item in leaves):
        raise BadEntry("a leaf hash has 32 bytes")
    # Pairing level by level, an odd last node moving up, gives the same tree as the RFC's split at the largest power of two.
    level = list(leaves)
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def op_commit(sid: str | bytes, secret: bytes) -> bytes:
    """The commitment to the platform's 32-byte secret S, published before the first sign-up."""
    if len(secret) != 32:
        raise BadEntry("S has 32 bytes")
    return hashlib.sha256(b"draw/v1/op-commit\n" + _identifier(sid) + b"\n" + secret).digest()


def pot_sig_message(line: dict[str, Any]) -> bytes:
    """What a named party signs: the line without its `sig`."""
    return b"draw/v1/pot-sig\n" + jcs({key: value for key, value in line.items() if key != "sig"})


def pot_root(lines: Iterable[dict[str, Any]]) -> tuple[bytes, int]:
    """(root, number) over the sorted unique leaf hashes of the pot's lines; the order of arrival does not matter."""
    leaves = sorted({leaf(line) for line in lines})
    return merkle_root(leaves), len(leaves)


def vdf_seed(freeze_leaf: bytes) -> bytes:
    """The 32-byte seed of the delay function: nothing but the freeze decides it."""
    return hashlib.sha256(b"draw/v1/vdf\n" + freeze_leaf).digest()


def _hex(value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return f"{value:x}".encode()
    return _as_bytes(value)


def final_seed(vdf_seed: bytes, a: int | str | bytes, b: int | str | bytes, beacon: str | bytes = b"") -> bytes:
    """The 32-byte seed of the tickets, from the reduced integers (a, b) of y.

    Integers, never the encoded bytes of y: one output has many encodings, each of which would be another try. `a` and `b`
    may be given as integers or as their hex text (no 0x, '-' when negative). `beacon` is empty or "drand:chain:round:sig".
    """
    return hashlib.sha256(
        b"draw/v1/seed\n" + vdf_seed + _hex(a) + b":" + _hex(b) + b"\n" + _as_bytes(beacon)
    ).digest()


def ticket(seed: bytes, draw_id: str | bytes, agency_id: str | bytes) -> bytes:
    """One agency's 32-byte ticket."""
    return hmac.digest(seed, b"draw/v1/ticket\n" + _identifier(draw_id) + b"\n" + _identifier(agency_id), "sha256")


def ranking(seed: bytes, draw_id: str | bytes, roster: Iterable[Text]) -> list[Text]:
    """The roster by ascending ticket. Raises BadEntry when an agency stands on it twice."""
    names = list(roster)
    if len(set(names)) != len(names):
        raise BadEntry("an agency stands on the roster twice")
    return sorted(names, key=lambda name: ticket(seed, draw_id, name))


def check_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry itself when its `t` is known and its keys are exact. Raises BadEntry."""
    t = entry.get("t")
    kind = t.removeprefix(T) if isinstance(t, str) and t.startswith(T) else ""
    if kind not in ENTRY_KEYS:
        raise BadEntry(f"unknown entry {t!r}")
    required, optional = ENTRY_KEYS[kind], OPTIONAL_KEYS.get(kind, frozenset())
    if entry.keys() - required - optional or required - entry.keys():
        raise BadEntry(f"{kind}: keys are {sorted(entry)}")
    jcs(entry)
    return entry


def entry(kind: str, **fields: Any) -> dict[str, Any]:
    """Build an entry of this kind; unknown or missing keys raise BadEntry."""
    return check_entry({"t": T + kind, **fields})


@dataclass(frozen=True)
class Delay:
    """What the delay function gave for one freeze: y and its proof as 100-byte compressed forms, y as integers (a, b)."""

    y: bytes
    pi: bytes
    a: int
    b: int


def result(
    freeze: dict[str, Any], post: dict[str, Any], roster: Sequence[str], delay: Delay, beacon: str = ""
) -> dict[str, Any]:
    """The result entry: a pure function of the freeze, the post and the roster. Any machine may compute it."""
    freeze_leaf = leaf(check_entry(freeze))
    seed = final_seed(vdf_seed(freeze_leaf), delay.a, delay.b, beacon)
    draw_id = check_entry(post)["draw_id"]
    return entry(
        "result",
        draw_id=draw_id,
        freeze=freeze_leaf.hex(),
        y=delay.y.hex(),
        pi=delay.pi.hex(),
        seed=seed.hex(),
        ranking=ranking(seed, draw_id, roster),
    )
