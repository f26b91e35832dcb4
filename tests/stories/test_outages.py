"""Clocks that come late or twice, keys that were changed, work that takes long: the case goes on, once and in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from marketplace import clock, deadlines, events, notifications, parameters, vault
from marketplace.deadlines import Due, calendar
from marketplace.errors import FieldErrors, RuleBroken
from marketplace.models import Event, Installation, Notification, OutboxMessage, RuleParameter, Upload
from projects import actions, conductor, delay, draw, messages, verify
from projects.models import LiveSession, SelectionTask
from projects.states import SessionState, TaskState
from tests.factories import person_at
from tests.live import CLOSES, NOW, OPENS, Scene, scene

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)


@pytest.fixture
def world() -> Scene:
    return scene(agencies=2)


# ---------- the clock comes late, twice, or takes long ----------


@pytest.mark.parametrize("days_late", [1, 3, 4, 10, 30])
def test_an_extension_found_late_still_counts_as_many_working_days(world: Scene, days_late: int) -> None:
    task = world.published()
    late = CLOSES + timedelta(days=days_late)
    moved = actions.close_signup(task, at=late)
    days = calendar()
    asked = days.workdays_between(clock.local_date(NOW), clock.local_date(CLOSES))
    assert moved.extensions == 1
    assert days.workdays_between(clock.local_date(late), clock.local_date(moved.signup_deadline)) == asked
    assert moved.selection_at - moved.signup_deadline == OPENS - CLOSES


def test_an_extension_found_within_the_pace_of_the_clock_counts_from_the_deadline(world: Scene) -> None:
    task = world.published()
    midnight = datetime.fromisoformat("2026-03-17T00:00:00+08:00")
    SelectionTask.objects.filter(pk=task.pk).update(signup_deadline=midnight)
    moved = actions.close_signup(SelectionTask.objects.get(pk=task.pk), at=midnight + S)
    # Published on Tuesday the 10th, ended with Monday the 16th: four working days, and four more.
    assert moved.signup_deadline == datetime.fromisoformat("2026-03-21T00:00:00+08:00")


def test_two_clocks_that_find_a_missed_opening_move_it_once() -> None:
    task = scene().closed()
    found = LiveSession.objects.get(), LiveSession.objects.get()
    late = OPENS + timedelta(minutes=25)
    conductor.open_session(found[0], at=late)
    with pytest.raises(RuleBroken):
        conductor.open_session(found[1], at=late + S)
    session = LiveSession.objects.get()
    assert (session.state, session.attempt) == (SessionState.PLANNED, 2)
    assert Event.objects.filter(type="session.rescheduled").count() == 1
    assert task.session is not None


def test_a_clock_with_an_old_view_opens_the_attempt_that_is_due() -> None:
    """The plan and the attempt are those of the locked row, not of the row that was read before."""
    scene().closed()
    stale = LiveSession.objects.get()
    conductor.open_session(LiveSession.objects.get(), at=OPENS + timedelta(minutes=25))
    session = conductor.open_session(stale, at=OPENS + timedelta(minutes=30))
    assert session.opening["attempt"] == session.attempt == 2


def test_each_act_of_a_long_pass_is_dated_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that takes long must not open a pot with a window that is over, nor seal one after its time."""
    dated: list[datetime] = []

    def source(now: datetime) -> Iterator[Due]:
        yield Due(now, "first", dated.append)
        yield Due(now, "second", dated.append)

    readings = iter([NOW + S, NOW + 30 * S])
    monkeypatch.setattr(deadlines, "import_string", lambda path: source)
    monkeypatch.setattr(deadlines.settings, "DEADLINE_SOURCES", ["x"])
    assert deadlines.run_due(NOW, reading=lambda: next(readings)) == ["first", "second"]
    assert dated == [NOW + S, NOW + 30 * S]


def test_one_app_that_cannot_say_what_is_due_holds_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: datetime) -> Iterator[Due]:
        raise OSError("the table is away")
        yield

    def whole(now: datetime) -> Iterator[Due]:
        yield Due(now, "done", lambda now: None)

    monkeypatch.setattr(deadlines, "import_string", {"a": broken, "b": whole}.__getitem__)
    monkeypatch.setattr(deadlines.settings, "DEADLINE_SOURCES", ["a", "b"])
    assert deadlines.run_due(NOW) == ["done"]


# ---------- keys ----------


def test_an_opening_with_another_signing_key_than_planned_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost keys are made anew silently; a draw under them would be one that no verifier accepts."""
    scene().closed()
    monkeypatch.setattr(vault.settings, "KEYS_DIR", tmp_path / "other")
    before = Event.objects.count()
    with pytest.raises(vault.Damaged):
        conductor.open_session(LiveSession.objects.get(), at=OPENS)
    assert Event.objects.count() == before
    assert LiveSession.objects.get().state == SessionState.PLANNED
    monkeypatch.undo()
    assert conductor.open_session(LiveSession.objects.get(), at=OPENS).state == SessionState.OPENED


def test_the_office_is_told_once_that_the_keys_are_missing_and_the_session_opens_when_they_are_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene()
    world.closed()
    before = Event.objects.count()
    with monkeypatch.context() as lost:
        lost.setattr(vault.settings, "KEYS_DIR", tmp_path / "other")
        for second in range(3):
            assert deadlines.run_due(OPENS + second * S) == []
    told = Notification.objects.filter(kind="session.keys")
    assert set(told.values_list("user", flat=True)) == {world.checker.pk, world.publisher.pk}
    assert told.count() == 2
    assert Event.objects.count() == before
    assert deadlines.run_due(OPENS + 5 * S) == [f"open {LiveSession.objects.get().sid}"]


# ---------- the worker ----------


def test_a_host_with_a_long_name_can_claim_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    scene().sealed()
    monkeypatch.setattr(conductor.socket, "gethostname", lambda: "worker-" + "a" * 50 + "-7c9f8")
    session = conductor.claim_sealed(OPENS + 20 * S)
    assert session is not None
    assert len(session.lease_owner) <= 60
    assert session.lease_owner.startswith("a" * 34 + "-7c9f8:")
    assert conductor.report_progress(session, at=OPENS + 21 * S, elapsed=1.0, speed=10)


def test_the_slow_opening_is_computed_whatever_folder_the_worker_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = delay.compute(b"\x07" * 32, 500, lambda elapsed: True)
    assert found == delay.evaluate(b"\x07" * 32, 500)


def test_an_installation_that_is_no_demo_plans_a_delay_that_verifiers_accept(world: Scene) -> None:
    """The regulation's own parameters, and any smaller number by mistake: never under what the law asks for."""
    Installation.objects.all().delete()
    RuleParameter.objects.filter(is_demo=True).delete()
    lawful = 15 * draw.STEPS_PER_SECOND_BOUND
    assert parameters.number("session.delay_steps", clock.local_date(NOW)) >= lawful
    session = world.published().session
    assert session is not None
    assert session.plan["vdf"]["iters"] >= lawful == (session.window_s + session.publish_s) * verify.STEPS_PER_SECOND
    RuleParameter.objects.filter(code="session.delay_steps").update(value="1000")
    session = world.published().session
    assert session is not None
    assert session.iters == session.plan["vdf"]["iters"] == lawful


# ---------- letters ----------


def test_a_line_break_in_a_name_does_not_stop_a_letter(world: Scene) -> None:
    task = world.draft(name="Survey\r\nBcc: x@example.org")
    messages.tell_owner(task, messages.TASK_RETURNED, NOW)
    assert notifications.send_due(NOW) == 1
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == [world.manager.email]


def test_a_letter_whose_words_are_lost_is_given_up_and_holds_no_other(world: Scene) -> None:
    Notification.objects.create(user=world.manager, kind="unknown", key="a", created_at=NOW)
    OutboxMessage.objects.create(
        notification=Notification.objects.get(key="a"), channel="email", address="a@example.org", due_at=NOW
    )
    assert notifications.send_due(NOW) == 0
    assert OutboxMessage.objects.get().attempts == 1
    assert OutboxMessage.objects.get().last_error


def test_a_delegate_is_not_told_about_the_draft_of_another(world: Scene) -> None:
    """A delegate sees his own tasks only; the letters keep to it."""
    author, other = person_at(world.owner, "delegate"), person_at(world.owner, "delegate")
    task = actions.draft_task(actor=author, at=NOW, owner=world.owner, fields=world.fields())
    task = actions.submit_task(task, actor=author, at=NOW)
    actions.return_task(task, actor=world.checker, at=NOW, reasons=["State the area."])
    told = set(Notification.objects.filter(kind=messages.TASK_RETURNED).values_list("user", flat=True))
    assert told == {author.pk, world.manager.pk}
    assert other.pk not in told


def test_who_can_no_longer_log_in_gets_no_letters() -> None:
    world = scene()
    task = world.published()
    world.sign_up(task)
    gone = world.agent(world.agencies[0])
    gone.is_active = False
    gone.save()
    actions.close_signup(task, at=CLOSES + S)
    told = Notification.objects.filter(kind=messages.ROSTER_CLOSED).values_list("user", flat=True)
    assert set(told) == {world.agent(agency).pk for agency in world.agencies[1:]}


# ---------- publication ----------


def test_the_office_cannot_move_the_selection_earlier_than_the_owner_asked(world: Scene) -> None:
    task = world.checked()
    with pytest.raises(FieldErrors) as refusal:
        actions.publish_notice(task, actor=world.publisher, at=NOW, selection_at=OPENS - timedelta(hours=1))
    assert set(refusal.value.fields) == {"selection_at"}
    assert SelectionTask.objects.get().state == TaskState.CHECKED
    assert LiveSession.objects.count() == 0


def test_attachments_are_open_to_everybody_from_the_publication_on_and_not_before(world: Scene) -> None:
    upload = Upload.objects.create(
        organisation=world.owner, name="plan.pdf", content_type="application/pdf", size=3, sha256="0" * 64,
        created_at=NOW,
    )  # fmt: skip
    task = actions.draft_task(
        actor=world.manager, at=NOW, owner=world.owner, fields=world.fields(), attachments=[upload]
    )
    task = actions.submit_task(task, actor=world.manager, at=NOW)
    task = actions.check_task(task, actor=world.checker, at=NOW)
    assert not Upload.objects.get().is_public
    actions.publish_notice(task, actor=world.publisher, at=NOW)
    assert Upload.objects.get().is_public


def test_a_file_of_a_draft_is_for_its_owner_and_the_office(world: Scene) -> None:
    browser = Client()
    browser.force_login(world.manager)
    times = {"signup_deadline": "2099-03-16 17:30", "selection_at": "2099-03-17 10:00"}
    sent = world.fields(item=world.item.pk, reserves=2, **times) | {
        "files": SimpleUploadedFile("plan.pdf", b"%PDF-1.4 x %%EOF", "application/pdf")
    }
    answer = browser.post("/desk/tasks/new/", sent)
    assert answer.status_code == 302, answer.content.decode()
    upload = Upload.objects.get()
    assert Client().get(f"/files/{upload.pk}/").status_code == 404
    assert browser.get(f"/files/{upload.pk}/").status_code == 200


# ---------- the log ----------


def test_verifying_a_log_that_grows_meanwhile_finds_no_fault(world: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    task = world.published()
    assert task.session is not None
    stream = task.session.stream_name()
    grown: list[Any] = []
    plain = events.chain_hash

    def growing(prev: str, content: dict[str, Any]) -> str:
        if not grown:
            grown.append(True)
            with transaction.atomic():
                events.record(stream, "session.finished", {"sid": "x"}, actor=None, at=NOW)
        return plain(prev, content)

    rows = list(events.Stream.objects.filter(name=stream))
    monkeypatch.setattr(events, "chain_hash", growing)
    assert list(events.verify(rows)) == []
    assert grown


def test_a_list_asked_for_after_a_draft_begins_at_its_start(world: Scene) -> None:
    world.published()
    hidden = world.draft()
    for address in ("/notices/", "/desk/open-tasks/"):
        browser = Client()
        browser.force_login(world.agent(world.agencies[0]))
        assert browser.get(address, {"after": hidden.pk}).status_code == 200, address
        assert browser.get(address, {"before": hidden.pk}).status_code == 200, address


def test_a_control_character_in_a_name_does_not_break_the_feed(world: Scene) -> None:
    world.published(name="Survey \x08 of the dam")
    answer = Client().get("/notices.rss")
    assert answer.status_code == 200
    assert "Survey" in answer.content.decode()
