"""The promise about speed, measured: a ratio in one run on one machine, never a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from .fanout import ROOT

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif("BENCH" not in os.environ, reason="takes a minute and both processors; BENCH=1 runs it"),
]


def test_hub_delivers_eight_times_what_a_group_of_viewers_does_and_loses_nothing() -> None:
    command = [sys.executable, "-m", "tests.bench.fanout", "--viewers", "1000", "--events", "30"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300).stdout
    *servers, ratios = [json.loads(line) for line in output.splitlines()]
    assert {line["server"]: line["lost"] for line in servers} == {line["server"]: 0 for line in servers}
    assert ratios["ratio_hub_over_group_send"] >= 8
