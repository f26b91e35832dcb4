"""The agency's standing as it is written beside it: score, stars, the day they change by themselves, and services done."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from marketplace.clock import local_date
from marketplace.errors import FieldErrors, Text
from marketplace.models import ServiceItem, User
from marketplace.parameters import number, parameter
from marketplace.workflow import locked

from . import credit
from . import credit_journal as journal
from .models import Agency, CreditEntry, ServiceRecord
from .penalties import as_ledger


def star_limits(on: date) -> list[int]:
    return [int(part) for part in parameter("credit.stars", on).value.split(",")]


def rows_of(agency: Agency) -> list[CreditEntry]:
    """The agency's whole ledger with its rules, newest first. One query."""
    return list(agency.ledger.select_related("rule"))


def standing_of(agency: Agency, on: date) -> credit.Standing:
    """The standing at the end of a day, by the ledger and the parameters of that day. Raises UnknownParameter."""
    return standing_from(rows_of(agency), on)


def standing_from(rows: list[CreditEntry], on: date) -> credit.Standing:
    return credit.standing(as_ledger(rows), on, start=number("credit.start", on), star_limits=star_limits(on))


@transaction.atomic
def recount(agency: Agency, *, actor: User | None = None, at: datetime) -> credit.Standing:
    """Write what the ledger says today beside the agency; an event only when score or stars changed."""
    row = locked(agency)
    today = local_date(at)
    found = standing_of(row, today)
    before = (row.score, row.stars)
    row.score, row.stars, row.recount_on = found.score, found.stars, found.next_change
    row.save(update_fields=["score", "stars", "recount_on"])
    if before != (found.score, found.stars):
        data = {
            "on": today.isoformat(),
            "score": found.score,
            "stars": found.stars,
            "score_before": before[0],
            "stars_before": before[1],
            "next_change": journal.iso(found.next_change),
        }
        journal.note(row, journal.RECOUNTED, data, actor=actor, at=at)
    return found


@transaction.atomic
def record_service(
    agency: Agency,
    *,
    item: ServiceItem,
    source: str,
    title: str,
    link: str,
    finished_on: date,
    quality: int | None,
    actor: User | None,
    at: datetime,
) -> ServiceRecord:
    """A service was done through the marketplace: counted once by its `source`. Raises FieldErrors.

    `quality` is the owner's mark, 1 to 5, or None. The act of the case it belongs to has asked who may.
    """
    row = locked(agency)
    known = ServiceRecord.objects.filter(source=source).first()
    if known is not None:
        return known
    errors: dict[str, list[Text]] = {}
    if finished_on > local_date(at):
        errors["finished_on"] = [_("This day lies in the future.")]
    if quality is not None and not 1 <= quality <= 5:
        errors["quality"] = [_("A mark lies between 1 and 5.")]
    if errors:
        raise FieldErrors(errors)
    done = ServiceRecord.objects.create(
        agency=row, item=item, source=source, title=title, link=link, finished_on=finished_on, quality=quality
    )
    row.services_done += 1
    if quality is not None:
        row.quality_sum += quality
        row.quality_count += 1
    row.save(update_fields=["services_done", "quality_sum", "quality_count"])
    data = {
        "item": item.pk,
        "source": source,
        "title": title,
        "link": link,
        "finished_on": finished_on.isoformat(),
        "quality": quality,
    }
    journal.note(row, journal.SERVICE_DONE, data, actor=actor, at=at)
    return done
