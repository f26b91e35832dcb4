"""The directory, registration, and the agency's own pages of its entry. They call the acts and do nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace import accounts, clock
from marketplace.errors import DomainError, FieldErrors, NotAllowed
from marketplace.models import User
from marketplace.paging import COUNT_LIMIT, PAGE_SIZE, count_up_to, page_of
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import actions, casefile, queries, rules
from .filters import AgencyFilter
from .forms import BasicDataForm, CommitmentForm, ItemsForm, RegisterForm, add_errors
from .models import Agency
from .states import EDITABLE, OPERATING

form_page = require_http_methods(["GET", "HEAD", "POST"])
ITEMS_SHOWN = 3


def person(request: HttpRequest) -> User:
    """The person behind a page that demands a login."""
    user = accounts.current_user(request)
    if user is None:
        raise NotAllowed("login")
    return user


def today() -> date:
    return clock.local_date(clock.now())


def crumbs(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "url": url} for label, url in pairs]


def status_of(form: forms.Form) -> int:
    return 422 if form.errors else 200


# ---------- the directory ----------


@access("public")
@require_safe
def agency_list(request: HttpRequest) -> HttpResponse:
    """GET /agencies/?q=&state=&origin=&service_class=&item=: published agencies by name."""
    filterset = AgencyFilter(request.GET, queryset=queries.public_agencies())
    found = filterset.qs
    page = page_of(queries.with_items(found), key="organisation__name", query=request.GET, size=PAGE_SIZE)
    count = count_up_to(found)
    form = filterset.form
    form.fields.pop("q")
    for field in form.fields.values():
        # Read here, not while the template renders.
        field.widget.choices = list(field.widget.choices)
    narrowed = [name for name in form.fields if request.GET.get(name)]
    context = {
        "rows": [_list_row(agency) for agency in page.rows],
        "page": page,
        "form": form,
        "more_open": bool(narrowed),
        "search": {"label": _("Name or credit code"), "name": "q", "value": request.GET.get("q", "")},
        "count": count if count <= COUNT_LIMIT else None,
        "count_limit": COUNT_LIMIT,
        "clear_url": reverse("agency_list") if narrowed or request.GET.get("q") else "",
    }
    return render(request, "agencies/list.html", context)


def _list_row(agency: Any) -> dict[str, Any]:
    names = [str(entry.item) for entry in agency.listed]
    return {
        "name": agency.name,
        "code": agency.code,
        "url": reverse("agency_detail", args=[agency.code]),
        "origin": agency.get_origin_display(),
        "items": names[:ITEMS_SHOWN],
        "more": max(0, len(names) - ITEMS_SHOWN),
        "chip": casefile.state_chip(agency),
    }


@access("public")
@require_safe
def agency_detail(request: HttpRequest, code: str) -> HttpResponse:
    """An agency's public page: who it is, what it offers and on which certificates, its log. Its own people and the
    office see it before the publicity too."""
    user, at = accounts.current_user(request), clock.now()
    agency = get_object_or_404(queries.visible_to(user), organisation__code=code)
    day = clock.local_date(at)
    offered = [entry.item for entry in queries.offered_items(agency)]
    checks = queries.explain_many(agency, offered, day)
    full = queries.sees_everything(user, agency)
    context = {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "rows": casefile.basic_rows(agency, full=full),
        # The first two checks, active and listed, are the page itself.
        "items": [
            {
                "item": str(item),
                "url": reverse("catalogue_item", args=[item.pk]),
                "eligible": all(check.ok for check in checks[item.pk]),
                "reasons": [{"met": check.ok, "text": check.text} for check in checks[item.pk][2:]],
            }
            for item in offered
        ],
        "active": agency.state in OPERATING,
        "clock": casefile.running_clock(agency, at),
        "timeline": casefile.timeline(agency, at),
        "full": full,
        "today": day,
        "breadcrumb": crumbs((pgettext("navigation", "Agencies"), reverse("agency_list")), (agency.name, "")),
    }
    return render(request, "agencies/detail.html", context)


# ---------- registration ----------


@access("login")
@form_page
def agency_register(request: HttpRequest) -> HttpResponse:
    """Begin the entry of an agency; whoever acts for one already is led to its entry page."""
    user = person(request)
    if queries.own_agency(user) is not None:
        return redirect("agency_entry")
    initial = {"contact_name": user.full_name, "contact_phone": user.phone, "contact_email": user.email}
    form = RegisterForm(request.POST if request.method == "POST" else None, on=today(), initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        contact = {key: given[key] for key in ("contact_name", "contact_phone", "contact_email")}
        try:
            actions.register_agency(
                name=given["name"],
                code=given["code"],
                origin=given["origin"],
                basic_data=contact,
                actor=user,
                at=clock.now(),
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("Your agency is registered. Complete its entry here and submit it."))
            return redirect("agency_entry")
    context = {"form": form, "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Register an agency"), ""))}
    return render(request, "agencies/register.html", context, status=status_of(form))


# ---------- the entry ----------


def own(request: HttpRequest) -> Agency:
    """The agency the person acts for; 404 without one."""
    agency = queries.own_agency(person(request))
    if agency is None:
        raise Http404
    return agency


def entry_crumbs(title: str) -> list[dict[str, str]]:
    return crumbs((_("My desk"), reverse("desk")), (_("Entry of your agency"), reverse("agency_entry")), (title, ""))


@access("agency")
@require_safe
def agency_entry(request: HttpRequest) -> HttpResponse:
    """What the entry still needs, where it stands, and what happens next."""
    return _entry_page(request, own(request))


def _entry_page(request: HttpRequest, agency: Agency, status: int = 200) -> HttpResponse:
    at = clock.now()
    editable = agency.state in EDITABLE
    gaps = rules.entry_gaps(agency, on=clock.local_date(at)) if editable else []
    refusal = why_not(agency, "submit_entry", actor=person(request), at=at, gaps=gaps)
    counts = queries.paper_counts(agency)
    context = {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "editable": editable,
        "tasks": casefile.tasks(agency, gaps, **counts) if editable else [],
        "rows": [] if editable else casefile.basic_rows(agency, full=True),
        "gaps": gaps,
        "defects": casefile.defect_rows(agency),
        "acts": [_submit_act(refusal)] if editable else [],
        "clock": casefile.running_clock(agency, at),
        "timeline": casefile.timeline(agency, at),
        "public_url": reverse("agency_detail", args=[agency.code]),
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Entry of your agency"), "")),
    }
    return render(request, "agencies/entry.html", context, status=status)


def _submit_act(refusal: DomainError | None) -> dict[str, Any]:
    label = _("Submit the entry")
    if refusal is not None:
        return {"label": label, "refused": casefile.refusal_text(refusal), "rule": getattr(refusal, "basis", "")}
    return {"label": label, "url": reverse("agency_submit"), "post": True, "primary": True}


@access("agency")
@require_POST
def agency_submit(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    try:
        actions.submit_entry(agency, actor=person(request), at=clock.now())
    except FieldErrors as refusal:
        # The page lists every gap again, each with the way to mend it.
        return _entry_page(request, agency, refusal.status)
    messages.success(request, _("The entry is submitted. The office checks it now."))
    return redirect("agency_entry")


def closed_page(request: HttpRequest, agency: Agency, title: str) -> HttpResponse | None:
    """The page that says why the papers cannot be changed now, or None."""
    refusal = actions.why_not_change(agency, accounts.current_user(request))
    if refusal is None:
        return None
    context = {
        "title": title,
        "text": casefile.refusal_text(refusal),
        "chip": casefile.state_chip(agency),
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "agencies/closed.html", context, status=refusal.status)


@access("agency")
@form_page
def agency_data(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    title = _("Basic data")
    if closed := closed_page(request, agency, title):
        return closed
    form = BasicDataForm.of(agency, request.POST if request.method == "POST" else None, on=today())
    if request.method == "POST" and form.is_valid():
        try:
            actions.update_basic_data(agency, form.cleaned_data, actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)
        else:
            return saved(request)
    context = {"form": form, "agency": agency, "title": title, "breadcrumb": entry_crumbs(title)}
    return render(request, "agencies/data.html", context, status=status_of(form))


def saved(request: HttpRequest, name: str = "agency_entry") -> HttpResponseRedirect:
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse(name))


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
            return saved(request)
    context = {"form": form, "groups": form.groups(), "title": title, "breadcrumb": entry_crumbs(title)}
    return render(request, "agencies/items.html", context, status=status_of(form))


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
        return saved(request)
    context = {"form": form, "agency": agency, "title": title, "breadcrumb": entry_crumbs(title)}
    return render(request, "agencies/commitment.html", context, status=status_of(form))
