"""What an entered agency changes without a check: how to reach it, how it introduces itself, what it offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace import parameters
from marketplace.accounts import belongs_to
from marketplace.clock import local_date
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken
from marketplace.models import User
from marketplace.workflow import locked

from .. import conditions, rules
from .. import journal as entry_journal
from ..actions.entry import set_items
from ..models import BASIS, Agency
from ..states import ENTERED

CONTACT = ("contact_name", "contact_phone", "contact_email", "introduction")
NEEDED = ("contact_name", "contact_phone")


def why_not_at_once(agency: Agency, actor: User | None) -> DomainError | None:
    """Why the person may not change this now, or None."""
    if not belongs_to(actor, agency.pk):
        return NotAllowed(verb="change_at_once")
    if agency.state in ENTERED:
        return None
    rule = conditions.agency_is_entered
    return RuleBroken(
        rule.code, rule.sentence, basis=BASIS, remedy=_("Before the entry this is part of the entry's own pages.")
    )


def _open(agency: Agency, actor: User | None) -> Agency:
    row = locked(agency)
    if (refusal := why_not_at_once(row, actor)) is not None:
        raise refusal
    return row


@transaction.atomic
def update_contact(agency: Agency, values: Mapping[str, Any], *, actor: User | None, at: datetime) -> Agency:
    """Change the given entries of CONTACT at once; no difference, no event. Raises FieldErrors, RuleBroken."""
    row = _open(agency, actor)
    given = {name: str(value).strip() for name, value in values.items() if name in CONTACT}
    errors = rules.check_basic_data(given, on=local_date(at))
    for name in NEEDED:
        if given.get(name) == "":
            errors[name] = [_("This entry is needed.")]
    if errors:
        raise FieldErrors(errors)
    changed = {name: value for name, value in given.items() if getattr(row, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(row, name, value)
        row.save(update_fields=list(changed))
        private = {"values": changed}
        data = {"fields": sorted(changed)}
        entry_journal.note(row, entry_journal.DATA_UPDATED, data, actor=actor, at=at, private=private)
    return row


@transaction.atomic
def change_items(agency: Agency, codes: Collection[str], *, actor: User | None, at: datetime) -> Agency:
    """Make the list of offered services exactly these item codes, at once.

    An item that is put on may be used when its checked certificates meet its requirements, not before. Raises
    FieldErrors(items) for an empty list, an unknown item, or one that cannot be entered on commitment while the
    documents are not confirmed.
    """
    row = _open(agency, actor)
    errors: list[Any] = []
    if not codes:
        errors.append(_("An entered agency offers at least one service."))
    if row.on_commitment:
        listed = set(row.items.filter(is_active=True).values_list("item", flat=True))
        off = parameters.codes("entry.commitment_off_items", local_date(at))
        if barred := sorted((set(codes) - listed) & off):
            words = _("Cannot be offered on commitment, only after the documents are confirmed: {items}.")
            errors.append(words.format(items=", ".join(barred)))
    if errors:
        raise FieldErrors({"items": errors})
    return set_items(row, codes, actor=actor, at=at)
