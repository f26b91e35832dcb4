"""The tables of selection: tasks, sign-ups, live sessions, pots, freezes, results and awards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from agencies.models import Agency
from marketplace.models import Organisation, ServiceItem, Upload
from marketplace.workflow import StatefulModel, state_constraint, state_field, verb

from .. import rules
from ..states import EDITABLE, SessionState, TaskState

if TYPE_CHECKING:
    Json = models.JSONField[dict[str, Any], dict[str, Any]]


class LiveSession(StatefulModel):
    """One broadcast: a plan, one pot, one slow opening, and the draws of all its tasks."""

    sid = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    state = state_field(SessionState, SessionState.PLANNED)
    open_at = models.DateTimeField(db_index=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    window_s = models.PositiveIntegerField()
    publish_s = models.PositiveIntegerField()
    retry_s = models.PositiveIntegerField()
    iters = models.PositiveBigIntegerField()
    op_commit = models.CharField(max_length=64)
    sealed_secret = models.BinaryField(editable=False)
    plan: Json = models.JSONField(default=dict)
    opening: Json = models.JSONField(default=dict)
    closes_at = models.DateTimeField(null=True, db_index=True)
    lease_owner = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-open_at", "-pk"]
        constraints = [state_constraint(SessionState, "session_state_known")]

    def __str__(self) -> str:
        return self.title

    def stream_name(self) -> str:
        return f"session:{self.sid}"

    @verb(
        source=SessionState.PLANNED,
        target=SessionState.OPENED,
        event="draw.open",
        may=rules.clock_only,
        when=[rules.slot_reached, rules.lists_closed],
        basis="draw/v1 第 2 条",
    )
    def open(self, *, at: Any, opening: dict[str, Any], closes_at: Any) -> None:
        self.opening, self.closes_at = opening, closes_at

    @verb(
        source=SessionState.OPENED,
        target=SessionState.FROZEN,
        event="draw.freeze",
        may=rules.clock_only,
        when=[rules.window_over, rules.not_late],
        basis="draw/v1 第 2 条",
    )
    def freeze(self, *, at: Any) -> None:
        self.lease_owner, self.lease_until = "", None

    @verb(
        source=SessionState.OPENED,
        target=SessionState.PLANNED,
        event="draw.void",
        may=rules.clock_only,
        basis="draw/v1 第 2 条",
    )
    def void(self, *, at: Any, open_at: Any) -> None:
        self.open_at, self.closes_at, self.opening = open_at, None, {}
        self.attempt += 1

    @verb(
        source=SessionState.PLANNED,
        target=SessionState.PLANNED,
        event="session.rescheduled",
        may=rules.clock_only,
        basis="draw/v1 第 2 条",
    )
    def reschedule(self, *, at: Any, open_at: Any) -> None:
        self.open_at = open_at
        self.attempt += 1

    @verb(
        source=SessionState.FROZEN,
        target=SessionState.FINISHED,
        event="session.finished",
        may=rules.clock_only,
        basis="draw/v1 第 2 条",
    )
    def finish(self, *, at: Any) -> None:
        self.lease_owner, self.lease_until = "", None

    @verb(source=SessionState.PLANNED, target=SessionState.ABANDONED, event="session.abandoned", may=rules.clock_only)
    def abandon(self, *, at: Any) -> None:
        pass


class SelectionTask(StatefulModel):
    """An owner's purchase of one service, from the draft to the confirmed award."""

    class Mode(models.TextChoices):
        RANDOM = "random", _("random selection")

    class AmountKind(models.TextChoices):
        FIXED = "fixed", _("fixed price")
        NOT_ESTIMATED = "not_estimated", _("not estimated")

    code = models.CharField(_("task number"), max_length=24, unique=True)
    state = state_field(TaskState, TaskState.DRAFT)
    owner = models.ForeignKey(Organisation, models.PROTECT, related_name="tasks", verbose_name=_("project owner"))
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="tasks", verbose_name=_("service item"))
    name = models.CharField(_("project name"), max_length=120)
    project_code = models.CharField(_("project code"), max_length=40, blank=True)
    is_investment_approval = models.BooleanField(_("investment-approval project"), default=False)
    approval_code = models.CharField(_("approval code"), max_length=40, blank=True)
    approval_name = models.CharField(_("approved project name"), max_length=120, blank=True)
    investment_yuan = models.DecimalField(
        _("total investment (yuan)"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    scale = models.CharField(_("scale"), max_length=200, blank=True)
    content = models.TextField(_("service content"), max_length=4000)
    requirements = models.TextField(_("requirements for the agency"), max_length=4000, blank=True)
    service_time = models.CharField(_("service time limit"), max_length=200)
    fund_government = models.PositiveSmallIntegerField(_("government funds (%)"))
    fund_social = models.PositiveSmallIntegerField(_("social funds (%)"))
    amount_kind = models.CharField(_("price"), max_length=14, choices=AmountKind.choices, default=AmountKind.FIXED)
    amount_yuan = models.DecimalField(_("amount (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True)
    amount_note = models.CharField(_("how the price was found"), max_length=300, blank=True)
    mode = models.CharField(_("selection mode"), max_length=12, choices=Mode.choices, default=Mode.RANDOM)
    mode_reason = models.CharField(_("reason for the mode"), max_length=300)
    winners = models.PositiveSmallIntegerField(_("winners"), default=1)
    reserves = models.PositiveSmallIntegerField(_("places on the wait list"), default=2)
    signup_deadline = models.DateTimeField(_("sign-up deadline"), db_index=True)
    selection_at = models.DateTimeField(_("selection time"))
    contact_name = models.CharField(_("contact"), max_length=60)
    contact_phone = models.CharField(_("contact phone"), max_length=30)
    complaint_phone = models.CharField(_("complaint line"), max_length=30)
    attachments = models.ManyToManyField(Upload, blank=True, related_name="+")

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    rules_on = models.DateField(help_text="the case keeps the rules of this day")
    checked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True, db_index=True)
    return_reasons: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    extensions = models.PositiveSmallIntegerField(default=0)
    session = models.ForeignKey(LiveSession, models.PROTECT, null=True, related_name="tasks")
    notice: Json = models.JSONField(default=dict)
    post: Json = models.JSONField(default=dict)
    closing: Json = models.JSONField(default=dict)
    failure = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            state_constraint(TaskState, "task_state_known"),
            models.CheckConstraint(condition=Q(fund_government=100 - F("fund_social")), name="task_funds_add_up"),
            models.CheckConstraint(
                condition=Q(selection_at__gt=F("signup_deadline")), name="task_selection_after_signup"
            ),
            models.CheckConstraint(
                condition=Q(amount_yuan__isnull=True) | Q(amount_yuan__gt=0), name="task_amount_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def draw_id(self) -> str:
        return f"D-{self.code}"

    @property
    def uses_government_funds(self) -> bool:
        return self.fund_government > 0

    def stream_name(self) -> str:
        return f"project:{self.code}"

    @verb(
        source=EDITABLE,
        target=TaskState.SUBMITTED,
        event="task.submitted",
        may=rules.owner_member,
        when=[rules.mode_is_open_for_item],
        basis="江西省网上中介超市九江分厅管理暂行办法（2022）",
    )
    def submit(self, *, at: Any) -> None:
        self.return_reasons = []

    @verb(
        source=(TaskState.SUBMITTED, TaskState.CHECKED),
        target=TaskState.RETURNED,
        event="task.returned",
        may=rules.office_member,
        when=[rules.not_own_task],
        basis="一次性告知",
    )
    def return_for_correction(self, *, at: Any, reasons: list[str]) -> None:
        self.return_reasons = reasons
        self.checked_by = None

    @verb(
        source=TaskState.SUBMITTED,
        target=TaskState.CHECKED,
        event="task.checked",
        may=rules.office_member,
        when=[rules.not_own_task],
        basis="审核与发布分离",
    )
    def check_notice(self, *, at: Any, by: Any) -> None:
        self.checked_by = by

    @verb(
        source=TaskState.CHECKED,
        target=TaskState.PUBLISHED,
        event="notice.published",
        may=rules.office_member,
        when=[rules.not_own_task, rules.published_by_another, rules.window_long_enough, rules.roster_time_left],
        basis="审核与发布分离",
    )
    def publish(
        self, *, at: Any, by: Any, signup_deadline: Any, selection_at: Any, session: Any, notice: Any, post: Any
    ) -> None:
        self.published_by, self.published_at = by, at
        self.signup_deadline, self.selection_at = signup_deadline, selection_at
        self.session, self.notice, self.post = session, notice, post

    @verb(
        source=TaskState.PUBLISHED,
        target=TaskState.PUBLISHED,
        event="signup.extended",
        may=rules.clock_only,
        when=[rules.deadline_passed, rules.extension_left],
        basis="中介超市选取规则：报名不足顺延一次",
    )
    def extend(self, *, at: Any, signup_deadline: Any, selection_at: Any, post: Any) -> None:
        self.signup_deadline, self.selection_at, self.post = signup_deadline, selection_at, post
        self.extensions += 1

    @verb(
        source=TaskState.PUBLISHED,
        target=TaskState.CLOSED,
        event="signup.closed",
        may=rules.clock_only,
        when=[rules.deadline_passed],
        basis="draw/v1 第 2 条：名单公布后不得改变",
    )
    def close(self, *, at: Any, closing: Any) -> None:
        self.closing = closing

    @verb(
        source=(TaskState.PUBLISHED, TaskState.CLOSED),
        target=TaskState.FAILED,
        event="task.failed",
        may=rules.clock_only,
        basis="中介超市选取规则：流标",
    )
    def fail(self, *, at: Any, reason: str) -> None:
        self.failure = reason

    @verb(
        source=TaskState.CLOSED,
        target=TaskState.AWARDED,
        event="award.noticed",
        may=rules.clock_only,
        basis="中选公告",
    )
    def award(self, *, at: Any) -> None:
        pass

    @verb(
        source=TaskState.AWARDED,
        target=TaskState.CONFIRMED,
        event="award.confirmed",
        may=rules.clock_only,
        when=[rules.publicity_over],
        basis="瑞昌市中介超市规则：公示 3 个工作日",
    )
    def confirm(self, *, at: Any) -> None:
        pass


class Avoidance(models.Model):
    """An agency the owner asks to keep away 回避; agency and reason are printed on the notice."""

    task = models.ForeignKey(SelectionTask, models.CASCADE, related_name="avoidances")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "agency"], name="avoidance_once")]


def standing(prefix: str = "") -> Q:
    """Sign-ups that count: neither withdrawn nor excluded at the close. `prefix`: the way to them, as `sign_ups__`."""
    return Q(**{f"{prefix}withdrawn_at__isnull": True, f"{prefix}excluded_at__isnull": True})


class SignUp(models.Model):
    """One agency on one task. `entry` is hidden until the close; its leaf is in the log from the first moment."""

    task = models.ForeignKey(SelectionTask, models.PROTECT, related_name="sign_ups")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="sign_ups")
    entry: Json = models.JSONField()
    leaf = models.CharField(max_length=64, unique=True)
    receipt: Json = models.JSONField()
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    excluded_at = models.DateTimeField(null=True)
    exclusion: models.JSONField[list[dict[str, str]], list[dict[str, str]]] = models.JSONField(
        default=list, help_text='why it did not count at the close: [{"code", "text"}]'
    )

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "agency"], condition=Q(withdrawn_at__isnull=True), name="signup_once"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(excluded_at__isnull=True), name="signup_ended_once"
            ),
        ]


class PotLine(models.Model):
    """One line in the pot of one opening; a named party throws once."""

    session = models.ForeignKey(LiveSession, models.PROTECT, related_name="pot")
    attempt = models.PositiveSmallIntegerField()
    who = models.CharField(max_length=64)
    line: Json = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["session", "attempt", "who"], name="pot_line_once")]


class Freeze(models.Model):
    """The seal of a session. The one-to-one key makes a second one impossible, whatever the program does."""

    session = models.OneToOneField(LiveSession, models.PROTECT, related_name="seal")
    entry: Json = models.JSONField()
    leaf = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()


class DrawResult(models.Model):
    """The result of one draw; one for a task, for ever."""

    task = models.OneToOneField(SelectionTask, models.PROTECT, related_name="result")
    session = models.ForeignKey(LiveSession, models.PROTECT, related_name="results")
    entry: Json = models.JSONField()
    at = models.DateTimeField()


class Award(models.Model):
    """The award notice 中选公告 and its publicity period."""

    task = models.OneToOneField(SelectionTask, models.PROTECT, related_name="award_notice")
    number = models.CharField(max_length=40, unique=True)
    winner = models.ForeignKey(Agency, models.PROTECT, related_name="awards")
    waitlist: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    published_at = models.DateTimeField(db_index=True)
    publicity_until = models.DateTimeField(db_index=True)
    derivation: Json = models.JSONField()
    confirmed_at = models.DateTimeField(null=True)
