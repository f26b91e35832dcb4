"""The log over HTTP and the pages around it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace import clock, events
from marketplace.models import Event, Membership, Organisation, Stream

from .conftest import STREAM, joined, received, record, record_events

URL = f"/streams/{STREAM}/events"


@pytest.fixture(autouse=True)
def presenter(settings: Any) -> None:
    settings.STREAM_PRESENTERS = {"session": "tests.livestream.presenter.present"}


@pytest.mark.django_db(transaction=True)
async def test_http_replay_equals_socket_replay() -> None:
    await record(STREAM, 1, 2, 3, text="第一 \u2028 😀 </script>", who={"name": "甲"})
    communicator, _ = await joined(after=1)
    over_socket = await received(communicator, 2)
    await communicator.disconnect()
    answer = await sync_to_async(Client().get)(f"{URL}?after=1")
    assert answer.json()["events"] == over_socket
    assert answer.json()["head"] == 3


@pytest.mark.django_db
def test_events_are_read_in_pages(client: Client) -> None:
    record_events(STREAM, *range(1, 8))
    seen: list[int] = []
    while True:
        body = client.get(URL, {"after": len(seen), "limit": 3}).json()
        assert (body["stream"], body["head"]) == (STREAM, 7)
        if not body["events"]:
            break
        seen += [event["seq"] for event in body["events"]]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert abs((clock.from_iso(body["server_time"]) - clock.now()).total_seconds()) < 5


@pytest.mark.django_db
def test_unchanged_stream_is_answered_without_a_body(client: Client) -> None:
    record_events(STREAM, 1)
    first = client.get(URL)
    again = client.get(URL, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "no-cache" in first["Cache-Control"]
    assert "public" in first["Cache-Control"]
    assert "Cookie" not in first.get("Vary", "")
    record_events(STREAM, 2)
    assert client.get(URL, headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert client.get(f"{URL}?after=1", headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=", "limit=0", "limit=1001", "limit=1e3", "after=99999999999999999"]
)
def test_bad_numbers_are_told(client: Client, query: str) -> None:
    record_events(STREAM, 1)
    answer = client.get(f"{URL}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert query.split("=")[0] in answer.json()["detail"] or "seq" in answer.json()["detail"]


@pytest.mark.django_db
def test_private_stream_is_a_404_for_strangers(client: Client) -> None:
    record_events("session:private", 1, public=False)
    for url in (
        "/streams/session:private/events",
        "/streams/session:none/events",
        "/live/private/",
        "/live/private/hall/",
    ):
        assert client.get(url).status_code == 404
    user = get_user_model().objects.create_user("officer", password="a-long-password")
    office = Organisation.objects.create(kind="office", name="Office", code="123456789012345678")
    Membership.objects.create(user=user, organisation=office, role="officer")
    client.force_login(user)
    answer = client.get("/streams/session:private/events")
    assert [event["seq"] for event in answer.json()["events"]] == [1]
    assert "private" in answer["Cache-Control"]


@pytest.mark.django_db
def test_page_is_complete_without_a_script(client: Client) -> None:
    record_events(STREAM, 1, 2, who={"name": "<甲>"})
    answer = client.get("/live/test/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.index("Number 1 by &lt;甲&gt; {as is}") < text.index("Number 2 by &lt;甲&gt; {as is}")
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in text
    assert "the stage" in text
    assert "1–2" in text
    feed = json.loads(text.split('<script id="feed" type="application/json">')[1].split("</script>")[0])
    assert feed["events"] == events.read_all(STREAM)
    assert (feed["head"], feed["socket"]) == (2, f"/ws/streams/{STREAM}/")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/live/test/hall/", "/live/test/replay/", "/live/test/?text=1"])
def test_other_forms_show_the_log_too(client: Client, path: str) -> None:
    record_events(STREAM, 1, who={"name": "甲"})
    answer = client.get(path)
    assert answer.status_code == 200
    assert "Number 1 by 甲" in answer.content.decode()


@pytest.mark.django_db
def test_text_form_refreshes_itself_and_runs_no_script_of_the_stream(client: Client) -> None:
    record_events(STREAM, 1)
    text = client.get("/live/test/?text=1").content.decode()
    assert '<meta http-equiv="refresh" content="10">' in text
    assert "feed.js" not in text


@pytest.mark.django_db
def test_session_unknown_to_its_presenter_is_a_404(client: Client) -> None:
    record_events("session:hidden", 1)
    assert client.get("/live/hidden/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_page_asks_the_log_a_fixed_number_of_times(client: Client, count: int) -> None:
    record_events(STREAM, *range(1, count + 1))
    with CaptureQueriesContext(connection) as queries:
        client.get("/live/test/")
    tables = (Event._meta.db_table, Stream._meta.db_table)
    asked = [query["sql"] for query in queries if any(table in query["sql"] for table in tables)]
    assert len(asked) == 2, "may it be read, and the events"
