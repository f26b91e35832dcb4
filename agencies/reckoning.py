"""The agency's standing as it is written beside it: score, stars, the day they change by themselves, and services done."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from marketplace.clock import local_date
from marketplace.errors import FieldErrors, RuleBroken, Text
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
    if quality is not None:
        errors |= _mark_faults(quality)
    if errors:
        raise FieldErrors(errors)
    done = ServiceRecord.objects.create(
        agency=row, item=item, source=source, title=title, link=link, finished_on=finished_on, quality=quality
    )
    row.services_done += 1
    row.save(update_fields=["services_done"])
    if quality is not None:
        _add_mark(row, quality)
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


@transaction.atomic
def rate_service(source: str, quality: int, *, actor: User | None, at: datetime) -> ServiceRecord:
    """The owner's mark, 1 to 5, of a service that was recorded without one; the same mark again changes nothing.

    The act of the case it belongs to has asked who may. Raises ServiceRecord.DoesNotExist, FieldErrors(quality), and
    RuleBroken when it has another mark.
    """
    agency = locked(Agency(pk=ServiceRecord.objects.only("agency").get(source=source).agency_id))
    done = ServiceRecord.objects.get(source=source)
    if errors := _mark_faults(quality):
        raise FieldErrors(errors)
    if done.quality == quality:
        return done
    if done.quality is not None:
        raise RuleBroken("rated_already", _("The quality of this service is marked already."))
    done.quality = quality
    done.save(update_fields=["quality"])
    _add_mark(agency, quality)
    data = {"source": source, "title": done.title, "quality": quality}
    journal.note(agency, journal.SERVICE_RATED, data, actor=actor, at=at)
    return done


def _mark_faults(quality: int) -> dict[str, list[Text]]:
    return {} if 1 <= quality <= 5 else {"quality": [_("A mark lies between 1 and 5.")]}


def _add_mark(row: Agency, quality: int) -> None:
    row.quality_sum += quality
    row.quality_count += 1
    row.save(update_fields=["quality_sum", "quality_count"])
