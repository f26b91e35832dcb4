"""Builds small, valid transcripts of draws, and dishonest ones: the forger may be the platform with all its keys.

`build()` plays one session and returns its transcript. `edit` maps a moment's name to a function (entry, world) that
changes the entry before it is hashed, signed and bound by what follows; `shift` maps it to seconds by which its event
is late. `reseal()` repairs all hash chains of a transcript that was changed afterwards.
"""

import hashlib
import hmac
import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import chiavdf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = dict[str, Any]
Edit = Callable[[Json, "World"], None]
OPENING = datetime(2026, 11, 21, 2, 0, 0, 250_000, tzinfo=UTC)
GENERATOR = b"\x08" + bytes(99)
LOG_NAME = "sunshine-log"
DRAND = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971:1000"
DRAND_SIG = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"


def jcs(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf(value: Any) -> bytes:
    return sha(b"\x00" + jcs(value))


def tree(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, as written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha(b"\x01" + tree(leaves[:split]) + tree(leaves[split:]))


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha(name.encode()))


def public(name: str) -> str:
    return key_of(name).public_key().public_bytes_raw().hex()


def seconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@cache
def evaluate(seed: bytes, iters: int) -> tuple[bytes, bytes]:
    """(y, pi) of the delay function."""
    proof = chiavdf.prove(seed, GENERATOR, 1024, iters, "")
    return proof[:100], proof[100:]


def integers(seed: bytes, y: bytes) -> tuple[int, int]:
    """The reduced (a, b) that y encodes, by the reference library."""
    parts = chiavdf.bqfc_deserialize(chiavdf_discriminant(seed), y)
    a, b = ((-1 if part[0] else 1) * int.from_bytes(part[1:], "big") for part in parts)
    return a, b


def other_encodings(a: int, b: int) -> Iterator[bytes]:
    """All (t, g, b0) with a short t that decode to the form (a, b): what a prover could choose among."""
    r0, r1, t0, t1 = a, abs(b), 0, 1
    while r1:
        q = r0 // r1
        r0, r1, t0, t1 = r1, r0 - q * r1, t1, t0 - q * t1
        for factor in range(1, 40):
            t, s = t1 * factor, r1 * factor
            g = math.gcd(a, t)
            if s % g == 0 and (s // g) ** 2 < a // g and abs(t) // g < 1 << 256 and g < 256:
                rest = [abs(t) // g, g, abs(b) // (a // g)]
                if rest[2] < 256:
                    head = bytes([(b < 0) | (t < 0) << 1, 0]) + (a // g).to_bytes(64, "little")
                    yield head + rest[0].to_bytes(32, "little") + bytes(rest[1:])


@cache
def chiavdf_discriminant(seed: bytes) -> str:
    return str(int(chiavdf.create_discriminant(seed, 1024), 16))


def order(seed: bytes, draw_id: str, roster: list[str]) -> list[str]:
    return sorted(roster, key=lambda code: hmac.digest(seed, f"draw/v1/ticket\n{draw_id}\n{code}".encode(), "sha256"))


def reseal(transcript: Json, *, attest: bool = True) -> None:
    """Renumber and rehash every stream; with `attest` sign the heads again with the log's key."""
    for name, events in transcript["streams"].items():
        previous = "00" * 32
        for seq, event in enumerate(events, 1):
            event.update(stream=name, seq=seq, prev=previous)
            if attest and event["type"] == "draw.attested":
                event["data"] = attestation(name, seq - 1, previous)
            body = {key: value for key, value in event.items() if key not in ("prev", "hash")}
            event["hash"] = previous = sha(bytes.fromhex(previous) + jcs(body)).hex()


def attestation(stream: str, seq: int, head: str) -> Json:
    message = f"draw/v1/head\n{stream}\n{seq}\n{head}".encode()
    return {"seq": seq, "head": head, "sig": key_of(LOG_NAME).sign(message).hex()}


class World:
    """The streams while they are written."""

    def __init__(self, edit: Mapping[str, Edit], shift: Mapping[str, float]) -> None:
        self.edit, self.shift = edit, shift
        self.sid, self.draw_id = "S20261121-1", "D-2026-0007"
        self.main, self.project = f"session:{self.sid}", "project:P-2026-0007"
        self.streams: dict[str, list[Json]] = {self.main: [], self.project: []}
        self.secret = sha(b"secret of the platform")
        self.now = OPENING - timedelta(days=3)
        self.pot: list[Json] = []

    def record(self, kind: str, data: Json, *, stream: str = "", late: float = 0, role: str = "system") -> None:
        at = self.now + timedelta(seconds=late)
        self.streams[stream or self.main].append(
            {
                "type": kind,
                "at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}",
                "actor": {"role": role, "name": ""},
                "data": data,
                "sealed": None if role == "system" else sha(jcs(data)).hex(),
            }
        )

    def say(self, moment: str, kind: str, data: Json, **options: Any) -> Json:
        """Record an event after its moment's edit."""
        self.edit.get(moment, lambda entry, world: None)(data, self)
        self.record(kind, data, late=self.shift.get(moment, 0), **options)
        return data

    def throw(self, who: str, opening: Json, *, signer: str | None = "", moment: str = "pot") -> None:
        line: Json = {"t": "draw/v1/pot", "open": leaf(opening).hex(), "who": who, "r": sha(who.encode()).hex()}
        self.edit.get(moment, lambda entry, world: None)(line, self)
        if signer is not None:
            line["sig"] = key_of(signer or who).sign(b"draw/v1/pot-sig\n" + jcs(line)).hex()
        self.edit.get(moment + "-signed", lambda entry, world: None)(line, self)
        self.pot.append(line)
        self.record("draw.pot", line, late=self.shift.get(moment, 0), role="public")


def build(
    *,
    agencies: int = 4,
    withdrawals: int = 1,
    exclusions: int = 0,
    comeback: bool = False,
    replan: bool = False,
    rescheduled: bool = False,
    void: bool = False,
    other_draw: bool = False,
    unsigned: int = 0,
    agency_lines: int = 1,
    beacon: bool = False,
    demo: bool = True,
    iters: int = 2000,
    k: int = 1,
    reserves: int = 2,
    edit: Mapping[str, Edit] | None = None,
    shift: Mapping[str, float] | None = None,
) -> Json:
    """One session: `agencies` on the roster after `withdrawals` more left and `exclusions` more did not count; `void` loses an attempt."""
    world = World(edit or {}, shift or {})
    sid, draw_id = world.sid, world.draw_id
    log = {"origin": "market.example/draws", "name": LOG_NAME, "pk": public(LOG_NAME)}
    parties = {f"platform:{LOG_NAME}": LOG_NAME, "owner:O1": "owner:O1", "office:B1": "office:B1"}

    world.say(
        "planned",
        "session.planned",
        {"sid": sid, "title": "测绘服务 随机选取", "log": log, "retry_s": 600, "demo": demo},
    )
    plan: Json = {
        "t": "draw/v1/plan",
        "sid": sid,
        "open_at": seconds(OPENING),
        "window_s": 10,
        "publish_s": 5,
        "vdf": {"alg": "chia-wesolowski-1024", "iters": iters},
        "beacon": DRAND if beacon else "",
        "op_commit": sha(b"draw/v1/op-commit\n" + sid.encode() + b"\n" + world.secret).hex(),
        "quorum": 3,
        "must": [{"who": who, "pk": public(signer)} for who, signer in parties.items()],
        "witnesses": [],
    }
    notice: Json = {"code": "P-2026-0007", "name": "瑞昌市农村道路测绘", "price": 98_000, "social": None, "avoid": []}
    signup_close = OPENING.replace(microsecond=0) - timedelta(hours=1)

    def post_now() -> Json:
        return world.say(
            "post",
            "draw.post",
            {
                "t": "draw/v1/post",
                "draw_id": draw_id,
                "plan": leaf(plan).hex(),
                "task_sha256": sha(jcs(notice)).hex(),
                "k": k,
                "reserves": reserves,
                "signup_close": seconds(signup_close),
            },
        )

    if replan:
        first = {**plan, "open_at": seconds(OPENING - timedelta(days=1))}
        world.record("draw.plan", first)
        world.record(
            "draw.post",
            {
                "t": "draw/v1/post",
                "draw_id": draw_id,
                "plan": leaf(first).hex(),
                "task_sha256": sha(jcs(notice)).hex(),
                "k": k,
                "reserves": reserves,
                "signup_close": seconds(signup_close - timedelta(days=1)),
            },
        )
    world.say("plan", "draw.plan", plan)
    post = post_now()
    world.record("task.drafted", {"name": "测绘"}, stream=world.project, role="owner")
    world.say(
        "notice",
        "notice.published",
        {"notice": notice, "draw_id": draw_id, "sid": sid},
        stream=world.project,
        role="office",
    )
    if other_draw:
        world.record("draw.post", {**post, "draw_id": "D-other"})

    # Sign-up.
    world.now = OPENING - timedelta(days=1)
    codes = [f"9136048{number:03d}MA0000{number:02d}X" for number in range(agencies + withdrawals + exclusions)]
    signups: list[Json] = []

    def sign_up(code: str, moment: str = "signup") -> Json:
        entry: Json = {
            "t": "draw/v1/signup",
            "draw_id": draw_id,
            "agency": code,
            "pk": public(f"agency:{code}"),
            "nonce": sha(f"nonce {code} {len(signups)}".encode()).hex(),
        }
        world.edit.get(moment, lambda entry, world: None)(entry, world)
        signups.append(entry)
        world.record(
            "draw.signup", {"draw_id": draw_id, "signup": leaf(entry).hex()}, late=world.shift.get(moment, 0)
        )
        return entry

    entries = [sign_up(code) for code in reversed(codes)]
    if other_draw:
        world.record("draw.signup", {"draw_id": "D-other", "signup": sha(b"somebody").hex()})
    for entry in entries[:withdrawals]:
        world.say("withdrawal", "draw.withdrawal", {"draw_id": draw_id, "signup": leaf(entry).hex()})
    roster = sorted(codes[:agencies])
    left_out = [entry for entry in entries if entry["agency"] in codes[agencies : agencies + exclusions]]
    if comeback:
        sign_up(codes[-1])
        roster = sorted([*roster, codes[-1]])
    world.now = signup_close + timedelta(seconds=1)
    for entry in left_out:
        reasons = ["agency_not_active"]
        data = {"draw_id": draw_id, "signup": leaf(entry).hex(), "reasons": reasons}
        world.say("exclusion", "draw.exclusion", data)
    close = world.say(
        "close",
        "draw.close",
        {"t": "draw/v1/close", "draw_id": draw_id, "post": leaf(post).hex(), "roster": roster},
    )
    world.say(
        "roster",
        "session.roster",
        {"draw_id": draw_id, "agencies": [{"id": code, "name": f"瑞昌{code[-3:]}测绘有限公司"} for code in roster]},
    )
    world.record("signup.closed", {"signups": len(roster), "sid": sid}, stream=world.project)
    if other_draw:
        world.record(
            "draw.close",
            {"t": "draw/v1/close", "draw_id": "D-other", "post": leaf(post).hex(), "roster": ["X1"]},
        )

    # On the air.
    world.now, attempt = OPENING, 1

    def reschedule(reason: str) -> None:
        nonlocal attempt
        attempt += 1
        world.now += timedelta(minutes=10)
        data = {"sid": sid, "attempt": attempt, "open_at": seconds(world.now), "reason": reason}
        world.edit.get("rescheduled", lambda entry, world: None)(data, world)
        world.record("session.rescheduled", data, late=-500)

    def open_pot(moment: str) -> Json:
        closes = world.now.replace(microsecond=0) + timedelta(seconds=plan["window_s"])
        opening = world.say(
            moment,
            "draw.open",
            {
                "t": "draw/v1/open",
                "sid": sid,
                "attempt": attempt,
                "plan": leaf(plan).hex(),
                "closes": seconds(closes),
            },
        )
        world.pot = []
        for who, signer in parties.items():
            world.throw(who, opening, signer=signer)
        return opening

    if rescheduled:
        reschedule("opening_missed")
    if void:
        lost = open_pot("lost")
        world.now += timedelta(seconds=60)
        world.record(
            "draw.void",
            {
                "t": "draw/v1/void",
                "sid": sid,
                "attempt": attempt,
                "open": leaf(lost).hex(),
                "reason": "seal_missed",
            },
        )
        reschedule("seal_missed")
    opening = open_pot("open")
    world.now += timedelta(seconds=4)
    for code in roster[:agency_lines]:
        world.throw(f"agency:{code}", opening, moment="agency-line")
    if other_draw:
        world.throw("agency:X1", opening)
    for number in range(unsigned):
        world.throw(f"public:{number}", opening, signer=None)
    world.edit.get("before-freeze", lambda entry, world: None)(opening, world)

    world.now += timedelta(seconds=7)
    lines = sorted({leaf(line) for line in world.pot})
    freeze = world.say(
        "freeze",
        "draw.freeze",
        {
            "t": "draw/v1/freeze",
            "sid": sid,
            "attempt": attempt,
            "open": leaf(opening).hex(),
            "pot_root": tree(lines).hex(),
            "pot_n": len(lines),
            "S": world.secret.hex(),
        },
    )
    world.now += timedelta(seconds=3)
    world.say(
        "progress",
        "draw.progress",
        {"sid": sid, "attempt": attempt, "elapsed_s": 1, "steps": iters // 2, "iters": iters},
    )
    vdf_seed = sha(b"draw/v1/vdf\n" + leaf(freeze))
    y, pi = evaluate(vdf_seed, plan["vdf"]["iters"])
    a, b = integers(vdf_seed, y)
    tail = f"{plan['beacon']}:{DRAND_SIG}" if beacon else ""
    seed = sha(b"draw/v1/seed\n" + vdf_seed + f"{a:x}:{b:x}\n{tail}".encode())
    result: Json = {
        "t": "draw/v1/result",
        "draw_id": draw_id,
        "freeze": leaf(freeze).hex(),
        "y": y.hex(),
        "pi": pi.hex(),
        "seed": seed.hex(),
        "ranking": order(seed, draw_id, close["roster"]),
        **({"beacon_sig": DRAND_SIG} if beacon else {}),
    }
    if other_draw:
        world.record("draw.result", {**result, "draw_id": "D-other", "ranking": ["X1"]})
    world.say("result", "draw.result", result)
    listed = [{"id": code, "name": f"瑞昌{code[-3:]}测绘有限公司"} for code in result["ranking"]]
    if listed:
        award = {"draw_id": draw_id, "winner": listed[0], "waitlist": listed[k : k + reserves]}
        world.say("award", "award.published", {**award, "publicity_until": "2026-11-25"})
    world.record("session.finished", {"sid": sid})
    world.say("attested", "draw.attested", {})
    transcript: Json = {
        "t": "draw/v1/transcript",
        "log": log,
        "entries": {
            "plan": plan,
            "post": post,
            "close": close,
            "open": opening,
            "freeze": freeze,
            "result": result,
            "signups": signups,
        },
        "pot": world.pot,
        "streams": world.streams,
    }
    reseal(transcript)
    return json.loads(jcs(transcript))
