"""An agency's case as the context of the components: chips, rows, clocks, requirements, tasks, history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketplace.casefile import deadline_clock, history
from marketplace.errors import DomainError
from marketplace.models import Requirement, Upload
from marketplace.templatetags.ui import date_text

from . import queries, rules
from .models import Agency, AgencyItem, Qualification
from .rules import Gap
from .states import AgencyState

CHIPS = {
    AgencyState.DRAFT: "neutral",
    AgencyState.SUBMITTED: "info",
    AgencyState.RETURNED: "warn",
    AgencyState.PUBLICITY: "info",
    AgencyState.ACTIVE: "ok",
    AgencyState.REFUSED: "bad",
    AgencyState.COMMITTED: "ok",
    AgencyState.VERIFYING: "ok",
    AgencyState.SUSPENDED: "bad",
    AgencyState.WITHDRAWN: "neutral",
    AgencyState.REMOVED: "bad",
}
# Where the agency mends what a reviewer has found.
PAGES = {"items": "agency_items", "commitment": "agency_commitment"}


def state_chip(agency: Agency) -> dict[str, str]:
    return {"kind": CHIPS[AgencyState(agency.state)], "text": agency.get_state_display()}


def basic_rows(agency: Agency, *, full: bool) -> list[dict[str, Any]]:
    """Rows of components/summary_list.html; the contact only where `full`, it is personal."""
    rows = [
        {"field": "name", "value": agency.name},
        {"field": "code", "value": agency.code},
        {"field": "origin", "value": agency.get_origin_display()},
        {"field": "legal_representative", "value": agency.legal_representative},
        {"field": "address", "value": agency.address},
        {"field": "established_on", "value": date_text(agency.established_on) if agency.established_on else ""},
    ]
    if full:
        rows += [
            {"field": field, "value": getattr(agency, field)}
            for field in ("contact_name", "contact_phone", "contact_email")
        ]
    if agency.introduction or full:
        rows.append({"field": "introduction", "value": agency.introduction})
    labels = {"code": _("Unified social credit code"), **rules.DEFECT_FIELDS}
    return [row | {"label": labels[row["field"]]} for row in rows]


# ---------- clocks ----------


def running_clock(agency: Agency, at: datetime) -> dict[str, Any] | None:
    """The clock that runs in the present state, or None."""
    if agency.state == AgencyState.SUBMITTED and agency.form_check_due and agency.form_check_derivation:
        return deadline_clock(
            _("Form check by the office"), agency.form_check_due, agency.form_check_derivation, at=at
        )
    if agency.state == AgencyState.PUBLICITY and agency.publicity_until and agency.publicity_derivation:
        return deadline_clock(_("End of the publicity"), agency.publicity_until, agency.publicity_derivation, at=at)
    return None


# ---------- papers ----------


def paper_row(paper: Qualification, on: date, *, scans: bool) -> dict[str, Any]:
    """A certificate as a row; its scan only where the reader may open it."""
    if paper.valid_until is not None and paper.valid_until < on:
        chip = {"kind": "bad", "text": _("expired")}
    elif on < paper.valid_from:
        chip = {"kind": "neutral", "text": _("not yet valid")}
    elif paper.checked:
        chip = {"kind": "ok", "text": pgettext("certificate", "checked")}
    else:
        chip = {"kind": "neutral", "text": _("not checked yet")}
    return {
        "pk": paper.pk,
        "field": f"qualification:{paper.pk}",
        "title": " ".join(part for part in (paper.name, paper.level) if part),
        "kind": paper.get_kind_display(),
        "number": paper.number,
        "scope": paper.field_text,
        "people": paper.practitioners_count,
        "valid_from": paper.valid_from,
        "valid_until": paper.valid_until,
        "chip": chip,
        "scan": scan_row(paper.certificate) if scans and paper.certificate else None,
        "meets": [str(use.agency_item.item) for use in paper.uses.all() if use.agency_item.is_active],
    }


def scan_row(upload: Upload) -> dict[str, Any]:
    return {
        "name": upload.name,
        "url": reverse("download", args=[upload.pk]),
        "size": upload.size,
        "is_picture": upload.content_type.startswith("image/"),
    }


def item_rows(entries: Iterable[AgencyItem], on: date) -> list[dict[str, Any]]:
    """Each offered item with its requirement groups: {"item", "code", "groups": [{"text", "met", "note", "pk"}]}.

    `met`: a certificate valid on the day, with its scan, stands against the group; the office's check comes on top.
    """
    rows = []
    for entry in entries:
        uses: dict[int, list[Qualification]] = {}
        for use in entry.uses.all():
            uses.setdefault(use.requirement_id, []).append(use.qualification)
        asked: dict[int, list[Requirement]] = {}
        for one in entry.item.requirements.all():
            asked.setdefault(one.group, []).append(one)
        groups = [_group_row(group, uses, on) for group in asked.values()]
        rows.append(
            {
                "item": str(entry.item),
                "code": entry.item_id,
                "groups": groups,
                "met": all(group["met"] or not group["mandatory"] for group in groups),
            }
        )
    return rows


def _group_row(group: Sequence[Requirement], uses: dict[int, list[Qualification]], on: date) -> dict[str, Any]:
    papers = [paper for one in group for paper in uses.get(one.pk, [])]
    promised = any(one.kind == Requirement.Kind.COMMITMENT for one in group)
    good = [paper for paper in papers if paper.certificate_id and paper.holds_on(on)]
    if promised:
        note = _("met by the letter of commitment")
    elif good:
        note = "; ".join(queries.describe(paper) for paper in good)
    elif papers:
        note = "; ".join(f"{queries.describe(paper)} – {_lack(paper, on)}" for paper in papers)
    else:
        note = _("no certificate entered")
    return {
        "text": pgettext("between alternatives", " or ").join(one.text for one in group),
        "kind": group[0].get_kind_display(),
        "mandatory": any(one.is_mandatory for one in group),
        "met": promised or bool(good),
        "note": note,
        "pk": group[0].pk,
        "promised": promised,
    }


def _lack(paper: Qualification, on: date) -> str:
    if not paper.certificate_id:
        return _("the scan is missing")
    return _("not yet valid") if on < paper.valid_from else _("expired")


# ---------- the agency's own page ----------


def tasks(agency: Agency, gaps: Sequence[Gap], *, items: int, papers: int) -> list[dict[str, Any]]:
    """The four papers of an entry for components/task_list.html: what is done, what is missing."""
    lacking = {gap.field for gap in gaps}
    faulty = {entry["field"] for entry in agency.returned_defects}
    certificates = [gap for gap in gaps if gap.field.startswith("requirement:")]
    data_gaps = len(lacking & set(rules.REQUIRED_DATA))

    def status(*, missing: bool, begun: bool, fields: Iterable[str]) -> str:
        if faulty.intersection(fields):
            return "problem"
        if not missing:
            return "done"
        return "doing" if begun else "todo"

    data_fields = [field for field in rules.DEFECT_FIELDS if field not in {"items", "commitment", "other"}]
    return [
        {
            "title": _("Basic data"),
            "icon": "building-2",
            "url": reverse("agency_data"),
            "hint": ngettext("{count} entry is missing", "{count} entries are missing", data_gaps).format(
                count=data_gaps
            )
            if data_gaps
            else "",
            "status": status(missing=bool(data_gaps), begun=data_gaps < len(rules.REQUIRED_DATA), fields=data_fields),
        },
        {
            "title": _("Service items"),
            "icon": "list-checks",
            "url": reverse("agency_items"),
            "hint": ngettext("{count} item chosen", "{count} items chosen", items).format(count=items)
            if items
            else "",
            "status": status(missing="items" in lacking, begun=False, fields=["items"]),
        },
        {
            "title": _("Certificates"),
            "icon": "award",
            "hint": ngettext(
                "{count} requirement is still open", "{count} requirements are still open", len(certificates)
            ).format(count=len(certificates))
            if certificates
            else "",
            **_certificate_status(agency, items, papers, bool(certificates), faulty),
        },
        {
            "title": _("Letter of commitment"),
            "icon": "signature",
            "url": reverse("agency_commitment"),
            "status": status(missing="commitment" in lacking, begun=False, fields=["commitment"]),
        },
    ]


def _certificate_status(agency: Agency, items: int, papers: int, missing: bool, faulty: set[str]) -> dict[str, str]:
    if not items:
        return {"status": "blocked", "reason": _("Choose your service items first.")}
    url = reverse("agency_qualifications")
    if any(rules.QUALIFICATION_DEFECT.fullmatch(field) for field in faulty):
        return {"url": url, "status": "problem"}
    if not missing:
        return {"url": url, "status": "done"}
    return {"url": url, "status": "doing" if papers else "todo"}


def defect_rows(agency: Agency) -> list[dict[str, str]]:
    """The defects of the last return, each with the page where it is mended."""
    names = {f"qualification:{paper.pk}": paper for paper in agency.qualifications.all()}
    rows = []
    for entry in agency.returned_defects:
        field = entry["field"]
        if paper := names.get(field):
            label, url = str(paper), reverse("qualification_change", args=[paper.pk])
        else:
            label = str(rules.DEFECT_FIELDS.get(field, _("A certificate that was removed since")))
            url = (
                ""
                if field == "other" or field not in rules.DEFECT_FIELDS
                else reverse(PAGES.get(field, "agency_data"))
            )
        rows.append({"label": label, "sentence": entry["sentence"], "url": url})
    return rows


def refusal_text(refusal: DomainError) -> str:
    """Sentence and remedy of a refusal in one line, for components/acts.html."""
    return " ".join(str(part) for part in (refusal.sentence, refusal.remedy) if part)


# ---------- history ----------


def timeline(agency: Agency, at: datetime) -> list[dict[str, Any]]:
    """The context of components/timeline.html, newest first: what comes next, then the events of the agency's log."""
    coming = []
    if agency.state == AgencyState.PUBLICITY and agency.publicity_until and agency.publicity_until > at:
        coming = [
            {
                "at": agency.publicity_until,
                "act": _("The publicity ends; the agency becomes active"),
                "tense": "future",
            }
        ]
    return [*coming, *reversed(history(agency))]
