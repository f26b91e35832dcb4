"""The whole product as `make run` starts it, with a demo world and a folder of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from marketplace.installation import DEMO_PASSWORD

ROOT = Path(__file__).resolve().parents[2]
START_S = 40
END_S = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class DemoSite:
    """`manage.py serve` on a free port. `folder` is its VAR_DIR; what it prints goes to `log`."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "VAR_DIR": str(self.folder),
            "KEYS_DIR": str(self.folder / "keys"),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "PYTHONUNBUFFERED": "1",
        }

    def manage(self, *arguments: str) -> str:
        """What a command of manage.py prints; a command that fails fails the test with its last words."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=180, check=False
        )
        if done.returncode != 0:
            pytest.fail(f"manage.py {arguments[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout

    def ask(self, question: str, *arguments: str) -> Any:
        """The answer of a function of `inside.py`, run in a process of the site."""
        code = f"import json; from tests.browser import inside; print(json.dumps(inside.{question}(*{arguments!r})))"
        return json.loads(self.manage("shell", "--no-imports", "-v", "0", "-c", code))

    def start(self) -> None:
        self.manage("migrate", "-v", "0")
        self.manage("demo")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        pytest.fail(f"the site does not answer:\n{self.last_words()}")

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self, lines: int = 60) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def visitor(self, browser: Browser, *, width: int = 1440, height: int = 900, **options: Any) -> BrowserContext:
        """A Chinese reader with a fresh browser and no account."""
        return browser.new_context(
            base_url=self.base,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": height},
            **options,
        )

    def person(self, browser: Browser, username: str, **options: Any) -> BrowserContext:
        """The same after logging in through the page."""
        context = self.visitor(browser, **options)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.locator("[name=login]").fill(username)
        page.locator("[name=password]").fill(DEMO_PASSWORD)
        page.locator("main form button[type=submit]").click()
        page.wait_for_url("**/desk/")
        page.close()
        return context
