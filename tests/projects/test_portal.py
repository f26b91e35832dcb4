"""The portal: what everybody may read of selections, its files, the check page, and the cost of its lists."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketplace import clock, vault
from projects import verify, verify_pages
from projects.models import SelectionTask
from tests.factories import UserFactory
from tests.projects.portal_story import CLOSES, OPENS, START, Story

pytestmark = pytest.mark.django_db
NOW = START + timedelta(hours=12)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> dict[str, datetime]:
    """The clock of the pages; tests move it."""
    hands = {"now": NOW}
    monkeypatch.setattr(clock, "now", lambda: hands["now"])
    return hands


@pytest.fixture
def story() -> Story:
    return Story()


def page(client: Client, name: str, *args: Any, **query: str) -> str:
    response = client.get(reverse(name, args=args), query, headers={"accept-language": "en"})
    assert response.status_code == 200
    return str(response.content.decode())


def detail(client: Client, task: SelectionTask) -> str:
    return page(client, "notice_detail", task.code)


# ---------- empty, and the first screen ----------


@pytest.mark.parametrize("name", ["home", "notice_list", "live_list", "verify_page", "how_it_works"])
def test_every_page_stands_without_data(client: Client, name: str) -> None:
    body = page(client, name)
    assert body.count("<h1") == 1
    assert " style=" not in body


def test_an_empty_list_offers_the_next_step(client: Client) -> None:
    assert reverse("help") in page(client, "notice_list")
    assert reverse("live_list") in page(client, "notice_list", tab="awards")


def test_home_shows_live_before_closing_before_errands(client: Client, story: Story) -> None:
    on_air = story.publish(name="On the air")
    story.sign_up(on_air)
    story.open(story.close(on_air))
    story.publish(name="Closing soon")
    body = page(client, "home")
    order = [body.index(words) for words in ("On air", "Closing soon", "What do you want to do?", "in figures")]
    assert order == sorted(order)
    assert reverse("live_page", args=[on_air.session.sid]) in body


def test_home_lists_what_closes_first(client: Client, story: Story) -> None:
    story.publish(name="Later", signup_deadline=CLOSES + timedelta(hours=2))
    story.publish(name="Sooner")
    response = client.get(reverse("home"))
    assert [row["title"] for row in response.context["closing"]] == ["Sooner", "Later"]


def test_home_does_not_offer_what_is_past_though_no_clock_ran(
    client: Client, story: Story, now: dict[str, datetime]
) -> None:
    story.publish()
    now["now"] = CLOSES + timedelta(seconds=1)
    assert client.get(reverse("home")).context["closing"] == []


def test_counters_count_tasks_not_sign_ups(client: Client, story: Story) -> None:
    task = story.publish()
    story.sign_up(task)
    figures = client.get(reverse("home")).context["figures"]
    assert [figure["value"] for figure in figures][:2] == [4, 1]
    assert all(figure["url"] for figure in figures)


def test_five_errands_with_links(client: Client) -> None:
    errands = client.get(reverse("home")).context["errands"]
    assert len(errands) == 5
    assert all(errand["url"] and errand["hint"] for errand in errands)


# ---------- the list and its filters ----------


def test_drafts_are_nobodys_business(client: Client, story: Story) -> None:
    draft = story.draft(name="Secret plan")
    assert "Secret plan" not in page(client, "notice_list")
    assert client.get(reverse("notice_detail", args=[draft.code])).status_code == 404


def titles(client: Client, **query: str) -> list[str]:
    return [row["title"] for row in client.get(reverse("notice_list"), query).context["rows"]]


def test_filters(client: Client, story: Story) -> None:
    first = story.publish(name="水库勘察")
    second = story.publish(name="学校造价")
    story.sign_up(second)
    story.close(second)
    assert titles(client) == ["学校造价", "水库勘察"]
    assert titles(client, q="水库") == ["水库勘察"]
    assert titles(client, q=first.code.lower()) == ["水库勘察"]
    assert titles(client, q="水利局", state="closed") == ["学校造价"]
    assert len(titles(client, item=story.item.pk, owner=str(story.owner.pk))) == 2
    assert len(titles(client, service_class=story.item.service_class_id)) == 2
    assert titles(client, state="failed") == []


def test_a_wrong_filter_is_told_beside_its_field(client: Client, story: Story) -> None:
    story.publish()
    response = client.get(reverse("notice_list"), {"item": "nothing"})
    assert response.status_code == 200
    assert response.context["filter"].form.errors["item"]
    assert response.context["more_open"]


def test_the_number_of_results_is_announced(client: Client, story: Story) -> None:
    story.publish()
    assert '<p role="status">1 result</p>' in page(client, "notice_list")


def test_pages_follow_without_gap_or_repeat(client: Client, story: Story) -> None:
    made = [story.publish(name=f"task {n}", at=START + timedelta(minutes=n // 2)) for n in range(27)]
    first = client.get(reverse("notice_list"))
    second = client.get(reverse("notice_list") + first.context["page"].next_url)
    seen = [row["title"] for response in (first, second) for row in response.context["rows"]]
    assert seen == [task.name for task in reversed(made)]
    assert second.context["page"].next_url == ""
    back = client.get(reverse("notice_list") + second.context["page"].previous_url)
    assert [row["title"] for row in back.context["rows"]] == seen[:25]


@pytest.mark.parametrize("edge", ["x", "-1", "0", "99999999999999999999", ""])
def test_a_wrong_edge_is_the_first_page(client: Client, story: Story, edge: str) -> None:
    story.publish(name="only")
    assert titles(client, after=edge) == ["only"]


def test_awards_have_their_tab(client: Client, story: Story) -> None:
    task = story.drawn()
    rows = client.get(reverse("notice_list"), {"tab": "awards", "q": "水利局"}).context["rows"]
    assert rows[0]["winner"] == task.award_notice.winner.organisation.name
    assert titles(client, tab="awards", q="zzz") == []
    assert titles(client, tab="awards", state="confirmed") == []


def test_csv_keeps_the_filters_and_disarms_formulas(client: Client, story: Story) -> None:
    story.publish(name="=cmd()")
    story.publish(name="other")
    response = client.get(reverse("notice_csv"), {"q": "cmd"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert rows[1][1] == "'=cmd()"
    assert response["Content-Disposition"] == 'attachment; filename="notices.csv"'


def test_csv_of_awards(client: Client, story: Story) -> None:
    task = story.drawn()
    response = client.get(reverse("notice_csv"), {"tab": "awards"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[1][0] == task.award_notice.number


def test_the_feed_is_well_formed_and_filtered(client: Client, story: Story) -> None:
    story.publish(name="a < b & c")
    story.publish(name="other")
    root = ElementTree.fromstring(client.get(reverse("notice_rss"), {"q": "a <"}).content)
    assert [item.text for item in root.findall("channel/item/title")] == ["a < b & c"]
    task = story.drawn(name="drawn")
    root = ElementTree.fromstring(client.get(reverse("notice_rss"), {"tab": "awards"}).content)
    assert [item.text for item in root.findall("channel/item/guid")] == [
        f"urn:marketplace:{task.award_notice.number}"
    ]


# ---------- one notice ----------


def test_an_open_notice_hides_who_signed_up(client: Client, story: Story) -> None:
    task = story.publish()
    story.sign_up(task, 2)
    body = detail(client, task)
    assert "2 agencies have signed up" in body
    assert all(agency.organisation.name not in body for agency in story.agencies)
    assert task.complaint_phone in body
    assert reverse("live_page", args=[task.session.sid]) in body
    assert reverse("transcript", args=[task.code]) not in body


def test_the_clock_shows_the_days_counted(client: Client, story: Story) -> None:
    task = story.publish()
    clock_shown = client.get(reverse("notice_detail", args=[task.code])).context["clocks"][0]
    assert clock_shown["state"] == "green"
    assert [day["day"].day for day in clock_shown["counted"] if day["counted"]] == [10, 11, 12, 13]


def test_the_closed_list_is_public(client: Client, story: Story) -> None:
    task = story.publish()
    story.sign_up(task)
    story.close(task)
    body = detail(client, task)
    assert all(agency.organisation.name in body for agency in story.agencies)


def test_the_result_shows_winner_wait_list_and_tickets(
    client: Client, story: Story, now: dict[str, datetime]
) -> None:
    task = story.drawn()
    now["now"] = OPENS + timedelta(hours=1)
    response = client.get(reverse("notice_detail", args=[task.code]))
    ranking = response.context["ranking"]
    assert [row["outcome"] for row in ranking] == ["winner", "waitlist", "waitlist", ""]
    assert ranking[0]["name"] == task.award_notice.winner.organisation.name
    assert [row["ticket"] for row in ranking] == sorted(row["ticket"] for row in ranking)
    assert [clock["state"] for clock in response.context["clocks"]] == ["green", "met"]
    assert reverse("transcript", args=[task.code]) in response.content.decode()


def test_the_owner_sees_his_draft_as_the_public_would(client: Client, story: Story) -> None:
    draft = story.draft(name="Not yet")
    client.force_login(story.buyer)
    assert "Not published" in detail(client, draft)
    client.force_login(UserFactory())
    assert client.get(reverse("notice_detail", args=[draft.code])).status_code == 404


def test_an_unknown_number_is_not_found(client: Client) -> None:
    assert client.get(reverse("notice_detail", args=["ZJ0"])).status_code == 404


# ---------- transcript ----------


def test_no_transcript_before_the_result(client: Client, story: Story) -> None:
    task = story.publish()
    url = reverse("transcript", args=[task.code])
    assert client.get(url).status_code == 404
    story.sign_up(task)
    story.freeze(story.open(story.close(task)))
    assert client.get(url).status_code == 404


def test_the_transcript_verifies_and_is_not_sent_twice(client: Client, story: Story) -> None:
    task = story.drawn()
    response = client.get(reverse("transcript", args=[task.code]))
    assert response["Content-Disposition"] == f'attachment; filename="{task.draw_id}.json"'
    report = verify.check(response.content, {})
    assert report.sid == task.session.sid
    assert json.loads(response.content)["t"] == "draw/v1/transcript"
    again = client.get(response.request["PATH_INFO"], headers={"if-none-match": response["ETag"]})
    assert again.status_code == 304
    story.confirmed(task)
    later = client.get(response.request["PATH_INFO"], headers={"if-none-match": response["ETag"]})
    assert later.status_code == 200


# ---------- the check page ----------


def test_the_tool_is_the_file_whose_fingerprint_is_printed(client: Client) -> None:
    source = Path(verify.__file__).read_bytes()
    response = client.get(reverse("verify_py"))
    assert response.content == source
    assert response["Content-Type"].startswith("text/x-python")
    body = page(client, "verify_page")
    assert hashlib.sha256(source).hexdigest() in body
    assert vault.log_public_key() in body


def upload(client: Client, data: bytes) -> Any:
    file = SimpleUploadedFile("draw.json", data, "application/json")
    return client.post(reverse("verify_page"), {"file": file}, headers={"accept-language": "en"})


def test_a_real_transcript_is_accepted_and_an_altered_one_rejected(client: Client, story: Story) -> None:
    from marketplace import installation

    installation.mark_as_demo(seed="test", at=START)  # so few steps are lawful in a demo only
    task = story.drawn()
    data = client.get(reverse("transcript", args=[task.code])).content
    response = upload(client, data)
    assert response.context["report"].accepted, response.context["report"].reason
    body = response.content.decode()
    assert "Accepted: draw.json" in body
    # Whatever the tool checks is also said in the reader's language.
    assert [line["said"] for line in response.context["lines"] if not line["words"]] == []
    assert task.award_notice.winner.organisation.name in body
    name = story.agencies[0].organisation.name.encode()
    altered = upload(client, data.replace(name, name + b"!", 1))
    assert not altered.context["report"].accepted
    assert "Rejected: draw.json" in altered.content.decode()


def test_a_file_that_is_no_transcript_is_rejected_with_the_reason(client: Client) -> None:
    response = upload(client, b"<html>")
    assert response.status_code == 200
    assert response.context["report"].reason in response.content.decode().replace("&#x27;", "'")


def test_a_missing_empty_or_large_file_is_told_beside_the_field(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post(reverse("verify_page")).context["form"].errors["file"]
    assert upload(client, b"").context["form"].errors["file"]
    monkeypatch.setattr(verify_pages, "MAX_BYTES", 10)
    response = upload(client, b"x" * 11)
    assert response.context["report"] is None
    assert "offline" in str(response.context["form"].errors["file"])


def test_only_so_many_checks_at_a_time(client: Client) -> None:
    taken = 0
    while verify_pages._slots.acquire(blocking=False):
        taken += 1
    try:
        response = upload(client, b"{}")
    finally:
        for _ in range(taken):
            verify_pages._slots.release()
    assert response.context["report"] is None
    assert response.context["form"].errors["file"]
    assert upload(client, b"{}").context["report"] is not None


# ---------- sessions ----------


def test_sessions_move_from_calendar_to_air_to_past(client: Client, story: Story) -> None:
    def lists() -> tuple[int, int, int]:
        context = client.get(reverse("live_list")).context
        return len(context["on_air"]), len(context["upcoming"]), len(context["past"])

    task = story.publish()
    story.sign_up(task)
    assert lists() == (0, 1, 0)
    task = story.open(story.close(task))
    assert lists() == (1, 0, 0)
    story.result(story.freeze(task))
    assert lists() == (0, 0, 1)
    body = page(client, "live_list")
    assert reverse("transcript", args=[task.code]) in body


# ---------- cost ----------


def cost(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_lists_cost_the_same_for_one_row_and_for_three(client: Client, story: Story) -> None:
    urls = [
        reverse("home"),
        reverse("home") + "?tab=awards",
        reverse("notice_list"),
        reverse("notice_list") + "?tab=awards",
        reverse("notice_csv"),
        reverse("notice_csv") + "?tab=awards",
        reverse("notice_rss"),
        reverse("live_list"),
        reverse("verify_page"),
    ]

    def one_of_each() -> None:
        story.drawn()
        story.publish()
        on_air = story.publish()
        story.sign_up(on_air)
        story.open(story.close(on_air))

    one_of_each()
    before = {url: cost(client, url) for url in urls}
    one_of_each()
    one_of_each()
    assert {url: cost(client, url) for url in urls} == before
    assert max(before.values()) <= 25


def test_a_notice_costs_the_same_for_two_sign_ups_and_for_four(client: Client, story: Story) -> None:
    few, many = story.publish(), story.publish()
    story.sign_up(few, 3)
    story.sign_up(many)
    url = [reverse("notice_detail", args=[task.code]) for task in (few, many)]
    assert cost(client, url[0]) == cost(client, url[1])
    story.close(few)
    story.close(many)
    assert cost(client, url[0]) == cost(client, url[1])
