"""Counts of agencies and owners for the public: five queries, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketplace.models import Organisation, ServiceClass

from .models import Agency, AgencyItem
from .states import ENTERED, PUBLIC, AgencyState

STARS = range(5, 0, -1)


@dataclass(frozen=True)
class Tally:
    """Agencies or owners by one property: [(label, count), …] in a fixed order, zeros included."""

    key: str
    title: str
    sentence: str
    label: str
    rows: list[tuple[str, int]]

    @property
    def total(self) -> int:
        return sum(count for _label, count in self.rows)


@dataclass(frozen=True)
class CrossTable:
    """Agencies by class of service and place of registration. An agency in several classes counts in each."""

    places: list[str]
    # (class, [count for each place])
    rows: list[tuple[str, list[int]]]


@dataclass(frozen=True)
class Statistics:
    counts: list[Tally]
    cross: CrossTable


def read() -> Statistics:
    """Everything the page shows. Only agencies that entered are counted, except by state: those that were public."""
    standing = Counter[tuple[str, str]]()
    for origin, state, count in (
        Agency.objects.filter(state__in=PUBLIC).order_by().values_list("origin", "state").annotate(Count("pk"))
    ):
        standing[origin, state] = count
    origins = Counter[str]()
    states = Counter[str]()
    for (origin, state), count in standing.items():
        states[state] += count
        if state in ENTERED:
            origins[origin] += count
    entered = Agency.objects.filter(state__in=ENTERED).order_by()
    stars = dict(entered.values_list("stars").annotate(Count("pk")))
    offered = AgencyItem.objects.filter(is_active=True, agency__state__in=ENTERED).order_by()
    cells = {
        (group, origin): count
        for group, origin, count in offered.values_list("item__service_class", "agency__origin").annotate(
            Count("agency", distinct=True)
        )
    }
    classes = list(ServiceClass.objects.all())
    owners = dict(
        Organisation.objects.filter(kind=Organisation.Kind.OWNER, is_active=True)
        .order_by()
        .values_list("nature")
        .annotate(Count("pk"))
    )
    places = Agency.Origin.choices
    by_class = [(str(one), [cells.get((one.pk, value), 0) for value, _label in places]) for one in classes]
    agency = pgettext("statistics", "agencies")
    counts = [
        _counted(
            "origin",
            _("Agencies by place of registration"),
            _("Place of registration"),
            agency,
            [(str(label), origins[value]) for value, label in places],
        ),
        _counted(
            "class",
            _("Agencies by class of service"),
            _("Class of service"),
            agency,
            [(label, sum(numbers)) for label, numbers in by_class],
        ),
        _counted(
            "stars",
            _("Agencies by stars"),
            _("Stars"),
            agency,
            [
                (ngettext("{count} star", "{count} stars", number).format(count=number), stars.get(number, 0))
                for number in STARS
            ],
        ),
        _counted(
            "state",
            _("Agencies by state"),
            pgettext("agency", "State"),
            agency,
            [(str(AgencyState(value).label), states[value]) for value in PUBLIC],
        ),
        _counted(
            "owners",
            _("Project owners by nature"),
            _("Nature"),
            pgettext("statistics", "owners"),
            [(str(label), owners.get(value, 0)) for value, label in Organisation.Nature.choices],
        ),
    ]
    return Statistics(counts, CrossTable([short_place(value) for value, _label in places], by_class))


def short_place(origin: str) -> str:
    """A place of registration as the head of a narrow column."""
    return {
        Agency.Origin.OUTSIDE_PROVINCE: pgettext("place, short", "outside"),
        Agency.Origin.PROVINCE: pgettext("place, short", "province"),
        Agency.Origin.CITY: pgettext("place, short", "city"),
        Agency.Origin.LOCAL: pgettext("place, short", "local"),
    }[Agency.Origin(origin)]


def _counted(key: str, title: str, label: str, unit: str, rows: Sequence[tuple[str, int]]) -> Tally:
    """With the sentence that says what the picture shows."""
    most = max((count for _label, count in rows), default=0)
    if not most:
        sentence = _("There is nothing to count yet.")
    else:
        named = pgettext("between names in a list", ", ").join(label for label, count in rows if count == most)
        sentence = _("The most, {count} {unit}: {labels}.").format(labels=named, count=most, unit=unit)
    return Tally(key, title, sentence, label, list(rows))


def lines(found: Statistics) -> list[list[Any]]:
    """The same figures as rows of a file: [statistic, category, second category, count]."""
    flat: list[list[Any]] = [[one.title, label, "", count] for one in found.counts for label, count in one.rows]
    title = _("Agencies by class of service and place of registration")
    for label, numbers in found.cross.rows:
        flat += [[title, label, place, count] for place, count in zip(found.cross.places, numbers, strict=True)]
    return flat
