"""Certificates near their end: reminders before it, a word on the day after it, and what stops then.

Sign-ups stop by themselves, because eligibility asks the day; the clock only tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from marketplace import accounts, events, notifications, parameters
from marketplace.casefile import light
from marketplace.clock import local_date, start_of_day
from marketplace.deadlines import Due
from marketplace.models import Event, ServiceItem, User
from marketplace.templatetags.ui import day_text
from marketplace.workflow import locked

from . import journal, queries
from .changes.kinds import PAPERS_OPEN
from .models import Agency, Change, Qualification
from .states import ENTERED

# What Qualification.reminded_at_days holds once the word after the last day was said.
EXPIRED = 0

EXPIRING = events.register(
    "agency.certificate_expiring",
    gettext_lazy("Certificate {name} {number} is valid until {valid_until}; days left: {days}."),
    # The codes of the services that stop without it.
    data={"name": str, "number": str, "valid_until": str, "days": int, "items": list},
)
GONE = events.register(
    "agency.certificate_expired",
    gettext_lazy("Certificate {name} {number} was valid until {valid_until} and has expired."),
    data={"name": str, "number": str, "valid_until": str, "items": list},
)
NOTE_EXPIRING = notifications.register(
    "agency.certificate_expiring",
    gettext_lazy("A certificate ends in {days} days: {certificate}"),
    gettext_lazy(
        "{certificate} of {name} is valid until {valid_until}. Renew it and report the change before that day."
        " Services that stop without it: {items}."
    ),
)
NOTE_EXPIRED = notifications.register(
    "agency.certificate_expired",
    gettext_lazy("A certificate has expired: {certificate}"),
    gettext_lazy(
        "{certificate} of {name} was valid until {valid_until}. From now on these services are closed to sign-ups"
        " until a renewed one is checked: {items}."
    ),
)


def reminders(on: date) -> list[int]:
    """The days before its end on which the holder is reminded, ascending."""
    return sorted(int(days) for days in parameters.codes("certificate.reminders", on))


def stage_of(valid_until: date, today: date, steps: list[int]) -> int | None:
    """The one reminder that is called for on this day: the nearest step not below the days that are left, EXPIRED
    after the last day, None while the end is far.

    A certificate entered late, or a clock that was down, gets this one and not the earlier ones as well.
    """
    left = (valid_until - today).days
    return EXPIRED if left < 0 else next((step for step in steps if step >= left), None)


def _waiting(today: date, steps: list[int]) -> QuerySet[Qualification]:
    """Certificates that entitle an entered agency and whose reminder of this day is not sent; over the index of
    valid_until, between as many days on both sides of today as the longest reminder has."""
    bands, low = Q(), 0
    for step in steps:
        span = Q(valid_until__range=(today + timedelta(days=low), today + timedelta(days=step)))
        bands |= span & (Q(reminded_at_days__isnull=True) | Q(reminded_at_days__gt=step))
        low = step + 1
    past = Q(valid_until__range=(today - timedelta(days=max(steps, default=0)), today - timedelta(days=1)))
    bands |= past & (Q(reminded_at_days__isnull=True) | Q(reminded_at_days__gt=EXPIRED))
    return Qualification.objects.filter(bands, Q(checked=True) | Q(committed=True), agency__state__in=ENTERED)


def due(now: datetime) -> Iterator[Due]:
    """Reminders the clock sends now; one query when there are none."""
    today = local_date(now)
    steps = reminders(today)
    for paper in _waiting(today, steps).order_by("valid_until", "pk"):
        if paper.valid_until is None or (stage := stage_of(paper.valid_until, today, steps)) is None:
            continue
        began = paper.valid_until + timedelta(days=1) if stage == EXPIRED else paper.valid_until - timedelta(stage)
        yield Due(start_of_day(began), f"certificate {paper.pk} reminder {stage}", partial(_remind, paper))


def _remind(paper: Qualification, now: datetime) -> None:
    remind(paper, at=now)


@transaction.atomic
def remind(paper: Qualification, *, actor: User | None = None, at: datetime) -> Event | None:
    """Tell the agency once what is called for on this day; None when there is nothing to say (any more)."""
    agency = locked(Agency.objects.get(pk=paper.agency_id))
    row = Qualification.objects.select_for_update().filter(pk=paper.pk).first()
    today = local_date(at)
    if row is None or row.valid_until is None or agency.state not in ENTERED:
        return None
    stage = stage_of(row.valid_until, today, reminders(today))
    told = row.reminded_at_days
    if stage is None or not (row.checked or row.committed) or (told is not None and told <= stage):
        return None
    items = stopping(agency, row)
    data: dict[str, Any] = {
        "name": row.name,
        "number": row.number,
        "valid_until": row.valid_until.isoformat(),
        "items": [item.pk for item in items],
    }
    left = (row.valid_until - today).days
    kind, note = (GONE, NOTE_EXPIRED) if stage == EXPIRED else (EXPIRING, NOTE_EXPIRING)
    event = journal.note(agency, kind, data if stage == EXPIRED else data | {"days": left}, actor=actor, at=at)
    notifications.notify(
        accounts.members(agency.organisation),
        note,
        {
            "name": agency.name,
            "certificate": str(row),
            "valid_until": row.valid_until.isoformat(),
            "days": left,
            "items": "、".join(f"{item.pk} {item.name_zh}" for item in items) or "–",
        },
        key=f"{agency.stream_name()}:{event.seq}",
        at=at,
        link=renewal_url(agency, row),
    )
    row.reminded_at_days = stage
    row.save(update_fields=["reminded_at_days"])
    return event


def stopping(agency: Agency, paper: Qualification) -> list[ServiceItem]:
    """The offered services that the certificate keeps open on its last day and that are closed on the day after.

    Seven queries at most; the agency's own standing is left out, a suspended one needs to renew as well.
    """
    if paper.valid_until is None:
        return []
    held = ServiceItem.objects.filter(
        agency_items__agency=agency, agency_items__is_active=True, agency_items__uses__qualification=paper
    )
    items = list(held.distinct().order_by("pk"))
    if not items:
        return []
    before = queries.explain_many(agency, items, paper.valid_until)
    after = queries.explain_many(agency, items, paper.valid_until + timedelta(days=1))
    # The first check is the agency's standing.
    return [
        item
        for item in items
        if all(check.ok for check in before[item.pk][1:]) and not all(check.ok for check in after[item.pk][1:])
    ]


def renewal_url(agency: Agency, paper: Qualification) -> str:
    """Where the agency reports the renewed certificate: as a change, or on the entry's own page while it may."""
    if agency.state in PAPERS_OPEN:
        return reverse("change_new_of", args=[Change.Kind.QUALIFICATION_UPDATE, paper.pk])
    return reverse("qualification_change", args=[paper.pk])


# ---------- the desk ----------


def cards(user: User, at: datetime) -> list[dict[str, Any]]:
    """For the desk of an entered agency's people: the certificates that end soon or have ended, nearest first."""
    if accounts.organisation_of(user, "agency") is None:
        return []
    agency = queries.own_agency(user)
    if agency is None or agency.state not in ENTERED:
        return []
    today = local_date(at)
    horizon = max(reminders(today), default=0)
    ending = agency.qualifications.filter(valid_until__lte=today + timedelta(days=horizon)).order_by("valid_until")
    rows = [_row(agency, paper, today, horizon, at) for paper in ending[:5]]
    if not rows:
        return []
    count = ending.count() if len(rows) == 5 else len(rows)
    return [
        {"title": _("Certificates that end soon"), "count": count, "url": reverse("agency_changes"), "items": rows}
    ]


def _row(agency: Agency, paper: Qualification, today: date, horizon: int, at: datetime) -> dict[str, Any]:
    assert paper.valid_until is not None
    left = (paper.valid_until - today).days
    if left < 0:
        hint = _("Expired on {day}; report the renewed one.").format(day=day_text(paper.valid_until))
    else:
        hint = ngettext("{count} day left; renew it.", "{count} days left; renew it.", left).format(count=left)
    end = start_of_day(paper.valid_until + timedelta(days=1))
    return {
        "title": str(paper),
        "url": renewal_url(agency, paper),
        "hint": hint,
        "due": end,
        "light": light(end - timedelta(days=horizon + 1), end, at),
    }
