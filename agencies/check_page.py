"""What a reviewer sees of an entry: every paper with its scan, beside it a line for its defect, the hints, and after a
supplement what has changed. Contexts only; the pages are in `check_views`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace import casework, clock
from marketplace.models import Event, User
from marketplace.templatetags.ui import date_text
from marketplace.workflow import why_not

from . import casefile, hints, queries, rules
from .forms import DefectsForm
from .models import Agency, AgencyDocument, AuthorisedAgent, Practitioner, Qualification
from .states import AgencyState

NOTICES = ("agency.returned", "agency.returned_from_publicity", "agency.documents_returned")
# Where the layout has a place of its own; what else can be named stands at the end.
PLACED = ("items", "agents", "practitioners", "commitment")
FORM_CHECK = ("approve_entry", "return_entry", "refuse_entry")
DOCUMENTS_CHECK = ("confirm_documents", "return_documents")


@dataclass
class Papers:
    """Everything of an agency that a check looks at, read once: six queries, whatever its number."""

    agency: Agency
    documents: dict[str, AgencyDocument] = field(default_factory=dict)
    certificates: list[Qualification] = field(default_factory=list)
    agents: list[AuthorisedAgent] = field(default_factory=list)
    practitioners: list[Practitioner] = field(default_factory=list)

    @classmethod
    def of(cls, agency: Agency) -> Papers:
        agents = agency.agents.filter(left_on__isnull=True).select_related("id_scan", "insurance", "authority")
        people = agency.practitioners.filter(left_on__isnull=True)
        return cls(
            agency,
            {one.kind: one for one in agency.documents.select_related("file")},
            queries.papers_of(agency),
            list(agents),
            list(people.select_related("id_scan", "insurance", "certificate")),
        )

    def lines(self) -> list[tuple[str, Any]]:
        """What can be named as a defect: [(field, label)]."""
        return [
            *rules.DEFECT_FIELDS.items(),
            *((f"qualification:{paper.pk}", str(paper)) for paper in self.certificates),
            *((f"agent:{agent.pk}", agent.full_name) for agent in self.agents),
            *((f"practitioner:{one.pk}", one.full_name) for one in self.practitioners),
        ]


@dataclass
class Marks:
    """What stands beside each field: its line, its hints, and how it relates to the last notice."""

    form: DefectsForm | None
    hints: Mapping[str, list[hints.Hint]]
    changed: frozenset[str] = frozenset()
    settled: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    # How the lines are called where they are no defects.
    word: str = ""

    def of(self, name: str) -> dict[str, Any]:
        settled = name in self.settled
        line = self.form.line(name) if self.form and name in self.form.names else None
        mark = {
            "line": None if line is None or (settled and not line.errors) else line,
            "hints": self.hints.get(name, []),
            "changed": name in self.changed,
            "named": name in self.named,
        }
        return mark | {"any": any(mark.values()), "word": self.word}


def marks(agency: Agency, form: DefectsForm | None, at: datetime, *, restricted: bool, word: str = "") -> Marks:
    """`restricted`: a further notice names only what the last one named or what has changed since."""
    found = hints.by_field(hints.hints_for(agency, clock.local_date(at)))
    before = agency.returned_facts
    if not restricted or rules.NAMED not in before:
        return Marks(form, found, word=word)
    now = rules.fingerprints(agency)
    return Marks(
        form,
        found,
        changed=frozenset(name for name, seen in now.items() if before.get(name) != seen),
        settled=frozenset(rules.settled_fields(agency)),
        named=frozenset(before[rules.NAMED].split()),
    )


# ---------- the sections ----------


def sections(papers: Papers, beside: Marks, at: datetime) -> dict[str, Any]:
    """The papers as the context of agencies/_papers.html."""
    agency, today = papers.agency, clock.local_date(at)
    basic = [row | {"mark": beside.of(row["field"])} for row in _basic(agency)]
    documents = [_document(papers, kind, str(label)) for kind, label in AgencyDocument.Kind.choices]
    placed = {row["field"] for row in (*basic, *documents)} | set(PLACED)
    return {
        "basic": basic,
        "documents": [row | {"mark": beside.of(row["field"])} for row in documents],
        "items": casefile.item_rows(queries.offered_items(agency), today),
        "papers": [
            row | {"mark": beside.of(row["field"])}
            for row in (casefile.paper_row(paper, today, scans=True) for paper in papers.certificates)
        ],
        "agents": [_agent(agent, beside) for agent in papers.agents],
        "practitioners": [_practitioner(one, beside) for one in papers.practitioners],
        "places": {name: beside.of(name) for name in PLACED},
        "others": [
            {"label": label, "mark": beside.of(name)}
            for name, label in rules.DEFECT_FIELDS.items()
            if name not in placed
        ],
        "removed": _removed(agency, papers) if beside.named else [],
        "signed_at": agency.commitment_signed_at,
    }


def _basic(agency: Agency) -> list[dict[str, Any]]:
    rows = casefile.basic_rows(agency, full=True)
    known = {row["field"] for row in rows}
    number = f"{agency.get_legal_id_kind_display()} · {_('number entered, kept sealed')}"
    more = {
        "legal_id_number": number if agency.legal_id_digest else "",
        "represented_by": agency.get_represented_by_display(),
    }
    extra = [
        {"field": name, "label": rules.DEFECT_FIELDS[name], "value": value}
        for name, value in more.items()
        if name not in known and name in rules.DEFECT_FIELDS
    ]
    return [*rows, *extra]


def _document(papers: Papers, kind: str, label: str) -> dict[str, Any]:
    held = papers.documents.get(kind)
    return {"field": f"document:{kind}", "label": label, "scan": casefile.scan_row(held.file) if held else None}


def _scans(*pairs: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"label": label, "scan": casefile.scan_row(file) if file else None} for label, file in pairs]


def _identity(person: AuthorisedAgent | Practitioner) -> dict[str, Any]:
    hint = _("ending in {hint}").format(hint=person.id_hint) if person.id_hint else ""
    return {
        "label": _("Identity document"),
        "value": " · ".join(part for part in (person.get_id_kind_display(), hint) if part),
    }


def _agent(agent: AuthorisedAgent, beside: Marks) -> dict[str, Any]:
    return {
        "title": agent.full_name,
        "rows": [
            _identity(agent),
            {"label": _("Phone"), "value": agent.phone},
            {"label": _("E-mail"), "value": agent.email},
            {"label": _("Authority valid until"), "value": date_text(agent.valid_until) if agent.valid_until else ""},
        ],
        "scans": _scans(
            (_("Identity document"), agent.id_scan),
            (_("Letter of authority"), agent.authority),
            (_("Proof of social insurance"), agent.insurance),
        ),
        "mark": beside.of(f"agent:{agent.pk}"),
    }


def _practitioner(one: Practitioner, beside: Marks) -> dict[str, Any]:
    return {
        "title": one.full_name,
        "rows": [
            _identity(one),
            {"label": _("Professional certificate"), "value": one.certificate_name},
            {"label": _("Certificate number"), "value": one.certificate_number},
            {"label": _("Valid until"), "value": date_text(one.valid_until) if one.valid_until else _("without end")},
        ],
        "scans": _scans(
            (_("Identity document"), one.id_scan),
            (_("Professional certificate"), one.certificate),
            (_("Proof of social insurance"), one.insurance),
        ),
        "mark": beside.of(f"practitioner:{one.pk}"),
    }


def _removed(agency: Agency, papers: Papers) -> list[str]:
    """What the last notice saw and is gone now, counted by kind: its name left with it."""
    present = {name for name, _label in papers.lines()}
    gone = [name.partition(":")[0] for name in agency.returned_facts if ":" in name and name not in present]
    counts = {kind: gone.count(kind) for kind in ("qualification", "agent", "practitioner")}
    words = (
        ngettext("{count} certificate", "{count} certificates", counts["qualification"]),
        ngettext("{count} authorised agent", "{count} authorised agents", counts["agent"]),
        ngettext("{count} practitioner", "{count} practitioners", counts["practitioner"]),
    )
    return [said.format(count=count) for said, count in zip(words, counts.values(), strict=True) if count]


# ---------- the whole page ----------


def previous_notices(agency: Agency, labels: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The notices given so far, newest first: {"at", "defects": [{"label", "sentence"}]}. One query."""
    known = dict(labels)
    found = Event.objects.filter(stream__name=agency.stream_name(), type__in=NOTICES).order_by("-seq")
    return [
        {
            "at": event.at,
            "defects": [
                {
                    "label": known.get(entry["field"], _("A paper or person that was removed since")),
                    "sentence": entry["sentence"],
                }
                for entry in (event.private or {}).get("fields", {}).get("defects", [])
            ],
        }
        for event in found
    ]


def verdicts(agency: Agency, user: User, at: datetime) -> dict[str, dict[str, str] | None]:
    """Each verdict of the present check, and why it is refused, or None: {verb: {"text", "rule"} | None}."""
    commitment = agency.state in (AgencyState.COMMITTED, AgencyState.VERIFYING)
    refusals = {
        name: why_not(agency, name, actor=user, at=at) for name in (DOCUMENTS_CHECK if commitment else FORM_CHECK)
    }
    return {
        name: {"text": casefile.refusal_text(reason), "rule": getattr(reason, "basis", "")} if reason else None
        for name, reason in refusals.items()
    }


def context(
    agency: Agency, papers: Papers, beside: Marks, *, user: User, at: datetime, case: str, url: str, is_open: bool
) -> dict[str, Any]:
    """What all check pages of an agency share."""
    return {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "clock": casefile.running_clock(agency, at),
        "open": beside.form is not None,
        "notices": previous_notices(agency, papers.lines()),
        "restricted": beside.form is not None and bool(beside.settled),
        "standing": casework.standing(case, agency.stream_name(), user, url=url, is_open=is_open),
        "timeline": casefile.timeline(agency, at),
        "public_url": reverse("agency_detail", args=[agency.code]),
        **sections(papers, beside, at),
    }
