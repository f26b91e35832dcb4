"""A whole entry played at once, for demo worlds and tests: the real acts, with their moments in the past."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from marketplace import uploads
from marketplace.models import Requirement, User

from . import actions, certificates, rules
from .models import Agency
from .states import AgencyState

# From one act of the agency to the next, and from its submission to the office's check.
STEP = timedelta(minutes=20)
CHECK_AFTER = timedelta(hours=3)


def scan(title: str) -> bytes:
    """A one-page PDF that says what it stands for, the same bytes for the same title."""
    text = title.encode("ascii", "replace").replace(b"(", b"[").replace(b")", b"]").replace(b"\\", b"/")
    drawing = b"BT /F1 18 Tf 72 720 Td (" + text + b") Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        start,
    )
    return bytes(out)


def fitting(requirements: Sequence[Requirement], values: Mapping[str, Any]) -> list[int]:
    """The requirements (pk) that a certificate with these values meets by its kind, level and people."""
    return [
        one.pk
        for one in requirements
        if rules.cannot_meet(
            one,
            kind=values["kind"],
            level=values.get("level", ""),
            practitioners_count=values.get("practitioners_count", 0),
        )
        is None
    ]


@transaction.atomic
def enter_agency(
    *,
    member: User,
    organisation_fields: Mapping[str, str],
    agency_fields: Mapping[str, Any],
    items: Collection[str],
    qualifications: Sequence[Mapping[str, Any]],
    at: datetime,
    checker: User,
    until: AgencyState = AgencyState.ACTIVE,
) -> Agency:
    """Play an entry that began at `at`, from registration to the end of its publicity.

    `organisation_fields`: name, code. `agency_fields`: origin and the other basic data. `items`: item codes.
    `qualifications`: keys of certificates.FIELDS, and `requirements`, the pks each meets
    (see `fitting`). All share one scan. `member` becomes the manager and must belong to no agency; `checker` is of
    the office. `until` stops the entry earlier: draft, submitted or publicity. Nobody is notified. The same events
    are recorded as by hand; any refusal undoes all.
    """
    agency = actions.register_agency(
        **organisation_fields,
        origin=agency_fields["origin"],
        basic_data={key: value for key, value in agency_fields.items() if key != "origin"},
        actor=member,
        at=at,
    )
    now = at + STEP
    actions.choose_items(agency, items, actor=member, at=now)
    if qualifications:
        file = SimpleUploadedFile("certificates.pdf", scan(f"Certificates of {agency.code}"), "application/pdf")
        kept = uploads.store(file, organisation=agency.organisation, actor=member, at=now)
        now += STEP
        papers: list[certificates.Paper] = [
            {
                "values": {key: value for key, value in paper.items() if key != "requirements"},
                "requirements": paper["requirements"],
                "kept": kept,
            }
            for paper in qualifications
        ]
        certificates.add_qualifications(agency, papers, actor=member, at=now)
    agency = actions.sign_commitment(agency, actor=member, at=now + STEP)
    if until == AgencyState.DRAFT:
        return agency
    now += 2 * STEP
    agency = actions.submit_entry(agency, actor=member, at=now, quiet=True)
    if until == AgencyState.SUBMITTED:
        return agency
    agency = actions.approve_entry(agency, actor=checker, at=now + CHECK_AFTER, quiet=True)
    if until == AgencyState.PUBLICITY or agency.publicity_until is None:
        return agency
    return actions.end_publicity(agency, actor=None, at=agency.publicity_until, quiet=True)
