"""Leaving, coming back, and a false commitment."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from agencies import actions, ledger, rules
from agencies.models import Agency, Change, CreditEntry, EntryObjection, PreCheck
from agencies.states import AgencyState, ChangeState
from marketplace import casework, clock, events
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Notification, ServiceItem
from projects import actions as project_actions
from projects.states import TaskState
from tests.factories import MONDAY, AgencyFactory, PractitionerFactory, UserFactory, offers, person_at
from tests.project_factories import awarded, make_world, published, sign_up

from .credit_story import REPLY_UNTIL, TICK, Story, make_story, snapshot


@pytest.fixture
def story() -> Story:
    return make_story()


def refused(act: Any, kind: type[DomainError], code: str = "") -> DomainError:
    before = snapshot()
    with pytest.raises(kind) as refusal:
        act()
    assert snapshot() == before
    assert code in ("", refusal.value.code)
    return refusal.value


# ---------- withdrawal ----------


def test_manager_takes_the_agency_out(story: Story) -> None:
    agency = actions.withdraw(story.agency, "We retire.", actor=story.member, at=MONDAY)

    assert (agency.state, agency.left_at, agency.left_reason) == (AgencyState.WITHDRAWN, MONDAY, "We retire.")
    assert "We retire." not in str(events.read_all(agency.stream_name()))
    assert Notification.objects.filter(user=story.other, kind="agency.withdrawn").count() == 1


def test_delegate_office_and_clock_take_no_agency_out(story: Story) -> None:
    delegate = person_at(story.agency.organisation, "delegate")

    for actor in (delegate, story.maker, None):
        refused(lambda actor=actor: actions.withdraw(story.agency, "x", actor=actor, at=MONDAY), NotAllowed)
    refused(lambda: actions.withdraw(story.agency, " ", actor=story.member, at=MONDAY), FieldErrors)


@pytest.mark.parametrize("state", [AgencyState.DRAFT, AgencyState.SUBMITTED, AgencyState.REMOVED])
def test_agency_that_is_not_in_the_marketplace_cannot_leave_it(state: AgencyState) -> None:
    story = make_story(state=state)

    refused(lambda: actions.withdraw(story.agency, "x", actor=story.member, at=MONDAY), WrongState)


def test_open_service_keeps_the_agency_and_is_named() -> None:
    world = make_world()
    task = published(world)
    sign_up(world, task, 0)
    agency, member = world.agencies[0], world.members[0]

    def leave() -> Agency:
        return actions.withdraw(agency, "x", actor=member, at=task.signup_deadline)

    refusal = refused(leave, RuleBroken, "no_service_is_open")
    assert [row["title"] for row in refusal.facts["open_services"]] == [f"{task.code} {task.name}"]
    project_actions.withdraw_sign_up(task, actor=member, at=task.signup_deadline, agency=agency)
    assert leave().state == AgencyState.WITHDRAWN


def test_won_award_is_open_until_its_service_is_recorded() -> None:
    world = make_world()
    task = awarded(world)
    winner = task.award_notice.winner
    loser = next(agency for agency in world.agencies if agency != winner)
    at = task.award_notice.publicity_until

    assert rules.open_services(loser, at) == []
    assert len(rules.open_services(winner, at)) == 1
    task = project_actions.confirm_award(task, at=at)
    assert (task.state, len(rules.open_services(winner, at))) == (TaskState.CONFIRMED, 1)
    ledger.record_service(
        winner,
        item=task.item,
        source=f"task:{task.code}",
        title=task.name,
        link="",
        finished_on=clock.local_date(at),
        quality=5,
        actor=None,
        at=at,
    )
    assert rules.open_services(winner, at) == []


def test_people_of_an_agency_that_left_may_be_entered_by_another(story: Story) -> None:
    person = PractitionerFactory(agency=story.agency)
    other = PractitionerFactory(agency=AgencyFactory(state=AgencyState.SUBMITTED), checked=False)
    type(other).objects.filter(pk=other.pk).update(id_digest=person.id_digest)

    def approve() -> Agency:
        return actions.approve_entry(other.agency, actor=story.maker, at=MONDAY)

    refused(approve, RuleBroken, "practitioner_serves_one_agency")
    actions.withdraw(story.agency, "x", actor=story.member, at=MONDAY)
    assert approve().state == AgencyState.PUBLICITY


def _asking(story: Story) -> tuple[Change, PreCheck, EntryObjection]:
    """A change under check, a pre-check nobody answered, and an objection nobody decided."""
    change = Change.objects.create(
        agency=story.agency,
        kind=Change.Kind.NAME,
        state=ChangeState.SUBMITTED,
        begun_at=MONDAY,
        submitted_at=MONDAY,
        check_due=MONDAY,
    )
    precheck = PreCheck.objects.create(agency=story.agency, asked_at=MONDAY, asked_by=story.member, due=MONDAY)
    objection = EntryObjection.objects.create(
        agency=story.agency, lodged_by=UserFactory(), lodged_at=MONDAY, text="Borrowed.", due=MONDAY
    )
    assert {work.sort for work in casework.all_work(MONDAY)} == {"change", "precheck", "objection"}
    return change, precheck, objection


@pytest.mark.parametrize("removed", [False, True])
def test_nothing_the_agency_asked_for_waits_after_its_exit_but_objections_are_answered(
    story: Story, removed: bool
) -> None:
    change, precheck, objection = _asking(story)
    if removed:
        story.counted("collusion")
    else:
        actions.withdraw(story.agency, "x", actor=story.member, at=MONDAY)

    assert [work.sort for work in casework.all_work(REPLY_UNTIL)] == ["objection"]
    change.refresh_from_db()
    precheck.refresh_from_db()
    assert (change.state, precheck.answered_by) == (ChangeState.WITHDRAWN, None)
    assert [row["field"] for row in precheck.remarks] == ["other"]
    assert {"agency.change_closed", "agency.precheck_closed"} <= set(story.types())
    objection = actions.decide_objection(
        objection, uphold=True, reason="It was borrowed.", actor=story.other, at=REPLY_UNTIL
    )
    assert objection.state == "upheld"
    assert story.fresh().state in (AgencyState.WITHDRAWN, AgencyState.REMOVED)


def test_leaving_does_not_shorten_a_suspension() -> None:
    story = make_story(state=AgencyState.SUSPENDED)
    until = story.agency.suspended_until
    assert until is not None

    agency = actions.withdraw(story.agency, "x", actor=story.member, at=MONDAY)

    assert agency.reentry_from == until
    refused(lambda: actions.begin_again(agency, actor=story.member, at=until - TICK), RuleBroken, "reentry_is_open")
    assert actions.begin_again(agency, actor=story.member, at=until).state == AgencyState.DRAFT


# ---------- a new entry ----------


def test_new_entry_keeps_the_papers_and_checks_them_all_again(story: Story, surveying: ServiceItem) -> None:
    offers(story.agency, surveying, committed=True)
    story.counted()
    agency = actions.withdraw(story.agency, "x", actor=story.member, at=MONDAY)

    agency = actions.begin_again(agency, actor=story.member, at=MONDAY + timedelta(days=1))

    assert (agency.state, agency.left_at, agency.commitment_signed_at) == (AgencyState.DRAFT, None, None)
    assert list(agency.qualifications.values_list("checked", "committed")) == [(False, False)]
    assert agency.items.filter(is_active=True).count() == 1
    # What the ledger says goes on.
    assert ledger.standing_of(agency, date(2026, 3, 20)).score == 95


def test_removed_agency_comes_back_after_its_ban_only(story: Story) -> None:
    story.counted("collusion")
    agency = story.fresh()
    assert agency.reentry_from is not None
    refused(
        lambda: actions.begin_again(agency, actor=story.member, at=agency.reentry_from - TICK),
        RuleBroken,
        "reentry_is_open",
    )
    refused(lambda: actions.begin_again(agency, actor=story.maker, at=agency.reentry_from), NotAllowed)

    back = actions.begin_again(agency, actor=story.member, at=agency.reentry_from)

    assert (back.state, back.commitment_barred) == (AgencyState.DRAFT, True)


# ---------- a false commitment ----------


def test_false_commitment_removes_after_the_right_of_reply() -> None:
    story = make_story(state=AgencyState.VERIFYING)

    def find() -> CreditEntry:
        return actions.remove_for_false_commitment(
            story.agency, "The licence does not exist.", actor=story.maker, at=MONDAY
        )

    entry = find()
    assert (entry.rule.code, entry.state, story.fresh().state) == ("false_commitment", "reply", AgencyState.VERIFYING)
    assert find() == entry

    ledger.let_stand(entry, at=REPLY_UNTIL)

    assert (story.fresh().state, story.fresh().commitment_barred) == (AgencyState.REMOVED, True)


def test_false_commitment_is_found_by_the_office_about_a_commitment_only(story: Story) -> None:
    promised = AgencyFactory(state=AgencyState.VERIFYING)

    def find(agency: Agency, actor: Any) -> CreditEntry:
        return actions.remove_for_false_commitment(agency, "x", actor=actor, at=MONDAY)

    refused(lambda: find(story.agency, story.maker), RuleBroken, "documents_are_unchecked")
    for actor in (story.member, None):
        refused(lambda actor=actor: find(promised, actor), NotAllowed)
