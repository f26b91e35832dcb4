"""The papers an entry needs, drawn from the catalogue: what each chosen service asks for, what is there and until when,
what is missing; the general documents; the people. Seven queries, whatever the number of services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from marketplace.models import Requirement
from marketplace.templatetags.ui import day_text

from . import queries, rules, wizard
from .models import Agency, AgencyDocument, AgencyItem, AuthorisedAgent, Practitioner, Qualification

Kind = Requirement.Kind

THERE = "there"
MISSING = "missing"
EXPIRED = "expired"
VOLUNTARY = "voluntary"
CHIPS = {
    THERE: ("ok", pgettext_lazy("paper", "there")),
    MISSING: ("warn", pgettext_lazy("paper", "missing")),
    EXPIRED: ("bad", pgettext_lazy("paper", "expired")),
    VOLUNTARY: ("neutral", pgettext_lazy("paper", "voluntary")),
}


def _chip(state: str) -> dict[str, str]:
    kind, word = CHIPS[state]
    return {"kind": kind, "text": str(word)}


def checklist(agency: Agency, on: date, *, scans: bool = True) -> dict[str, Any]:
    """{"general": [line], "services": [section], "people": [section], "missing": how many lines lack something,
    "counts": how many items, agents and practitioners are entered, "people_needed": how many practitioners are}.

    A line is {"title", "kind", "options", "any_of", "state", "chip", "papers": [{"text", "note", "url"}], "url",
    "link"}; a section {"title", "code", "rule", "lines", "missing"}. Voluntary lines never count as missing.
    `scans` is False while the agency may enter on commitment: the scans come afterwards.
    """
    general = _general(agency)
    offered = queries.offered_items(agency)
    services = [_service(entry, on, scans=scans) for entry in offered]
    agents = [_agent(one, on) for one in _staff(agency.agents)]
    practitioners = [_practitioner(one, on) for one in _staff(agency.practitioners)]
    counts = {"items": len(services), "agents": len(agents), "practitioners": len(practitioners)}
    if not agents and agency.represented_by == Agency.RepresentedBy.AGENTS:
        agents.append(_nobody(_("At least one authorised agent"), "agent_add", _("Enter an agent")))
    needed = rules.people_needed(offered)
    if needed > len(practitioners):
        words = ngettext("At least {count} practitioner", "At least {count} practitioners", needed)
        practitioners.append(_nobody(words.format(count=needed), "practitioner_add", _("Enter a practitioner")))
    people = (
        _section(pgettext("checklist", "Authorised agents"), agents),
        _section(pgettext("checklist", "Practitioners"), practitioners),
    )
    sections = [one for one in people if one["lines"]]
    lines = [*general, *(line for part in (*services, *sections) for line in part["lines"])]
    return {
        "general": general,
        "services": services,
        "people": sections,
        "missing": sum(line["state"] in {MISSING, EXPIRED} for line in lines),
        "counts": counts,
        "people_needed": needed,
    }


def _section(title: str, lines: list[dict[str, Any]], *, code: str = "", rule: str = "") -> dict[str, Any]:
    missing = sum(line["state"] in {MISSING, EXPIRED} for line in lines)
    return {
        "title": title,
        "code": code,
        "rule": rule,
        "lines": lines,
        "missing": missing,
        "words": ngettext("{count} paper is missing", "{count} papers are missing", missing).format(count=missing)
        if missing
        else _("complete"),
        "chip": _chip(MISSING if missing else THERE)["kind"],
    }


def _line(title: str, state: str, *, url: str, link: str, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": "", "options": [], "any_of": False, "papers": []}
    return plain | {"title": title, "state": state, "chip": _chip(state), "url": url, "link": link} | more


# ---------- the general documents ----------


def _general(agency: Agency) -> list[dict[str, Any]]:
    held = {one.kind: one.file for one in agency.documents.select_related("file")}
    lines = []
    for kind in AgencyDocument.Kind.values:
        file = held.get(kind)
        papers = [{"text": file.name, "note": "", "url": reverse("download", args=[file.pk])}] if file else []
        lines.append(
            _line(
                str(rules.DEFECT_FIELDS[f"document:{kind}"]),
                THERE if file else MISSING,
                url=reverse("agency_documents"),
                link=_("Change") if file else _("Choose the file"),
                papers=papers,
            )
        )
    signed = agency.commitment_signed_at is not None
    lines.append(
        _line(
            _("Letter of commitment"),
            THERE if signed else MISSING,
            url=reverse("agency_commitment"),
            link=_("Read it") if signed else _("Read and sign it"),
        )
    )
    return lines


# ---------- services ----------


def _service(entry: AgencyItem, on: date, *, scans: bool) -> dict[str, Any]:
    uses: dict[int, list[Qualification]] = {}
    for use in entry.uses.all():
        uses.setdefault(use.requirement_id, []).append(use.qualification)
    groups: dict[int, list[Requirement]] = {}
    for one in entry.item.requirements.all():
        groups.setdefault(one.group, []).append(one)
    lines = [_group(group, uses, on, scans=scans) for group in groups.values()]
    asked = [line for line in lines if line["state"] != VOLUNTARY]
    if not lines:
        rule = _("This service asks for no certificate.")
    elif len(asked) > 1:
        rule = _("All of these are needed:")
    else:
        rule = ""
    return _section(str(entry.item), lines, code=entry.item_id, rule=rule)


def _group(
    group: Sequence[Requirement], uses: dict[int, list[Qualification]], on: date, *, scans: bool
) -> dict[str, Any]:
    """One group of requirements: any one of them is enough."""
    held = list(dict.fromkeys(paper for one in group for paper in uses.get(one.pk, [])))
    good = [paper for paper in held if paper.holds_on(on) and (paper.certificate_id or not scans)]
    promised = any(one.kind == Kind.COMMITMENT for one in group)
    kinds = list(dict.fromkeys(one.get_kind_display() for one in group))
    if promised or good:
        state = THERE
    elif not any(one.is_mandatory for one in group):
        state = VOLUNTARY
    else:
        state = EXPIRED if held and all(paper.valid_until and paper.valid_until < on for paper in held) else MISSING
    papers = [
        {
            "text": queries.describe(paper),
            "note": _lack(paper, on),
            "url": wizard.page_of(f"qualification:{paper.pk}"),
        }
        for paper in held
    ]
    if promised:
        url, link = reverse("agency_commitment"), _("met by the letter of commitment")
    elif good:
        url, link = "", ""
    elif held:
        url, link = papers[0]["url"], _("Mend the certificate")
    else:
        url, link = f"{reverse('qualification_add')}?requirement={group[0].pk}", _("Enter a certificate")
    return _line(
        group[0].text,
        state,
        url=url,
        link=link,
        kind=pgettext("between alternatives", " or ").join(kinds),
        options=[one.text for one in group],
        any_of=len(group) > 1,
        papers=papers,
    )


def _lack(paper: Qualification, on: date) -> str:
    if paper.valid_until is not None and paper.valid_until < on:
        return pgettext("paper", "expired")
    if on < paper.valid_from:
        return _("not yet valid")
    return "" if paper.certificate_id else _("the scan is missing")


# ---------- people ----------


def _nobody(title: str, page: str, link: str) -> dict[str, Any]:
    return _line(title, MISSING, url=reverse(page), link=link)


def _staff(people: Any) -> Iterable[Any]:
    return people.filter(left_on__isnull=True).select_related("id_scan", "insurance")


def _practitioner(one: Practitioner, on: date) -> dict[str, Any]:
    scans = {
        _("identity document"): one.id_scan_id,
        _("professional certificate"): one.certificate_id,
        _("social insurance"): one.insurance_id,
    }
    url = wizard.page_of(f"practitioner:{one.pk}")
    return _person(one, scans, on, url, f"{one.certificate_name} {one.certificate_number}")


def _agent(one: AuthorisedAgent, on: date) -> dict[str, Any]:
    scans = {
        _("identity document"): one.id_scan_id,
        _("letter of authority"): one.authority_id,
        _("social insurance"): one.insurance_id,
    }
    return _person(one, scans, on, wizard.page_of(f"agent:{one.pk}"), one.phone)


def _person(
    one: Practitioner | AuthorisedAgent, scans: dict[str, Any], on: date, url: str, kind: str
) -> dict[str, Any]:
    expired = one.valid_until is not None and one.valid_until < on
    lacking = [name for name, pk in scans.items() if pk is None]
    papers = [
        {"text": name, "note": "" if pk else pgettext("paper", "missing"), "url": ""} for name, pk in scans.items()
    ]
    if one.valid_until:
        until = _("valid until {end}").format(end=day_text(one.valid_until))
        papers.append({"text": until, "note": pgettext("paper", "expired") if expired else "", "url": ""})
    state = EXPIRED if expired else MISSING if lacking else THERE
    return _line(one.full_name, state, url=url, link=_("Change"), kind=kind, papers=papers)
