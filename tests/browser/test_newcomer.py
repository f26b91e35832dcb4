"""The main job through the pages alone: an owner's purchase from the first draft to the result on its notice."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from .demo_site import DemoSite

pytestmark = pytest.mark.browser

# A little more than the shortest times of a demo: the form has to be sent in between.
SIGN_UP_TIME = timedelta(seconds=24)
LIST_TIME = timedelta(seconds=11)
NAME = "赤乌街道老旧小区改造项目技术服务"
CONTENT = "完成全部技术服务内容并提交成果。\n成果须通过评审。"


def moments() -> tuple[str, str]:
    """Sign-up deadline and selection time as they are typed into the form."""
    closes = datetime.now(ZoneInfo("Asia/Shanghai")).replace(microsecond=0) + SIGN_UP_TIME
    return f"{closes:%Y-%m-%dT%H:%M:%S}", f"{closes + LIST_TIME:%Y-%m-%dT%H:%M:%S}"


def fill_times(page: Page, prefix: str = "") -> None:
    closes, opens = moments()
    page.locator(f"[name={prefix}signup_deadline]").fill(closes)
    page.locator(f"[name={prefix}selection_at]").fill(opens)


def drafts_and_submits(page: Page, item: str) -> str:
    """The owner writes the notice, wrong at first, and sends it; returns its code."""
    page.goto("/desk/tasks/")
    page.locator('main a[href$="/desk/tasks/new/"]').first.click()
    page.locator("[name=item]").select_option(item)
    page.locator("[name=name]").fill(NAME)
    page.locator("[name=content]").fill(CONTENT)
    page.locator("[name=service_time]").fill("签订合同后 20 个工作日")
    page.locator("[name=amount_yuan]").fill("八万六")
    page.locator("[name=mode_reason]").fill("服务内容和标准明确，价格由业主确定")
    fill_times(page)
    save = page.locator('main form[enctype="multipart/form-data"] button[type=submit]')
    save.click()

    # The fault stands beside its field and is named by it; nothing typed is lost, and the summary has the focus.
    amount = page.locator("[name=amount_yuan]")
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-error")).to_have_count(1)
    expect(page.locator(".field", has=amount).locator(".field-error")).to_be_visible()
    assert (
        page.locator(".field-error").get_attribute("id") in (amount.get_attribute("aria-describedby") or "").split()
    )
    expect(page.locator("[data-error-summary]")).to_be_focused()
    expect(amount).to_have_value("八万六")
    expect(page.locator("[name=item]")).to_have_value(item)
    expect(page.locator("[name=name]")).to_have_value(NAME)
    expect(page.locator("[name=content]")).to_have_value(CONTENT)

    amount.fill("86,000.00")
    fill_times(page)
    save.click()
    page.wait_for_url(re.compile(r"/desk/tasks/\w+/$"))
    code = page.url.rstrip("/").rsplit("/", 1)[-1]
    submit = page.locator(f'form[action$="/desk/tasks/{code}/submit/"] button')
    submit.click()
    expect(submit).to_have_count(0)
    return code


def does(page: Page, code: str, act: str, *, times: bool = False) -> None:
    """The office presses one of its verbs on a notice."""
    page.goto(f"/office/tasks/{code}/")
    if times:
        fill_times(page, "publish-")
    button = page.locator(f'button[name=act][value="{act}"]')
    button.click()
    expect(button).to_have_count(0)


def test_a_newcomer_can_complete_a_task(browser: Browser, demo: DemoSite) -> None:
    found = demo.ask("entitled_agency")
    people = {name: demo.person(browser, name) for name in ("owner1", "office1", "office2")}
    people["agency"] = demo.person(browser, found["login"], width=360, height=740, reduced_motion="reduce")
    try:
        owner, checker, publisher, agency = (context.new_page() for context in people.values())
        code = drafts_and_submits(owner, found["item"])
        agency.goto(f"/notices/{code}/")
        expect(agency.locator("h1")).not_to_have_text(NAME)  # not public yet
        does(checker, code, "check")
        checker.goto(f"/office/tasks/{code}/")
        expect(checker.locator('button[name=act][value="publish"]')).to_have_count(0)  # by somebody else only
        does(publisher, code, "publish", times=True)

        agency.goto(f"/notices/{code}/")
        expect(agency.locator("h1")).to_have_text(NAME)
        agency.locator(f'form[action$="/notices/{code}/sign-up/"] button').click()
        agency.wait_for_url(re.compile(r"/desk/sign-ups/\d+/$"))
        expect(agency.locator("main")).to_contain_text(code)
        expect(agency.locator("main")).to_contain_text(found["name"])
        receipt = agency.request.get(f"{agency.url}receipt.json")
        assert receipt.ok
        assert receipt.json()

        sid = demo.ask("session_of", code)
        agency.goto(f"/live/{sid}/")
        agency.wait_for_function("() => Stage.state.freeze", timeout=90_000)
        mine = agency.evaluate("() => JSON.parse(document.getElementById('me').textContent).agency")
        assert (
            agency.evaluate("(who) => Stage.state.pot.filter((line) => line.who === who).length", f"agency:{mine}")
            == 1
        )
        agency.wait_for_function("() => Stage.state.attested && !Stage.state.revealing", timeout=90_000)
        expect(agency.locator('[data-stage="tickets"] tr.mine')).to_contain_text(found["name"])

        owner.goto(f"/notices/{code}/")
        winner = owner.locator("#result")
        expect(winner).to_be_visible()
        rows = owner.locator('[data-stage="tickets"] tbody tr')
        expect(rows.filter(has_text=found["name"])).to_have_count(1)
        expect(winner).to_contain_text(
            agency.locator('[data-stage="tickets"] tr.winner .name').inner_text().split("\n")[0]
        )
    finally:
        for context in people.values():
            context.close()
