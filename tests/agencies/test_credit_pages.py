"""The pages of the ledger for the agency, the office and the public, and the page of leaving."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse as at

from agencies import ledger
from agencies.models import CreditEntry, CreditPetition
from agencies.states import AgencyState, EntryState, PetitionState
from marketplace import clock
from marketplace.models import Membership, User
from tests.factories import MONDAY, AgencyFactory, pdf, person_of
from tests.project_factories import make_world, published, sign_up

from .credit_story import REPLY_UNTIL, Story, make_story

LATER = REPLY_UNTIL + timedelta(days=1)
PROGRAM = SimpleUploadedFile("proof.pdf", b"MZ" + b"\0" * 500, "application/pdf")


@pytest.fixture
def story() -> Story:
    return make_story()


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_at(monkeypatch, MONDAY)


def stand_at(monkeypatch: pytest.MonkeyPatch, moment: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def as_user(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return unescape(response.content.decode())


# ---------- the public ----------


def test_public_ledger_shows_the_score_of_any_day(story: Story, client: Client) -> None:
    story.counted("award_given_up")
    story.enter("commended", at=REPLY_UNTIL)
    ledger.drop(story.replied(), "A private reason.", actor=story.other, at=MONDAY)
    url = at("agency_ledger", args=[story.agency.code])

    today = client.get(url, {"on": "2026-03-17"})
    assert (today.context["standing"]["score"], today.context["standing"]["stars"]) == (95, 5)
    assert [part["points"] for part in today.context["standing"]["parts"]] == ["−10", "+5"]
    assert client.get(url).context["standing"]["score"] == 100
    assert client.get(url, {"on": "2027-03-17"}).context["standing"]["score"] == 100
    assert [entry["struck"] for entry in today.context["entries"]].count(True) == 1
    for private in ("A private reason.", "The owner was late."):
        assert private not in text(today)


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "2018-12-31", "0001-01-01", "9999-12-31"])
def test_bad_day_is_named_at_its_field(story: Story, client: Client, day: str) -> None:
    response = client.get(at("agency_ledger", args=[story.agency.code]), {"on": day})

    fine = day == "9999-12-31"
    assert response.status_code == (200 if fine else 422)
    assert bool(response.context["form"].errors) is not fine
    assert response.context["standing"]["score"] == 100
    assert day in text(response)


def test_ledger_of_an_unpublished_entry_is_not_there(client: Client) -> None:
    hidden = AgencyFactory(state=AgencyState.SUBMITTED)

    assert client.get(at("agency_ledger", args=[hidden.code])).status_code == 404


def test_list_of_rules_names_every_rule_with_its_basis(client: Client) -> None:
    response = client.get(at("credit_rules"))

    assert len(response.context["rows"]) == 19
    for row in response.context["rows"]:
        assert row["basis"] in text(response)
    assert at("credit_rules") in text(client.get(at("rules")))


# ---------- the agency ----------


def test_agency_replies_on_its_page(story: Story) -> None:
    entry = story.enter(evidence=pdf("proof.pdf"))
    client = as_user(story.member)
    page = client.get(at("agency_credit"))
    assert page.context["waiting"] == 1
    assert "proof.pdf" in text(client.get(at("agency_credit_entry", args=[entry.pk])))
    url = at("agency_reply", args=[entry.pk])

    bad = client.post(url, {"text": "", "file": pdf()})
    assert (bad.status_code, set(bad.context["typed"].errors)) == (422, {"text"})
    program = client.post(url, {"text": "Kept words.", "file": PROGRAM})
    assert (program.status_code, set(program.context["typed"].errors)) == (422, {"file"})
    assert "Kept words." in text(program)
    assert client.post(url, {"text": "The owner was late."}).status_code == 302

    entry.refresh_from_db()
    assert (entry.state, entry.reply_text) == (EntryState.REPLIED, "The owner was late.")
    assert client.post(url, {"text": "Again."}).status_code == 409


def test_agency_objects_and_reads_why_it_cannot_repair_yet(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = story.counted()
    stand_at(monkeypatch, LATER)
    client = as_user(story.member)
    page = client.get(at("agency_credit_entry", args=[entry.pk]))
    assert [bool(act["refused"]) for act in page.context["acts"]] == [False, True]
    assert "2026-06-17" in text(page)

    repair = client.post(at("agency_petition", args=[entry.pk, "repair"]), {"repair-text": "Please."})
    assert (repair.status_code, CreditPetition.objects.count()) == (422, 0)
    empty = client.post(at("agency_petition", args=[entry.pk, "objection"]), {"objection-text": ""})
    assert (empty.status_code, CreditPetition.objects.count()) == (422, 0)
    assert client.post(at("agency_petition", args=[entry.pk, "praise"]), {}).status_code == 404
    answer = client.post(at("agency_petition", args=[entry.pk, "objection"]), {"objection-text": "Not us."})

    assert (answer.status_code, CreditPetition.objects.get().text) == (302, "Not us.")


def test_entry_of_another_agency_is_not_there(story: Story) -> None:
    entry = story.enter()
    stranger = as_user(person_of("agency"))

    assert stranger.get(at("agency_credit_entry", args=[entry.pk])).status_code == 404
    assert stranger.post(at("agency_reply", args=[entry.pk]), {"text": "x"}).status_code == 404
    entry.refresh_from_db()
    assert entry.state == EntryState.REPLY


# ---------- the office ----------


ENTRY = {
    "rule": "late_signing",
    "summary": "Signed ten days late.",
    "happened_on": "2026-03-09",
    "link": "/notices/1/",
    "key": "abc",
}


def test_office_enters_an_event_once(story: Story) -> None:
    client = as_user(story.maker)
    url = f"{at('office_credit_add')}?agency={story.agency.code[:8]} {story.agency.code[8:].lower()}"
    page = client.get(url)
    assert page.context["agency"] == story.agency
    assert "−10" in text(page) and "suspension" in text(page)

    for _ in range(2):
        assert client.post(url, ENTRY | {"evidence": pdf()}).status_code == 302

    entry = CreditEntry.objects.get()
    assert (entry.source, entry.summary, entry.entered_by) == ("office:abc", "Signed ten days late.", story.maker)
    assert as_user(story.other).get(at("office_credit")).context["recent"][0]["name"] == story.agency.name


def test_office_reads_faults_beside_their_fields(story: Story) -> None:
    client = as_user(story.maker)
    url = at("office_credit_add")
    assert set(client.get(url, {"agency": "x"}).context["search"].errors) == {"agency"}

    bad = {"rule": "", "summary": "", "happened_on": "tomorrow"}
    response = client.post(f"{url}?agency={story.agency.code}", ENTRY | bad)
    assert set(response.context["form"].errors) == {"rule", "summary", "happened_on"}
    assert "tomorrow" in text(response)
    future = client.post(f"{url}?agency={story.agency.code}", ENTRY | {"happened_on": "2026-03-10", "link": "x"})

    assert (future.status_code, set(future.context["form"].errors)) == (422, {"happened_on", "link"})
    assert CreditEntry.objects.count() == 0


def test_office_is_told_why_it_cannot_enter_about_its_own_agency(story: Story) -> None:
    Membership.objects.create(user=story.maker, organisation=story.agency.organisation, role="delegate")
    client = as_user(story.maker)
    url = f"{at('office_credit_add')}?agency={story.agency.code}"

    assert client.get(url).context["refused"]
    assert client.post(url, ENTRY).status_code == 422
    assert CreditEntry.objects.count() == 0


def test_another_member_of_the_office_decides_about_a_reply(story: Story) -> None:
    entry = story.replied()
    page_url = at("office_credit_entry", args=[entry.pk])
    url = at("office_credit_decide", args=[entry.pk, "confirm"])
    maker, other = as_user(story.maker), as_user(story.other)
    assert len(other.get(at("office_credit")).context["work"]) == 1
    assert all(verdict["refused"] for verdict in maker.get(page_url).context["verdicts"])
    assert maker.post(url, {"reason": "I am right."}).status_code == 422
    assert other.get(page_url).context["open"]
    assert other.post(url, {"reason": " "}).status_code == 422
    assert other.post(at("office_credit_decide", args=[entry.pk, "void"]), {"reason": "x"}).status_code == 404
    entry.refresh_from_db()
    assert entry.state == EntryState.REPLIED

    assert other.post(url, {"reason": "The owner was in time."}).status_code == 302

    entry.refresh_from_db()
    assert (entry.state, entry.decided_by) == (EntryState.COUNTED, story.other)
    assert other.post(url, {"reason": "Again."}).status_code == 409


@pytest.mark.parametrize(("verdict", "state"), [("grant", "granted"), ("reject", "rejected")])
def test_third_member_of_the_office_decides_about_a_petition(story: Story, verdict: str, state: str) -> None:
    entry = ledger.confirm(story.replied(), "So.", actor=story.other, at=MONDAY)
    petition = story.objected(entry, at=MONDAY)
    url = f"{at('office_petition_decide', args=[petition.pk])}?verdict={verdict}"

    assert as_user(story.other).post(url, {"reason": "x"}).status_code == 422
    assert as_user(story.third).post(url, {"reason": ""}).status_code == 422
    petition.refresh_from_db()
    assert petition.state == PetitionState.LODGED
    assert as_user(story.third).post(url, {"reason": "Seen."}).status_code == 302

    petition.refresh_from_db()
    assert petition.state == state
    assert as_user(story.third).get(at("office_credit_entry", args=[entry.pk])).status_code == 200


def test_supervisor_reads_and_decides_nothing(story: Story) -> None:
    entry = story.replied()
    client = as_user(person_of("supervisor"))

    page = client.get(at("office_credit_entry", args=[entry.pk]))

    assert (page.status_code, page.context["open"]) == (200, False)
    assert client.post(at("office_credit_decide", args=[entry.pk, "drop"]), {"reason": "x"}).status_code == 403
    assert client.get(at("office_credit_add")).status_code == 403


# ---------- leaving ----------


def test_agency_leaves_and_comes_back_on_its_page(story: Story) -> None:
    client = as_user(story.member)
    assert client.post(at("agency_withdraw"), {"reason": "Kept words."}).status_code == 422

    assert client.post(at("agency_withdraw"), {"reason": "We retire.", "agree": "on"}).status_code == 302
    assert story.fresh().state == AgencyState.WITHDRAWN
    assert client.get(at("agency_withdraw")).context["left"]
    assert client.post(at("agency_begin_again")).status_code == 302
    assert story.fresh().state == AgencyState.DRAFT


def test_open_services_are_listed_when_leaving_is_refused() -> None:
    world = make_world()
    task = published(world)
    sign_up(world, task, 0)
    client = as_user(world.members[0])

    for response in (
        client.get(at("agency_withdraw")),
        client.post(at("agency_withdraw"), {"reason": "We retire.", "agree": "on"}),
    ):
        assert [row["url"] for row in response.context["services"]] == [at("notice_detail", args=[task.code])]
        assert task.name in text(response)
    assert response.status_code == 422
    world.agencies[0].refresh_from_db()
    assert world.agencies[0].state == AgencyState.ACTIVE


# ---------- cost ----------


@pytest.mark.parametrize("page", ["public", "own", "office"])
def test_pages_cost_the_same_at_one_and_at_three_entries(
    story: Story, django_assert_max_num_queries: Any, page: str
) -> None:
    clients = {
        "public": (Client(), at("agency_ledger", args=[story.agency.code])),
        "own": (as_user(story.member), at("agency_credit")),
        "office": (as_user(story.other), at("office_credit")),
    }
    client, url = clients[page]
    counts = []
    for more in (1, 2):
        for _ in range(more):
            story.replied()
            story.counted("award_given_up")
        with django_assert_max_num_queries(16) as seen:
            assert client.get(url).status_code == 200
        counts.append(len(seen))

    assert counts[0] == counts[1]
