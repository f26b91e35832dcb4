"""What follows from the ledger: warnings, suspensions, removal, and how they are lifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agencies import actions, credit_deadlines, ledger, penalties, queries
from agencies.models import Penalty
from agencies.states import AgencyState, EntryState
from marketplace import clock, events, uploads
from marketplace.deadlines import run_due
from marketplace.errors import FieldErrors, RuleBroken
from marketplace.models import Notification, ServiceItem
from tests.factories import MONDAY, AgentFactory, PractitionerFactory, documented, offers, pdf, person_of

from .credit_story import REPLY_UNTIL, TICK, Story, make_story, snapshot

# 24:00 of 17 June: three months after 17 March, the day the entries count from.
SUSPENDED_UNTIL = datetime(2026, 6, 17, 16, 0, tzinfo=UTC)
# 24 months after that day, to its end.
BANNED_UNTIL = datetime(2028, 3, 17, 16, 0, tzinfo=UTC)


@pytest.fixture
def story() -> Story:
    return make_story()


def suspended(story: Story) -> list[Any]:
    return [story.counted("award_given_up") for _ in range(3)]


def test_third_award_given_up_within_a_year_suspends_for_three_months(story: Story, free: ServiceItem) -> None:
    offers(story.agency, free)
    day = clock.local_date(REPLY_UNTIL)
    first, second = story.counted("award_given_up"), story.counted("award_given_up")
    assert (Penalty.objects.count(), story.fresh().state) == (0, AgencyState.ACTIVE)
    assert queries.is_eligible(story.agency, free, day)

    third = story.counted("award_given_up")

    penalty = Penalty.objects.get()
    assert (penalty.kind, penalty.cause, penalty.until) == ("suspension", third, SUSPENDED_UNTIL)
    assert set(penalty.entries.all()) == {first, second, third}
    agency = story.fresh()
    assert (agency.state, agency.suspended_until) == (AgencyState.SUSPENDED, SUSPENDED_UNTIL)
    assert not queries.is_eligible(agency, free, day)
    assert story.types()[-2:] == ["credit.suspension_imposed", "agency.suspended"]
    assert story.last("credit.suspension_imposed")["entries"] == sorted([first.pk, second.pk, third.pk])
    assert Notification.objects.filter(user=story.member, kind="agency.suspended").count() == 1


def test_award_given_up_more_than_a_year_before_does_not_count(story: Story) -> None:
    story.counted("award_given_up", at=MONDAY - timedelta(days=370))
    for _ in range(2):
        story.counted("award_given_up")

    assert Penalty.objects.count() == 0


def test_suspension_ends_by_the_clock_and_not_before(story: Story) -> None:
    suspended(story)

    with pytest.raises(RuleBroken):
        penalties.end_suspension(story.agency, at=SUSPENDED_UNTIL - TICK)
    assert run_due(SUSPENDED_UNTIL - TICK) == []
    assert run_due(SUSPENDED_UNTIL) == [f"{story.agency.stream_name()} end_suspension"]

    agency = story.fresh()
    assert (agency.state, agency.suspended_until) == (AgencyState.ACTIVE, None)
    before = snapshot()
    penalties.end_suspension(agency, at=SUSPENDED_UNTIL)
    assert list(credit_deadlines.due(SUSPENDED_UNTIL)) == []
    assert snapshot() == before


def test_agency_suspended_on_its_commitment_gets_new_clocks_for_its_documents() -> None:
    story = make_story(state=AgencyState.VERIFYING)
    suspended(story)

    run_due(SUSPENDED_UNTIL)

    agency = story.fresh()
    assert agency.state == AgencyState.COMMITTED
    assert agency.documents_supply_due is not None and agency.documents_due is not None
    assert SUSPENDED_UNTIL < agency.documents_supply_due < agency.documents_due


def test_breach_is_punished_once(story: Story) -> None:
    suspended(story)
    for _ in range(2):
        story.counted("award_given_up")
    assert Penalty.objects.count() == 1

    story.counted("award_given_up", at=MONDAY + timedelta(days=7))

    assert Penalty.objects.count() == 2
    assert story.fresh().suspended_until == SUSPENDED_UNTIL + timedelta(days=7)


def test_following_again_makes_no_second_penalty(story: Story) -> None:
    third = suspended(story)[-1]
    before = snapshot()

    assert penalties.follow(third, actor=None, at=REPLY_UNTIL) == Penalty.objects.get()
    assert snapshot() == before


def test_warning_moves_no_state(story: Story) -> None:
    story.counted("late_signing")
    story.counted("late_signing")

    assert (Penalty.objects.get().kind, story.fresh().state) == ("warning", AgencyState.ACTIVE)
    assert Notification.objects.filter(user=story.member, kind="credit.warned").count() == 1


@pytest.mark.parametrize(
    "rule", ["collusion", "false_materials", "borrowed_certificates", "secrets_leaked", "false_commitment"]
)
def test_serious_breach_removes_with_public_notice(story: Story, rule: str) -> None:
    supervisor = person_of("supervisor")

    story.counted(rule)

    agency = story.fresh()
    assert (agency.state, agency.stars, agency.commitment_barred) == (AgencyState.REMOVED, 2, True)
    # 24 months after 17 March 2026, to the end of that day.
    assert agency.reentry_from == datetime(2028, 3, 17, 16, 0, tzinfo=UTC)
    assert story.last("agency.removed")["reentry_from"] == clock.iso_micros(agency.reentry_from)
    for person in (supervisor, story.member):
        assert Notification.objects.filter(user=person, kind="agency.removed").count() == 1


def test_third_complaint_upheld_within_a_year_removes(story: Story) -> None:
    for _ in range(2):
        story.counted("complaint_upheld")
    assert story.fresh().state == AgencyState.ACTIVE

    story.counted("complaint_upheld")

    assert story.fresh().state == AgencyState.REMOVED


def test_nothing_follows_while_the_right_of_reply_runs(story: Story) -> None:
    story.enter("collusion")

    assert (Penalty.objects.count(), story.fresh().state) == (0, AgencyState.ACTIVE)


# ---------- who has left ----------


def test_agency_that_has_left_is_removed_and_its_way_back_waits_for_a_suspension() -> None:
    removed, waiting = make_story(state=AgencyState.WITHDRAWN), make_story(state=AgencyState.WITHDRAWN)

    removed.counted("collusion")
    suspended(waiting)

    assert removed.fresh().state == AgencyState.REMOVED
    agency = waiting.fresh()
    assert (agency.state, agency.reentry_from) == (AgencyState.WITHDRAWN, SUSPENDED_UNTIL)


def test_suspension_waits_for_who_left_before_it_and_began_again(free: ServiceItem) -> None:
    story = make_story(commitment_signed_at=MONDAY)
    entries = [story.enter("award_given_up") for _ in range(3)]
    actions.withdraw(story.agency, "x", actor=story.member, at=MONDAY)
    actions.begin_again(story.agency, actor=story.member, at=MONDAY)
    offers(story.agency, free)
    agency = actions.sign_commitment(story.agency, actor=story.member, at=MONDAY)
    documented(agency, uploads.store(pdf(), organisation=agency.organisation, actor=None, at=MONDAY))
    agency = actions.submit_entry(agency, actor=story.member, at=MONDAY)

    for entry in entries:
        ledger.let_stand(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.reentry_from) == (AgencyState.SUBMITTED, SUSPENDED_UNTIL)
    assert story.last("agency.entry_barred")["reentry_from"] == clock.iso_micros(SUSPENDED_UNTIL)
    assert Notification.objects.filter(user=story.member, kind="agency.entry_barred").count() == 1
    before = snapshot()
    with pytest.raises(RuleBroken) as refusal:
        actions.approve_entry(agency, actor=story.maker, at=SUSPENDED_UNTIL - TICK)
    assert (refusal.value.code, snapshot()) == ("reentry_is_open", before)
    assert actions.approve_entry(agency, actor=story.maker, at=SUSPENDED_UNTIL).state == AgencyState.PUBLICITY


@pytest.mark.parametrize("state", [AgencyState.DRAFT, AgencyState.RETURNED])
def test_agency_under_a_ban_cannot_submit_by_any_way(state: AgencyState) -> None:
    story = make_story(state=state, publicity_from=MONDAY)
    suspended(story)

    for act in (actions.submit_entry, actions.enter_on_commitment):
        before = snapshot()
        with pytest.raises(RuleBroken) as refusal:
            act(story.fresh(), actor=story.member, at=SUSPENDED_UNTIL - TICK)
        assert (refusal.value.code, snapshot()) == ("reentry_is_open", before)
        with pytest.raises(FieldErrors):
            act(story.fresh(), actor=story.member, at=SUSPENDED_UNTIL)


def test_entry_in_publicity_takes_effect_after_the_suspension_only() -> None:
    story = make_story(state=AgencyState.PUBLICITY)
    suspended(story)

    assert run_due(SUSPENDED_UNTIL - TICK) == []
    assert story.fresh().state == AgencyState.PUBLICITY
    assert run_due(SUSPENDED_UNTIL) == [f"{story.agency.stream_name()} end_publicity"]
    assert story.fresh().state == AgencyState.ACTIVE


def test_removal_of_an_agency_under_a_new_form_check_is_a_ban() -> None:
    story = make_story(state=AgencyState.SUBMITTED, publicity_from=MONDAY)

    entry = story.counted("collusion")

    agency = story.fresh()
    assert (Penalty.objects.get().kind, agency.state) == ("removal", AgencyState.SUBMITTED)
    assert (agency.reentry_from, agency.commitment_barred) == (BANNED_UNTIL, True)

    story.strike_out(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.reentry_from, agency.commitment_barred) == (AgencyState.SUBMITTED, None, False)


# ---------- lifting ----------


def test_reinstated_agency_has_again_what_was_taken_but_whom_another_has(surveying: ServiceItem) -> None:
    story = make_story()
    offers(story.agency, surveying)
    stays, goes, gone = (PractitionerFactory(agency=story.agency) for _ in range(3))
    agent, unchecked = AgentFactory(agency=story.agency), PractitionerFactory(agency=story.agency, checked=False)
    documented(
        story.agency,
        uploads.store(pdf(), organisation=story.agency.organisation, actor=None, at=MONDAY),
        checked=True,
    )
    entry = story.counted("collusion")
    assert not (story.agency.practitioners.filter(checked=True) or story.agency.qualifications.filter(checked=True))
    assert not queries.is_eligible(story.agency, surveying, clock.local_date(REPLY_UNTIL))
    # Free for others now: one is checked elsewhere; the office ends the registration of another.
    PractitionerFactory(number_of="elsewhere", id_digest=goes.id_digest)
    actions.office_release_practitioner(gone, "Dead.", actor=story.maker, at=REPLY_UNTIL)

    story.strike_out(entry, at=REPLY_UNTIL)

    assert story.fresh().state == AgencyState.ACTIVE
    assert queries.is_eligible(story.fresh(), surveying, clock.local_date(REPLY_UNTIL))
    assert all(story.agency.documents.values_list("checked", flat=True))
    for person, expected in (
        (stays, (True, None)),
        (goes, (False, clock.local_date(REPLY_UNTIL))),
        (gone, (False, clock.local_date(REPLY_UNTIL))),
        (agent, (True, None)),
        (unchecked, (False, None)),
    ):
        person.refresh_from_db()
        assert (person.checked, person.left_on) == expected
    assert story.last("agency.practitioners_gone") == {"count": 1, "people": [goes.pk]}
    letter = Notification.objects.get(user=story.member, kind="agency.practitioners_gone")
    assert letter.params["people"] == goes.full_name
    assert goes.full_name not in str(events.read_all(story.agency.stream_name()))


def test_suspended_before_its_documents_were_checked_comes_back_on_its_commitment(surveying: ServiceItem) -> None:
    story = make_story(state=AgencyState.VERIFYING)
    offers(story.agency, surveying, checked=False, committed=True)
    entry = story.counted("collusion")
    assert list(story.agency.qualifications.values_list("checked", "committed")) == [(False, False)]

    story.strike_out(entry, at=REPLY_UNTIL)

    assert story.fresh().state == AgencyState.COMMITTED
    assert list(story.agency.qualifications.values_list("checked", "committed")) == [(False, True)]


def test_agency_that_had_withdrawn_has_withdrawn_when_its_removal_is_lifted() -> None:
    story = make_story()
    entry = story.enter("collusion")
    actions.withdraw(story.agency, "We retire.", actor=story.member, at=MONDAY)
    ledger.let_stand(entry, at=REPLY_UNTIL)
    assert story.fresh().state == AgencyState.REMOVED

    story.strike_out(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.left_at, agency.left_reason) == (AgencyState.WITHDRAWN, MONDAY, "We retire.")
    assert (agency.reentry_from, agency.removed_from, agency.held) == (None, "", {})
    assert actions.begin_again(agency, actor=story.member, at=REPLY_UNTIL).state == AgencyState.DRAFT


def test_entry_removed_in_its_publicity_is_checked_again_when_the_removal_is_lifted() -> None:
    story = make_story(state=AgencyState.PUBLICITY)
    entry = story.counted("collusion")
    assert story.fresh().state == AgencyState.REMOVED

    story.strike_out(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.reentry_from, agency.publicity_until) == (AgencyState.DRAFT, None, None)
    assert (agency.left_reason, agency.commitment_barred) == ("", False)


def test_ban_lasts_as_long_as_what_still_stands_asks_for() -> None:
    story = make_story(state=AgencyState.WITHDRAWN)
    entry = story.counted("collusion")
    suspended(story)

    story.strike_out(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.reentry_from) == (AgencyState.WITHDRAWN, SUSPENDED_UNTIL)


def test_suspension_ends_at_once_when_an_entry_it_rests_on_is_struck_out(story: Story) -> None:
    first = suspended(story)[0]
    at = REPLY_UNTIL + timedelta(days=1)

    story.strike_out(first, at=at)

    penalty = Penalty.objects.get()
    assert (penalty.lifted_at, penalty.lifted_reason) == (at, "True.")
    agency = story.fresh()
    assert (agency.state, agency.suspended_until, agency.score) == (AgencyState.ACTIVE, None, 80)
    assert story.types()[-3:] == ["credit.penalty_lifted", "agency.suspension_ended", "credit.recounted"]


def test_other_suspension_goes_on_when_one_is_lifted(story: Story) -> None:
    entries = [story.counted("award_given_up") for _ in range(6)]
    assert Penalty.objects.count() == 2

    story.strike_out(entries[0], at=REPLY_UNTIL)

    assert story.fresh().state == AgencyState.SUSPENDED
    assert Penalty.objects.filter(lifted_at__isnull=True).get().cause == entries[5]


def test_removed_agency_is_reinstated_when_the_ground_is_struck_out(story: Story) -> None:
    entry = story.counted("collusion")

    story.strike_out(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.reentry_from, agency.left_reason) == (AgencyState.ACTIVE, None, "")
    assert (agency.commitment_barred, agency.score) == (False, 100)
    types = story.types()
    assert types.index("agency.reinstated") < types.index("agency.suspension_ended")


def test_reinstated_agency_stays_suspended_while_a_suspension_runs(story: Story) -> None:
    suspended(story)
    entry = story.counted("collusion")
    assert story.fresh().state == AgencyState.REMOVED

    story.strike_out(entry, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.suspended_until) == (AgencyState.SUSPENDED, SUSPENDED_UNTIL)


def test_removal_for_another_ground_stands(story: Story) -> None:
    first, second = story.counted("collusion"), story.counted("secrets_leaked")

    story.strike_out(first, at=REPLY_UNTIL)

    agency = story.fresh()
    assert (agency.state, agency.reentry_from) == (AgencyState.REMOVED, BANNED_UNTIL)
    assert agency.left_reason.startswith(second.rule.name_zh)


def test_lifting_twice_changes_nothing(story: Story) -> None:
    story.strike_out(suspended(story)[0], at=REPLY_UNTIL)
    before = snapshot()

    penalties.lift(Penalty.objects.get(), "Again.", actor=None, at=REPLY_UNTIL)

    assert snapshot() == before


def test_rejected_objection_and_granted_repair_leave_the_penalty(story: Story) -> None:
    entries = suspended(story)
    petition = story.objected(entries[0], at=REPLY_UNTIL)
    ledger.decide_petition(petition, grant=False, reason="No.", actor=story.third, at=REPLY_UNTIL)
    later = clock.start_of_day(clock.local_date(REPLY_UNTIL).replace(month=9))
    repair = ledger.lodge_petition(entries[1], "repair", "Done.", actor=story.member, at=later)
    ledger.decide_petition(repair, grant=True, reason="Yes.", actor=story.third, at=later)

    entries[1].refresh_from_db()
    assert entries[1].state == EntryState.REPAIRED
    assert Penalty.objects.get().lifted_at is None
