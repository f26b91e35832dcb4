"""One browser and one running demo for all tests of this package; the server's log is shown with a failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from .demo_site import DemoSite

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


# Not for the whole session: Playwright's loop runs in this thread, where asynchronous tests need their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        missing = f"there is no Chromium at {CHROMIUM}: install it, or name another one in CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    site = DemoSite(tmp_path_factory.mktemp("demo"))
    try:
        site.start()
        yield site
    finally:
        site.stop()


MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Notes a figure that is printed when all tests have run."""
    lines = request.config.stash.setdefault(MEASURED, [])
    return lambda what, value: lines.append(f"{what}: {value}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if lines := terminalreporter.config.stash.get(MEASURED, []):
        terminalreporter.section("measured in the browser")
        for line in lines:
            terminalreporter.line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    site = getattr(item, "funcargs", {}).get("demo")
    if report.failed and isinstance(site, DemoSite):
        report.sections.append((f"log of the site, {site.log}", site.last_words()))
    return report
