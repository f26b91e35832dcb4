"""The notices as RSS, with the same filters in the address as the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.permissions import access
from marketplace.templatetags.ui import datetime_text, money

from .models import Award
from .portal import filtered

LENGTH = 40


def printable(text: str) -> str:
    """XML has no form for control characters: one in a name would cost everybody the whole feed."""
    return "".join(char if char.isprintable() else " " for char in text)


class NoticeFeed(Feed):
    """Newest purchase notices, or award notices with ?tab=awards."""

    title = gettext_lazy("Notices of the marketplace")
    description = gettext_lazy("Purchase notices and award notices as they are published.")

    def get_object(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpRequest:
        return request

    def link(self, request: HttpRequest) -> str:
        query = request.GET.urlencode()
        return reverse("notice_list") + (f"?{query}" if query else "")

    def items(self, request: HttpRequest) -> list[Any]:
        _tab, found = filtered(request)
        return list(found.qs.order_by("-published_at", "-pk")[:LENGTH])

    def item_title(self, item: Any) -> str:
        return printable(item.task.name if isinstance(item, Award) else item.name)

    def item_description(self, item: Any) -> str:
        return printable(self._description(item))

    def _description(self, item: Any) -> str:
        if isinstance(item, Award):
            return _("{winner} was selected; publicity until {until}.").format(
                winner=item.winner.organisation.name, until=datetime_text(item.publicity_until, end_of_day=True)
            )
        return _("{owner} · {item} · {price} · sign-up until {until}").format(
            owner=item.owner.name,
            item=item.item,
            price=money(item.amount_yuan) or _("not estimated"),
            until=datetime_text(item.signup_deadline, end_of_day=True),
        )

    def item_link(self, item: Any) -> str:
        return reverse("notice_detail", args=[item.task.code if isinstance(item, Award) else item.code])

    def item_guid(self, item: Any) -> str:
        return f"urn:marketplace:{item.number if isinstance(item, Award) else item.code}"

    item_guid_is_permalink = False

    def item_pubdate(self, item: Any) -> datetime:
        published: datetime = item.published_at
        return published


notice_rss = access("public")(NoticeFeed())
