"""An owner's case as the context of the components: chips, rows, clocks, tasks, history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace.casefile import deadline_clock, history
from marketplace.models import Organisation, Upload

from . import owner_rules as rules
from .models import OwnerChange, OwnerEntry
from .owner_rules import Gap
from .states import OwnerChangeState, OwnerState

CHIPS = {
    OwnerState.DRAFT: "neutral",
    OwnerState.SUBMITTED: "info",
    OwnerState.RETURNED: "warn",
    OwnerState.ACTIVE: "ok",
    OwnerState.REFUSED: "bad",
    OwnerState.WITHDRAWN: "neutral",
}
CHANGE_CHIPS = {
    OwnerChangeState.SUBMITTED: "info",
    OwnerChangeState.APPROVED: "ok",
    OwnerChangeState.REFUSED: "bad",
    OwnerChangeState.WITHDRAWN: "neutral",
}


def state_chip(entry: OwnerEntry) -> dict[str, str]:
    return {"kind": CHIPS[OwnerState(entry.state)], "text": entry.get_state_display()}


def change_chip(change: OwnerChange) -> dict[str, str]:
    return {"kind": CHANGE_CHIPS[OwnerChangeState(change.state)], "text": change.get_state_display()}


def data_rows(entry: OwnerEntry) -> list[dict[str, Any]]:
    """Rows of components/summary_list.html: everything but the documents, each with its defect field."""
    organisation = entry.organisation
    rows = []
    for field, label in rules.labels(organisation.nature).items():
        if field == "other" or field in rules.FILES:
            continue
        value = organisation.get_nature_display() if field == "nature" else rules.value_of(entry, field)
        rows.append({"field": field, "label": label, "value": value})
    return [{"field": "", "label": code_label(organisation), "value": organisation.code}, *rows]


def code_label(organisation: Organisation) -> str:
    if organisation.nature == Organisation.Nature.PERSON:
        return _("Number on this platform")
    return _("Unified social credit code")


def file_rows(entry: OwnerEntry) -> list[dict[str, Any]]:
    """The documents: {"field", "label", "scan": {"name", "url"} or None}."""
    names = rules.labels(entry.organisation.nature)
    return [
        {"field": field, "label": names[field], "scan": scan_row(getattr(entry, column))}
        for field, column in rules.FILES.items()
        if field in names
    ]


def scan_row(upload: Upload | None) -> dict[str, Any] | None:
    if upload is None:
        return None
    return {
        "name": upload.name,
        "url": reverse("download", args=[upload.pk]),
        "is_picture": upload.content_type.startswith("image/"),
    }


def running_clock(entry: OwnerEntry, at: datetime) -> dict[str, Any] | None:
    if entry.state != OwnerState.SUBMITTED or not entry.check_due or not entry.check_derivation:
        return None
    return deadline_clock(_("Check by the office"), entry.check_due, entry.check_derivation, at=at)


def change_clock(change: OwnerChange, at: datetime) -> dict[str, Any] | None:
    if change.state != OwnerChangeState.SUBMITTED:
        return None
    return deadline_clock(_("Check of the change"), change.check_due, change.check_derivation, at=at)


def change_rows(change: OwnerChange) -> list[dict[str, Any]]:
    """Before and after, for readers: {"label", "old", "new"}."""
    names = rules.labels(change.owner.organisation.nature)
    return [
        {"label": names.get(one["field"], one["field"]), "old": one["old"], "new": one["new"]}
        for one in change.difference
    ]


def tasks(entry: OwnerEntry, gaps: Sequence[Gap]) -> list[dict[str, Any]]:
    """The two papers of an entry for components/task_list.html."""
    lacking = {gap.field for gap in gaps}
    faulty = {one["field"] for one in entry.returned_defects}
    needed = rules.needed(entry.organisation.nature)
    files = [field for field in rules.FILES if field in needed]
    data = [field for field in needed if field not in files]
    rows = (
        (_("Data and contact"), "building-2", reverse("owner_data"), data, faulty - set(rules.FILES) - {"other"}),
        (_("Documents"), "file-text", reverse("owner_files"), files, faulty & set(rules.FILES)),
    )
    return [
        {
            "title": title,
            "icon": icon,
            "url": url,
            "hint": _missing(lacking & set(fields)),
            "status": _status(lacking & set(fields), fields, problem=bool(wrong)),
        }
        for title, icon, url, fields, wrong in rows
    ]


def _missing(fields: set[str]) -> str:
    if not fields:
        return ""
    words = ngettext("{count} entry is missing", "{count} entries are missing", len(fields))
    return words.format(count=len(fields))


def _status(lacking: set[str], fields: Sequence[str], *, problem: bool) -> str:
    if problem:
        return "problem"
    if not lacking:
        return "done"
    return "doing" if len(lacking) < len(fields) else "todo"


def defect_rows(entry: OwnerEntry) -> list[dict[str, str]]:
    """The defects of the last return, each with the page where it is mended."""
    names = rules.labels(entry.organisation.nature)
    rows = []
    for one in entry.returned_defects:
        field = one["field"]
        url = "" if field == "other" else reverse("owner_files" if field in rules.FILES else "owner_data")
        rows.append({"label": str(names.get(field, field)), "sentence": one["sentence"], "url": url})
    return rows


def timeline(entry: OwnerEntry) -> list[dict[str, Any]]:
    """The context of components/timeline.html, newest first."""
    return list(reversed(history(entry)))


def changes_of(entry: OwnerEntry) -> list[dict[str, Any]]:
    """The changes of the owner that have ended, newest first, with what they change."""
    ended = entry.changes.exclude(state=OwnerChangeState.SUBMITTED)
    found: Iterable[OwnerChange] = ended.select_related("owner__organisation")
    return [
        {
            "at": change.submitted_at,
            "chip": change_chip(change),
            "reason": change.reason,
            "rows": change_rows(change),
        }
        for change in found
    ]
