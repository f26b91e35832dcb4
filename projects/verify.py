#!/usr/bin/env python3
"""Check a published draw offline: python3 verify.py FILE [--log-key NAME=HEX]

FILE is the transcript of one draw under the protocol draw/v1. Everything is recomputed from it: the hash
chains, the entries and their links, the pot and its signatures, the delay function, the seed, every ticket
and the ranking. Exit code 0: accepted, 1: rejected or unreadable, 2: wrong command line.

This file needs Python 3.8 or newer and nothing else. It shares no code with the platform it checks.
From Python: verify.check(data: bytes, log_keys: {name: hex} = {}) -> Report; it never raises.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import io
import json
import math
import os
import re
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

MAX_INT = 2**53 - 1
MAX_BYTES = 64 * 2**20
STEPS_PER_SECOND = 1_670_000  # what the delay is sized against: 2.3 times the fastest published hardware
DISCRIMINANT_BITS = 1024
FORM_BYTES = 100
GENESIS = "00" * 32
NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)

Entry = Dict[str, Any]
Form = Tuple[int, int, int]
Point = Tuple[int, int, int, int]
Rule = Callable[[Any, str], None]


class Rejected(Exception):
    """The transcript is not a valid draw; the message says why."""


def need(condition: bool, reason: str) -> None:
    if not condition:
        raise Rejected(reason)


# --- Strict JSON and its canonical bytes (RFC 8785, restricted) ---------------------------------------------


def parse(data: bytes) -> Any:
    """Bytes to JSON. Refused: duplicate or non-ASCII keys, fractions, integers from 2**53, lone surrogates."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in items:
            need(key.isascii(), f"JSON: a key is not ASCII: {key[:40]!r}")
            need(key not in result, f"JSON: duplicate key {key[:40]!r}")
            result[key] = value
        return result

    def integer_literal(literal: str) -> int:
        need(len(literal) <= 17 and literal != "-0", "JSON: integer out of range")
        need(abs(int(literal)) <= MAX_INT, "JSON: integer out of range")
        return int(literal)

    def no_fraction(literal: str) -> Any:
        raise Rejected(f"JSON: only integers are allowed, not {literal[:40]}")

    need(len(data) <= MAX_BYTES, f"the file is larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_int=integer_literal,
            parse_float=no_fraction,
            parse_constant=no_fraction,
        )
        jcs(value)
    except UnicodeError as error:
        raise Rejected(f"JSON: not valid Unicode ({error.__class__.__name__})") from None
    except RecursionError:
        raise Rejected("JSON: nested too deeply") from None
    except ValueError as error:
        raise Rejected(f"JSON: {error}") from None
    return value


def jcs(value: Any) -> bytes:
    """Canonical JSON. With ASCII keys and integers only, sorted compact json.dumps is RFC 8785."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def same(left: Any, right: Any) -> bool:
    """Equal as canonical JSON: unlike ==, tells true from 1."""
    return jcs(left) == jcs(right)


# --- Shapes: exact keys, exact types, exact formats ---------------------------------------------------------


def text(value: Any, where: str) -> None:
    need(isinstance(value, str), where + ": must be a string")


def boolean(value: Any, where: str) -> None:
    need(isinstance(value, bool), where + ": must be true or false")


def integer(low: int, high: int = MAX_INT) -> Rule:
    def rule(value: Any, where: str) -> None:
        need(isinstance(value, int) and not isinstance(value, bool), where + ": must be an integer")
        need(low <= value <= high, f"{where}: must be between {low} and {high}")

    return rule


def matching(pattern: str, what: str) -> Rule:
    compiled = re.compile(pattern)

    def rule(value: Any, where: str) -> None:
        need(isinstance(value, str) and compiled.fullmatch(value) is not None, f"{where}: must be {what}")

    return rule


def hexadecimal(size: int) -> Rule:
    return matching(f"[0-9a-f]{{{2 * size}}}", f"{size} bytes in lower-case hex")


def constant(expected: Any) -> Rule:
    def rule(value: Any, where: str) -> None:
        need(same(value, expected), f"{where}: must be {json.dumps(expected)}")

    return rule


def anything(value: Any, where: str) -> None:
    """No rule: JSON of any kind."""


def mapping(value: Any, where: str) -> None:
    need(isinstance(value, dict), where + ": must be an object")


def optional(inner: Rule) -> Rule:
    """null, or what the inner rule says."""

    def rule(value: Any, where: str) -> None:
        if value is not None:
            inner(value, where)

    return rule


def array(item: Rule) -> Rule:
    def rule(value: Any, where: str) -> None:
        need(isinstance(value, list), where + ": must be a list")
        for index, element in enumerate(value):
            item(element, f"{where}[{index}]")

    return rule


def record(fields: Mapping[str, Rule], may: Mapping[str, Rule] | None = None) -> Rule:
    """An object with exactly these keys, and perhaps those in `may`."""
    known = {**fields, **(may or {})}

    def rule(value: Any, where: str) -> None:
        need(isinstance(value, dict), where + ": must be an object")
        for key in fields:
            need(key in value, f"{where}: {key} is missing")
        for key, element in value.items():
            need(key in known, f"{where}: unknown key {key[:40]!r}")
            known[key](element, f"{where}.{key}")

    return rule


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value[:-1] + "+00:00")


def instant(pattern: str, what: str) -> Rule:
    form = matching(pattern, what)

    def rule(value: Any, where: str) -> None:
        form(value, where)
        try:
            moment(value)
        except ValueError:
            raise Rejected(f"{where}: no such date or time") from None

    return rule


DAY_AND_TIME = "2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
second = instant(DAY_AND_TIME + "Z", "a time like 2026-11-21T02:00:00Z")
microsecond = instant(DAY_AND_TIME + "[.][0-9]{6}Z", "a time like 2026-11-21T02:00:00.000000Z")
identifier = matching("[A-Za-z0-9:._-]{1,64}", "an identifier")
key_name = matching("[!-*,-~]{1,128}", "a key name")
party = matching("[a-z]{1,16}:[!-*,-~]{1,128}", "a party like owner:CODE")
hash_hex, key_hex = hexadecimal(32), hexadecimal(32)
named = record({"id": identifier, "name": text})
log_rule = record({"origin": key_name, "name": key_name, "pk": key_hex})

FIELDS: dict[str, Rule] = {
    "t": text,
    **dict.fromkeys(("sid", "draw_id", "agency"), identifier),
    **dict.fromkeys(("plan", "post", "signup", "open", "freeze"), hash_hex),  # one entry names another by its leaf
    **dict.fromkeys(("op_commit", "task_sha256", "nonce", "r", "pot_root", "S", "seed", "head"), hash_hex),
    **dict.fromkeys(("open_at", "signup_close", "closes"), second),
    **dict.fromkeys(("attempt", "quorum", "k", "pot_n", "iters", "seq"), integer(1)),
    **dict.fromkeys(("reserves", "elapsed_s", "steps", "retry_s"), integer(0)),
    **dict.fromkeys(("reason", "title"), text),
    **dict.fromkeys(("roster", "ranking", "reasons"), array(identifier)),
    **dict.fromkeys(("y", "pi"), hexadecimal(FORM_BYTES)),
    **dict.fromkeys(("agencies", "waitlist"), array(named)),
    "window_s": integer(1, 86_400),
    "publish_s": integer(0, 86_400),
    "vdf": record({"alg": constant("chia-wesolowski-1024"), "iters": integer(1)}),
    "beacon": matching("|drand:[0-9a-f]{64}:[1-9][0-9]{0,14}", 'empty or "drand:CHAIN:ROUND"'),
    "beacon_sig": matching("[0-9a-f]{96}|[0-9a-f]{192}", "a drand signature in lower-case hex"),
    "must": array(record({"who": party, "pk": key_hex})),
    "witnesses": constant([]),
    "pk": key_hex,
    "who": party,
    "sig": hexadecimal(64),
    "log": log_rule,
    "demo": boolean,
    "winner": named,
    "publicity_until": anything,
}


def keys(required: str, may: str = "") -> Rule:
    """An object with the named keys, each as in FIELDS."""
    return record({key: FIELDS[key] for key in required.split()}, {key: FIELDS[key] for key in may.split()})


SHAPES = {
    "plan": "t sid open_at window_s publish_s vdf beacon op_commit quorum must witnesses",
    "post": "t draw_id plan task_sha256 k reserves signup_close",
    "signup": "t draw_id agency pk nonce",
    "close": "t draw_id post roster",
    "open": "t sid attempt plan closes",
    "pot": "t open who r",
    "freeze": "t sid attempt open pot_root pot_n S",
    "result": "t draw_id freeze y pi seed ranking",
    "void": "t sid attempt open reason",
}
OPTIONAL = {"pot": "sig", "result": "beacon_sig"}


def entry_rule(name: str) -> Rule:
    rule, title = keys(SHAPES[name], OPTIONAL.get(name, "")), constant("draw/v1/" + name)

    def titled(value: Any, where: str) -> None:
        rule(value, where)
        title(value["t"], where + ".t")

    return titled


ENTRIES = {name: entry_rule(name) for name in SHAPES}

# Events of the session's stream. Types outside this table pass with a note, unless they begin with "draw.".
EVENTS: dict[str, Rule] = {
    **{"draw." + name: rule for name, rule in ENTRIES.items()},
    "draw.signup": keys("draw_id signup"),  # only the leaf: who signed up stays hidden until the close
    "draw.withdrawal": keys("draw_id signup"),
    "draw.exclusion": keys("draw_id signup reasons"),
    "draw.progress": keys("sid attempt elapsed_s steps iters"),
    "draw.attested": keys("seq head sig"),
    "session.planned": keys("sid title log retry_s demo"),
    "session.rescheduled": keys("sid attempt open_at reason"),
    "session.roster": keys("draw_id agencies"),
    "session.finished": keys("sid"),
    "session.abandoned": keys("sid reason"),
    "award.published": keys("draw_id winner waitlist publicity_until"),
}

ENVELOPE = record(
    {
        "stream": text,
        "seq": integer(1),
        "type": matching("[a-z_]{1,32}([.][a-z_]{1,32}){1,3}", "an event type"),
        "at": microsecond,
        "actor": record({"role": optional(text), "name": optional(text)}),
        "data": mapping,
        "sealed": optional(hash_hex),
        "prev": hash_hex,
        "hash": hash_hex,
    }
)

TRANSCRIPT = record(
    {
        "t": constant("draw/v1/transcript"),
        "log": log_rule,
        "entries": record(
            {
                **{name: ENTRIES[name] for name in ("plan", "post", "close", "open", "freeze", "result")},
                "signups": array(ENTRIES["signup"]),
            }
        ),
        "pot": array(ENTRIES["pot"]),
        "streams": mapping,
    }
)


# --- Hashes: leaves, the Merkle root, commitments (RFC 9162 section 2.1) ------------------------------------


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf_hash(entry: Any) -> bytes:
    return sha256(b"\x00" + jcs(entry))


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes, in the given order; the root of nothing is SHA-256 of nothing."""
    if not leaves:
        return sha256(b"")
    level = list(leaves)
    while len(level) > 1:  # pairs from the left, an odd last node carried up: the split at a power of two
        paired = [sha256(b"\x01" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def op_commit(sid: str, secret: bytes) -> bytes:
    return sha256(b"draw/v1/op-commit\n" + sid.encode() + b"\n" + secret)


# --- Ed25519 verification (RFC 8032 section 5.1.7) ----------------------------------------------------------

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
NEUTRAL: Point = (0, 1, 1, 0)


def point_decode(data: bytes) -> Point | None:
    """32 bytes to extended coordinates; None if no point or not the canonical encoding of one."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= PRIME:
        return None
    u, v = (y * y - 1) % PRIME, (CURVE_D * y * y + 1) % PRIME
    x = u * pow(v, 3, PRIME) * pow(u * pow(v, 7, PRIME), (PRIME - 5) // 8, PRIME) % PRIME
    if v * x * x % PRIME != u:
        x = x * ROOT_OF_MINUS_ONE % PRIME
        if v * x * x % PRIME != u:
            return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def point_encode(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, PRIME)
    return (y * inverse % PRIME | (x * inverse % PRIME & 1) << 255).to_bytes(32, "little")


def point_add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * CURVE_D * p[3] * q[3] % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def point_double(p: Point) -> Point:
    a, b = p[0] * p[0] % PRIME, p[1] * p[1] % PRIME
    h, g = a + b, a - b
    e, f = h - (p[0] + p[1]) ** 2 % PRIME, 2 * p[2] * p[2] % PRIME + g
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def point_negate(p: Point) -> Point:
    return PRIME - p[0], p[1], p[2], PRIME - p[3]


def odd_multiples(point: Point, count: int) -> list[Point]:
    """point, 3 point, 5 point, ... (count of them)."""
    double, row = point_double(point), [point]
    while len(row) < count:
        row.append(point_add(row[-1], double))
    return row


def signed_digits(scalar: int, width: int) -> list[int]:
    """Non-adjacent form, least significant first: digits are 0, or odd and below 2**(width - 1) in size."""
    digits = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar % (1 << width)
            if digit >> (width - 1):
                digit -= 1 << width
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


@lru_cache(maxsize=1)
def base_multiples() -> list[Point]:
    base = point_decode((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
    assert base is not None
    return odd_multiples(base, 64)


def ed25519_valid(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True if the signature holds. Keys of small order, with which anyone could sign, are refused."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key = point_decode(public_key)
    s = int.from_bytes(signature[32:], "little")
    if key is None or s >= ORDER:
        return False
    if point_encode(point_double(point_double(point_double(key)))) == point_encode(NEUTRAL):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    minus_key = odd_multiples(point_negate(key), 8)
    terms = [(signed_digits(s, 8), base_multiples()), (signed_digits(k, 5), minus_key)]
    total = NEUTRAL
    for index in range(max(len(digits) for digits, _ in terms) - 1, -1, -1):
        total = point_double(total)
        for digits, row in terms:
            digit = digits[index] if index < len(digits) else 0
            if digit:
                multiple = row[abs(digit) >> 1]
                total = point_add(total, multiple if digit > 0 else point_negate(multiple))
    return point_encode(total) == signature[:32]  # s B - k A = R, compared as canonical bytes


# --- The delay function: Wesolowski's proof in a class group of unknown order -------------------------------


@lru_cache(maxsize=1)
def small_primes_product() -> int:
    limit = 1 << 15
    sieve = bytearray([1]) * limit
    for n in range(2, math.isqrt(limit) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit, n)))
    factors = [n for n in range(3, limit) if sieve[n] and n % 2]
    while len(factors) > 1:
        factors = [math.prod(factors[i : i + 2]) for i in range(0, len(factors), 2)]
    return factors[0]


def is_prime(n: int) -> bool:
    """For odd n far above the sieve: trial division, then Miller-Rabin to the first twelve prime bases."""
    if math.gcd(n, small_primes_product() % n) != 1:
        return False
    twos = ((n - 1) & (1 - n)).bit_length() - 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        x = pow(base, (n - 1) >> twos, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def hash_prime(seed: bytes, bits: int, set_bits: Sequence[int]) -> int:
    """The first prime among the joined SHA-256 of seed + 1, seed + 2, ... (big-endian) with those bits set."""
    counter, modulus = int.from_bytes(seed, "big"), 1 << (8 * len(seed))
    mask = 1 | sum(1 << bit for bit in set_bits)  # bit 0 is always set: no even candidates
    while True:
        blob = b""
        while 8 * len(blob) < bits:
            counter = (counter + 1) % modulus
            blob += sha256(counter.to_bytes(len(seed), "big"))
        candidate = int.from_bytes(blob[: bits // 8], "big") | mask
        if is_prime(candidate):
            return candidate


def create_discriminant(seed: bytes, bits: int = DISCRIMINANT_BITS) -> int:
    return -hash_prime(seed, bits, (0, 1, 2, bits - 1))


def reduce(a: int, b: int, c: int) -> Form:
    """The one reduced form equivalent to (a, b, c): |b| <= a <= c, and b >= 0 if either is an equality."""
    while True:
        q = (a - b) // (2 * a)
        b, c = b + 2 * a * q, c + q * (b + a * q)
        if a < c or (a == c and b >= 0):
            return a, b, c
        a, b, c = c, -b, a


def square(form: Form, bound: int) -> Form:
    """form * form, read off on a short basis found by half a Euclid, so that little is left to reduce."""
    a, b, c = form  # gcd(a, b) = 1, as the discriminant is minus a prime
    k = -c * pow(b, -1, a) % a
    m = (c + b * k) // a
    r0, r1, y0, y1 = a, k, 0, 1
    while r1 > bound:
        q, rest = divmod(r0, r1)
        r0, r1, y0, y1 = r1, rest, y1, y0 - q * y1
    # The square is (a a, b + 2 a k, ...): with r = a X + k Y its value at (X, Y) is r r + b X Y + m Y Y.
    x0, x1 = (r0 - k * y0) // a, (r1 - k * y1) // a
    middle = 2 * r0 * r1 + b * (x0 * y1 + x1 * y0) + 2 * m * y0 * y1
    if x1 * y0 - x0 * y1 < 0:
        middle = -middle
    return reduce(r1 * r1 + b * x1 * y1 + m * y1 * y1, middle, r0 * r0 + b * x0 * y0 + m * y0 * y0)


def extended_gcd(a: int, b: int) -> tuple[int, int, int]:
    """(g, u, v) with u a + v b = g >= 0."""
    u0, v0, u1, v1 = 1, 0, 0, 1
    while b:
        q, rest = divmod(a, b)
        a, b, u0, v0, u1, v1 = b, rest, u1, v1, u0 - q * u1, v0 - q * v1
    return (a, u0, v0) if a >= 0 else (-a, -u0, -v0)


def compose(left: Form, right: Form, discriminant: int) -> Form:
    """left * right (Gauss's composition, then reduction)."""
    a1, b1, c1 = left
    a2, b2, c2 = right
    if a1 > a2:
        a1, b1, c1, a2, b2, c2 = a2, b2, c2, a1, b1, c1
    s = (b1 + b2) // 2
    g, _, u = extended_gcd(a1, a2 % a1)
    g, w, v = extended_gcd(g, s) if s % g else (g, 1, 0)
    # w u a2 + v s = g modulo a1 is all that the middle coefficient needs.
    a1, v2 = a1 // g, a2 // g
    r = (w * u * ((b1 - b2) // 2) - v * c2) % a1
    a, b = a1 * v2, b2 + 2 * v2 * r
    return reduce(a, b, (b * b - discriminant) // (4 * a))


def short_multiplier(a: int, b: int) -> int:
    """t with t b = s (mod a), both about the square root of a, by a Euclid that stops half way.

    One form has dozens of such t. The canonical one is where Lehmer's algorithm on 64-bit words (with
    Jebelean's condition) stops: in about one form of 1,500 a step later than Euclid's own algorithm would.
    """
    bound = math.isqrt(a)
    r0, r1, t0, t1 = a, b, 0, 1
    while r1 > bound:
        shift = max(r0.bit_length() - 63, 0)
        x, y, stop = r0 >> shift, r1 >> shift, bound >> shift
        u0, v0, u1, v1, odd = 1, 0, 0, 1, False
        while y > stop:
            q = x // y
            rest, u, v = x - q * y, u0 - q * u1, v0 - q * v1
            if (rest < -u or y - rest < v - v1) if odd else (rest < -v or y - rest < u - u1):
                break
            x, y, u0, v0, u1, v1, odd = y, rest, u1, v1, u, v, not odd
        if v0 == 0:  # not even one quotient is certain from the leading words
            u0, v0, u1, v1 = 0, 1, 1, -(r0 // r1)
        r0, r1, t0, t1 = u0 * r0 + v0 * r1, u1 * r0 + v1 * r1, u0 * t0 + v0 * t1, u1 * t0 + v1 * t1
    return t1


def form_encode(a: int, b: int) -> bytes:
    """The 100-byte canonical encoding of a reduced form: a, and a short t with t |b| = s (mod a)."""
    if b == 1 and a <= 2:
        return bytes([4 if a == 1 else 8]) + bytes(FORM_BYTES - 1)
    t = short_multiplier(a, abs(b))
    g = math.gcd(a, t)
    extra = (g.bit_length() + 7) // 8 - 1
    a_bytes, t_bytes = DISCRIMINANT_BITS // 16 - extra, DISCRIMINANT_BITS // 32 - extra
    return (
        bytes([(b < 0) | (t < 0) << 1, extra])
        + (a // g).to_bytes(a_bytes, "little")
        + (abs(t) // g).to_bytes(t_bytes, "little")
        + g.to_bytes(extra + 1, "little")
        + (abs(b) // (a // g)).to_bytes(extra + 1, "little")
    )


def form_decode(data: bytes, discriminant: int) -> Form:
    """100 bytes to a reduced form of this discriminant; Rejected for anything but a canonical encoding."""
    none = "the bytes are no form of this discriminant"
    need(len(data) == FORM_BYTES, none)
    if data[0] & 12:
        a, b = (1, 1) if data[0] & 4 else (2, 1)
    else:
        extra = data[1]
        need(extra < DISCRIMINANT_BITS // 32, none)
        numbers, start = [], 2
        for size in (DISCRIMINANT_BITS // 16 - extra, DISCRIMINANT_BITS // 32 - extra, extra + 1, extra + 1):
            numbers.append(int.from_bytes(data[start : start + size], "little"))
            start += size
        a, t, g, b0 = numbers
        need(a > 0 and t > 0 and g > 0, none)
        t = -t if data[0] & 2 else t
        s = math.isqrt(t * t * discriminant % a)
        need(s * s == t * t * discriminant % a and math.gcd(t, a) == 1, none)
        b = s * pow(t, -1, a) % a + a * b0
        a, b = a * g, -b if data[0] & 1 else b
    need((b * b - discriminant) % (4 * a) == 0, none)
    c = (b * b - discriminant) // (4 * a)
    need(abs(b) <= a <= c and (b > 0 or (-b != a and a != c)), "the form is not reduced")
    need(form_encode(a, b) == data, "the form is not in its canonical encoding")
    return a, b, c


def wesolowski_valid(discriminant: int, x: Form, y: bytes, pi: bytes, steps: int) -> bool:
    """True if pi proves that y is x squared `steps` times: pi^B x^r = y with r = 2^steps mod B."""
    target, proof = form_decode(y, discriminant), form_decode(pi, discriminant)
    challenge = hash_prime(form_encode(x[0], x[1]) + y, 264, (263,))
    rest = pow(2, steps, challenge)
    bound = math.isqrt(math.isqrt(-discriminant))
    one: Form = (1, 1, (1 - discriminant) // 4)
    window = [one, proof]
    while len(window) < 16:
        window.append(compose(window[-1], proof, discriminant))
    total = one
    for index in range(263, -1, -1):
        total = square(total, bound)
        if index % 4 == 0 and challenge >> index & 15:
            total = compose(total, window[challenge >> index & 15], discriminant)
        if rest >> index & 1:
            total = compose(total, x, discriminant)
    return total == target


def vdf_seed(freeze_leaf: bytes) -> bytes:
    return sha256(b"draw/v1/vdf\n" + freeze_leaf)


def slow_opening(seed: bytes, steps: int, y: bytes, pi: bytes) -> tuple[int, int]:
    """The integers (a, b) of the reduced output, once its proof holds; otherwise Rejected."""
    discriminant = create_discriminant(seed)
    generator: Form = (2, 1, (1 - discriminant) // 8)
    holds = wesolowski_valid(discriminant, generator, y, pi, steps)
    need(holds, "the proof of the slow opening does not hold")
    a, b, _ = form_decode(y, discriminant)
    return a, b


# --- Seed, tickets, ranking ---------------------------------------------------------------------------------


def final_seed(seed: bytes, a: int, b: int, beacon: str) -> bytes:
    """b is signed; its minus stays before the hex digits."""
    return sha256(b"draw/v1/seed\n" + seed + f"{a:x}:{b:x}\n{beacon}".encode())


def ticket(seed: bytes, draw_id: str, agency: str) -> bytes:
    return hmac.new(seed, f"draw/v1/ticket\n{draw_id}\n{agency}".encode(), hashlib.sha256).digest()


def ranking(seed: bytes, draw_id: str, roster: Sequence[str]) -> list[str]:
    return sorted(roster, key=lambda agency: (ticket(seed, draw_id, agency), agency))


# --- The session's stream, read event by event --------------------------------------------------------------


def chain(name: str, events: Any) -> None:
    """Envelopes of one stream: numbered from 1 without a gap, each hashed over the one before."""
    need(isinstance(events, list) and len(events) > 0, f"stream {name}: must be a list with events")
    previous = GENESIS
    for number, event in enumerate(events, 1):
        where = f"stream {name}, event {number}"
        ENVELOPE(event, where)
        need(event["stream"] == name, f"{where}: belongs to another stream")
        need(event["seq"] == number, f"{where}: its number is {event['seq']}")
        need(event["prev"] == previous, f"{where}: the chain is broken (prev)")
        body = {key: value for key, value in event.items() if key not in ("prev", "hash")}
        digest = sha256(bytes.fromhex(previous) + jcs(body)).hex()
        need(event["hash"] == digest, f"{where}: the chain is broken (hash)")
        previous = digest


class Session:
    """What a session's stream says about one draw. take() raises Rejected at the first act out of order."""

    def __init__(self, sid: str, draw_id: str, log: dict[str, str], opened: list[dict[str, str]]) -> None:
        self.sid, self.draw_id, self.log = sid, draw_id, log
        self.event: Entry = {}  # the one being taken
        self.where = ""
        self.opened = {leaf_hash(entry).hex(): entry for entry in opened}
        self.entries: dict[str, Entry] = {}  # the last valid entry of each kind
        self.leaves: dict[str, str] = {}  # and its leaf
        self.phase = "waiting"  # waiting -> open -> frozen, or open -> void -> waiting
        self.attempt = 1
        self.voids = 0
        self.roster_was_closed = False  # at the moment of the current opening
        self.not_before = self.opened_at = self.closes = self.frozen_at = self.result_at = NEVER
        self.last_signup = NEVER
        self.previous_at = NEVER
        self.signups: dict[str, Entry] = {}  # by leaf, in the order of their events
        self.active: dict[str, str] = {}  # agency -> leaf of its sign-up
        self.excluded: dict[str, list[str]] = {}  # agency -> why its sign-up no longer counted at the close
        self.known_opens: set[str] = set()
        self.lines: list[dict[str, str]] = []
        self.names: dict[str, str] = {}
        self.awards: list[Entry] = []
        self.planned: Entry = {}
        self.attested: Entry | None = None  # the last one after the result
        self.other_draws: set[str] = set()
        self.notes: list[str] = []

    def take(self, event: Entry) -> None:
        """The next event of the stream, its envelope and its place in the chain already checked."""
        kind, data, at = event["type"], event["data"], moment(event["at"])
        self.event, self.where = event, f"event {event['seq']} ({kind})"
        self.need((event["seq"] == 1) == (kind == "session.planned"), "session.planned must be the first event only")
        if at + timedelta(seconds=2) < self.previous_at:
            self.note("its time lies before the time of an earlier event")
        self.previous_at = max(at, self.previous_at)
        rule = EVENTS.get(kind)
        if rule is None:
            self.need(not kind.startswith("draw."), "unknown act of a draw")
            self.note("a type this tool does not know; only its place in the chain was checked")
            return
        rule(data, self.where)
        self.need(data.get("sid", self.sid) == self.sid, "names another session")
        if data.get("draw_id", self.draw_id) != self.draw_id:
            self.other_draws.add(data["draw_id"])
            return
        getattr(self, "on_" + kind.split(".")[1])(data, at)

    def refusal(self, reason: str) -> Rejected:
        return Rejected(f"{self.where}: {reason}")

    def need(self, condition: bool, reason: str) -> None:
        if not condition:
            raise self.refusal(reason)

    def note(self, remark: str) -> None:
        self.notes.append(f"{self.where}: {remark}")

    def keep(self, name: str, data: Entry) -> None:
        self.entries[name], self.leaves[name] = data, leaf_hash(data).hex()

    def link(self, data: Entry, to: str) -> None:
        self.need(to in self.leaves, f"comes before any {to}")
        self.need(data[to] == self.leaves[to], f"its {to} is not the one in force")

    def on_planned(self, data: Entry, at: datetime) -> None:
        self.need(same(data["log"], self.log), "its log is not the transcript's")
        self.planned = data

    def on_plan(self, data: Entry, at: datetime) -> None:
        self.need("close" not in self.entries, "the plan was changed after the roster was closed")
        self.need(self.phase == "waiting", "the plan was changed during an attempt")
        if "plan" in self.entries:
            self.need(
                data["op_commit"] == self.entries["plan"]["op_commit"],
                "the platform's sealed number was changed",
            )
        must = {item["who"]: item["pk"] for item in data["must"]}
        self.need(len(must) == len(data["must"]), "a party is named twice")
        self.need(len(set(must.values())) == len(must), "two parties share one key")
        self.need(must.get("platform:" + self.log["name"]) == self.log["pk"], "must lacks the platform's log key")
        for role in ("owner:", "office:"):
            self.need(any(who.startswith(role) for who in must), f"must names no {role[:-1]}")
        self.keep("plan", data)
        self.not_before = moment(data["open_at"])

    def on_post(self, data: Entry, at: datetime) -> None:
        self.need("close" not in self.entries, "posted again after the roster was closed")
        self.need(not self.excluded, "posted again after an exclusion")
        self.link(data, "plan")
        before = self.entries.get("post", data)
        if self.signups and any(data[key] != before[key] for key in ("task_sha256", "k", "reserves")):
            self.note("the notice or the number of winners changed after the first sign-up")
        self.keep("post", data)

    def on_signup(self, data: Entry, at: datetime) -> None:
        self.need("post" in self.entries and "close" not in self.entries, "not between posting and close")
        self.need(not self.excluded, "after an exclusion")
        entry = self.opened.get(data["signup"])
        if entry is None:
            raise self.refusal("the transcript does not open this sign-up")
        self.need(entry["draw_id"] == self.draw_id, "the opened sign-up is for another draw")
        self.need(data["signup"] not in self.signups, "the same sign-up twice")
        self.need(entry["agency"] not in self.active, f"{entry['agency']} is signed up already")
        self.signups[data["signup"]] = entry
        self.active[entry["agency"]] = data["signup"]
        self.last_signup = max(at, self.last_signup)

    def on_withdrawal(self, data: Entry, at: datetime) -> None:
        self.need("close" not in self.entries, "after the close")
        self.need(not self.excluded, "after an exclusion")
        agency = self.signups.get(data["signup"], {}).get("agency", "")
        self.need(self.active.get(agency) == data["signup"], "withdraws a sign-up that is not in force")
        del self.active[agency]
        self.last_signup = max(at, self.last_signup)

    def on_exclusion(self, data: Entry, at: datetime) -> None:
        """At the close, with its reasons, a sign-up that no longer meets the requirements; only the close follows."""
        self.need("post" in self.entries and "close" not in self.entries, "not between posting and close")
        self.need(at >= moment(self.entries["post"]["signup_close"]), "excluded before the deadline")
        self.need(len(data["reasons"]) > 0, "no reason is given")
        agency = self.signups.get(data["signup"], {}).get("agency", "")
        self.need(self.active.get(agency) == data["signup"], "excludes a sign-up that is not in force")
        del self.active[agency]
        self.excluded[agency] = data["reasons"]

    def on_close(self, data: Entry, at: datetime) -> None:
        self.need("close" not in self.entries, "the roster was closed twice")
        self.link(data, "post")
        self.need(self.entries["post"]["plan"] == self.leaves["plan"], "the last post is for an earlier plan")
        self.need(
            data["roster"] == sorted(self.active), "the roster is not who signed up, less withdrawals and exclusions"
        )
        self.need(len(data["roster"]) > 0, "the roster is empty")
        deadline = moment(self.entries["post"]["signup_close"])
        self.need(self.last_signup <= deadline, "a sign-up or withdrawal came after the deadline")
        self.need(at >= deadline, "the roster was closed before the deadline")
        self.keep("close", data)

    def on_roster(self, data: Entry, at: datetime) -> None:
        self.need("close" in self.entries, "before the close")
        ids = sorted(agency["id"] for agency in data["agencies"])
        self.need(ids == self.entries["close"]["roster"], "these are not the agencies of the roster")
        self.names = {agency["id"]: agency["name"] for agency in data["agencies"]}

    def on_open(self, data: Entry, at: datetime) -> None:
        self.need(self.phase == "waiting", f"not after a plan or a rescheduling (now: {self.phase})")
        self.need(data["attempt"] == self.attempt, f"this is attempt {self.attempt}, not {data['attempt']}")
        self.link(data, "plan")
        self.need(at >= self.not_before, "opened before its time")
        closes = at.replace(microsecond=0) + timedelta(seconds=self.entries["plan"]["window_s"])
        self.need(moment(data["closes"]) == closes, "closes is not the time of opening + window_s")
        self.keep("open", data)
        self.phase, self.lines, self.opened_at, self.closes = "open", [], at, closes
        self.known_opens.add(self.leaves["open"])
        self.roster_was_closed = "close" in self.entries

    def on_pot(self, data: Entry, at: datetime) -> None:
        self.need(data["open"] in self.known_opens, "is for no opening before it")
        if data["open"] != self.leaves["open"] or self.phase == "void":
            return  # a line of an attempt that came to nothing
        self.need(self.phase == "open", "came after the freeze")
        self.need(at <= self.freeze_by(), "came after closes + publish_s")
        self.lines.append(data)

    def freeze_by(self) -> datetime:
        return self.closes + timedelta(seconds=self.entries["plan"]["publish_s"])

    def this_attempt(self, data: Entry) -> None:
        self.link(data, "open")
        self.need(self.phase == "open", f"no pot is open (now: {self.phase})")
        self.need(data["attempt"] == self.attempt, f"this is attempt {self.attempt}, not {data['attempt']}")

    def on_freeze(self, data: Entry, at: datetime) -> None:
        self.this_attempt(data)
        self.need(self.roster_was_closed, "the pot was opened before the roster was closed")
        self.need(at >= self.closes, "frozen before the window had closed")
        late = at - self.freeze_by()
        self.need(late <= timedelta(0), f"late by {late.total_seconds():.1f} s (closes + publish_s)")
        secret = bytes.fromhex(data["S"])
        self.need(
            op_commit(self.sid, secret).hex() == self.entries["plan"]["op_commit"],
            "S is not the number sealed in the plan",
        )
        self.keep("freeze", data)
        self.phase, self.frozen_at = "frozen", at

    def on_void(self, data: Entry, at: datetime) -> None:
        self.this_attempt(data)
        self.phase = "void"
        self.voids += 1

    def on_rescheduled(self, data: Entry, at: datetime) -> None:
        self.need(self.phase in ("waiting", "void"), f"not while a pot is {self.phase}")
        allowed = (self.attempt + 1,) if self.phase == "void" else (self.attempt, self.attempt + 1)
        self.need(data["attempt"] in allowed, f"the next attempt is not number {data['attempt']}")
        self.phase, self.attempt, self.not_before = "waiting", data["attempt"], moment(data["open_at"])

    def on_progress(self, data: Entry, at: datetime) -> None:
        self.need(self.phase == "frozen", "before the freeze")
        iters = self.entries["plan"]["vdf"]["iters"]
        self.need(data["attempt"] == self.attempt, "names another attempt")
        self.need(data["iters"] == iters and data["steps"] <= iters, "steps and iters do not fit the plan")

    def on_result(self, data: Entry, at: datetime) -> None:
        self.need("result" not in self.entries, "a second result")
        self.link(data, "freeze")
        self.keep("result", data)
        self.result_at = at

    def on_finished(self, data: Entry, at: datetime) -> None:
        self.need(self.phase == "frozen", "before the freeze")

    def on_abandoned(self, data: Entry, at: datetime) -> None:
        raise self.refusal("the session was given up")

    def on_attested(self, data: Entry, at: datetime) -> None:
        self.need(
            data["seq"] == self.event["seq"] - 1 and data["head"] == self.event["prev"],
            "not the event before it",
        )
        message = f"draw/v1/head\nsession:{self.sid}\n{data['seq']}\n{data['head']}".encode()
        key, signature = bytes.fromhex(self.log["pk"]), bytes.fromhex(data["sig"])
        self.need(ed25519_valid(key, message, signature), "the signature of the log does not hold")
        if "result" in self.entries:
            self.attested = data

    def on_published(self, data: Entry, at: datetime) -> None:
        self.need("result" in self.entries, "an award before the result")
        self.awards.append(data)


# --- The whole transcript -----------------------------------------------------------------------------------


@dataclass
class Report:
    """What was checked and found. accepted is True only if every check held; otherwise reason says which did not."""

    accepted: bool = False
    reason: str = ""
    checks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sid: str = ""
    draw_id: str = ""
    ranking: list[str] = field(default_factory=list)
    winners: list[str] = field(default_factory=list)
    waitlist: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, list[str]] = field(default_factory=dict)
    signed: list[str] = field(default_factory=list)
    must: list[str] = field(default_factory=list)
    pot_lines: int = 0
    key_pinned: bool = False
    beacon: str = ""
    head: str = ""

    def text(self) -> str:
        """The report as printed. Control characters that a file may carry are replaced."""
        lines = [f"OK       {line}" for line in self.checks] + [f"WARNING  {line}" for line in self.warnings]
        if self.accepted:
            lines += ["", f"Draw {self.draw_id} of session {self.sid}"]
            lines += [f"  winner {place}: {self.label(who)}" for place, who in enumerate(self.winners, 1)]
            lines += [f"  wait list {place}: {self.label(who)}" for place, who in enumerate(self.waitlist, 1)]
            if self.excluded:
                lines += ["", "Signed up, but excluded by the platform at the close"]
                lines += [f"  {self.label(who)}: {', '.join(why)}" for who, why in sorted(self.excluded.items())]
            lines += ["", "The result rests on"]
            lines += [
                f"  {who}: signed a line of the pot{' (had to)' if who in self.must else ''}" for who in self.signed
            ]
            lines += [f"  {self.pot_lines} different lines in the pot, {len(self.signed)} signing parties"]
            lines += ["", "What this tool cannot know"]
            lines += [f"  - {line}" for line in self.limits()]
            lines += ["", f"Head of the record: {self.head}"]
        verdict = "ACCEPTED 验证通过" if self.accepted else f"REJECTED 验证不通过: {self.reason}"
        return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in [*lines, "", verdict])

    def label(self, agency: str) -> str:
        return f"{agency}  {self.names[agency]}" if agency in self.names else agency

    def limits(self) -> list[str]:
        lines = [
            "that at least one party above drew its number honestly, and did not plot with all the others;",
            "that nobody computes the delay function many times faster than the fastest published hardware;",
            "that the times are true: they are the platform's own statement;",
            "who was refused a sign-up: whoever holds a receipt can compare it with the roster;",
            "that everybody was shown this same record: compare the head below with what others were shown;",
            "what followed the attested events, and the project's stream: they are chained, but not signed;",
        ]
        if self.excluded:
            lines.append("that the exclusions at the close are right: it knows only the reasons that were published;")
        if not self.key_pinned:
            lines.append("that the log key in the file is the platform's: see its check page, use --log-key;")
        if self.beacon:
            lines.append("that the drand signature is genuine: it entered the seed, but is not checked here;")
        return lines


def check_notice(streams: dict[str, Any], session: Session) -> str:
    """The notice in the project's stream is the one that the post binds. Returns the stream's name."""
    found: dict[str, Any] = {}
    for name, events in streams.items():
        for event in events if name.startswith("project:") else ():
            data = event["data"]
            if event["type"] == "notice.published" and data.get("draw_id") == session.draw_id:
                found[name] = data
    need(len(found) == 1, "no project stream, or more than one, publishes the notice of this draw")
    name, data = found.popitem()
    need(
        data.get("sid") == session.sid and isinstance(data.get("notice"), dict),
        "the notice names another session",
    )
    digest = sha256(jcs(data["notice"])).hex()
    need(
        digest == session.entries["post"]["task_sha256"],
        "the published notice is not the one bound by the post",
    )
    return name


def check_pot(session: Session, report: Report) -> None:
    """Root, number, signatures, must parties, quorum."""
    plan, freeze = session.entries["plan"], session.entries["freeze"]
    lines = {leaf_hash(line): line for line in session.lines}
    need(freeze["pot_n"] == len(lines), f"the freeze counts {freeze['pot_n']} lines, the pot has {len(lines)}")
    need(merkle_root(sorted(lines)).hex() == freeze["pot_root"], "the frozen root is not the root of the pot")
    report.checks.append(f"pot: {len(lines)} lines are exactly those frozen")

    must = {item["who"]: item["pk"] for item in plan["must"]}
    keys = {"agency:" + entry["agency"]: entry["pk"] for entry in session.signups.values()}
    keys.update({"agency:" + agency: session.opened[leaf]["pk"] for agency, leaf in session.active.items()})
    keys.update(must)
    signed, unproven = set(), 0
    for line in lines.values():
        who, role = line["who"], line["who"].split(":")[0]
        if "sig" not in line:
            need(
                who not in must and role not in ("platform", "owner", "office"),
                f"pot: the line of {who} is unsigned",
            )
            unproven += 1
        elif who in keys:
            body = {key: value for key, value in line.items() if key != "sig"}
            good = ed25519_valid(
                bytes.fromhex(keys[who]), b"draw/v1/pot-sig\n" + jcs(body), bytes.fromhex(line["sig"])
            )
            need(good, f"pot: the signature of {who} does not hold")
            signed.add(who)
        else:
            # An agency of another draw of the session: its key is not in this transcript.
            need(
                role == "agency" and bool(session.other_draws),
                f"pot: nothing says which key {who} signs with",
            )
            unproven += 1
    missing = sorted(set(must) - signed)
    need(not missing, f"pot: no signed line of {', '.join(missing)}")
    need(len(signed) >= plan["quorum"], f"pot: {len(signed)} signing parties, the quorum is {plan['quorum']}")
    report.checks.append(f"pot: signatures hold; all {len(must)} named parties; quorum {plan['quorum']} reached")
    if unproven:
        report.warnings.append(f"{unproven} pot line(s) from senders not proven by a signature; they add, never harm")
    report.signed, report.must, report.pot_lines = sorted(signed), sorted(must), len(lines)


def check_award(session: Session, report: Report) -> None:
    """The first award follows the ranking; a later one stays on the list."""
    for index, award in enumerate(session.awards):
        winner, waiting = award["winner"]["id"], [item["id"] for item in award["waitlist"]]
        need(winner in report.winners + report.waitlist, "the published award is not on the list drawn")
        if index == 0:
            need(winner in report.winners, "the published award did not go to a winner of the draw")
            need(
                len(report.winners) > 1 or waiting == report.waitlist,
                "the published wait list is not the one drawn",
            )
        elif winner not in report.winners:
            report.warnings.append(f"the award later went to {winner}, from the wait list")
    if session.awards:
        report.checks.append("award: as drawn")


def check_delay(session: Session, report: Report) -> None:
    plan = session.entries["plan"]
    steps, wanted = plan["vdf"]["iters"], (plan["window_s"] + plan["publish_s"]) * STEPS_PER_SECOND
    if steps < wanted:
        need(session.planned["demo"], f"the delay of {steps} steps is too short: {wanted} are needed")
        report.warnings.append(f"short delay (demo): {steps} steps instead of {wanted}; proves nothing against bias")
    need(session.result_at >= session.frozen_at, "the result is older than the freeze")


def examine(data: bytes, log_keys: Mapping[str, str], report: Report) -> None:
    """All checks, the cheap ones first. Raises Rejected at the first that fails."""
    transcript = parse(data)
    TRANSCRIPT(transcript, "transcript")
    log, entries, streams = transcript["log"], transcript["entries"], transcript["streams"]
    report.checks.append(f"file: strict JSON, {len(data)} bytes, exact keys and formats")
    for name, key in log_keys.items():
        need(
            name == log["name"] and key == log["pk"],
            f"the log is {log['name']}={log['pk']}, not the key given",
        )
        report.key_pinned = True
    if report.key_pinned:
        report.checks.append(f"log: {log['name']} has the key given on the command line")

    report.sid, report.draw_id = sid, draw_id = entries["plan"]["sid"], entries["post"]["draw_id"]
    main = "session:" + sid
    need(main in streams, f"the stream {main} is missing")
    for name, events in streams.items():
        need(name == main or name.startswith("project:"), f"stream {name[:80]} has no place here")
        chain(name, events)
        report.checks.append(f"stream {name}: {len(events)} events, no gap, every hash right")

    session = Session(sid, draw_id, log, entries["signups"])
    for event in streams[main]:
        session.take(event)
    report.warnings += session.notes
    need("result" in session.entries, "the stream has no result of this draw")
    need(session.attested is not None, "the log has signed nothing after the result")
    for name in ("plan", "post", "close", "open", "freeze", "result"):
        need(same(entries[name], session.entries[name]), f"entries.{name} is not the one in the stream")
    report.checks.append(
        "order: plan, post, sign-ups, close, open, pot, freeze, result; each bound to the one before"
    )
    listed = [leaf_hash(entry).hex() for entry in entries["signups"]]
    need(listed == list(session.signups), "entries.signups are not the sign-ups of the stream, in their order")
    report.excluded = session.excluded
    less = f"withdrawals and {len(session.excluded)} exclusions" if session.excluded else "withdrawals"
    report.checks.append(f"roster: {len(session.active)} agencies = {len(listed)} sign-ups less {less}")
    need(
        same(transcript["pot"], session.lines),
        "pot: not the lines of this opening in the stream, in their order",
    )
    report.checks.append(
        f"time: attempt {session.attempt} opened at {session.opened_at:%Y-%m-%d %H:%M:%S} UTC, frozen after"
        f" {(session.frozen_at - session.opened_at).total_seconds():.1f} s, result"
        f" {(session.result_at - session.frozen_at).total_seconds():.1f} s later"
    )
    if session.voids:
        report.warnings.append(f"{session.voids} earlier attempt(s) were voided before their freeze; see the stream")
    if session.attested:
        report.head = f"{main} {session.attested['seq']} {session.attested['head']}"
        report.checks.append(f"attested: the log signed events 1 to {session.attested['seq']}")
    report.checks.append(f"notice: in {check_notice(streams, session)}, bound by the post")
    check_delay(session, report)
    check_pot(session, report)
    report.checks.append("secret: S is the number sealed in the plan")

    post, result, plan = entries["post"], entries["result"], entries["plan"]
    report.beacon = plan["beacon"]
    need(
        ("beacon_sig" in result) == bool(plan["beacon"]),
        "beacon_sig must be there exactly if the plan has a beacon",
    )
    beacon = f"{plan['beacon']}:{result['beacon_sig']}" if plan["beacon"] else ""
    # Everything below is a function of the freeze.
    report.ranking = list(result["ranking"])
    report.winners = report.ranking[: post["k"]]
    report.waitlist = report.ranking[post["k"] : post["k"] + post["reserves"]]
    report.names = session.names
    opening_seed, steps = vdf_seed(leaf_hash(entries["freeze"])), plan["vdf"]["iters"]
    a, b = slow_opening(opening_seed, steps, bytes.fromhex(result["y"]), bytes.fromhex(result["pi"]))
    report.checks.append(f"slow opening: the proof of {steps} steps holds")
    seed = final_seed(opening_seed, a, b, beacon)
    need(seed.hex() == result["seed"], "the seed is not the one that follows from the opening")
    order = ranking(seed, draw_id, entries["close"]["roster"])
    need(order == result["ranking"], "the ranking is not the order of the tickets")
    report.checks.append(f"tickets: seed and all {len(order)} tickets recomputed, ranking right")
    check_award(session, report)


def check(data: bytes, log_keys: Mapping[str, str] | None = None) -> Report:
    """Verify one transcript. log_keys maps a log's name to its Ed25519 key in hex. Never raises for bad data."""
    report = Report()
    try:
        examine(data, log_keys or {}, report)
        report.accepted = True
    except Rejected as error:
        report.reason = str(error)
    except Exception as error:  # a verifier that stumbles must say no
        report.reason = f"the transcript makes this tool stumble ({error.__class__.__name__})"
    return report


def log_key(value: str) -> tuple[str, str]:
    name, equals, key = value.rpartition("=")
    if not (name and equals and re.fullmatch("[0-9a-fA-F]{64}", key)):
        raise argparse.ArgumentTypeError("expected NAME=HEX, the key in 64 hex digits")
    return name, key.lower()


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the transcript of a draw (draw/v1), offline.")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the transcript, a JSON file")
    parser.add_argument("--log-key", metavar="NAME=HEX", type=log_key, help="the log's key, known from elsewhere")
    parser.add_argument("--hash", action="store_true", help="print the SHA-256 of this program")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if options.hash:
        with open(__file__, "rb") as own:
            print(f"{sha256(own.read()).hex()}  {os.path.basename(__file__)}")
        if options.file is None:
            return 0
    if options.file is None:
        parser.error("FILE is missing")
    try:
        with open(options.file, "rb") as source:
            data = source.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        report = Report(reason=f"cannot read the file: {error}")
    else:
        report = check(data, dict([options.log_key]) if options.log_key else {})
    print(report.text())
    return 0 if report.accepted else 1


if __name__ == "__main__":
    sys.exit(main())
