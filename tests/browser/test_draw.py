"""One live draw, seen by several people: whoever comes late or loses the network sees the same in the end."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .demo_site import ROOT, DemoSite

pytestmark = pytest.mark.browser

# Counts what a screen reader is told: each text that appears in a region with role=status.
COUNT_ANNOUNCEMENTS = """
window.announced = [];
new MutationObserver((changes) => {
  for (const change of changes) {
    const region = (change.target.closest ? change.target : change.target.parentElement)?.closest('[role="status"]');
    const text = region?.textContent.trim();
    if (text) window.announced.push(text);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
MOST_ANNOUNCEMENTS = 20
WHOLE_SESSION_MS = 150_000


def state(page: Page, what: str) -> Any:
    return page.evaluate(f"() => {what}")


def reaches(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {condition}", timeout=WHOLE_SESSION_MS)


def ranking(page: Page) -> list[list[str]]:
    """The rows of the ranking as read: place, agency, ticket, outcome."""
    rows = page.locator('[data-stage="tickets"] tbody tr')
    found = rows.evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => [...cell.childNodes]"
        ".filter(node => !node.classList?.contains('ticket-under')).map(node => node.textContent).join('')))"
    )
    return [[" ".join(cell.split()) for cell in row] for row in found]


def seen(page: Page) -> dict[str, Any]:
    """What a viewer holds when the session is over."""
    expect(page.locator('[data-stage="sync"]')).to_have_class(re.compile("sync-ended"), timeout=15_000)
    return {
        "ranking": ranking(page),
        "records": page.locator('[data-stage="records"]').inner_text(),
        "head": page.locator('[data-stage="head"]').get_attribute("title"),
        "sealed": page.locator('[data-stage="seal-print"] [data-stage="fingerprint-hex"]').inner_text(),
    }


def verdict(transcript: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "projects/verify.py", str(transcript)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def with_one_byte_changed(transcript: bytes, after: bytes) -> bytes:
    """The hexadecimal digit behind `after` becomes another one."""
    place = transcript.index(after) + len(after)
    digit = b"1" if transcript[place : place + 1] == b"0" else b"0"
    return transcript[:place] + digit + transcript[place + 1 :]


def test_two_viewers_one_arriving_late_see_the_same_draw(
    browser: Browser, demo: DemoSite, tmp_path: Path, measured: Callable[[str, object], None]
) -> None:
    session = demo.ask("next_session")
    address = f"/live/{session['sid']}/"
    phone, unlucky, late = (
        demo.visitor(browser, width=360, height=740, accept_downloads=True),
        demo.visitor(browser),
        demo.visitor(browser),
    )
    try:
        first, third = phone.new_page(), unlucky.new_page()
        first.add_init_script(COUNT_ANNOUNCEMENTS)
        first.goto(address)
        third.goto(address)
        assert state(first, "Stage.state.opening") is None

        reaches(third, "Stage.state.opening")
        unlucky.set_offline(True)
        reaches(first, "Stage.state.freeze")
        assert state(third, "Stage.state.freeze") is None, "the third viewer was to miss the seal"

        second = late.new_page()
        second.goto(address)
        assert state(second, "Stage.state.freeze"), "the second viewer was to arrive after the seal"
        reaches(first, "Stage.state.progress || Stage.state.result")
        unlucky.set_offline(False)

        viewers = [first, second, third]
        for viewer in viewers:
            reaches(viewer, "Stage.state.attested && !Stage.state.revealing")
        views = [seen(viewer) for viewer in viewers]
        assert views[1] == views[0]
        assert views[2] == views[0]
        assert third.locator("li.caught-up[data-seq]").count() > 0

        head = first.request.get(f"/streams/session:{session['sid']}/events?limit=1000").json()
        n = head["head"]
        assert re.findall(r"\d+", views[0]["records"]) == ["1", str(n), str(n)]
        assert views[0]["head"] == head["events"][-1]["hash"]
        result = next(event["data"] for event in head["events"] if event["type"] == "draw.result")
        assert [row[0] for row in views[0]["ranking"]] == [str(place + 1) for place in range(len(result["ranking"]))]

        said = state(first, "window.announced")
        measured("announcements", len(said))
        assert 3 <= len(said) <= MOST_ANNOUNCEMENTS, said

        with first.expect_download() as download:
            first.locator(f'[data-stage="main"] a[href$="/notices/{session["code"]}/transcript.json"]').click()
        transcript = tmp_path / "transcript.json"
        download.value.save_as(transcript)
        accepted = verdict(transcript)
        assert accepted.returncode == 0, accepted.stdout
        genuine = transcript.read_bytes()
        for after in (b'"r":"', b'"seed":"', b'"ranking":["'):
            transcript.write_bytes(with_one_byte_changed(genuine, after))
            assert verdict(transcript).returncode == 1, f"a byte changed behind {after!r} was not noticed"

        first.reload()
        assert seen(first) == views[0]
    finally:
        for context in (phone, unlucky, late):
            context.close()
