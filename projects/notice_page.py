"""One notice with everything that followed from it, and the transcript of its draw."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import condition, require_safe

from marketplace import accounts, clock, events
from marketplace.casefile import deadline_clock
from marketplace.deadlines import calendar
from marketplace.parameters import parameter
from marketplace.permissions import access

from . import draw, exclusions, listing, notices, queries
from .models import SelectionTask, SignUp, standing
from .states import PUBLIC, TaskState


def _task_or_404(request: HttpRequest, code: str) -> SelectionTask:
    found = queries.visible_to(accounts.current_user(request)).select_related(
        "item__authority", "award_notice__winner__organisation", "result"
    )
    return get_object_or_404(found, code=code)


@access("public")
@require_safe
def notice_detail(request: HttpRequest, code: str) -> HttpResponse:
    """GET /notices/<code>/; 404 for a task that is neither public nor the reader's business."""
    at, user = clock.now(), accounts.current_user(request)
    task = _task_or_404(request, code)
    public = task.state in PUBLIC
    award = getattr(task, "award_notice", None)
    names = _names(task) if task.closing else {}
    context = {
        "task": task,
        "public": public,
        "notice": notices.notice_body(task),
        "chip": notices.state_chip(task),
        "breadcrumb": [
            {"label": pgettext("navigation", "Home"), "url": reverse("home")},
            {"label": pgettext("navigation", "Notices"), "url": reverse("notice_list")},
            {"label": task.code},
        ],
        "clocks": _clocks(task, at) if public else [],
        "box": notices.signup_box(task, user, at) if public else None,
        "session": _session(task) if task.session is not None else None,
        "roster": [{"code": who, "name": names.get(who, who)} for who in task.closing.get("roster", ())],
        "ranking": _ranking(task, names),
        "award": award,
        "waitlist": [{"code": who, "name": names.get(who, who)} for who in (award.waitlist if award else ())],
        "excluded": [_exclusion(one) for one in queries.exclusions_of(task)],
        "service": notices.service_facts(task),
        "timeline": notices.timeline(task, at),
        "transcript_url": reverse("transcript", args=[task.code]) if hasattr(task, "result") else "",
    }
    return render(request, "projects/portal/notice_detail.html", context)


def _names(task: SelectionTask) -> dict[str, str]:
    """The names behind the codes of the closed list."""
    rows = task.sign_ups.filter(standing())
    return dict(rows.values_list("agency__organisation__code", "agency__organisation__name"))


def _exclusion(one: SignUp) -> dict[str, Any]:
    organisation = one.agency.organisation
    return {"code": organisation.code, "name": organisation.name, "reasons": exclusions.shown(one.exclusion)}


def _session(task: SelectionTask) -> dict[str, Any]:
    """The session box on a notice: the notice itself is the heading, so the box is about the broadcast only."""
    session = task.session
    assert session is not None
    return {
        "sid": session.sid,
        "state": session.state,
        "words": session.get_state_display(),
        "act": listing.act_of(session),
        "at": session.open_at,
        "url": reverse("live_page", args=[session.sid]),
        "attempt": session.attempt,
    }


def _ranking(task: SelectionTask, names: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of components/stage/tickets.html; every ticket is computed again from the seed."""
    if not hasattr(task, "result"):
        return []
    entry = task.result.entry
    seed, rows = bytes.fromhex(entry["seed"]), []
    for rank, who in enumerate(entry["ranking"], 1):
        place = rank - task.winners
        outcome = "winner" if place <= 0 else "waitlist" if place <= task.reserves else ""
        rows.append(
            {
                "rank": rank,
                "name": names.get(who, who),
                "ticket": draw.ticket(seed, entry["draw_id"], who).hex(),
                "outcome": outcome,
                "place": place,
            }
        )
    return rows


def _clocks(task: SelectionTask, at: datetime) -> list[dict[str, Any]]:
    """The deadlines of the case, the one that runs first."""
    clocks = [_signup_clock(task, at)]
    award = getattr(task, "award_notice", None)
    if award is not None:
        clocks.insert(
            0,
            deadline_clock(
                _("End of the publicity period"),
                award.publicity_until,
                award.derivation,
                at=at,
                met=award.confirmed_at is not None,
            ),
        )
    return clocks


def _signup_clock(task: SelectionTask, at: datetime) -> dict[str, Any]:
    """The sign-up deadline with the days from publication to it; the office chose it, the rule sets its minimum."""
    assert task.published_at is not None
    rule = parameter("signup.window_min", task.rules_on)
    derivation: dict[str, Any] = {"start": task.published_at.isoformat(), "basis": rule.basis}
    if rule.unit == "workdays":
        days = calendar()
        first = clock.local_date(task.published_at)
        last = clock.local_date(task.signup_deadline - timedelta(microseconds=1))
        derivation["period"] = days.period(first, max(0, days.workdays_between(first, last))).as_data()
    label = _("Sign-up deadline, extended once") if task.extensions else _("Sign-up deadline")
    over = at > task.signup_deadline or task.state != TaskState.PUBLISHED
    shown = deadline_clock(label, task.signup_deadline, derivation, at=at, met=over)
    if not shown.get("remaining_workdays"):
        shown.pop("remaining_workdays", None)
    return shown


# ---------- transcript ----------


def _drawn_or_404(request: HttpRequest, code: str) -> SelectionTask:
    task = _task_or_404(request, code)
    if task.state not in PUBLIC or not hasattr(task, "result"):
        raise Http404
    return task


def _etag(request: HttpRequest, code: str) -> str | None:
    """The heads of the two streams decide every byte of the file."""
    task = _drawn_or_404(request, code)
    assert task.session is not None
    heads = "".join(events.head(stream)[1] for stream in (task.session.stream_name(), task.stream_name()))
    return f'"{hashlib.sha256(heads.encode()).hexdigest()[:32]}"'


@access("public")
@require_safe
@condition(etag_func=_etag)
def transcript(request: HttpRequest, code: str) -> HttpResponse:
    """GET /notices/<code>/transcript.json: the evidence of the draw, for verify.py; 404 before the result.

    The draw's part never changes; later events of the project (the confirmation) are added at its end.
    """
    task = _drawn_or_404(request, code)
    text = json.dumps(queries.transcript(task), ensure_ascii=False, separators=(",", ":"))
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{task.draw_id}.json"'
    response["Cache-Control"] = "public, max-age=60"
    return response
