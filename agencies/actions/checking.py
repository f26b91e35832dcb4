"""What every check of an entry shares: the defects of a notice, and what it means that papers and people are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.db.models import Case, F, When
from django.utils.translation import gettext_lazy as _

from marketplace.errors import FieldErrors, RuleBroken

from .. import rules
from ..models import BASIS, Agency


def by_field(gaps: Iterable[rules.Gap]) -> rules.Errors:
    """Gaps as the fields of FieldErrors."""
    fields: rules.Errors = {}
    for gap in gaps:
        fields.setdefault(gap.field, []).append(gap.sentence)
    return fields


def named_defects(agency: Agency, defects: Iterable[Mapping[str, str]], *, once: bool = True) -> list[dict[str, str]]:
    """The defects of a notice, each {"field": …, "sentence": …} (see rules.DEFECT_FIELDS).

    Raises FieldErrors when there is none, a sentence is empty, a field unknown, or, with `once`, when the last notice
    did not name the field and it has not changed since.
    """
    named = [{"field": entry["field"], "sentence": entry["sentence"].strip()} for entry in defects]
    errors: rules.Errors = {}
    if not named:
        errors["defects"] = [_("Name at least one defect; the agency is told all of them at once.")]
    settled = rules.settled_fields(agency) if once else set()
    for entry in named:
        if not rules.known_defect_field(agency, entry["field"]):
            errors.setdefault(entry["field"], []).append(_("The case has no such entry."))
        elif not entry["sentence"]:
            errors.setdefault(entry["field"], []).append(_("Say what is wrong."))
        elif entry["field"] in settled:
            errors.setdefault(entry["field"], []).append(
                _(
                    "This was not named in the last notice and has not changed since; all defects had to be told at once."
                )
            )
    if errors:
        raise FieldErrors(errors)
    return named


def mark_checked(agency: Agency) -> None:
    """Everything that was in the check counts as checked from now on, and nothing rests on a commitment any more.

    Raises RuleBroken when a practitioner was meanwhile checked at another agency; then nothing has changed.
    """
    people = rules.listed_practitioners(agency)
    if taken := [one.full_name for one in people if one.elsewhere]:
        raise serves_another(", ".join(taken))
    with_scan = Case(When(certificate__isnull=False, then=True), default=F("checked"))
    agency.qualifications.update(committed=False, checked=with_scan)
    agency.documents.update(checked=True)
    agency.agents.filter(left_on__isnull=True).update(checked=True)
    if people:
        try:
            with transaction.atomic():
                agency.practitioners.filter(left_on__isnull=True).update(checked=True)
        except IntegrityError as clash:
            # Two agencies approved at once: the database lets one of them have the person.
            raise serves_another("") from clash


def serves_another(names: str) -> RuleBroken:
    sentence = (
        _("{people} was meanwhile registered by another agency; one practitioner serves one agency.").format(
            people=names
        )
        if names
        else _("A practitioner was meanwhile registered by another agency; one practitioner serves one agency.")
    )
    return RuleBroken(
        "practitioner_serves_one_agency",
        sentence,
        basis=BASIS,
        remedy=_("Return the entry, or end the other registration first."),
    )
