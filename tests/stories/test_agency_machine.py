"""Random lives of agencies: whatever is tried in whatever order, what must hold goes on to hold.

Three agencies, a few people who would work for any of them, an office, and a clock that jumps. Every act may be
refused; none may leave a state that the regulation does not know.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agencies import actions, credit_rules, ledger, reckoning
from agencies.credit import from_events, standing
from agencies.demo_entry import resident_id
from agencies.models import Agency, CreditEntry, EntryObjection, Practitioner
from agencies.queries import eligible_agencies
from agencies.states import OPERATING, AgencyState, EntryState, ObjectionState, PetitionState
from marketplace import events, parameters
from marketplace.clock import local_date
from marketplace.deadlines import run_due
from marketplace.errors import DomainError
from marketplace.models import Event, Organisation, Requirement, ServiceItem, Stream, User
from tests.factories import MONDAY, RequirementFactory, UserFactory, entered_agency, pdf, person_of

PEOPLE = [resident_id(f"wanderer {number}") for number in range(3)]
# What opens the way into the marketplace, and what closes it.
ENTERS = {"agency.entered", "agency.entered_on_commitment", "agency.suspension_ended", "agency.resumed_on_commitment"}
ENTERS |= {"agency.documents_supplied", "agency.documents_returned", "agency.documents_confirmed"}
LEAVES = {
    "agency.returned",
    "agency.returned_from_publicity",
    "agency.refused",
    "agency.refused_from_publicity",
    "agency.commitment_lapsed",
    "agency.suspended",
    "agency.removed",
    "agency.withdrawn",
    "agency.entry_begun_again",
    "agency.reinstated",
    "agency.withdrawal_restored",
    "agency.entry_reopened",
}
which = st.integers(0, 2)


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = MONDAY
        self.seen: list[tuple[int, str]] = []
        self.item: ServiceItem = RequirementFactory(kind=Requirement.Kind.COMMITMENT, text="作出承诺").item
        self.members: list[User] = [UserFactory() for _ in range(3)]
        self.agencies = [
            entered_agency(self.item, until=AgencyState.DRAFT, member=member, at=MONDAY - timedelta(days=1))
            for member in self.members
        ]
        self.office = [person_of(Organisation.Kind.OFFICE) for _ in range(2)]
        self.public: User = UserFactory()

    def teardown(self) -> None:
        try:
            self.the_log_is_whole()
            self.the_score_is_the_replay_of_the_ledger()
        finally:
            self._undo()

    def _undo(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def agency(self, number: int) -> Agency:
        return Agency.objects.get(pk=self.agencies[number].pk)

    def try_(self, act: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Acts may be refused; a refusal changes nothing (each act is its own savepoint)."""
        self.now += timedelta(minutes=1)
        try:
            with transaction.atomic():
                act(*args, at=self.now, **kwargs)
        except DomainError:
            pass

    # ---- the agency ----

    @rule(number=which)
    def submits(self, number: int) -> None:
        self.try_(actions.submit_entry, self.agency(number), actor=self.members[number])

    @rule(number=which)
    def signs(self, number: int) -> None:
        self.try_(actions.sign_commitment, self.agency(number), actor=self.members[number])

    @rule(number=which)
    def enters_on_commitment(self, number: int) -> None:
        self.try_(actions.enter_on_commitment, self.agency(number), actor=self.members[number])

    @rule(number=which)
    def supplies(self, number: int) -> None:
        self.try_(actions.supply_documents, self.agency(number), actor=self.members[number])

    @rule(number=which, person=st.integers(0, 2))
    def hires(self, number: int, person: int) -> None:
        values = {
            "full_name": "Wanderer",
            "id_kind": "resident",
            "id_number": PEOPLE[person],
            "certificate_name": "注册测绘师",
            "certificate_number": f"W{person}",
        }
        files = {name: pdf() for name in ("id_scan", "insurance", "certificate")}
        self.try_(
            actions.add_practitioner,
            self.agency(number),
            {"values": values, "files": files},
            actor=self.members[number],
        )

    @rule(number=which)
    def withdraws(self, number: int) -> None:
        self.try_(actions.withdraw, self.agency(number), "Leaving.", actor=self.members[number])

    @rule(number=which)
    def begins_again(self, number: int) -> None:
        self.try_(actions.begin_again, self.agency(number), actor=self.members[number])

    @rule(number=which)
    def replies(self, number: int) -> None:
        entry = CreditEntry.objects.filter(agency=self.agencies[number].pk, state=EntryState.REPLY).first()
        if entry:
            self.try_(ledger.reply, entry, "That is not what happened.", actor=self.members[number])

    # ---- the office ----

    @rule(number=which)
    def approves(self, number: int) -> None:
        self.try_(actions.approve_entry, self.agency(number), actor=self.office[0])

    @rule(number=which)
    def returns(self, number: int) -> None:
        defects = [{"field": "address", "sentence": "Not the one of the licence."}]
        self.try_(actions.return_entry, self.agency(number), defects=defects, actor=self.office[0])

    @rule(number=which)
    def refuses(self, number: int) -> None:
        self.try_(actions.refuse_entry, self.agency(number), reason="Forged.", actor=self.office[0])

    @rule(number=which)
    def confirms(self, number: int) -> None:
        self.try_(actions.confirm_documents, self.agency(number), actor=self.office[0])

    @rule(number=which)
    def returns_documents(self, number: int) -> None:
        defects = [{"field": "other", "sentence": "Unreadable."}]
        self.try_(actions.return_documents, self.agency(number), defects=defects, actor=self.office[0])

    @rule(number=which, code=st.sampled_from(["award_given_up", "collusion", "commended", "complaint_upheld"]))
    def enters_in_the_ledger(self, number: int, code: str) -> None:
        self.try_(
            ledger.add_entry,
            self.agency(number),
            code,
            summary="What happened.",
            source=f"test:{code}:{self.now.isoformat()}",
            happened_on=local_date(self.now),
            actor=self.office[0],
        )

    @rule(number=which, uphold=st.booleans())
    def decides_a_reply(self, number: int, uphold: bool) -> None:
        entry = CreditEntry.objects.filter(agency=self.agencies[number].pk, state=EntryState.REPLIED).first()
        if entry:
            self.try_(ledger.confirm if uphold else ledger.drop, entry, "Considered.", actor=self.office[1])

    @rule(number=which)
    def has_an_entry_struck_out(self, number: int) -> None:
        entry = CreditEntry.objects.filter(agency=self.agencies[number].pk, state=EntryState.COUNTED).first()
        if entry:
            self.try_(ledger.lodge_petition, entry, "objection", "That was not us.", actor=self.members[number])
            for petition in entry.petitions.filter(state=PetitionState.LODGED):
                self.try_(ledger.decide_petition, petition, grant=True, reason="True.", actor=self.office[1])

    @rule(number=which)
    def objects(self, number: int) -> None:
        self.try_(actions.lodge_objection, self.agency(number), "The certificate is borrowed.", actor=self.public)

    @rule(number=which, uphold=st.booleans(), consequence=st.sampled_from(["return", "refuse"]))
    def decides_an_objection(self, number: int, uphold: bool, consequence: str) -> None:
        objection = EntryObjection.objects.filter(
            agency=self.agencies[number].pk, state=ObjectionState.LODGED
        ).first()
        if objection:
            self.try_(
                actions.decide_objection,
                objection,
                uphold=uphold,
                reason="Looked into.",
                consequence=consequence if uphold else "",
                actor=self.office[1],
            )

    # ---- the clock ----

    @rule(days=st.sampled_from([1, 3, 9, 40, 120]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        run_due(self.now)

    # ---- what always holds ----

    def the_score_is_the_replay_of_the_ledger(self) -> None:
        today = local_date(self.now)
        for agency in Agency.objects.filter(pk__in=[one.pk for one in self.agencies]):
            now = reckoning.standing_of(agency, today)
            replayed = standing(
                from_events(events.read_all(agency.stream_name())),
                today,
                start=parameters.number("credit.start", today),
                star_limits=reckoning.star_limits(today),
            )
            assert (replayed.score, replayed.stars) == (now.score, now.stars)

    @invariant()
    def nobody_is_active_without_a_valid_entry(self) -> None:
        agencies = list(Agency.objects.filter(pk__in=[one.pk for one in self.agencies]).order_by("pk"))
        if (now := [(agency.pk, agency.state) for agency in agencies]) == self.seen:
            return
        self.seen = now
        for agency in agencies:
            moves = Event.objects.filter(stream__name=agency.stream_name(), type__in=ENTERS | LEAVES).order_by("seq")
            last = moves.values_list("type", flat=True).last()
            assert (agency.state in OPERATING) == (last in ENTERS), (agency.state, last)
            if agency.state in OPERATING:
                assert agency.commitment_signed_at is not None
                assert agency.reentry_from is None or agency.reentry_from <= self.now
                assert agency.on_commitment or agency.checked_by_id is not None
        operating = {agency.pk for agency in agencies if agency.state in OPERATING}
        assert set(eligible_agencies(self.item, local_date(self.now)).values_list("pk", flat=True)) == operating

    @invariant()
    def one_practitioner_serves_one_agency(self) -> None:
        checked = list(Practitioner.objects.filter(checked=True, left_on=None).values_list("id_digest", flat=True))
        assert len(checked) == len(set(checked))

    @precondition(lambda self: self.now > MONDAY + timedelta(days=30))
    @invariant()
    def nothing_waits_for_ever_behind_its_clock(self) -> None:
        """What is due was moved by the clock's pass; only an undecided objection or a ban holds a publicity up."""
        late = self.now - timedelta(days=130)
        late_entries = Agency.objects.filter(state=AgencyState.PUBLICITY, publicity_until__lt=late)
        for agency in late_entries.exclude(reentry_from__gt=self.now):
            assert agency.objections.filter(state=ObjectionState.LODGED).exists()
        assert not Agency.objects.filter(state=AgencyState.COMMITTED, documents_supply_due__lt=late).exists()
        assert not Agency.objects.filter(state=AgencyState.SUSPENDED, suspended_until__lt=late).exists()

    def the_log_is_whole(self) -> None:
        names = [agency.stream_name() for agency in self.agencies]
        assert list(events.verify(Stream.objects.filter(name__in=names))) == []


@pytest.mark.django_db
def test_whatever_is_tried_the_rules_hold(settings: Any, tmp_path: Any) -> None:
    settings.UPLOADS_DIR = tmp_path / "uploads"
    parameters.load_file("parameters.json")
    credit_rules.load()
    run_state_machine_as_test(Lives, settings=_FEW)


# CI looks longer.
_FEW = settings(
    max_examples=15 if os.environ.get("CI") else 4,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
