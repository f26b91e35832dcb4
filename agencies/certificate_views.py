"""The agency's pages of its certificates."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from marketplace import clock
from marketplace.errors import FieldErrors
from marketplace.models import Requirement
from marketplace.permissions import access

from . import casefile, certificates, kept_files, queries, wizard
from .forms import QualificationForm, add_errors
from .models import Agency, Qualification
from .states import EDITABLE
from .views import closed_page, crumbs, entry_crumbs, form_page, own, person, saved, status_of, today


@access("agency")
@require_safe
def agency_qualifications(request: HttpRequest) -> HttpResponse:
    """What each item asks for and which certificate stands against it; the certificates themselves."""
    agency = own(request)
    title = _("Certificates")
    if closed := closed_page(request, agency, title, supplying=True):
        return closed
    day = today()
    context = {
        "items": casefile.item_rows(queries.offered_items(agency), day),
        "papers": [casefile.paper_row(paper, day, scans=True) for paper in queries.papers_of(agency)],
        "title": title,
        "editable": agency.state in EDITABLE,
        "next_url": wizard.after(wizard.SERVICES),
        "stepper": wizard.where(wizard.SERVICES),
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "agencies/qualifications.html", context)


@access("agency")
@form_page
def qualification_add(request: HttpRequest) -> HttpResponse:
    """`?requirement=<pk>` prepares the form for that requirement of an own item."""
    return _qualification_page(request, own(request), None)


@access("agency")
@form_page
def qualification_change(request: HttpRequest, pk: int) -> HttpResponse:
    agency = own(request)
    papers = agency.qualifications.select_related("certificate").prefetch_related("uses")
    return _qualification_page(request, agency, get_object_or_404(papers, pk=pk))


def _qualification_page(request: HttpRequest, agency: Agency, paper: Qualification | None) -> HttpResponse:
    title = _("Change a certificate") if paper else _("Enter a certificate")
    if closed := closed_page(request, agency, title, supplying=True):
        return closed
    asked = queries.asked_of(agency)
    initial = QualificationForm.initial_of(paper) if paper else _first_guess(request, asked)
    posted = request.method == "POST"
    form = QualificationForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        asked=asked,
        on=today(),
        initial=initial,
        present={"certificate": paper.certificate} if paper and paper.certificate else {},
    )
    if posted:
        at = clock.now()
        kept = kept_files.kept_of(request.POST, agency.organisation, form.FILES)
        if form.is_valid():
            given: certificates.Paper = {
                "values": form.values(),
                "requirements": form.cleaned_data["requirements"],
                "file": request.FILES.get("certificate"),
                "kept": kept.get("certificate"),
            }
            try:
                if paper:
                    certificates.update_qualification(agency, paper, given, actor=person(request), at=at)
                else:
                    certificates.add_qualification(agency, given, actor=person(request), at=at)
            except FieldErrors as refusal:
                add_errors(form, refusal)
            else:
                another = request.POST.get("then") == "another"
                return saved(request, "qualification_add" if another else "agency_qualifications")
        kept_files.keep_chosen(form, agency, kept, actor=person(request), at=at)
    context = {
        "form": form,
        "new": paper is None,
        "title": title,
        "breadcrumb": crumbs(
            (_("My desk"), reverse("desk")),
            (_("Entry of your agency"), reverse("agency_entry")),
            (_("Certificates"), reverse("agency_qualifications")),
            (title, ""),
        ),
    }
    return render(request, "agencies/qualification.html", context, status=status_of(form))


def _first_guess(request: HttpRequest, asked: list[Requirement]) -> dict[str, Any]:
    text = request.GET.get("requirement", "")
    wanted = next((one for one in asked if str(one.pk) == text), None)
    return QualificationForm.initial_for(wanted, asked) if wanted else {}


@access("agency")
@require_POST
def qualification_remove(request: HttpRequest, pk: int) -> HttpResponse:
    agency = own(request)
    paper = get_object_or_404(agency.qualifications, pk=pk)
    certificates.remove_qualification(agency, paper, actor=person(request), at=clock.now())
    messages.success(request, _("The certificate is removed."))
    return redirect("agency_qualifications")
