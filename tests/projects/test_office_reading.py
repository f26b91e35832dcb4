"""The office decides about the text it has read, and can give a checked notice back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.errors import RuleBroken, WrongState
from marketplace.models import Event
from projects import actions
from projects.models import SelectionTask
from projects.states import TaskState
from tests.live import NOW, scene

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_a_text_changed_since_it_was_read_is_neither_checked_nor_published() -> None:
    world = scene()
    task = actions.submit_task(world.draft(), actor=world.manager, at=NOW)
    seen = actions.fingerprint(task)
    task = actions.return_task(task, actor=world.checker, at=NOW, reasons=["scale"])
    task = actions.edit_task(task, actor=world.manager, at=NOW, fields=world.fields(content="Something else"))
    task = actions.submit_task(task, actor=world.manager, at=NOW)
    count = Event.objects.count()
    with pytest.raises(RuleBroken) as refusal:
        actions.check_task(task, actor=world.publisher, at=NOW, seen=seen)
    assert refusal.value.code == "changed_meanwhile"
    assert SelectionTask.objects.get().state == TaskState.SUBMITTED
    assert Event.objects.count() == count
    task = actions.check_task(task, actor=world.checker, at=NOW, seen=actions.fingerprint(task))
    with pytest.raises(RuleBroken):
        actions.publish_notice(task, actor=world.publisher, at=NOW, seen=seen)
    assert (
        actions.publish_notice(task, actor=world.publisher, at=NOW, seen=actions.fingerprint(task)).state
        == TaskState.PUBLISHED
    )


def test_a_checked_notice_can_be_returned_and_needs_another_check() -> None:
    world = scene()
    task = world.checked()
    task = actions.return_task(task, actor=world.publisher, at=NOW, reasons=["the fund source is wrong"])
    assert (task.state, task.checked_by, task.return_reasons) == (
        TaskState.RETURNED,
        None,
        ["the fund source is wrong"],
    )
    task = actions.submit_task(task, actor=world.manager, at=NOW + HOUR)
    with pytest.raises(WrongState):
        actions.publish_notice(task, actor=world.publisher, at=NOW + HOUR)
    task = actions.check_task(task, actor=world.publisher, at=NOW + HOUR)
    assert actions.publish_notice(task, actor=world.checker, at=NOW + HOUR).state == TaskState.PUBLISHED


def test_the_office_page_carries_the_fingerprint_and_offers_the_return_of_a_checked_notice(client: Client) -> None:
    world = scene()
    task = world.checked()
    client.force_login(world.publisher)
    url = reverse("office_task", args=[task.code])
    page = client.get(url).content.decode()
    assert f'name="seen" value="{actions.fingerprint(task)}"' in page
    assert client.post(url, {"act": "return", "return-reasons": "the price"}).status_code == 302
    assert SelectionTask.objects.get().state == TaskState.RETURNED
