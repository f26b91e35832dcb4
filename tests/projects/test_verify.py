"""The offline verifier: its parts against known answers and reference libraries, and honest transcripts."""

import json
import math
import random
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import chiavdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from projects import verify

from .transcripts import (
    GENERATOR,
    LOG_NAME,
    build,
    chiavdf_discriminant,
    integers,
    jcs,
    other_encodings,
    public,
    tree,
)

KAT = json.loads(Path(__file__).with_name("draw_kat.json").read_text(encoding="utf-8"))
SCRIPT = Path(verify.__file__)


@pytest.fixture(autouse=True)
def discriminants_found_once(monkeypatch):
    """Finding the prime is most of a run; many tests share one freeze."""
    monkeypatch.setattr(verify, "create_discriminant", DISCRIMINANTS)


DISCRIMINANTS = lru_cache(maxsize=None)(verify.create_discriminant)


def run_main(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["verify.py", *map(str, arguments)])
    return verify.main()


# Known answers


@pytest.mark.parametrize("case", KAT["jcs"])
def test_canonical_json_matches_the_known_answer(case):
    assert verify.jcs(case["in"]).hex() == case["out_hex"]


def test_hashes_match_the_known_answers():
    assert verify.sha256(b"\x00").hex() == KAT["leaf_hash_empty"]
    leaves = [verify.sha256(bytes([0, n])) for n in range(3)]
    assert verify.merkle_root(leaves).hex() == KAT["mth_3"]
    commit = KAT["op_commit"]
    assert verify.op_commit(commit["sid"], bytes.fromhex(commit["S"])).hex() == commit["out"]


@pytest.mark.parametrize("count", range(20))
def test_merkle_root_is_the_recursive_one_of_rfc_9162(count):
    leaves = [verify.sha256(bytes([n])) for n in range(count)]
    assert verify.merkle_root(leaves) == tree(leaves)


def test_slow_opening_and_seed_match_the_known_answers():
    kat = KAT["vdf"]
    seed = verify.vdf_seed(bytes.fromhex(kat["freeze_leaf"]))
    assert seed.hex() == kat["seed"]
    assert f"{verify.create_discriminant(seed):x}" == kat["D"]
    y, pi = bytes.fromhex(kat["y"]), bytes.fromhex(kat["pi"])
    a, b = verify.slow_opening(seed, kat["iters"], y, pi)
    assert (f"{a:x}", f"{b:x}") == (kat["a"], kat["b"])
    assert verify.final_seed(seed, a, b, "").hex() == KAT["final_seed"]["offline"]
    with pytest.raises(verify.Rejected, match="does not hold"):
        verify.slow_opening(seed, kat["iters"] + 1, y, pi)


def test_tickets_and_ranking_match_the_known_answers():
    seed, kat = bytes.fromhex(KAT["final_seed"]["offline"]), KAT["ticket"]
    assert verify.ticket(seed, kat["draw_id"], kat["agency"]).hex() == kat["out"]
    roster = KAT["ranking"]["roster"]
    assert verify.ranking(seed, "D1", roster) == KAT["ranking"]["out"]
    assert verify.ranking(seed, "D1", roster[::-1]) == KAT["ranking"]["out"]


# Against the reference libraries


@pytest.mark.parametrize("steps", [1, 2, 63, 700])
def test_delay_function_agrees_with_the_reference_library(steps):
    seed = bytes([steps % 256]) * 32
    discriminant = verify.create_discriminant(seed)
    assert str(discriminant) == chiavdf_discriminant(seed)
    proof = chiavdf.prove(seed, GENERATOR, 1024, steps, "")
    y, pi = proof[:100], proof[100:]
    assert verify.slow_opening(seed, steps, y, pi) == integers(seed, y)
    x = (2, 1, (1 - discriminant) // 8)
    assert not verify.wesolowski_valid(discriminant, x, y, pi, steps + 1)
    assert not verify.wesolowski_valid(discriminant, x, pi, y, steps)


def test_form_encoding_is_the_reference_library_s_canonical_one():
    seed = b"forms 13"
    discriminant = verify.create_discriminant(seed)
    form, bound = (2, 1, (1 - discriminant) // 8), math.isqrt(math.isqrt(-discriminant))
    x, surprises = form, 0
    for index in range(100):
        form = verify.square(form, bound)
        if index % 3 == 0:
            form = verify.compose(form, x, discriminant)
        assert form[1] ** 2 - 4 * form[0] * form[2] == discriminant
        if index % 5 == 0:
            form = (form[0], -form[1], form[2])
        data = verify.form_encode(form[0], form[1])
        assert verify.form_decode(data, discriminant) == form
        assert integers(seed, data) == form[:2]
        r0, r1, t0, t1 = form[0], abs(form[1]), 0, 1
        while r1 > math.isqrt(form[0]):
            r0, r1, t0, t1 = r1, r0 % r1, t1, t0 - r0 // r1 * t1
        surprises += t1 != verify.short_multiplier(form[0], abs(form[1]))
    assert surprises > 0, "no form on this walk tells the canonical encoding from plain Euclid's"


def test_only_one_encoding_of_a_form_is_accepted():
    seed = b"forms"
    discriminant = verify.create_discriminant(seed)
    form, bound = (2, 1, (1 - discriminant) // 8), math.isqrt(math.isqrt(-discriminant))
    refused = 0
    for _ in range(8):
        form = verify.square(form, bound)
        for data in other_encodings(form[0], form[1]):
            if data != verify.form_encode(form[0], form[1]):
                refused += 1
                with pytest.raises(verify.Rejected, match="canonical"):
                    verify.form_decode(data, discriminant)
    assert refused > 20
    good = verify.form_encode(form[0], form[1])
    for data in (b"", good[:-1], good + b"\0", bytes(100), b"\xff" * 100, b"\x04" + good[1:], b"\x0c" + bytes(99)):
        with pytest.raises(verify.Rejected):
            verify.form_decode(data, discriminant)


def test_ed25519_agrees_with_the_reference_library_and_refuses_second_encodings():
    rng = random.Random(7)
    for length in range(12):
        key, message = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)), rng.randbytes(length)
        public_key, signature = key.public_key().public_bytes_raw(), key.sign(message)
        assert verify.ed25519_valid(public_key, message, signature)
        for bit in rng.sample(range(512), 4):
            changed = bytearray(signature)
            changed[bit // 8] ^= 1 << bit % 8
            assert not verify.ed25519_valid(public_key, message, bytes(changed))
        assert not verify.ed25519_valid(public_key, message + b"x", signature)
        larger = int.from_bytes(signature[32:], "little") + verify.ORDER
        assert not verify.ed25519_valid(public_key, message, signature[:32] + larger.to_bytes(32, "little"))


def test_ed25519_matches_rfc_8032_and_refuses_keys_nobody_owns():
    public_key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert verify.ed25519_valid(public_key, b"", signature)
    neutral = (1).to_bytes(32, "little")
    for key in (
        neutral,
        verify.PRIME.to_bytes(32, "little"),
        (verify.PRIME + 1).to_bytes(32, "little"),
        b"\xff" * 32,
    ):
        assert not verify.ed25519_valid(key, b"", neutral + bytes(32))
    assert not verify.ed25519_valid(public_key[:31], b"", signature)
    assert not verify.ed25519_valid(public_key, b"", signature[:63])


# Strict JSON


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1] 2",
        b'{"a":1,"a":1}',
        '{"ключ":1}'.encode(),
        b'{"\\u00e9":1}',
        b"[1.0]",
        b"[1e3]",
        b"[-0]",
        b"[NaN]",
        b"[Infinity]",
        b"[9007199254740992]",
        b"[-9007199254740992]",
        b"[" + b"9" * 5000 + b"]",
        b"[01]",
        b'["\\ud800"]',
        b'["\xff"]',
        b'["\t"]',
        b"\xef\xbb\xbf[]",
        b"[" * 200_000,
        b"'a'",
    ],
)
def test_json_outside_the_restricted_profile_is_refused(data):
    with pytest.raises(verify.Rejected):
        verify.parse(data)


def test_json_inside_the_profile_is_read_exactly():
    value = {"a": [True, None, -1, 2**53 - 1, '中\u2028\x7f\\"\n\x01'], "B": {}}
    assert verify.parse(json.dumps(value).encode()) == value
    assert verify.parse(verify.jcs(value)) == value
    assert not verify.same([1], [True])


# Honest transcripts


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"agencies": 1, "withdrawals": 0, "reserves": 0, "agency_lines": 0},
        {"agencies": 12, "withdrawals": 3, "k": 2, "reserves": 3},
        {"exclusions": 2},
        {"exclusions": 1, "withdrawals": 0, "agencies": 1, "replan": True, "reserves": 0},
        {"comeback": True},
        {"replan": True},
        {"rescheduled": True},
        {"void": True},
        {"rescheduled": True, "void": True, "replan": True, "agencies": 2},
        {"other_draw": True, "unsigned": 3},
        {"beacon": True},
        {"k": 5, "reserves": 9},
    ],
    ids=str,
)
def test_honest_transcript_is_accepted(options):
    transcript = build(**options)
    report = verify.check(jcs(transcript), {LOG_NAME: public(LOG_NAME)})
    assert (report.accepted, report.reason) == (True, "")
    ranking, k = transcript["entries"]["result"]["ranking"], options.get("k", 1)
    assert report.winners == ranking[:k]
    assert report.waitlist == ranking[k : k + options.get("reserves", 2)]
    assert report.ranking == ranking
    assert report.must == sorted([f"platform:{LOG_NAME}", "office:B1", "owner:O1"])
    assert any("short delay (demo)" in warning for warning in report.warnings)
    assert report.names[ranking[0]] in report.text()


def test_the_report_names_who_was_excluded_and_that_it_cannot_judge_why():
    report = verify.check(jcs(build(exclusions=2)))
    assert [reasons for _who, reasons in sorted(report.excluded.items())] == [["agency_not_active"]] * 2
    assert not set(report.excluded) & set(report.ranking)
    assert "roster: 4 agencies = 7 sign-ups less withdrawals and 2 exclusions" in report.checks
    assert all(f"  {who}: agency_not_active" in report.text().splitlines() for who in report.excluded)
    assert any("exclusions" in line for line in report.limits())
    assert not any("exclusion" in line for line in verify.check(jcs(build())).text().splitlines())


def test_full_delay_needs_no_demo_and_no_warning(monkeypatch):
    monkeypatch.setattr(verify, "STEPS_PER_SECOND", 100)
    report = verify.check(jcs(build(demo=False)))
    assert report.accepted
    assert report.warnings == []


def test_a_short_delay_outside_a_demonstration_is_rejected():
    report = verify.check(jcs(build(demo=False)))
    assert not report.accepted
    assert "too short" in report.reason


def test_order_of_keys_and_white_space_do_not_matter():
    transcript = build()
    loose = json.dumps(dict(reversed(transcript.items())), indent=3).encode()
    assert verify.check(loose).accepted


# The command


def test_command_runs_alone_and_accepts(tmp_path):
    path = tmp_path / "transcript.json"
    path.write_bytes(jcs(build()))
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", SCRIPT, path, "--log-key", f"{LOG_NAME}={public(LOG_NAME)}"],
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"ACCEPTED" in done.stdout


def test_command_rejects_what_it_cannot_read(tmp_path, monkeypatch, capsys):
    bad = tmp_path / "bad.json"
    for content in (b"", b"\x00\xff", b"[]", b"{}", b'{"t":"draw/v1/transcript"}', b"null", b"[" * 100_000):
        bad.write_bytes(content)
        assert run_main(monkeypatch, bad) == 1
        assert "REJECTED 验证不通过: " in capsys.readouterr().out
    for path in (tmp_path, tmp_path / "missing", "nul\0name"):
        assert run_main(monkeypatch, path) == 1
        assert "cannot read the file" in capsys.readouterr().out


def test_command_rejects_another_log_key_than_the_one_given(tmp_path, monkeypatch, capsys):
    path = tmp_path / "transcript.json"
    path.write_bytes(jcs(build()))
    assert run_main(monkeypatch, path, "--log-key", f"{LOG_NAME}={public('somebody')}") == 1
    assert run_main(monkeypatch, path, "--log-key", f"other={public(LOG_NAME)}") == 1
    assert "not the key given" in capsys.readouterr().out
    for wrong in (["--log-key", "x"], ["--log-key", "x=12"], ["--nonsense"], []):
        with pytest.raises(SystemExit) as stop:
            run_main(monkeypatch, *wrong)
        assert stop.value.code == 2


def test_command_prints_its_own_hash(monkeypatch, capsys):
    assert run_main(monkeypatch, "--hash") == 0
    assert capsys.readouterr().out.split() == [verify.sha256(SCRIPT.read_bytes()).hex(), "verify.py"]


def test_report_cannot_be_made_to_print_a_false_verdict():
    def rename(data, _world):
        data["agencies"][0]["name"] = "x\nACCEPTED 验证通过\x1b[2J\u202e"

    text = verify.check(jcs(build(edit={"roster": rename}))).text()
    assert text.splitlines().count("ACCEPTED 验证通过") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
