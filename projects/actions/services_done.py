"""The end of a service: the owner records that it was done, and grades it. The record is the fact; the task stays."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from agencies import ledger
from agencies.models import Agency, ServiceRecord
from agencies.reckoning import record_service
from marketplace import accounts, clock, events
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text, WrongState
from marketplace.models import User
from marketplace.notifications import notify
from marketplace.workflow import locked

from .. import journal, messages, queries, rules
from ..models import SelectionTask
from ..states import Quality, TaskState

__all__ = ["journal"]

# The rule of the credit ledger for each grade; the middle one adds and takes nothing.
LEDGER_RULES = {
    Quality.VERY_SATISFIED: "evaluated_very_satisfied",
    Quality.SATISFIED: "evaluated_satisfied",
    Quality.DISSATISFIED: "evaluated_dissatisfied",
    Quality.VERY_DISSATISFIED: "evaluated_very_dissatisfied",
}


def earliest_completion(task: SelectionTask) -> date:
    """The first day on which the service can have ended: publicity is over, so that a contract could be concluded."""
    return clock.local_date(task.award_notice.publicity_until)


def why_not_complete(task: SelectionTask, user: User | None) -> DomainError | None:
    """Why this person cannot record the end of the service now, or None."""
    if not rules.owner_member(user, task):
        return NotAllowed(verb="complete_service")
    if task.state != TaskState.CONFIRMED:
        return WrongState("complete_service", task.state)
    if queries.service_of(task) is not None:
        return RuleBroken("service_recorded", _("The service of this task is recorded as completed already."))
    return None


@transaction.atomic
def complete_service(
    task: SelectionTask, finished_on: date | None, quality: int | None, *, actor: User | None, at: datetime
) -> ServiceRecord:
    """The service of a confirmed award was completed on a day, with the owner's grade from 1 to 5; once.

    The grade also enters the credit ledger, by its rule; a bad one waits there for the agency's reply. Raises
    NotAllowed, WrongState, RuleBroken, FieldErrors(finished_on, quality).
    """
    row = locked(task)
    refusal = why_not_complete(row, actor)
    if refusal is not None:
        raise refusal
    errors: dict[str, list[Text]] = {}
    earliest = earliest_completion(row)
    if finished_on is None:
        errors["finished_on"] = [_("Give the day on which the service was completed.")]
    elif finished_on > clock.local_date(at):
        errors["finished_on"] = [_("This day lies in the future.")]
    elif finished_on < earliest:
        errors["finished_on"] = [
            _("The publicity period of the award ended later: not before {day}.").format(day=earliest.isoformat())
        ]
    if isinstance(quality, bool) or quality not in Quality.values:
        errors["quality"] = [_("Choose one of the five grades.")]
    if errors or finished_on is None or quality is None:
        raise FieldErrors(errors)
    agency, grade = row.award_notice.winner, Quality(quality)
    link = reverse("notice_detail", args=[row.code])
    record = record_service(
        agency,
        item=row.item,
        source=queries.service_source(row),
        title=row.name,
        link=link,
        finished_on=finished_on,
        quality=int(grade),
        actor=actor,
        at=at,
    )
    organisation = agency.organisation
    data = {
        "finished_on": finished_on.isoformat(),
        "quality": int(grade),
        "agency": {"id": organisation.code, "name": organisation.name},
    }
    events.record(row.stream_name(), "service.completed", data, actor=actor, at=at)
    _evaluate(row, agency, grade, link, at)
    notify(
        accounts.members(organisation),
        messages.SERVICE_COMPLETED,
        {"task": row.name, "code": row.code, "day": finished_on.isoformat(), "quality": int(grade)},
        key=f"{row.code}:completed",
        at=at,
        link=link,
    )
    return record


def _evaluate(task: SelectionTask, agency: Agency, grade: Quality, link: str, at: datetime) -> None:
    """The entry in the ledger follows from the grade by rule: the clock makes it, and its summary names the task."""
    rule = LEDGER_RULES.get(grade)
    if rule is None:
        return
    with override(settings.LANGUAGE_CODE):
        # The owner may be a natural person, whose name has no place in a public ledger; the task names him.
        summary = _("The owner graded the service of {code}: {grade}").format(code=task.code, grade=grade.label)
    ledger.add_entry(
        agency,
        rule,
        summary=summary,
        source=f"{queries.service_source(task)}:evaluation",
        happened_on=clock.local_date(at),
        link=link,
        actor=None,
        at=at,
    )
