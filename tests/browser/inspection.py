"""What a page must never do, measured in the browser. Each function returns the faults it found, as sentences."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Scripts of these types are data: a browser never runs them.
DATA_TYPES = {"application/json", "application/ld+json"}


@dataclass
class Watch:
    """Collects what goes wrong on the network and in the console of a context."""

    faults: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, context: BrowserContext) -> Watch:
        watch = cls()
        context.on("response", watch.answered)
        context.on("requestfailed", watch.failed)
        context.on("console", watch.said)
        context.on("weberror", lambda error: watch.faults.append(f"script error: {error.error}"))
        return watch

    def answered(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} for {response.url}")

    def failed(self, request: Request) -> None:
        # A page that is left while it still fetches ends its own requests.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.url} failed: {request.failure}")

    def said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def taken(self) -> list[str]:
        found, self.faults = self.faults, []
        return found


class Markup(HTMLParser):
    """Reads a page as it was sent, before any script touched it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.titles: list[str] = []
        self.headings = 0
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        known = dict(attrs)
        if "style" in known:
            self.faults.append(f"<{tag}> has a style attribute: {known['style']}")
        self.faults += [f"<{tag}> has {name}=" for name in known if name.startswith("on")]
        if tag == "style":
            self.faults.append("there is a <style> element")
        if tag == "h1":
            self.headings += 1
        if tag == "title" and "svg" not in self._inside:
            self.titles.append("")
        if tag == "script" and known.get("type") not in DATA_TYPES:
            if "src" not in known:
                self.faults.append("there is an inline script")
            elif "defer" not in known:
                self.faults.append(f"{known['src']} is not deferred")
        if tag == "img" and not {"width", "height"} <= set(known):
            self.faults.append(f"{known.get('src')} has no size")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.titles and self._inside and self._inside[-1] == "title" and "svg" not in self._inside:
            self.titles[-1] += data

    def all_faults(self) -> list[str]:
        found = list(self.faults)
        if self.headings != 1:
            found.append(f"there are {self.headings} h1")
        if len(self.titles) != 1 or not self.titles[0].strip():
            found.append(f"there are {len(self.titles)} titles")
        return found


def axe_violations(page: Page) -> list[str]:
    if page.evaluate("() => !window.axe"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("(options) => axe.run(options)", {"runOnly": RULES, "resultTypes": ["violations"]})
    return [
        f"axe {one['id']} ({one['impact']}): {node['html'][:160]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def overflow(page: Page) -> list[str]:
    """Pixels by which the page is wider than the window, with the elements that stand out."""
    found = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          const over = document.documentElement.scrollWidth - width;
          if (over <= 0) return null;
          const out = [...document.body.querySelectorAll("*")].filter((node) => {
            const box = node.getBoundingClientRect();
            return box.width && box.right > width + 0.5;
          });
          return [over, out.slice(0, 3).map((node) => `${node.tagName.toLowerCase()}.${node.className}`)];
        }"""
    )
    return [f"{found[0]} px too wide: {', '.join(found[1])}"] if found else []


def text_of(page: Page) -> str:
    return str(page.evaluate("() => document.body.innerText"))


def characters_without_glyph(page: Page, characters: Iterable[str]) -> str:
    """Those that the browser draws as the mark of a missing glyph, in the font of the page's text."""
    return str(
        page.evaluate(
            """async (characters) => {
              await document.fonts.ready;
              const canvas = document.createElement("canvas");
              const size = 24;
              canvas.width = canvas.height = size * 2;
              const pen = canvas.getContext("2d", { willReadFrequently: true });
              pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
              pen.textBaseline = "top";
              const drawn = (character) => {
                pen.clearRect(0, 0, canvas.width, canvas.height);
                pen.fillText(character, 4, 4);
                return pen.getImageData(0, 0, canvas.width, canvas.height).data.join();
              };
              const [empty, missing] = [drawn(" "), drawn("\\u{10FFFD}")];
              return characters.filter((character) => [empty, missing].includes(drawn(character))).join("");
            }""",
            list(characters),
        )
    )


def widths_of(page: Page, *texts: str) -> list[float]:
    """Widths in pixels as the browser's own fonts draw them."""
    return list(
        page.evaluate(
            """(texts) => {
              const pen = document.createElement("canvas").getContext("2d");
              pen.font = "16px sans-serif";
              return texts.map((text) => pen.measureText(text).width);
            }""",
            list(texts),
        )
    )


@dataclass
class FirstView:
    """The cost of a page for a browser that was never here."""

    requests: int
    sent: int
    packed: int


def first_view(context: BrowserContext, address: str) -> FirstView:
    """`sent`: bytes of the bodies as they came; `packed`: the same when the server compresses what it sent plain."""
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="networkidle")
    sent = packed = 0
    for answer in answers:
        size = answer.request.sizes()["responseBodySize"]
        sent += size
        packed += size if answer.headers.get("content-encoding") else min(size, len(gzip.compress(answer.body())))
    page.close()
    return FirstView(len(answers), sent, packed)


def report(faults: dict[str, list[str]]) -> str:
    return json.dumps({where: found for where, found in faults.items() if found}, ensure_ascii=False, indent=1)
