"""What can happen to a change, as events of the agency's stream, and the letters about it.

Everybody reads that something is under check, and what it was and is once it takes effect; until then the new values
are sealed, because nobody has checked them. Names, numbers and phones of persons stay sealed for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from marketplace import accounts, events, notifications
from marketplace.models import Event, Organisation

from ..models import Change
from . import kinds

WHAT: dict[str, type | tuple[type, ...]] = {"change": int, "kind": str, "what": str}


def _named(data: Mapping[str, Any]) -> dict[str, str]:
    """{kind}: the kind in words, with the certificate it is about."""
    words = str(Change.Kind(data["kind"]).label)
    return {"kind": f"{words} {data['what']}".strip()}


def _compared(data: Mapping[str, Any]) -> dict[str, str]:
    """{kind}: also what was and what is, where something public became different."""
    words = _named(data)["kind"]
    spec = kinds.SPECS[Change.Kind(data["kind"])]
    if spec.about and not (spec.fields and spec.has_target):
        return {"kind": words}
    nothing = "–"
    parts = [
        pgettext("what was and what is", "{label}: {old} → {new}").format(
            label=row["label"], old=row["old"] or nothing, new=row["new"] or nothing
        )
        for row in kinds.rows_in_words(data["kind"], data["difference"])
    ]
    mark, between = pgettext("between label and text", ": "), pgettext("between sentences", "; ")
    return {"kind": words + mark + between.join(parts) if parts else words}


SUBMITTED = events.register(
    "agency.change_submitted",
    _("A change was submitted for check: {kind}."),
    data=WHAT | {"check_due": str, "derivation": dict},
    private={"difference": list, "reason": str},
    present=_named,
)
APPROVED = events.register(
    "agency.change_approved",
    _("A change was checked and takes effect: {kind}."),
    # [{"field", "old", "new"}] of what is public, and the SHA-256 of a certificate's scan.
    data=WHAT | {"difference": list, "papers": dict},
    private={"difference": list, "papers": dict},
    present=_compared,
)
RETURNED = events.register(
    "agency.change_returned",
    _("A change was returned for supplement: {kind}; all defects were named at once: {defects}."),
    data=WHAT | {"defects": int},
    private={"defects": list},
    present=_named,
)
REFUSED = events.register(
    "agency.change_refused",
    _("A change was refused: {kind}."),
    data=WHAT,
    private={"reason": str},
    present=_named,
)
WITHDRAWN = events.register(
    "agency.change_withdrawn", _("A change was withdrawn: {kind}."), data=WHAT, present=_named
)

NOTE_SUBMITTED = notifications.register(
    "agency.change_submitted",
    _("Change to check: {name}"),
    _("{name} has submitted a change. Its check is due by {due}."),
)
NOTE_APPROVED = notifications.register(
    "agency.change_approved",
    _("Your change takes effect"),
    _("A change of {name} was checked and is in effect from now on. What was and what is stands on its page."),
)
NOTE_RETURNED = notifications.register(
    "agency.change_returned",
    _("Your change was returned for supplement"),
    _("A change of {name} needs a supplement. All defects, {count} in number, are named on its page."),
)
NOTE_REFUSED = notifications.register(
    "agency.change_refused",
    _("Your change was refused"),
    _("A change of {name} was refused; what was checked before stays in effect. Reason: {reason}"),
)


def tell_members(change: Change, event: Event, note: str, params: dict[str, str | int], *, at: datetime) -> None:
    agency = change.agency
    notifications.notify(
        accounts.members(agency.organisation),
        note,
        {"name": agency.name, **params},
        key=f"{agency.stream_name()}:{event.seq}",
        at=at,
        link=reverse("change_case", args=[change.pk]),
    )


def tell_office(change: Change, event: Event, params: dict[str, str | int], *, at: datetime) -> None:
    """To everybody in the office but those who belong to the agency, who may not check it."""
    agency = change.agency
    notifications.notify(
        accounts.staff(Organisation.Kind.OFFICE).exclude(memberships__organisation=agency.organisation),
        NOTE_SUBMITTED,
        {"name": agency.name, **params},
        key=f"{agency.stream_name()}:{event.seq}",
        at=at,
        link=reverse("office_change", args=[change.pk]),
    )


def settled(change: Change, *, at: datetime) -> None:
    """Nobody in the office has to look at it any more."""
    notifications.settle(NOTE_SUBMITTED, reverse("office_change", args=[change.pk]), at=at)
