"""The office's pages of owners: the list, the check of an entry, the check of a change."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from agencies.forms import DefectsForm
from marketplace import clock
from marketplace.casefile import light
from marketplace.errors import FieldErrors
from marketplace.models import User
from marketplace.paging import page_of
from marketplace.permissions import access
from marketplace.workflow import StatefulModel, why_not

from . import owner_casefile as casefile
from . import owner_changes, owners
from . import owner_queries as queries
from . import owner_rules as rules
from .desk import crumbs, person
from .forms import add_field_errors
from .models import OwnerChange, OwnerEntry
from .notices import refusal_text
from .owner_forms import ReasonForm
from .states import OwnerState

form_page = require_http_methods(["GET", "HEAD", "POST"])
CHANGES = "changes"


def _crumbs(title: str) -> list[dict[str, str]]:
    return crumbs((_("Owners at the office"), reverse("office_owners")), (title, ""))


@access("office", "supervisor")
@require_safe
def office_owners(request: HttpRequest) -> HttpResponse:
    """GET /office/owners/?state=&after=: owners to check, changes to check, returned, active, refused, left."""
    counts = queries.entry_counts()
    changes = queries.waiting_changes()
    words = {
        OwnerState.SUBMITTED.value: _("To check"),
        CHANGES: pgettext("owners", "Changes to check"),
        OwnerState.RETURNED.value: pgettext("owners", "Returned"),
        OwnerState.ACTIVE.value: pgettext("owners", "Active"),
        OwnerState.REFUSED.value: pgettext("owners", "Refused"),
        OwnerState.WITHDRAWN.value: pgettext("owners", "Left"),
    }
    wanted = request.GET.get("state", "")
    state = wanted if wanted in words else OwnerState.SUBMITTED.value
    counts[CHANGES] = changes.count()
    base = reverse("office_owners")
    if state == CHANGES:
        found: Any = page_of(changes, key="check_due", query=request.GET)
        rows = [_change_row(change) for change in found.rows]
    else:
        newest = state in (OwnerState.ACTIVE, OwnerState.REFUSED, OwnerState.WITHDRAWN)
        order = queries.ORDER[OwnerState(state)]
        found = page_of(queries.entries(state), key=order, query=request.GET, newest_first=newest)
        rows = [_row(entry, order) for entry in found.rows]
    context = {
        "rows": rows,
        "page": found,
        "tabs": [
            {
                "label": label,
                "url": f"{base}?state={value}" if value != OwnerState.SUBMITTED else base,
                "count": counts.get(value, 0),
                "current": value == state,
            }
            for value, label in words.items()
        ],
        "when_label": {
            OwnerState.SUBMITTED.value: _("Check due"),
            CHANGES: _("Check due"),
            OwnerState.RETURNED.value: _("Returned on"),
            OwnerState.ACTIVE.value: _("Active since"),
            OwnerState.REFUSED.value: _("Refused on"),
            OwnerState.WITHDRAWN.value: _("Left on"),
        }[state],
        "breadcrumb": crumbs((_("Owners at the office"), "")),
    }
    return render(request, "projects/owners/office_list.html", context)


def _row(entry: OwnerEntry, order: str) -> dict[str, Any]:
    organisation = entry.organisation
    return {
        "name": organisation.name,
        "code": organisation.code,
        "url": reverse("office_owner", args=[organisation.code]),
        "nature": organisation.get_nature_display(),
        "when": getattr(entry, order),
        "chip": _clock_chip(entry) or casefile.state_chip(entry),
    }


def _clock_chip(entry: OwnerEntry) -> dict[str, str] | None:
    if entry.state != OwnerState.SUBMITTED:
        return None
    return _light_chip(light(entry.submitted_at, entry.check_due, clock.now()))


def _light_chip(colour: str) -> dict[str, str]:
    return {
        "green": {"kind": "ok", "text": pgettext("light of a deadline", "on time")},
        "amber": {"kind": "warn", "text": pgettext("light of a deadline", "due soon")},
        "red": {"kind": "bad", "text": pgettext("light of a deadline", "overdue")},
    }[colour]


def _change_row(change: OwnerChange) -> dict[str, Any]:
    organisation = change.owner.organisation
    return {
        "name": organisation.name,
        "code": organisation.code,
        "url": reverse("office_owner_change", args=[change.pk]),
        "nature": organisation.get_nature_display(),
        "when": change.check_due,
        "chip": _light_chip(light(change.submitted_at, change.check_due, clock.now())),
    }


def _refusals(case: StatefulModel, names: tuple[str, ...], user: User) -> dict[str, Any]:
    """{verb: {"text", "rule"} or None}: why a verb is closed now to this person."""
    at = clock.now()
    found = {name: why_not(case, name, actor=user, at=at) for name in names}
    return {name: {"text": refusal_text(no), "rule": no.basis} if no else None for name, no in found.items()}


# ---------- one entry ----------


@access("office", "supervisor")
@form_page
def office_owner(request: HttpRequest, code: str) -> HttpResponse:
    """Data and documents with a line for each defect. POST act=approve, return (defect_<field>) or refuse (reason)."""
    entries = OwnerEntry.objects.select_related("organisation", "registration_scan", "authority_scan")
    entry = get_object_or_404(entries, organisation__code=code)
    user, at = person(request), clock.now()
    act = request.POST.get("act", "")
    names = rules.labels(entry.organisation.nature)
    defects = DefectsForm(request.POST if act == "return" else None, fields=names.items())
    refusal = ReasonForm(request.POST if act == "refuse" else None)
    if request.method == "POST":
        done = _check(request, entry, act, defects, refusal, user)
        if done is not None:
            return done
    refused = _refusals(entry, ("approve", "return_entry", "refuse"), user)
    context = {
        "title": entry.organisation.name,
        "code": entry.organisation.code,
        "chip": casefile.state_chip(entry),
        "clock": casefile.running_clock(entry, at),
        "rows": [
            row | {"line": defects.line(row["field"]) if row["field"] else None} for row in casefile.data_rows(entry)
        ],
        "files": [row | {"line": defects.line(row["field"])} for row in casefile.file_rows(entry)],
        "other_line": defects.line("other"),
        "defects_form": defects,
        "refusal_form": refusal,
        "refused": refused,
        "open": not any(refused.values()),
        "reported": casefile.defect_rows(entry),
        "reason": entry.refusal_reason,
        "changes": casefile.changes_of(entry),
        "timeline": casefile.timeline(entry),
        "breadcrumb": _crumbs(entry.organisation.name),
    }
    failed = bool(defects.errors or refusal.errors)
    return render(request, "projects/owners/office_entry.html", context, status=422 if failed else 200)


def _check(
    request: HttpRequest, entry: OwnerEntry, act: str, defects: DefectsForm, refusal: ReasonForm, user: User
) -> HttpResponseRedirect | None:
    """Do the posted verb and go back to the list; None when the page has to be shown again."""
    at = clock.now()
    try:
        if act == "approve":
            owners.approve_owner(entry, actor=user, at=at)
            messages.success(
                request, _("Approved; {name} may publish tasks now.").format(name=entry.organisation.name)
            )
        elif act == "return" and defects.is_valid():
            owners.return_owner(entry, defects.defects(), actor=user, at=at)
            messages.success(request, _("Returned; the owner was told all defects at once."))
        elif act == "refuse" and refusal.is_valid():
            owners.refuse_owner(entry, refusal.cleaned_data["reason"], actor=user, at=at)
            messages.success(request, _("Refused; the owner reads the reason."))
        elif act not in {"return", "refuse"}:
            raise Http404
        else:
            return None
    except FieldErrors as error:
        if act == "return":
            named = {defects.names.get(field, field): said for field, said in error.fields.items()}
            add_field_errors(defects, FieldErrors(named))
        else:
            add_field_errors(refusal, error)
        return None
    return redirect("office_owners")


# ---------- one change ----------


@access("office", "supervisor")
@form_page
def office_owner_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Before and after, with the document. POST act=approve or refuse (reason)."""
    changes = OwnerChange.objects.select_related("owner__organisation", "owner__registration_scan", "proof")
    change = get_object_or_404(changes, pk=pk)
    user, at = person(request), clock.now()
    act = request.POST.get("act", "")
    form = ReasonForm(request.POST if act == "refuse" else None)
    if request.method == "POST":
        try:
            if act == "approve":
                owner_changes.approve_owner_change(change, actor=user, at=at)
                messages.success(request, _("Approved; the change is in effect."))
                return redirect("office_owners")
            if act != "refuse":
                raise Http404
            if form.is_valid():
                owner_changes.refuse_owner_change(change, form.cleaned_data["reason"], actor=user, at=at)
                messages.success(request, _("Refused; the owner reads the reason."))
                return redirect("office_owners")
        except FieldErrors as error:
            add_field_errors(form, error)
    organisation = change.owner.organisation
    context = {
        "title": _("Change of {name}").format(name=organisation.name),
        "code": organisation.code,
        "owner_url": reverse("office_owner", args=[organisation.code]),
        "chip": casefile.change_chip(change),
        "clock": casefile.change_clock(change, at),
        "rows": casefile.change_rows(change),
        "proof": casefile.scan_row(change.proof),
        "present": casefile.scan_row(change.owner.registration_scan),
        "reason": change.reason,
        "form": form,
        "refused": _refusals(change, ("approve", "refuse"), user),
        "breadcrumb": _crumbs(organisation.name),
    }
    return render(request, "projects/owners/office_change.html", context, status=422 if form.errors else 200)
