"""The agency's pages: open tasks, sign-ups and their receipts, and its line in the pot."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from agencies.models import Agency
from agencies.queries import explain_many
from marketplace import clock
from marketplace.errors import DomainError, NotAllowed
from marketplace.paging import page_of
from marketplace.permissions import access

from . import actions, conductor, exclusions, queries
from .desk import crumbs, person
from .models import LiveSession, SelectionTask, SignUp
from .states import WITH_AWARD, TaskState


def _agency(request: HttpRequest) -> Agency:
    agency = queries.agency_of(person(request))
    if agency is None:
        raise NotAllowed("not_agency")
    return agency


@access("agency")
@require_safe
def open_tasks(request: HttpRequest) -> HttpResponse:
    """GET /desk/open-tasks/?fit=1&after=: what is open for sign-up, and per requirement whether the agency fits."""
    at, agency = clock.now(), _agency(request)
    everything, fitting = queries.open_tasks(agency, at), queries.fitting_tasks(agency, at)
    only_fitting = request.GET.get("fit") == "1"
    page = page_of(fitting if only_fitting else everything, key="signup_deadline", query=request.GET)
    items = {task.item_id: task.item for task in page.rows}
    checks = explain_many(agency, list(items.values()), clock.local_date(at))
    base = reverse("open_tasks")
    context = {
        "agency": agency,
        "chips": [
            {"label": _("All open tasks"), "url": base, "current": not only_fitting, "count": everything.count()},
            {"label": _("Only what fits"), "url": f"{base}?fit=1", "current": only_fitting, "count": fitting.count()},
        ],
        "rows": [
            _open_row(task, [*checks[task.item_id], *queries.star_checks(task, agency.stars)]) for task in page.rows
        ],
        "page": page,
        "only_fitting": only_fitting,
        "breadcrumb": crumbs((_("Open tasks"), "")),
    }
    return render(request, "projects/desk/open_tasks.html", context)


def _open_row(task: Any, checks: list[Any]) -> dict[str, Any]:
    fits = all(check.ok for check in checks)
    if task.mine:
        chip = {"kind": "info", "text": _("signed up")}
    elif task.avoided:
        chip = {"kind": "bad", "text": _("asked to keep away")}
    elif fits:
        chip = {"kind": "ok", "text": _("you can sign up")}
    else:
        chip = {"kind": "neutral", "text": _("requirement not met")}
    return {
        "title": task.name,
        "url": reverse("notice_detail", args=[task.code]),
        "sign_up_url": reverse("sign_up", args=[task.code]),
        "owner": task.owner.name,
        "item": str(task.item),
        "price": task.amount_yuan,
        "deadline": task.signup_deadline,
        "selection_at": task.selection_at,
        "chip": chip,
        "can": fits and not task.mine and not task.avoided,
        "reasons": [{"met": check.ok, "text": check.text} for check in checks],
    }


def _open_case(request: HttpRequest, code: str) -> SelectionTask:
    return get_object_or_404(queries.visible_to(person(request)), code=code)


@access("agency")
@require_POST
def sign_up(request: HttpRequest, code: str) -> HttpResponse:
    """POST /notices/<code>/sign-up/: sign the person's agency up and show the receipt."""
    task, agency = _open_case(request, code), _agency(request)
    mine = actions.sign_up(task, actor=person(request), at=clock.now(), agency=agency)
    messages.success(request, _("Your agency is signed up. Keep the receipt."))
    return redirect("receipt", mine.pk)


@access("agency")
@require_POST
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """POST /notices/<code>/withdraw/: take the sign-up back before the close."""
    task, agency = _open_case(request, code), _agency(request)
    actions.withdraw_sign_up(task, actor=person(request), at=clock.now(), agency=agency)
    messages.success(request, _("The sign-up is withdrawn. You can sign up again until the deadline."))
    return redirect("notice_detail", task.code)


@access("agency")
@require_safe
def my_sign_ups(request: HttpRequest) -> HttpResponse:
    """GET /desk/sign-ups/?after=: every sign-up of the agency with its outcome, newest first."""
    page = page_of(queries.sign_ups_of(person(request)), key="at", query=request.GET, newest_first=True)
    context = {
        "rows": [_sign_up_row(row) for row in page.rows],
        "page": page,
        "breadcrumb": crumbs((_("My sign-ups"), "")),
    }
    return render(request, "projects/desk/my_sign_ups.html", context)


def _sign_up_row(row: SignUp) -> dict[str, Any]:
    session = row.task.session
    return {
        "title": row.task.name,
        "url": reverse("notice_detail", args=[row.task.code]),
        "owner": row.task.owner.name,
        "at": row.at,
        "selection_at": session.open_at if session is not None else None,
        "live_url": reverse("live_page", args=[session.sid]) if session is not None else "",
        "receipt_url": reverse("receipt", args=[row.pk]),
        "chip": sign_up_chip(row),
        "reasons": exclusions.shown(row.exclusion),
    }


def sign_up_chip(row: SignUp) -> dict[str, str]:
    """What became of a sign-up, as kind and words."""
    task, code = row.task, row.agency.organisation.code
    if row.withdrawn_at is not None:
        return {"kind": "neutral", "text": pgettext("sign-up", "withdrawn")}
    if row.excluded_at is not None:
        return {"kind": "bad", "text": pgettext("sign-up", "not on the list")}
    if task.state in WITH_AWARD:
        award = task.award_notice
        if award.winner_id == row.agency_id:
            return {"kind": "ok", "text": pgettext("sign-up", "selected")}
        if code in award.waitlist:
            place = award.waitlist.index(code) + 1
            return {"kind": "info", "text": _("place {place} on the wait list").format(place=place)}
        return {"kind": "neutral", "text": pgettext("sign-up", "not selected")}
    if task.state == TaskState.FAILED:
        return {"kind": "neutral", "text": pgettext("sign-up", "the task failed")}
    if task.state == TaskState.CLOSED:
        return {"kind": "info", "text": pgettext("sign-up", "on the list")}
    return {"kind": "ok", "text": pgettext("sign-up", "signed up")}


@access("agency")
@require_safe
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /desk/sign-ups/<pk>/: the signed receipt of a sign-up, for its agency only."""
    row = get_object_or_404(queries.sign_ups_of(person(request)), pk=pk)
    title = _("Receipt of a sign-up")
    context = {
        "row": row,
        "shown": _sign_up_row(row),
        "title": title,
        "breadcrumb": crumbs((_("My sign-ups"), reverse("my_sign_ups")), (title, "")),
    }
    return render(request, "projects/desk/receipt.html", context)


@access("agency")
@require_safe
def receipt_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The receipt as the platform signed it, to keep and to check without this site."""
    row = get_object_or_404(queries.sign_ups_of(person(request)), pk=pk)
    text = json.dumps(row.receipt, ensure_ascii=False, indent=1)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="receipt-{row.task.code}-{row.pk}.json"'
    return response


@access("agency")
@require_POST
def throw_into_pot(request: HttpRequest, sid: str) -> HttpResponse:
    """POST /live/<sid>/pot/ with `r`, 64 hex digits, as form or JSON: the agency's line in the open pot.

    Answers {"who", "r"}; of a repeated throw those of the first. A refusal is problem+json.
    """
    session = get_object_or_404(LiveSession, sid=sid)
    try:
        line = conductor.throw_into_pot(
            session, actor=person(request), at=clock.now(), agency=_agency(request), r=_posted_r(request)
        ).line
    except DomainError as refusal:
        return JsonResponse(refusal.as_problem(), status=refusal.status, content_type="application/problem+json")
    return JsonResponse({"who": line["who"], "r": line["r"]})


def _posted_r(request: HttpRequest) -> str:
    if request.content_type != "application/json":
        return request.POST.get("r", "")
    try:
        given = json.loads(request.body)
    except ValueError:
        return ""
    r = given.get("r") if isinstance(given, dict) else None
    return r if isinstance(r, str) else ""
