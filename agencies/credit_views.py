"""The agency's own pages of its ledger and of leaving. They call the acts and do nothing else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace import accounts, clock
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken
from marketplace.models import User
from marketplace.parameters import number
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import actions, casefile, credit_words, ledger, queries, rules
from .credit_forms import PetitionForm, ReplyForm, WithdrawForm
from .forms import add_errors
from .models import Agency, CreditEntry, CreditPetition
from .states import EntryState

Kind = CreditPetition.Kind


def _person(request: HttpRequest) -> User:
    user = accounts.current_user(request)
    if user is None:
        raise NotAllowed("login")
    return user


def _own(request: HttpRequest) -> Agency:
    agency = queries.own_agency(_person(request))
    if agency is None:
        raise Http404
    return agency


def _crumbs(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "url": url} for label, url in ((_("My desk"), reverse("desk")), *pairs)]


def refused(refusal: DomainError | None) -> dict[str, str] | None:
    """A refusal for the `act-refused` box, or None."""
    if refusal is None:
        return None
    return {"text": casefile.refusal_text(refusal), "rule": refusal.basis}


@access("agency")
@require_safe
def agency_credit(request: HttpRequest) -> HttpResponse:
    """The score with its parts, the whole ledger, the penalties."""
    agency, today = _own(request), clock.local_date(clock.now())
    rows = ledger.rows_of(agency)
    found = ledger.standing_from(rows, today)
    context = {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "standing": credit_words.standing_row(found, rows, today, start=number("credit.start", today)),
        "entries": [
            credit_words.entry_row(entry, today, url=reverse("agency_credit_entry", args=[entry.pk]))
            for entry in rows
        ],
        "waiting": sum(entry.state == EntryState.REPLY for entry in rows),
        "penalties": credit_words.penalty_rows(agency),
        "public_url": reverse("agency_ledger", args=[agency.code]),
        "breadcrumb": _crumbs((_("Credit ledger"), "")),
    }
    return render(request, "agencies/credit.html", context)


def _entry(request: HttpRequest, pk: int) -> CreditEntry:
    rows = CreditEntry.objects.select_related("agency__organisation", "rule", "evidence", "reply_file")
    return get_object_or_404(rows.prefetch_related("petitions__evidence"), pk=pk, agency=_own(request))


@access("agency")
@require_safe
def agency_credit_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what it rests on, what the agency can do about it now, and what it cannot and why."""
    return _entry_page(request, _entry(request, pk))


def _entry_page(request: HttpRequest, entry: CreditEntry, typed: forms.Form | None = None) -> HttpResponse:
    at, user = clock.now(), _person(request)
    url = reverse("agency_credit_entry", args=[entry.pk])
    breach = entry.points <= 0
    acts: list[dict[str, Any]] = []
    if breach and entry.state in (EntryState.REPLY,):
        acts.append(
            {
                "title": _("Reply"),
                "form": typed if isinstance(typed, ReplyForm) else ReplyForm(),
                "url": reverse("agency_reply", args=[entry.pk]),
                "submit": _("Send the reply"),
                "refused": refused(why_not(entry, "reply", actor=user, at=at)),
            }
        )
    if breach and entry.effective_on is not None:
        labels = {
            Kind.OBJECTION: (_("Objection"), _("Lodge the objection")),
            Kind.REPAIR: (_("Repair"), _("Apply for repair")),
        }
        for kind, (title, submit) in labels.items():
            given = isinstance(typed, PetitionForm) and typed.prefix == kind
            acts.append(
                {
                    "title": title,
                    "form": typed if given else PetitionForm(kind=kind),
                    "url": reverse("agency_petition", args=[entry.pk, kind.value]),
                    "submit": submit,
                    "refused": refused(ledger.why_no_petition(entry, kind, actor=user, at=at)),
                }
            )
    context = {
        "entry": credit_words.entry_row(entry, clock.local_date(at), full=True),
        "clock": credit_words.entry_clock(entry, at),
        "petitions": [credit_words.petition_row(petition, at) for petition in entry.petitions.all()],
        "acts": acts,
        "url": url,
        "breadcrumb": _crumbs(
            (_("Credit ledger"), reverse("agency_credit")), (_("Entry {number}").format(number=entry.pk), "")
        ),
        "typed": typed,
    }
    return render(request, "agencies/credit_entry.html", context, status=422 if typed and typed.errors else 200)


@access("agency")
@require_POST
def agency_reply(request: HttpRequest, pk: int) -> HttpResponse:
    entry = _entry(request, pk)
    form = ReplyForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            ledger.reply(
                entry,
                form.cleaned_data["text"],
                form.cleaned_data["file"],
                actor=_person(request),
                at=clock.now(),
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _entry_page(request, entry, form)
    messages.success(request, _("Your reply is with the office; the entry does not count before its decision."))
    return redirect("agency_credit_entry", entry.pk)


@access("agency")
@require_POST
def agency_petition(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    entry = _entry(request, pk)
    if kind not in Kind.values:
        raise Http404
    form = PetitionForm(request.POST, request.FILES, kind=kind)
    if form.is_valid():
        try:
            ledger.lodge_petition(
                entry,
                kind,
                form.cleaned_data["text"],
                form.cleaned_data["file"],
                actor=_person(request),
                at=clock.now(),
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _entry_page(request, entry, form)
    messages.success(request, _("Lodged. You are told the decision."))
    return redirect("agency_credit_entry", entry.pk)


# ---------- leaving ----------


@access("agency")
@require_http_methods(["GET", "HEAD", "POST"])
def agency_withdraw(request: HttpRequest) -> HttpResponse:
    """Leaving the marketplace: what still keeps the agency, the form, and the way back."""
    agency, at, user = _own(request), clock.now(), _person(request)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                actions.withdraw(agency, form.cleaned_data["reason"], actor=user, at=at)
            except FieldErrors as refusal:
                add_errors(form, refusal)
            except RuleBroken as refusal:
                if refusal.code != "no_service_is_open":
                    raise
                # The page lists what is open, and keeps what was typed.
                status = refusal.status
            else:
                messages.success(request, _("Your agency has left the marketplace."))
                return redirect("agency_withdraw")
        status = 422 if form.errors else status
    services = rules.open_services(agency, at)
    closed = why_not(agency, "withdraw", actor=user, at=at, open_services=services)
    again = why_not(agency, "begin_again", actor=user, at=at)
    context = {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "form": form,
        "services": services,
        "refused": refused(closed),
        "left": agency.state in Agency.verbs()["begin_again"].source,
        "again_refused": refused(again),
        "reentry_from": agency.reentry_from if agency.reentry_from and agency.reentry_from > at else None,
        "breadcrumb": _crumbs((_("Leave the marketplace"), "")),
    }
    return render(request, "agencies/withdraw.html", context, status=status)


@access("agency")
@require_POST
def agency_begin_again(request: HttpRequest) -> HttpResponse:
    actions.begin_again(_own(request), actor=_person(request), at=clock.now())
    messages.success(request, _("A new entry is begun; all papers are checked again."))
    return redirect("agency_entry")
