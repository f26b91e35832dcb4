"""The desks of selection in the browser: who sees what, what is kept of bad input, and why a verb is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketplace import clock
from marketplace.models import Event, Membership, Organisation, RuleParameter, Upload, User
from projects.models import SelectionTask, SignUp
from projects.states import TaskState
from tests import project_factories as make
from tests.factories import MembershipFactory, UserFactory, pdf, person_at, person_of
from tests.project_factories import HOUR, PUBLISHED_AT, SECOND, World

pytestmark = pytest.mark.django_db
Kind, Role = Organisation.Kind, Membership.Role
At = Callable[[datetime], None]


@pytest.fixture
def world() -> World:
    return make.make_world()


@pytest.fixture(autouse=True)
def uploads_elsewhere(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS_DIR = tmp_path / "uploads"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Set what the pages read as now."""

    def set_now(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_now(PUBLISHED_AT)
    return set_now


def browser(user: User | None = None, **options: Any) -> Client:
    client = Client(headers={"Accept-Language": "en"}, **options)
    if user is not None:
        client.force_login(user)
    return client


def text(response: HttpResponse) -> str:
    """The words of a page without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def counts() -> tuple[int, ...]:
    return SelectionTask.objects.count(), SignUp.objects.count(), Event.objects.count(), Upload.objects.count()


# ---------- who may come in ----------

DOORS = {
    "owner_tasks": {"owner"},
    "owner_task_new": {"owner"},
    "office_tasks": {"office", "supervisor"},
    "open_tasks": {"agency"},
    "my_sign_ups": {"agency"},
}


@pytest.mark.parametrize("page", DOORS)
def test_each_desk_is_open_to_its_roles_only(world: World, at: At, page: str) -> None:
    people = {
        "owner": world.manager,
        "office": world.checker,
        "agency": world.members[0],
        "supervisor": person_of(Kind.SUPERVISOR),
        "authority": person_of(Kind.AUTHORITY),
        "nobody": UserFactory(),
    }
    url = reverse(page)
    found = {role: browser(user).get(url).status_code for role, user in people.items()}
    assert found == {role: 200 if role in DOORS[page] else 403 for role in people}
    answer = browser().get(url)
    assert (answer.status_code, answer.url) == (302, f"{reverse('account_login')}?next={url}")


def test_a_task_of_somebody_else_is_not_found(world: World, at: At) -> None:
    task, own = make.draft(world), make.draft(world, actor=world.delegate)
    other = make.make_world(0)
    pages = ["owner_task", "owner_task_edit"]
    for page in pages:
        url = reverse(page, args=[task.code])
        assert browser(world.manager).get(url).status_code == 200
        assert browser(other.manager).get(url).status_code == 404
        assert browser(world.delegate).get(url).status_code == 404
        assert browser(world.delegate).get(reverse(page, args=[own.code])).status_code == 200
    assert browser(other.manager).post(reverse("owner_task_submit", args=[task.code])).status_code == 404
    # An agency does not even learn that the draft exists.
    assert browser(world.members[0]).post(reverse("sign_up", args=[task.code])).status_code == 404
    assert SelectionTask.objects.get(pk=task.pk).state == TaskState.DRAFT


def test_a_delegate_sees_his_own_tasks_and_the_manager_all(world: World, at: At) -> None:
    make.draft(world, name="The manager's task")
    make.draft(world, actor=world.delegate, name="The delegate's task")
    url = reverse("owner_tasks")
    assert len(browser(world.manager).get(url).context["rows"]) == 2
    assert [row["title"] for row in browser(world.delegate).get(url).context["rows"]] == ["The delegate's task"]


def test_a_receipt_is_for_its_agency_only(world: World, at: At) -> None:
    mine = make.sign_up(world, make.published(world), 0)[0]
    for page in ("receipt", "receipt_json"):
        url = reverse(page, args=[mine.pk])
        assert browser(world.members[0]).get(url).status_code == 200
        assert browser(world.members[1]).get(url).status_code == 404
        assert browser(world.manager).get(url).status_code == 403


# ---------- the notice form ----------


def typed(world: World, **changes: Any) -> dict[str, Any]:
    """What a browser sends for a complete notice."""
    return {
        "item": world.item.pk,
        "name": "Survey of a school",
        "content": "Survey and design of 4,200 m²",
        "service_time": "30 days",
        "fund_government": "100",
        "fund_social": "0",
        "amount_kind": "fixed",
        "amount_yuan": "128600",
        "mode": "random",
        "mode_reason": "Many agencies of equal skill",
        "reserves": "2",
        "signup_deadline": "2026-03-13T00:00",
        "selection_at": "2026-03-13T10:00",
        "contact_name": "Chen Wei",
        "contact_phone": "0792-7654321",
        "complaint_phone": "0792-0000000",
        "avoid_code_0": "",
        "avoid_reason_0": "",
        **changes,
    }


def send(world: World, **changes: Any) -> HttpResponse:
    answer: HttpResponse = browser(world.manager).post(reverse("owner_task_new"), typed(world, **changes))
    return answer


def test_a_new_notice_proposes_working_times_and_shows_the_earliest_lawful_ones(world: World, at: At) -> None:
    page = browser(world.manager).get(reverse("owner_task_new"))
    # Monday 9 March: five working days end on Monday the 16th; the selection is held on the next working morning.
    assert 'value="2026-03-16T17:30"' in page.content.decode()
    assert 'value="2026-03-17T10:00"' in page.content.decode()
    assert page.context["earliest"]["due"] == make.window().due
    assert [day["counted"] for day in page.context["earliest"]["counted"]] == [False, True, True, True]
    assert "public for at least 1 hour" in text(page)


def test_a_demo_says_that_its_times_are_short(world: World, at: At) -> None:
    url = reverse("owner_task_new")
    assert "the periods are shortened" not in text(browser(world.manager).get(url))
    short = {"unit": "minutes", "is_demo": True}
    RuleParameter.objects.filter(code="signup.window_min").update(value="1", **short)
    RuleParameter.objects.filter(code="signup.window_default").update(value="3", **short)
    page = browser(world.manager).get(url)
    assert "the periods are shortened" in text(page)
    assert 'value="2026-03-09T11:03"' in page.content.decode()


def test_a_complete_notice_becomes_a_draft(world: World, at: At) -> None:
    answer = send(world)
    task = SelectionTask.objects.get()
    assert (answer.status_code, answer.url) == (302, reverse("owner_task", args=[task.code]))
    assert (task.state, task.owner, task.created_by, task.reserves) == ("draft", world.owner, world.manager, 2)
    assert task.signup_deadline == make.window().due
    assert task.selection_at == datetime.fromisoformat("2026-03-13T10:00+08:00")


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ("128600", "128600.00"),
        ("１２８，６００．５０", "128600.50"),
        (" ¥128,600.5 元", "128600.50"),
        ("0.01", "0.01"),
    ],
)
def test_amounts_are_understood_as_people_type_them(world: World, at: At, given: str, amount: str) -> None:
    assert send(world, amount_yuan=given).status_code == 302
    assert str(SelectionTask.objects.get().amount_yuan) == amount


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("-5", "The amount must be more than zero."),
        ("－５", "The amount must be more than zero."),
        ("−5", "The amount must be more than zero."),
        ("0", "The amount must be more than zero."),
        ("0.00", "The amount must be more than zero."),
        ("1.005", "An amount has at most two decimals, jiao and fen."),
        ("1e6", "Write the amount in yuan with digits, for example 128600 or 128,600.50."),
        # Never 1286.
        ("12,86", "Write the amount in yuan with digits, for example 128600 or 128,600.50."),
        ("1,28,600", "Write the amount in yuan with digits, for example 128600 or 128,600.50."),
        ("ten", "Write the amount in yuan with digits, for example 128600 or 128,600.50."),
        ("NaN", "Write the amount in yuan with digits, for example 128600 or 128,600.50."),
        ("1" * 13, "The amount is too large; check the number of zeros."),
        ("", "State the price, or choose “not estimated” and explain why."),
    ],
)
def test_wrong_amounts_are_refused_with_a_clear_sentence(world: World, at: At, given: str, sentence: str) -> None:
    answer = send(world, amount_yuan=given)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"amount_yuan": [sentence]}
    assert f'value="{given}"' in answer.content.decode() or not given
    assert counts()[0] == 0


def test_bad_input_is_told_all_at_once_and_nothing_typed_is_lost(world: World, at: At) -> None:
    before = counts()
    wrong = {
        "name": "",
        "content": "A long text <b>with marks</b>\nand a second line",
        "fund_government": "80",
        "fund_social": "30",
        "amount_yuan": "-1",
        "is_investment_approval": "on",
        "signup_deadline": "2026-03-13T10:00",
        "selection_at": "2026-03-13T09:00",
        "avoid_code_0": make.valid_code(7),
        "avoid_reason_0": "A relative",
        "avoid_code_1": world.agencies[0].organisation.code,
        "avoid_reason_1": "",
        "avoid_code_2": "",
        "avoid_reason_2": "Somebody",
        "files": pdf("approval.pdf"),
    }
    answer = send(world, **wrong)
    form, page = answer.context["form"], answer.content.decode()
    assert answer.status_code == 422
    assert sorted(form.errors) == [
        "amount_yuan",
        "approval_code",
        "avoid_code_0",
        "avoid_code_2",
        "avoid_reason_1",
        "fund_social",
        "name",
        "selection_at",
    ]
    for kept in (make.valid_code(7), "A relative", world.agencies[0].organisation.code, "Somebody", 'value="80"'):
        assert kept in page
    assert "A long text &lt;b&gt;with marks&lt;/b&gt;\nand a second line" in page
    assert 'value="2026-03-13T09:00"' in page
    assert form.forgotten_files == ["approval.pdf"]
    assert "Choose these files again" in page
    assert "8 entries need correction" in page
    assert re.search(r"<title>\s*Error:", page)
    assert counts() == before


def test_every_error_stands_beside_its_field_and_the_summary_leads_to_it(world: World, at: At) -> None:
    page = send(world, name="", avoid_code_0="x").content.decode()
    for field in ("name", "avoid_code_0"):
        assert f'id="id_{field}_error"' in page
        assert f'href="#id_{field}"' in page
        assert re.search(rf'<input[^>]*name="{field}"[^>]*aria-invalid="true"', page)


def test_an_agency_is_kept_away_by_its_code_in_any_spelling(world: World, at: At) -> None:
    code = world.agencies[0].organisation.code
    spaced = " ".join([code[:6], code[6:]]).lower()
    assert send(world, avoid_code_0=spaced, avoid_reason_0="Wrote the report").status_code == 302
    avoidance = SelectionTask.objects.get().avoidances.get()
    assert (avoidance.agency, avoidance.reason) == (world.agencies[0], "Wrote the report")


def test_an_agency_named_twice_is_told(world: World, at: At) -> None:
    code = world.agencies[0].organisation.code
    rows = {"avoid_code_0": code, "avoid_reason_0": "a", "avoid_code_1": code, "avoid_reason_1": "b"}
    assert send(world, **rows).context["form"].errors == {"avoid_code_1": ["This agency is named twice."]}


def test_attachments_of_a_draft_are_not_public_yet_and_can_be_removed(world: World, at: At) -> None:
    assert send(world, files=[pdf("a.pdf", "a"), pdf("b.pdf", "b")]).status_code == 302
    task = SelectionTask.objects.get()
    assert sorted(task.attachments.values_list("name", "is_public")) == [("a.pdf", False), ("b.pdf", False)]
    first = task.attachments.get(name="a.pdf")
    url = reverse("owner_task_edit", args=[task.code])
    changes = {"remove": [str(first.pk)], "files": pdf("c.pdf", "c")}
    assert browser(world.manager).post(url, typed(world, **changes)).status_code == 302
    assert sorted(task.attachments.values_list("name", flat=True)) == ["b.pdf", "c.pdf"]


def test_a_file_that_is_not_what_it_seems_is_refused_by_name(world: World, at: At) -> None:
    fake = SimpleUploadedFile("plan.pdf", b"MZ\x90\x00", "application/pdf")
    answer = send(world, files=[pdf("good.pdf"), fake])
    errors = answer.context["form"].errors["files"]
    assert len(errors) == 1
    assert errors[0].startswith("plan.pdf: ")
    assert counts()[0] == counts()[3] == 0


def test_editing_starts_with_what_was_saved_and_returned_reasons_stay_in_view(world: World, at: At) -> None:
    task = make.returned(world, ("State the floor area.", "Name a contact."), avoid=[(world.agencies[0], "Relative")])
    page = browser(world.manager).get(reverse("owner_task_edit", args=[task.code]))
    assert page.context["form"].initial["avoid_code_0"] == world.agencies[0].organisation.code
    assert "State the floor area." in text(page)
    assert "2 defects to mend" in text(page)
    answer = browser(world.manager).post(reverse("owner_task_edit", args=[task.code]), typed(world, name="Mended"))
    assert answer.status_code == 302
    task.refresh_from_db()
    assert (task.name, task.avoidances.count(), task.state) == ("Mended", 0, "returned")


def test_a_submitted_notice_is_not_editable_and_says_why(world: World, at: At) -> None:
    task = make.submitted(world)
    page = browser(world.manager).get(reverse("owner_task_edit", args=[task.code]))
    assert page.status_code == 422
    assert "A submitted notice can no longer be changed" in text(page)


# ---------- the owner's page ----------


@pytest.mark.parametrize("state", TaskState.values)
def test_the_owners_page_says_in_every_state_what_happens_next(world: World, at: At, state: str) -> None:
    task = make.TASK_IN[TaskState(state)](world)
    page = browser(world.manager).get(reverse("owner_task", args=[task.code]))
    assert page.status_code == 200
    assert page.context["next"]
    assert "{" not in page.context["next"]
    assert len([entry for entry in page.context["timeline"] if entry["tense"] == "past"]) == len(
        Event.objects.filter(stream__name=task.stream_name())
    )


def test_a_refused_verb_shows_its_reason_instead_of_a_button(world: World, at: At) -> None:
    task = make.draft(world)
    url = reverse("owner_task", args=[task.code])
    assert reverse("owner_task_submit", args=[task.code]) in browser(world.manager).get(url).content.decode()
    RuleParameter.objects.filter(code="mode.random.off_items").update(value=world.item.pk)
    page = browser(world.manager).get(url)
    assert reverse("owner_task_submit", args=[task.code]) not in page.content.decode()
    assert "Random selection is switched off for this service item. Choose another selection mode" in text(page)
    assert "公平竞争审查规则第八条第四项" in text(page)


def test_submitting_moves_the_notice_to_the_office(world: World, at: At) -> None:
    task = make.draft(world)
    answer = browser(world.manager).post(reverse("owner_task_submit", args=[task.code]))
    assert answer.url == reverse("owner_task", args=[task.code])
    assert SelectionTask.objects.get(pk=task.pk).state == TaskState.SUBMITTED
    again = browser(world.manager).post(reverse("owner_task_submit", args=[task.code]))
    assert again.status_code == 409


def test_the_tabs_count_the_tasks(world: World, at: At) -> None:
    for factory in (make.draft, make.returned, make.submitted, make.published):
        factory(world)
    page = browser(world.manager).get(reverse("owner_tasks"))
    assert [tab["count"] for tab in page.context["tabs"]] == [4, 2, 1, 1, 0, 0, 0, 0]
    page = browser(world.manager).get(reverse("owner_tasks"), {"tab": "draft"})
    assert len(page.context["rows"]) == 2


# ---------- the office ----------


def office_url(task: SelectionTask) -> str:
    return reverse("office_task", args=[task.code])


def test_two_people_check_and_publish(world: World, at: At) -> None:
    task = make.submitted(world)
    assert browser(world.checker).post(office_url(task), {"act": "check"}).status_code == 302
    page = browser(world.checker).get(office_url(task))
    assert "The notice is published by another person than the one who checked it." in text(page)
    assert 'value="publish"' not in page.content.decode()
    page = browser(world.publisher).get(office_url(task))
    assert 'value="publish"' in page.content.decode()
    times = {"publish-signup_deadline": "2026-03-13T00:00", "publish-selection_at": "2026-03-13T01:00"}
    assert browser(world.checker).post(office_url(task), {"act": "publish", **times}).status_code == 422
    assert browser(world.publisher).post(office_url(task), {"act": "publish", **times}).status_code == 302
    task.refresh_from_db()
    assert (task.state, task.checked_by, task.published_by) == ("published", world.checker, world.publisher)


def test_the_publication_proposes_the_wish_or_the_earliest_lawful_time(world: World, at: At) -> None:
    task = make.checked(world)
    later = PUBLISHED_AT + timedelta(days=1)
    at(later)
    form = browser(world.publisher).get(office_url(task)).context["verbs"]["publish"]["form"]
    assert form.initial["signup_deadline"] == datetime.fromisoformat("2026-03-14T00:00+08:00")
    assert form.initial["selection_at"] == datetime.fromisoformat("2026-03-14T01:00+08:00")
    wish = task.signup_deadline + timedelta(days=20)
    SelectionTask.objects.filter(pk=task.pk).update(signup_deadline=wish, selection_at=wish + 2 * HOUR)
    form = browser(world.publisher).get(office_url(task)).context["verbs"]["publish"]["form"]
    assert (form.initial["signup_deadline"], form.initial["selection_at"]) == (wish, wish + 2 * HOUR)


def test_an_unlawful_time_is_told_beside_its_field_and_stays_typed(world: World, at: At) -> None:
    task = make.checked(world)
    at(PUBLISHED_AT + timedelta(days=1))
    times = {"publish-signup_deadline": "2026-03-13T00:00", "publish-selection_at": "2026-03-13T01:00"}
    answer = browser(world.publisher).post(office_url(task), {"act": "publish", **times})
    form = answer.context["verbs"]["publish"]["form"]
    assert answer.status_code == 422
    assert list(form.errors) == ["signup_deadline"]
    assert 'value="2026-03-13T00:00"' in answer.content.decode()
    times = {"publish-signup_deadline": "2026-03-14T00:00", "publish-selection_at": "2026-03-14T00:59"}
    answer = browser(world.publisher).post(office_url(task), {"act": "publish", **times})
    assert list(answer.context["verbs"]["publish"]["form"].errors) == ["selection_at"]
    assert SelectionTask.objects.get(pk=task.pk).state == TaskState.CHECKED


def test_a_return_without_a_defect_is_refused_and_one_with_several_names_each(world: World, at: At) -> None:
    task = make.submitted(world)
    answer = browser(world.checker).post(office_url(task), {"act": "return", "return-reasons": " \n "})
    assert answer.status_code == 422
    assert list(answer.context["verbs"]["return"]["form"].errors) == ["reasons"]
    defects = "State the floor area.\r\n\r\nName a contact."
    assert (
        browser(world.checker).post(office_url(task), {"act": "return", "return-reasons": defects}).status_code == 302
    )
    task.refresh_from_db()
    assert (task.state, task.return_reasons) == ("returned", ["State the floor area.", "Name a contact."])


def test_a_member_of_the_owner_in_the_office_sees_why_he_may_not(world: World, at: At) -> None:
    both = person_at(world.office)
    MembershipFactory(user=both, organisation=world.owner, role=Role.DELEGATE)
    task = make.submitted(world)
    page = browser(both).get(office_url(task))
    assert text(page).count("Nobody checks or publishes a task of an organisation he belongs to.") == 2
    assert browser(both).post(office_url(task), {"act": "check"}).status_code == 422


def test_a_supervisor_reads_the_office_page_and_can_do_nothing(world: World, at: At) -> None:
    task, user = make.submitted(world), person_of(Kind.SUPERVISOR)
    assert "Your account has no right to this step." in text(browser(user).get(office_url(task)))
    assert browser(user).post(office_url(task), {"act": "check"}).status_code == 403
    assert browser(user).post(office_url(task), {"act": "invent"}).status_code == 404


def test_the_notice_names_what_its_service_item_demands(world: World, at: At) -> None:
    task = make.published(world)
    demanded = [one.text for one in task.item.requirements.filter(is_mandatory=True)]
    assert demanded
    shown = text(browser().get(reverse("notice_detail", args=[task.code])))
    assert all(words in shown for words in demanded)


def test_a_deadline_that_has_passed_is_told_in_the_form(world: World, at: At) -> None:
    answer = send(world, signup_deadline="2020-01-01T10:00", selection_at="2020-01-02T10:00")
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["signup_deadline"]


def test_an_owners_desk_leads_to_a_new_notice(world: World, at: At) -> None:
    assert reverse("owner_task_new") in browser(world.manager).get(reverse("desk")).content.decode()


def test_the_office_reads_the_notice_exactly_as_it_will_be_public(world: World, at: At) -> None:
    task = make.checked(world, avoid=[(world.agencies[0], "Wrote the report")])
    before = browser(world.publisher).get(office_url(task)).context["notice"]
    times = {"publish-signup_deadline": "2026-03-13T00:00", "publish-selection_at": "2026-03-13T01:00"}
    browser(world.publisher).post(office_url(task), {"act": "publish", **times})
    assert browser(world.publisher).get(office_url(task)).context["notice"] == before


# ---------- the agency ----------


def test_open_tasks_say_per_requirement_whether_the_agency_fits(world: World, at: At) -> None:
    fits, unfit = make.published(world), make.published(make.make_world(0), name="Another service")
    at(PUBLISHED_AT + HOUR)
    page = browser(world.members[0]).get(reverse("open_tasks"))
    rows = {row["title"]: row for row in page.context["rows"]}
    assert [reason["met"] for reason in rows[fits.name]["reasons"]] == [True, True, True, True]
    assert [reason["met"] for reason in rows[unfit.name]["reasons"]] == [True, False, False, True]
    assert [chip["count"] for chip in page.context["chips"]] == [2, 1]
    only = browser(world.members[0]).get(reverse("open_tasks"), {"fit": "1"})
    assert [row["title"] for row in only.context["rows"]] == [fits.name]


def test_open_tasks_offer_nothing_one_cannot_take(world: World, at: At) -> None:
    make.sign_up(world, make.published(world, name="Signed up"), 0)
    make.published(world, name="Kept away", avoid=[(world.agencies[0], "Relative")])
    at(PUBLISHED_AT + 2 * HOUR)
    page = browser(world.members[0]).get(reverse("open_tasks"))
    assert {row["title"]: row["can"] for row in page.context["rows"]} == {"Signed up": False, "Kept away": False}
    at(make.window().due + SECOND)
    assert browser(world.members[0]).get(reverse("open_tasks")).context["rows"] == []


def test_an_agency_signs_up_gets_a_receipt_and_withdraws(world: World, at: At) -> None:
    task = make.published(world)
    client = browser(world.members[0])
    answer = client.post(reverse("sign_up", args=[task.code]))
    mine = SignUp.objects.get()
    assert answer.url == reverse("receipt", args=[mine.pk])
    page = text(client.get(answer.url))
    assert " ".join(re.findall("....", mine.leaf)) in page
    assert "nobody can deny it" in page
    download = client.get(reverse("receipt_json", args=[mine.pk]))
    assert json.loads(download.content) == mine.receipt
    assert "attachment" in download["Content-Disposition"]
    answer = client.post(reverse("withdraw", args=[task.code]))
    assert answer.url == reverse("notice_detail", args=[task.code])
    mine.refresh_from_db()
    assert mine.withdrawn_at == PUBLISHED_AT


def test_a_late_sign_up_gets_the_reason_and_changes_nothing(world: World, at: At) -> None:
    task = make.published(world)
    at(task.signup_deadline + SECOND)
    before = counts()
    answer = browser(world.members[0]).post(reverse("sign_up", args=[task.code]))
    assert answer.status_code == 422
    assert "The sign-up deadline has passed." in text(answer)
    assert counts() == before


def test_signing_up_takes_a_post_with_the_token_of_the_page(world: World, at: At) -> None:
    url = reverse("sign_up", args=[make.published(world).code])
    assert browser(world.members[0]).get(url).status_code == 405
    assert browser(world.members[0], enforce_csrf_checks=True).post(url).status_code == 403
    assert SignUp.objects.count() == 0


@pytest.mark.parametrize(
    ("who", "kind"),
    [("visitor", "stranger"), ("owner", "other"), ("fitting", "fits"), ("unfit", "unfit"), ("mine", "signed_up")],
)
def test_the_sign_up_box_fits_its_reader(world: World, at: At, who: str, kind: str) -> None:
    task = make.published(world)
    make.sign_up(world, task, 1)
    _agency, unfit = world.add_agency(fits=False)
    users = {
        "visitor": None,
        "owner": world.manager,
        "fitting": world.members[0],
        "unfit": unfit,
        "mine": world.members[1],
    }
    at(PUBLISHED_AT + 2 * HOUR)
    page = browser(users[who]).get(reverse("notice_detail", args=[task.code]))
    assert page.context["box"]["kind"] == kind
    assert (reverse("sign_up", args=[task.code]) in page.content.decode()) is (kind == "fits")
    assert (reverse("withdraw", args=[task.code]) in page.content.decode()) is (kind == "signed_up")
    at(task.signup_deadline + SECOND)
    late = browser(users[who]).get(reverse("notice_detail", args=[task.code])).content.decode()
    assert reverse("sign_up", args=[task.code]) not in late
    assert reverse("withdraw", args=[task.code]) not in late


def test_my_sign_ups_tell_what_became_of_them(world: World, at: At) -> None:
    world.add_agency()
    task = make.awarded(world)
    ranking = task.result.entry["ranking"]
    by_code = {agency.organisation.code: member for agency, member in zip(world.agencies, world.members, strict=True)}
    found = [
        browser(by_code[code]).get(reverse("my_sign_ups")).context["rows"][0]["chip"]["text"] for code in ranking
    ]
    assert found == ["selected", "place 1 on the wait list", "place 2 on the wait list", "not selected"]


# ---------- the pot ----------


def throw(user: User | None, session: Any, body: Any, **options: Any) -> HttpResponse:
    url = reverse("throw_into_pot", args=[session.sid])
    answer: HttpResponse = browser(user, **options).post(url, body, content_type="application/json")
    return answer


def test_an_agencys_page_throws_its_number_as_json_or_form(world: World, at: At) -> None:
    session = make.opened(world)
    at(session.closes_at)
    answer = throw(world.members[0], session, {"r": "a1" * 32})
    who = f"agency:{world.agencies[0].organisation.code}"
    assert (answer.status_code, answer.json()) == (200, {"who": who, "r": "a1" * 32})
    assert throw(world.members[0], session, {"r": "b2" * 32}).json() == {"who": who, "r": "a1" * 32}
    url = reverse("throw_into_pot", args=[session.sid])
    assert browser(world.members[1]).post(url, {"r": "c3" * 32}).json()["r"] == "c3" * 32
    assert session.pot.count() == 5


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"r": 5}', '{"r": "xy"}', "{", '{"r": "' + "A1" * 32 + '"}'])
def test_a_malformed_number_is_refused_as_a_problem(world: World, at: At, body: str) -> None:
    session = make.opened(world)
    at(session.closes_at)
    answer = throw(world.members[0], session, body)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert list(answer.json()["errors"]) == ["r"]
    assert session.pot.count() == 3


def test_a_throw_after_the_end_or_without_right_is_refused_as_a_problem(world: World, at: At) -> None:
    session = make.opened(world)
    _agency, outsider = world.add_agency()
    at(session.closes_at)
    assert throw(outsider, session, {"r": "a1" * 32}).json()["code"] == "not_on_list"
    assert throw(world.manager, session, {"r": "a1" * 32}).status_code == 403
    assert throw(None, session, {"r": "a1" * 32}).status_code == 302
    assert throw(world.members[0], session, {"r": "a1" * 32}, enforce_csrf_checks=True).status_code == 403
    at(session.closes_at + SECOND)
    answer = throw(world.members[0], session, {"r": "a1" * 32})
    assert (answer.status_code, answer.json()["code"]) == (422, "pot_is_open")
    assert session.pot.count() == 3


# ---------- the desk ----------


def desk(user: User, at: datetime) -> dict[str, tuple[int, list[str]]]:
    from projects.cards import cards

    return {card["title"]: (card["count"], [item["light"] for item in card["items"]]) for card in cards(user, at)}


@pytest.mark.usefixtures("english")
def test_the_desk_tells_each_role_what_waits(world: World) -> None:
    make.draft(world)
    make.returned(world)
    make.submitted(world)
    make.checked(world)
    task = make.published(world)
    make.sign_up(world, make.published(world), 0)
    assert desk(world.manager, PUBLISHED_AT) == {
        "Notices to complete": (2, ["amber", ""]),
        "Open for sign-up": (2, ["green", "green"]),
        "Awards in publicity": (0, []),
    }
    assert desk(world.delegate, PUBLISHED_AT)["Open for sign-up"] == (0, [])
    assert desk(world.checker, PUBLISHED_AT) == {
        "Notices to check": (1, ["green"]),
        "Notices to publish": (1, ["green"]),
    }
    late = task.signup_deadline - HOUR
    assert desk(world.members[0], late) == {
        "Open tasks that fit": (1, ["amber"]),
        "My sign-ups": (1, ["amber"]),
        "My live selections": (0, []),
    }
    assert desk(UserFactory(), PUBLISHED_AT) == {}


@pytest.mark.usefixtures("english")
def test_the_desk_leads_to_the_live_selection(world: World) -> None:
    session = make.opened(world)
    # The page counts its list by this place: it may have been opened before there was a list.
    assert 'data-stage="pot-total"' in browser().get(reverse("live_page", args=[session.sid])).content.decode()
    assert desk(world.members[0], session.open_at)["My live selections"] == (1, ["green"])
    assert desk(person_of(Kind.SUPERVISOR), session.open_at) == {"Live now": (1, ["green"])}


@pytest.fixture
def english() -> Any:
    from django.utils.translation import override

    with override("en"):
        yield


# ---------- the same number of queries for one row and for three ----------


def queries(user: User, url: str, **params: str) -> int:
    client = browser(user)
    client.get(url, params)  # a session's first visit writes its row
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url, params).status_code == 200
    return len(captured)


LISTS: list[tuple[str, str, dict[str, str], str]] = [
    ("manager", "owner_tasks", {}, "published"),
    ("checker", "office_tasks", {}, "submitted"),
    ("checker", "office_tasks", {"queue": "published"}, "published"),
    ("agency", "open_tasks", {}, "published"),
    ("agency", "open_tasks", {"fit": "1"}, "published"),
    ("agency", "my_sign_ups", {}, "closed"),
    ("agency", "my_sign_ups", {}, "awarded"),
    ("manager", "desk", {}, "published"),
    ("manager", "desk", {}, "awarded"),
    ("checker", "desk", {}, "submitted"),
    ("agency", "desk", {}, "published"),
    ("agency", "desk", {}, "closed"),
]


@pytest.mark.parametrize(("role", "page", "params", "state"), LISTS)
def test_a_list_asks_as_often_for_three_rows_as_for_one(
    world: World, at: At, role: str, page: str, params: dict[str, str], state: str
) -> None:
    user = {"manager": world.manager, "checker": world.checker, "agency": world.members[0]}[role]
    at(PUBLISHED_AT + HOUR)
    factory = make.TASK_IN[TaskState(state)]
    factory(world)
    one = queries(user, reverse(page), **params)
    factory(world)
    factory(world)
    assert queries(user, reverse(page), **params) == one


def test_a_notice_asks_as_often_for_three_avoidances_and_files_as_for_one(world: World, at: At) -> None:
    avoid = [(agency, "Relative") for agency in world.agencies]
    one, three = make.draft(world, avoid=avoid[:1]), make.draft(world, avoid=avoid)
    for page in ("owner_task", "owner_task_edit"):
        found = [queries(world.manager, reverse(page, args=[task.code])) for task in (one, three)]
        assert found[0] == found[1]
