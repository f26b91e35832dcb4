"""Registration, and what the pages of agencies share. They call the acts and do nothing else."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from marketplace import accounts, clock, installation
from marketplace.errors import FieldErrors, NotAllowed
from marketplace.models import User
from marketplace.permissions import access
from marketplace.templatetags.ui import first_url

from . import actions, casefile, demo_papers, queries
from .forms import RegisterForm, add_errors
from .models import Agency
from .states import AgencyState

form_page = require_http_methods(["GET", "HEAD", "POST"])


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
    if form.registered and (claim_url := first_url("access_claim")):
        words = _("It is your agency? Ask for access to it.")
        form["code"].help_text = format_html(
            '{} <a href="{}?code={}">{}</a>', form["code"].help_text, claim_url, form.registered, words
        )
    context = {
        "form": form,
        "demo_url": reverse("demo_documents") if installation.is_demo() else "",
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Register an agency"), "")),
    }
    return render(request, "agencies/register.html", context, status=status_of(form))


@access("public")
@require_safe
def demo_documents(request: HttpRequest) -> HttpResponse:
    """The papers of an invented agency as a ZIP, to try the entry with; in a demo installation only."""
    if not installation.is_demo():
        raise Http404
    response = HttpResponse(demo_papers.packed(), content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="demo-documents.zip"'
    return response


# ---------- the entry ----------


def own(request: HttpRequest) -> Agency:
    """The agency the person acts for; 404 without one."""
    agency = queries.own_agency(person(request))
    if agency is None:
        raise Http404
    return agency


def entry_crumbs(title: str) -> list[dict[str, str]]:
    return crumbs((_("My desk"), reverse("desk")), (_("Entry of your agency"), reverse("agency_entry")), (title, ""))


def closed_page(request: HttpRequest, agency: Agency, title: str, *, supplying: bool = False) -> HttpResponse | None:
    """The page that says why the papers cannot be changed now, or None; `supplying` as in actions.open_for_change."""
    refusal = actions.why_not_change(agency, accounts.current_user(request), supplying=supplying)
    if refusal is None:
        return None
    promised = agency.state in {AgencyState.COMMITTED, AgencyState.VERIFYING}
    context = {
        "title": title,
        "text": _(
            "The agency was entered on commitment with these data; they stay until the documents are confirmed."
        )
        if promised
        else casefile.refusal_text(refusal),
        "chip": casefile.state_chip(agency),
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "agencies/closed.html", context, status=refusal.status)


def saved(request: HttpRequest, name: str = "agency_entry") -> HttpResponseRedirect:
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse(name))
