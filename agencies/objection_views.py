"""Anybody's objection against an entry while it is in publicity."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketplace import clock
from marketplace.errors import FieldErrors
from marketplace.models import Organisation
from marketplace.permissions import access

from . import actions, casefile, entry_case, kept_files, queries
from .actions.publicity import why_not_object
from .forms import ObjectionForm, add_errors
from .views import crumbs, form_page, person, status_of


@access("login")
@form_page
def agency_objection(request: HttpRequest, code: str) -> HttpResponse:
    """Say what is wrong with an entry; the office decides and answers in writing."""
    user, at = person(request), clock.now()
    agency = get_object_or_404(queries.visible_to(user), organisation__code=code)
    office = Organisation.objects.filter(kind=Organisation.Kind.OFFICE).order_by("pk").first()
    refusal = why_not_object(agency, user, at)
    posted = request.method == "POST"
    form = ObjectionForm(request.POST if posted else None, request.FILES if posted else None)
    if posted:
        if refusal is not None:
            raise refusal
        kept = kept_files.kept_of(request.POST, office, form.FILES, uploaded_by=user) if office else {}
        if form.is_valid():
            file = form.cleaned_data["file"] or kept.get("file")
            try:
                actions.lodge_objection(agency, form.cleaned_data["text"], file, actor=user, at=at)
            except FieldErrors as refused:
                add_errors(form, refused)
            else:
                messages.success(request, _("Your objection is lodged. The office decides and writes to you."))
                return redirect("agency_detail", code=agency.code)
        if office is not None:
            try:
                good = kept_files.keep_of_visitor(form.good_files(), organisation=office, actor=user, at=at)
                form.remember(kept | good)
            except FieldErrors as refused:
                add_errors(form, refused)
    context = {
        "form": form,
        "agency": agency,
        "refused": casefile.refusal_text(refusal) if refusal else "",
        "clock": entry_case.publicity_clock(agency, at),
        "period": entry_case.period("entry.objection", clock.local_date(at)),
        "back_url": reverse("agency_detail", args=[agency.code]),
        "breadcrumb": crumbs(
            (pgettext("navigation", "Agencies"), reverse("agency_list")),
            (agency.name, reverse("agency_detail", args=[agency.code])),
            (_("Objection"), ""),
        ),
    }
    return render(request, "agencies/objection.html", context, status=status_of(form))
