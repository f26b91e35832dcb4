"""The open cases of the ledger: replies to give and to decide about, and petitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace import accounts
from marketplace.casefile import light
from marketplace.casework import Work
from marketplace.models import Organisation, User

from .models import CreditEntry, CreditPetition
from .states import EntryState, PetitionState

MOST = 200
SHOWN = 5


def cards(user: User, at: datetime) -> list[dict[str, Any]]:
    """For the desk of an agency's people: the entries whose right of reply still runs, nearest end first."""
    organisation = accounts.organisation_of(user, Organisation.Kind.AGENCY)
    if organisation is None:
        return []
    running = CreditEntry.objects.filter(
        agency=organisation.pk, state=EntryState.REPLY, reply_until__gt=at, points__lt=0
    ).order_by("reply_until", "pk")
    rows = [
        {
            "title": entry.summary,
            "url": reverse("agency_credit_entry", args=[entry.pk]),
            "hint": _("You may reply before it counts."),
            "due": entry.reply_until,
            "light": light(entry.entered_at, entry.reply_until, at),
        }
        for entry in running[:SHOWN]
    ]
    if not rows:
        return []
    count = running.count() if len(rows) == SHOWN else len(rows)
    title = _("Ledger entries with a right of reply")
    return [{"title": title, "count": count, "url": reverse("agency_credit"), "items": rows}]


def work(at: datetime) -> list[Work]:
    """Replied entries and petitions that wait for the office, earliest due first, at most 200. Two queries."""
    entries = (
        CreditEntry.objects.filter(state=EntryState.REPLIED)
        .select_related("agency__organisation")
        .order_by("decision_due", "pk")[:MOST]
    )
    petitions = (
        CreditPetition.objects.filter(state=PetitionState.LODGED)
        .select_related("agency__organisation", "entry")
        .order_by("due", "pk")[:MOST]
    )
    found = [_reply(entry) for entry in entries] + [_petition(petition) for petition in petitions]
    return sorted(found, key=lambda work: (work.due or work.started, work.case))[:MOST]


def _reply(entry: CreditEntry) -> Work:
    return Work(
        case=f"ledger:{entry.pk}",
        stream=entry.stream_name(),
        kind=_("Reply to a ledger entry"),
        title=f"{entry.agency.name} · {entry.summary}",
        url=reverse("office_credit_entry", args=[entry.pk]),
        started=entry.replied_at or entry.entered_at,
        due=entry.decision_due,
    )


def _petition(petition: CreditPetition) -> Work:
    objection = petition.kind == CreditPetition.Kind.OBJECTION
    return Work(
        case=f"petition:{petition.pk}",
        stream=petition.stream_name(),
        kind=_("Objection against a ledger entry") if objection else _("Repair of a ledger entry"),
        title=f"{petition.agency.name} · {petition.entry.summary}",
        url=reverse("office_credit_entry", args=[petition.entry_id]),
        started=petition.lodged_at,
        due=petition.due,
    )
