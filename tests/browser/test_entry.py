"""A new agency enters from its registration to the submission, through the pages alone and with demo documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agencies import demo_papers
from agencies.demo_entry import resident_id
from tests.factories import credit_code

from . import inspection
from .demo_site import DemoSite

pytestmark = pytest.mark.browser

NAME = "瑞昌启程工程咨询有限公司"
CODE = credit_code(86_420_975)
# One service, one certificate and the fewest practitioners that a service asks for.
MOST_ACTIONS = 45


@dataclass
class Hand:
    """What a person does on a page, counted: every click and every entry."""

    page: Page
    papers: Path
    actions: int = 0

    def fills(self, name: str, value: str) -> None:
        self.page.locator(f"main [name={name}]").fill(value)
        self.actions += 1

    def chooses(self, name: str, value: str) -> None:
        self.page.locator(f"main select[name={name}]").select_option(value)
        self.actions += 1

    def ticks(self, name: str, value: str = "") -> None:
        exactly = f'[value="{value}"]' if value else ""
        self.page.locator(f"main [name={name}]{exactly}").check()
        self.actions += 1

    def uploads(self, name: str, file: str) -> None:
        self.page.locator(f"main [name={name}]").set_input_files(self.papers / file)
        self.actions += 1

    def presses(self, selector: str, leads_to: str) -> None:
        self.page.locator(f"main {selector}").first.click()
        self.page.wait_for_url(re.compile(rf"{leads_to}(#\w+)?$"))
        self.actions += 1

    def saves(self, leads_to: str, then: str = "") -> None:
        button = f'button[name=then][value="{then}"]' if then else "form[enctype] button[type=submit]:not([name])"
        self.presses(button, leads_to)


def adds_practitioner(hand: Hand, number: int, *, leads_to: str, then: str = "") -> None:
    hand.fills("full_name", f"执业人员{number}")
    hand.fills("id_number", resident_id(f"{CODE} {number}"))
    hand.fills("certificate_name", "注册咨询工程师证书")
    hand.fills("certificate_number", f"ZX-{number:04d}")
    hand.uploads("id_scan", "4-practitioner-id.pdf")
    hand.uploads("certificate", "4-practitioner-certificate.pdf")
    hand.uploads("insurance", "4-practitioner-social-insurance.pdf")
    hand.saves(leads_to, then)


def test_a_new_agency_enters_with_demo_documents(
    browser: Browser, demo: DemoSite, tmp_path: Path, measured: Callable[[str, object], None]
) -> None:
    demo.manage("demo_documents", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(demo_papers.PAPERS)
    item, requirement = demo.ask("item_with_practitioners")
    demo.ask("new_person", "founder")
    context = demo.person(browser, "founder", width=360, height=740)
    watch = inspection.Watch.over(context)
    page = context.new_page()
    hand = Hand(page, tmp_path)
    try:
        page.goto("/agencies/register/")
        assert page.request.get("/agencies/demo-documents.zip").ok
        hand.fills("name", NAME)
        hand.fills("code", CODE)
        hand.ticks("origin", "local")
        hand.fills("contact_name", "陈启程")
        hand.fills("contact_phone", "0792-4221234")
        hand.presses("form button[type=submit]", "/desk/agency/")

        hand.presses('a.btn[href$="/desk/agency/data/"]', "/desk/agency/data/")
        hand.fills("address", "江西省瑞昌市赤乌大道 1 号")
        hand.fills("established_on", "2018-05-04")
        hand.uploads("business_licence", "1-business-licence.pdf")
        hand.fills("legal_representative", "陈启程")
        hand.fills("legal_id_number", resident_id(CODE))
        hand.uploads("legal_id", "1-legal-representative-id.pdf")
        hand.saves("/desk/agency/items/")

        if not page.locator(f'main [name=items][value="{item}"]').is_visible():
            page.locator(f'main details:has([value="{item}"]) summary').click()
            hand.actions += 1
        hand.ticks("items", item)
        hand.presses("form button[type=submit]:not([name])", "/desk/agency/qualifications/")
        hand.presses(f'a[href$="?requirement={requirement}"]', rf"add/\?requirement={requirement}")
        hand.fills("name", "专业人员情况说明")
        hand.fills("number", "RY-2026-01")
        hand.fills("valid_from", "2026-01-01")
        hand.uploads("certificate", "2-qualification-certificate.pdf")
        hand.saves("/desk/agency/qualifications/")
        hand.presses('a.btn-primary[href$="/desk/agency/agents/"]', "/desk/agency/agents/")
        hand.presses("form button[type=submit]:not([name])", "/desk/agency/practitioners/")

        needed = int(page.locator("[data-needed]").get_attribute("data-needed") or 0)
        hand.presses('a[href$="/practitioners/add/"]', "/practitioners/add/")
        for number in range(1, needed + 1):
            last = number == needed
            leads_to = "/desk/agency/practitioners/" if last else "/practitioners/add/"
            adds_practitioner(hand, number, leads_to=leads_to, then="" if last else "another")
        hand.presses('a.btn-primary[href$="/desk/agency/submission/"]', "/desk/agency/submission/")

        hand.ticks("agree")
        hand.presses('form[action$="/commitment/"] button', "/desk/agency/submission/")
        hand.presses('form[action$="/desk/agency/submit/"] button', "/desk/agency/")
        expect(page.locator("main")).to_contain_text(CODE)
        assert inspection.overflow(page) == []
        assert demo.ask("state_of_agency", CODE) == "submitted"
        assert watch.taken() == []
        assert hand.actions <= MOST_ACTIONS
        measured("actions of an entry, from registration to submission", hand.actions)
    finally:
        context.close()
