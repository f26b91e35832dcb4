"""Forged transcripts. Every one is rejected, for the reason it should be, and never by stumbling."""

import copy
import json
from functools import cache

import pytest

from projects import verify

from .test_verify import discriminants_found_once  # noqa: F401
from .transcripts import (
    GENERATOR,
    LOG_NAME,
    attestation,
    build,
    evaluate,
    jcs,
    key_of,
    leaf,
    other_encodings,
    public,
    reseal,
    sha,
    tree,
)


@cache
def honest():
    return jcs(build(agencies=3))


def fresh():
    return json.loads(honest())


def refusal(transcript):
    """Why the verifier rejects; None if it accepts."""
    data = transcript if isinstance(transcript, bytes) else jcs(transcript)
    report = verify.check(data)
    assert "stumble" not in report.reason, report.reason
    return None if report.accepted else report.reason


# Forgers with the platform's keys: every later hash, link, proof and signature is made anew


def put(**values):
    return lambda entry, world: entry.update(values)


def drop_line(entry, world):
    """The pot frozen without one of the lines that were thrown."""
    lines = sorted(leaf(line) for line in world.pot[:-1])
    entry.update(pot_root=tree(lines).hex(), pot_n=len(lines))


def count_line_twice(entry, world):
    lines = sorted([leaf(line) for line in world.pot] + [leaf(world.pot[0])])
    entry.update(pot_root=tree(lines).hex(), pot_n=len(lines))


def extra(kind, **changes):
    """Record the entry once before its own event, changed."""
    return lambda entry, world: world.record(kind, {**entry, **changes})


def swap(entry, world):
    ranking = entry["ranking"]
    entry["ranking"] = [ranking[1], ranking[0], *ranking[2:]]


def must_without(role):
    def edit(entry, world):
        entry["must"] = [item for item in entry["must"] if not item["who"].startswith(role)]

    return edit


def one_key_for_all(entry, world):
    for item in entry["must"]:
        item["pk"] = public(LOG_NAME)


def unsign(entry, world):
    if entry["who"].startswith(("office", "agency")):
        del entry["sig"]


def sign_for_office(entry, world):
    if entry["who"].startswith("office"):
        body = {key: value for key, value in entry.items() if key != "sig"}
        entry["sig"] = key_of("owner:O1").sign(b"draw/v1/pot-sig\n" + jcs(body)).hex()


def silent_office(entry, world):
    world.pot[:] = [line for line in world.pot if not line["who"].startswith("office")]
    events = world.streams[world.main]
    events[:] = [event for event in events if not str(event["data"].get("who")).startswith("office")]


def outsider(entry, world):
    entry["roster"] = sorted([*entry["roster"], "91OUTSIDER"])


def left_out(entry, world):
    entry["roster"] = entry["roster"][1:]


def backwards(entry, world):
    entry["roster"] = entry["roster"][::-1]


def not_opened(entry, world):
    world.record("draw.signup", {"draw_id": world.draw_id, "signup": sha(b"?").hex()})


def stranger_in_the_pot(entry, world):
    world.throw("agency:91OUTSIDER", entry)


def line_for_another_opening(entry, world):
    world.throw("public:x", {"other": 1}, signer=None)


def plan_again(entry, world):
    world.record("draw.plan", {**PLAN, "open_at": "2026-11-21T01:59:00Z"})


PLAN = build(agencies=3)["entries"]["plan"]
DAY = 86_400.0
FORGERIES = {
    # the session and its plan
    "planned for another log": ({"planned": put(log={"origin": "x", "name": "y", "pk": "00" * 32})}, "log is not"),
    "planned for another session": ({"planned": put(sid="S2")}, "another session"),
    "no platform among the parties": ({"plan": must_without("platform")}, "lacks the platform"),
    "no owner among the parties": ({"plan": must_without("owner")}, "no owner"),
    "no office among the parties": ({"plan": must_without("office")}, "no office"),
    "one key for every party": ({"plan": one_key_for_all}, "share one key"),
    "another delay function": ({"plan": put(vdf={"alg": "fast", "iters": 1})}, "vdf.alg"),
    "witnesses nobody checks": ({"plan": put(witnesses=["w"])}, "witnesses"),
    "a quorum that was not met": ({"plan": put(quorum=5)}, "quorum is 5"),
    "a beacon without its signature": ({"plan": put(beacon="drand:" + "0" * 64 + ":1")}, "beacon_sig"),
    "a signature without a beacon": ({"result": put(beacon_sig="00" * 48)}, "beacon_sig"),
    "plan changed after the close": ({"open": plan_again}, "plan was changed after"),
    "plan changed during the pot": ({"freeze": plan_again}, "plan was changed"),
    "another sealed number": ({"plan": extra("draw.plan", op_commit="00" * 32)}, "sealed number was changed"),
    # the list
    "another notice": ({"notice": put(notice={"name": "other"})}, "notice is not the one"),
    "the notice of another session": ({"notice": put(sid="S2")}, "another session"),
    "the notice of another draw": ({"notice": put(draw_id="D2")}, "publishes the notice"),
    "an outsider on the roster": ({"close": outsider}, "roster is not"),
    "an agency left out": ({"close": left_out}, "roster is not"),
    "an unsorted roster": ({"close": backwards}, "roster is not"),
    "a sign-up nobody opened": ({"close": not_opened}, "does not open"),
    "closed twice": ({"close": extra("draw.close")}, "closed twice"),
    "closed with another post": ({"close": put(post="00" * 32)}, "post is not"),
    "names of other agencies": ({"roster": put(agencies=[{"id": "X", "name": "X"}])}, "not the agencies"),
    "a sign-up for another draw": ({"signup": put(draw_id="D2")}, "another draw"),
    "one agency signed up twice": ({"signup": put(agency="A1")}, "signed up already"),
    "a withdrawal of nothing": ({"withdrawal": put(signup="00" * 32)}, "not in force"),
    "posted again after the close": (
        {"open": lambda e, w: w.record("draw.post", w.streams[w.main][2]["data"])},
        "posted again",
    ),
    # the pot
    "opened as a later attempt": ({"open": put(attempt=2)}, "this is attempt 1"),
    "opened under another plan": ({"open": put(plan="00" * 32)}, "plan is not"),
    "a window that closes early": ({"open": put(closes="2026-11-21T02:00:09Z")}, "window_s"),
    "opened twice": ({"before-freeze": lambda e, w: w.record("draw.open", e)}, "not after a plan"),
    "a line left out of the pot": ({"freeze": drop_line}, "the pot has"),
    "the right number, another root": ({"freeze": put(pot_root="00" * 32)}, "root"),
    "a line counted twice": ({"freeze": count_line_twice}, "the freeze counts"),
    "a party's line without signature": ({"pot-signed": unsign}, "unsigned"),
    "a party's line signed by another": ({"pot-signed": sign_for_office}, "signature of office"),
    "a party that was silent": ({"before-freeze": silent_office}, "no signed line of office"),
    "a stranger signs": ({"before-freeze": stranger_in_the_pot}, "which key"),
    "a line for no opening": ({"before-freeze": line_for_another_opening}, "no opening before it"),
    "another secret": ({"freeze": put(S="11" * 32)}, "S is not"),
    "a free field in the freeze": ({"freeze": put(note="x")}, "unknown key"),
    "frozen as another attempt": ({"freeze": put(attempt=2)}, "this is attempt 1"),
    "frozen twice": ({"freeze": extra("draw.freeze", pot_n=1)}, "no pot is open (now: frozen)"),
    "void after the freeze": (
        {"progress": lambda e, w: w.record("draw.void", VOID | {"open": leaf(OPEN).hex()})},
        "no pot is open",
    ),
    "a line after the freeze": (
        {"progress": lambda e, w: w.throw("public:x", OPEN, signer=None)},
        "after the freeze",
    ),
    "rescheduled after the freeze": (
        {"progress": lambda e, w: w.record("session.rescheduled", RESCHEDULED)},
        "not while a pot is frozen",
    ),
    # the result
    "progress beyond the plan": ({"progress": put(steps=2001)}, "do not fit"),
    "an act no one knows": ({"progress": lambda e, w: w.record("draw.redo", {})}, "unknown act"),
    "a session given up": (
        {"progress": lambda e, w: w.record("session.abandoned", {"sid": w.sid, "reason": "x"})},
        "given up",
    ),
    "a second result": ({"result": extra("draw.result")}, "a second result"),
    "a result of another freeze": ({"result": put(freeze="00" * 32)}, "freeze is not"),
    "two places swapped": ({"result": swap}, "order of the tickets"),
    "another seed": ({"result": put(seed="00" * 32)}, "seed is not"),
    "another output": ({"result": put(y=evaluate(b"x" * 32, 2000)[0].hex())}, "no form"),
    "output and proof exchanged": ({"result": lambda e, w: e.update(y=e["pi"], pi=e["y"])}, "does not hold"),
    "the starting point as output": ({"result": put(y=GENERATOR.hex())}, "does not hold"),
    "the neutral element as output": ({"result": put(y="04" + "00" * 99, pi="04" + "00" * 99)}, "does not hold"),
    "the award to another": ({"award": put(winner={"id": "X", "name": "X"})}, "not on the list"),
    "the award to the wait list": ({"award": lambda e, w: e.update(winner=e["waitlist"][0])}, "did not go"),
    "another wait list": ({"award": put(waitlist=[])}, "wait list"),
}
OPEN = build(agencies=3)["entries"]["open"]
VOID = {"t": "draw/v1/void", "sid": "S20261121-1", "attempt": 1, "reason": "x"}
RESCHEDULED = {"sid": "S20261121-1", "attempt": 2, "open_at": "2026-11-21T03:00:00Z", "reason": "x"}


# The same with one sign-up that did not count at the close.
FALSE_EXCLUSIONS = {
    "without a reason": ({"exclusion": put(reasons=[])}, "no reason is given"),
    "for a reason that is no code": ({"exclusion": put(reasons=["a b"])}, "must be an identifier"),
    "of a sign-up that is not there": ({"exclusion": put(signup="00" * 32)}, "not in force"),
    "twice": ({"exclusion": extra("draw.exclusion")}, "not in force"),
    "of another draw": ({"exclusion": put(draw_id="D-other")}, "roster is not"),
    "still on the roster": (
        {"close": lambda e, w: e.update(roster=sorted([*e["roster"], out_of(w)]))},
        "roster is not",
    ),
    "and one more left out silently": ({"close": left_out}, "roster is not"),
    "after the close": ({"open": lambda e, w: w.record("draw.exclusion", excluded_first(w))}, "not between posting"),
    "then posted again": (
        {"close": lambda e, w: w.record("draw.post", w.streams[w.main][2]["data"])},
        "posted again after an exclusion",
    ),
    "then signed up": (
        {"close": lambda e, w: w.record("draw.signup", {"draw_id": w.draw_id, "signup": "00" * 32})},
        "after an exclusion",
    ),
    "then withdrawn": (
        {"close": lambda e, w: w.record("draw.withdrawal", {"draw_id": w.draw_id, "signup": "00" * 32})},
        "after an exclusion",
    ),
}


def excluded_first(world):
    return next(event["data"] for event in world.streams[world.main] if event["type"] == "draw.signup") | {
        "reasons": ["agency_not_active"]
    }


def out_of(world):
    """The one that was excluded: the fourth of the codes."""
    return "9136048003MA000003X"


@pytest.mark.parametrize("name", FALSE_EXCLUSIONS)
def test_a_false_exclusion_is_rejected(name):
    edit, reason = FALSE_EXCLUSIONS[name]
    assert refusal(build(agencies=3, exclusions=1)) is None
    assert reason in (refusal(build(agencies=3, exclusions=1, edit=edit)) or "accepted")


def test_an_exclusion_that_was_not_recorded_or_came_before_the_deadline_is_rejected():
    transcript = build(agencies=3, exclusions=1)
    without(transcript, "draw.exclusion")
    reseal(transcript)
    assert "roster is not" in refusal(transcript)
    early = refusal(build(agencies=3, exclusions=1, shift={"exclusion": -1.5}))
    assert "excluded before the deadline" in early


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_with_all_keys_is_rejected(name):
    edit, reason = FORGERIES[name]
    assert reason in (refusal(build(agencies=3, edit=edit)) or "accepted")


@pytest.mark.parametrize(
    ("shift", "reason"),
    [
        ({"signup": DAY}, "after the deadline"),
        ({"withdrawal": DAY - 3599}, "after the deadline"),
        ({"close": -1.5}, "before the deadline"),
        ({"open": -0.3}, "before its time"),
        ({"open": 1}, "window_s"),
        ({"agency-line": 11}, "after closes + publish_s"),
        ({"freeze": -1.3}, "before the window"),
        ({"freeze": 4}, "late by 0.2 s"),
        ({"freeze": 60}, "late by"),
        ({"result": -60, "progress": -60}, "older than the freeze"),
    ],
    ids=str,
)
def test_an_act_at_the_wrong_time_is_rejected(shift, reason):
    assert reason in (refusal(build(agencies=3, shift=shift)) or "accepted")


@pytest.mark.parametrize(
    "shift",
    [{"withdrawal": DAY - 3600.25}, {"close": -1}, {"freeze": 3.75, "progress": 2, "result": 2}, {"open": 0.7}],
    ids=str,
)
def test_an_act_in_the_last_instant_is_accepted(shift):
    assert refusal(build(agencies=3, shift=shift)) is None


def test_a_draw_among_nobody_is_rejected():
    assert "the roster is empty" in refusal(build(agencies=0, agency_lines=0))


def test_after_a_void_the_next_attempt_must_be_announced_and_numbered():
    assert refusal(build(void=True)) is None
    assert "not number 1" in refusal(build(void=True, edit={"rescheduled": put(attempt=1)}))
    assert "not number 3" in refusal(build(void=True, edit={"rescheduled": put(attempt=3)}))
    early = {"rescheduled": put(open_at="2026-11-21T02:30:00Z")}
    assert "before its time" in refusal(build(void=True, edit=early))
    transcript = build(void=True)
    events = transcript["streams"]["session:S20261121-1"]
    events[:] = [event for event in events if event["type"] != "session.rescheduled"]
    reseal(transcript)
    assert "(now: void)" in refusal(transcript)


# Forgers who change a finished transcript and repair the chains


def without(transcript, kind):
    for events in transcript["streams"].values():
        events[:] = [event for event in events if event["type"] != kind]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("session.planned", "first event"),
        ("draw.plan", "before any plan"),
        ("draw.post", "not between posting"),
        ("draw.signup", "not in force"),
        ("draw.withdrawal", "roster is not"),
        ("draw.close", "before the close"),
        ("draw.open", "no opening before it"),
        ("draw.pot", "pot"),
        ("draw.freeze", "before the freeze"),
        ("draw.result", "before the result"),
        ("draw.attested", "signed nothing"),
        ("notice.published", "publishes the notice"),
    ],
)
def test_an_act_left_out_is_missed(kind, reason):
    transcript = fresh()
    without(transcript, kind)
    reseal(transcript)
    assert reason in refusal(transcript)


def test_without_the_log_s_key_no_event_of_the_session_can_be_changed():
    count = len(fresh()["streams"]["session:S20261121-1"])
    for index in range(count - 1):
        transcript = fresh()
        event = transcript["streams"]["session:S20261121-1"][index]
        event["actor"]["name"] = "somebody"
        reseal(transcript, attest=False)
        assert "not the event before it" in refusal(transcript)
        transcript["streams"]["session:S20261121-1"][-1]["data"] = attestation("session:other", count - 1, "00" * 32)
        reseal(transcript, attest=False)
        assert "not the event before it" in refusal(transcript)
    forged = fresh()
    last = forged["streams"]["session:S20261121-1"][-1]
    forged["streams"]["session:S20261121-1"][3]["actor"]["name"] = "somebody"
    reseal(forged)
    message = f"draw/v1/head\nsession:S20261121-1\n{last['data']['seq']}\n{last['data']['head']}".encode()
    last["data"]["sig"] = key_of("somebody").sign(message).hex()
    reseal(forged, attest=False)
    assert "signature of the log" in refusal(forged)


def test_a_stream_cut_after_the_signature_or_of_another_name_is_rejected():
    transcript = fresh()
    transcript["streams"]["session:S20261121-1"].pop()
    assert "signed nothing" in refusal(transcript)
    transcript = fresh()
    transcript["streams"]["task:1"] = copy.deepcopy(transcript["streams"]["project:P-2026-0007"])
    reseal(transcript)
    assert "no place here" in refusal(transcript)
    transcript = fresh()
    transcript["streams"]["project:2"] = copy.deepcopy(transcript["streams"]["project:P-2026-0007"])
    reseal(transcript)
    assert "more than one" in refusal(transcript)
    for key in ("checkpoints", "inclusion", "consistency"):
        assert "unknown key" in refusal({**fresh(), key: {}})


def test_a_valid_proof_of_another_encoding_of_the_output_is_rejected(monkeypatch):
    """The grinding the law forbids: the same output in other bytes, with a proof made for those bytes."""
    transcript = fresh()
    entries = transcript["entries"]
    seed = verify.vdf_seed(leaf(entries["freeze"]))
    discriminant = verify.create_discriminant(seed)
    a, b, c = verify.form_decode(bytes.fromhex(entries["result"]["y"]), discriminant)
    honest_bytes = bytes.fromhex(entries["result"]["y"])
    data = next(other for other in other_encodings(a, b) if other != honest_bytes)
    challenge = verify.hash_prime(GENERATOR + data, 264, (263,))
    quotient, x = 2**2000 // challenge, (2, 1, (1 - discriminant) // 8)
    proof = (1, 1, (1 - discriminant) // 4)
    for bit in bin(quotient)[2:]:
        proof = verify.compose(proof, proof, discriminant)
        if bit == "1":
            proof = verify.compose(proof, x, discriminant)
    pi = verify.form_encode(proof[0], proof[1])

    def forge(entry, world):
        entry.update(y=data.hex(), pi=pi.hex())

    reason = refusal(build(agencies=3, edit={"result": forge}))
    assert reason == "the form is not in its canonical encoding"
    # The proof itself is right: without the check of the encoding it would have passed.
    decode = verify.form_decode
    monkeypatch.setattr(verify, "form_decode", lambda raw, d: (a, b, c) if raw == data else decode(raw, d))
    assert verify.wesolowski_valid(discriminant, x, data, pi, 2000)


def test_events_of_another_draw_prove_nothing_for_this_one():
    transcript = build(agencies=3, other_draw=True)
    assert refusal(transcript) is None
    assert verify.check(jcs(transcript)).signed.count("agency:X1") == 0
    transcript["entries"]["post"]["draw_id"] = "D-other"
    assert refusal(transcript) is not None
