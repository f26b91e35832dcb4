"""The check of an entry by the office: form check, documents of an entry on commitment, and pre-check.

All three show the same papers with a line for each defect; every act is done by whoever answers for the case.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from marketplace import accounts, casework, clock
from marketplace.casefile import deadline_clock
from marketplace.errors import FieldErrors
from marketplace.models import Organisation, User
from marketplace.permissions import access

from . import actions, casefile, check_page, conditions, queries
from .desk import entry_case
from .forms import DefectsForm, RefusalForm, add_errors
from .models import Agency, PreCheck
from .office_forms import FalseCommitmentForm, add_defect_errors
from .states import AgencyState
from .views import crumbs, form_page, person

# The office has the entry under check.
CHECKED = (AgencyState.SUBMITTED, AgencyState.VERIFYING)
ON_COMMITMENT = (AgencyState.COMMITTED, AgencyState.VERIFYING)


def entry_of(user: User, code: str) -> Agency:
    return get_object_or_404(queries.visible_to(user), organisation__code=code)


def _crumbs(agency: Agency) -> list[dict[str, str]]:
    return crumbs(
        (_("My desk"), reverse("desk")), (_("Entries at the office"), reverse("office_queue")), (agency.name, "")
    )


# ---------- the check of an entry ----------


@access("office", "supervisor")
@require_safe
def office_check(request: HttpRequest, code: str) -> HttpResponse:
    """Data and papers side by side with a line for each defect, and the verdicts of the check that is due."""
    return _check_page(request, entry_of(person(request), code))


def _check_page(request: HttpRequest, agency: Agency, **given: forms.Form) -> HttpResponse:
    """`given`: the forms that were refused, by the name they have on the page."""
    at, user = clock.now(), person(request)
    papers = check_page.Papers.of(agency)
    defects = given.get("defects_form") or DefectsForm(fields=papers.lines())
    assert isinstance(defects, DefectsForm)
    refused = check_page.verdicts(agency, user, at)
    is_open = all(reason is None for reason in refused.values())
    beside = check_page.marks(agency, defects if is_open else None, at, restricted=agency.state in CHECKED)
    shown = {"defects_form": defects, "refusal_form": RefusalForm(), "false_form": FalseCommitmentForm()} | given
    context = check_page.context(
        agency,
        papers,
        beside,
        user=user,
        at=at,
        case=entry_case(agency),
        url=reverse("office_check", args=[agency.code]),
        is_open=agency.state in CHECKED,
    )
    context |= shown | {
        "forms": list(shown.values()),
        "check": "documents" if agency.state in ON_COMMITMENT else "form",
        "refused": refused,
        "may_report": agency.state in ON_COMMITMENT and accounts.acts_as(user, Organisation.Kind.OFFICE),
        "return_url": reverse(
            "office_return_documents" if agency.state in ON_COMMITMENT else "office_return", args=[agency.code]
        ),
        "breadcrumb": _crumbs(agency),
    }
    failed = any(form.errors for form in given.values())
    return render(request, "agencies/check.html", context, status=422 if failed else 200)


def _as_handler(request: HttpRequest, agency: Agency, act: Callable[[], Any]) -> Any:
    return casework.act_as_handler(entry_case(agency), agency, act, actor=person(request), at=clock.now())


def _return(request: HttpRequest, code: str, act: Callable[..., Agency]) -> HttpResponse:
    agency = entry_of(person(request), code)
    form = DefectsForm(request.POST, fields=check_page.Papers.of(agency).lines())
    if form.is_valid():
        try:
            _as_handler(
                request,
                agency,
                lambda: act(agency, defects=form.defects(), actor=person(request), at=clock.now()),
            )
        except FieldErrors as refusal:
            add_defect_errors(form, refusal)
    if form.errors:
        return _check_page(request, agency, defects_form=form)
    messages.success(request, _("Returned; the agency was told all defects at once."))
    return redirect("office_queue")


@access("office")
@require_POST
def office_return(request: HttpRequest, code: str) -> HttpResponse:
    """POST defect_<field>: every line that is filled in goes to the agency, all at once."""
    return _return(request, code, actions.return_entry)


@access("office")
@require_POST
def office_return_documents(request: HttpRequest, code: str) -> HttpResponse:
    """The same for the documents of an entry on commitment: the agency stays active and supplies them again."""
    return _return(request, code, actions.return_documents)


@access("office")
@require_POST
def office_approve(request: HttpRequest, code: str) -> HttpResponse:
    agency = entry_of(person(request), code)
    _as_handler(request, agency, lambda: actions.approve_entry(agency, actor=person(request), at=clock.now()))
    messages.success(request, _("Approved; {name} is in publicity now.").format(name=agency.name))
    return redirect("office_queue")


@access("office")
@require_POST
def office_confirm_documents(request: HttpRequest, code: str) -> HttpResponse:
    agency = entry_of(person(request), code)
    _as_handler(request, agency, lambda: actions.confirm_documents(agency, actor=person(request), at=clock.now()))
    messages.success(request, _("Confirmed; {name} kept its commitment.").format(name=agency.name))
    return redirect("office_queue")


@access("office")
@require_POST
def office_refuse(request: HttpRequest, code: str) -> HttpResponse:
    agency = entry_of(person(request), code)
    form = RefusalForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            _as_handler(
                request,
                agency,
                lambda: actions.refuse_entry(agency, reason=reason, actor=person(request), at=clock.now()),
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _check_page(request, agency, refusal_form=form)
    messages.success(request, _("Refused; the agency reads the reason."))
    return redirect("office_queue")


@access("office")
@require_POST
def office_false_commitment(request: HttpRequest, code: str) -> HttpResponse:
    """POST summary, evidence: an entry in the ledger, with its right of reply; the removal follows when it counts."""
    agency = entry_of(person(request), code)
    form = FalseCommitmentForm(request.POST, request.FILES)
    if form.is_valid():
        given = form.cleaned_data
        try:
            _as_handler(
                request,
                agency,
                lambda: actions.remove_for_false_commitment(
                    agency, given["summary"], given["evidence"], actor=person(request), at=clock.now()
                ),
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _check_page(request, agency, false_form=form)
    messages.success(
        request, _("Entered in the ledger. The agency has its right of reply; when the entry counts, it is removed.")
    )
    return redirect("office_check", code=agency.code)


# ---------- the pre-check ----------


@access("office", "supervisor")
@form_page
def office_precheck(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the papers as they are now; POST defect_<field>: the answer, with remarks or without any."""
    precheck = get_object_or_404(PreCheck.objects.select_related("agency__organisation", "answered_by"), pk=pk)
    agency, at, user = precheck.agency, clock.now(), person(request)
    papers = check_page.Papers.of(agency)
    form = DefectsForm(request.POST if request.method == "POST" else None, fields=papers.lines())
    if request.method == "POST" and form.is_valid():
        remarks = form.defects()
        try:
            casework.act_as_handler(
                f"precheck:{pk}",
                agency,
                lambda: actions.answer_precheck(precheck, remarks=remarks, actor=user, at=at),
                actor=user,
                at=at,
            )
        except FieldErrors as refusal:
            add_defect_errors(form, refusal)
        else:
            words = ngettext("Answered with {count} remark.", "Answered with {count} remarks.", len(remarks))
            messages.success(request, words.format(count=len(remarks)) if remarks else _("Answered: nothing found."))
            return redirect(f"{reverse('office_queue')}?state=prechecks")
    return _precheck_page(request, precheck, papers, form)


def _precheck_page(
    request: HttpRequest, precheck: PreCheck, papers: check_page.Papers, form: DefectsForm
) -> HttpResponse:
    at, user, agency = clock.now(), person(request), precheck.agency
    independent = conditions.checker_is_independent
    waits = precheck.answered_at is None
    is_open = waits and accounts.acts_as(user, Organisation.Kind.OFFICE) and independent(precheck, actor=user)
    beside = check_page.marks(agency, form if is_open else None, at, restricted=False, word=_("Remark"))
    labels = dict(papers.lines())
    context = check_page.context(
        agency,
        papers,
        beside,
        user=user,
        at=at,
        case=f"precheck:{precheck.pk}",
        url=reverse("office_precheck", args=[precheck.pk]),
        is_open=waits,
    )
    context |= {
        "check": "precheck",
        "precheck": precheck,
        "remarks": [
            {"label": labels.get(entry["field"], _("A paper or person that was removed since"))}
            | {"sentence": entry["sentence"]}
            for entry in precheck.remarks
        ],
        "clock": deadline_clock(_("Answer to the pre-check"), precheck.due, precheck.derivation, at=at)
        if waits
        else None,
        "defects_form": form,
        "forms": [form],
        "insider": {"text": str(independent.sentence), "rule": independent.basis}
        if waits and not independent(precheck, actor=user)
        else None,
        "return_url": reverse("office_precheck", args=[precheck.pk]),
        "chip": casefile.state_chip(agency),
        "breadcrumb": _crumbs(agency),
    }
    return render(request, "agencies/check.html", context, status=422 if form.errors else 200)
