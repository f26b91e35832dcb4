"""The messages that selection sends, with their words."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace import accounts
from marketplace.models import Membership
from marketplace.notifications import notify, register

from .models import SelectionTask

TASK_SUBMITTED = register(
    "task.submitted", _("To check: {task}"), _("The notice {code} “{task}” was submitted and waits for the check.")
)
TASK_RETURNED = register(
    "task.returned",
    _("Returned: {task}"),
    _("The office returned the notice {code} “{task}” and named every defect."),
)
NOTICE_PUBLISHED = register(
    "notice.published", _("Published: {task}"), _("The notice {code} “{task}” is public and open for sign-up.")
)
SIGNUP_EXTENDED = register(
    "signup.extended",
    _("Extended: {task}"),
    _("Too few agencies signed up for {code} “{task}”; the time was extended once."),
)
TASK_FAILED = register(
    "task.failed", _("Failed: {task}"), _("Too few agencies signed up for {code} “{task}”; you may publish it again.")
)
ROSTER_CLOSED = register(
    "signup.closed",
    _("List closed: {task}"),
    _("The list of “{task}” is closed with {count} agencies; watch the selection live."),
)
SESSION_VOID = register(
    "session.void",
    _("Opening void: {title}"),
    _("An opening of the live session {sid} “{title}” is void and moves to its next declared time. The list stays."),
)
KEYS_WRONG = register(
    "session.keys",
    _("Keys missing: {title}"),
    _(
        "The live session {sid} “{title}” cannot open: the keys of this installation are not those of its plan. "
        "Restore the folder of keys from its backup."
    ),
)
SIGNUP_EXCLUDED = register(
    "signup.excluded",
    _("Not on the list: {task}"),
    _("When the list of {code} “{task}” was closed, your agency no longer met the requirements: {reasons}"),
)
SIGNUP_DOUBTFUL = register(
    "signup.doubtful",
    _("Your sign-up would not count: {task}"),
    _(
        "The sign-up time of {code} “{task}” was extended until {until}. Today your agency does not meet the "
        "requirements: {reasons} What is mended by then counts."
    ),
)
SERVICE_COMPLETED = register(
    "service.completed",
    _("Service completed: {task}"),
    _(
        "The owner recorded that the service of {code} “{task}” was completed on {day}, with the grade {quality} of 5."
    ),
)
AWARD_PUBLISHED = register(
    "award.noticed", _("Award notice: {task}"), _("{winner} was selected for “{task}”. The publicity period runs.")
)
AWARD_CONFIRMED = register(
    "award.confirmed",
    _("Confirmed: {task}"),
    _("The publicity period of {code} “{task}” ended; the award is confirmed."),
)


def tell_owner(task: SelectionTask, kind: str, at: datetime) -> None:
    """One message of this kind to the owner's managers and to the delegate whose task it is."""
    managers = Q(memberships__organisation=task.owner, memberships__role=Membership.Role.MANAGER)
    notify(
        accounts.members(task.owner).filter(managers | Q(pk=task.created_by_id)),
        kind,
        {"task": task.name, "code": task.code},
        key=f"{task.code}:{kind}:{task.extensions}:{at.timestamp()}",
        at=at,
        link=reverse("owner_task", args=[task.code]),
    )
