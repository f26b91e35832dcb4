"""An owner's own pages: registration, the entry with its checklist, changes, exit. They call the acts only.

They are open to every login and look the membership up themselves: until it is approved, the organisation is not active
and opens nothing else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agencies.kept_files import keep_of_visitor, kept_of
from agencies.rules import check_credit_code
from marketplace import clock
from marketplace.access_grants import manages, members_url
from marketplace.errors import DomainError, FieldErrors, RuleBroken
from marketplace.models import Upload, User
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import owner_casefile as casefile
from . import owner_changes, owners
from . import owner_queries as queries
from . import owner_rules as rules
from .desk import crumbs, person
from .forms import add_field_errors
from .models import OwnerEntry
from .notices import refusal_text
from .owner_forms import ChangeForm, DataForm, PapersForm, RegisterForm
from .states import OWNER_EDITABLE, OwnerState

form_page = require_http_methods(["GET", "HEAD", "POST"])


def own(request: HttpRequest) -> OwnerEntry:
    """The entry of the owner the person acts for, in any state; 404 without one."""
    entry = queries.own_entry(person(request))
    if entry is None:
        raise Http404
    return entry


def entry_crumbs(title: str) -> list[dict[str, str]]:
    return crumbs((_("Your unit as a project owner"), reverse("owner_entry")), (title, ""))


def status_of(form: forms.Form) -> int:
    return 422 if form.errors else 200


# ---------- registration ----------


@access("login")
@form_page
def owner_register(request: HttpRequest) -> HttpResponse:
    """Begin the entry of an owner; whoever acts for one already is led to its page."""
    user = person(request)
    known = queries.own_entry(user)
    if known is not None and known.state not in (OwnerState.REFUSED, OwnerState.WITHDRAWN):
        return redirect("owner_entry")
    initial = {"contact_name": user.full_name, "contact_phone": user.phone, "contact_email": user.email}
    form = RegisterForm(request.POST if request.method == "POST" else None, initial=initial)
    claim_url = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            owners.register_owner(
                name=given["name"],
                nature=given["nature"],
                code=given["code"],
                id_number=given["id_number"],
                contact={key: given[key] for key in rules.CONTACT},
                actor=user,
                at=clock.now(),
            )
        except FieldErrors as refusal:
            add_field_errors(form, refusal)
            claim_url = _claim_url(request.POST.get("code", ""))
        else:
            messages.success(request, _("Your unit is registered. Hand in its documents here and submit the entry."))
            return redirect("owner_entry")
    context = {"form": form, "claim_url": claim_url, "breadcrumb": crumbs((_("Register a project owner"), ""))}
    return render(request, "projects/owners/register.html", context, status=status_of(form))


def _claim_url(code: str) -> str:
    """Where to ask for access, when the code that was typed is registered. A natural person's number goes into no
    address."""
    code, faults = check_credit_code(code)
    if faults or not owners.code_is_taken(code):
        return ""
    return f"{reverse('access_claim')}?{urlencode({'code': code})}"


# ---------- the entry ----------


@access("login")
@require_safe
def owner_entry(request: HttpRequest) -> HttpResponse:
    """What the entry still needs, where it stands, its changes and its history, and the way out."""
    return _entry_page(request, own(request))


def _entry_page(request: HttpRequest, entry: OwnerEntry, status: int = 200) -> HttpResponse:
    at, user = clock.now(), person(request)
    editable = entry.state in OWNER_EDITABLE
    gaps = rules.gaps(entry) if editable else []
    change = queries.open_change(entry) if entry.state == OwnerState.ACTIVE else None
    organisation = entry.organisation
    context = {
        "entry": entry,
        "title": organisation.name,
        "code": organisation.code,
        "chip": casefile.state_chip(entry),
        "editable": editable,
        "tasks": casefile.tasks(entry, gaps) if editable else [],
        "rows": casefile.data_rows(entry),
        "files": casefile.file_rows(entry),
        "gaps": gaps,
        "defects": casefile.defect_rows(entry) if entry.state == OwnerState.RETURNED else [],
        "acts": _acts(entry, user, at, gaps),
        "change": _open_change(change, at) if change else None,
        "changes": casefile.changes_of(entry),
        "clock": casefile.running_clock(entry, at),
        "timeline": casefile.timeline(entry),
        "members_url": members_url(organisation),
        "manager": manages(user, organisation),
        "breadcrumb": crumbs((_("Your unit as a project owner"), "")),
    }
    return render(request, "projects/owners/entry.html", context, status=status)


def _act(label: str, url: str, refusal: DomainError | None, **more: Any) -> dict[str, Any]:
    if refusal is not None:
        return {"label": label, "refused": refusal_text(refusal), "rule": refusal.basis}
    return {"label": label, "url": url, **more}


def _acts(entry: OwnerEntry, user: User, at: datetime, gaps: list[rules.Gap]) -> list[dict[str, Any]]:
    """The verbs of the present state for components/acts.html."""
    if entry.state in OWNER_EDITABLE:
        refusal = why_not(entry, "submit", actor=user, at=at, gaps=gaps)
        return [_act(_("Submit the entry"), reverse("owner_submit"), refusal, post=True, primary=True)]
    if entry.state == OwnerState.ACTIVE:
        leaving = why_not(entry, "withdraw", actor=user, at=at, open_tasks=())
        proposing = owner_changes.why_not_propose(entry, user)
        return [
            _act(_("Change the contact"), reverse("owner_data"), None),
            _act(_("Change checked data"), reverse("owner_change"), proposing),
            _act(_("Leave the marketplace"), reverse("owner_withdraw"), leaving, danger=True),
        ]
    if entry.state in (OwnerState.REFUSED, OwnerState.WITHDRAWN):
        refusal = why_not(entry, "begin_again", actor=user, at=at)
        return [_act(_("Begin a new entry"), reverse("owner_again"), refusal, post=True, primary=True)]
    return []


def _open_change(change: Any, at: datetime) -> dict[str, Any]:
    return {"clock": casefile.change_clock(change, at), "rows": casefile.change_rows(change)}


@access("login")
@require_POST
def owner_submit(request: HttpRequest) -> HttpResponse:
    entry = own(request)
    try:
        owners.submit_owner(entry, actor=person(request), at=clock.now())
    except FieldErrors as refusal:
        # The page lists every gap again, each with the way to mend it.
        return _entry_page(request, entry, refusal.status)
    messages.success(request, pgettext("owner", "The entry is submitted. The office checks it now."))
    return redirect("owner_entry")


def _closed(request: HttpRequest, entry: OwnerEntry, refusal: DomainError, title: str) -> HttpResponse:
    """The page that says why this cannot be done now."""
    context = {
        "title": title,
        "text": refusal_text(refusal),
        "rule": refusal.basis,
        "chip": casefile.state_chip(entry),
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "projects/owners/closed.html", context, status=refusal.status)


@access("login")
@form_page
def owner_data(request: HttpRequest) -> HttpResponse:
    entry = own(request)
    active = entry.state == OwnerState.ACTIVE
    title = _("Contact") if active else _("Data and contact")
    if not active and (refusal := owners.why_not_change(entry, person(request))):
        return _closed(request, entry, refusal, title)
    form = DataForm(request.POST if request.method == "POST" else None, entry=entry, contact_only=active)
    if request.method == "POST" and form.is_valid():
        try:
            owners.update_owner(entry, form.cleaned_data, actor=person(request), at=clock.now())
        except FieldErrors as error:
            add_field_errors(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("owner_entry")
    context = {"form": form, "title": title, "breadcrumb": entry_crumbs(title)}
    return render(request, "projects/owners/form.html", context, status=status_of(form))


@access("login")
@form_page
def owner_files(request: HttpRequest) -> HttpResponse:
    """Every good document is kept; a bad one is named beside its field."""
    entry, user, at = own(request), person(request), clock.now()
    title = _("Documents")
    if refusal := owners.why_not_change(entry, user):
        return _closed(request, entry, refusal, title)
    form = PapersForm(*((request.POST, request.FILES) if request.method == "POST" else ()), entry=entry)
    if request.method == "POST":
        form.is_valid()
        for kind in rules.FILES:
            file: UploadedFile | None = request.FILES.get(kind) if kind in form.fields else None
            if file is None or kind in form.errors:
                continue
            try:
                entry = owners.put_owner_file(entry, kind, file, actor=user, at=at)
            except FieldErrors as error:
                add_field_errors(form, error)
        if not form.errors:
            messages.success(request, _("Saved."))
            return redirect("owner_entry")
        columns = {kind: getattr(entry, column) for kind, column in rules.FILES.items() if kind in form.fields}
        form.show_present({kind: file for kind, file in columns.items() if file})
    context = {"form": form, "title": title, "breadcrumb": entry_crumbs(title)}
    return render(request, "projects/owners/form.html", context, status=status_of(form))


# ---------- changes ----------


@access("login")
@form_page
def owner_change(request: HttpRequest) -> HttpResponse:
    entry, user, at = own(request), person(request), clock.now()
    title = _("Change checked data")
    if refusal := owner_changes.why_not_propose(entry, user):
        return _closed(request, entry, refusal, title)
    form = ChangeForm(*((request.POST, request.FILES) if request.method == "POST" else ()), entry=entry)
    if request.method == "POST" and _propose(form, entry, user, at):
        messages.success(request, _("The change is submitted. It takes effect when the office has checked it."))
        return redirect("owner_entry")
    context = {
        "form": form,
        "title": title,
        "lead": _("What you change here takes effect when the office has checked it against the document."),
        "submit": _("Submit the change"),
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "projects/owners/form.html", context, status=status_of(form))


def _propose(form: ChangeForm, entry: OwnerEntry, user: User, at: datetime) -> bool:
    """Submit the change; False when the form has to be shown again, with a good file kept."""
    kept = kept_of(form.data, entry.organisation, ("file",), uploaded_by=user)
    valid = form.is_valid()
    chosen = form.good_files().get("file")
    file: UploadedFile | Upload | None = chosen or kept.get("file")
    if valid:
        try:
            owner_changes.propose_owner_change(entry, form.cleaned_data, file, actor=user, at=at)
        except FieldErrors as error:
            add_field_errors(form, error)
        else:
            return True
    try:
        kept |= keep_of_visitor(form.good_files(), organisation=entry.organisation, actor=user, at=at)
    except FieldErrors as error:
        add_field_errors(form, error)
    form.remember(kept)
    return False


@access("login")
@require_POST
def owner_change_withdraw(request: HttpRequest) -> HttpResponse:
    change = queries.open_change(own(request))
    if change is None:
        raise Http404
    owner_changes.withdraw_owner_change(change, actor=person(request), at=clock.now())
    messages.success(request, _("The change is withdrawn."))
    return redirect("owner_entry")


# ---------- exit and return ----------


@access("login")
@form_page
def owner_withdraw(request: HttpRequest) -> HttpResponse:
    """What leaving means, the open tasks that stand against it, and the button."""
    entry, user, at = own(request), person(request), clock.now()
    title, status = _("Leave the marketplace"), 200
    if request.method == "POST":
        try:
            owners.withdraw_owner(entry, actor=user, at=at)
        except RuleBroken as broken:
            status = broken.status
        else:
            messages.success(request, _("Your unit has left the marketplace."))
            return redirect("owner_entry")
    waiting = queries.open_tasks(entry)
    refusal = why_not(entry, "withdraw", actor=user, at=at, open_tasks=waiting)
    if refusal is not None and not isinstance(refusal, RuleBroken):
        return _closed(request, entry, refusal, title)
    context = {
        "refused": refusal_text(refusal) if refusal else "",
        "waiting": [
            {"title": f"{task.code} {task.name}", "url": reverse("owner_task", args=[task.code])} for task in waiting
        ],
        "title": title,
        "breadcrumb": entry_crumbs(title),
    }
    return render(request, "projects/owners/withdraw.html", context, status=status)


@access("login")
@require_POST
def owner_again(request: HttpRequest) -> HttpResponse:
    owners.begin_owner_again(own(request), actor=person(request), at=clock.now())
    messages.success(request, _("The entry is open again. Look through it, then submit it."))
    return redirect("owner_entry")
