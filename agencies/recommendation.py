"""The recommendation list of a service item: the eligible agencies in an order everybody can check.

Agencies with five stars come first (江西省网上中介超市九江分厅管理暂行办法（2022）：五星优先推荐), then the others. In both groups
who has done more services through the marketplace stands before who has done fewer, then the better quality of service
(the mean of the owners' marks as an exact fraction; without a mark at the end), then the earlier entry, then the credit
code. No two agencies share a place. The database keeps the keys of this order (`Agency.rank_…`), so that a page at any
depth reads little more than it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketplace import clock
from marketplace.models import ServiceItem
from marketplace.paging import PAGE_SIZE, Page
from marketplace.seek import beyond
from marketplace.templatetags.ui import day_text

from . import queries
from .directory import address
from .filters import MOST_STARS, star_words
from .models import Agency, AgencyItem

BASIS = "江西省网上中介超市九江分厅管理暂行办法（2022）：信用评价结果应用"
KEYS = ("rank_done", "rank_quality", "rank_since", "sort_code", "organisation_id")
# So few agencies are sorted; of more, those in order of all agencies are asked whether they offer the item.
FEW = 400


def place_key(agency: Agency) -> tuple[bool, int, Fraction, datetime, str, int]:
    """The order as a key for `sorted`."""
    quality = Fraction(agency.quality_sum, agency.quality_count) if agency.quality_count else Fraction(0)
    since = agency.active_since or agency.registered_at
    return agency.stars != MOST_STARS, -agency.services_done, -quality, since, agency.code, agency.pk


def ranked(item: ServiceItem, on: date) -> QuerySet[Agency]:
    """The agencies eligible for the item on the day, in order. One query to find out how many offer it."""
    offers = AgencyItem.objects.filter(item=item, is_active=True).order_by()
    keys = list(offers.values_list("agency", flat=True)[: FEW + 1])
    found = queries.meeting_requirements(item, on)
    if len(keys) <= FEW:
        return found.filter(pk__in=keys).order_by(*KEYS)
    return found.filter(Exists(offers.filter(agency=OuterRef("pk")))).order_by(*KEYS)


def page(
    item: ServiceItem, on: date, query: QueryDict, *, size: int = PAGE_SIZE
) -> tuple[Page[Agency], Agency | None]:
    """The page that `query` asks for with `after` or `before` (an agency's key), and the agency that follows its last.

    At most four queries. An edge that is gone leads to the first page.
    """
    backwards = "before" in query and "after" not in query
    edge = _edge(query.get("before" if backwards else "after"))
    backwards = backwards and edge is not None
    rows = ranked(item, on)
    if edge is not None:
        rows = rows.filter(beyond(Agency, KEYS, edge, backwards=backwards))
    found = list((rows.reverse() if backwards else rows).values_list("pk", flat=True)[: size + 1])
    more, keys = len(found) > size, found[:size]
    follows = found[size] if more else None
    if backwards:
        keys.reverse()
        # The page before ends where the edge begins.
        follows = edge[-1] if edge else None
    agencies = Agency.objects.in_bulk([*keys, follows] if follows else keys)
    before, after = (more, True) if backwards else (edge is not None, more)
    shown = Page(
        [agencies[key] for key in keys],
        address(query, "before", keys[0]) if before and keys else "",
        address(query, "after", keys[-1]) if after and keys else "",
    )
    return shown, agencies[follows] if follows else None


def _edge(pk: str | None) -> tuple[Any, ...] | None:
    if not pk or not pk.isascii() or not pk.isdigit() or len(pk) > 18:
        return None
    found: tuple[Any, ...] | None = Agency.objects.filter(pk=int(pk)).values_list(*KEYS).first()
    return found


# ---------- in words ----------


def rows_of(agencies: Sequence[Agency], follows: Agency | None) -> Iterator[dict[str, Any]]:
    """The rows of a stretch of the list; `follows` is who stands behind its last."""
    for agency, following in zip(agencies, [*agencies[1:], follows], strict=False):
        yield {
            "name": agency.name,
            "code": agency.code,
            "origin": str(agency.get_origin_display()),
            "stars": agency.stars,
            "score": agency.score,
            "services_done": agency.services_done,
            "quality_sum": agency.quality_sum,
            "quality_count": agency.quality_count,
            "entered_on": clock.local_date(agency.active_since) if agency.active_since else None,
            "government_funds": agency.stars > 1,
            "reason": reason(agency, following),
        }


def reason(agency: Agency, following: Agency | None) -> str:
    """Why it stands before the next one: the first key in which they differ, and what comes before it."""
    parts = [_("five stars") if agency.stars == MOST_STARS else star_words(agency.stars)]
    if following is not None and (agency.stars == MOST_STARS) != (following.stars == MOST_STARS):
        parts[0] = _("five stars, the next one has fewer")
        return parts[0]
    done = ngettext("{count} service done", "{count} services done", agency.services_done)
    parts.append(done.format(count=agency.services_done))
    if following is None:
        return pgettext("between sentences", "; ").join(parts)
    if agency.services_done != following.services_done:
        parts[-1] = _("{done}, more than the next with {count}").format(done=parts[-1], count=following.services_done)
    elif _quality(agency) != _quality(following):
        parts.append(
            _("quality {mark}, better than the next with {other}").format(
                mark=_quality_words(agency), other=_quality_words(following)
            )
        )
    elif (agency.rank_since) != (following.rank_since):
        parts.append(_("the same quality, and entered earlier: {day}").format(day=_entered(agency)))
    else:
        parts.append(_("equal in everything, so by credit code"))
    return pgettext("between sentences", "; ").join(parts)


def _quality(agency: Agency) -> Fraction:
    return Fraction(agency.quality_sum, agency.quality_count) if agency.quality_count else Fraction(0)


def _quality_words(agency: Agency) -> str:
    if not agency.quality_count:
        return _("no mark yet")
    return f"{agency.quality_sum}/{agency.quality_count}"


def _entered(agency: Agency) -> str:
    return day_text(clock.local_date(agency.active_since or agency.registered_at))
