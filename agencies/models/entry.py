"""Registration of agencies: the case itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from marketplace.models import Organisation, User
from marketplace.workflow import state_constraint, state_field, system_only, verb

from .. import conditions
from ..states import EDITABLE, AgencyState
from .standing import OnCommitment, PenaltiesAndExit, may_act_for, may_check

BASIS = "江西省网上中介超市九江分厅管理暂行办法（2022）"
# More services than anybody ever does.
BEHIND = 10**10
# Two different means of up to a million marks differ by more than one in this many parts: the whole number of parts
# orders them exactly.
QUALITY_SCALE = 10**12


class IdKind(models.TextChoices):
    RESIDENT = "resident", _("resident identity card")
    OTHER = "other", _("passport or permit")


class AgencyManager(models.Manager["Agency"]):
    """Every agency comes with its organisation: its name and code are wherever it is."""

    def get_queryset(self) -> models.QuerySet[Agency]:
        return super().get_queryset().select_related("organisation")


class Agency(OnCommitment, PenaltiesAndExit):
    """An intermediary service agency and the state of its entry; shares its key with its organisation."""

    class Way(models.TextChoices):
        CHECK_FIRST = "check_first", _("check first")
        COMMITMENT = "commitment", _("commitment first")

    class RepresentedBy(models.TextChoices):
        LEGAL = "legal", _("the legal representative himself")
        AGENTS = "agents", _("authorised agents")

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
    # The legal representative's document: the number stays sealed, its keyed digest finds the same person elsewhere.
    legal_id_kind = models.CharField(_("kind of identity document"), max_length=8, choices=IdKind.choices, blank=True)
    legal_id_sealed = models.BinaryField(editable=False, default=b"")
    legal_id_digest = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    represented_by = models.CharField(
        _("who acts for the agency"), max_length=8, choices=RepresentedBy.choices, default=RepresentedBy.LEGAL
    )
    # The name of the organisation in the order of the directory, kept equal by the acts that change it.
    sort_name = models.CharField(max_length=120, default="", editable=False)
    # The credit code, the last key of the order of recommendation; it never changes.
    sort_code = models.CharField(max_length=18, default="", editable=False)
    # The order of recommendation as keys that all ascend, kept by the database itself; see `recommendation`.
    rank_done = models.GeneratedField(
        expression=Case(When(stars=5, then=Value(0)), default=Value(BEHIND)) + Value(BEHIND) - F("services_done"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    rank_quality = models.GeneratedField(
        expression=Case(
            When(quality_count=0, then=Value(0)),
            default=-(F("quality_sum") * Value(QUALITY_SCALE) / F("quality_count")),
            output_field=models.BigIntegerField(),
        ),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    rank_since = models.GeneratedField(
        expression=Coalesce("active_since", "registered_at"), output_field=models.DateTimeField(), db_persist=True
    )

    way = models.CharField(_("way of entry"), max_length=12, choices=Way.choices, default=Way.CHECK_FIRST)
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
    # How often it was returned, and what each part of the case looked like at the last notice: {field: SHA-256}, with
    # the fields the notice named; see rules.notice_facts.
    supplement_rounds = models.PositiveSmallIntegerField(default=0)
    returned_facts: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict, blank=True)
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
            models.CheckConstraint(
                condition=~Q(state__in=[AgencyState.COMMITTED, AgencyState.VERIFYING])
                | Q(on_commitment=True, commitment_signed_at__isnull=False, documents_due__isnull=False),
                name="agency_committed_has_clock",
            ),
            models.CheckConstraint(
                condition=~Q(state=AgencyState.SUSPENDED) | Q(suspended_until__isnull=False),
                name="agency_suspension_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "publicity_until"], name="agency_publicity_due"),
            models.Index(fields=["state", "form_check_due"], name="agency_form_check_due"),
            models.Index(fields=["state", "documents_supply_due"], name="agency_documents_due"),
            models.Index(fields=["state", "suspended_until"], name="agency_suspension_due"),
            models.Index(fields=["recount_on"], name="agency_recount_due"),
            # The directory walks these in order and finds its other conditions in them too.
            models.Index(
                fields=["sort_name", "organisation", "state", "origin", "stars", "way"], name="agency_by_name"
            ),
            models.Index(
                fields=["state", "sort_name", "organisation", "origin", "stars", "way"], name="agency_state_by_name"
            ),
            models.Index(
                fields=["origin", "sort_name", "organisation", "state", "stars", "way"], name="agency_origin_by_name"
            ),
            models.Index(
                fields=["stars", "sort_name", "organisation", "state", "origin", "way"], name="agency_stars_by_name"
            ),
            models.Index(
                fields=["way", "sort_name", "organisation", "state", "origin", "stars"], name="agency_way_by_name"
            ),
            models.Index(
                fields=["rank_done", "rank_quality", "rank_since", "sort_code", "organisation", "state"],
                name="agency_recommended",
            ),
            models.Index(fields=["state", "left_at", "organisation"], name="agency_left"),
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
        may=may_act_for,
        when=[conditions.reentry_is_open, conditions.entry_is_complete],
        basis=BASIS,
    )
    def submit_entry(self, *, at: datetime, rules_on: date, due: datetime, derivation: dict[str, Any]) -> None:
        self.submitted_at, self.rules_on = at, rules_on
        self.form_check_due, self.form_check_derivation = due, derivation
        self.way, self.returned_defects = self.Way.CHECK_FIRST, []

    @verb(
        source=AgencyState.SUBMITTED,
        target=AgencyState.RETURNED,
        event="agency.returned",
        may=may_check,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def return_entry(
        self, *, at: datetime, checked_by: User, defects: list[dict[str, str]], fingerprints: dict[str, str]
    ) -> None:
        self.returned_defects, self.returned_facts = defects, fingerprints
        self.supplement_rounds += 1
        self.checked_by, self.checked_at = checked_by, at
        self.form_check_due = self.form_check_derivation = None

    @verb(
        source=AgencyState.SUBMITTED,
        target=AgencyState.PUBLICITY,
        event="agency.approved",
        may=may_check,
        when=[conditions.checker_is_independent, conditions.reentry_is_open],
        basis=BASIS,
    )
    def approve_entry(self, *, at: datetime, checked_by: User, until: datetime, derivation: dict[str, Any]) -> None:
        self.checked_by, self.checked_at = checked_by, at
        self.publicity_from, self.publicity_until, self.publicity_derivation = at, until, derivation

    @verb(
        source=AgencyState.SUBMITTED,
        target=AgencyState.REFUSED,
        event="agency.refused",
        may=may_check,
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
        when=[conditions.publicity_is_over, conditions.no_objection_is_open, conditions.reentry_is_open],
        basis=BASIS,
    )
    def end_publicity(self, *, at: datetime) -> None:
        self.active_since = at

    @verb(
        source=AgencyState.PUBLICITY,
        target=AgencyState.RETURNED,
        event="agency.returned_from_publicity",
        may=may_check,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def return_from_publicity(
        self, *, at: datetime, checked_by: User, defects: list[dict[str, str]], fingerprints: dict[str, str]
    ) -> None:
        """After an objection that was upheld."""
        self.returned_defects, self.returned_facts = defects, fingerprints
        self.supplement_rounds += 1
        self.checked_by, self.checked_at = checked_by, at
        self.publicity_until = self.publicity_derivation = None

    @verb(
        source=AgencyState.PUBLICITY,
        target=AgencyState.REFUSED,
        event="agency.refused_from_publicity",
        may=may_check,
        when=[conditions.checker_is_independent],
        basis=BASIS,
    )
    def refuse_from_publicity(self, *, at: datetime, checked_by: User, reason: str) -> None:
        """After an objection that was upheld."""
        self.refusal_reason = reason
        self.checked_by, self.checked_at = checked_by, at
