"""Registration of agencies: the case itself, the services it offers, and the papers that entitle it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.accounts import acts_as, belongs_to
from marketplace.models import Organisation, Requirement, ServiceItem, Upload, User
from marketplace.workflow import StatefulModel, state_constraint, state_field, system_only, verb

from . import conditions
from .states import EDITABLE, AgencyState

BASIS = "江西省网上中介超市九江分厅管理暂行办法（2022）"


def _may_act_for(user: User | None, agency: Agency) -> bool:
    return belongs_to(user, agency.pk)


def _may_check(user: User | None, _agency: Agency) -> bool:
    return acts_as(user, Organisation.Kind.OFFICE)


class AgencyManager(models.Manager["Agency"]):
    """Every agency comes with its organisation: its name and code are wherever it is."""

    def get_queryset(self) -> models.QuerySet[Agency]:
        return super().get_queryset().select_related("organisation")


class Agency(StatefulModel):
    """An intermediary service agency and the state of its entry; shares its key with its organisation."""

    class Origin(models.TextChoices):
        OUTSIDE_PROVINCE = "outside_province", _("from outside the province")
        PROVINCE = "province", _("from the province, outside the prefecture city")
        CITY = "city", _("from the prefecture city, outside this city")
        LOCAL = "local", _("local")

    organisation = models.OneToOneField(Organisation, models.PROTECT, primary_key=True, related_name="agency")
    state = state_field(AgencyState, AgencyState.DRAFT)
    origin = models.CharField(_("place of registration"), max_length=16, choices=Origin.choices)
    legal_representative = models.CharField(_("legal representative"), max_length=60, blank=True)
    address = models.CharField(_("registered address"), max_length=160, blank=True)
    established_on = models.DateField(_("date of establishment"), null=True, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=60, blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=30, blank=True)
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    introduction = models.TextField(_("introduction"), max_length=2000, blank=True)

    registered_at = models.DateTimeField()
    commitment_signed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # A case keeps the rules of the day it was first submitted, also after a return.
    rules_on = models.DateField(null=True, blank=True)
    form_check_due = models.DateTimeField(null=True, blank=True)
    form_check_derivation: models.JSONField[dict[str, Any] | None, dict[str, Any] | None] = models.JSONField(
        null=True, blank=True
    )
    publicity_from = models.DateTimeField(null=True, blank=True)
    publicity_until = models.DateTimeField(null=True, blank=True)
    publicity_derivation: models.JSONField[dict[str, Any] | None, dict[str, Any] | None] = models.JSONField(
        null=True, blank=True
    )
    active_since = models.DateTimeField(null=True, blank=True)
    # [{"field": …, "sentence": …}], all defects of the last return; see rules.DEFECT_FIELDS.
    returned_defects: models.JSONField[list[dict[str, str]], list[dict[str, str]]] = models.JSONField(
        default=list, blank=True
    )
    refusal_reason = models.TextField(blank=True)
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)

    objects = AgencyManager()

    class Meta:
        verbose_name = _("agency")
        ordering = ["organisation__name", "pk"]
        constraints = [
            state_constraint(AgencyState, "agency_state_known"),
            models.CheckConstraint(
                condition=Q(origin__in=["outside_province", "province", "city", "local"]), name="agency_origin_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=AgencyState.SUBMITTED)
                | Q(submitted_at__isnull=False, form_check_due__isnull=False),
                name="agency_submitted_has_clock",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[AgencyState.PUBLICITY, AgencyState.ACTIVE])
                | Q(publicity_until__isnull=False, checked_by__isnull=False),
                name="agency_public_was_checked",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "publicity_until"], name="agency_publicity_due"),
            models.Index(fields=["state", "form_check_due"], name="agency_form_check_due"),
        ]

    def __str__(self) -> str:
        return self.organisation.name

    @property
    def name(self) -> str:
        return self.organisation.name

    @property
    def code(self) -> str:
        return self.organisation.code

    def stream_name(self) -> str:
        return f"agency:{self.organisation.code}"

    @verb(
        source=EDITABLE,
        target=AgencyState.SUBMITTED,
        event="agency.submitted",
        may=_may_act_for,
        when=[conditions.entry_is_complete],
        basis=BASIS,
    )
    def submit_entry(self, *, at: datetime, rules_on: date, due: datetime, derivation: dict[str, Any]) -> None:
        self.submitted_at, self.rules_on = at, rules_on
        self.form_check_due, self.form_check_derivation = due, derivation
        self.returned_defects = []

    @verb(
        source=AgencyState.SUBMITTED,
        target=AgencyState.RETURNED,
        event="agency.returned",
        may=_may_check,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def return_entry(self, *, at: datetime, checked_by: User, defects: list[dict[str, str]]) -> None:
        self.returned_defects = defects
        self.checked_by, self.checked_at = checked_by, at
        self.form_check_due = self.form_check_derivation = None

    @verb(
        source=AgencyState.SUBMITTED,
        target=AgencyState.PUBLICITY,
        event="agency.approved",
        may=_may_check,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def approve_entry(self, *, at: datetime, checked_by: User, until: datetime, derivation: dict[str, Any]) -> None:
        self.checked_by, self.checked_at = checked_by, at
        self.publicity_from, self.publicity_until, self.publicity_derivation = at, until, derivation

    @verb(
        source=AgencyState.SUBMITTED,
        target=AgencyState.REFUSED,
        event="agency.refused",
        may=_may_check,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def refuse_entry(self, *, at: datetime, checked_by: User, reason: str) -> None:
        self.refusal_reason = reason
        self.checked_by, self.checked_at = checked_by, at

    @verb(
        source=AgencyState.PUBLICITY,
        target=AgencyState.ACTIVE,
        event="agency.entered",
        may=system_only,
        when=[conditions.publicity_is_over],
        basis=BASIS,
    )
    def end_publicity(self, *, at: datetime) -> None:
        self.active_since = at


class AgencyItem(models.Model):
    """A service the agency offers. Taken off the list it stays as a row, so that its history can be read."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="items")
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="agency_items")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["item"]
        constraints = [models.UniqueConstraint(fields=["agency", "item"], name="agency_item_once")]

    def __str__(self) -> str:
        return str(self.item)


class Qualification(models.Model):
    """A licence, filing, rating, accreditation or a number of certified people, with the paper that proves it."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="qualifications")
    kind = models.CharField(pgettext_lazy("qualification", "kind"), max_length=16, choices=Requirement.Kind.choices)
    name = models.CharField(_("name of the certificate"), max_length=120)
    number = models.CharField(_("certificate number"), max_length=60)
    level = models.CharField(pgettext_lazy("qualification", "level"), max_length=20, blank=True)
    field_text = models.CharField(_("field or scope"), max_length=120, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    practitioners_count = models.PositiveSmallIntegerField(_("number of certified people"), default=0)
    certificate = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    # Set by the office's form check; an unchecked paper entitles to nothing.
    checked = models.BooleanField(default=False)

    class Meta:
        ordering = ["kind", "name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="qualification_span_forward",
            ),
            models.UniqueConstraint(fields=["agency", "kind", "number"], name="qualification_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    def holds_on(self, day: date) -> bool:
        """Valid from its first to its last day, both included."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class QualificationUse(models.Model):
    """This certificate meets that requirement of that service."""

    agency_item = models.ForeignKey(AgencyItem, models.CASCADE, related_name="uses")
    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="+")
    qualification = models.ForeignKey(Qualification, models.CASCADE, related_name="uses")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agency_item", "requirement", "qualification"], name="qualification_use_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.qualification_id} → {self.requirement_id}"
