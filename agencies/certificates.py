"""The acts about certificates while the agency may still change its papers: enter, change, remove."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace import uploads
from marketplace.clock import local_date
from marketplace.errors import FieldErrors
from marketplace.models import Upload, User

from . import journal, rules
from .actions import open_for_change
from .models import Agency, AgencyItem, Qualification, QualificationUse

FIELDS = ("kind", "name", "number", "level", "field_text", "valid_from", "valid_until", "practitioners_count")


class Paper(TypedDict, total=False):
    """What an act says about one certificate.

    `values` has keys of FIELDS, `requirements` are the requirements (pk) it is to meet, `file` is its scan, or `kept`
    a scan the agency gave before.
    """

    values: Mapping[str, Any]
    requirements: Collection[int]
    file: UploadedFile | None
    kept: Upload | None


@dataclass
class _Case:
    """The agency's open entry, its offered items with their requirements, and the certificates it holds."""

    agency: Agency
    actor: User | None
    at: datetime

    def __post_init__(self) -> None:
        offered = AgencyItem.objects.filter(agency=self.agency, is_active=True).prefetch_related("item__requirements")
        self.asked = {one.pk: (entry, one) for entry in offered for one in entry.item.requirements.all()}
        rows = self.agency.qualifications.values_list("pk", "kind", "number")
        self.numbers = {(kind, number): pk for pk, kind, number in rows}

    def write(self, known: Qualification | None, given: Paper) -> Qualification:
        """Check and save one certificate with its uses and its event. Raises FieldErrors."""
        paper = known or Qualification(agency=self.agency)
        promised = self.promise(paper)
        for field, value in given.get("values", {}).items():
            if field in FIELDS:
                setattr(paper, field, value)
        file, kept, wanted = given.get("file"), given.get("kept"), sorted(set(given.get("requirements", ())))
        if errors := self.faults(paper, wanted, file, kept):
            raise FieldErrors(errors)
        if file is not None:
            paper.certificate = uploads.store(
                file, organisation=self.agency.organisation, actor=self.actor, at=self.at, field="certificate"
            )
        elif kept is not None:
            paper.certificate = kept
        paper.checked = False
        # What was promised is this paper as it was; only its scan may follow.
        paper.committed = paper.committed and promised == (*self.promise(paper)[:-1], tuple(wanted))
        # Reminded anew before the day it says now.
        paper.reminded_at_days = None
        paper.save()
        self.numbers[paper.kind, paper.number] = paper.pk
        if known:
            paper.uses.all().delete()
        meets = [self.asked[pk] for pk in wanted]
        QualificationUse.objects.bulk_create(
            QualificationUse(agency_item=entry, requirement=one, qualification=paper) for entry, one in meets
        )
        data = {
            "kind": str(paper.kind),
            "name": paper.name,
            "number": paper.number,
            "level": paper.level,
            "field": paper.field_text,
            "valid_from": paper.valid_from.isoformat(),
            "valid_until": paper.valid_until.isoformat() if paper.valid_until else None,
            "practitioners": paper.practitioners_count,
            "certificate_sha256": paper.certificate.sha256 if paper.certificate else None,
            "meets": sorted([one.item_id, one.group] for _entry, one in meets),
        }
        kind = journal.QUALIFICATION_UPDATED if known else journal.QUALIFICATION_ADDED
        journal.note(self.agency, kind, data, actor=self.actor, at=self.at)
        return paper

    @staticmethod
    def promise(paper: Qualification) -> tuple[Any, ...]:
        """What a commitment promised about a certificate: everything but its scan."""
        values = tuple(getattr(paper, field) for field in FIELDS)
        if not paper.committed:
            return (*values, ())
        used = paper.uses.filter(agency_item__is_active=True)
        return (*values, tuple(sorted(used.values_list("requirement", flat=True))))

    def faults(
        self, paper: Qualification, wanted: Sequence[int], file: UploadedFile | None, kept: Upload | None
    ) -> rules.Errors:
        errors = rules.check_qualification({field: getattr(paper, field) for field in FIELDS}, on=local_date(self.at))
        if self.numbers.get((paper.kind, paper.number), paper.pk) != paper.pk:
            errors.setdefault("number", []).append(_("This certificate is entered already."))
        if not set(wanted) <= self.asked.keys():
            errors["requirements"] = [_("Choose among the requirements of your own service items.")]
        else:
            found = (
                rules.cannot_meet(
                    self.asked[pk][1],
                    kind=paper.kind,
                    level=paper.level,
                    practitioners_count=paper.practitioners_count,
                )
                for pk in wanted
            )
            if unfit := list(dict.fromkeys(str(fault) for fault in found if fault)):
                errors["requirements"] = [*unfit]
        if kept is not None and kept.organisation_id != self.agency.pk:
            errors["certificate"] = [_("This file belongs to somebody else.")]
        if file is not None:
            try:
                uploads.check(file, "certificate")
            except FieldErrors as refusal:
                errors |= refusal.fields
        return errors


def faults(agency: Agency, paper: Qualification, requirements: Collection[int], *, at: datetime) -> rules.Errors:
    """What is wrong with a certificate, unsaved or changed in memory, that is to meet these requirements (pk)."""
    return _Case(agency, None, at).faults(paper, sorted(set(requirements)), None, None)


@transaction.atomic
def add_qualifications(
    agency: Agency, papers: Sequence[Paper], *, actor: User | None, at: datetime
) -> list[Qualification]:
    """Enter several certificates, each its own event; a refusal of one (FieldErrors) undoes all."""
    case = _Case(open_for_change(agency, actor, supplying=True), actor, at)
    return [case.write(None, paper) for paper in papers]


def add_qualification(agency: Agency, paper: Paper, *, actor: User | None, at: datetime) -> Qualification:
    """Enter a certificate. Raises FieldErrors; a file is refused for the field `certificate`."""
    return add_qualifications(agency, [paper], actor=actor, at=at)[0]


@transaction.atomic
def update_qualification(
    agency: Agency, qualification: Qualification, paper: Paper, *, actor: User | None, at: datetime
) -> Qualification:
    """Change a certificate and what it meets; without a new file its scan stays. Raises FieldErrors."""
    case = _Case(open_for_change(agency, actor, supplying=True), actor, at)
    known = case.agency.qualifications.select_related("certificate").get(pk=qualification.pk)
    return case.write(known, paper)


@transaction.atomic
def remove_qualification(agency: Agency, qualification: Qualification, *, actor: User | None, at: datetime) -> None:
    """Take a certificate out of the entry; the scan itself stays in the agency's keeping."""
    row = open_for_change(agency, actor, supplying=True)
    paper = row.qualifications.get(pk=qualification.pk)
    data = {"kind": str(paper.kind), "name": paper.name, "number": paper.number}
    paper.delete()
    journal.note(row, journal.QUALIFICATION_REMOVED, data, actor=actor, at=at)
