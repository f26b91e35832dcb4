"""The documents every entry needs: business licence, identity document of the legal representative."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace import uploads
from marketplace.errors import FieldErrors, Text
from marketplace.models import Upload, User

from .. import entry_journal, journal
from ..models import Agency, AgencyDocument
from .entry import open_for_change


def put_document(
    agency: Agency, kind: str, file: UploadedFile | Upload, *, actor: User | None, at: datetime
) -> AgencyDocument:
    """Enter or replace a document (AgencyDocument.Kind). Raises FieldErrors for the field named as the kind."""
    return put_documents(agency, {kind: file}, actor=actor, at=at)[0]


@transaction.atomic
def put_documents(
    agency: Agency, files: Mapping[str, UploadedFile | Upload], *, actor: User | None, at: datetime
) -> list[AgencyDocument]:
    """Enter or replace several documents in one event, {kind: new file or one the agency gave before}."""
    row = open_for_change(agency, actor, supplying=True)
    errors: dict[str, list[Text]] = {}
    for kind, file in files.items():
        if kind not in AgencyDocument.Kind.values:
            errors[kind] = [_("The case has no such entry.")]
        elif isinstance(file, Upload):
            if file.organisation_id != row.pk:
                errors[kind] = [_("This file belongs to somebody else.")]
        else:
            try:
                uploads.check(file, kind)
            except FieldErrors as refusal:
                errors |= refusal.fields
    if errors:
        raise FieldErrors(errors)
    kept = {
        kind: file
        if isinstance(file, Upload)
        else uploads.store(file, organisation=row.organisation, actor=actor, at=at, field=kind)
        for kind, file in files.items()
    }
    row.documents.filter(kind__in=kept).delete()
    papers = AgencyDocument.objects.bulk_create(
        AgencyDocument(agency=row, kind=kind, file=upload) for kind, upload in sorted(kept.items())
    )
    if papers:
        journal.note(
            row,
            entry_journal.DOCUMENTS_SUPPLIED,
            {"count": len(papers), "kinds": [paper.kind for paper in papers]},
            actor=actor,
            at=at,
            private={"sha256": [paper.file.sha256 for paper in papers]},
        )
    return papers
