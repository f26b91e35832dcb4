"""The office's pages of entry: the queue with its lights, and the form check of one entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from marketplace import clock
from marketplace.casefile import light
from marketplace.errors import FieldErrors
from marketplace.models import User
from marketplace.paging import page_of
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import actions, casefile, queries, rules
from .forms import DefectsForm, RefusalForm, add_errors
from .models import Agency
from .states import AgencyState
from .views import crumbs, person

LIGHT_CHIPS = {"green": "ok", "amber": "warn", "red": "bad"}


def light_words(light: str) -> str:
    return {
        "green": pgettext("light of a deadline", "on time"),
        "amber": pgettext("light of a deadline", "due soon"),
        "red": pgettext("light of a deadline", "overdue"),
    }[light]


@access("office", "supervisor")
@require_safe
def office_queue(request: HttpRequest) -> HttpResponse:
    """GET /office/entries/?state=: entries to check (by their clock), returned, or in publicity."""
    at = clock.now()
    labels = {
        AgencyState.SUBMITTED: _("To check"),
        AgencyState.RETURNED: _("Returned"),
        AgencyState.PUBLICITY: _("In publicity"),
    }
    wanted = request.GET.get("state", "")
    state = AgencyState(wanted) if wanted in labels else AgencyState.SUBMITTED
    counts = queries.entry_counts()
    base = reverse("office_queue")
    page = page_of(queries.entries(state), key=queries.ENTRY_ORDER[state], query=request.GET)
    context = {
        "rows": [_queue_row(agency, at) for agency in page.rows],
        "page": page,
        "state": state,
        "tabs": [
            {
                "label": label,
                "url": base if value == AgencyState.SUBMITTED else f"{base}?state={value}",
                "count": counts.get(value, 0),
                "current": value == state,
            }
            for value, label in labels.items()
        ],
        "due_label": {
            AgencyState.SUBMITTED: _("Check due"),
            AgencyState.RETURNED: _("Returned on"),
            AgencyState.PUBLICITY: _("Publicity until"),
        }[state],
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Entries at the office"), "")),
    }
    return render(request, "agencies/queue.html", context)


def _queue_row(agency: Agency, at: datetime) -> dict[str, Any]:
    if agency.state == AgencyState.SUBMITTED:
        due = agency.form_check_due
        shown = light(agency.submitted_at, due, at)
        chip = {"kind": LIGHT_CHIPS[shown], "text": light_words(shown)}
    else:
        due = agency.publicity_until if agency.state == AgencyState.PUBLICITY else agency.checked_at
        chip = casefile.state_chip(agency)
    return {
        "name": agency.name,
        "code": agency.code,
        "url": reverse("office_check", args=[agency.code]),
        "origin": agency.get_origin_display(),
        "submitted": agency.submitted_at,
        "due": due,
        "chip": chip,
    }


def _entry(user: User, code: str) -> Agency:
    return get_object_or_404(queries.visible_to(user), organisation__code=code)


@access("office", "supervisor")
@require_safe
def office_check(request: HttpRequest, code: str) -> HttpResponse:
    """Data and papers side by side with a line for each defect, and the three verdicts."""
    return _check_page(request, _entry(person(request), code))


def _check_page(
    request: HttpRequest,
    agency: Agency,
    *,
    defects: DefectsForm | None = None,
    refusal: RefusalForm | None = None,
) -> HttpResponse:
    at = clock.now()
    user = person(request)
    today = clock.local_date(at)
    papers = queries.papers_of(agency)
    defects = defects or DefectsForm(fields=_lines(agency, papers))
    refusal = refusal or RefusalForm()
    forbidden = {
        name: why_not(agency, name, actor=user, at=at) for name in ("approve_entry", "return_entry", "refuse_entry")
    }
    basic = [row | {"line": _line(defects, row["field"])} for row in casefile.basic_rows(agency, full=True)]
    context = {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "clock": casefile.running_clock(agency, at),
        "basic": basic,
        "papers": [
            row | {"line": _line(defects, row["field"])}
            for row in (casefile.paper_row(paper, today, scans=True) for paper in papers)
        ],
        "items": casefile.item_rows(queries.offered_items(agency), today),
        "items_line": _line(defects, "items"),
        "commitment_line": _line(defects, "commitment"),
        "other_line": _line(defects, "other"),
        "defects_form": defects,
        "refusal_form": refusal,
        "refused": {
            name: {"text": casefile.refusal_text(reason), "rule": getattr(reason, "basis", "")} if reason else None
            for name, reason in forbidden.items()
        },
        "open": all(reason is None for reason in forbidden.values()),
        "reported": casefile.defect_rows(agency),
        "timeline": casefile.timeline(agency, at),
        "breadcrumb": crumbs(
            (_("My desk"), reverse("desk")), (_("Entries at the office"), reverse("office_queue")), (agency.name, "")
        ),
    }
    failed = bool(defects.errors or refusal.errors)
    return render(request, "agencies/check.html", context, status=422 if failed else 200)


def _lines(agency: Agency, papers: list[Any]) -> list[tuple[str, Any]]:
    return [
        *((field, label) for field, label in rules.DEFECT_FIELDS.items()),
        *((f"qualification:{paper.pk}", str(paper)) for paper in papers),
    ]


def _line(form: DefectsForm, field: str) -> Any:
    return form.line(field) if field in form.names else None


@access("office")
@require_POST
def office_return(request: HttpRequest, code: str) -> HttpResponse:
    """POST defect_<field>: every line that is filled in goes to the agency, all at once."""
    agency = _entry(person(request), code)
    form = DefectsForm(request.POST, fields=_lines(agency, list(agency.qualifications.all())))
    if form.is_valid():
        try:
            actions.return_entry(agency, defects=form.defects(), actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(
                form, FieldErrors({form.names.get(field, field): said for field, said in refusal.fields.items()})
            )
    if form.errors:
        return _check_page(request, agency, defects=form)
    messages.success(request, _("Returned; the agency was told all defects at once."))
    return redirect("office_queue")


@access("office")
@require_POST
def office_approve(request: HttpRequest, code: str) -> HttpResponse:
    agency = actions.approve_entry(_entry(person(request), code), actor=person(request), at=clock.now())
    messages.success(request, _("Approved; {name} is in publicity now.").format(name=agency.name))
    return redirect("office_queue")


@access("office")
@require_POST
def office_refuse(request: HttpRequest, code: str) -> HttpResponse:
    agency = _entry(person(request), code)
    form = RefusalForm(request.POST)
    if form.is_valid():
        try:
            actions.refuse_entry(agency, reason=form.cleaned_data["reason"], actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _check_page(request, agency, refusal=form)
    messages.success(request, _("Refused; the agency reads the reason."))
    return redirect("office_queue")
