"""draw/v1: known answers, and what must hold for every roster."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import delay, draw

KAT: dict[str, Any] = json.loads((Path(__file__).parent / "draw_kat.json").read_text())
SEED = bytes.fromhex(KAT["final_seed"]["offline"])
ids = st.lists(st.from_regex(r"\A[A-Z0-9]{1,18}\Z"), min_size=1, max_size=30, unique=True)


def test_known_answers() -> None:
    assert draw.jcs(KAT["jcs"][0]["in"]).hex() == KAT["jcs"][0]["out_hex"]
    assert draw.leaf_hash(b"").hex() == KAT["leaf_hash_empty"]
    assert draw.merkle_root([draw.leaf_hash(bytes([i])) for i in range(3)]).hex() == KAT["mth_3"]
    commit = KAT["op_commit"]
    assert draw.op_commit(commit["sid"], bytes.fromhex(commit["S"])).hex() == commit["out"]
    vdf = KAT["vdf"]
    seed = draw.vdf_seed(bytes.fromhex(vdf["freeze_leaf"]))
    assert seed.hex() == vdf["seed"]
    found = delay.evaluate(seed, vdf["iters"])
    assert (found.y.hex(), found.pi.hex()) == (vdf["y"], vdf["pi"])
    assert (f"{found.a:x}", f"{found.b:x}") == (vdf["a"], vdf["b"])
    assert draw.final_seed(seed, found.a, found.b, "").hex() == KAT["final_seed"]["offline"]
    assert draw.final_seed(seed, vdf["a"], vdf["b"].encode(), b"").hex() == KAT["final_seed"]["offline"]
    ticket = KAT["ticket"]
    assert draw.ticket(SEED, ticket["draw_id"], ticket["agency"]).hex() == ticket["out"]
    assert draw.ranking(SEED, "D1", KAT["ranking"]["roster"]) == KAT["ranking"]["out"]
    assert draw.ranking(SEED, b"D1", [b"A0", b"A1"]) == [b"A1", b"A0"]


def rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1 word for word: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return draw.hashlib.sha256(b"\x01" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()


def test_the_root_is_the_rfcs_for_every_size_up_to_70() -> None:
    leaves = [draw.leaf_hash(bytes([i])) for i in range(70)]
    for n in range(1, 71):
        assert draw.merkle_root(leaves[:n]) == rfc_root(leaves[:n])
    assert draw.merkle_root([]) == draw.hashlib.sha256(b"").digest()
    with pytest.raises(draw.BadEntry):
        draw.merkle_root([b"short"])


@given(ids, st.randoms())
def test_the_order_of_the_roster_does_not_matter(roster: list[str], rng: random.Random) -> None:
    shuffled = roster[:]
    rng.shuffle(shuffled)
    assert draw.ranking(SEED, "D1", shuffled) == draw.ranking(SEED, "D1", roster)
    assert sorted(draw.ranking(SEED, "D1", roster)) == sorted(roster)


@given(ids, st.integers(min_value=0))
def test_taking_an_agency_away_changes_no_other_ones_order(roster: list[str], place: int) -> None:
    gone = roster[place % len(roster)]
    whole = draw.ranking(SEED, "D1", roster)
    assert draw.ranking(SEED, "D1", [name for name in roster if name != gone]) == [n for n in whole if n != gone]


def test_every_agency_wins_about_as_often_as_any_other() -> None:
    roster = [f"A{i}" for i in range(8)]
    wins = dict.fromkeys(roster, 0)
    for n in range(4000):
        wins[draw.ranking(draw.leaf_hash(str(n).encode()), "D1", roster)[0]] += 1
    # 500 expected each; 5 standard deviations are 105.
    assert all(395 <= count <= 605 for count in wins.values()), wins


@pytest.mark.parametrize("value", [1.0, 2**53, -(2**53), {"ä": 1}, {1: 1}, b"", {"a": [0.5]}, "\ud800", object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(draw.BadEntry):
        draw.jcs(value)


def test_an_entry_with_an_unknown_or_missing_key_is_refused() -> None:
    good = {"draw_id": "D1", "post": "00" * 32, "roster": []}
    assert draw.entry("close", **good)["t"] == "draw/v1/close"
    for bad in (good | {"more": 1}, {"draw_id": "D1", "post": "00"}):
        with pytest.raises(draw.BadEntry):
            draw.entry("close", **bad)
    with pytest.raises(draw.BadEntry):
        draw.check_entry({"t": "draw/v2/close", **good})


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "a\n"])
def test_identifiers_outside_the_alphabet_are_refused(name: str) -> None:
    with pytest.raises((draw.BadEntry, UnicodeEncodeError)):
        draw.ticket(SEED, name, "A")
    with pytest.raises(draw.BadEntry):
        draw.ranking(SEED, "D1", ["A", "A"])


def test_the_delay_process_beats_and_gives_the_same_answer() -> None:
    seed = draw.vdf_seed(b"\x01" * 32)
    beats: list[float] = []
    found = delay.compute(seed, 20_000, lambda elapsed: not beats.append(elapsed), every=0.05)
    assert found == delay.evaluate(seed, 20_000)
    assert beats == sorted(beats)


def test_the_delay_process_is_ended_when_the_work_was_taken_over() -> None:
    assert delay.compute(draw.vdf_seed(b"\x02" * 32), 50_000_000, lambda _elapsed: False, every=0.05) is None
