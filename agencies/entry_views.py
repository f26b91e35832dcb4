"""The agency's own pages of its entry: the overview and the steps. They call the acts and do nothing else."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from marketplace import clock
from marketplace.errors import FieldErrors
from marketplace.permissions import access

from . import actions, entry_case, queries, wizard
from .checklist import checklist
from .forms import BasicDataForm, CommitmentForm, DocumentsForm, ItemsForm, PreCheckForm, add_errors
from .models import Agency
from .states import EDITABLE, SUPPLYING
from .views import closed_page, crumbs, entry_crumbs, form_page, own, person, status_of, today


def onward(request: HttpRequest, url: str) -> HttpResponseRedirect:
    """After a step was saved: to `url`, or to the overview when that button was pressed."""
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("agency_entry") if request.POST.get("then") == "overview" else url)


# ---------- the overview ----------


@access("agency")
@require_safe
def agency_entry(request: HttpRequest) -> HttpResponse:
    """Where the entry stands, what it still needs, where to go on, and what happens next."""
    return _overview(request, own(request))


def _overview(request: HttpRequest, agency: Agency, status: int = 200) -> HttpResponse:
    at = clock.now()
    context = entry_case.overview(agency, person(request), at) | {
        "agency": agency,
        "list_links": agency.state in SUPPLYING,
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Entry of your agency"), "")),
    }
    return render(request, "agencies/entry.html", context, status=status)


@access("agency")
@require_safe
def agency_checklist(request: HttpRequest) -> HttpResponse:
    """Every paper the entry needs on one page, to be printed."""
    agency = own(request)
    title = _("Checklist of documents")
    context = {
        "agency": agency,
        "list": checklist(agency, today()),
        "links": agency.state in SUPPLYING,
        "today": today(),
        "title": title,
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "agencies/checklist.html", context)


# ---------- step 1: basic data and documents ----------


def _put_documents(request: HttpRequest, agency: Agency, form: DocumentsForm) -> None:
    """The good documents are saved at once, whatever else the form lacks: nobody chooses a file twice."""
    if files := form.good_files():
        try:
            actions.put_documents(agency, files, actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)


@access("agency")
@form_page
def agency_data(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    step = wizard.where(wizard.DATA)
    if closed := closed_page(request, agency, str(step["title"])):
        return closed
    posted = request.method == "POST"
    form = BasicDataForm.of(
        agency,
        request.POST if posted else None,
        request.FILES if posted else None,
        on=today(),
        present=entry_case.documents_of(agency),
    )
    if posted:
        if form.is_valid():
            values = {name: value for name, value in form.cleaned_data.items() if name not in form.files_and_kept()}
            try:
                actions.update_basic_data(agency, values, actor=person(request), at=clock.now())
            except FieldErrors as refusal:
                add_errors(form, refusal)
        _put_documents(request, agency, form)
        if not form.errors:
            return onward(request, wizard.after(wizard.DATA))
        form.show_present(entry_case.documents_of(agency))
    context = {
        "form": form,
        "agency": agency,
        "stepper": step,
        "breadcrumb": entry_crumbs(str(step["title"])),
    }
    return render(request, "agencies/data.html", context, status=status_of(form))


@access("agency")
@form_page
def agency_documents(request: HttpRequest) -> HttpResponse:
    """The general documents alone: while the agency supplies what it promised, its data stay closed."""
    agency = own(request)
    title = _("General documents")
    if closed := closed_page(request, agency, title, supplying=True):
        return closed
    posted = request.method == "POST"
    form = DocumentsForm(
        request.POST if posted else None, request.FILES if posted else None, present=entry_case.documents_of(agency)
    )
    if posted:
        form.is_valid()
        _put_documents(request, agency, form)
        if not form.errors:
            return onward(request, reverse("agency_entry"))
        form.show_present(entry_case.documents_of(agency))
    context = {"form": form, "title": title, "agency": agency, "breadcrumb": entry_crumbs(title)}
    return render(request, "agencies/documents.html", context, status=status_of(form))


# ---------- step 2: services ----------


@access("agency")
@form_page
def agency_items(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    title = _("Service items")
    if closed := closed_page(request, agency, title):
        return closed
    chosen = list(agency.items.filter(is_active=True).values_list("item", flat=True))
    classes = list(queries.catalogue_classes())
    form = ItemsForm(request.POST if request.method == "POST" else None, classes=classes, chosen=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            actions.choose_items(agency, form.cleaned_data["items"], actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)
        else:
            return onward(request, reverse("agency_qualifications"))
    context = {
        "form": form,
        "groups": form.groups(),
        "title": title,
        "stepper": wizard.where(wizard.SERVICES),
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "agencies/items.html", context, status=status_of(form))


# ---------- step 5: commitment and submission ----------


@access("agency")
@require_safe
def agency_submission(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    if closed := closed_page(request, agency, str(wizard.SUBMISSION.title)):
        return closed
    return _submission(request, agency)


def _submission(
    request: HttpRequest, agency: Agency, *, question: PreCheckForm | None = None, status: int = 200
) -> HttpResponse:
    at = clock.now()
    context = entry_case.submission(agency, person(request), at) | {
        "agency": agency,
        "stepper": wizard.where(wizard.SUBMISSION),
        "sign_form": CommitmentForm(),
        "question_form": question or PreCheckForm(),
        "breadcrumb": entry_crumbs(str(wizard.SUBMISSION.title)),
    }
    return render(request, "agencies/submission.html", context, status=status)


@access("agency")
@form_page
def agency_commitment(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    title = _("Letter of commitment")
    if closed := closed_page(request, agency, title):
        return closed
    form = CommitmentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.sign_commitment(agency, actor=person(request), at=clock.now())
        return onward(request, reverse("agency_submission"))
    context = {"form": form, "agency": agency, "title": title, "breadcrumb": entry_crumbs(title)}
    return render(request, "agencies/commitment.html", context, status=status_of(form))


@access("agency")
@require_POST
def agency_submit(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    try:
        actions.submit_entry(agency, actor=person(request), at=clock.now())
    except FieldErrors as refusal:
        # The page lists every gap again, each with the way to mend it.
        return _submission(request, agency, status=refusal.status)
    messages.success(request, _("The entry is submitted. The office checks it now."))
    return redirect("agency_entry")


@access("agency")
@require_POST
def agency_commit(request: HttpRequest) -> HttpResponse:
    """Enter on commitment: active at once, the documents follow."""
    agency = own(request)
    try:
        actions.enter_on_commitment(agency, actor=person(request), at=clock.now())
    except FieldErrors as refusal:
        return _submission(request, agency, status=refusal.status)
    messages.success(request, _("Your agency is active on commitment. Supply the documents in time."))
    return redirect("agency_entry")


@access("agency")
@require_POST
def agency_supply(request: HttpRequest) -> HttpResponse:
    """The documents of an entry on commitment are there: the office checks them."""
    agency = own(request)
    try:
        actions.supply_documents(agency, actor=person(request), at=clock.now())
    except FieldErrors as refusal:
        return _overview(request, agency, status=refusal.status)
    messages.success(request, _("The documents are supplied. The office checks them now."))
    return redirect("agency_entry")


@access("agency")
@require_POST
def agency_precheck(request: HttpRequest) -> HttpResponse:
    """Ask the office to look at the papers before they are submitted."""
    agency = own(request)
    form = PreCheckForm(request.POST)
    if form.is_valid():
        try:
            actions.ask_precheck(agency, form.cleaned_data["question"], actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("The office looks at your papers and answers here."))
            return HttpResponseRedirect(reverse("agency_submission") + "#precheck")
    if agency.state not in EDITABLE and (closed := closed_page(request, agency, str(wizard.SUBMISSION.title))):
        return closed
    return _submission(request, agency, question=form, status=422)


@access("agency")
@require_POST
def agency_begin_again(request: HttpRequest) -> HttpResponse:
    """A new entry after a refusal, a withdrawal or a removal."""
    actions.begin_again(own(request), actor=person(request), at=clock.now())
    messages.success(request, _("A new entry is begun with the papers that are there."))
    return redirect("agency_entry")
