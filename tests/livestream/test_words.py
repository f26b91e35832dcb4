"""Sentences from format strings; `feed.js` must say the same (tests/browser/test_feed.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livestream.words import sentence

CASES = json.loads((Path(__file__).parent / "sentences.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["words"])
def test_sentence(case: dict[str, object]) -> None:
    assert sentence(str(case["words"]), dict(case["data"])) == case["says"]  # type: ignore[call-overload]
