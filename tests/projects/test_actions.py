"""Selection by its acts: who may do what until when, and that a refused act has changed nothing."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Max

from agencies.models import Qualification
from agencies.states import AgencyState
from marketplace import clock, events, vault
from marketplace.deadlines import calendar
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, RuleParameter, Stream
from projects import actions, conductor, deadlines, draw, rules
from projects.models import LiveSession, SelectionTask, SignUp
from projects.states import SessionState, TaskState
from tests import project_factories as make
from tests.factories import MONDAY, AgencyFactory, MembershipFactory, UserFactory, offers, person_at
from tests.project_factories import HOUR, PUBLISHED_AT, SECOND, World

pytestmark = pytest.mark.django_db
Kind = Organisation.Kind


@pytest.fixture
def world() -> World:
    return make.make_world()


def everything() -> tuple[Any, ...]:
    """What a refused act must leave as it was."""
    return (
        list(SelectionTask.objects.order_by("pk").values()),
        list(SignUp.objects.order_by("pk").values()),
        list(Stream.objects.order_by("pk").values()),
        Event.objects.count(),
        Notification.objects.count(),
    )


def refused(kind: type[DomainError], code: str, act: Any, *args: Any, **kwargs: Any) -> DomainError:
    """Call an act that must be refused with this code, leaving everything as it was."""
    before = everything()
    with pytest.raises(kind) as caught:
        act(*args, **kwargs)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert everything() == before
    return caught.value


# ---------- drafting ----------


def test_a_draft_gets_the_next_number_of_its_day_and_the_rules_of_that_day(world: World) -> None:
    first, second = make.draft(world), make.draft(world)
    assert (first.code, second.code) == ("ZJ202603090001", "ZJ202603090002")
    assert str(first.rules_on) == "2026-03-09"
    assert first.reserves == 2
    assert not events.is_public(first.stream_name())


def test_a_draft_of_an_organisation_one_does_not_belong_to_is_refused(world: World) -> None:
    stranger = person_at(make.make_world(0).owner, Membership.Role.MANAGER)
    fields = make.notice_fields(world)
    refused(NotAllowed, "not_owner", actions.draft_task, actor=stranger, at=MONDAY, owner=world.owner, fields=fields)


def test_all_defects_of_a_draft_are_named_at_once(world: World) -> None:
    fields = make.notice_fields(
        world, fund_social=10, amount_yuan=None, is_investment_approval=True, selection_at=make.window().due
    )
    error = refused(
        FieldErrors, "bad_input", actions.draft_task, actor=world.manager, at=MONDAY, owner=world.owner, fields=fields
    )
    assert isinstance(error, FieldErrors)
    assert sorted(error.fields) == ["amount_yuan", "approval_code", "fund_social", "selection_at"]


def test_a_price_that_is_not_estimated_needs_an_explanation(world: World) -> None:
    fields = make.notice_fields(world, amount_kind="not_estimated", amount_yuan=None)
    error = refused(
        FieldErrors, "bad_input", actions.draft_task, actor=world.manager, at=MONDAY, owner=world.owner, fields=fields
    )
    assert isinstance(error, FieldErrors)
    assert sorted(error.fields) == ["amount_note"]


def test_a_submitted_notice_can_no_longer_be_changed(world: World) -> None:
    task = make.submitted(world)
    fields = {"name": "Another"}
    refused(RuleBroken, "not_editable", actions.edit_task, task, actor=world.manager, at=MONDAY, fields=fields)


def test_a_delegate_changes_only_his_own_draft(world: World) -> None:
    task, own = make.draft(world), make.draft(world, actor=world.delegate)
    fields = make.notice_fields(world, name="Changed")
    refused(NotAllowed, "not_owner", actions.edit_task, task, actor=world.delegate, at=MONDAY, fields=fields)
    assert actions.edit_task(own, actor=world.delegate, at=MONDAY, fields=fields).name == "Changed"
    assert actions.edit_task(own, actor=world.manager, at=MONDAY, fields=fields).name == "Changed"


def test_random_selection_is_refused_for_an_item_it_is_switched_off_for(world: World) -> None:
    RuleParameter.objects.filter(code="mode.random.off_items").update(value=f"5007,{world.item.pk}")
    refused(
        RuleBroken, "mode_is_open_for_item", actions.submit_task, make.draft(world), actor=world.manager, at=MONDAY
    )


# ---------- check and publication ----------


def test_a_notice_is_returned_with_every_defect_and_can_be_submitted_again(world: World) -> None:
    task = make.returned(world, ("State the floor area.", "The deadline is on a holiday."))
    assert task.return_reasons == ["State the floor area.", "The deadline is on a holiday."]
    last = Event.objects.filter(stream__name=task.stream_name()).latest("seq")
    assert (last.type, last.data) == ("task.returned", {"count": 2})
    again = actions.submit_task(task, actor=world.manager, at=MONDAY + HOUR)
    assert (again.state, again.return_reasons) == (TaskState.SUBMITTED, [])


def test_a_return_names_at_least_one_defect(world: World) -> None:
    task = make.submitted(world)
    error = refused(
        FieldErrors, "bad_input", actions.return_task, task, actor=world.checker, at=MONDAY, reasons=[" ", ""]
    )
    assert isinstance(error, FieldErrors)
    assert list(error.fields) == ["reasons"]


def test_the_checker_may_not_publish(world: World) -> None:
    task = make.checked(world)
    error = refused(
        RuleBroken, "published_by_another", actions.publish_notice, task, actor=world.checker, at=PUBLISHED_AT
    )
    assert error.basis == "审核与发布分离"
    assert actions.publish_notice(task, actor=world.publisher, at=PUBLISHED_AT).state == TaskState.PUBLISHED


def test_an_office_member_who_belongs_to_the_owner_neither_checks_nor_returns_nor_publishes(world: World) -> None:
    both = person_at(world.office)
    MembershipFactory(user=both, organisation=world.owner, role=Membership.Role.DELEGATE)
    task = make.submitted(world)
    refused(RuleBroken, "not_own_task", actions.check_task, task, actor=both, at=MONDAY)
    refused(RuleBroken, "not_own_task", actions.return_task, task, actor=both, at=MONDAY, reasons=["x"])
    task = actions.check_task(task, actor=world.checker, at=MONDAY)
    refused(RuleBroken, "not_own_task", actions.publish_notice, task, actor=both, at=PUBLISHED_AT)


def test_a_sign_up_window_one_second_too_short_is_refused(world: World) -> None:
    earliest = make.window().due
    task = make.checked(world, signup_deadline=earliest - SECOND)
    refused(RuleBroken, "window_long_enough", actions.publish_notice, task, actor=world.publisher, at=PUBLISHED_AT)
    done = actions.publish_notice(task, actor=world.publisher, at=PUBLISHED_AT, signup_deadline=earliest)
    assert done.signup_deadline == earliest
    assert earliest == datetime.fromisoformat("2026-03-13T00:00:00+08:00")


def test_a_selection_before_the_list_was_public_long_enough_is_refused(world: World) -> None:
    task = make.checked(world, selection_at=make.window().due + HOUR - SECOND)
    refused(RuleBroken, "roster_time_left", actions.publish_notice, task, actor=world.publisher, at=PUBLISHED_AT)


def test_the_office_may_not_move_the_deadline_before_the_owners_wish(world: World) -> None:
    wish = make.window().due + HOUR
    task = make.checked(world, signup_deadline=wish, selection_at=wish + HOUR)
    act = {"actor": world.publisher, "at": PUBLISHED_AT, "signup_deadline": wish - SECOND}
    error = refused(FieldErrors, "bad_input", actions.publish_notice, task, **act)
    assert isinstance(error, FieldErrors)
    assert list(error.fields) == ["signup_deadline"]


def test_publication_posts_the_plan_and_the_draw_before_any_sign_up(world: World) -> None:
    task = make.published(world)
    assert task.session is not None
    assert [event["type"] for event in events.read(task.session.stream_name())] == [
        "session.planned",
        "draw.plan",
        "draw.post",
    ]
    assert events.is_public(task.stream_name())
    assert task.post["task_sha256"] == hashlib.sha256(draw.jcs(task.notice)).hexdigest()
    assert task.post["plan"] == draw.leaf(task.session.plan).hex()


# ---------- sign-up ----------


def test_a_sign_up_at_the_last_instant_counts(world: World) -> None:
    task = make.published(world)
    assert make.sign_up(world, task, 0, at=task.signup_deadline)[0].withdrawn_at is None


def test_a_sign_up_one_second_after_the_deadline_is_refused_though_no_clock_ran(world: World) -> None:
    task = make.published(world)
    late = {"actor": world.members[0], "agency": world.agencies[0], "at": task.signup_deadline + SECOND}
    refused(RuleBroken, "before_deadline", actions.sign_up, task, **late)
    assert SelectionTask.objects.get(pk=task.pk).state == TaskState.PUBLISHED


def test_a_sign_up_before_publication_is_refused(world: World) -> None:
    task = make.checked(world)
    act = {"actor": world.members[0], "agency": world.agencies[0], "at": PUBLISHED_AT}
    refused(RuleBroken, "open_for_signup", actions.sign_up, task, **act)


def test_a_second_sign_up_is_refused(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task, 0)
    act = {"actor": world.members[0], "agency": world.agencies[0], "at": PUBLISHED_AT + HOUR}
    refused(RuleBroken, "signed_up_already", actions.sign_up, task, **act)


def test_nobody_signs_up_an_agency_he_does_not_act_for(world: World) -> None:
    task = make.published(world)
    act = {"actor": world.members[0], "agency": world.agencies[1], "at": PUBLISHED_AT + HOUR}
    refused(NotAllowed, "not_agency", actions.sign_up, task, **act)
    refused(NotAllowed, "not_agency", actions.sign_up, task, **act | {"actor": UserFactory()})


def test_an_agency_that_does_not_meet_the_requirements_is_refused_with_the_reasons(world: World) -> None:
    agency, member = world.add_agency(fits=False)
    task = make.published(world)
    act = {"actor": member, "agency": agency, "at": PUBLISHED_AT + HOUR}
    error = refused(RuleBroken, "not_eligible", actions.sign_up, task, **act)
    assert len(error.facts["missing"]) == 2


def test_a_certificate_that_expired_the_day_before_keeps_an_agency_out(world: World) -> None:
    task = make.published(world)
    day = clock.local_date(PUBLISHED_AT + HOUR)
    papers = Qualification.objects.filter(agency=world.agencies[0])
    papers.update(valid_until=day - timedelta(days=1))
    act = {"actor": world.members[0], "agency": world.agencies[0], "at": PUBLISHED_AT + HOUR}
    refused(RuleBroken, "not_eligible", actions.sign_up, task, **act)
    papers.update(valid_until=day)
    assert actions.sign_up(task, **act).pk


def test_an_agency_whose_entry_is_still_in_publicity_is_refused(world: World) -> None:
    agency = AgencyFactory(state=AgencyState.PUBLICITY)
    offers(agency, world.item)
    act = {"actor": person_at(agency.organisation), "agency": agency, "at": PUBLISHED_AT + HOUR}
    refused(RuleBroken, "not_eligible", actions.sign_up, make.published(world), **act)


def test_an_agency_the_owner_asked_to_keep_away_is_refused(world: World) -> None:
    task = make.published(world, avoid=[(world.agencies[0], "Wrote the report under review")])
    assert task.notice["avoid"][0]["reason"] == "Wrote the report under review"
    act = {"actor": world.members[0], "agency": world.agencies[0], "at": PUBLISHED_AT + HOUR}
    refused(RuleBroken, "not_avoided", actions.sign_up, task, **act)


def test_the_record_hides_who_signed_up(world: World) -> None:
    task = make.published(world)
    mine = make.sign_up(world, task, 0)[0]
    assert task.session is not None
    last = events.read(task.session.stream_name())[-1]
    assert last["type"] == "draw.signup"
    assert last["data"] == {"draw_id": task.draw_id, "signup": mine.leaf}
    assert last["actor"] == {"role": "agency", "name": ""}
    assert mine.leaf == draw.leaf(mine.entry).hex()


def test_a_receipt_carries_the_platforms_signature_and_points_into_the_record(world: World) -> None:
    task = make.published(world)
    receipt = make.sign_up(world, task, 0)[0].receipt
    event = Event.objects.get(stream__name=receipt["stream"], seq=receipt["seq"])
    assert (event.hash, event.data["signup"]) == (receipt["hash"], draw.leaf(receipt["entry"]).hex())
    unsigned = {key: value for key, value in receipt.items() if key != "sig"}
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(vault.log_public_key()))
    key.verify(bytes.fromhex(receipt["sig"]), b"draw/v1/receipt\n" + draw.jcs(unsigned))


# ---------- withdrawal ----------


def test_a_withdrawn_sign_up_does_not_count_and_the_agency_may_sign_up_again(world: World) -> None:
    task = make.published(world)
    first = make.sign_up(world, task, 0)[0]
    act = {"actor": world.members[0], "agency": world.agencies[0]}
    gone = actions.withdraw_sign_up(task, at=task.signup_deadline, **act)
    assert (gone.pk, gone.withdrawn_at) == (first.pk, task.signup_deadline)
    assert task.sign_ups.filter(withdrawn_at__isnull=True).count() == 0
    second = actions.sign_up(task, at=task.signup_deadline, **act)
    assert second.leaf != first.leaf


def test_a_withdrawal_after_the_deadline_is_refused(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task, 0)
    act = {"actor": world.members[0], "agency": world.agencies[0]}
    refused(RuleBroken, "before_deadline", actions.withdraw_sign_up, task, at=task.signup_deadline + SECOND, **act)


def test_nobody_withdraws_what_was_never_signed_up_or_belongs_to_another(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task, 1)
    own = {"actor": world.members[0], "agency": world.agencies[0], "at": PUBLISHED_AT + HOUR}
    refused(RuleBroken, "not_signed_up", actions.withdraw_sign_up, task, **own)
    refused(NotAllowed, "not_agency", actions.withdraw_sign_up, task, **own | {"agency": world.agencies[1]})


# ---------- close, extension, failure ----------


def test_the_list_is_the_sorted_valid_sign_ups(world: World) -> None:
    world.add_agency()
    task = make.published(world)
    make.sign_up(world, task, 3, 1, 0, 2)
    act = {"actor": world.members[1], "agency": world.agencies[1], "at": PUBLISHED_AT + 2 * HOUR}
    actions.withdraw_sign_up(task, **act)
    done = actions.close_signup(task, at=task.signup_deadline + SECOND)
    assert done.state == TaskState.CLOSED
    assert done.closing["roster"] == sorted(world.agencies[n].organisation.code for n in (0, 2, 3))
    assert done.session is not None
    last_two = events.read(done.session.stream_name())[-2:]
    assert [event["type"] for event in last_two] == ["draw.close", "session.roster"]
    assert [entry["id"] for entry in last_two[1]["data"]["agencies"]] == done.closing["roster"]


def test_a_list_is_not_closed_at_the_deadline_but_after_it(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task)
    refused(RuleBroken, "deadline_passed", actions.close_signup, task, at=task.signup_deadline)
    assert list(deadlines.due(task.signup_deadline)) == []
    assert len(list(deadlines.due(task.signup_deadline + SECOND))) == 1


def test_a_list_is_closed_once(world: World) -> None:
    task = make.closed(world)
    refused(WrongState, "wrong_state", actions.close_signup, task, at=task.signup_deadline + SECOND)


def test_too_few_sign_ups_extend_the_time_once_by_the_same_window_and_then_the_task_fails(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task, 0, 1)
    old_deadline, old_session = task.signup_deadline, task.session
    assert old_session is not None
    task = actions.close_signup(task, at=old_deadline + SECOND)
    assert (task.state, task.extensions) == (TaskState.PUBLISHED, 1)
    # Monday to Thursday were three days; the next three are Friday, Monday, Tuesday.
    assert task.signup_deadline == datetime.fromisoformat("2026-03-18T00:00:00+08:00")
    assert task.selection_at == task.signup_deadline + HOUR
    assert task.session is not None
    assert (task.session.pk, task.session.open_at) == (old_session.pk, task.selection_at)
    assert task.session.plan["op_commit"] == old_session.plan["op_commit"]
    assert task.post["plan"] == draw.leaf(task.session.plan).hex()
    # Those who had signed up still stand.
    assert task.sign_ups.filter(withdrawn_at__isnull=True).count() == 2
    task = actions.close_signup(task, at=task.signup_deadline + SECOND)
    assert (task.state, task.failure) == (TaskState.FAILED, "too_few_signups")
    assert LiveSession.objects.get(pk=old_session.pk).state == SessionState.ABANDONED


def test_an_extended_task_is_closed_when_enough_have_signed_up(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task, 0, 1)
    task = actions.close_signup(task, at=task.signup_deadline + SECOND)
    make.sign_up(world, task, 2, at=task.signup_deadline)
    assert actions.close_signup(task, at=task.signup_deadline + SECOND).state == TaskState.CLOSED


def test_social_funds_need_one_sign_up(world: World) -> None:
    task = make.published(world, fund_government=0, fund_social=100)
    make.sign_up(world, task, 0)
    assert actions.close_signup(task, at=task.signup_deadline + SECOND).state == TaskState.CLOSED


def test_a_clock_that_slept_through_the_extension_still_leaves_a_full_window(world: World) -> None:
    task = make.published(world)
    late = task.signup_deadline + timedelta(days=30)
    moved = actions.close_signup(task, at=late)
    assert moved.signup_deadline == calendar().period(clock.local_date(late), 3).end_instant()


@pytest.mark.parametrize("days_after", range(0, 60, 7))
@pytest.mark.parametrize("count", [3, 4, 7])
def test_an_extension_counts_as_many_working_days_again(world: World, days_after: int, count: int) -> None:
    """From any start, over weekends, the spring holidays and make-up days, and never shorter than before."""
    days = calendar()
    start = MONDAY + timedelta(days=days_after)
    first = clock.local_date(start)
    last = days.add_workdays(first, count)
    for end in (days.period(first, count).end_instant(), datetime.combine(last, clock.now().time(), clock.SHANGHAI)):
        task = SelectionTask(published_at=start, signup_deadline=end, rules_on=first)
        moved = actions.extended_deadline(task)
        moved_last = clock.local_date(moved - timedelta(microseconds=1))
        assert days.workdays_between(last, moved_last) == count
        assert days.is_workday(moved_last)
        assert moved.astimezone(clock.SHANGHAI).timetz() == end.timetz()


def test_an_extension_of_a_short_window_is_as_long_as_the_window(world: World) -> None:
    RuleParameter.objects.filter(code="signup.window_min").update(value="1", unit="minutes")
    task = SelectionTask(
        published_at=MONDAY, signup_deadline=MONDAY + timedelta(seconds=75), rules_on=clock.local_date(MONDAY)
    )
    assert actions.extended_deadline(task) == MONDAY + timedelta(seconds=150)


def test_a_list_closed_late_moves_the_session_to_a_later_declared_slot(world: World) -> None:
    task = make.published(world)
    make.sign_up(world, task)
    late = task.selection_at - timedelta(minutes=10)
    task = actions.close_signup(task, at=late)
    assert task.session is not None
    retry = timedelta(seconds=task.session.retry_s)
    assert task.session.open_at >= late + HOUR
    assert (task.session.open_at - task.selection_at) % retry == timedelta(0)


# ---------- award ----------


def test_the_award_follows_the_ranking_and_starts_the_publicity(world: World) -> None:
    task = make.awarded(world)
    ranking = task.result.entry["ranking"]
    award = task.award_notice
    assert award.winner.organisation.code == ranking[0]
    assert award.waitlist == ranking[1:3]
    # Drawn on Friday the 13th; three working days are Monday to Wednesday.
    assert award.publicity_until == datetime.fromisoformat("2026-03-19T00:00:00+08:00")
    assert award.derivation["parameter"] == "award.publicity"


def test_an_award_is_confirmed_when_its_publicity_is_over_and_not_before(world: World) -> None:
    task = make.awarded(world)
    until = task.award_notice.publicity_until
    before = everything()
    with pytest.raises(RuleBroken, match=str(rules.publicity_over.sentence)):
        actions.confirm_award(task, at=until - SECOND)
    assert everything() == before
    assert actions.confirm_award(task, at=until).state == TaskState.CONFIRMED


def test_publishing_the_results_again_changes_nothing(world: World) -> None:
    task = make.awarded(world)
    assert task.session is not None
    before = everything()
    conductor.publish_results(task.session, at=PUBLISHED_AT, found=make.FAKE_DELAY)
    assert everything() == before


# ---------- the pot ----------


def test_an_agency_on_the_list_throws_once_and_a_repeat_gives_the_first_line_back(world: World) -> None:
    session = make.opened(world)
    act = {"actor": world.members[0], "agency": world.agencies[0], "at": session.closes_at}
    line = conductor.throw_into_pot(session, r="a1" * 32, **act).line
    before = everything()
    assert conductor.throw_into_pot(session, r="b2" * 32, **act).line == line
    assert everything() == before
    assert line["who"] == f"agency:{world.agencies[0].organisation.code}"
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(actions.agency_key(world.agencies[0])))
    key.verify(bytes.fromhex(line["sig"]), draw.pot_sig_message(line))


def test_the_pot_takes_nothing_after_its_end_from_strangers_or_malformed(world: World) -> None:
    session = make.opened(world)
    assert session.closes_at is not None
    act = {"actor": world.members[0], "agency": world.agencies[0], "at": session.closes_at, "r": "a1" * 32}
    refused(RuleBroken, "pot_is_open", conductor.throw_into_pot, session, **act | {"at": session.closes_at + SECOND})
    refused(FieldErrors, "bad_input", conductor.throw_into_pot, session, **act | {"r": "A1" * 32})
    refused(NotAllowed, "not_agency", conductor.throw_into_pot, session, **act | {"actor": world.members[1]})
    agency, member = world.add_agency()
    refused(NotAllowed, "not_on_list", conductor.throw_into_pot, session, **act | {"actor": member, "agency": agency})


# ---------- the log ----------


def test_a_whole_procedure_leaves_a_gap_free_and_intact_log(world: World) -> None:
    make.confirmed(world)
    make.failed(world)
    assert list(events.verify()) == []
    for stream in Stream.objects.all():
        numbers = list(Event.objects.filter(stream=stream).order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert stream.head_seq == len(numbers)


def test_the_project_stream_tells_every_step(world: World) -> None:
    task = make.confirmed(world)
    assert [event["type"] for event in events.read(task.stream_name())] == [
        "task.drafted",
        "task.submitted",
        "task.checked",
        "notice.published",
        "signup.closed",
        "award.noticed",
        "award.confirmed",
    ]


def test_the_clock_has_nothing_left_to_do_after_a_whole_procedure(world: World) -> None:
    make.confirmed(world)
    end = Event.objects.aggregate(last=Max("at"))["last"]
    assert list(deadlines.due(end + timedelta(days=1))) == []
