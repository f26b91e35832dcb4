"""The log: gap-free, chained, closed; verify_log finds whatever was changed, lost or moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from marketplace import events
from marketplace.models import Event, Organisation, Stream
from tests.factories import person_of

AT = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)
STREAM = "project:T1"

if "test.note" not in events.event_types():
    events.register("test.note", "note {text}", data={"text": str}, optional={"n": int}, private={"secret": str})

pytestmark = pytest.mark.django_db


def note(text: str, stream: str = STREAM, **more: Any) -> Event:
    with transaction.atomic():
        return events.record(stream, "test.note", {"text": text, **more}, actor=None, at=AT, private={"secret": "s"})


def faults() -> list[tuple[int, str]]:
    return [(fault.seq, fault.what) for fault in events.verify()]


def test_seq_counts_each_stream_from_one_without_a_gap() -> None:
    first, second, other = note("a"), note("b"), note("c", stream="project:T2")
    assert (first.seq, second.seq, other.seq) == (1, 2, 1)
    assert events.head(STREAM) == (2, second.hash)
    assert events.heads([STREAM, "project:T2", "project:none"]) == {STREAM: 2, "project:T2": 1}


def test_a_rolled_back_change_leaves_no_event_and_no_gap() -> None:
    note("a")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        events.record(STREAM, "test.note", {"text": "lost"}, actor=None, at=AT, private={"secret": "s"})
        raise ZeroDivisionError
    assert note("b").seq == 2
    assert faults() == []


def test_an_event_outside_a_transaction_is_refused(transactional_db: None) -> None:
    with pytest.raises(events.BadEvent):
        events.record(STREAM, "test.note", {"text": "x"}, actor=None, at=AT, private={"secret": "s"})
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    "data", [{}, {"text": 1}, {"text": "a", "more": 1}, {"text": "a", "n": True}, {"text": "a", "n": 2**53}]
)
def test_a_payload_that_does_not_fit_its_schema_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(events.BadEvent), transaction.atomic():
        events.record(STREAM, "test.note", data, actor=None, at=AT, private={"secret": "s"})
    assert Event.objects.count() == 0


def test_the_public_envelope_hides_private_fields_but_commits_to_them() -> None:
    event = note("a")
    envelope = events.read(STREAM)[0]
    assert set(envelope) == {"stream", "seq", "type", "at", "actor", "data", "sealed", "prev", "hash"}
    assert "secret" not in str(envelope)
    assert event.private is not None
    assert envelope["sealed"] == events.commitment(event.private)
    assert event.hash == events.chain_hash(events.NO_HASH, events.body(event, STREAM))


def test_an_office_acts_under_its_name_and_not_under_the_persons() -> None:
    officer = person_of(Organisation.Kind.OFFICE, full_name="Zhang San")
    with transaction.atomic():
        events.record(STREAM, "test.note", {"text": "a"}, actor=officer, at=AT, private={"secret": "s"})
        events.record(
            STREAM, "test.note", {"text": "b"}, actor=officer, at=AT, private={"secret": "s"}, anonymous=True
        )
    named, unnamed = events.read(STREAM)
    assert named["actor"]["role"] == unnamed["actor"]["role"] == "office"
    assert named["actor"]["name"] == officer.memberships.get().organisation.name
    assert unnamed["actor"]["name"] == ""
    assert "Zhang" not in str([named, unnamed])


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"text": "other"}},
        {"type": "other.type"},
        {"actor_role": "office"},
        {"at": datetime(2026, 3, 9, 3, 0, tzinfo=UTC)},
        {"private": {"salt": "00" * 32, "fields": {"secret": "t"}}},
        {"private": None},
        {"sealed": None},
        {"hash": "ab" * 32},
        {"prev": "ab" * 32},
    ],
)
def test_verify_log_finds_a_changed_event(change: dict[str, Any]) -> None:
    for text in "abc":
        note(text)
    assert faults() == []
    Event.objects.filter(seq=2).update(**change)
    assert {seq for seq, _ in faults()} & {2, 3}


def test_verify_log_finds_a_missing_event_a_lost_tail_and_a_reordered_pair() -> None:
    for text in "abcd":
        note(text)
    for lost in (2, 4):
        with transaction.atomic():
            Event.objects.filter(seq=lost).delete()
            assert faults() != []
            transaction.set_rollback(True)
    Event.objects.filter(seq=2).update(seq=99)
    Event.objects.filter(seq=3).update(seq=2)
    Event.objects.filter(seq=99).update(seq=3)
    assert faults() != []


def test_verify_log_exits_with_one_on_a_fault_and_returns_quietly_without(capsys: pytest.CaptureFixture[str]) -> None:
    note("a")
    call_command("verify_log")
    assert "1 streams, 1 events, 0 faults" in capsys.readouterr().out
    Event.objects.update(data={"text": "b"})
    with pytest.raises(SystemExit) as end:
        call_command("verify_log")
    assert end.value.code == 1


def test_private_streams_are_for_the_office_and_the_supervisor() -> None:
    events.open_stream(STREAM, public=False)
    readers = [kind for kind in Organisation.Kind if events.may_read(person_of(kind), STREAM)]
    assert readers == [Organisation.Kind.OFFICE, Organisation.Kind.SUPERVISOR]
    assert not events.may_read(None, STREAM)
    events.make_public(STREAM)
    assert events.may_read(None, STREAM)
    assert Stream.objects.count() == 1
