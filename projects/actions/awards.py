"""The award notice after a draw, and its confirmation when the publicity has ended."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from marketplace import accounts, clock, events
from marketplace.deadlines import deadline
from marketplace.models import User
from marketplace.notifications import notify
from marketplace.workflow import fire

from .. import journal, messages
from ..models import Award, SelectionTask, standing

__all__ = ["journal"]


def award_task(task: SelectionTask, *, at: datetime, ranking: list[str]) -> Award:
    """Publish the award notice of a drawn ranking and start its publicity (中选公告, 公示)."""
    with transaction.atomic():
        found = {
            s.agency.organisation.code: s.agency
            for s in task.sign_ups.filter(standing()).select_related("agency__organisation")
        }
        end = deadline("award.publicity", at, on=task.rules_on)
        winner = found[ranking[0]]
        waiting = ranking[task.winners : task.winners + task.reserves]
        award = Award.objects.create(
            task=task,
            number=f"ZX-{task.code}",
            winner=winner,
            waitlist=waiting,
            published_at=at,
            publicity_until=end.due,
            derivation=end.derivation,
        )
        names = {code: {"id": code, "name": found[code].organisation.name} for code in [ranking[0], *waiting]}
        until = clock.iso_seconds(end.due)
        waitlist = [names[code] for code in waiting]
        row, _event = fire(
            task,
            "award",
            actor=None,
            at=at,
            data={
                "number": award.number,
                "winner": names[ranking[0]],
                "waitlist": waitlist,
                "publicity_until": until,
            },
        )
        assert row.session is not None
        events.record(
            row.session.stream_name(),
            "award.published",
            {"draw_id": row.draw_id, "winner": names[ranking[0]], "waitlist": waitlist, "publicity_until": until},
            actor=None,
            at=at,
        )
        facts = {"task": row.name, "winner": winner.organisation.name}
        link = reverse("notice_detail", args=[row.code])
        entered = User.objects.filter(memberships__organisation__agency__sign_ups__task=row, is_active=True)
        people = entered.distinct()
        notify(people, messages.AWARD_PUBLISHED, facts, key=f"{row.code}:award", at=at, link=link)
        notify(
            accounts.members(row.owner), messages.AWARD_PUBLISHED, facts, key=f"{row.code}:award", at=at, link=link
        )
    return award


def confirm_award(task: SelectionTask, *, at: datetime) -> SelectionTask:
    """The end of the publicity period, by the clock; no complaint stands against it."""
    with transaction.atomic():
        award = task.award_notice
        winner = {"id": award.winner.organisation.code, "name": award.winner.organisation.name}
        row, _event = fire(task, "confirm", actor=None, at=at, data={"number": award.number, "winner": winner})
        Award.objects.filter(pk=award.pk).update(confirmed_at=at)
        messages.tell_owner(row, messages.AWARD_CONFIRMED, at)
        notify(
            accounts.members(award.winner.organisation),
            messages.AWARD_CONFIRMED,
            {"task": row.name, "code": row.code},
            key=f"{row.code}:confirmed",
            at=at,
            link=reverse("notice_detail", args=[row.code]),
        )
    return row
