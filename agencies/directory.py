"""The directory of agencies at any size: whatever is asked for, a page reads about as many rows as it shows.

Every condition has a list of agencies in the order of the directory, an index: all agencies of one state, one place, so
many stars, one way of entry; those that offer an item or something of a class; those whose name or code contains a
gram. A page walks along the shortest of the lists that fit and asks the other conditions of each agency it meets. Which
list is shortest is looked up first, no further than PROBE; a count goes no further than SCAN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.http import QueryDict

from marketplace.models import Organisation
from marketplace.paging import PAGE_SIZE, Page
from marketplace.seek import Unindexed, beyond

from . import queries
from .models import Agency, AgencyGram, AgencyItem, Penalty
from .states import PUBLIC, AgencyState

# Lists are compared up to this length; of longer ones the first in the order of `_lists` is walked.
PROBE = 2000
# A count looks at so many agencies at most.
SCAN = 1000
# Below this length a text is looked for in names only: one or two characters occur in almost every code.
CODE_PART = 3
GRAMS_PROBED = 6
FACTS = ("state", "origin", "stars", "way")


@dataclass(frozen=True)
class Conditions:
    """What a visitor asks for; "" and None ask for nothing. `item` and `service_class` are codes."""

    text: str = ""
    state: str = ""
    origin: str = ""
    stars: int | None = None
    way: str = ""
    service_class: str = ""
    item: str = ""


@dataclass(frozen=True)
class Total:
    """How many agencies fit: exactly, or at least."""

    number: int
    exact: bool


# ---------- the index of names ----------


def grams(name: str, code: str) -> set[str]:
    """What a name and a credit code are found by: each character and each two in a row of the name, each three in a
    row of both where all are ASCII."""
    text = name.lower()
    found = {one for one in text if not one.isspace()}
    found |= {text[at : at + 2] for at in range(len(text) - 1)}
    return found | _triples(text) | _triples(code.lower())


def _triples(text: str) -> set[str]:
    windows = (text[at : at + 3] for at in range(len(text) - 2))
    return {one for one in windows if one.isascii()}


def asked_grams(text: str) -> list[str]:
    """Grams that every name or code with this text in it has: all of its threes in ASCII, and the pairs outside them."""
    text = text.lower()
    if len(text) < 2:
        return [text] if text.strip() else []
    found = sorted(_triples(text))
    for at in range(len(text) - 1):
        around = (text[max(0, at - 1) : at + 2], text[at : at + 3])
        if not any(len(three) == 3 and three.isascii() for three in around):
            found.append(text[at : at + 2])
    return list(dict.fromkeys(found))


@transaction.atomic
def index_name(agency: Agency) -> None:
    """Make the directory find the agency by its present name and code, and list it in that place."""
    index_names([agency])


def index_new(agency: Agency) -> None:
    """`index_name` of an agency that becomes public, if nothing did it before: an import does not."""
    if not agency.grams.exists():
        index_name(agency)


def index_names(agencies: Iterable[Agency]) -> None:
    """`index_name` for many, in a transaction of the caller."""
    rows = list(agencies)
    AgencyGram.objects.filter(agency__in=rows).delete()
    for agency in rows:
        agency.sort_name, agency.sort_code = agency.organisation.name, agency.organisation.code
        AgencyItem.objects.filter(agency=agency).exclude(sort_name=agency.sort_name).update(
            sort_name=agency.sort_name
        )
    Agency.objects.bulk_update(rows, ["sort_name", "sort_code"], batch_size=500)
    AgencyGram.objects.bulk_create(
        (
            AgencyGram(gram=gram, sort_name=agency.sort_name, agency=agency)
            for agency in rows
            for gram in sorted(grams(agency.sort_name, agency.sort_code))
        ),
        batch_size=2000,
    )


# ---------- the lists ----------


@dataclass(frozen=True)
class _List:
    """Agencies that fit one condition, with an index in the order of the directory.

    `meets` names the condition; `to_agency` is the path from a row to its agency. `exact`: the gram is the whole text.
    """

    meets: str
    rows: QuerySet[Any]
    to_agency: str = "agency__"
    exact: bool = False

    @property
    def key(self) -> str:
        return "agency_id" if self.to_agency else "organisation_id"


def _lists(asked: Conditions) -> list[_List]:
    lists = []
    if asked.item:
        lists.append(_List("item", AgencyItem.objects.filter(item=asked.item, is_active=True)))
    wanted = asked_grams(asked.text)
    for gram in wanted[:: 1 + len(wanted) // GRAMS_PROBED]:
        exact = gram == asked.text.lower()
        lists.append(_List("text", AgencyGram.objects.filter(gram=gram), exact=exact))
    if asked.service_class:
        rows = AgencyItem.objects.filter(class_code=asked.service_class, is_active=True)
        lists.append(_List("service_class", rows))
    for fact in FACTS:
        if value := getattr(asked, fact):
            lists.append(_List(fact, _agencies().filter(**{fact: value}), to_agency=""))
    return lists or [_List("", _agencies(), to_agency="")]


def _agencies() -> QuerySet[Agency]:
    """Without the organisation, which every other list of agencies brings along."""
    return Agency.objects.select_related(None)


def _shortest(lists: list[_List]) -> _List:
    """One query when there is a choice."""
    if len(lists) == 1:
        return lists[0]
    parts, params = [], []
    for number, one in enumerate(lists):
        sql, values = (
            one.rows.order_by().values_list(one.key)[:PROBE].query.get_compiler(connection=connection).as_sql()
        )
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) list{number})")
        params += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        lengths = cursor.fetchone()
    return min(zip(lengths, range(len(lists)), lists, strict=True))[2]


def _others(walked: _List, asked: Conditions, *, facts: str) -> Q:
    """Every condition but the one the list meets by itself. `facts` is the prefix of the agency's columns."""
    agency = OuterRef(walked.key)
    found = Q() if asked.state else Q(**{f"{facts}state__in": [state.value for state in PUBLIC]})
    for fact in FACTS:
        if fact != walked.meets and (value := getattr(asked, fact)):
            found &= Q(**{f"{facts}{fact}": value})
    if asked.item and walked.meets != "item":
        found &= Q(Exists(AgencyItem.objects.filter(agency=agency, item=asked.item, is_active=True)))
    implied = walked.meets == "item" and asked.item.startswith(asked.service_class)
    if asked.service_class and walked.meets != "service_class" and not implied:
        # By the agency, who has few items, and not by the class.
        offers = AgencyItem.objects.alias(own_class=Unindexed(F("class_code"))).filter(agency=agency, is_active=True)
        found &= Q(Exists(offers.filter(own_class=asked.service_class)))
    if asked.text and not (walked.meets == "text" and walked.exact):
        named = Q(sort_name__icontains=asked.text)
        if len(asked.text) >= CODE_PART and asked.text.isascii():
            named |= Q(Exists(Organisation.objects.filter(pk=agency, code__icontains=asked.text)))
        found &= named
    return found


def _walk(walked: _List, asked: Conditions) -> QuerySet[Any, tuple[str, int]]:
    """(sort_name, pk) of the agencies that fit, each once, not ordered yet."""
    rows = walked.rows.alias(**{f"own_{fact}": Unindexed(F(walked.to_agency + fact)) for fact in FACTS})
    rows = rows.filter(_others(walked, asked, facts="own_")).values_list("sort_name", walked.key)
    # An agency offers several items of a class.
    return rows.distinct() if walked.meets == "service_class" else rows


def find(asked: Conditions, query: QueryDict, *, size: int = PAGE_SIZE) -> tuple[Page[Agency], Total]:
    """The page that `query` asks for with `after` or `before` (an agency's key), and how many agencies fit in all.

    Each agency comes with its `listed` items. Four queries, one more when there is a choice of lists and one more for a
    later page. An edge that is gone leads to the first page.
    """
    walked = _shortest(_lists(asked))
    return _page(walked, asked, query, size), _total(walked, asked)


def _page(walked: _List, asked: Conditions, query: QueryDict, size: int) -> Page[Agency]:
    backwards = "before" in query and "after" not in query
    edge = _edge(query.get("before" if backwards else "after"))
    backwards = backwards and edge is not None
    rows = _walk(walked, asked)
    if edge is not None:
        rows = rows.filter(beyond(rows.model, ("sort_name", walked.key), edge, backwards=backwards))
    side = "-" if backwards else ""
    found = list(rows.order_by(f"{side}sort_name", f"{side}{walked.key}")[: size + 1])
    more, keys = len(found) > size, [key for _name, key in found[:size]]
    if backwards:
        keys.reverse()
    before, after = (more, True) if backwards else (edge is not None, more)
    agencies = queries.with_items(Agency.objects.filter(pk__in=keys)).in_bulk()
    return Page(
        [agencies[key] for key in keys],
        address(query, "before", keys[0]) if before and keys else "",
        address(query, "after", keys[-1]) if after and keys else "",
    )


def _total(walked: _List, asked: Conditions) -> Total:
    """Counted no further than SCAN agencies of the list."""
    others = _others(walked, asked, facts=walked.to_agency)
    fits = [When(others, then=Value(1))] if others else []
    hit = Case(*fits, default=Value(0 if others else 1), output_field=IntegerField())
    rows = walked.rows.order_by().annotate(hit=hit).values("sort_name", walked.key, "hit")
    if walked.meets == "service_class":
        rows = rows.distinct()
    seen = rows[:SCAN].aggregate(hits=Sum("hit"), seen=Count("*"))
    return Total(seen["hits"] or 0, seen["seen"] < SCAN)


def _edge(pk: str | None) -> tuple[str, int] | None:
    if not pk or not pk.isascii() or not pk.isdigit() or len(pk) > 18:
        return None
    # The edge need not fit the conditions any more, it only has to exist to tell its place.
    found: tuple[str, int] | None = _agencies().filter(pk=int(pk)).values_list("sort_name", "pk").first()
    return found


def address(query: QueryDict, side: str, key: Any) -> str:
    """The `?…` of the neighbouring page."""
    changed = query.copy()
    for name in ("after", "before"):
        changed.pop(name, None)
    changed[side] = str(key)
    return f"?{changed.urlencode()}"


# ---------- public notices ----------


def in_publicity(at: datetime) -> QuerySet[Agency]:
    """Entries anybody may object to: in publicity, also past its end while an objection is open, and on commitment
    until the end of theirs. Paged by `publicity_until`."""
    public = Q(state=AgencyState.PUBLICITY)
    promised = Q(state__in=[AgencyState.COMMITTED, AgencyState.VERIFYING], publicity_until__gt=at)
    return queries.with_items(Agency.objects.filter(public | promised, publicity_until__isnull=False))


def under_notice(state: str) -> QuerySet[Agency]:
    """Agencies that are suspended, removed or have withdrawn, with the `grounds` of their penalties in force."""
    grounds = Penalty.objects.filter(lifted_at__isnull=True).select_related("rule")
    return Agency.objects.filter(state=state).prefetch_related(Prefetch("penalties", grounds, to_attr="grounds"))
