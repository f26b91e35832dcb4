"""Leaving and coming back: withdrawal, a new entry after leaving, the end of a suspension, and a false commitment.

A suspension or a removal is never imposed by hand: it follows from the ledger (`penalties.follow`).
"""

from __future__ import annotations

from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from marketplace.clock import iso_micros, local_date
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken
from marketplace.models import User
from marketplace.workflow import fire, locked, why_not

from .. import conditions, leaving, ledger, rules
from .. import credit_journal as journal
from ..models import Agency, CreditEntry
from ..penalties import end_suspension
from ..states import ENTERED

__all__ = ["begin_again", "end_suspension", "remove_for_false_commitment", "withdraw"]

REASON_LIMIT = 2000


@transaction.atomic
def withdraw(agency: Agency, reason: str, *, actor: User | None, at: datetime) -> Agency:
    """退出: the manager takes the agency out of the marketplace, not while one of its services is open.

    Its practitioners are free from now on, and what it had asked of the office is settled. The refusal
    RuleBroken(no_service_is_open) carries the list as `facts["open_services"]`. Raises FieldErrors(reason).
    """
    row = locked(agency)
    services = rules.open_services(row, at)
    refusal = why_not(row, "withdraw", actor=actor, at=at, open_services=services)
    if isinstance(refusal, RuleBroken) and refusal.code == "no_service_is_open":
        raise RuleBroken(
            refusal.code, refusal.sentence, basis=refusal.basis, remedy=refusal.remedy, open_services=services
        )
    if refusal is not None:
        raise refusal
    row, event = fire(
        row,
        "withdraw",
        actor=actor,
        at=at,
        private={"reason": (reason := _needed(reason))},
        facts={"open_services": services},
        reason=reason,
    )
    leaving.void_checks(row)
    leaving.close_cases(row, at=at)
    journal.tell_office(row, event, journal.NOTE_WITHDRAWN, {}, at=at)
    return row


@transaction.atomic
def begin_again(agency: Agency, *, actor: User | None, at: datetime) -> Agency:
    """A new entry after leaving or a refusal, from the papers that are there: every one of them is unchecked again."""
    row, _event = fire(agency, "begin_again", actor=actor, at=at)
    leaving.void_checks(row)
    return row


@transaction.atomic
def remove_for_false_commitment(
    agency: Agency,
    reason: str,
    evidence: UploadedFile | None = None,
    *,
    actor: User | None,
    at: datetime,
) -> CreditEntry:
    """The check of the documents found that what was promised is not true: an entry in the ledger with its right of
    reply. The removal follows when the entry counts. The same commitment is entered once.

    Raises NotAllowed, RuleBroken (not on commitment, own agency), FieldErrors(reason, evidence).
    """
    row = locked(agency)
    if actor is None:
        raise NotAllowed(verb="remove_for_false_commitment")
    if (refusal := ledger.why_no_entry(row, actor=actor)) is not None:
        raise refusal
    conditions.documents_are_unchecked.demand(row)
    if row.state not in ENTERED or row.commitment_signed_at is None:
        raise RuleBroken("not_on_commitment", _("The agency is not active on a commitment."))
    signed = row.commitment_signed_at
    try:
        return ledger.add_entry(
            row,
            "false_commitment",
            summary=reason,
            source=f"commitment:{row.code}:{iso_micros(signed)}",
            happened_on=local_date(signed),
            evidence=evidence,
            actor=actor,
            at=at,
        )
    except FieldErrors as faults:
        named = {"reason" if field == "summary" else field: said for field, said in faults.fields.items()}
        raise FieldErrors(named) from faults


def _needed(text: str) -> str:
    text = text.strip()
    if not text:
        raise FieldErrors({"reason": [_("Say why.")]})
    if len(text) > REASON_LIMIT:
        raise FieldErrors({"reason": [_("At most {limit} characters.").format(limit=REASON_LIMIT)]})
    return text
