"""The office's queue of entries, and objections against entries in publicity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from marketplace import accounts, casework, clock
from marketplace.casefile import deadline_clock, light
from marketplace.errors import FieldErrors
from marketplace.pages import LIGHT_CHIPS, light_words
from marketplace.paging import Page, page_of
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import actions, casefile, desk
from .forms import add_errors
from .models import Agency, EntryObjection, PreCheck
from .office_forms import DISMISS, ObjectionDecisionForm
from .states import AgencyState, ObjectionState
from .views import crumbs, form_page, person

PRECHECKS, OBJECTIONS = "prechecks", "objections"
# States whose clock is the office's own: its light is shown, elsewhere the state.
OWN_CLOCK = (AgencyState.SUBMITTED, AgencyState.VERIFYING)


@access("office", "supervisor")
@require_safe
def office_queue(request: HttpRequest) -> HttpResponse:
    """GET /office/entries/?state=: entries by their clock, in each state the office follows; pre-checks, objections."""
    at = clock.now()
    labels: dict[str, str] = {
        AgencyState.SUBMITTED: _("To check"),
        AgencyState.VERIFYING: _("Documents to check"),
        AgencyState.COMMITTED: _("Documents awaited"),
        PRECHECKS: _("Pre-checks"),
        AgencyState.RETURNED: _("Returned"),
        AgencyState.PUBLICITY: _("In publicity"),
        OBJECTIONS: _("Objections"),
    }
    wanted = request.GET.get("state", "")
    tab = wanted if wanted in labels else AgencyState.SUBMITTED.value
    counts = desk.queue_counts()
    base = reverse("office_queue")
    page, rows = _tab(tab, request, at)
    context = {
        "rows": rows,
        "page": page,
        "state": tab,
        "tabs": [
            {
                "label": label,
                "url": base if value == AgencyState.SUBMITTED else f"{base}?state={value}",
                "count": counts.get(value, 0),
                "current": value == tab,
            }
            for value, label in labels.items()
        ],
        "since_label": {
            PRECHECKS: pgettext("pre-check", "Asked"),
            OBJECTIONS: pgettext("objection", "Lodged"),
        }.get(tab, pgettext("entry", "Submitted")),
        "due_label": {
            AgencyState.SUBMITTED: _("Check due"),
            AgencyState.VERIFYING: _("Check due"),
            AgencyState.COMMITTED: _("Documents due"),
            PRECHECKS: _("Answer due"),
            AgencyState.RETURNED: _("Returned on"),
            AgencyState.PUBLICITY: _("Publicity until"),
            OBJECTIONS: _("Decision due"),
        }[tab],
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Entries at the office"), "")),
    }
    return render(request, "agencies/queue.html", context)


def _tab(tab: str, request: HttpRequest, at: datetime) -> tuple[Page[Any], list[dict[str, Any]]]:
    page: Page[Any]
    if tab == PRECHECKS:
        page = page_of(desk.open_prechecks(), key="due", query=request.GET)
        return page, [_case_row(one, "office_precheck", one.asked_at, at) for one in page.rows]
    if tab == OBJECTIONS:
        page = page_of(desk.open_objections(), key="due", query=request.GET)
        return page, [_case_row(one, "office_objection", one.lodged_at, at) for one in page.rows]
    state = AgencyState(tab)
    page = page_of(desk.entries(state), key=desk.ENTRY_ORDER[state], query=request.GET)
    return page, [_entry_row(agency, at) for agency in page.rows]


def _entry_row(agency: Agency, at: datetime) -> dict[str, Any]:
    due = {
        AgencyState.RETURNED: agency.checked_at,
        AgencyState.SUBMITTED: agency.form_check_due,
        AgencyState.VERIFYING: agency.documents_due,
        AgencyState.COMMITTED: agency.documents_supply_due,
        AgencyState.PUBLICITY: agency.publicity_until,
    }[AgencyState(agency.state)]
    started = agency.documents_supplied_at or agency.submitted_at
    shown = light(started, due, at) if agency.state in OWN_CLOCK else ""
    return _row(agency, reverse("office_check", args=[agency.code]), agency.submitted_at, due, shown)


def _case_row(case: PreCheck | EntryObjection, page: str, started: datetime, at: datetime) -> dict[str, Any]:
    return _row(case.agency, reverse(page, args=[case.pk]), started, case.due, light(started, case.due, at))


def _row(agency: Agency, url: str, started: datetime | None, due: datetime | None, shown: str) -> dict[str, Any]:
    return {
        "name": agency.name,
        "code": agency.code,
        "url": url,
        "origin": agency.get_origin_display(),
        "submitted": started,
        "due": due,
        "chip": {"kind": LIGHT_CHIPS[shown], "text": light_words(shown)} if shown else casefile.state_chip(agency),
    }


# ---------- objections ----------


@access("office", "supervisor")
@form_page
def office_objection(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: what is objected against the entry; POST decision, reason: dismissed, or upheld with its consequence."""
    found = EntryObjection.objects.select_related("agency__organisation", "lodged_by", "decided_by", "evidence")
    objection = get_object_or_404(found, pk=pk)
    agency, user, at = objection.agency, person(request), clock.now()
    form = ObjectionDecisionForm(
        request.POST if request.method == "POST" else None, in_publicity=agency.state == AgencyState.PUBLICITY
    )
    if request.method == "POST" and form.is_valid():
        decision, reason = form.cleaned_data["decision"], form.cleaned_data["reason"]

        def decide() -> Any:
            return actions.decide_objection(
                objection,
                uphold=decision != DISMISS,
                reason=reason,
                consequence=form.consequence(),
                actor=user,
                at=at,
            )

        try:
            casework.act_as_handler(f"objection:{pk}", agency, decide, actor=user, at=at)
        except FieldErrors as refusal:
            if said := refusal.fields.pop("consequence", None):
                refusal.fields["decision"] = said
            add_errors(form, refusal)
        else:
            messages.success(request, _("Decided; who objected and the agency were told."))
            return redirect(f"{reverse('office_queue')}?state={OBJECTIONS}")
    forbidden = why_not(objection, "dismiss", actor=user, at=at)
    waits = objection.state == ObjectionState.LODGED
    url = reverse("office_objection", args=[pk])
    context = {
        "objection": objection,
        "agency": agency,
        "who": accounts.display_name(objection.lodged_by),
        "decider": accounts.display_name(objection.decided_by) if objection.decided_by else "",
        "chip": {"kind": "info" if waits else "neutral", "text": objection.get_state_display()},
        "evidence": casefile.scan_row(objection.evidence) if objection.evidence else None,
        "clock": deadline_clock(
            _("Decision of the office"), objection.due, objection.derivation, at=at, met=not waits
        ),
        "form": form,
        "refused": {"text": casefile.refusal_text(forbidden), "rule": getattr(forbidden, "basis", "")}
        if forbidden
        else None,
        "standing": casework.standing(f"objection:{pk}", agency.stream_name(), user, url=url, is_open=waits),
        "rows": casefile.basic_rows(agency, full=True),
        "check_url": reverse("office_check", args=[agency.code]),
        "timeline": casefile.timeline(agency, at),
        "breadcrumb": crumbs(
            (_("My desk"), reverse("desk")),
            (_("Entries at the office"), reverse("office_queue")),
            (_("Objections"), f"{reverse('office_queue')}?state={OBJECTIONS}"),
            (agency.name, ""),
        ),
    }
    return render(request, "agencies/office_objection.html", context, status=422 if form.errors else 200)
