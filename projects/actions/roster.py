"""Who is on the list: every sign-up is judged again at the close, and those that no longer qualify are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from agencies import credit
from agencies.journal import plain_due
from agencies.models import CreditEntry
from agencies.penalties import as_ledger
from agencies.queries import eligible_agencies, explain
from agencies.reckoning import star_limits
from marketplace import accounts, clock, events
from marketplace.notifications import notify
from marketplace.parameters import number

from .. import exclusions, journal, messages, rules
from ..models import SelectionTask, SignUp

__all__ = ["journal"]


@dataclass(frozen=True)
class Unfit:
    """A sign-up that does not count on the day, with every reason: [{"code", "text"}], codes of `exclusions`."""

    sign_up: SignUp
    reasons: list[dict[str, str]]


def unfit_sign_ups(task: SelectionTask, sign_ups: Sequence[SignUp], at: datetime) -> list[Unfit]:
    """Those of the sign-ups whose agencies could not sign up on the day of `at`, in their order.

    One query for the requirements, one for the avoidances and, where government funds pay, one for the ledgers; three
    more for each agency that fails its requirements, to say why.
    """
    day = clock.local_date(at)
    agencies = [one.agency_id for one in sign_ups]
    fit = set(eligible_agencies(task.item, day).filter(pk__in=agencies).values_list("pk", flat=True))
    avoided = set(task.avoidances.filter(agency__in=agencies).values_list("agency", flat=True))
    stars = _stars(agencies, day) if task.uses_government_funds else {}
    found = []
    for one in sign_ups:
        reasons = [] if one.agency_id in fit else _faults(one, task, day)
        if stars and not rules.stars_suffice(task, stars=stars[one.agency_id]):
            reasons.append({"code": rules.stars_suffice.code, "text": ""})
        if one.agency_id in avoided:
            reasons.append({"code": rules.not_avoided.code, "text": ""})
        if reasons:
            found.append(Unfit(one, reasons))
    return found


def _stars(agencies: Sequence[int], day: date) -> dict[int, int]:
    ledgers: dict[int, list[CreditEntry]] = {agency: [] for agency in agencies}
    for entry in CreditEntry.objects.filter(agency__in=agencies).select_related("rule"):
        ledgers[entry.agency_id].append(entry)
    start, limits = number("credit.start", day), star_limits(day)
    return {
        agency: credit.standing(as_ledger(rows), day, start=start, star_limits=limits).stars
        for agency, rows in ledgers.items()
    }


def _faults(sign_up: SignUp, task: SelectionTask, day: date) -> list[dict[str, str]]:
    """What `explain` finds, in its order: the state, the list of items, the requirements. In the record's language."""
    codes = ["agency_not_active", "item_not_offered"]
    with override(settings.LANGUAGE_CODE):
        checks = explain(sign_up.agency, task.item, day)
        return [
            {"code": codes[place] if place < len(codes) else "requirement_not_met", "text": check.text}
            for place, check in enumerate(checks)
            if not check.ok
        ]


def exclude(task: SelectionTask, unfit: Sequence[Unfit], at: datetime) -> None:
    """Exclude for good, before the close of the list or the failure of the task, and tell the agencies.

    The session's record names the fingerprint and the codes only: after a failed task nobody learns who signed up.
    """
    assert task.session is not None
    for one in unfit:
        codes = list(dict.fromkeys(reason["code"] for reason in one.reasons))
        data = {"draw_id": task.draw_id, "signup": one.sign_up.leaf, "reasons": codes}
        events.record(task.session.stream_name(), "draw.exclusion", data, actor=None, at=at)
        one.sign_up.excluded_at, one.sign_up.exclusion = at, one.reasons
        one.sign_up.save(update_fields=["excluded_at", "exclusion"])
        _tell(task, one, messages.SIGNUP_EXCLUDED, {}, at)


def publish_exclusions(task: SelectionTask, unfit: Sequence[Unfit], at: datetime) -> None:
    """With the names on the list, those that are not on it, and why."""
    for one in unfit:
        organisation = one.sign_up.agency.organisation
        data = {
            "agency": {"id": organisation.code, "name": organisation.name},
            "signup": one.sign_up.leaf,
            "reasons": one.reasons,
        }
        events.record(task.stream_name(), "signup.excluded", data, actor=None, at=at)


def warn(task: SelectionTask, unfit: Sequence[Unfit], at: datetime) -> None:
    """The sign-up time was extended: who would not count today may mend it until then."""
    until = plain_due(task.signup_deadline)
    for one in unfit:
        _tell(task, one, messages.SIGNUP_DOUBTFUL, {"until": until}, at)


def _tell(task: SelectionTask, one: Unfit, kind: str, more: dict[str, str], at: datetime) -> None:
    with override(settings.LANGUAGE_CODE):
        reasons = exclusions.sentence(one.reasons)
    notify(
        accounts.members(one.sign_up.agency.organisation),
        kind,
        {"task": task.name, "code": task.code, "reasons": reasons, **more},
        key=f"{task.code}:{kind}:{one.sign_up.pk}:{task.extensions}",
        at=at,
        link=reverse("notice_detail", args=[task.code]),
    )
