"""The credit ledger: dated rules, entries with their right of reply, petitions, penalties, and services done."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy

from marketplace.accounts import acts_as, belongs_to
from marketplace.models import Organisation, ServiceItem, Upload, User
from marketplace.workflow import StatefulModel, state_constraint, state_field, verb

from .. import conditions
from ..states import EntryState, PetitionState
from .entry import Agency

CREDIT_BASIS = "江西省网上中介超市九江分厅管理暂行办法（2022）：信用评价"
REPLY_BASIS = "中华人民共和国行政处罚法第四十五条（陈述、申辩）"

if TYPE_CHECKING:
    Json = models.JSONField[Any, Any]


def _office(user: User | None, _case: Any) -> bool:
    return acts_as(user, Organisation.Kind.OFFICE)


def _office_or_clock(user: User | None, case: Any) -> bool:
    return user is None or _office(user, case)


def _own(user: User | None, case: Any) -> bool:
    return belongs_to(user, case.agency_id)


class CreditRule(models.Model):
    """One line of the list of breaches and merits: points, how long they count, and what follows from how many.

    Dated and with its legal basis; an entry keeps the rule of the day it happened.
    """

    class Gravity(models.TextChoices):
        MERIT = "merit", pgettext_lazy("credit rule", "merit")
        BREACH = "breach", pgettext_lazy("credit rule", "breach")
        SERIOUS = "serious", pgettext_lazy("credit rule", "serious breach")

    class Consequence(models.TextChoices):
        NONE = "none", pgettext_lazy("penalty", "none")
        WARNING = "warning", pgettext_lazy("penalty", "warning")
        SUSPENSION = "suspension", pgettext_lazy("penalty", "suspension")
        REMOVAL = "removal", pgettext_lazy("penalty", "removal")

    code = models.CharField(max_length=40)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)
    gravity = models.CharField(max_length=8, choices=Gravity.choices)
    points = models.SmallIntegerField()
    # Calendar months the points count from the effective date; empty: for ever.
    months = models.PositiveSmallIntegerField(null=True, blank=True)
    # So many entries of this rule within so many months lead to the consequence.
    consequence = models.CharField(max_length=10, choices=Consequence.choices, default=Consequence.NONE)
    threshold = models.PositiveSmallIntegerField(default=1)
    within_months = models.PositiveSmallIntegerField(default=12)
    term_months = models.PositiveSmallIntegerField(null=True, blank=True)
    # Months after the effective date from which repair can be applied for; empty: never.
    repair_after_months = models.PositiveSmallIntegerField(null=True, blank=True)
    basis = models.CharField(max_length=200)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["gravity", "code", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="credit_rule_once_a_day"),
            models.CheckConstraint(
                condition=~Q(consequence="suspension") | Q(term_months__isnull=False), name="suspension_has_term"
            ),
        ]

    def __str__(self) -> str:
        return self.name_en if get_language() == "en" else self.name_zh

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class CreditEntry(StatefulModel):
    """One entry: which event, under which rule, how many points, on what evidence, and until when one may object."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="ledger")
    rule = models.ForeignKey(CreditRule, models.PROTECT, related_name="+")
    state = state_field(EntryState, EntryState.REPLY)
    points = models.SmallIntegerField()
    # What happened, in one public sentence, and the address of the case it happened in.
    summary = models.CharField(max_length=200)
    link = models.CharField(max_length=200, blank=True)
    # Known once to the case that made it, so that no event is entered twice.
    source = models.CharField(max_length=120)
    evidence = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    happened_on = models.DateField()
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    entered_at = models.DateTimeField()
    reply_until = models.DateTimeField(null=True, blank=True)
    reply_derivation: Json = models.JSONField(null=True, blank=True)
    reply_text = models.TextField(blank=True, max_length=4000)
    reply_file = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    replied_at = models.DateTimeField(null=True, blank=True)
    decision_due = models.DateTimeField(null=True, blank=True)
    # Points count on the days from `effective_on` to the day before `expires_on`, and only before `ended_on`.
    effective_on = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    object_until = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["-entered_at", "-pk"]
        constraints = [
            state_constraint(EntryState, "credit_entry_state_known"),
            models.UniqueConstraint(fields=["agency", "source"], name="credit_entry_once"),
            models.CheckConstraint(
                condition=~Q(state__in=["counted", "repaired"]) | Q(effective_on__isnull=False),
                name="credit_entry_counts_from_a_day",
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=F("effective_on")),
                name="credit_entry_span_forward",
            ),
        ]
        indexes = [models.Index(fields=["state", "reply_until"], name="credit_reply_due")]

    def __str__(self) -> str:
        return self.summary

    def stream_name(self) -> str:
        return self.agency.stream_name()

    @verb(
        source=EntryState.REPLY,
        target=EntryState.REPLIED,
        event="credit.replied",
        may=_own,
        when=[conditions.reply_time_is_running],
        basis=REPLY_BASIS,
    )
    def reply(self, *, at: datetime, text: str, file: Upload | None, decision_due: datetime) -> None:
        self.reply_text, self.reply_file, self.replied_at, self.decision_due = text, file, at, decision_due

    @verb(
        source=EntryState.REPLY,
        target=EntryState.COUNTED,
        event="credit.counted",
        may=_office_or_clock,
        when=[conditions.reply_time_is_over],
        basis=CREDIT_BASIS,
    )
    def let_stand(
        self, *, at: datetime, effective_on: date, expires_on: date | None, object_until: datetime | None
    ) -> None:
        """The right of reply ended without a reply, or the entry is a merit."""
        self.effective_on, self.expires_on, self.object_until = effective_on, expires_on, object_until

    @verb(
        source=EntryState.REPLIED,
        target=EntryState.COUNTED,
        event="credit.confirmed",
        may=_office,
        when=[conditions.checker_is_independent, conditions.decider_is_another],
        basis=REPLY_BASIS,
    )
    def confirm(
        self,
        *,
        at: datetime,
        decided_by: User,
        reason: str,
        effective_on: date,
        expires_on: date | None,
        object_until: datetime | None,
    ) -> None:
        self.decided_by, self.decided_at, self.decision_reason = decided_by, at, reason
        self.effective_on, self.expires_on, self.object_until = effective_on, expires_on, object_until

    @verb(
        source=(EntryState.REPLY, EntryState.REPLIED),
        target=EntryState.DROPPED,
        event="credit.dropped",
        may=_office,
        when=[conditions.checker_is_independent, conditions.decider_is_another],
        basis=REPLY_BASIS,
    )
    def drop(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.decision_reason = decided_by, at, reason

    @verb(
        source=(EntryState.COUNTED, EntryState.REPAIRED),
        target=EntryState.VOIDED,
        event="credit.voided",
        may=_office,
        when=[conditions.checker_is_independent],
        basis=CREDIT_BASIS,
    )
    def void(self, *, at: datetime, reason: str) -> None:
        """An objection was granted: it never counted."""
        self.decision_reason = reason

    @verb(
        source=EntryState.COUNTED,
        target=EntryState.REPAIRED,
        event="credit.repaired",
        may=_office,
        when=[conditions.checker_is_independent],
        basis=CREDIT_BASIS,
    )
    def repair(self, *, at: datetime, ended_on: date, reason: str) -> None:
        """信用修复: it counts no longer from that day on."""
        self.ended_on, self.decision_reason = ended_on, reason


class CreditPetition(StatefulModel):
    """An objection (异议) against an entry that counts, or an application for its repair (信用修复)."""

    class Kind(models.TextChoices):
        OBJECTION = "objection", pgettext_lazy("petition", "objection")
        REPAIR = "repair", pgettext_lazy("petition", "repair")

    entry = models.ForeignKey(CreditEntry, models.PROTECT, related_name="petitions")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="petitions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = state_field(PetitionState, PetitionState.LODGED)
    text = models.TextField(max_length=4000)
    evidence = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    lodged_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    lodged_at = models.DateTimeField()
    due = models.DateTimeField()
    derivation: Json = models.JSONField(default=dict)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["-lodged_at", "-pk"]
        constraints = [
            state_constraint(PetitionState, "credit_petition_state_known"),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(state=PetitionState.LODGED), name="credit_petition_one_open"
            ),
        ]
        indexes = [models.Index(fields=["state", "due"], name="credit_petition_due")]

    def stream_name(self) -> str:
        return self.agency.stream_name()

    @verb(
        source=PetitionState.LODGED,
        target=PetitionState.GRANTED,
        event="credit.petition_granted",
        may=_office,
        when=[conditions.checker_is_independent, conditions.decider_is_another],
        basis=CREDIT_BASIS,
    )
    def grant(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.reason = decided_by, at, reason

    @verb(
        source=PetitionState.LODGED,
        target=PetitionState.REJECTED,
        event="credit.petition_rejected",
        may=_office,
        when=[conditions.checker_is_independent, conditions.decider_is_another],
        basis=CREDIT_BASIS,
    )
    def reject(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.reason = decided_by, at, reason


class Penalty(models.Model):
    """What followed from the ledger: a warning, a suspension with its term, or removal. Never deleted."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="penalties")
    kind = models.CharField(max_length=10, choices=CreditRule.Consequence.choices)
    rule = models.ForeignKey(CreditRule, models.PROTECT, related_name="+")
    entries = models.ManyToManyField(CreditEntry, related_name="penalties")
    # The entry that reached the threshold: one penalty each.
    cause = models.OneToOneField(CreditEntry, models.PROTECT, related_name="penalty_caused")
    imposed_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_reason = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["-imposed_at", "-pk"]


class ServiceRecord(models.Model):
    """A service done through the marketplace, with the quality mark its owner gave (1 to 5), if any."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="services")
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="+")
    source = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=160)
    link = models.CharField(max_length=200, blank=True)
    finished_on = models.DateField()
    quality = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-finished_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quality__isnull=True) | Q(quality__range=(1, 5)), name="service_quality_known"
            )
        ]
        indexes = [models.Index(fields=["agency", "-finished_on"], name="service_of_agency")]
