"""The feed in a real browser: late, interrupted, without sockets, and before a forged record."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from marketplace import events
from tests.livestream.test_words import CASES

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Site:
    """A server on a fixed port with its own database, and a process that records events into it."""

    folder: Path
    port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    server: subprocess.Popen[str] | None = None
    writer: subprocess.Popen[str] | None = None

    def prepare(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.livestream.feed_settings",
            "DATABASE_URL": f"sqlite:///{self.folder}/feed.sqlite3",
            "VAR_DIR": str(self.folder),
            "KEYS_DIR": str(self.folder / "keys"),
            "REDIS_URL": "",
            "DEBUG": "0",
            "PYTHONWARNINGS": "ignore",
        }
        migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--skip-checks", "-v", "0"]
        subprocess.run(migrate, cwd=ROOT, env=self.environment, check=True)
        self.writer = self._started("tests.livestream.writer", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _started(self, *arguments: str, **pipes: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, text=True, **pipes)

    def up(self) -> None:
        self.server = self._started(
            "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), "marketplace.asgi:application"
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the server does not listen")

    def down(self) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(10)
            self.server = None

    def tell(self, **command: Any) -> None:
        assert self.writer is not None
        assert self.writer.stdin is not None
        assert self.writer.stdout is not None
        self.writer.stdin.write(json.dumps(command) + "\n")
        self.writer.stdin.flush()
        assert self.writer.stdout.readline() == "ok\n"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/live/test/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("feed"))
    found.prepare()
    assert found.writer is not None
    try:
        found.tell(record=[1, 2, 3])
        found.up()
        yield found
    finally:
        found.down()
        found.writer.terminate()
        found.writer.wait(10)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en", extra_http_headers={"Accept-Language": "en"})
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    yield tab
    context.close()
    assert faults == []


def items(page: Page) -> Any:
    return page.locator('[data-stage="log-list"] li[data-seq]')


def in_step(page: Page, count: int) -> None:
    expect(page.locator('[data-stage="sync"]')).to_have_class(re.compile("sync-synced"), timeout=15000)
    expect(items(page)).to_have_count(count, timeout=5000)
    expect(page.locator('[data-stage="records"]')).to_have_text(f"1–{count} of {count}")
    assert [int(item.get_attribute("data-seq")) for item in items(page).all()] == list(range(1, count + 1))


def test_hashes_and_sentences_are_those_of_the_server(page: Page, site: Site) -> None:
    page.goto(site.url)
    values = [
        None,
        True,
        2**53 - 1,
        -5,
        'é\u0000\u001f"\\/\u2028😀',
        [],
        {},
        {"b": [1, {"z": "甲", "A": False}], "a": ""},
    ]
    assert page.evaluate("values => values.map(Chain.jcs)", values) == [events.canonical(v).decode() for v in values]
    texts = ["x" * size for size in (0, 55, 56, 63, 64, 65, 1000)]
    hashed = page.evaluate("texts => texts.map(text => Chain.sha256(Chain.utf8(text)))", texts)
    assert hashed == [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    says = "cases => cases.map(one => feedText.sentence(one.words, one.data, 'Asia/Shanghai'))"
    assert page.evaluate(says, CASES) == [case["says"] for case in CASES]
    assert page.evaluate("() => { try { return Chain.jcs(1.5) } catch { return 'refused' } }") == "refused"


def test_viewer_follows_loses_the_server_and_catches_up(page: Page, browser: Browser, site: Site) -> None:
    page.goto(site.url)
    in_step(page, 3)
    site.tell(record=[4])
    in_step(page, 4)
    expect(items(page).last).to_contain_text("Number 4 by 甲 {as is}")
    late = browser.new_page()
    late.goto(site.url)
    in_step(late, 4)
    late.close()

    site.down()
    expect(page.locator('[data-stage="sync"]')).to_have_class(re.compile("sync-(connecting|unstable)"), timeout=10000)
    site.tell(record=[5, 6])
    site.up()
    in_step(page, 6)
    assert page.locator("li[data-seq].caught-up").count() == 2
    expect(page.locator('[data-stage="log-list"] li').last).to_have_text(re.compile("2"))


def test_viewer_without_sockets_follows_over_http(page: Page, site: Site) -> None:
    page.route_web_socket("**/ws/streams/**", lambda route: route.close(code=4000))
    page.goto(site.url)
    in_step(page, 6)
    site.tell(record=[7])
    in_step(page, 7)


def test_viewer_without_scripts_reads_the_log(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    expect(items(page)).to_have_count(7)
    expect(page.locator("noscript .band")).to_be_visible()
    context.close()


def test_forged_record_stops_the_page(page: Page, site: Site) -> None:
    site.tell(forge=3)
    page.goto(site.url)
    expect(page.locator('[data-stage="sync"]')).to_have_class(re.compile("sync-broken"))
    expect(page.locator('[data-stage="sync-text"]')).to_contain_text("3")
    site.tell(record=[8])
    page.wait_for_timeout(700)
    assert page.evaluate("feed.last") == 2
