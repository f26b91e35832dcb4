"""An agency's case as the context of the components: chips, rows, clocks, requirements, tasks, history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketplace import identity, vault
from marketplace.casefile import deadline_clock, history
from marketplace.errors import DomainError
from marketplace.models import Requirement, Upload
from marketplace.templatetags.ui import date_text

from . import queries, rules
from .models import Agency, AgencyItem, Qualification
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


def state_chip(agency: Agency) -> dict[str, str]:
    return {"kind": CHIPS[AgencyState(agency.state)], "text": agency.get_state_display()}


def basic_rows(agency: Agency, *, full: bool) -> list[dict[str, Any]]:
    """Rows of components/summary_list.html; the contact only where `full`, it is personal."""
    rows = [
        {"field": "name", "value": agency.name},
        {"field": "code", "value": agency.code},
        {"field": "origin", "value": agency.get_origin_display()},
        {"field": "legal_representative", "value": agency.legal_representative},
        *([{"field": "legal_id_number", "value": legal_id_text(agency)}] if full else []),
        {"field": "address", "value": agency.address},
        {"field": "established_on", "value": date_text(agency.established_on) if agency.established_on else ""},
    ]
    if full:
        rows += [
            {"field": field, "value": getattr(agency, field)}
            for field in ("contact_name", "contact_phone", "contact_email")
        ]
        rows.append({"field": "represented_by", "value": agency.get_represented_by_display()})
    if agency.introduction or full:
        rows.append({"field": "introduction", "value": agency.introduction})
    labels = {"code": _("Unified social credit code"), **rules.DEFECT_FIELDS}
    return [row | {"label": labels[row["field"]]} for row in rows]


def legal_id_text(agency: Agency) -> str:
    """Kind and last characters of the legal representative's document; the number itself is shown to nobody."""
    if not agency.legal_id_digest:
        return ""
    try:
        _kind, number = identity.unseal(bytes(agency.legal_id_sealed))
    except vault.Damaged:
        return _("{kind}, sealed under a key that is not there any more").format(
            kind=agency.get_legal_id_kind_display()
        )
    return _("{kind}, ending in {hint}").format(kind=agency.get_legal_id_kind_display(), hint=number[-4:])


# ---------- clocks ----------


def running_clock(agency: Agency, at: datetime) -> dict[str, Any] | None:
    """The clock that runs in the present state, or None."""
    if agency.state == AgencyState.SUBMITTED and agency.form_check_due and agency.form_check_derivation:
        return deadline_clock(
            _("Form check by the office"), agency.form_check_due, agency.form_check_derivation, at=at
        )
    if agency.state == AgencyState.PUBLICITY and agency.publicity_until and agency.publicity_derivation:
        return deadline_clock(_("End of the publicity"), agency.publicity_until, agency.publicity_derivation, at=at)
    derivation = agency.documents_derivation or {}
    if agency.state == AgencyState.COMMITTED and agency.documents_supply_due:
        supply = derivation.get("supply", {})
        return deadline_clock(_("Supply of the documents"), agency.documents_supply_due, supply, at=at)
    if agency.state == AgencyState.VERIFYING and agency.documents_due:
        return deadline_clock(_("Check of the documents by the office"), agency.documents_due, derivation, at=at)
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
