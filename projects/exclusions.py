"""Why a sign-up did not count at the close: the codes that the record carries, and their words."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from . import rules

WORDS: dict[str, str | Promise] = {
    "agency_not_active": _("The agency is no longer active in the marketplace."),
    "item_not_offered": _("The service item is no longer among the agency's services."),
    "requirement_not_met": _("The agency no longer meets a requirement of the service item."),
    rules.stars_suffice.code: rules.stars_suffice.sentence,
    rules.not_avoided.code: rules.not_avoided.sentence,
}


def words(code: str) -> str:
    """A reason in the reader's language; an unknown code as it is."""
    return str(WORDS.get(code, code))


def sentence(reasons: Sequence[dict[str, str]]) -> str:
    """The reasons [{"code", "text"}] in one line, with what was found in each case."""
    return pgettext("between sentences", "; ").join(one["text"] or words(one["code"]) for one in reasons)


def shown(reasons: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The reasons for a page: {"words", "text"}, the words in the reader's language, the text as it was recorded."""
    return [{"words": words(one["code"]), "text": one["text"]} for one in reasons]
