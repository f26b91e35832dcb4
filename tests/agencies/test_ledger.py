"""The acts of the ledger: entries, the right of reply, decisions, petitions, recounts, services."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from agencies import credit_deadlines, credit_desk, credit_rules, ledger
from agencies.models import CreditEntry, CreditRule, Penalty, ServiceRecord
from agencies.states import AgencyState, EntryState, PetitionState
from marketplace import clock, events
from marketplace.deadlines import run_due
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Notification, Organisation, ServiceItem, User
from tests.factories import MONDAY, AgencyFactory, pdf, person_at, person_of

from .credit_story import REPLY_UNTIL, TICK, Story, make_story, snapshot


@pytest.fixture
def story() -> Story:
    return make_story()


def letters(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def refused(act: Any, kind: type[DomainError], code: str = "") -> DomainError:
    before = snapshot()
    with pytest.raises(kind) as refusal:
        act()
    assert snapshot() == before
    if code:
        assert refusal.value.code == code
    return refusal.value


# ---------- the list of rules ----------


def test_rules_are_loaded_again_without_a_second_row() -> None:
    count = CreditRule.objects.count()

    assert credit_rules.load() == CreditRule.objects.count() == count == 19


@pytest.mark.parametrize(
    "changes",
    [
        {"gravity": "merit"},
        {"points": 3},
        {"gravity": "merit", "points": 3, "consequence": "warning"},
        {"months": 0},
        {"threshold": 0},
    ],
)
def test_rules_that_would_break_the_ledger_are_not_loaded(changes: dict[str, Any]) -> None:
    row = {
        "code": "x",
        "name_zh": "x",
        "name_en": "x",
        "gravity": "breach",
        "points": -1,
        "months": 12,
        "basis": "x",
        "valid_from": "2026-01-01",
    }
    assert credit_rules.load([row]) == 1
    with pytest.raises(ValueError):
        credit_rules.load([row | {"code": "y"} | changes])
    assert not CreditRule.objects.filter(code="y").exists()


def test_entry_keeps_the_rule_of_the_day_it_happened(story: Story) -> None:
    old = CreditRule.objects.get(code="late_signing")
    credit_rules.load(
        [
            {
                "code": "late_signing",
                "name_zh": "新",
                "name_en": "New",
                "gravity": "breach",
                "points": -20,
                "months": 24,
                "basis": "x",
                "valid_from": "2026-03-09",
            }
        ]
    )

    before, after = story.enter(happened_on=date(2026, 3, 8)), story.enter(happened_on=date(2026, 3, 9))

    assert (before.rule, before.points, after.points) == (old, -5, -20)


# ---------- entries ----------


def test_breach_waits_for_the_right_of_reply(story: Story) -> None:
    entry = story.enter(evidence=pdf())

    assert (entry.state, entry.points, entry.effective_on) == (EntryState.REPLY, -5, None)
    assert entry.reply_until == REPLY_UNTIL
    assert (story.fresh().score, story.types()) == (100, ["credit.entered"])
    assert letters(story.member) == ["credit.entered"]
    assert entry.evidence is not None
    data = story.last("credit.entered")
    assert data["evidence_sha256"] == entry.evidence.sha256
    assert (data["reply_until"], data["basis"]) == (clock.iso_micros(REPLY_UNTIL), entry.rule.basis)


def test_merit_counts_at_once(story: Story) -> None:
    story.counted("late_signing", at=MONDAY - timedelta(days=30))
    assert story.fresh().score == 95

    entry = story.enter("evaluated_very_satisfied")

    assert (entry.state, entry.effective_on, entry.object_until) == (EntryState.COUNTED, date(2026, 3, 9), None)
    assert (story.fresh().score, story.fresh().stars) == (97, 5)
    assert letters(story.member)[-1] == "credit.merit"


def test_same_source_is_entered_once(story: Story) -> None:
    entry = story.enter(source="task:1")
    before = snapshot()

    assert story.enter("collusion", source="task:1") == entry
    assert snapshot() == before
    # The sources of two agencies do not meet.
    stranger = ledger.add_entry(
        AgencyFactory(),
        "late_signing",
        summary="x",
        source="task:1",
        happened_on=date(2026, 3, 9),
        actor=None,
        at=MONDAY,
    )
    assert stranger != entry


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"happened_on": date(2026, 3, 10)}, "happened_on"),
        ({"happened_on": date(2018, 12, 31)}, "rule"),
        ({"rule": "no_such_rule"}, "rule"),
        ({"summary": "  "}, "summary"),
        ({"summary": "x" * 201}, "summary"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "//elsewhere.example"}, "link"),
        ({"source": ""}, "source"),
    ],
)
def test_bad_entry_is_refused_at_its_field(story: Story, given: dict[str, Any], field: str) -> None:
    given = dict(given)
    rule = given.pop("rule", "late_signing")

    refusal = refused(lambda: story.enter(rule, **given), FieldErrors)

    assert isinstance(refusal, FieldErrors)
    assert list(refusal.fields) == [field]


@pytest.mark.parametrize("kind", ["agency", "owner", "authority", "supervisor"])
def test_nobody_but_office_and_clock_makes_entries(story: Story, kind: str) -> None:
    person = person_of(kind)

    refused(lambda: story.enter(actor=person), NotAllowed)
    assert story.enter(actor=None).entered_by is None


def test_member_of_the_office_makes_no_entry_about_the_own_agency(story: Story) -> None:
    insider = person_at(Organisation.objects.get(kind="office"))
    insider.memberships.create(organisation=story.agency.organisation, role="delegate")

    refused(lambda: story.enter(actor=insider), RuleBroken, "checker_is_independent")


def test_there_is_no_ledger_about_an_agency_that_never_entered() -> None:
    story = make_story(state=AgencyState.DRAFT)

    refused(lambda: story.enter(), RuleBroken, "agency_never_entered")


# ---------- the right of reply ----------


def test_entry_counts_by_the_clock_when_nobody_replied(story: Story) -> None:
    entry = story.enter()

    assert [due.name for due in credit_deadlines.due(REPLY_UNTIL - TICK)] == []
    refused(lambda: ledger.let_stand(entry, at=REPLY_UNTIL - TICK), RuleBroken, "reply_time_is_over")
    assert run_due(REPLY_UNTIL) == [f"{story.agency.stream_name()} let_stand {entry.pk}"]

    entry.refresh_from_db()
    # The right of reply ended with the 16th at 24:00, so it counts from the 17th.
    assert (entry.state, entry.effective_on, entry.expires_on) == (
        EntryState.COUNTED,
        date(2026, 3, 17),
        date(2027, 3, 17),
    )
    assert story.types() == ["credit.entered", "credit.counted", "credit.recounted"]
    agency = story.fresh()
    assert (agency.score, agency.stars, agency.recount_on) == (95, 5, date(2027, 3, 17))
    before = snapshot()
    assert ledger.let_stand(entry, at=REPLY_UNTIL).state == EntryState.COUNTED
    assert list(credit_deadlines.due(REPLY_UNTIL)) == []
    assert snapshot() == before


def test_late_clock_lets_nothing_count_on_days_that_are_over(story: Story) -> None:
    entry = ledger.let_stand(story.enter(), at=REPLY_UNTIL + timedelta(days=3))

    assert entry.effective_on == date(2026, 3, 20)


def test_reply_is_open_to_the_last_instant(story: Story) -> None:
    first, second = story.enter(), story.enter()

    replied = ledger.reply(first, "The owner was late.", pdf(), actor=story.member, at=REPLY_UNTIL - TICK)

    assert replied.state == EntryState.REPLIED
    assert letters(story.other) == ["credit.replied"]
    refused(
        lambda: ledger.reply(second, "Too late.", actor=story.member, at=REPLY_UNTIL),
        RuleBroken,
        "reply_time_is_running",
    )
    refused(lambda: ledger.reply(second, "Not mine.", actor=story.maker, at=MONDAY), NotAllowed)
    refused(lambda: ledger.reply(second, "  ", actor=story.member, at=MONDAY), FieldErrors)
    refused(lambda: ledger.reply(first, "Again.", actor=story.member, at=MONDAY), WrongState)


def test_text_of_the_reply_stays_out_of_the_public_log(story: Story) -> None:
    entry = ledger.reply(story.enter(), "A private matter.", actor=story.member, at=MONDAY)

    assert "A private matter." not in str(events.read_all(story.agency.stream_name()))
    private = Event.objects.get(type="credit.replied").private
    assert private is not None
    assert private["fields"]["text"] == entry.reply_text == "A private matter."


def test_replied_entry_waits_for_a_decision_and_not_for_the_clock(story: Story) -> None:
    entry = story.replied()

    assert list(credit_deadlines.due(REPLY_UNTIL + timedelta(days=60))) == []
    refused(lambda: ledger.let_stand(entry, at=REPLY_UNTIL), WrongState)
    [work] = credit_desk.work(MONDAY)
    assert (work.case, work.stream, work.due) == (
        f"ledger:{entry.pk}",
        story.agency.stream_name(),
        entry.decision_due,
    )


@pytest.mark.parametrize("act", [ledger.confirm, ledger.drop])
def test_maker_of_an_entry_does_not_decide_about_it(story: Story, act: Any) -> None:
    entry = story.replied()

    refused(lambda: act(entry, "I was right.", actor=story.maker, at=MONDAY), RuleBroken, "decider_is_another")
    refused(lambda: act(entry, "We are fine.", actor=story.member, at=MONDAY), NotAllowed)
    refused(lambda: act(entry, " ", actor=story.other, at=MONDAY), FieldErrors)


def test_confirmed_entry_counts_from_the_day_of_the_decision(story: Story) -> None:
    later = MONDAY + timedelta(days=2)

    entry = ledger.confirm(story.replied(), "The owner was not late.", actor=story.other, at=later)

    assert (entry.state, entry.effective_on, entry.decided_by) == (
        EntryState.COUNTED,
        date(2026, 3, 11),
        story.other,
    )
    assert story.fresh().score == 95
    assert "The owner was not late." not in str(events.read_all(story.agency.stream_name()))


def test_dropped_entry_never_counts(story: Story) -> None:
    entry = ledger.drop(story.replied(), "The owner was late.", actor=story.other, at=MONDAY)

    assert (entry.state, story.fresh().score) == (EntryState.DROPPED, 100)
    assert list(credit_deadlines.due(REPLY_UNTIL)) == []
    assert letters(story.member)[-1] == "credit.dropped"
    refused(lambda: ledger.confirm(entry, "Yet it was.", actor=story.other, at=MONDAY), WrongState)


# ---------- petitions ----------


def test_objection_is_open_to_the_last_instant_and_once(story: Story) -> None:
    first, second = story.counted(), story.counted()
    until = first.object_until
    assert until is not None

    petition = story.objected(first, at=until - TICK)

    assert (petition.state, letters(story.other)[-1]) == (PetitionState.LODGED, "credit.petition")
    refused(lambda: story.objected(second, at=until), RuleBroken, "objection_time_is_running")
    refused(lambda: story.objected(first, at=until - TICK), RuleBroken, "petition_open")
    ledger.decide_petition(petition, grant=False, reason="It was.", actor=story.third, at=MONDAY)
    refused(lambda: story.objected(first, at=until - TICK), RuleBroken, "objected_already")
    assert story.fresh().score == 90


def test_granted_objection_strikes_the_entry_out(story: Story) -> None:
    entry = story.counted()
    at = REPLY_UNTIL + timedelta(days=1)

    story.strike_out(entry, at=at)

    entry.refresh_from_db()
    assert (entry.state, story.fresh().score, story.fresh().recount_on) == (EntryState.VOIDED, 100, None)
    assert story.types()[-3:] == ["credit.petition_granted", "credit.voided", "credit.recounted"]
    assert "That was not us." not in str(events.read_all(story.agency.stream_name()))
    # It counts on no day any more, also not on one that is over.
    assert ledger.standing_of(story.agency, date(2026, 3, 17)).score == 100


def test_repair_opens_after_the_months_of_its_rule(story: Story) -> None:
    entry = story.counted()
    opens = clock.start_of_day(date(2026, 6, 17))

    def ask(at: Any) -> Any:
        return ledger.lodge_petition(entry, "repair", "We train our people.", actor=story.member, at=at)

    refused(lambda: ask(opens - TICK), RuleBroken, "repair_too_early")
    ledger.decide_petition(ask(opens), grant=True, reason="Seen.", actor=story.third, at=opens)

    entry.refresh_from_db()
    assert (entry.state, entry.ended_on, story.fresh().score) == (EntryState.REPAIRED, date(2026, 6, 17), 100)
    # The days before the repair keep their score.
    assert ledger.standing_of(story.agency, date(2026, 6, 16)).score == 95


def test_repair_is_closed_where_the_rule_knows_none_or_the_points_expired(story: Story) -> None:
    complaint, late = story.counted("complaint_upheld"), story.counted()
    over = clock.start_of_day(date(2027, 3, 17))

    for entry, code in ((complaint, "never_repaired"), (late, "expired_already")):
        refused(
            lambda entry=entry: ledger.lodge_petition(entry, "repair", "Please.", actor=story.member, at=over),
            RuleBroken,
            code,
        )


def test_waiting_entry_is_not_petitioned_about_and_strangers_petition_about_nothing(story: Story) -> None:
    waiting, counted = story.enter(), story.counted()

    refused(lambda: story.objected(waiting, at=MONDAY), WrongState)
    stranger = person_of("agency")
    refused(lambda: ledger.lodge_petition(counted, "objection", "x", actor=stranger, at=MONDAY), NotAllowed)
    refused(lambda: ledger.lodge_petition(counted, "praise", "x", actor=story.member, at=MONDAY), FieldErrors)
    refused(lambda: ledger.lodge_petition(counted, "objection", "", actor=story.member, at=MONDAY), FieldErrors)


@pytest.mark.parametrize("grant", [True, False])
def test_neither_maker_nor_confirmer_decides_about_a_petition(story: Story, grant: bool) -> None:
    entry = ledger.confirm(story.replied(), "It was.", actor=story.other, at=MONDAY)
    petition = story.objected(entry, at=MONDAY)

    for person in (story.maker, story.other):
        refused(
            lambda person=person: ledger.decide_petition(
                petition, grant=grant, reason="So.", actor=person, at=MONDAY
            ),
            RuleBroken,
            "decider_is_another",
        )
    refused(
        lambda: ledger.decide_petition(petition, grant=grant, reason=" ", actor=story.third, at=MONDAY), FieldErrors
    )
    [work] = credit_desk.work(MONDAY)
    assert (work.case, work.due) == (f"petition:{petition.pk}", petition.due)
    ledger.decide_petition(petition, grant=grant, reason="So.", actor=story.third, at=MONDAY)
    assert credit_desk.work(MONDAY) == []
    refused(
        lambda: ledger.decide_petition(petition, grant=grant, reason="So.", actor=story.third, at=MONDAY), WrongState
    )


# ---------- recount and services ----------


def test_expired_points_come_back_on_their_day_by_the_clock(story: Story) -> None:
    story.counted("award_given_up")
    day = clock.start_of_day(date(2027, 3, 17))
    assert (story.fresh().score, story.fresh().stars) == (90, 4)

    assert run_due(day - TICK) == []
    assert run_due(day) == [f"{story.agency.stream_name()} recount"]

    agency = story.fresh()
    assert (agency.score, agency.stars, agency.recount_on) == (100, 5, None)
    assert story.last("credit.recounted")["score_before"] == 90
    before = snapshot()
    ledger.recount(agency, at=day)
    assert snapshot() == before


def test_anybody_computes_the_score_from_the_log(story: Story) -> None:
    at = MONDAY
    story.counted("fees_raised", at=at)
    story.strike_out(story.counted("not_as_promised", at=at), at=REPLY_UNTIL)
    story.enter("commended", at=at)
    ledger.drop(story.replied(at=at), "No.", actor=story.other, at=at)

    for days in (0, 7, 8, 9, 200, 365, 380):
        when = at + timedelta(days=days)
        assert story.from_log(when) == ledger.standing_of(story.agency, clock.local_date(when))
    assert Penalty.objects.count() == 1


def test_service_is_counted_once_with_its_mark(story: Story, free: ServiceItem) -> None:
    def record(source: str, quality: int | None, **given: Any) -> ServiceRecord:
        return ledger.record_service(
            story.agency,
            **{
                "item": free,
                "source": source,
                "title": "Survey of a school",
                "link": "/notices/1/",
                "finished_on": date(2026, 3, 9),
                "quality": quality,
                "actor": None,
                "at": MONDAY,
            }
            | given,
        )

    record("task:1", 4)
    record("task:1", 4)
    record("task:2", None)

    agency = story.fresh()
    assert (agency.services_done, agency.quality_sum, agency.quality_count) == (2, 4, 1)
    assert story.types() == ["agency.service_done"] * 2
    refused(lambda: record("task:3", 6), FieldErrors)
    refused(lambda: record("task:3", 5, finished_on=date(2026, 3, 10)), FieldErrors)

    rated = ledger.rate_service("task:2", 2, actor=None, at=MONDAY)
    assert ledger.rate_service("task:2", 2, actor=None, at=MONDAY) == rated

    agency = story.fresh()
    assert (rated.quality, agency.services_done, agency.quality_sum, agency.quality_count) == (2, 2, 6, 2)
    assert story.types()[2:] == ["agency.service_rated"]
    assert story.last("agency.service_rated") == {"source": "task:2", "title": "Survey of a school", "quality": 2}
    refused(lambda: ledger.rate_service("task:1", 5, actor=None, at=MONDAY), RuleBroken)
    refused(lambda: ledger.rate_service("task:1", 0, actor=None, at=MONDAY), FieldErrors)
    with pytest.raises(ServiceRecord.DoesNotExist):
        ledger.rate_service("task:9", 5, actor=None, at=MONDAY)
    assert CreditEntry.objects.count() == 0


def test_the_desk_shows_an_entry_until_its_right_of_reply_ends() -> None:
    story = make_story()
    assert credit_desk.cards(story.member, MONDAY) == []
    entry = story.enter("late_signing")
    assert entry.reply_until is not None

    (card,) = credit_desk.cards(story.member, entry.reply_until - TICK)
    assert (card["count"], card["items"][0]["due"], card["items"][0]["light"]) == (1, entry.reply_until, "amber")
    assert credit_desk.cards(story.member, entry.reply_until) == []
    assert credit_desk.cards(person_of("agency"), MONDAY) == []
