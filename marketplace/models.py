"""The kernel's tables: people and organisations, the catalogue, rule parameters, the log, notifications, uploads."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. What he may do comes from his memberships, never from the account itself."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    full_name = models.CharField(_("full name"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)

    def get_full_name(self) -> str:
        return self.full_name or self.username


class Organisation(models.Model):
    """A body that acts on the marketplace; `kind` is the role of domain practice, code names in English."""

    class Kind(models.TextChoices):
        AGENCY = "agency", _("agency")
        OWNER = "owner", _("project owner")
        OFFICE = "office", _("marketplace office")
        AUTHORITY = "authority", _("industry authority")
        SUPERVISOR = "supervisor", _("supervisor")

    class Nature(models.TextChoices):
        PUBLIC = "public", _("public body")
        ENTERPRISE = "enterprise", _("enterprise")
        PERSON = "person", _("natural person")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    nature = models.CharField(_("nature"), max_length=12, choices=Nature.choices, default=Nature.ENTERPRISE)
    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(_("unified social credit code"), max_length=18, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    sealed_key = models.BinaryField(editable=False, default=b"")
    public_key = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        # The directories page through it by (name, key).
        indexes = [models.Index(fields=["kind", "name", "id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["agency", "owner", "office", "authority", "supervisor"]),
                name="organisation_kind_known",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person acts for an organisation in one role."""

    class Role(models.TextChoices):
        MANAGER = "manager", _("manager")
        DELEGATE = "delegate", _("delegate")
        OFFICER = "officer", _("officer")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organisation"], name="membership_once")]


class Invitation(models.Model):
    """A one-time code by which a manager gives another person access to his organisation. Only its digest is kept."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    role = models.CharField(_("role"), max_length=12, choices=Membership.Role.choices)
    full_name = models.CharField(_("full name"), max_length=60)
    email = models.EmailField(_("e-mail"), blank=True)
    code_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-invited_at", "-pk"]


class AccessClaim(models.Model):
    """Somebody asks to become the manager of an organisation whose code is registered already; the office decides."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="claims")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField(max_length=2000)
    proof = models.ForeignKey("Upload", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    due = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    granted = models.BooleanField(null=True, blank=True)
    reason = models.TextField(blank=True, max_length=1000)

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "user"], condition=Q(decided_at__isnull=True), name="access_claim_one_open"
            )
        ]


class CaseHandler(models.Model):
    """首问负责: who received a case first and who answers for it now. `case` names it, `entry:<code>` for instance."""

    case = models.CharField(max_length=90, unique=True)
    stream = models.CharField(max_length=90)
    first_receiver = models.ForeignKey(User, models.PROTECT, related_name="+")
    handler = models.ForeignKey(User, models.PROTECT, related_name="handled_cases")
    taken_at = models.DateTimeField()


class Installation(models.Model):
    """One row about this database. A demo may shorten times, and says so on every page."""

    is_demo = models.BooleanField(default=False)
    seed = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()


class ServiceClass(models.Model):
    code = models.CharField(max_length=4, primary_key=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_en if get_language() == "en" else self.name_zh


class ServiceItem(models.Model):
    """One of the 78 services of the catalogue, with the authority that answers for its rules."""

    code = models.CharField(max_length=8, primary_key=True)
    service_class = models.ForeignKey(ServiceClass, models.PROTECT, related_name="items")
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)
    authority = models.ForeignKey(Organisation, models.PROTECT, related_name="service_items")
    approval_linked = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_en if get_language() == "en" else self.name_zh


class Requirement(models.Model):
    """What an item asks of an agency. All groups must be met; inside a group any one requirement is enough."""

    class Kind(models.TextChoices):
        LICENCE = "licence", _("licence")
        FILING = "filing", _("filing")
        RATING = "rating", _("voluntary rating")
        PRACTITIONERS = "practitioners", _("certified practitioners")
        ACCREDITATION = "accreditation", _("accreditation")
        COMMITMENT = "commitment", _("commitment")

    item = models.ForeignKey(ServiceItem, models.CASCADE, related_name="requirements")
    group = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    text = models.CharField(max_length=200)
    # A voluntary rating (水平评价) may be shown but never demanded: it cannot keep an agency out.
    is_mandatory = models.BooleanField(default=True)

    class Meta:
        ordering = ["item", "group", "pk"]

    def __str__(self) -> str:
        return self.text


class RuleParameter(models.Model):
    """A number of the regulation: value, unit, legal basis, and from when to when it holds."""

    class Unit(models.TextChoices):
        WORKDAYS = "workdays", _("working days")
        MONTHS = "months", _("months")
        DAYS = "days", _("days")
        HOURS = "hours", _("hours")
        MINUTES = "minutes", _("minutes")
        SECONDS = "seconds", _("seconds")
        COUNT = "count", _("count")
        PERCENT = "percent", _("percent")
        YUAN = "yuan", _("yuan")
        CODES = "codes", _("codes")

    code = models.CharField(max_length=60)
    value = models.CharField(max_length=200)
    unit = models.CharField(max_length=10, choices=Unit.choices)
    basis = models.CharField(max_length=200)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["code", "valid_from"]
        constraints = [models.UniqueConstraint(fields=["code", "valid_from", "is_demo"], name="parameter_once_a_day")]

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class CalendarDay(models.Model):
    """A correction to the working-day calendar, both ways: a closed working day, or a day off that is worked."""

    day = models.DateField(unique=True)
    is_workday = models.BooleanField()
    basis = models.CharField(max_length=200)

    class Meta:
        ordering = ["day"]


class Stream(models.Model):
    """The head of one event stream; its row lock is what makes `seq` gap-free."""

    name = models.CharField(max_length=90, unique=True)
    is_public = models.BooleanField(default=True)
    head_seq = models.PositiveBigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="0" * 64)


class Event(models.Model):
    """One thing that happened. Written once by `events.record`, never changed; the hash chain shows if it was."""

    stream = models.ForeignKey(Stream, models.PROTECT, related_name="events")
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=60)
    at = models.DateTimeField()
    actor_role = models.CharField(max_length=12)
    actor_name = models.CharField(max_length=120, blank=True)
    data: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    private: models.JSONField[dict[str, Any] | None, dict[str, Any] | None] = models.JSONField(null=True)
    sealed = models.CharField(max_length=64, null=True)
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["stream", "seq"]
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="event_seq_once")]


class Notification(models.Model):
    """A message to one person; `kind` names its words, `params` fill them in the reader's language."""

    user = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=60)
    params: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    link = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=160)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notification_once")]
        indexes = [models.Index(fields=["user", "read_at"])]


class OutboxMessage(models.Model):
    """One delivery of a notification through one channel, claimed with a lease and retried."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=8)
    address = models.CharField(max_length=254)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notification", "channel"], name="outbox_channel_once")]


class Upload(models.Model):
    """A file somebody gave us. Its name on disk is random; who may read it is asked at every download."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="uploads")
    uploaded_by = models.ForeignKey(User, models.PROTECT, null=True)
    name = models.CharField(max_length=160)
    # The longest of ours, of a spreadsheet, has 65 characters.
    content_type = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    is_public = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(size__gt=0), name="upload_not_empty")]

    def __str__(self) -> str:
        return self.name
