"""What owners' entries put on the desks: the owner's own case, and the office's work with its clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace import accounts
from marketplace.casework import Work
from marketplace.models import User

from . import owner_queries as queries
from .models import OwnerEntry
from .states import OwnerState

LIMIT = 200


def work(at: datetime) -> list[Work]:
    """Entries and changes of owners that wait for the office, the first deadline first. Two queries."""
    found = [
        Work(
            case=f"owner:{entry.organisation.code}",
            stream=entry.stream_name(),
            kind=_("Entry of an owner"),
            title=entry.organisation.name,
            url=reverse("office_owner", args=[entry.organisation.code]),
            started=entry.submitted_at or entry.registered_at,
            due=entry.check_due,
        )
        for entry in queries.entries(OwnerState.SUBMITTED).order_by("check_due", "pk")[:LIMIT]
    ]
    found += [
        Work(
            case=f"owner_change:{change.pk}",
            stream=change.stream_name(),
            kind=_("Change of an owner"),
            title=change.owner.organisation.name,
            url=reverse("office_owner_change", args=[change.pk]),
            started=change.submitted_at,
            due=change.check_due,
        )
        for change in queries.waiting_changes().order_by("check_due", "pk")[:LIMIT]
    ]
    return sorted(found, key=lambda one: one.due or one.started)[:LIMIT]


def cards(user: User | None, at: datetime) -> list[dict[str, Any]]:
    """The card of a person's own entry as an owner until it is active, and the way in for newcomers; one query."""
    if user is None or not user.is_authenticated:
        return []
    entry = queries.own_entry(user)
    if entry is None:
        return [] if accounts.memberships(user) else [_card(_("Take part as a project owner"), 0, [_invitation()])]
    waiting = entry.state in (OwnerState.DRAFT, OwnerState.RETURNED)
    return [_card(_("Your unit as a project owner"), int(waiting), [_own(entry)])]


def _card(title: str, count: int, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "count": count, "url": items[0]["url"], "items": items}


def _invitation() -> dict[str, Any]:
    return {
        "title": _("Register a project owner"),
        "url": reverse("owner_register"),
        "hint": _(
            "Public bodies, enterprises and natural persons who look for a service; everything is done online."
        ),
        "due": None,
        "light": "",
    }


def _own(entry: OwnerEntry) -> dict[str, Any]:
    defects = len(entry.returned_defects)
    hints = {
        OwnerState.DRAFT: _("Complete the entry and submit it."),
        OwnerState.SUBMITTED: _("The office checks the documents."),
        OwnerState.RETURNED: ngettext(
            "{count} defect to mend, then submit again.", "{count} defects to mend, then submit again.", defects
        ).format(count=defects),
        OwnerState.ACTIVE: _("Active."),
        OwnerState.REFUSED: _("Refused: {reason}").format(reason=entry.refusal_reason),
        OwnerState.WITHDRAWN: _("Your unit has left the marketplace."),
    }
    return {
        "title": entry.organisation.name,
        "url": reverse("owner_entry"),
        "hint": hints[entry.state],
        "due": entry.check_due if entry.state == OwnerState.SUBMITTED else None,
        # The clock is the office's: the owner has nothing to hurry for.
        "light": "",
    }
