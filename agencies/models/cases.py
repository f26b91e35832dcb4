"""The cases around an entry: pre-checks, objections in publicity, changes, and imports of the office."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.accounts import acts_as, belongs_to
from marketplace.models import Organisation, Upload, User
from marketplace.workflow import StatefulModel, state_constraint, state_field, system_only, verb

from .. import conditions
from ..states import OPEN_CHANGES, ChangeState, ObjectionState
from .entry import BASIS, Agency

if TYPE_CHECKING:
    Json = models.JSONField[Any, Any]


def _office(user: User | None, _case: Any) -> bool:
    return acts_as(user, Organisation.Kind.OFFICE)


def _own(user: User | None, case: Any) -> bool:
    return belongs_to(user, case.agency_id)


class PreCheck(models.Model):
    """预审: the office looks at the papers before they are submitted. Advice only; no clock of the entry runs."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="prechecks")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    question = models.TextField(blank=True, max_length=1000)
    due = models.DateTimeField()
    derivation: Json = models.JSONField(default=dict)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    # [{"field": …, "sentence": …}] as in returned_defects; empty when nothing was found.
    remarks: Json = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["agency"], condition=Q(answered_at__isnull=True), name="precheck_one_open"
            )
        ]


class EntryObjection(StatefulModel):
    """An objection of anybody against an entry in publicity; who lodged it is known to office and supervisor only."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="objections")
    state = state_field(ObjectionState, ObjectionState.LODGED)
    lodged_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    lodged_at = models.DateTimeField()
    text = models.TextField(max_length=4000)
    evidence = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    due = models.DateTimeField()
    derivation: Json = models.JSONField(default=dict)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["-lodged_at", "-pk"]
        constraints = [
            state_constraint(ObjectionState, "entry_objection_state_known"),
            models.UniqueConstraint(
                fields=["agency", "lodged_by"],
                condition=Q(state=ObjectionState.LODGED),
                name="entry_objection_one_open_each",
            ),
        ]

    def stream_name(self) -> str:
        return self.agency.stream_name()

    @verb(
        source=ObjectionState.LODGED,
        target=ObjectionState.UPHELD,
        event="agency.objection_upheld",
        may=_office,
        when=[conditions.checker_is_independent, conditions.decider_did_not_object],
        basis=BASIS,
    )
    def uphold(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.reason = decided_by, at, reason

    @verb(
        source=ObjectionState.LODGED,
        target=ObjectionState.DISMISSED,
        event="agency.objection_dismissed",
        may=_office,
        when=[conditions.checker_is_independent, conditions.decider_did_not_object],
        basis=BASIS,
    )
    def dismiss(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.reason = decided_by, at, reason


class Change(StatefulModel):
    """变更: something that was checked is to be different. It takes effect when its own check approves it."""

    class Kind(models.TextChoices):
        NAME = "name", _("name of the agency")
        LEGAL_REPRESENTATIVE = "legal_representative", _("legal representative")
        ADDRESS = "address", _("registered address and place of registration")
        QUALIFICATION_ADD = "qualification_add", _("new certificate")
        QUALIFICATION_UPDATE = "qualification_update", _("certificate renewed or changed")
        QUALIFICATION_REMOVE = "qualification_remove", _("certificate given up")
        PRACTITIONER_ADD = "practitioner_add", _("practitioner joins")
        PRACTITIONER_REMOVE = "practitioner_remove", _("practitioner leaves")
        AGENT_ADD = "agent_add", _("authorised agent appointed")
        AGENT_REMOVE = "agent_remove", _("authority of an agent ends")

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=24, choices=Kind.choices)
    state = state_field(ChangeState, ChangeState.DRAFT)
    # The certificate or person the change is about (its pk); empty for the agency's own data and for what is new.
    target = models.PositiveBigIntegerField(null=True, blank=True)
    # Before and after: [{"field": …, "old": …, "new": …}], texts, numbers or lists of texts, None where there is none.
    difference: Json = models.JSONField(default=list, blank=True)
    # What is applied: public values by field; requirement pks under "requirements".
    values: Json = models.JSONField(default=dict, blank=True)
    # The number of an identity document, sealed.
    secret = models.BinaryField(editable=False, default=b"")
    files = models.ManyToManyField(Upload, through="ChangeFile", related_name="+")
    reason = models.TextField(_("reason of the change"), max_length=1000, blank=True)
    begun_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    check_due = models.DateTimeField(null=True, blank=True)
    check_derivation: Json = models.JSONField(null=True, blank=True)
    returned_defects: Json = models.JSONField(default=list, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    refusal_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-begun_at", "-pk"]
        constraints = [
            state_constraint(ChangeState, "change_state_known"),
            models.UniqueConstraint(
                fields=["agency", "kind", "target"],
                condition=Q(state__in=[state.value for state in OPEN_CHANGES], target__isnull=False),
                name="change_one_open_each",
            ),
            models.UniqueConstraint(
                fields=["agency", "kind"],
                condition=Q(
                    state__in=[state.value for state in OPEN_CHANGES],
                    kind__in=["name", "legal_representative", "address"],
                ),
                name="change_one_open_of_data",
            ),
        ]
        indexes = [models.Index(fields=["state", "check_due"], name="change_check_due")]

    def __str__(self) -> str:
        return self.get_kind_display()

    def stream_name(self) -> str:
        return self.agency.stream_name()

    @verb(
        source=(ChangeState.DRAFT, ChangeState.RETURNED),
        target=ChangeState.SUBMITTED,
        event="agency.change_submitted",
        may=_own,
        when=[conditions.agency_is_entered],
        basis=BASIS,
    )
    def submit(self, *, at: datetime, due: datetime, derivation: dict[str, Any]) -> None:
        self.submitted_at, self.check_due, self.check_derivation = at, due, derivation
        self.returned_defects = []

    @verb(
        source=ChangeState.SUBMITTED,
        target=ChangeState.APPROVED,
        event="agency.change_approved",
        may=_office,
        when=[conditions.checker_is_independent, conditions.agency_is_entered],
        basis=BASIS,
    )
    def approve(self, *, at: datetime, decided_by: User) -> None:
        self.decided_by, self.decided_at = decided_by, at

    @verb(
        source=ChangeState.SUBMITTED,
        target=ChangeState.RETURNED,
        event="agency.change_returned",
        may=_office,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def return_change(self, *, at: datetime, decided_by: User, defects: list[dict[str, str]]) -> None:
        self.decided_by, self.decided_at, self.returned_defects = decided_by, at, defects
        self.check_due = self.check_derivation = None

    @verb(
        source=ChangeState.SUBMITTED,
        target=ChangeState.REFUSED,
        event="agency.change_refused",
        may=_office,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def refuse(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.refusal_reason = decided_by, at, reason

    @verb(
        source=OPEN_CHANGES,
        target=ChangeState.WITHDRAWN,
        event="agency.change_withdrawn",
        may=_own,
        basis=BASIS,
    )
    def withdraw(self, *, at: datetime) -> None:
        self.decided_at = at

    @verb(
        source=OPEN_CHANGES,
        target=ChangeState.WITHDRAWN,
        event="agency.change_closed",
        may=system_only,
        basis=BASIS,
    )
    def close(self, *, at: datetime) -> None:
        """The agency has left: there is nothing to change any more."""
        self.decided_at = at


class ChangeFile(models.Model):
    """A paper that belongs to a change, by the field it is for (certificate, id_scan, insurance, authority …)."""

    change = models.ForeignKey(Change, models.CASCADE, related_name="papers")
    field = models.CharField(max_length=24)
    file = models.ForeignKey(Upload, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "field"], name="change_file_once")]


class DataImport(models.Model):
    """A spreadsheet of agencies on its way in: every row is checked first, then all are written or none."""

    class Stage(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("import", "waiting")
        CHECKING = "checking", _("rows are checked")
        FAULTY = "faulty", _("rows need correction; nothing was imported")
        WRITING = "writing", _("rows are written")
        DONE = "done", _("imported")

    file = models.ForeignKey(Upload, models.PROTECT, related_name="+")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.WAITING)
    started_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    rows = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    # [{"row": 3, "column": "code", "sentence": …}]
    faults: Json = models.JSONField(default=list, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
