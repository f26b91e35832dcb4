"""Pre-check: advice before the submission, one at a time, answered once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agencies import actions, entry_journal
from agencies.models import Agency, PreCheck
from agencies.states import AgencyState
from marketplace import events
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, ServiceItem, User
from tests.factories import MONDAY, UserFactory, entered_agency, person_at

# 24:00 in China on Wednesday 11 March: two working days after Monday the 9th.
DUE = datetime(2026, 3, 11, 16, 0, tzinfo=UTC)


@pytest.fixture
def draft(newcomer: User, free: ServiceItem) -> Agency:
    return entered_agency(free, until=AgencyState.DRAFT, member=newcomer)


def refused(kind: type[Exception], act: Any) -> Any:
    before = (list(PreCheck.objects.values()), Event.objects.count(), Notification.objects.count())
    with pytest.raises(kind) as refusal:
        act()
    assert (list(PreCheck.objects.values()), Event.objects.count(), Notification.objects.count()) == before
    return refusal.value


def test_pre_check_is_asked_and_answered_and_moves_nothing(draft: Agency, newcomer: User, officer: User) -> None:
    asked = actions.ask_precheck(draft, " Is my licence enough? ", actor=newcomer, at=MONDAY)
    assert (asked.question, asked.due, asked.derivation["value"]) == ("Is my licence enough?", DUE, "2")
    assert set(Notification.objects.values_list("kind", flat=True)) == {entry_journal.NOTE_PRECHECK}
    assert Notification.objects.filter(user=officer).count() == 1

    remarks = [{"field": "address", "sentence": "The licence shows another one."}]
    answered = actions.answer_precheck(asked, remarks, actor=officer, at=MONDAY + timedelta(days=1))

    assert (answered.remarks, answered.answered_by) == (remarks, officer)
    assert Agency.objects.get().state == AgencyState.DRAFT
    letter = Notification.objects.get(user=newcomer)
    assert (letter.kind, letter.params["count"]) == (entry_journal.NOTE_PRECHECK_ANSWERED, 1)
    public = str([row["data"] for row in events.read_all(draft.stream_name())][-2:])
    assert "licence" not in public
    # The next one may follow.
    actions.ask_precheck(draft, actor=newcomer, at=MONDAY + timedelta(days=1))


def test_one_pre_check_is_open_at_a_time(draft: Agency, newcomer: User) -> None:
    actions.ask_precheck(draft, actor=newcomer, at=MONDAY)

    refusal = refused(RuleBroken, lambda: actions.ask_precheck(draft, actor=newcomer, at=MONDAY))

    assert refusal.code == "precheck_is_open"


def test_pre_check_is_for_members_before_the_submission(draft: Agency, newcomer: User, officer: User) -> None:
    for actor in (officer, UserFactory(), None):
        refused(NotAllowed, lambda actor=actor: actions.ask_precheck(draft, actor=actor, at=MONDAY))  # type: ignore[misc]
    refused(FieldErrors, lambda: actions.ask_precheck(draft, "x" * 1001, actor=newcomer, at=MONDAY))

    actions.submit_entry(draft, actor=newcomer, at=MONDAY)
    refused(WrongState, lambda: actions.ask_precheck(draft, actor=newcomer, at=MONDAY))


def test_answer_names_known_fields_and_comes_once_from_an_independent_office(
    draft: Agency, newcomer: User, officer: User, office: Organisation
) -> None:
    asked = actions.ask_precheck(draft, actor=newcomer, at=MONDAY)
    insider = person_at(office)
    Membership.objects.create(user=insider, organisation=draft.organisation, role=Membership.Role.DELEGATE)

    refused(RuleBroken, lambda: actions.answer_precheck(asked, actor=insider, at=MONDAY))
    refused(NotAllowed, lambda: actions.answer_precheck(asked, actor=newcomer, at=MONDAY))
    for field, sentence in (("moon", "Wrong."), ("address", " ")):
        said = [{"field": field, "sentence": sentence}]
        refusal = refused(
            FieldErrors, lambda said=said: actions.answer_precheck(asked, said, actor=officer, at=MONDAY)
        )  # type: ignore[misc]
        assert list(refusal.fields) == [field]

    assert actions.answer_precheck(asked, actor=officer, at=MONDAY).remarks == []
    refused(WrongState, lambda: actions.answer_precheck(asked, actor=officer, at=MONDAY))


def test_remarks_of_a_pre_check_bind_no_later_notice(draft: Agency, newcomer: User, officer: User) -> None:
    asked = actions.ask_precheck(draft, actor=newcomer, at=MONDAY)
    actions.answer_precheck(asked, [{"field": "address", "sentence": "No."}], actor=officer, at=MONDAY)
    agency = actions.submit_entry(draft, actor=newcomer, at=MONDAY)

    agency = actions.return_entry(
        agency, defects=[{"field": "contact_name", "sentence": "Who?"}], actor=officer, at=MONDAY
    )

    assert agency.state == AgencyState.RETURNED
