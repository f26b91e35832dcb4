"""The agency's pages of its changes: what is registered now, what is under check, what was changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from marketplace import clock
from marketplace.errors import DomainError, FieldErrors, RuleBroken
from marketplace.models import Upload
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import casefile, change_case, changes, queries
from .change_forms import ContactForm, form_of
from .changes import kinds
from .changes.at_once import CONTACT
from .changes.proposal import target_of
from .forms import ItemsForm, add_errors
from .kept_files import kept_of
from .models import Agency, AuthorisedAgent, Change, Practitioner, Qualification
from .states import OPEN_CHANGES, ChangeState
from .views import crumbs, form_page, own, person, status_of

Kind = Change.Kind
HISTORY_SHOWN = 20


def change_crumbs(title: str) -> list[dict[str, str]]:
    return crumbs((_("My desk"), reverse("desk")), (_("Changes"), reverse("agency_changes")), (title, ""))


def _refused(refusal: DomainError | None) -> dict[str, str] | None:
    if refusal is None:
        return None
    return {"text": casefile.refusal_text(refusal), "rule": getattr(refusal, "basis", "")}


def _closed(request: HttpRequest, agency: Agency, title: str, refusal: DomainError) -> HttpResponse:
    """The page that says why this cannot be changed now."""
    context = {
        "title": title,
        "refusal": _refused(refusal),
        "chip": casefile.state_chip(agency),
        "breadcrumb": change_crumbs(title),
    }
    return render(request, "agencies/change_closed.html", context, status=refusal.status)


@access("agency")
@require_safe
def agency_changes(request: HttpRequest) -> HttpResponse:
    """What is registered, each part with the way to change it; the open changes and those that are decided."""
    agency, at = own(request), clock.now()
    day, user = clock.local_date(at), person(request)
    found = list(agency.changes.filter(state__in=OPEN_CHANGES))
    history = list(agency.changes.exclude(state__in=OPEN_CHANGES)[:HISTORY_SHOWN])
    refusals = {
        "data": changes.why_not_propose(agency, Kind.NAME, user),
        "papers": changes.why_not_propose(agency, Kind.QUALIFICATION_ADD, user),
        "at_once": changes.why_not_at_once(agency, user),
    }
    busy = change_case.busy(found)
    staying = {"left_on__isnull": True}
    context = {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "refused": {name: _refused(refusal) for name, refusal in refusals.items()},
        "open": [change_case.row(change) for change in found],
        "history": [change_case.row(change) for change in history],
        "data": change_case.data_rows(agency, links=refusals["data"] is None),
        "documents": change_case.document_rows(agency.documents.select_related("file")),
        "contact": change_case.contact_rows(agency, links=refusals["at_once"] is None),
        "items": change_case.item_names(agency.items.filter(is_active=True).select_related("item")),
        "papers": change_case.certificate_rows(queries.papers_of(agency), day, busy[Qualification]),
        "practitioners": change_case.person_rows(
            agency.practitioners.filter(**staying), Kind.PRACTITIONER_REMOVE, busy[Practitioner]
        ),
        "agents": change_case.person_rows(agency.agents.filter(**staying), Kind.AGENT_REMOVE, busy[AuthorisedAgent]),
        "add": {
            "certificate": reverse("change_new", args=[Kind.QUALIFICATION_ADD]),
            "practitioner": reverse("change_new", args=[Kind.PRACTITIONER_ADD]),
            "agent": reverse("change_new", args=[Kind.AGENT_ADD]),
        },
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Changes"), "")),
    }
    return render(request, "agencies/changes.html", context)


@access("agency")
@form_page
def change_new(request: HttpRequest, kind: str, target: int | None = None) -> HttpResponse:
    """Propose a change of one kind; `target` is the certificate or person it is about."""
    agency = own(request)
    if kind not in Kind.values:
        raise Http404
    way = Kind(kind)
    if kinds.SPECS[way].has_target != (target is not None):
        raise Http404
    if target is not None and target_of(agency, way, target) is None:
        raise Http404
    if (refusal := changes.why_not_propose(agency, way, person(request))) is not None:
        return _closed(request, agency, change_case.title_of(way), refusal)
    return _form_page(request, agency, way, target, None)


@access("agency")
@form_page
def change_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """After a return: the same form with what was given."""
    agency = own(request)
    change = get_object_or_404(agency.changes, pk=pk)
    way = Kind(change.kind)
    entered = agency.state in kinds.SPECS[way].states
    refusal = why_not(change, "submit", actor=person(request), at=clock.now(), entered=entered)
    if refusal is not None:
        return _closed(request, agency, change_case.title_of(way), refusal)
    return _form_page(request, agency, way, change.target, change)


def _form_page(
    request: HttpRequest, agency: Agency, way: Change.Kind, target: int | None, change: Change | None
) -> HttpResponse:
    user, at, posted = person(request), clock.now(), request.method == "POST"
    spec = kinds.SPECS[way]
    about: Any = target_of(agency, way, target)
    kept = kept_of(request.POST, agency.organisation, spec.files) if posted else {}
    files = {name: file for name in spec.files if isinstance(file := request.FILES.get(name), UploadedFile)}

    def judge(values: dict[str, Any]) -> Any:
        return changes.judge(agency, way, values=values, files=files, kept=kept, target=target, change=change, at=at)

    form = form_of(way)(
        request.POST if posted else None,
        request.FILES if posted else None,
        judge=judge,
        asked=queries.asked_of(agency) if "requirements" in spec.fields else (),
        number_known=change is not None and bool(change.secret),
        present=_present(about, change),
        initial=_initial(agency, way, about, change),
    )
    if posted:
        if form.is_valid():
            given: dict[str, Any] = {"values": form.values(), "files": form.good_files(), "kept": kept}
            given["reason"] = form.cleaned_data["reason"]
            try:
                if change is not None:
                    change = changes.correct_change(change, **given, actor=user, at=at)
                else:
                    change = changes.propose_change(agency, way, **given, target=target, actor=user, at=at)
            except FieldErrors as refusal:
                add_errors(form, refusal)
            except RuleBroken as refusal:
                form.add_error(None, casefile.refusal_text(refusal))
            else:
                messages.success(request, _("The change is submitted; it takes effect when its check approves it."))
                return redirect("change_case", change.pk)
        kept |= changes.keep_papers(agency, way, form.good_files(), actor=user, at=at)
        form.remember(kept)
    context = {
        "form": form,
        "title": change_case.title_of(way),
        "defects": change_case.defect_rows(change) if change else [],
        "leaving": _leaving(way, about),
        "back_url": reverse("change_case", args=[change.pk]) if change else reverse("agency_changes"),
        "breadcrumb": change_crumbs(change_case.title_of(way)),
    }
    return render(request, "agencies/change_form.html", context, status=status_of(form))


def _present(about: Any, change: Change | None) -> dict[str, Upload]:
    if change is not None:
        return changes.papers(change)
    scan = about.certificate if isinstance(about, Qualification) else None
    return {"certificate": scan} if scan else {}


def _initial(agency: Agency, way: Change.Kind, about: Any, change: Change | None) -> dict[str, Any]:
    """What was given before a return, else what is registered."""
    if change is not None:
        values = {
            name: date.fromisoformat(value) if name in kinds.DATES and value else value
            for name, value in change.values.items()
        }
        return values | {"reason": change.reason, "practitioners_count": values.get("practitioners_count") or None}
    if way == Kind.QUALIFICATION_UPDATE:
        found = {name: getattr(about, name) for name in kinds.SPECS[way].fields if name != "requirements"}
        found["practitioners_count"] = found["practitioners_count"] or None
        return found | {"requirements": list(about.uses.values_list("requirement", flat=True))}
    if way in {Kind.NAME, Kind.ADDRESS, Kind.LEGAL_REPRESENTATIVE}:
        return {name: getattr(agency, name, "") for name in kinds.SPECS[way].fields}
    return {}


def _leaving(way: Change.Kind, about: Any) -> list[dict[str, Any]]:
    """Who or what leaves, for components/summary_list.html."""
    if way not in kinds.LEAVING:
        return []
    fields = [name for name in kinds.LEAVING[way] if name not in {"requirements", "id_number"}]
    values = {name: getattr(about, name) for name in fields}
    told = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    return [
        {"label": kinds.label(way, name), "value": words}
        for name, value in told.items()
        if (words := kinds.shown(name, value))
    ]


@access("agency")
@require_safe
def change_case_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One change: what was and will be, its papers and clock, what the office said, what can be done."""
    agency, user, at = own(request), person(request), clock.now()
    change = get_object_or_404(agency.changes, pk=pk)
    entered = agency.state in kinds.SPECS[Kind(change.kind)].states
    acts = []
    if change.state == ChangeState.RETURNED:
        acts.append(
            _act(
                _("Correct and submit again"),
                reverse("change_correct", args=[pk]),
                why_not(change, "submit", actor=user, at=at, entered=entered),
                primary=True,
            )
        )
    if change.state in OPEN_CHANGES:
        refusal = why_not(change, "withdraw", actor=user, at=at)
        acts.append(
            _act(_("Withdraw the change"), reverse("change_withdraw", args=[pk]), refusal, post=True, danger=True)
        )
    title = change_case.title_of(change.kind)
    context = {
        "change": change,
        "title": title,
        "about": change_case.about(change),
        "chip": change_case.chip(change),
        "clock": change_case.clock_of(change, at),
        "table": change_case.comparison(change),
        "papers": change_case.paper_rows(change, changes.papers(change)),
        "defects": change_case.defect_rows(change),
        "acts": acts,
        "breadcrumb": change_crumbs(title),
    }
    return render(request, "agencies/change_case.html", context)


def _act(label: str, url: str, refusal: DomainError | None, **kind: bool) -> dict[str, Any]:
    if refusal is not None:
        return {"label": label, "refused": casefile.refusal_text(refusal), "rule": getattr(refusal, "basis", "")}
    return {"label": label, "url": url, **kind}


@access("agency")
@require_POST
def change_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    agency = own(request)
    changes.withdraw_change(get_object_or_404(agency.changes, pk=pk), actor=person(request), at=clock.now())
    messages.success(request, _("The change is withdrawn; what is registered stays."))
    return redirect("agency_changes")


# ---------- at once, without a check ----------


@access("agency")
@form_page
def change_contact(request: HttpRequest) -> HttpResponse:
    agency, title = own(request), _("Contact and introduction")
    if (refusal := changes.why_not_at_once(agency, person(request))) is not None:
        return _closed(request, agency, title, refusal)
    posted = request.method == "POST"
    form = ContactForm(request.POST if posted else None, initial={name: getattr(agency, name) for name in CONTACT})
    if posted and form.is_valid():
        try:
            changes.update_contact(agency, form.cleaned_data, actor=person(request), at=clock.now())
        except FieldErrors as refused:
            add_errors(form, refused)
        else:
            messages.success(request, _("Saved; in effect at once."))
            return redirect("agency_changes")
    context = {"form": form, "title": title, "breadcrumb": change_crumbs(title)}
    return render(request, "agencies/change_contact.html", context, status=status_of(form))


@access("agency")
@form_page
def change_offer(request: HttpRequest) -> HttpResponse:
    """The list of services: at once; each is open to sign-ups when its certificates are checked."""
    agency, title = own(request), _("Service items")
    if (refusal := changes.why_not_at_once(agency, person(request))) is not None:
        return _closed(request, agency, title, refusal)
    chosen = list(agency.items.filter(is_active=True).values_list("item", flat=True))
    form = ItemsForm(
        request.POST if request.method == "POST" else None, classes=list(queries.catalogue_classes()), chosen=chosen
    )
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["items"]
        try:
            changes.change_items(agency, wanted, actor=person(request), at=clock.now())
        except FieldErrors as refused:
            add_errors(form, refused)
        else:
            messages.success(request, _offer_words(len(set(wanted) - set(chosen))))
            return redirect("agency_changes")
    context = {"form": form, "groups": form.groups(), "title": title, "breadcrumb": change_crumbs(title)}
    return render(request, "agencies/change_offer.html", context, status=status_of(form))


def _offer_words(added: int) -> str:
    if not added:
        return _("Saved; in effect at once.")
    return ngettext(
        "{count} service was added. It is open to sign-ups once checked certificates meet what it asks for.",
        "{count} services were added. They are open to sign-ups once checked certificates meet what they ask for.",
        added,
    ).format(count=added)
