"""What the clock does for agencies: an entry whose publicity is over becomes active."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from marketplace.deadlines import Due

from . import actions
from .models import Agency
from .states import AgencyState


def _end_publicity(agency: Agency, now: datetime) -> None:
    actions.end_publicity(agency, actor=None, at=now)


def due(now: datetime) -> Iterator[Due]:
    """Entries whose publicity has ended, read over the index (state, publicity_until): as many rows as are due."""
    ended = Agency.objects.filter(state=AgencyState.PUBLICITY, publicity_until__lte=now).order_by("publicity_until")
    for agency in ended:
        if agency.publicity_until is not None:
            yield Due(
                agency.publicity_until, f"{agency.stream_name()} end_publicity", partial(_end_publicity, agency)
            )
