"""The open cases of the ledger: replies to decide about, and petitions."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace.casework import Work

from .models import CreditEntry, CreditPetition
from .states import EntryState, PetitionState

MOST = 200


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
