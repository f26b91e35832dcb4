"""The kernel's own pages: the desk, messages, the catalogue, the guide, the frame of every page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from marketplace import catalogue, notifications, pages, parameters
from marketplace.models import Notification, Organisation, Requirement, User
from marketplace.templatetags.ui import remaining_text
from tests.factories import MONDAY, OrganisationFactory, RequirementFactory, UserFactory, person_at

pytestmark = pytest.mark.django_db
KIND = notifications.register("test.page", "Hello {name}", "Something moved on for {name}.")


@pytest.fixture
def person() -> User:
    user: User = UserFactory()
    return user


@pytest.fixture
def logged_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def send(person: User, number: int, **fields: Any) -> Notification:
    notifications.notify(
        [person], KIND, {"name": f"case {number}"}, key=f"k{number}", at=MONDAY + timedelta(minutes=number), **fields
    )
    return Notification.objects.get(user=person, key=f"k{number}")


def text(response: Any) -> str:
    return str(response.content.decode())


# ---------- the desk ----------


def test_the_desk_asks_for_a_login(client: Client) -> None:
    response = client.get(reverse("desk"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_a_person_without_organisation_is_offered_to_register(logged_in: Client) -> None:
    assert reverse("agency_register") in text(logged_in.get(reverse("desk")))


def test_the_offer_stands_without_any_card(logged_in: Client, settings: Any) -> None:
    settings.DESK_CARDS = []
    assert reverse("agency_register") in text(logged_in.get(reverse("desk")))


def some_cards(user: User, at: Any) -> list[dict[str, Any]]:
    due = {"title": "Late case", "url": "/case/", "hint": "decide", "due": MONDAY, "light": "red"}
    return [{"title": "To decide", "count": 7, "url": "/cases/", "items": [due]}, card("Empty one")]


def card(title: str) -> dict[str, Any]:
    return {"title": title, "count": 0, "url": "", "items": []}


def test_cards_show_count_due_time_and_light(logged_in: Client, settings: Any) -> None:
    settings.DESK_CARDS = [f"{__name__}.some_cards"]
    with override("en"):
        body = text(logged_in.get(reverse("desk"), headers={"accept-language": "en"}))
    assert "To decide" in body
    assert ">7<" in body
    assert 'href="/case/"' in body
    assert "due 2026-03-09 (Mon) 10:00" in body
    assert "overdue" in body
    assert "Nothing waits here." in body


@pytest.mark.parametrize(("light", "kind"), [("green", "ok"), ("amber", "warn"), ("red", "bad")])
def test_every_light_is_a_word_too(light: str, kind: str) -> None:
    shown = pages.desk_item({"title": "x", "light": light})
    assert shown["chip"]["kind"] == kind
    assert shown["chip"]["text"]


def test_an_item_without_clock_has_no_chip() -> None:
    assert pages.desk_item({"title": "x", "url": "/x/", "hint": "h", "due": None, "light": ""}) == {
        "title": "x",
        "url": "/x/",
        "hint": "h",
    }


@pytest.mark.parametrize("kind", list(Organisation.Kind.values))
def test_every_role_has_a_desk(client: Client, kind: str) -> None:
    parameters.load_file("parameters.json")
    organisation = OrganisationFactory(kind=kind)
    client.force_login(person_at(organisation))
    response = client.get(reverse("desk"))
    assert response.status_code == 200
    assert organisation.name in text(response)


# ---------- messages ----------


def test_messages_are_ones_own_newest_first(logged_in: Client, person: User) -> None:
    send(person, 1)
    send(person, 2, link="/notices/X/")
    send(UserFactory(), 3)
    body = text(logged_in.get(reverse("messages")))
    assert body.index("Hello case 2") < body.index("Hello case 1")
    assert "case 3" not in body
    assert 'href="/notices/X/"' in body


def test_one_message_is_marked_read(logged_in: Client, person: User) -> None:
    first, second = send(person, 1), send(person, 2)
    response = logged_in.post(reverse("messages"), {"read": str(first.pk)})
    assert response.status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.read_at is not None
    assert second.read_at is None


def test_all_messages_are_marked_read(logged_in: Client, person: User) -> None:
    send(person, 1)
    send(person, 2)
    logged_in.post(reverse("messages"), {"read": "all"})
    assert not Notification.objects.filter(user=person, read_at=None).exists()


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "½"])
def test_a_wrong_mark_changes_nothing(logged_in: Client, person: User, value: str) -> None:
    message = send(person, 1)
    assert logged_in.post(reverse("messages"), {"read": value}).status_code == 302
    message.refresh_from_db()
    assert message.read_at is None


def test_nobody_marks_the_message_of_another(logged_in: Client) -> None:
    foreign = send(UserFactory(), 1)
    logged_in.post(reverse("messages"), {"read": str(foreign.pk)})
    foreign.refresh_from_db()
    assert foreign.read_at is None


def test_reading_the_page_marks_nothing(logged_in: Client, person: User) -> None:
    message = send(person, 1)
    logged_in.get(reverse("messages"))
    message.refresh_from_db()
    assert message.read_at is None


def test_unread_only(logged_in: Client, person: User) -> None:
    send(person, 1)
    notifications.mark_read(person, at=MONDAY)
    send(person, 2)
    body = text(logged_in.get(reverse("messages"), {"unread": "1"}))
    assert "Hello case 2" in body
    assert "Hello case 1" not in body


def test_messages_page_by_key_without_gap_or_repeat(logged_in: Client, person: User) -> None:
    for number in range(60):
        send(person, number)
    url, seen = reverse("messages"), []
    while url:
        response = logged_in.get(url)
        seen += [row["subject"] for row in response.context["rows"]]
        found = response.context["page"].next_url
        url = reverse("messages") + found if found else ""
    assert seen == [f"Hello case {number}" for number in reversed(range(60))]
    back = logged_in.get(reverse("messages") + response.context["page"].previous_url)
    assert [row["subject"] for row in back.context["rows"]] == [f"Hello case {n}" for n in range(34, 9, -1)]


def test_messages_ask_the_database_the_same_for_any_number(logged_in: Client, person: User) -> None:
    counts = []
    for number in (1, 2, 3):
        send(person, number)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            logged_in.get(reverse("messages"))
        counts.append(len(queries))
    assert counts[0] == counts[2]


# ---------- the catalogue ----------


def test_the_catalogue_shows_every_item_by_class(client: Client) -> None:
    catalogue.load()
    response = client.get(reverse("catalogue"))
    assert response.context["count"] == 78
    assert [len(group["rows"]) > 0 for group in response.context["classes"]] == [True] * 6
    assert sum(row["approval_linked"] for group in response.context["classes"] for row in group["rows"]) == 20


def test_the_catalogue_costs_three_queries(client: Client) -> None:
    catalogue.load()
    client.get(reverse("catalogue"))
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("catalogue"))
    assert len([q for q in queries if "service" in q["sql"] or "requirement" in q["sql"]]) == 3


@pytest.mark.parametrize("word", ["可行性", "Feasibility", "1002"])
def test_search_in_both_languages_and_by_number(client: Client, word: str) -> None:
    catalogue.load()
    response = client.get(reverse("catalogue"), {"q": word})
    codes = [row["code"] for group in response.context["classes"] for row in group["rows"]]
    assert "1002" in codes
    assert len(codes) < 10


def test_an_empty_search_offers_the_way_back(client: Client) -> None:
    catalogue.load()
    response = client.get(reverse("catalogue"), {"q": "zzzz"})
    assert response.context["count"] == 0
    assert f'href="{reverse("catalogue")}"' in text(response)


def test_an_item_shows_what_it_asks_and_where_to_go(client: Client) -> None:
    requirement = RequirementFactory(text="测绘资质甲级")
    RequirementFactory(item=requirement.item, group=2, kind=Requirement.Kind.RATING, text="信用评级")
    body = text(client.get(reverse("catalogue_item", args=[requirement.item.code])))
    assert "测绘资质甲级" in body
    assert requirement.item.authority.name in body
    assert f"{reverse('agency_list')}?item={requirement.item.code}" in body
    assert f"{reverse('notice_list')}?item={requirement.item.code}" in body


def test_an_item_says_when_random_selection_is_off(client: Client) -> None:
    catalogue.load()
    parameters.load_file("parameters.json")
    assert "公平竞争审查规则第八条第四项" in text(client.get(reverse("catalogue_item", args=["5007"])))
    assert "公平竞争审查规则" not in text(client.get(reverse("catalogue_item", args=["1002"])))


def test_an_unknown_item_is_not_found(client: Client) -> None:
    assert client.get(reverse("catalogue_item", args=["0000"])).status_code == 404


# ---------- about, guide, frame ----------


@pytest.mark.parametrize("name", ["about", "help", "accessibility", "catalogue"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_plain_pages_have_one_heading_and_a_title(client: Client, name: str, language: str) -> None:
    response = client.get(reverse(name), headers={"accept-language": language})
    body = text(response)
    assert response.status_code == 200
    assert body.count("<h1") == 1
    assert "<main" in body
    assert "<title> -" not in body
    assert " style=" not in body


def test_about_shows_the_key_that_signs(client: Client, settings: Any) -> None:
    from marketplace import vault

    assert f"{settings.LOG_NAME}={vault.log_public_key()}" in text(client.get(reverse("about")))


def test_the_guide_explains_the_words(client: Client) -> None:
    body = text(client.get(reverse("help"), headers={"accept-language": "en"}))
    assert "wait list" in body
    assert 'id="complaint"' in body


def test_the_masthead_marks_the_page(client: Client) -> None:
    body = text(client.get(reverse("help")))
    assert f'<a href="{reverse("help")}" aria-current="page">' in body
    for name in ("home", "notice_list", "agency_list", "catalogue", "live_list"):
        assert f'<a href="{reverse(name)}"' in body


def test_the_frameworks_sentences_are_said_in_our_chinese(client: Client) -> None:
    answer = client.post(
        reverse("account_signup"),
        {"username": "", "password1": "short", "password2": ""},
        headers={"accept-language": "zh-cn"},
    )
    body = answer.content.decode()
    assert "请填写此项。" in body
    assert "too short" not in body
    assert "密码太短，至少" in body


def test_a_clocks_last_minute_is_not_told_as_nothing() -> None:
    clock = {"due": MONDAY + timedelta(seconds=40), "now": MONDAY, "state": "green"}
    with override("en"):
        assert remaining_text(clock) == "Less than 1 min left"
        assert remaining_text(clock | {"due": MONDAY + timedelta(seconds=60)}) == "0 h 1 min left"
