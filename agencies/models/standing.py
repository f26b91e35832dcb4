"""Two halves of an agency's life beside its entry by form check: commitment first, and penalties and exit.

Abstract parts of `Agency`: their verbs move the same state.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import models

from marketplace.accounts import acts_as, belongs_to, is_manager
from marketplace.models import Organisation, User
from marketplace.workflow import StatefulModel, system_only, verb

from .. import conditions
from ..states import EDITABLE, ENTERED, LEFT, OPERATING, AgencyState

if TYPE_CHECKING:
    from .entry import Agency

COMMITMENT_BASIS = "国办发〔2020〕42号（告知承诺制）"
EXIT_BASIS = "江西省网上中介超市九江分厅管理暂行办法（2022）：退出、暂停、清退"


def may_act_for(user: User | None, agency: Agency) -> bool:
    return belongs_to(user, agency.pk)


def may_manage(user: User | None, agency: Agency) -> bool:
    return is_manager(user, agency.organisation)


def may_check(user: User | None, _agency: Agency) -> bool:
    return acts_as(user, Organisation.Kind.OFFICE)


def may_penalise(user: User | None, _agency: Agency) -> bool:
    """Penalties follow the ledger: the clock or an act of the office imposes them, nobody else."""
    return user is None or acts_as(user, Organisation.Kind.OFFICE)


class OnCommitment(StatefulModel):
    """告知承诺: active at once on a signed commitment, the documents are checked afterwards."""

    if TYPE_CHECKING:
        way: Any
        rules_on: Any
        submitted_at: Any
        active_since: Any
        publicity_from: Any
        publicity_until: Any
        publicity_derivation: Any
        returned_defects: Any
        returned_facts: Any
        supplement_rounds: Any
        checked_by: Any
        checked_at: Any

    # Until the documents are confirmed.
    on_commitment = models.BooleanField(default=False)
    commitment_barred = models.BooleanField(default=False)
    documents_supply_due = models.DateTimeField(null=True, blank=True)
    documents_due = models.DateTimeField(null=True, blank=True)
    documents_derivation: models.JSONField[dict[str, Any] | None, dict[str, Any] | None] = models.JSONField(
        null=True, blank=True
    )
    documents_supplied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @verb(
        source=EDITABLE,
        target=AgencyState.COMMITTED,
        event="agency.entered_on_commitment",
        may=may_act_for,
        when=[
            conditions.reentry_is_open,
            conditions.commitment_is_open,
            conditions.items_allow_commitment,
            conditions.entry_is_complete,
        ],
        basis=COMMITMENT_BASIS,
    )
    def enter_on_commitment(
        self,
        *,
        at: datetime,
        rules_on: date,
        supply_due: datetime,
        due: datetime,
        derivation: dict[str, Any],
        publicity_until: datetime,
        publicity_derivation: dict[str, Any],
    ) -> None:
        self.way, self.on_commitment = "commitment", True
        self.rules_on, self.submitted_at, self.active_since = rules_on, at, at
        self.documents_supply_due, self.documents_due, self.documents_derivation = supply_due, due, derivation
        self.documents_supplied_at = None
        self.publicity_from, self.publicity_until = at, publicity_until
        self.publicity_derivation = publicity_derivation
        self.returned_defects = []

    @verb(
        source=AgencyState.COMMITTED,
        target=AgencyState.VERIFYING,
        event="agency.documents_supplied",
        may=may_act_for,
        when=[conditions.documents_are_in_time, conditions.entry_is_complete],
        basis=COMMITMENT_BASIS,
    )
    def supply_documents(self, *, at: datetime) -> None:
        self.documents_supplied_at = at
        self.returned_defects = []

    @verb(
        source=AgencyState.VERIFYING,
        target=AgencyState.COMMITTED,
        event="agency.documents_returned",
        may=may_check,
        when=[conditions.checker_is_independent],
        basis=COMMITMENT_BASIS,
    )
    def return_documents(
        self,
        *,
        at: datetime,
        checked_by: User,
        defects: list[dict[str, str]],
        fingerprints: dict[str, str],
        supply_due: datetime,
        due: datetime,
        derivation: dict[str, Any],
    ) -> None:
        self.returned_defects, self.returned_facts = defects, fingerprints
        self.supplement_rounds += 1
        self.documents_supply_due, self.documents_due, self.documents_derivation = supply_due, due, derivation
        self.checked_at = at

    @verb(
        source=AgencyState.VERIFYING,
        target=AgencyState.ACTIVE,
        event="agency.documents_confirmed",
        may=may_check,
        when=[conditions.checker_is_independent],
        basis=COMMITMENT_BASIS,
    )
    def confirm_documents(self, *, at: datetime, checked_by: User) -> None:
        self.checked_by, self.checked_at = checked_by, at
        self.on_commitment = False

    @verb(
        source=AgencyState.COMMITTED,
        target=AgencyState.RETURNED,
        event="agency.commitment_lapsed",
        may=system_only,
        when=[conditions.documents_are_overdue],
        basis=COMMITMENT_BASIS,
    )
    def lapse_commitment(self, *, at: datetime, defects: list[dict[str, str]], fingerprints: dict[str, str]) -> None:
        """Not active any more: the entry falls back to the form check, and commitment first stays closed."""
        self.on_commitment, self.commitment_barred = False, True
        self.returned_defects, self.returned_facts = defects, fingerprints
        self.active_since = None


class PenaltiesAndExit(StatefulModel):
    """Suspension, removal, withdrawal, and the way back; what the ledger says of the agency."""

    if TYPE_CHECKING:
        on_commitment: Any
        commitment_barred: Any
        commitment_signed_at: Any
        documents_supply_due: Any
        documents_due: Any
        documents_derivation: Any
        documents_supplied_at: Any
        rules_on: Any
        submitted_at: Any
        active_since: Any
        form_check_due: Any
        form_check_derivation: Any
        publicity_until: Any
        publicity_derivation: Any
        refusal_reason: Any
        returned_defects: Any
        returned_facts: Any
        supplement_rounds: Any

    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_until = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    left_reason = models.TextField(blank=True)
    reentry_from = models.DateTimeField(null=True, blank=True)
    # The state a removal took the agency out of, and what it took: see `leaving.held_by`.
    removed_from = models.CharField(max_length=20, blank=True, editable=False)
    held: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True, editable=False
    )

    # What the ledger says today, kept for lists by `ledger.recount`; `credit.standing` computes it for any day.
    score = models.SmallIntegerField(default=100)
    stars = models.PositiveSmallIntegerField(default=5)
    # The next day on which the ledger gives another score by itself.
    recount_on = models.DateField(null=True, blank=True)
    # Services done through the marketplace: how many, and the sum and number of their quality marks (1 to 5).
    services_done = models.PositiveIntegerField(default=0)
    quality_sum = models.PositiveIntegerField(default=0)
    quality_count = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    @verb(
        source=(*OPERATING, AgencyState.SUSPENDED),
        target=AgencyState.SUSPENDED,
        event="agency.suspended",
        may=may_penalise,
        basis=EXIT_BASIS,
    )
    def suspend(self, *, at: datetime, until: datetime) -> None:
        """A further suspension never shortens the one that runs."""
        self.suspended_at = at
        running = self.suspended_until if self.state == AgencyState.SUSPENDED else None
        self.suspended_until = max(until, running) if running else until

    @verb(
        source=AgencyState.SUSPENDED,
        target=AgencyState.ACTIVE,
        event="agency.suspension_ended",
        may=may_penalise,
        when=[conditions.documents_were_checked, conditions.suspension_is_over],
        basis=EXIT_BASIS,
    )
    def end_suspension(self, *, at: datetime) -> None:
        self.suspended_at = self.suspended_until = None

    @verb(
        source=AgencyState.SUSPENDED,
        target=AgencyState.COMMITTED,
        event="agency.resumed_on_commitment",
        may=may_penalise,
        when=[conditions.documents_are_unchecked, conditions.suspension_is_over],
        basis=EXIT_BASIS,
    )
    def resume_on_commitment(
        self, *, at: datetime, supply_due: datetime, due: datetime, derivation: dict[str, Any]
    ) -> None:
        """Suspended before its documents were checked: the clock for them begins anew."""
        self.suspended_at = self.suspended_until = None
        self.documents_supply_due, self.documents_due, self.documents_derivation = supply_due, due, derivation

    @verb(
        source=(AgencyState.PUBLICITY, *ENTERED, AgencyState.WITHDRAWN),
        target=AgencyState.REMOVED,
        event="agency.removed",
        may=may_penalise,
        basis=EXIT_BASIS,
    )
    def remove(
        self, *, at: datetime, reason: str, reentry_from: datetime, held: dict[str, Any] | None = None
    ) -> None:
        self.removed_from, self.held = self.state, held or {}
        self.left_at, self.left_reason, self.reentry_from = at, reason, reentry_from
        self.suspended_at = self.suspended_until = None
        self.commitment_barred = True

    @verb(
        source=AgencyState.REMOVED,
        target=AgencyState.SUSPENDED,
        event="agency.reinstated",
        may=may_penalise,
        when=[conditions.removed_while_entered],
        basis=EXIT_BASIS,
    )
    def reinstate(self, *, at: datetime) -> None:
        """The ground of the removal was struck out: as if suspended until now, the clock does the rest."""
        self.suspended_at = self.suspended_until = at
        self.left_at = self.reentry_from = None
        self.left_reason = self.removed_from = ""

    @verb(
        source=AgencyState.REMOVED,
        target=AgencyState.WITHDRAWN,
        event="agency.withdrawal_restored",
        may=may_penalise,
        when=[conditions.removed_while_withdrawn],
        basis=EXIT_BASIS,
    )
    def restore_withdrawal(self, *, at: datetime, left_at: datetime | None, reason: str) -> None:
        """The ground of the removal was struck out: it had left by its own will, and that stands."""
        self.left_at, self.left_reason = left_at, reason
        self.reentry_from, self.removed_from = None, ""

    @verb(
        source=AgencyState.REMOVED,
        target=AgencyState.DRAFT,
        event="agency.entry_reopened",
        may=may_penalise,
        when=[conditions.removed_while_in_publicity],
        basis=EXIT_BASIS,
    )
    def reopen_entry(self, *, at: datetime) -> None:
        """The ground of the removal was struck out; the entry was never in effect, so it is checked again as a whole."""
        self._start_over()

    @verb(
        source=(AgencyState.PUBLICITY, *ENTERED),
        target=AgencyState.WITHDRAWN,
        event="agency.withdrawn",
        may=may_manage,
        when=[conditions.no_service_is_open],
        basis=EXIT_BASIS,
    )
    def withdraw(self, *, at: datetime, reason: str) -> None:
        """Leaving does not shorten a suspension: nobody enters again before its end."""
        ends = [end for end in (self.reentry_from, self.suspended_until) if end is not None]
        self.left_at, self.left_reason, self.reentry_from = at, reason, max(ends, default=None)
        # Nobody begins a second commitment before the documents of the first were seen.
        self.commitment_barred = self.commitment_barred or self.on_commitment
        self.suspended_at = self.suspended_until = None

    @verb(
        source=(AgencyState.REFUSED, *LEFT),
        target=AgencyState.DRAFT,
        event="agency.entry_begun_again",
        may=may_manage,
        when=[conditions.reentry_is_open],
        basis=EXIT_BASIS,
    )
    def begin_again(self, *, at: datetime) -> None:
        """A new entry from the papers that are there; everything is checked anew."""
        self._start_over()

    def _start_over(self) -> None:
        self.commitment_signed_at = self.submitted_at = self.rules_on = None
        self.form_check_due = self.form_check_derivation = None
        self.publicity_until = self.publicity_derivation = None
        self.documents_supply_due = self.documents_due = self.documents_derivation = None
        self.documents_supplied_at = self.active_since = None
        self.left_at = self.reentry_from = None
        self.left_reason = self.refusal_reason = self.removed_from = ""
        self.held = {}
        self.returned_defects, self.returned_facts, self.supplement_rounds = [], {}, 0
        self.on_commitment = False
