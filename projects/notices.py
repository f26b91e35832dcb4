"""What a page shows of a task: the notice exactly as the public reads it, its clocks, its history, the sign-up box.

Everything is made here, so that the templates ask the database nothing and each page shows the same words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from agencies.models import Agency
from agencies.queries import explain
from agencies.reckoning import standing_of
from agencies.rules import mandatory_groups
from marketplace import clock
from marketplace.casefile import days_left, deadline_clock, history, light
from marketplace.deadlines import Deadline
from marketplace.errors import DomainError, RuleBroken
from marketplace.models import User
from marketplace.templatetags.ui import datetime_text, money
from marketplace.workflow import Rule

from . import actions, exclusions, queries, rules
from .models import SelectionTask, SignUp
from .states import Quality, SessionState, TaskState

STATE_CHIPS = {
    TaskState.DRAFT: "neutral",
    TaskState.SUBMITTED: "info",
    TaskState.RETURNED: "warn",
    TaskState.CHECKED: "info",
    TaskState.PUBLISHED: "ok",
    TaskState.CLOSED: "info",
    TaskState.AWARDED: "info",
    TaskState.CONFIRMED: "ok",
    TaskState.FAILED: "neutral",
}


def state_chip(task: SelectionTask) -> dict[str, str]:
    """The chip of a task's state: {"kind", "text"}. A task whose pot is open is live."""
    if task.state == TaskState.CLOSED and task.session is not None and task.session.state != SessionState.PLANNED:
        return {"kind": "live", "text": pgettext("task", "selection running")}
    return {"kind": STATE_CHIPS[task.state], "text": task.get_state_display()}


def moment(at: datetime) -> str:
    """A deadline in words; midnight is 24:00 of the day before, and the seconds of a short demo period are told."""
    words = datetime_text(at, end_of_day=True)
    local = at.astimezone(clock.SHANGHAI)
    return words.replace(f"{local:%H:%M}", f"{local:%H:%M:%S}") if local.second else words


# ---------- the notice ----------


def document_of(task: SelectionTask) -> dict[str, Any]:
    """The published notice, or what it would be if it were published with the owner's wishes."""
    return task.notice or actions.notice_document(
        task, signup_deadline=task.signup_deadline, selection_at=task.selection_at
    )


def notice_body(task: SelectionTask) -> dict[str, Any]:
    """The context of `projects/notice_body.html`: sections of rows, agencies kept away, attachments.

    At most four queries, whatever the number of rows.
    """
    document = document_of(task)
    files = {upload.sha256: upload for upload in task.attachments.all()}
    return {
        "sections": [
            {"title": _("Project"), "rows": _project_rows(document)},
            {"title": _("Service"), "rows": _service_rows(document, task)},
            {"title": _("Money"), "rows": _money_rows(document)},
            {"title": _("Selection"), "rows": _selection_rows(document, task)},
            {"title": _("Contacts"), "rows": _contact_rows(document)},
        ],
        "avoid": document["avoid"],
        "attachments": [
            entry | {"url": reverse("download", args=[files[entry["sha256"]].pk]) if entry["sha256"] in files else ""}
            for entry in document["attachments"]
        ],
    }


def _row(label: str, value: object) -> dict[str, object]:
    return {"label": label, "value": value}


def _project_rows(document: dict[str, Any]) -> list[dict[str, object]]:
    rows = [
        _row(_("Project name"), document["name"]),
        _row(_("Task number"), document["code"]),
        _row(_("Project code"), document["project_code"]),
        _row(_("Project owner"), f"{document['owner']['name']} ({document['owner']['id']})"),
        _row(_("Service item"), f"{document['item']['name']} ({document['item']['code']})"),
    ]
    approval = document["investment_approval"]
    if approval["is"]:
        rows.append(_row(_("Investment-approval project"), f"{approval['name']} ({approval['code']})"))
    else:
        rows.append(_row(_("Investment-approval project"), _("no")))
    return [
        *rows,
        _row(_("Total investment"), money(document["investment_yuan"])),
        _row(pgettext("project", "Scale"), document["scale"]),
    ]


def _service_rows(document: dict[str, Any], task: SelectionTask) -> list[dict[str, object]]:
    between = pgettext("between alternatives", " or ")
    groups = mandatory_groups(task.item.requirements.order_by("group", "pk"))
    demanded = "\n".join(between.join(one.text for one in group) for group in groups.values())
    return [
        _row(_("Service content"), document["content"]),
        _row(_("Required by the service item"), demanded or pgettext("requirements", "None")),
        _row(_("Further requirements of the owner"), document["requirements"] or pgettext("requirements", "None")),
        _row(_("Service time limit"), document["service_time"]),
    ]


def _money_rows(document: dict[str, Any]) -> list[dict[str, object]]:
    funds, amount = document["funds"], document["amount"]
    price = money(amount["yuan"]) if amount["yuan"] else _("not estimated")
    sources = _("government funds {government} %, social funds {social} %").format(**funds)
    return [
        _row(_("Fund source"), sources),
        _row(pgettext("notice", "Price"), price),
        _row(_("How the price was found"), amount["note"]),
    ]


def _selection_rows(document: dict[str, Any], task: SelectionTask) -> list[dict[str, object]]:
    mode = document["mode"]
    closes, opens = clock.from_iso(document["signup_deadline"]), clock.from_iso(document["selection_at"])
    rows = [
        _row(_("Selection mode"), str(SelectionTask.Mode(mode["code"]).label)),
        _row(_("Reason for the mode"), mode["reason"]),
        _row(_("Rule of the selection"), _rule_text(mode)),
        _row(_("Sign-up deadline"), moment(closes)),
        _row(_("Selection time"), moment(opens)),
    ]
    if task.extensions:
        rows.append(_row(_("Sign-up deadline, extended once"), moment(task.signup_deadline)))
        rows.append(_row(_("Selection time after the extension"), moment(task.selection_at)))
    if task.session is not None and task.session.open_at > task.selection_at:
        rows.append(_row(_("The live session moved to"), moment(task.session.open_at)))
    return rows


def _rule_text(mode: dict[str, Any]) -> str:
    return ngettext(
        "One agency is drawn from all valid sign-ups; the next {count} place waits.",
        "One agency is drawn from all valid sign-ups; the next {count} places wait.",
        mode["reserves"],
    ).format(count=mode["reserves"])


def _contact_rows(document: dict[str, Any]) -> list[dict[str, object]]:
    contact = document["contact"]
    return [
        _row(pgettext("notice", "Contact"), f"{contact['name']} {contact['phone']}"),
        _row(_("Complaint line"), document["complaint_phone"]),
    ]


def service_facts(task: SelectionTask) -> dict[str, Any] | None:
    """The completed service for a page: {"finished_on", "grade", "quality"}; None before."""
    record = queries.service_of(task)
    if record is None:
        return None
    grade = Quality(record.quality).label if record.quality is not None else ""
    return {"finished_on": record.finished_on, "grade": grade, "quality": record.quality}


# ---------- clocks ----------


def plain_clock(label: str, due: datetime, *, start: datetime | None, at: datetime, rule: str = "") -> dict[str, Any]:
    """The context of `components/clock.html` for a moment without a count of days."""
    return {
        "label": label,
        "due": due,
        "now": at,
        "rule": rule,
        "state": light(start, due, at),
        "remaining_workdays": days_left(at, clock.local_date(due)),
        "counted": [],
    }


def earliest_clock(label: str, earliest: Deadline, at: datetime) -> dict[str, Any]:
    """The earliest lawful moment beside its field: a bound, not a period that runs."""
    return deadline_clock(label, earliest.due, earliest.derivation, at=at) | {"state": "green"}


def span_text(seconds: int) -> str:
    """A span in its largest whole unit: 3600 is one hour, 15 is 15 seconds."""
    if seconds % 3600 == 0 and seconds:
        return ngettext("{count} hour", "{count} hours", seconds // 3600).format(count=seconds // 3600)
    if seconds % 60 == 0 and seconds:
        return ngettext("{count} minute", "{count} minutes", seconds // 60).format(count=seconds // 60)
    return ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)


# ---------- history ----------


def timeline(task: SelectionTask, at: datetime) -> list[dict[str, Any]]:
    """The context of `components/timeline.html`, newest first: what comes next, then the events of the stream."""
    return [*_coming(task, at), *reversed(history(task))]


def _coming(task: SelectionTask, at: datetime) -> list[dict[str, Any]]:
    coming: list[tuple[datetime, str]] = []
    if task.state == TaskState.PUBLISHED:
        coming.append((task.signup_deadline, _("Sign-up closes; the list is published")))
    if task.state in (TaskState.PUBLISHED, TaskState.CLOSED):
        opens = task.session.open_at if task.session is not None else task.selection_at
        coming.append((opens, _("Live selection")))
    if task.state == TaskState.AWARDED:
        coming.append((task.award_notice.publicity_until, _("The publicity period ends; the award is confirmed")))
    return [
        {"at": when, "act": words, "tense": "future"} for when, words in sorted(coming, reverse=True) if when >= at
    ]


# ---------- refusals and the sign-up box ----------


def refusal_text(refusal: DomainError) -> str:
    """Sentence and remedy of a refusal in one line for `components/acts.html`."""
    return " ".join(str(part) for part in (refusal.sentence, refusal.remedy) if part)


def _refused_by(task: SelectionTask, *, at: datetime, **facts: Any) -> RuleBroken | None:
    """The first sign-up rule that does not hold now, or None."""
    conditions: list[Rule] = [rules.open_for_signup, rules.before_deadline]
    if "agency" in facts:
        conditions.append(rules.not_avoided)
    for condition in conditions:
        if not condition(task, at=at, **facts):
            return RuleBroken(condition.code, condition.sentence, basis=condition.basis, remedy=condition.remedy)
    return None


def signup_box(task: SelectionTask, user: User | None, at: datetime) -> dict[str, Any]:
    """The context of `projects/signup_box.html`, as the variable `box`.

    `kind` says what the reader is to the task: `stranger` (not logged in), `other` (no agency), `signed_up`,
    `excluded` (its sign-up did not count at the close), `fits`, `unfit` (a requirement is not met) or `refused` (a rule
    of the task stands against it).
    """
    box: dict[str, Any] = {
        "kind": "stranger" if user is None else "other",
        "open": _refused_by(task, at=at) is None,
        "signups": queries.signup_count(task),
        "task": task,
        "sign_up_url": reverse("sign_up", args=[task.code]),
        "withdraw_url": reverse("withdraw", args=[task.code]),
        "clock": plain_clock(_("Sign-up deadline"), task.signup_deadline, start=task.published_at, at=at),
    }
    agency = queries.agency_of(user)
    if agency is None:
        return box
    mine: SignUp | None = queries.my_sign_up(task, agency)
    box |= {"agency": agency, "mine": mine}
    if mine is not None:
        box["receipt_url"] = reverse("receipt", args=[mine.pk])
        if mine.excluded_at is not None:
            return box | {"kind": "excluded", "reasons": exclusions.shown(mine.exclusion)}
        # While the list is open: what would not count if it were closed today.
        lacking = [check for check in _checks(task, agency, at) if not check["met"]] if box["open"] else []
        return box | {"kind": "signed_up", "lacking": lacking}
    refusal = _refused_by(task, at=at, agency=agency)
    if refusal is not None:
        return box | {"kind": "refused", "refusal": refusal, "refusal_text": refusal_text(refusal)}
    checks = _checks(task, agency, at)
    return box | {"kind": "fits" if all(check["met"] for check in checks) else "unfit", "checks": checks}


def _checks(task: SelectionTask, agency: Agency, at: datetime) -> list[dict[str, Any]]:
    """Whether the agency may take part today, condition by condition."""
    today = clock.local_date(at)
    found = [*explain(agency, task.item, today), *queries.star_checks(task, standing_of(agency, today).stars)]
    return [{"met": check.ok, "text": check.text} for check in found]
