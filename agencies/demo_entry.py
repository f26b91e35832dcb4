"""A whole entry played at once, for demo worlds and tests: the real acts, with their moments in the past."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from stdnum.cn import ric

from marketplace import uploads
from marketplace.models import Requirement, Upload, User

from . import actions, certificates, rules
from .actions.people import Given
from .models import Agency, AgencyDocument, IdKind
from .states import AgencyState

# From one act of the agency to the next, and from its submission to the office's check.
STEP = timedelta(minutes=20)
CHECK_AFTER = timedelta(hours=3)
SURNAMES = "王李张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗"
GIVEN = ("伟", "海燕", "志强", "丽华", "文斌", "晓敏", "国庆", "玉兰", "俊杰", "思远", "雅琴", "建国", "春生")


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


def resident_id(seed: str, region: str = "360481") -> str:
    """A well-formed number of a resident identity card (GB 11643-1999) for an invented person, the same for the same
    seed; `region` has six digits (GB/T 2260)."""
    number = int(hashlib.sha256(seed.encode()).hexdigest()[:12], 16)
    born = date(1962, 1, 1) + timedelta(days=number % 13_000)
    stem = f"{region}{born:%Y%m%d}{number // 13_000 % 1000:03d}"
    # It leaves out the last character of what it is given.
    return stem + ric.calc_check_digit(f"{stem}0")


def practitioners_for(qualifications: Sequence[Mapping[str, Any]], code: str) -> list[dict[str, Any]]:
    """As many invented practitioners as the certificates say there are, with values for `actions.add_practitioners`."""
    named = [paper for paper in qualifications if paper["kind"] == Requirement.Kind.PRACTITIONERS]
    most = max((paper.get("practitioners_count", 0) for paper in named), default=0)
    return [
        {
            "full_name": f"{SURNAMES[place % len(SURNAMES)]}{GIVEN[(len(code) + place * 7) % len(GIVEN)]}",
            "id_kind": IdKind.RESIDENT,
            "id_number": resident_id(f"practitioner {place} of {code}"),
            "certificate_name": named[place % len(named)]["name"][:120],
            "certificate_number": f"{code[2:8]}-{place + 1:04d}",
            "valid_until": None,
        }
        for place in range(most)
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
    practitioners: Sequence[Mapping[str, Any]] | None = None,
    agents: Sequence[Mapping[str, Any]] = (),
    commitment: bool = False,
    scans: bool = True,
) -> Agency:
    """Play an entry that began at `at`, from registration to the end of its publicity.

    `organisation_fields`: name, code. `agency_fields`: origin and the other basic data; without `legal_id_number` one is
    invented. `items`: item codes. `qualifications`: keys of certificates.FIELDS, and `requirements`, the pks each meets
    (see `fitting`). `practitioners`, `agents`: values of `actions.add_practitioners` and `add_agents`; as many
    practitioners are invented as the certificates name, if none are given. All papers share one scan; without `scans`
    there is none, as on commitment before the documents follow.

    `member` becomes the manager and must belong to no agency; `checker` is of the office. `until` stops the entry
    earlier: draft, submitted or publicity. `commitment` plays an entry on commitment: `until` committed, verifying, or
    active once its documents are confirmed. Nobody is notified. The same events are recorded as by hand; any refusal
    undoes all.
    """
    code = organisation_fields["code"]
    basic = {key: value for key, value in agency_fields.items() if key != "origin"}
    if not basic.get("legal_id_number"):
        basic |= {"legal_id_kind": IdKind.RESIDENT, "legal_id_number": resident_id(f"legal representative of {code}")}
    if agents:
        basic["represented_by"] = Agency.RepresentedBy.AGENTS
    agency = actions.register_agency(
        **organisation_fields, origin=agency_fields["origin"], basic_data=basic, actor=member, at=at
    )
    now = at + STEP
    actions.choose_items(agency, items, actor=member, at=now)
    kept = None
    if scans:
        file = SimpleUploadedFile("papers.pdf", scan(f"Papers of {agency.code}"), "application/pdf")
        kept = uploads.store(file, organisation=agency.organisation, actor=member, at=now)
    now += STEP
    if kept is not None:
        actions.put_documents(agency, dict.fromkeys(AgencyDocument.Kind.values, kept), actor=member, at=now)
    if qualifications:
        papers: list[certificates.Paper] = [
            {
                "values": {key: value for key, value in paper.items() if key != "requirements"},
                "requirements": paper["requirements"],
                "kept": kept,
            }
            for paper in qualifications
        ]
        certificates.add_qualifications(agency, papers, actor=member, at=now)
    if practitioners is None:
        practitioners = practitioners_for(qualifications, code)
    if practitioners:
        actions.add_practitioners(agency, _given(practitioners, kept, "certificate"), actor=member, at=now)
    if agents:
        actions.add_agents(agency, _given(agents, kept, "authority"), actor=member, at=now)
    agency = actions.sign_commitment(agency, actor=member, at=now + STEP)
    if until == AgencyState.DRAFT:
        return agency
    now += 2 * STEP
    if commitment:
        return _on_commitment(agency, member, checker, now, until)
    agency = actions.submit_entry(agency, actor=member, at=now, quiet=True)
    if until == AgencyState.SUBMITTED:
        return agency
    agency = actions.approve_entry(agency, actor=checker, at=now + CHECK_AFTER, quiet=True)
    if until == AgencyState.PUBLICITY or agency.publicity_until is None:
        return agency
    return actions.end_publicity(agency, actor=None, at=agency.publicity_until, quiet=True)


def _on_commitment(agency: Agency, member: User, checker: User, at: datetime, until: AgencyState) -> Agency:
    """From the commitment on: the documents follow an hour later, their check the day after."""
    agency = actions.enter_on_commitment(agency, actor=member, at=at, quiet=True)
    if until == AgencyState.COMMITTED:
        return agency
    agency = actions.supply_documents(agency, actor=member, at=at + 3 * STEP, quiet=True)
    if until == AgencyState.VERIFYING:
        return agency
    return actions.confirm_documents(agency, actor=checker, at=at + timedelta(days=1), quiet=True)


def _given(people: Sequence[Mapping[str, Any]], kept: Upload | None, paper: str) -> list[Given]:
    files = dict.fromkeys(("id_scan", "insurance", paper), kept) if kept else {}
    return [{"values": values, "kept": files} for values in people]
