"""Every page, for the public and at the desks: no faults, accessible, never wider than the window, Chinese in full."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from . import inspection
from .demo_site import DemoSite

pytestmark = pytest.mark.browser

# The pages whose components, taken together, are all there are: these are looked at in the dark too.
DARK = {
    "/",
    "/notices/",
    "/live/",
    "/verify/",
    "/how-it-works/",
    "/agencies/",
    "/accounts/login/",
    "/styleguide/",
    "/desk/tasks/new/",
    "/desk/agency/data/",
    "/desk/",
}
DARK_KINDS = ("notice awarded", "live ended", "live hall")
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
# What a first view may send, compressed as it leaves.
FIRST_VIEW_BYTES, FIRST_VIEW_REQUESTS = 150_000, 12


def public_pages(found: dict) -> dict[str, str]:
    """{what it is: address}"""
    session = f"/live/{found['ended']}/"
    fixed = [
        "/",
        "/?tab=awards",
        "/notices/",
        "/notices/?tab=awards",
        "/notices/?state=failed",
        "/live/",
        "/verify/",
        "/how-it-works/",
        "/agencies/",
        "/agencies/?state=publicity",
        "/catalogue/",
        "/catalogue/2001/",
        "/help/",
        "/about/",
        "/accessibility/",
        "/rules/",
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/styleguide/",
    ]
    return (
        {address: address for address in fixed}
        | {f"notice {state}": f"/notices/{code}/" for state, code in found["notices"].items()}
        | {"agency": f"/agencies/{found['agency']}/"}
        | {"live planned": f"/live/{found['planned']}/", "live ended": session, "live text": f"{session}?text=1"}
        | {"live hall": f"{session}hall/", "live replay": f"{session}replay/"}
    )


# Who goes where at the desks.
DESKS = {
    "owner1": [
        "/desk/",
        "/desk/tasks/",
        "/desk/tasks/new/",
        "/desk/tasks/{draft_case}/",
        "/desk/tasks/{draft_case}/edit/",
        "/desk/tasks/{submitted_case}/",
        "/messages/",
    ],
    "office1": [
        "/desk/",
        "/office/tasks/",
        "/office/tasks/?queue=published",
        "/office/tasks/{submitted_case}/",
        "/office/tasks/{checked_case}/",
        "/office/entries/",
        "/office/entries/{waiting_entry}/",
    ],
    "agency1": ["/desk/", "/desk/open-tasks/", "/desk/sign-ups/", "/desk/agency/", "/notices/{open}/"],
    "entrant": [
        "/desk/agency/",
        "/desk/agency/data/",
        "/desk/agency/items/",
        "/desk/agency/qualifications/",
        "/desk/agency/qualifications/add/",
        "/desk/agency/agents/",
        "/desk/agency/agents/add/",
        "/desk/agency/practitioners/",
        "/desk/agency/practitioners/add/",
        "/desk/agency/submission/",
        "/desk/agency/commitment/",
        "/desk/agency/documents/",
        "/desk/agency/checklist/",
    ],
    "visitor1": ["/desk/", "/agencies/register/"],
}


WHO = ("the public", *DESKS)


class Round:
    """One reader's walk over pages, and what was wrong on them."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.watch = inspection.Watch.over(context)
        self.page: Page = context.new_page()
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.titles: dict[str, str] = {}
        self.characters: set[str] = set()
        self.axe_runs = 0

    def at(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})

    def axe(self, how: str) -> list[str]:
        self.axe_runs += 1
        return [f"{how} {fault}" for fault in inspection.axe_violations(self.page)]

    def look(self, name: str, address: str, *, dark: bool) -> None:
        """Everything that is measured on a page as it comes."""
        self.at(1440)
        answer = self.page.goto(address)
        assert answer is not None
        faults = self.faults[name]
        markup = inspection.Markup(answer.text())
        faults += markup.all_faults()
        # Another filter of a list is the same page.
        title, path = "".join(markup.titles), address.partition("?")[0]
        if self.titles.setdefault(title, path) != path:
            faults.append(f"has the title of {self.titles[title]}: {title}")
        text = inspection.text_of(self.page)
        self.characters.update(CHINESE.findall(text))
        if not CHINESE.search(self.page.locator("h1").inner_text()):
            faults.append("the heading is not Chinese")
        # Without its style sheet a page would have no fault of contrast.
        if self.page.evaluate("() => getComputedStyle(document.body).getPropertyValue('--bs-body-color') === ''"):
            faults.append("the style sheet is not there")
        faults += self.axe("1440")
        self.at(360)
        faults += self.axe("360")
        faults += [f"360 {fault}" for fault in inspection.overflow(self.page)]
        if dark:
            self.page.emulate_media(color_scheme="dark")
            faults += self.axe("dark 360")
            self.at(1440)
            faults += self.axe("dark 1440")
            self.page.emulate_media(color_scheme="light")
        self.at(320)
        faults += [f"320 {fault}" for fault in inspection.overflow(self.page)]
        faults += self.watch.taken()

    def look_with_large_text(self, name: str, address: str) -> None:
        """The page of a reader who chose larger text: 125 % of everything."""
        self.page.goto(address)
        for width in (360, 320):
            self.at(width)
            self.faults[name] += [f"large text {width} {fault}" for fault in inspection.overflow(self.page)]
        self.faults[name] += self.watch.taken()


@pytest.fixture(scope="module")
def found(demo: DemoSite) -> dict:
    return demo.ask("sights")


@pytest.fixture
def reader(browser: Browser, demo: DemoSite, found: dict, request: pytest.FixtureRequest) -> Iterator[Round]:
    who = request.param
    options = {"reduced_motion": "reduce", "color_scheme": "light"}
    context = demo.visitor(browser, **options) if who == "the public" else demo.person(browser, who, **options)
    yield Round(context)
    context.close()


def pages_of(who: str, found: dict) -> dict[str, str]:
    if who == "the public":
        return public_pages(found)
    return {address: address.format(**found) for address in DESKS[who]}


@pytest.mark.parametrize(("reader", "who"), [(who, who) for who in WHO], indirect=["reader"], ids=WHO)
def test_pages_are_accessible_and_fit(
    reader: Round, who: str, demo: DemoSite, found: dict, measured: Callable[[str, object], None]
) -> None:
    pages = pages_of(who, found)
    for name, address in pages.items():
        reader.look(name, address, dark=name in DARK or name in DARK_KINDS)
    reader.context.add_cookies([{"name": "care", "value": "1", "url": demo.base}])
    for name, address in pages.items():
        reader.look_with_large_text(name, address)
    faults = sum(map(len, reader.faults.values()))
    measured(f"pages seen by {who}", f"{len(pages)}, axe runs {reader.axe_runs}, faults {faults}")
    assert not any(reader.faults.values()), inspection.report(reader.faults)

    reader.page.goto("/")
    known, unknown = inspection.widths_of(reader.page, "瑞", "\U0010fffd")
    assert known != unknown
    assert len(reader.characters) > 100
    assert (
        inspection.characters_without_glyph(reader.page, [*sorted(reader.characters), "\U0010fffd"]) == "\U0010fffd"
    )


def test_pages_are_readable_without_scripts(browser: Browser, demo: DemoSite, found: dict) -> None:
    context = demo.visitor(browser, width=360, java_script_enabled=False)
    faults: dict[str, list[str]] = {}
    page = context.new_page()
    for name, address in public_pages(found).items():
        page.goto(address)
        for part in ("h1", "main"):
            if not page.locator(part).first.is_visible():
                faults.setdefault(name, []).append(f"there is no {part} to see")
    context.close()
    assert not faults, inspection.report(faults)


def test_a_first_view_is_light(
    browser: Browser, demo: DemoSite, found: dict, measured: Callable[[str, object], None]
) -> None:
    views = {}
    for address in ("/", f"/notices/{found['open']}/", f"/live/{found['ended']}/"):
        context = demo.visitor(browser, width=360)
        views[address] = inspection.first_view(context, address)
        context.close()
    for address, view in views.items():
        measured(f"first view of {address}", view)
        assert view.requests <= FIRST_VIEW_REQUESTS, views
        assert view.sent <= FIRST_VIEW_BYTES, views


def test_the_instruments_notice_faults(browser: Browser) -> None:
    """A measurement that never fails proves nothing."""
    page = browser.new_page(viewport={"width": 360, "height": 700})
    faulty = (
        "<!doctype html><html lang=zh-CN><title>页</title><main><h1>一</h1><h1>二</h1>"
        "<p style='width:500px;color:#999;background:#fff'>看不清的字</p><img src=data:,></main>"
        "<script>window.here = 1</script></html>"
    )
    page.set_content(faulty)
    found = "\n".join(inspection.axe_violations(page))
    for rule in ("color-contrast", "image-alt"):
        assert rule in found
    assert inspection.overflow(page)
    markup = "\n".join(inspection.Markup(faulty).all_faults())
    for fault in ("style attribute", "inline script", "2 h1", "no size"):
        assert fault in markup
    page.close()
