"""Entry of project owners: public bodies, enterprises and natural persons."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.accounts import acts_as, belongs_to
from marketplace.models import Membership, Organisation, Upload, User
from marketplace.workflow import StatefulModel, rule, state_constraint, state_field, verb

from ..states import OWNER_EDITABLE, OwnerChangeState, OwnerState

if TYPE_CHECKING:
    Json = models.JSONField[Any, Any]

OWNER_BASIS = "江西省网上中介超市九江分厅管理暂行办法（2022）：项目业主入驻"


@rule(_("The entry is not complete: every missing entry is listed."), basis="一次性告知")
def owner_entry_is_complete(entry: Any, *, gaps: Any = (), **_facts: Any) -> bool:
    return not gaps


@rule(
    _("You belong to this owner, so you may not check its entry."),
    basis="中华人民共和国公务员法第七十六条（回避）",
    remedy=_("Another member of the office checks it."),
)
def owner_checker_is_independent(case: Any, *, actor: User | None, **_facts: Any) -> bool:
    return not _is_member(actor, case)


@rule(
    _("A task of this owner is still open; each one is listed."),
    remedy=_("Bring the open tasks to an end first."),
)
def no_task_is_open(entry: Any, *, open_tasks: Any = (), **_facts: Any) -> bool:
    return not open_tasks


def _pk(case: Any) -> int:
    return int(getattr(case, "owner_id", case.pk))


def _is_member(user: User | None, case: Any) -> bool:
    """Also of an organisation that is not active yet, which `accounts.memberships` leaves out."""
    if user is None or not user.is_authenticated:
        return False
    return belongs_to(user, _pk(case)) or user.memberships.filter(organisation=_pk(case)).exists()


def _manages(user: User | None, case: Any) -> bool:
    if user is None or not user.is_authenticated:
        return False
    return user.memberships.filter(organisation=_pk(case), role=Membership.Role.MANAGER).exists()


def _office(user: User | None, _case: Any) -> bool:
    return acts_as(user, Organisation.Kind.OFFICE)


class OwnerEntry(StatefulModel):
    """The registration of a project owner; shares its key with its organisation, which is active only in ACTIVE."""

    organisation = models.OneToOneField(Organisation, models.PROTECT, primary_key=True, related_name="owner_entry")
    state = state_field(OwnerState, OwnerState.DRAFT)
    legal_representative = models.CharField(_("legal representative or person in charge"), max_length=60, blank=True)
    address = models.CharField(_("address"), max_length=160, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=60, blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=30, blank=True)
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    # Of a natural person: the number of the identity card, sealed; the organisation's code is made from its digest.
    id_sealed = models.BinaryField(editable=False, default=b"")
    # Registration certificate of a body, identity card of a person; and the manager's letter of authority.
    registration_scan = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    authority_scan = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    registered_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    check_due = models.DateTimeField(null=True, blank=True)
    check_derivation: Json = models.JSONField(null=True, blank=True)
    returned_defects: Json = models.JSONField(default=list, blank=True)
    refusal_reason = models.TextField(blank=True)
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("project owner")
        constraints = [
            state_constraint(OwnerState, "owner_state_known"),
            models.CheckConstraint(
                condition=~Q(state=OwnerState.SUBMITTED) | Q(submitted_at__isnull=False, check_due__isnull=False),
                name="owner_submitted_has_clock",
            ),
            models.CheckConstraint(
                condition=~Q(state=OwnerState.ACTIVE) | Q(checked_by__isnull=False), name="owner_active_was_checked"
            ),
        ]
        indexes = [models.Index(fields=["state", "check_due"], name="owner_check_due")]

    def __str__(self) -> str:
        return self.organisation.name

    def stream_name(self) -> str:
        return f"owner:{self.organisation.code}"

    @verb(
        source=OWNER_EDITABLE,
        target=OwnerState.SUBMITTED,
        event="owner.submitted",
        may=_is_member,
        when=[owner_entry_is_complete],
        basis=OWNER_BASIS,
    )
    def submit(self, *, at: datetime, due: datetime, derivation: dict[str, Any]) -> None:
        self.submitted_at, self.check_due, self.check_derivation = at, due, derivation
        self.returned_defects = []

    @verb(
        source=OwnerState.SUBMITTED,
        target=OwnerState.RETURNED,
        event="owner.returned",
        may=_office,
        when=[owner_checker_is_independent],
        basis=OWNER_BASIS,
    )
    def return_entry(self, *, at: datetime, checked_by: User, defects: list[dict[str, str]]) -> None:
        self.returned_defects, self.checked_by, self.checked_at = defects, checked_by, at
        self.check_due = self.check_derivation = None

    @verb(
        source=OwnerState.SUBMITTED,
        target=OwnerState.ACTIVE,
        event="owner.approved",
        may=_office,
        when=[owner_checker_is_independent],
        basis=OWNER_BASIS,
    )
    def approve(self, *, at: datetime, checked_by: User) -> None:
        self.checked_by, self.checked_at = checked_by, at

    @verb(
        source=OwnerState.SUBMITTED,
        target=OwnerState.REFUSED,
        event="owner.refused",
        may=_office,
        when=[owner_checker_is_independent],
        basis=OWNER_BASIS,
    )
    def refuse(self, *, at: datetime, checked_by: User, reason: str) -> None:
        self.refusal_reason, self.checked_by, self.checked_at = reason, checked_by, at

    @verb(
        source=OwnerState.ACTIVE,
        target=OwnerState.WITHDRAWN,
        event="owner.withdrawn",
        may=_manages,
        when=[no_task_is_open],
        basis=OWNER_BASIS,
    )
    def withdraw(self, *, at: datetime) -> None:
        self.left_at = at

    @verb(
        source=(OwnerState.REFUSED, OwnerState.WITHDRAWN),
        target=OwnerState.DRAFT,
        event="owner.entry_begun_again",
        may=_manages,
        basis=OWNER_BASIS,
    )
    def begin_again(self, *, at: datetime) -> None:
        self.submitted_at = self.check_due = self.check_derivation = self.left_at = None
        self.refusal_reason, self.returned_defects = "", []


class OwnerChange(StatefulModel):
    """A change of an owner's name, person in charge, address or documents; in effect when the office approves it."""

    owner = models.ForeignKey(OwnerEntry, models.CASCADE, related_name="changes")
    state = state_field(OwnerChangeState, OwnerChangeState.SUBMITTED)
    # {field: new value} and [{"field", "old", "new"}] for readers.
    values: Json = models.JSONField(default=dict)
    difference: Json = models.JSONField(default=list)
    proof = models.ForeignKey(Upload, models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField()
    check_due = models.DateTimeField()
    check_derivation: Json = models.JSONField(default=dict)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-submitted_at", "-pk"]
        constraints = [
            state_constraint(OwnerChangeState, "owner_change_state_known"),
            models.UniqueConstraint(
                fields=["owner"], condition=Q(state=OwnerChangeState.SUBMITTED), name="owner_change_one_open"
            ),
        ]

    def stream_name(self) -> str:
        return self.owner.stream_name()

    @verb(
        source=OwnerChangeState.SUBMITTED,
        target=OwnerChangeState.APPROVED,
        event="owner.change_approved",
        may=_office,
        when=[owner_checker_is_independent],
        basis=OWNER_BASIS,
    )
    def approve(self, *, at: datetime, decided_by: User) -> None:
        self.decided_by, self.decided_at = decided_by, at

    @verb(
        source=OwnerChangeState.SUBMITTED,
        target=OwnerChangeState.REFUSED,
        event="owner.change_refused",
        may=_office,
        when=[owner_checker_is_independent],
        basis=OWNER_BASIS,
    )
    def refuse(self, *, at: datetime, decided_by: User, reason: str) -> None:
        self.decided_by, self.decided_at, self.reason = decided_by, at, reason

    @verb(
        source=OwnerChangeState.SUBMITTED,
        target=OwnerChangeState.WITHDRAWN,
        event="owner.change_withdrawn",
        may=_is_member,
        basis=OWNER_BASIS,
    )
    def withdraw(self, *, at: datetime) -> None:
        self.decided_at = at
