"""What the clock does for ledger and exit: entries nobody replied to, scores that change by themselves, suspensions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from marketplace.clock import local_date, start_of_day
from marketplace.deadlines import Due

from . import ledger, penalties
from .models import Agency, CreditEntry
from .states import AgencyState, EntryState


def _let_stand(entry: CreditEntry, now: datetime) -> None:
    ledger.let_stand(entry, actor=None, at=now)


def _recount(agency: Agency, now: datetime) -> None:
    ledger.recount(agency, actor=None, at=now)


def _end_suspension(agency: Agency, now: datetime) -> None:
    penalties.end_suspension(agency, actor=None, at=now)


def due(now: datetime) -> Iterator[Due]:
    """As many rows as are due, each over its index: (state, reply_until), recount_on, (state, suspended_until)."""
    silent = CreditEntry.objects.filter(state=EntryState.REPLY, reply_until__lte=now).select_related(
        "agency__organisation", "rule"
    )
    for entry in silent.order_by("reply_until"):
        if entry.reply_until is not None:
            name = f"{entry.stream_name()} let_stand {entry.pk}"
            yield Due(entry.reply_until, name, partial(_let_stand, entry))
    for agency in Agency.objects.filter(recount_on__lte=local_date(now)).order_by("recount_on"):
        if agency.recount_on is not None:
            yield Due(start_of_day(agency.recount_on), f"{agency.stream_name()} recount", partial(_recount, agency))
    over = Agency.objects.filter(state=AgencyState.SUSPENDED, suspended_until__lte=now).order_by("suspended_until")
    for agency in over:
        if agency.suspended_until is not None:
            name = f"{agency.stream_name()} end_suspension"
            yield Due(agency.suspended_until, name, partial(_end_suspension, agency))
