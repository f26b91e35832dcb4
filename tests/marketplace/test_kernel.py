"""Gate, deadlines, parameters, vault, outbox: the promises of the kernel."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from marketplace import catalogue, deadlines, notifications, parameters, vault
from marketplace.errors import NotAllowed, RuleBroken, WrongState
from marketplace.models import (
    CalendarDay,
    Event,
    OutboxMessage,
    Requirement,
    RuleParameter,
    ServiceClass,
    ServiceItem,
)
from marketplace.workflow import fire, why_not
from projects.models import SelectionTask
from projects.states import TaskState
from tests.factories import UserFactory
from tests.live import NOW, scene

pytestmark = pytest.mark.django_db
SHANGHAI_MIDNIGHT = "T00:00:00+08:00"

KIND = (
    "test.message"
    if "test.message" in notifications.kinds()
    else notifications.register("test.message", "About {what}", "Body {what}")
)


# ---- the gate ----------------------------------------------------------------------------------------------------


def test_a_state_cannot_be_assigned_past_the_gate() -> None:
    task = scene().draft()
    with pytest.raises(AttributeError):
        task.state = TaskState.PUBLISHED
    task.refresh_from_db()
    with pytest.raises(AttributeError):
        task.state = TaskState.PUBLISHED
    assert SelectionTask.objects.get().state == TaskState.DRAFT


def test_the_database_refuses_an_unknown_state() -> None:
    scene().draft()
    with pytest.raises(IntegrityError), transaction.atomic():
        SelectionTask.objects.update(state="won")


def test_a_refused_verb_changes_nothing_and_says_why() -> None:
    world = scene()
    task, events_before = world.draft(), Event.objects.count()
    with pytest.raises(WrongState):
        fire(task, "check_notice", actor=world.checker, at=NOW, by=world.checker)
    with pytest.raises(NotAllowed):
        fire(task, "submit", actor=world.checker, at=NOW)
    assert isinstance(why_not(task, "submit", actor=world.checker, at=NOW), NotAllowed)
    assert why_not(task, "submit", actor=world.manager, at=NOW) is None
    task.refresh_from_db()
    assert task.state == TaskState.DRAFT
    assert Event.objects.count() == events_before


def test_a_moved_case_is_seen_even_through_a_stale_object() -> None:
    world = scene()
    task = world.draft()
    stale = SelectionTask.objects.get(pk=task.pk)
    fire(task, "submit", actor=world.manager, at=NOW)
    with pytest.raises(WrongState):
        fire(stale, "submit", actor=world.manager, at=NOW)


# ---- parameters and deadlines ------------------------------------------------------------------------------------


def test_a_parameter_holds_between_its_dates() -> None:
    parameters.load_file("parameters.json")
    assert parameters.number("limit.government_procurement", date(2021, 12, 31)) == 300_000
    assert parameters.number("limit.government_procurement", date(2022, 1, 1)) == 500_000
    with pytest.raises(parameters.UnknownParameter):
        parameters.number("limit.government_procurement", date(2019, 12, 31))


def test_a_demo_value_goes_before_the_regulations_from_its_day_on() -> None:
    parameters.load_file("parameters.json")
    parameters.load_file("demo_parameters.json", is_demo=True, valid_from=date(2026, 5, 1))
    assert parameters.parameter("award.publicity", date(2026, 4, 30)).unit == "workdays"
    assert parameters.parameter("award.publicity", date(2026, 5, 1)).is_demo


def test_every_shipped_parameter_names_its_legal_basis() -> None:
    parameters.load_file("parameters.json")
    assert RuleParameter.objects.filter(basis="").count() == 0


def test_publicity_over_national_day_ends_at_midnight_and_shows_the_days() -> None:
    parameters.load_file("parameters.json")
    start = datetime.fromisoformat("2026-09-29T16:00:00+08:00")
    found = deadlines.deadline("award.publicity", start)
    assert found.due == datetime.fromisoformat("2026-10-10" + SHANGHAI_MIDNIGHT)
    counted = [day["date"] for day in found.derivation["period"]["days"] if day["counted"]]
    assert counted == ["2026-09-30", "2026-10-08", "2026-10-09"]


def test_a_local_closure_moves_a_deadline_and_names_another_calendar_version() -> None:
    parameters.load_file("parameters.json")
    start = datetime.fromisoformat("2026-03-10T10:00:00+08:00")
    plain = deadlines.deadline("award.publicity", start)
    CalendarDay.objects.create(day=date(2026, 3, 11), is_workday=False, basis="flood")
    moved = deadlines.deadline("award.publicity", start)
    assert moved.due - plain.due == timedelta(days=3)  # the Friday's place is taken by the Monday after
    assert moved.derivation["period"]["version"] != plain.derivation["period"]["version"]


def test_one_failing_act_of_the_clock_holds_no_other(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    done: list[str] = []

    def broken(_now: datetime) -> None:
        raise RuntimeError("broken")

    def refused(_now: datetime) -> None:
        raise RuleBroken("late", "late")

    work = [
        deadlines.Due(NOW + timedelta(2), "third", lambda now: done.append("third")),
        deadlines.Due(NOW, "first", broken),
        deadlines.Due(NOW + timedelta(1), "second", refused),
    ]
    monkeypatch.setattr(deadlines, "import_string", lambda path: lambda now: iter(work))
    settings.DEADLINE_SOURCES = ["one"]
    assert deadlines.run_due(NOW) == ["third"]
    assert done == ["third"]


# ---- the catalogue -----------------------------------------------------------------------------------------------


def test_the_catalogue_has_6_classes_78_items_20_tied_to_an_approval_and_loads_twice_alike() -> None:
    assert catalogue.load() == catalogue.load() == 78
    assert ServiceClass.objects.count() == 6
    assert ServiceItem.objects.count() == Requirement.objects.count() == 78
    assert ServiceItem.objects.filter(approval_linked=True).count() == 20
    assert set(Requirement.objects.values_list("kind", flat=True)) == set(Requirement.Kind.values)
    assert not Requirement.objects.filter(kind="rating", is_mandatory=True).exists()


# ---- the vault ---------------------------------------------------------------------------------------------------


def test_a_sealed_secret_opens_for_its_purpose_only_and_not_when_damaged(keys: Path) -> None:
    sealed = vault.seal(b"secret", purpose="a")
    assert vault.unseal(sealed, purpose="a") == b"secret"
    assert b"secret" not in sealed
    for bad, purpose in ((sealed, "b"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), "a"), (b"", "a")):
        with pytest.raises(vault.Damaged):
            vault.unseal(bad, purpose=purpose)
    assert [oct(path.stat().st_mode & 0o777) for path in keys.iterdir()] == ["0o600"]


# ---- the outbox --------------------------------------------------------------------------------------------------


def test_a_message_reaches_a_person_once_and_is_sent_once() -> None:
    user = UserFactory(email="a@example.org")
    for _ in range(2):
        notifications.notify([user], KIND, {"what": "x"}, key="k", at=NOW)
    assert user.notifications.count() == 1
    assert notifications.send_due(NOW) == 1
    assert notifications.send_due(NOW) == 0
    assert [letter.subject for letter in mail.outbox] == ["About x"]


def test_a_failed_letter_is_kept_and_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    notifications.notify([UserFactory(email="a@example.org")], KIND, {"what": "x"}, key="k", at=NOW)

    def down(*_: Any) -> None:
        raise OSError("down")

    with monkeypatch.context() as broken:
        broken.setattr(notifications, "send_mail", down)
        assert notifications.send_due(NOW) == 0
    message = OutboxMessage.objects.get()
    assert (message.state, message.attempts, message.last_error) == ("waiting", 1, "down")
    assert notifications.send_due(NOW) == 0
    assert notifications.send_due(NOW + timedelta(minutes=2)) == 1


def test_a_sender_that_died_leaves_its_message_to_the_next() -> None:
    notifications.notify([UserFactory(email="a@example.org")], KIND, {"what": "x"}, key="k", at=NOW)
    assert notifications._claim(NOW) is not None
    assert notifications.send_due(NOW) == 0
    assert notifications.send_due(NOW + notifications.LEASE) == 1


def test_datetimes_of_the_test_world_are_aware() -> None:
    assert NOW.utcoffset() == timedelta(hours=8)
    assert NOW.astimezone(UTC).hour == 2
