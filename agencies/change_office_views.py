"""The office's pages of changes: the list with its lights, and the check of one change, before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from marketplace import accounts, casework, clock
from marketplace.casefile import light
from marketplace.errors import FieldErrors
from marketplace.models import User
from marketplace.pages import LIGHT_CHIPS, light_words
from marketplace.paging import page_of
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import casefile, change_case, change_desk, changes
from .change_forms import ChangeRefusalForm
from .changes import kinds
from .changes.proposal import Proposal
from .forms import DefectsForm, add_errors
from .models import Change
from .states import ChangeState
from .views import crumbs, person

VERBS = ("approve", "return_change", "refuse")


@access("office", "supervisor")
@require_safe
def office_changes(request: HttpRequest) -> HttpResponse:
    """GET /office/changes/?state=: changes to check (by their clock), returned, in effect, refused."""
    at = clock.now()
    labels = {
        ChangeState.SUBMITTED: pgettext("changes", "To check"),
        ChangeState.RETURNED: pgettext("changes", "Returned"),
        ChangeState.APPROVED: pgettext("changes", "In effect"),
        ChangeState.REFUSED: pgettext("changes", "Refused"),
    }
    wanted = request.GET.get("state", "")
    state = ChangeState(wanted) if wanted in labels else ChangeState.SUBMITTED
    base = reverse("office_changes")
    page = page_of(
        change_desk.in_state(state),
        key=change_desk.ORDER[state],
        query=request.GET,
        newest_first=state != ChangeState.SUBMITTED,
    )
    context = {
        "rows": [_row(change, at) for change in page.rows],
        "page": page,
        "tabs": [
            {
                "label": label,
                "url": base if value == ChangeState.SUBMITTED else f"{base}?state={value}",
                "current": value == state,
            }
            for value, label in labels.items()
        ],
        "due_label": _("Check due") if state == ChangeState.SUBMITTED else _("Decided on"),
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Changes at the office"), "")),
    }
    return render(request, "agencies/change_list.html", context)


def _row(change: Change, at: datetime) -> dict[str, Any]:
    running = change.state == ChangeState.SUBMITTED
    shown = light(change.submitted_at, change.check_due, at) if running else ""
    return {
        "title": change_case.title_of(change.kind),
        "about": change_case.about(change),
        "agency": change.agency.name,
        "code": change.agency.code,
        "url": reverse("office_change", args=[change.pk]),
        "submitted": change.submitted_at,
        "due": change.check_due if running else change.decided_at,
        "chip": {"kind": LIGHT_CHIPS[shown], "text": light_words(shown)} if shown else change_case.chip(change),
    }


def _as_handler(request: HttpRequest, change: Change, act: Callable[[], Any]) -> Any:
    """A verdict is done by whoever answers for the case; the first one takes it."""
    case = change_desk.case_of(change)
    return casework.act_as_handler(case, change.agency, act, actor=person(request), at=clock.now())


def _change(user: User, pk: int) -> Change:
    return get_object_or_404(change_desk.visible_to(user), pk=pk)


@access("office", "supervisor")
@require_safe
def office_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Before and after side by side with a line for each defect, the papers, and the three verdicts."""
    return _check_page(request, _change(person(request), pk))


def _check_page(
    request: HttpRequest,
    change: Change,
    *,
    defects: DefectsForm | None = None,
    refusal: ChangeRefusalForm | None = None,
    against: FieldErrors | None = None,
) -> HttpResponse:
    at, user = clock.now(), person(request)
    way = Change.Kind(change.kind)
    defects = defects or DefectsForm(fields=_lines(change))
    refusal = refusal or ChangeRefusalForm()
    facts = {"entered": change.agency.state in kinds.SPECS[way].states}
    forbidden = {name: why_not(change, name, actor=user, at=at, **facts) for name in VERBS}
    may_look = accounts.acts_as(user, "office") and not accounts.belongs_to(user, change.agency_id)
    proposal = Proposal.of(change) if change.state == ChangeState.SUBMITTED and may_look else None
    rows = kinds.rows_in_words(change.kind, change.difference)
    if proposal and proposal.number and way in kinds.NUMBER:
        # Whoever compares it with the scan needs the whole number; nobody else sees it.
        rows = [row | ({"new": proposal.number} if row["field"] == kinds.NUMBER[way] else {}) for row in rows]
    papers = changes.papers(change)
    context = {
        "change": change,
        "title": change_case.title_of(change.kind),
        "agency": change.agency,
        "about": change_case.about(change),
        "chip": change_case.chip(change),
        "clock": change_case.clock_of(change, at),
        "rows": [row | {"line": defects.line(row["field"])} for row in rows],
        "papers": [row | {"line": defects.line(row["field"])} for row in change_case.paper_rows(change, papers)],
        "reason_line": defects.line("reason"),
        "other_line": defects.line("other"),
        "reported": change_case.defect_rows(change),
        "elsewhere": change_desk.known_elsewhere(change, proposal.digest()) if proposal and proposal.number else [],
        "against": _sentences(change, against),
        "defects_form": defects,
        "refusal_form": refusal,
        "refused": {
            name: {"text": casefile.refusal_text(said), "rule": getattr(said, "basis", "")} if said else None
            for name, said in forbidden.items()
        },
        "open": forbidden["return_change"] is None,
        "decided_by": change.decided_by,
        "standing": casework.standing(
            change_desk.case_of(change),
            change.agency.stream_name(),
            user,
            url=reverse("office_change", args=[change.pk]),
            is_open=change.state == ChangeState.SUBMITTED,
        ),
        "breadcrumb": crumbs(
            (_("My desk"), reverse("desk")),
            (_("Changes at the office"), reverse("office_changes")),
            (change.agency.name, ""),
        ),
    }
    failed = bool(defects.errors or refusal.errors or against)
    return render(request, "agencies/change_check.html", context, status=422 if failed else 200)


def _lines(change: Change) -> list[tuple[str, Any]]:
    return [(name, kinds.label(change.kind, name)) for name in kinds.defect_fields(change.kind)]


def _sentences(change: Change, against: FieldErrors | None) -> list[dict[str, str]]:
    """What stands against the approval at this moment: [{"label", "text"}]."""
    if against is None:
        return []
    known = set(kinds.defect_fields(change.kind))
    found: Iterable[tuple[str, Any]] = ((name, said) for name, every in against.fields.items() for said in every)
    return [
        {"label": str(kinds.label(change.kind, name)) if name in known else "", "text": str(said)}
        for name, said in found
    ]


@access("office")
@require_POST
def office_change_approve(request: HttpRequest, pk: int) -> HttpResponse:
    change = _change(person(request), pk)
    try:
        _as_handler(request, change, lambda: changes.approve_change(change, actor=person(request), at=clock.now()))
    except FieldErrors as refusal:
        return _check_page(request, _change(person(request), pk), against=refusal)
    messages.success(request, _("Approved; the change of {name} is in effect.").format(name=change.agency.name))
    return redirect("office_changes")


@access("office")
@require_POST
def office_change_return(request: HttpRequest, pk: int) -> HttpResponse:
    """POST defect_<field>: every line that is filled in goes to the agency, all at once."""
    change = _change(person(request), pk)
    form = DefectsForm(request.POST, fields=_lines(change))
    if form.is_valid():
        try:
            _as_handler(
                request,
                change,
                lambda: changes.return_change(change, form.defects(), actor=person(request), at=clock.now()),
            )
        except FieldErrors as refusal:
            named = {form.names.get(field, field): said for field, said in refusal.fields.items()}
            add_errors(form, FieldErrors(named))
    if form.errors:
        return _check_page(request, change, defects=form)
    messages.success(request, _("Returned; the agency was told all defects at once."))
    return redirect("office_changes")


@access("office")
@require_POST
def office_change_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    change = _change(person(request), pk)
    form = ChangeRefusalForm(request.POST)
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            _as_handler(
                request, change, lambda: changes.refuse_change(change, reason, actor=person(request), at=clock.now())
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _check_page(request, change, refusal=form)
    messages.success(request, _("Refused; the agency reads the reason."))
    return redirect("office_changes")
