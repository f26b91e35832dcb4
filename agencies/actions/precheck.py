"""预审: the office looks at the papers before they are submitted. Advice only: no clock of the entry runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.accounts import acts_as
from marketplace.clock import iso_micros
from marketplace.deadlines import deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Organisation, User

from .. import conditions, entry_journal, journal
from ..models import Agency, PreCheck
from .checking import named_defects
from .entry import open_for_change, why_not_change


def why_not_precheck(agency: Agency, actor: User | None) -> DomainError | None:
    """Why the agency cannot ask for a pre-check now, or None."""
    if (refusal := why_not_change(agency, actor)) is not None:
        return refusal
    if agency.prechecks.filter(answered_at__isnull=True).exists():
        return RuleBroken(
            "precheck_is_open",
            _("A pre-check is open already."),
            remedy=_("Wait for the answer, or submit the entry."),
        )
    return None


@transaction.atomic
def ask_precheck(agency: Agency, question: str = "", *, actor: User | None, at: datetime) -> PreCheck:
    """Ask the office to look at the papers as they are; one open at a time.

    Raises FieldErrors(question) when it is too long, RuleBroken while another one is open.
    """
    row = open_for_change(agency, actor)
    if (refusal := why_not_precheck(row, actor)) is not None:
        raise refusal
    assert actor is not None
    limit = PreCheck._meta.get_field("question").max_length or 0
    if len(question.strip()) > limit:
        raise FieldErrors({"question": [_("At most {limit} characters.").format(limit=limit)]})
    answer = deadline("entry.precheck", at, on=row.rules_on)
    precheck = PreCheck.objects.create(
        agency=row,
        asked_at=at,
        asked_by=actor,
        question=question.strip(),
        due=answer.due,
        derivation=answer.derivation,
    )
    event = journal.note(
        row,
        entry_journal.PRECHECK_ASKED,
        {"precheck": precheck.pk, "due": iso_micros(answer.due), "derivation": answer.derivation},
        actor=actor,
        at=at,
        private={"question": precheck.question},
    )
    journal.tell_office(row, event, entry_journal.NOTE_PRECHECK, {"due": journal.plain_due(answer.due)}, at=at)
    return precheck


@transaction.atomic
def answer_precheck(
    precheck: PreCheck, remarks: Iterable[Mapping[str, str]] = (), *, actor: User | None, at: datetime
) -> PreCheck:
    """Answer with remarks, each {"field": …, "sentence": …} as a defect, or with none: nothing was found.

    Raises FieldErrors at a field, NotAllowed, RuleBroken for a member of the agency, WrongState when it is answered.
    """
    row = PreCheck.objects.select_for_update(of=("self",)).get(pk=precheck.pk)
    if row.answered_at is not None:
        raise WrongState("answer_precheck", "answered")
    if not acts_as(actor, Organisation.Kind.OFFICE):
        raise NotAllowed(verb="answer_precheck")
    conditions.checker_is_independent.demand(row, actor=actor)
    agency = Agency.objects.get(pk=row.agency_id)
    given = list(remarks)
    row.remarks = named_defects(agency, given, once=False) if given else []
    row.answered_at, row.answered_by = at, actor
    row.save(update_fields=["remarks", "answered_at", "answered_by"])
    event = journal.note(
        agency,
        entry_journal.PRECHECK_ANSWERED,
        {"precheck": row.pk, "remarks": len(row.remarks)},
        actor=actor,
        at=at,
        private={"remarks": row.remarks},
    )
    journal.tell_members(agency, event, entry_journal.NOTE_PRECHECK_ANSWERED, {"count": len(row.remarks)}, at=at)
    return row
