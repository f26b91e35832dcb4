"""The judgements of selection: who may, and under which condition, each with the sentence of refusal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from marketplace import accounts, deadlines
from marketplace.models import User
from marketplace.parameters import codes, number
from marketplace.workflow import rule


def clock_only(user: User | None, _obj: Any) -> bool:
    """The act belongs to the published rules; no person can start or stop it."""
    return user is None


def owner_member(user: User | None, task: Any) -> bool:
    """The owner's manager for all of the unit's tasks, a delegate for his own (domain: 采购管理人, 采购受托人)."""
    if accounts.is_manager(user, task.owner):
        return True
    return user is not None and accounts.belongs_to(user, task.owner_id) and task.created_by_id == user.pk


def office_member(user: User | None, _task: Any) -> bool:
    return accounts.acts_as(user, "office")


@rule(_("Nobody checks or publishes a task of an organisation he belongs to."), basis="回避")
def not_own_task(task: Any, *, actor: User | None, **_facts: Any) -> bool:
    return not accounts.belongs_to(actor, task.owner_id)


@rule(
    _("The notice is published by another person than the one who checked it."),
    basis="审核与发布分离",
    remedy=_("Ask a colleague in the office to publish it."),
)
def published_by_another(task: Any, *, actor: User | None, **_facts: Any) -> bool:
    return actor is not None and task.checked_by_id != actor.pk


@rule(
    _("Random selection is switched off for this service item."),
    basis="公平竞争审查规则第八条第四项",
    remedy=_("Choose another selection mode, or ask the office whether it can be switched on for this item."),
)
def mode_is_open_for_item(task: Any, **_facts: Any) -> bool:
    return task.mode != "random" or task.item_id not in codes("mode.random.off_items", task.rules_on)


def earliest_signup_deadline(at: datetime, on: Any) -> deadlines.Deadline:
    """The first lawful end of the sign-up window for a notice published at `at`."""
    return deadlines.deadline("signup.window_min", at, on=on)


@rule(
    _("The sign-up window is shorter than the rules allow."),
    basis="中介超市选取规则：报名时间不少于 3 个工作日",
    remedy=_("Move the sign-up deadline to the earliest lawful time shown beside the field."),
)
def window_long_enough(task: Any, *, at: datetime, signup_deadline: datetime | None = None, **_facts: Any) -> bool:
    return (signup_deadline or task.signup_deadline) >= earliest_signup_deadline(at, task.rules_on).due


@rule(
    _("The closed list must be public for a while before the live selection; the selection time is too early."),
    basis="draw/v1 第 2 条：名单至少在直播开始前一小时公布",
)
def roster_time_left(
    task: Any, *, signup_deadline: datetime | None = None, selection_at: datetime | None = None, **_facts: Any
) -> bool:
    lead = timedelta(seconds=number("session.roster_lead", task.rules_on))
    return (selection_at or task.selection_at) >= (signup_deadline or task.signup_deadline) + lead


@rule(_("The task is not open for sign-up."))
def open_for_signup(task: Any, **_facts: Any) -> bool:
    return bool(task.state == "published")


@rule(_("The sign-up deadline has passed."), remedy=_("Look for other open tasks in the list of notices."))
def before_deadline(task: Any, *, at: datetime, **_facts: Any) -> bool:
    """The last instant itself is still in time."""
    return bool(at <= task.signup_deadline)


@rule(_("The sign-up deadline has not passed yet."))
def deadline_passed(task: Any, *, at: datetime, **_facts: Any) -> bool:
    return bool(at > task.signup_deadline)


@rule(_("The sign-up time has been extended once already."))
def extension_left(task: Any, **_facts: Any) -> bool:
    return bool(task.extensions < number("signup.extensions", task.rules_on))


@rule(_("The owner asked this agency to keep away from the task; the reason is printed on the notice."), basis="回避")
def not_avoided(task: Any, *, agency: Any, **_facts: Any) -> bool:
    return not task.avoidances.filter(agency=agency).exists()


@rule(
    _("An agency with one star cannot sign up for tasks paid from government funds."),
    basis="江西省网上中介超市九江分厅管理暂行办法（2022）：一星机构不得参与财政资金项目",
    remedy=_("The credit ledger of the agency shows when its stars change, and what can be repaired."),
)
def stars_suffice(task: Any, *, stars: int, **_facts: Any) -> bool:
    """`stars`: those of the day, computed from the ledger."""
    return not task.uses_government_funds or stars > 1


@rule(_("The publicity period of the award has not ended yet."), basis="瑞昌市中介超市规则：公示 3 个工作日")
def publicity_over(task: Any, *, at: datetime, **_facts: Any) -> bool:
    return bool(at >= task.award_notice.publicity_until)


@rule(_("The time of the live session has not come yet."))
def slot_reached(session: Any, *, at: datetime, **_facts: Any) -> bool:
    return bool(at >= session.open_at)


@rule(_("A list of this session is not closed yet."))
def lists_closed(session: Any, **_facts: Any) -> bool:
    states = set(session.tasks.values_list("state", flat=True))
    return "closed" in states and "published" not in states


@rule(_("The pot is still open."))
def window_over(session: Any, *, at: datetime, **_facts: Any) -> bool:
    return bool(at >= session.closes_at)


@rule(_("The time for the seal has passed; this opening is void."))
def not_late(session: Any, *, at: datetime, **_facts: Any) -> bool:
    return bool(at <= session.closes_at + timedelta(seconds=session.publish_s))


@rule(_("The pot is not open."))
def pot_is_open(session: Any, *, at: datetime, **_facts: Any) -> bool:
    return session.state == "opened" and at <= session.closes_at
