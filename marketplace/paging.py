"""Keyset paging: a page costs the same wherever it lies in the list, and no row is skipped or shown twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

M = TypeVar("M", bound=Model)
PAGE_SIZE = 25
# Counting further would read the whole list for a number nobody needs exactly.
COUNT_LIMIT = 1000


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows in order, and the `?…` addresses of the neighbours ("" where there is none)."""

    rows: list[M]
    previous_url: str
    next_url: str


def page_of(
    queryset: QuerySet[M], *, key: str, query: QueryDict, size: int = PAGE_SIZE, newest_first: bool = False
) -> Page[M]:
    """The page of `queryset`, ordered by (key, pk), that `query` asks for with `after` or `before` (a row's pk).

    `key` is a field path whose values are never null. An edge row that is gone leads to the first page.
    Two queries for a later page, one for the first.
    """
    backwards = "before" in query and "after" not in query
    edge = _edge(queryset, key, query.get("before" if backwards else "after"))
    if edge is None:
        backwards = False
    else:
        value, pk = edge
        side = "lt" if backwards != newest_first else "gt"
        queryset = queryset.filter(Q(**{f"{key}__{side}": value}) | Q(**{key: value, f"pk__{side}": pk}))
    order = (f"-{key}", "-pk") if backwards != newest_first else (key, "pk")
    rows = list(queryset.order_by(*order)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    before, after = (more, edge is not None) if backwards else (edge is not None, more)
    return Page(
        rows,
        _address(query, "before", rows[0].pk) if before and rows else "",
        _address(query, "after", rows[-1].pk) if after and rows else "",
    )


def count_up_to(queryset: QuerySet[Any], limit: int = COUNT_LIMIT) -> int:
    """How many rows there are, counted no further than limit + 1."""
    return queryset.order_by()[: limit + 1].count()


def _edge(queryset: QuerySet[Any], key: str, pk: str | None) -> tuple[Any, int] | None:
    if not pk or not pk.isascii() or not pk.isdigit() or len(pk) > 18:
        return None
    # The edge row need not match the filters any more, it only has to exist to tell its place.
    found: tuple[Any, int] | None = queryset.model._default_manager.filter(pk=int(pk)).values_list(key, "pk").first()
    # A row outside the list, a draft among notices, may have no value yet.
    return found if found is not None and found[0] is not None else None


def _address(query: QueryDict, side: str, pk: Any) -> str:
    address = query.copy()
    for name in ("after", "before"):
        address.pop(name, None)
    address[side] = str(pk)
    return f"?{address.urlencode()}"
