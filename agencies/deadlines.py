"""What the clock does for agencies: an entry whose publicity is over becomes active, a commitment that was not kept
lapses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.db.models import Exists, OuterRef, Q

from marketplace.deadlines import Due

from . import actions
from .models import Agency, EntryObjection
from .states import AgencyState, ObjectionState


def _end_publicity(agency: Agency, now: datetime) -> None:
    actions.end_publicity(agency, actor=None, at=now)


def _lapse_commitment(agency: Agency, now: datetime) -> None:
    actions.lapse_commitment(agency, actor=None, at=now)


def due(now: datetime) -> Iterator[Due]:
    """What is due, read over indexes: as many rows as are due."""
    yield from ended_publicities(now)
    yield from lapsed_commitments(now)


def ended_publicities(now: datetime) -> Iterator[Due]:
    """Entries whose publicity has ended, without those against which an objection is open: they wait for its decision.
    An entry whose agency was suspended meanwhile waits for the end of that.

    Read over the index (state, publicity_until).
    """
    pending = EntryObjection.objects.filter(agency=OuterRef("pk"), state=ObjectionState.LODGED)
    open_again = Q(reentry_from__isnull=True) | Q(reentry_from__lte=now)
    ended = Agency.objects.filter(~Exists(pending), open_again, state=AgencyState.PUBLICITY, publicity_until__lte=now)
    for agency in ended.order_by("publicity_until"):
        if agency.publicity_until is not None:
            yield Due(
                agency.publicity_until, f"{agency.stream_name()} end_publicity", partial(_end_publicity, agency)
            )


def lapsed_commitments(now: datetime) -> Iterator[Due]:
    """Entries on commitment whose documents were not supplied in time, over the index (state, documents_supply_due)."""
    late = Agency.objects.filter(state=AgencyState.COMMITTED, documents_supply_due__lte=now)
    for agency in late.order_by("documents_supply_due"):
        if agency.documents_supply_due is not None:
            name = f"{agency.stream_name()} lapse_commitment"
            yield Due(agency.documents_supply_due, name, partial(_lapse_commitment, agency))
