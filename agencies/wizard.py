"""The five steps of an entry: their order, their pages, what is open in each, and where one goes on.

Pure of requests: it reads gaps (`rules.entry_gaps`) and counts, and gives the contexts of components/stepper.html and
components/task_list.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from marketplace.errors import Text

from . import rules
from .models import Agency
from .rules import Gap
from .states import ENTERED, AgencyState


@dataclass(frozen=True)
class Step:
    """One step: `page` is the URL name that begins it."""

    name: str
    title: Text
    page: str
    icon: str


DATA = Step("data", gettext_lazy("Basic data and documents"), "agency_data", "building-2")
SERVICES = Step("services", gettext_lazy("Services and certificates"), "agency_items", "list-checks")
AGENTS = Step("agents", gettext_lazy("Who acts for the agency"), "agency_agents", "user-check")
PRACTITIONERS = Step("practitioners", gettext_lazy("Practitioners"), "agency_practitioners", "users")
SUBMISSION = Step("submission", gettext_lazy("Commitment and submission"), "agency_submission", "signature")
STEPS = (DATA, SERVICES, AGENTS, PRACTITIONERS, SUBMISSION)

NUMBERED = re.compile(r"(qualification|agent|practitioner):([0-9]+)")
CHANGE_PAGES = {
    "qualification": "qualification_change",
    "agent": "agent_change",
    "practitioner": "practitioner_change",
}


# ---------- order ----------


def where(step: Step) -> dict[str, Any]:
    """The context of components/stepper.html: {"step", "total", "title", "next_title"}."""
    place = STEPS.index(step)
    following = STEPS[place + 1 :][:1]
    return {
        "step": place + 1,
        "total": len(STEPS),
        "title": step.title,
        "next_title": following[0].title if following else "",
    }


def after(step: Step) -> str:
    """The address of the step that follows; after the last one the overview."""
    place = STEPS.index(step) + 1
    return reverse(STEPS[place].page if place < len(STEPS) else "agency_entry")


def step_of(field: str) -> Step:
    """The step in which a gap or a defect with this field is mended."""
    head = field.partition(":")[0]
    if head in {"items", "requirement", "qualification"}:
        return SERVICES
    if head in {"agent", "agents", "represented_by"}:
        return AGENTS
    if head in {"practitioner", "practitioners"}:
        return PRACTITIONERS
    return SUBMISSION if head in {"commitment", "other"} else DATA


def page_of(field: str, *, supplying: bool = False) -> str:
    """The address where this field is mended; `supplying`: while only certificates, documents and people are open."""
    if found := NUMBERED.fullmatch(field):
        return reverse(CHANGE_PAGES[found.group(1)], args=[int(found.group(2))])
    if field.startswith("requirement:"):
        return reverse("agency_qualifications")
    if field.startswith("document:") and supplying:
        return reverse("agency_documents")
    if field == "agents":
        return reverse("agent_add")
    if field == "practitioners":
        return reverse("practitioner_add")
    return reverse(step_of(field).page)


def gap_rows(gaps: Iterable[Gap], *, supplying: bool = False) -> list[dict[str, str]]:
    """[{"text", "url"}]: each gap with the page where it is closed."""
    return [{"text": str(gap.sentence), "url": page_of(gap.field, supplying=supplying)} for gap in gaps]


def by_step(gaps: Iterable[Gap]) -> dict[str, list[Gap]]:
    """The gaps of each step, by its name; every step has its list."""
    found: dict[str, list[Gap]] = {step.name: [] for step in STEPS}
    for gap in gaps:
        found[step_of(gap.field).name].append(gap)
    return found


def first_open(gaps: Iterable[Gap]) -> Step:
    """Where one goes on: the first step that lacks something, or the last one."""
    lacking = by_step(gaps)
    return next((step for step in STEPS if lacking[step.name]), SUBMISSION)


def resume(gaps: Sequence[Gap], *, items: int) -> dict[str, Any]:
    """{"url", "title", "step"} of the page where the entry goes on; certificates once services are chosen."""
    step = first_open(gaps)
    page = "agency_qualifications" if step is SERVICES and items else step.page
    return {"url": reverse(page), "title": step.title, "step": STEPS.index(step) + 1}


# ---------- the overview ----------


def tasks(gaps: Sequence[Gap], faulty: Collection[str], counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The five steps for components/task_list.html.

    `faulty`: the fields of the last return. `counts`: of checklist.checklist.
    """
    lacking = by_step(gaps)
    problems = {step_of(field).name for field in faulty}
    begun = {
        "data": len(lacking["data"]) < len(rules.REQUIRED_DATA),
        "services": counts["items"] > 0,
        "agents": counts["agents"] > 0,
        "practitioners": counts["practitioners"] > 0,
        "submission": not any(gap.field == "commitment" for gap in lacking["submission"]),
    }
    rows = []
    for place, step in enumerate(STEPS, 1):
        if step.name in problems:
            status = "problem"
        elif lacking[step.name] or step is SUBMISSION:
            status = "doing" if begun[step.name] else "todo"
        elif not begun[step.name] and any(lacking[earlier.name] for earlier in STEPS[: place - 1]):
            # Nothing is missing, but nobody has come so far: what is needed here follows from the steps before.
            status = "todo"
        else:
            status = "done"
        rows.append(
            {
                "title": _("{number}. {title}").format(number=place, title=step.title),
                "icon": step.icon,
                "url": reverse(step.page),
                "hint": _hint(step, lacking[step.name], counts),
                "status": status,
            }
        )
    return rows


def _hint(step: Step, lacking: Sequence[Gap], counts: Mapping[str, int]) -> str:
    said = []
    if step is SERVICES and counts["items"]:
        said.append(ngettext("{count} item chosen", "{count} items chosen", counts["items"]))
        said[-1] = said[-1].format(count=counts["items"])
    if step in {AGENTS, PRACTITIONERS} and counts[step.name]:
        said.append(ngettext("{count} person entered", "{count} people entered", counts[step.name]))
        said[-1] = said[-1].format(count=counts[step.name])
    if lacking:
        said.append(
            ngettext("{count} thing is missing", "{count} things are missing", len(lacking)).format(
                count=len(lacking)
            )
        )
    return " · ".join(said)


def fault_rows(agency: Agency, faults: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """[{"label", "sentence", "url"}]: defects of a return or remarks of a pre-check, each with the page where it is
    mended. At most three queries."""
    faults = list(faults)
    supplying = agency.state == AgencyState.COMMITTED
    heads = {found.group(1) for fault in faults if (found := NUMBERED.fullmatch(fault["field"]))}
    rows: dict[str, Iterable[Any]] = {
        "qualification": agency.qualifications.all(),
        "agent": agency.agents.filter(left_on__isnull=True),
        "practitioner": agency.practitioners.filter(left_on__isnull=True),
    }
    names = {f"{head}:{one.pk}": str(one) for head in sorted(heads) for one in rows[head]}
    shown = []
    for fault in faults:
        field = fault["field"]
        known = field in names or not NUMBERED.fullmatch(field)
        label = names.get(field) or rules.DEFECT_FIELDS.get(field) or _("Something that was removed since")
        url = page_of(field, supplying=supplying) if known and field != "other" else ""
        shown.append({"label": str(label), "sentence": fault["sentence"], "url": url})
    return shown


def ways_on(agency: Agency) -> list[dict[str, str]]:
    """[{"label", "url"}]: the other pages of an agency, those that its state opens."""
    entered = (
        ("agency_changes", _("Changes of what was checked")),
        ("agency_withdraw", _("Withdrawal from the marketplace")),
    )
    always = (
        ("agency_credit", _("Credit ledger")),
        ("organisation_members", _("Members and invitations")),
    )
    pages = (*entered, *always) if agency.state in ENTERED else always
    return [{"label": label, "url": reverse(name)} for name, label in pages]
