"""Random histories of one ledger: whatever happens, rows, log and stored score say the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agencies import ledger, queries
from agencies.models import CreditEntry, CreditPetition, Penalty
from agencies.states import LEFT, AgencyState, EntryState, PetitionState
from marketplace.clock import local_date
from marketplace.deadlines import run_due
from marketplace.errors import DomainError
from tests.factories import MONDAY, ServiceItemFactory, offers

from .credit_story import Story, make_story

RULES = ["late_signing", "award_given_up", "award_given_up", "complaint_upheld", "collusion", "commended"]
HOURS = [1, 30, 24 * 9, 24 * 100]


class Ledger(RuleBasedStateMachine):
    """Acts come in any order; what the rules refuse must change nothing that the invariants see."""

    def __init__(self) -> None:
        super().__init__()
        # Each history begins in an empty ledger and leaves nothing behind.
        self.kept = transaction.atomic()
        self.kept.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.kept.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.story: Story = make_story()
        self.item: Any = ServiceItemFactory()
        offers(self.story.agency, self.item)
        self.at: datetime = MONDAY

    def any_entry(self, pick: int, *states: EntryState) -> CreditEntry | None:
        found = list(CreditEntry.objects.filter(state__in=states).select_related("agency", "rule").order_by("pk"))
        return found[pick % len(found)] if found else None

    @rule(code=st.sampled_from(RULES))
    def enter(self, code: str) -> None:
        self.story.enter(code, at=self.at)

    @rule(hours=st.sampled_from(HOURS), ticks=st.booleans())
    def time_passes(self, hours: int, ticks: bool) -> None:
        """The clock may be late, but before anybody looks again it has run."""
        self.at += timedelta(hours=hours)
        run_due(self.at)
        if ticks:
            assert run_due(self.at) == []

    @rule(pick=st.integers(0, 3))
    def reply(self, pick: int) -> None:
        if entry := self.any_entry(pick, EntryState.REPLY):
            ledger.reply(entry, "No.", actor=self.story.member, at=self.at)

    @precondition(lambda self: CreditEntry.objects.filter(state=EntryState.REPLIED).exists())
    @rule(pick=st.integers(0, 3), stands=st.booleans())
    def decide(self, pick: int, stands: bool) -> None:
        if entry := self.any_entry(pick, EntryState.REPLIED):
            (ledger.confirm if stands else ledger.drop)(entry, "So.", actor=self.story.other, at=self.at)

    @precondition(lambda self: CreditEntry.objects.filter(state=EntryState.COUNTED).exists())
    @rule(pick=st.integers(0, 3), kind=st.sampled_from(["objection", "repair"]), grant=st.booleans())
    def petition(self, pick: int, kind: str, grant: bool) -> None:
        entry = self.any_entry(pick, EntryState.COUNTED)
        assert entry is not None
        try:
            lodged = ledger.lodge_petition(entry, kind, "Please.", actor=self.story.member, at=self.at)
        except DomainError:
            return
        ledger.decide_petition(lodged, grant=grant, reason="So.", actor=self.story.third, at=self.at)

    @invariant()
    def rows_log_and_stored_score_agree(self) -> None:
        agency = self.story.fresh()
        by_rows = ledger.standing_of(agency, local_date(self.at))
        assert by_rows == self.story.from_log(self.at)
        assert (agency.score, agency.stars, agency.recount_on) == (by_rows.score, by_rows.stars, by_rows.next_change)

    @invariant()
    def nothing_counts_before_its_right_of_reply_ended(self) -> None:
        for entry in CreditEntry.objects.filter(effective_on__isnull=False, points__lte=0):
            assert entry.reply_until is not None and entry.effective_on is not None
            assert entry.replied_at is not None or entry.effective_on >= local_date(entry.reply_until)
        assert not CreditEntry.objects.filter(state__in=["reply", "replied"], effective_on__isnull=False).exists()

    @invariant()
    def penalties_and_state_agree(self) -> None:
        agency = self.story.fresh()
        on = local_date(self.at)
        assert queries.is_eligible(agency, self.item, on) is (agency.state == AgencyState.ACTIVE)
        standing = Penalty.objects.filter(lifted_at__isnull=True)
        running = standing.filter(kind="suspension", until__gt=self.at).exists()
        if standing.filter(kind="removal").exists():
            assert agency.state in LEFT
        else:
            assert agency.state == (AgencyState.SUSPENDED if running else AgencyState.ACTIVE)
        assert not CreditPetition.objects.filter(state=PetitionState.LODGED).exists()


def test_any_history_of_the_ledger_keeps_its_promises() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=6,
            stateful_step_count=10,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
