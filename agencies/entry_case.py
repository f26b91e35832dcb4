"""What the agency's pages of its entry say: where it stands, what can be done now, and why not what cannot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace.casefile import deadline_clock
from marketplace.clock import local_date
from marketplace.errors import DomainError
from marketplace.models import Upload, User
from marketplace.parameters import parameter
from marketplace.rules_page import value_text
from marketplace.templatetags.ui import date_text, datetime_text
from marketplace.workflow import why_not

from . import casefile, rules, wizard
from .actions.commitment import commitment_facts
from .actions.precheck import why_not_precheck
from .checklist import checklist
from .models import Agency
from .rules import Gap
from .states import EDITABLE, LEFT, SUPPLYING, AgencyState

CLOCKS = ("entry.form_check", "entry.publicity", "entry.documents_supply", "entry.documents", "entry.precheck")


def overview(agency: Agency, user: User, at: datetime) -> dict[str, Any]:
    """The context of the overview, the hub of the entry."""
    on = local_date(at)
    supplying = agency.state in SUPPLYING
    editable = agency.state in EDITABLE
    papers = checklist(agency, on)
    gaps = rules.entry_gaps(agency, on=on) if supplying else []
    faulty = [entry["field"] for entry in agency.returned_defects]
    return {
        "chip": casefile.state_chip(agency),
        "editable": editable,
        "supplying": supplying,
        "situation": situation(agency),
        "resume": wizard.resume(gaps, items=papers["counts"]["items"]) if editable else None,
        "tasks": wizard.tasks(gaps, faulty, papers["counts"]) if editable else [],
        "supply_tasks": _supply_tasks(gaps) if agency.state == AgencyState.COMMITTED else [],
        "rows": [] if editable else casefile.basic_rows(agency, full=True),
        "gaps": wizard.gap_rows(gaps, supplying=not editable),
        "defects": wizard.fault_rows(agency, agency.returned_defects),
        "precheck": precheck(agency, at) if editable else None,
        "acts": _acts(agency, user, at, gaps),
        "clock": casefile.running_clock(agency, at),
        "list": papers,
        "timeline": casefile.timeline(agency, at),
        "public_url": reverse("agency_detail", args=[agency.code]) if agency.publicity_from else "",
        "ways_on": wizard.ways_on(agency),
    }


def _acts(agency: Agency, user: User, at: datetime, gaps: Sequence[Gap]) -> list[dict[str, Any]]:
    if agency.state == AgencyState.COMMITTED:
        refusal = why_not(agency, "supply_documents", actor=user, at=at, gaps=gaps)
        return [act(_("Supply the documents"), "agency_supply", refusal, primary=True)]
    if agency.state in (AgencyState.REFUSED, *LEFT):
        refusal = why_not(agency, "begin_again", actor=user, at=at)
        shown = act(_("Begin a new entry"), "agency_begin_again", refusal, primary=True)
        return [_with_end_of_ban(shown, agency, at)]
    return []


def _with_end_of_ban(shown: dict[str, Any], agency: Agency, at: datetime) -> dict[str, Any]:
    if shown.get("refused") and agency.reentry_from and at < agency.reentry_from:
        day = date_text(local_date(agency.reentry_from))
        shown["refused"] = _("{refusal} It may begin again on {day}.").format(refusal=shown["refused"], day=day)
    return shown


def act(label: str, url_name: str, refusal: DomainError | None, *, primary: bool = False) -> dict[str, Any]:
    """An entry of components/acts.html: the button, or why it is refused."""
    if refusal is not None:
        return {"label": label, "refused": casefile.refusal_text(refusal), "rule": getattr(refusal, "basis", "")}
    return {"label": label, "url": reverse(url_name), "post": True, "primary": primary}


def situation(agency: Agency) -> dict[str, str] | None:
    """Where the case stands in plain words, for components/band.html; None while it is being prepared."""
    state = agency.state
    if state == AgencyState.SUBMITTED:
        words = _(
            "The office checks the form of the entry. You are told the result; nothing is to be done meanwhile."
        )
        return {"kind": "info", "text": words}
    if state == AgencyState.PUBLICITY:
        words = _("The form check is passed. After the publicity the agency becomes active by itself.")
        return {"kind": "info", "text": words}
    if state == AgencyState.COMMITTED:
        return {
            "kind": "warn",
            "title": _("You are active on your commitment; the documents are due"),
            "text": _(
                "You may sign up now. Supply the certificates, documents and people's papers before the clock ends, or"
                " the entry falls back to the form check."
            ),
        }
    if state == AgencyState.VERIFYING:
        words = _("You are active on your commitment. The office checks the documents you supplied.")
        return {"kind": "info", "text": words}
    if state == AgencyState.REFUSED:
        return {"kind": "bad", "title": _("The entry was refused"), "text": agency.refusal_reason}
    if state == AgencyState.SUSPENDED and agency.suspended_until:
        until = datetime_text(agency.suspended_until, end_of_day=True)
        return {"kind": "bad", "title": _("Suspended until {day}").format(day=until), "text": ""}
    if state in LEFT:
        title = (
            _("The agency has withdrawn from the marketplace")
            if state == AgencyState.WITHDRAWN
            else _("The agency was removed from the marketplace")
        )
        return {"kind": "info" if state == AgencyState.WITHDRAWN else "bad", "title": title} | {
            "text": agency.left_reason
        }
    return None


def _supply_tasks(gaps: Sequence[Gap]) -> list[dict[str, Any]]:
    """The pages that are open while the documents are due."""
    found = wizard.by_step(gaps)
    pages = (
        (_("General documents"), "agency_documents", "file-text", found["data"]),
        (_("Certificates"), "agency_qualifications", "award", found["services"]),
        (_("Authorised agents"), "agency_agents", "user-check", found["agents"]),
        (_("Practitioners"), "agency_practitioners", "users", found["practitioners"]),
    )
    return [
        {"title": title, "url": reverse(page), "icon": icon, "status": "doing" if lacking else "done"}
        for title, page, icon, lacking in pages
    ]


# ---------- step 5 ----------


def submission(agency: Agency, user: User, at: datetime) -> dict[str, Any]:
    """The context of the last step: the letter, the papers, both ways in, the pre-check."""
    on = local_date(at)
    full = rules.entry_gaps(agency, on=on)
    facts = commitment_facts(agency, at)
    check = why_not(agency, "submit_entry", actor=user, at=at, gaps=full)
    commit = why_not(agency, "enter_on_commitment", actor=user, at=at, **facts)
    return {
        "ways": [
            {
                "name": "check_first",
                "acts": [
                    _with_end_of_ban(
                        act(_("Submit for the form check"), "agency_submit", check, primary=True), agency, at
                    )
                ],
                "gaps": wizard.gap_rows(full),
            },
            {
                "name": "commitment",
                "acts": [_with_end_of_ban(act(_("Enter on commitment"), "agency_commit", commit), agency, at)],
                "gaps": wizard.gap_rows(facts["gaps"]),
            },
        ],
        "periods": periods(agency.rules_on or on),
        "list": checklist(agency, on),
        "list_links": True,
        "precheck": precheck(agency, at),
        "precheck_open": why_not_precheck(agency, user) is None,
    }


def publicity_clock(agency: Agency, at: datetime) -> dict[str, Any] | None:
    """The clock of the publicity, which runs beside the documents' when the agency entered on commitment."""
    if agency.publicity_until is None or at >= agency.publicity_until:
        return None
    return deadline_clock(_("End of the publicity"), agency.publicity_until, agency.publicity_derivation or {}, at=at)


def periods(on: date) -> dict[str, str]:
    """The lengths of the clocks of entry in words, {name without "entry.": text}."""
    return {code.removeprefix("entry."): period(code, on) for code in CLOCKS}


def period(code: str, on: date) -> str:
    """The length of one clock in words: "2 working days"."""
    return value_text(parameter(code, on))


def precheck(agency: Agency, at: datetime) -> dict[str, Any] | None:
    """The last pre-check: {"question", "asked_at", "answered_at", "remarks", "clock"}, or None."""
    last = agency.prechecks.first()
    if last is None:
        return None
    clock = None
    if last.answered_at is None:
        clock = deadline_clock(_("Answer to the pre-check"), last.due, last.derivation, at=at)
    return {
        "question": last.question,
        "asked_at": last.asked_at,
        "answered_at": last.answered_at,
        "remarks": wizard.fault_rows(agency, last.remarks),
        "clock": clock,
    }


def documents_of(agency: Agency) -> dict[str, Upload]:
    """The general documents, {kind: file}. One query."""
    return {one.kind: one.file for one in agency.documents.select_related("file")}
