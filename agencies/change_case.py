"""A change as the context of the components: what is registered, what was and will be, clocks, papers, defects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketplace.casefile import deadline_clock
from marketplace.models import Upload
from marketplace.templatetags.ui import date_text

from . import casefile
from .changes import kinds
from .models import Agency, AgencyDocument, AgencyItem, AuthorisedAgent, Change, Practitioner, Qualification
from .states import OPEN_CHANGES, ChangeState

Kind = Change.Kind
CHIPS = {
    ChangeState.DRAFT: "neutral",
    ChangeState.SUBMITTED: "info",
    ChangeState.RETURNED: "warn",
    ChangeState.APPROVED: "ok",
    ChangeState.REFUSED: "bad",
    ChangeState.WITHDRAWN: "neutral",
}


def title_of(kind: str) -> str:
    """The kind of a change as a title."""
    return str(capfirst(str(Kind(kind).label)))


def chip(change: Change) -> dict[str, str]:
    return {"kind": CHIPS[ChangeState(change.state)], "text": change.get_state_display()}


def clock_of(change: Change, at: datetime) -> dict[str, Any] | None:
    """The clock of the check while it runs."""
    if change.state != ChangeState.SUBMITTED or change.check_due is None or change.check_derivation is None:
        return None
    return deadline_clock(_("Check of the change"), change.check_due, change.check_derivation, at=at)


def comparison(change: Change) -> dict[str, Any]:
    """The context of components/table.html: what it is about, before, after."""
    nothing = "–"
    return {
        "caption": _("Before and after"),
        "columns": [
            {"label": _("Entry")},
            {"label": pgettext("of a change", "Before")},
            {"label": pgettext("of a change", "After")},
        ],
        "rows": [
            [row["label"], row["old"] or nothing, row["new"] or nothing]
            for row in kinds.rows_in_words(change.kind, change.difference)
        ],
    }


def paper_rows(change: Change, papers: dict[str, Upload]) -> list[dict[str, Any]]:
    """[{"field", "label", **casefile.scan_row}] in the order of the form."""
    order = kinds.SPECS[Kind(change.kind)].files
    return [
        {"field": name, "label": kinds.label(change.kind, name), **casefile.scan_row(papers[name])}
        for name in order
        if name in papers
    ]


def defect_rows(change: Change) -> list[dict[str, str]]:
    return [
        {"label": str(kinds.label(change.kind, entry["field"])), "sentence": entry["sentence"]}
        for entry in change.returned_defects
    ]


def row(change: Change) -> dict[str, Any]:
    """One change in a list of the agency; its clock with the days counted stands on its own page."""
    return {
        "pk": change.pk,
        "title": title_of(change.kind),
        "about": about(change),
        "chip": chip(change),
        "url": reverse("change_case", args=[change.pk]),
        "begun": change.begun_at,
        "decided": change.decided_at if change.state not in OPEN_CHANGES else None,
        "due": change.check_due if change.state == ChangeState.SUBMITTED else None,
        "defects": len(change.returned_defects) if change.state == ChangeState.RETURNED else 0,
        "table": comparison(change),
        "reason": change.refusal_reason,
    }


def about(change: Change) -> str:
    """The certificate or person a change is about, for those who may read all of it; empty for the data."""
    known = {entry["field"]: entry["new"] or entry["old"] for entry in change.difference} | {
        name: value for name, value in change.values.items() if value
    }
    if name := known.get("full_name"):
        return str(name)
    if kinds.SPECS[Kind(change.kind)].about is not Qualification:
        return ""
    return " ".join(str(known[name]) for name in ("name", "number") if known.get(name))


# ---------- what is registered ----------


def data_rows(agency: Agency, *, links: bool) -> list[dict[str, Any]]:
    """Rows of components/summary_list.html; what was checked, each with the way to change it."""
    ways = {"name": Kind.NAME, "legal_representative": Kind.LEGAL_REPRESENTATIVE, "address": Kind.ADDRESS}
    rows: list[dict[str, Any]] = [
        {"field": "name", "label": kinds.LABELS["name"], "value": agency.name},
        {
            "field": "legal_representative",
            "label": kinds.LABELS["legal_representative"],
            "value": agency.legal_representative,
        },
        {"field": "address", "label": kinds.LABELS["address"], "value": agency.address},
        {"field": "origin", "label": kinds.LABELS["origin"], "value": agency.get_origin_display()},
    ]
    for entry in rows:
        way = ways.get(entry["field"], Kind.ADDRESS)
        entry["change_url"] = reverse("change_new", args=[way]) if links else ""
    return rows


def contact_rows(agency: Agency, *, links: bool) -> list[dict[str, Any]]:
    url = reverse("change_contact") if links else ""
    return [
        {"label": agency._meta.get_field(name).verbose_name, "value": getattr(agency, name), "change_url": url}  # type: ignore[union-attr]
        for name in ("contact_name", "contact_phone", "contact_email", "introduction")
    ]


def document_rows(documents: Iterable[AgencyDocument]) -> list[dict[str, Any]]:
    return [{"label": entry.get_kind_display(), **casefile.scan_row(entry.file)} for entry in documents]


def certificate_rows(papers: Iterable[Qualification], on: date, busy: dict[int, str]) -> list[dict[str, Any]]:
    """`casefile.paper_row` with the ways to change it, or the open change of it."""
    return [
        casefile.paper_row(paper, on, scans=True)
        | {
            "open_url": busy.get(paper.pk, ""),
            "renew_url": reverse("change_new_of", args=[Kind.QUALIFICATION_UPDATE, paper.pk]),
            "remove_url": reverse("change_new_of", args=[Kind.QUALIFICATION_REMOVE, paper.pk]),
        }
        for paper in papers
    ]


def person_rows(
    people: Iterable[Practitioner | AuthorisedAgent], kind: Change.Kind, busy: dict[int, str]
) -> list[dict[str, Any]]:
    """[{"name", "hint", "details", "chip", "open_url", "remove_url"}]; `kind` is the change by which they leave."""
    return [
        {
            "name": person.full_name,
            "hint": person.id_hint,
            "details": _person_details(person),
            "chip": {"kind": "ok", "text": pgettext("person", "checked")}
            if person.checked
            else {"kind": "neutral", "text": pgettext("person", "not checked yet")},
            "open_url": busy.get(person.pk, ""),
            "remove_url": reverse("change_new_of", args=[kind, person.pk]),
        }
        for person in people
    ]


def _person_details(person: Practitioner | AuthorisedAgent) -> list[str]:
    if isinstance(person, Practitioner):
        found = [f"{person.certificate_name} {person.certificate_number}"]
    else:
        found = [person.phone]
    if person.valid_until:
        found.append(_("valid until {day}").format(day=date_text(person.valid_until)))
    return found


def busy(changes: Iterable[Change]) -> dict[Any, dict[int, str]]:
    """Open changes by the model they are about: {model: {pk: URL of the change}}."""
    found: dict[Any, dict[int, str]] = {Qualification: {}, Practitioner: {}, AuthorisedAgent: {}}
    for change in changes:
        spec = kinds.SPECS[Kind(change.kind)]
        if spec.about is not None and change.target is not None and change.state in OPEN_CHANGES:
            found[spec.about][change.target] = reverse("change_case", args=[change.pk])
    return found


def item_names(items: Iterable[AgencyItem]) -> list[str]:
    return [f"{entry.item_id} {entry.item}" for entry in items]
