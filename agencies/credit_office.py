"""The office's pages of the ledger: what waits, a new entry, and the decisions about replies and petitions."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace import accounts, casework, clock
from marketplace.casefile import light
from marketplace.errors import FieldErrors
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import casefile, credit_desk, credit_rules, credit_words, ledger, queries, rules
from .credit_forms import EntryForm, SearchForm, VerdictForm
from .credit_views import _crumbs, _person, refused
from .forms import add_errors
from .models import Agency, CreditEntry, CreditPetition
from .states import EntryState, PetitionState

T = TypeVar("T")
# The words of the office's lights.
LIGHTS = {"green": "ok", "amber": "warn", "red": "bad", "": "neutral"}
RECENT = 25


def _here() -> list[tuple[str, str]]:
    return [(_("Credit ledger"), reverse("office_credit"))]


def light_text(name: str) -> str:
    return {"green": _("on time"), "amber": _("due soon"), "red": _("overdue"), "": ""}[name]


@access("office", "supervisor")
@require_safe
def office_credit(request: HttpRequest) -> HttpResponse:
    """GET /office/credit/: open replies and petitions by their clocks, and the newest entries."""
    at = clock.now()
    today = clock.local_date(at)
    recent = CreditEntry.objects.select_related("agency__organisation", "rule").order_by("-entered_at", "-pk")
    context = {
        "work": [
            {
                "title": work.title,
                "kind": work.kind,
                "url": work.url,
                "started": work.started,
                "due": work.due,
                "chip": {"kind": LIGHTS[shown], "text": light_text(shown)},
            }
            for work in credit_desk.work(at)
            if (shown := light(work.started, work.due, at)) is not None
        ],
        "recent": [
            {
                "name": entry.agency.name,
                "url": reverse("office_credit_entry", args=[entry.pk]),
                "title": str(entry.rule),
                "points": credit_words.signed(entry.points),
                "entered_at": entry.entered_at,
                "chip": credit_words.entry_chip(entry, today),
            }
            for entry in recent[:RECENT]
        ],
        "may_add": accounts.acts_as(_person(request), "office"),
        "breadcrumb": _crumbs((_("Credit ledger"), "")),
    }
    return render(request, "agencies/office_credit.html", context)


@access("office")
@require_http_methods(["GET", "HEAD", "POST"])
def office_credit_add(request: HttpRequest) -> HttpResponse:
    """GET ?agency=<code> finds the agency; POST enters an event in its ledger."""
    at, user = clock.now(), _person(request)
    code = request.GET.get("agency", "")
    search = SearchForm(request.GET if "agency" in request.GET else None)
    agency: Agency | None = None
    if search.is_bound and search.is_valid():
        compact, _faults = rules.check_credit_code(search.cleaned_data["agency"])
        agency = queries.visible_to(user).filter(organisation__code=compact).first()
        if agency is None:
            search.add_error("agency", _("No agency with the code {code} is known here.").format(code=code))
    choices = [credit_words.rule_choice(rule) for rule in credit_rules.in_force(clock.local_date(at))]
    posted = request.method == "POST" and agency is not None
    form = EntryForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        rules=choices,
        initial={"key": secrets.token_hex(8)},
    )
    refusal = ledger.why_no_entry(agency, actor=user) if agency else None
    if posted and agency is not None:
        if refusal is not None:
            raise refusal
        entry = _add(form, agency, request) if form.is_valid() else None
        if entry is not None:
            messages.success(request, _("Entered. The agency has been told and may reply before it counts."))
            return redirect("office_credit_entry", entry.pk)
    context = {
        "search": search,
        "agency": agency,
        "chip": casefile.state_chip(agency) if agency else None,
        "form": form,
        "refused": refused(refusal),
        "breadcrumb": _crumbs(*_here(), (_("New entry"), "")),
    }
    status = 422 if form.errors or search.errors else 200
    return render(request, "agencies/office_credit_add.html", context, status=status)


def _add(form: EntryForm, agency: Agency, request: HttpRequest) -> CreditEntry | None:
    given = form.cleaned_data
    try:
        return ledger.add_entry(
            agency,
            given["rule"],
            summary=given["summary"],
            source=f"office:{given['key']}",
            happened_on=given["happened_on"],
            link=given["link"],
            evidence=given["evidence"],
            actor=_person(request),
            at=clock.now(),
        )
    except FieldErrors as refusal:
        add_errors(form, refusal)
        return None


# ---------- one entry ----------


def _entry(pk: int) -> CreditEntry:
    rows = CreditEntry.objects.select_related("agency__organisation", "rule", "evidence", "reply_file")
    return get_object_or_404(rows.prefetch_related("petitions__evidence"), pk=pk)


@access("office", "supervisor")
@require_safe
def office_credit_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry with its reply and petitions, and the decisions that wait; refused ones with their reasons."""
    return _entry_page(request, _entry(pk))


def _entry_page(request: HttpRequest, entry: CreditEntry, typed: forms.Form | None = None) -> HttpResponse:
    at, user = clock.now(), _person(request)
    url = reverse("office_credit_entry", args=[entry.pk])
    waiting = entry.state in (EntryState.REPLY, EntryState.REPLIED)
    pending = next((one for one in entry.petitions.all() if one.state == PetitionState.LODGED), None)
    verdicts = []
    if waiting:
        labels = {"confirm": _("Confirm the entry"), "drop": _("Drop the entry")}
        for name, label in labels.items():
            if name == "confirm" and entry.state != EntryState.REPLIED:
                continue
            reason = why_not(entry, name, actor=user, at=at, maker=entry.entered_by_id)
            verdicts.append(
                {
                    "name": name,
                    "label": label,
                    "url": reverse("office_credit_decide", args=[entry.pk, name]),
                    "refused": refused(reason),
                }
            )
    if pending is not None:
        maker = ledger.maker_of(entry, user)
        for name, label in {"grant": _("Grant the petition"), "reject": _("Reject the petition")}.items():
            reason = why_not(pending, name, actor=user, at=at, maker=maker)
            verdicts.append(
                {
                    "name": name,
                    "label": label,
                    "url": f"{reverse('office_petition_decide', args=[pending.pk])}?verdict={name}",
                    "refused": refused(reason),
                }
            )
    case = f"petition:{pending.pk}" if pending else f"ledger:{entry.pk}"
    context = {
        "agency": entry.agency,
        "agency_url": reverse("agency_ledger", args=[entry.agency.code]),
        "entry": credit_words.entry_row(entry, clock.local_date(at), full=True),
        "clock": credit_words.entry_clock(entry, at),
        "petitions": [credit_words.petition_row(petition, at) for petition in entry.petitions.all()],
        "verdicts": verdicts,
        "open": any(verdict["refused"] is None for verdict in verdicts),
        "form": typed or VerdictForm(),
        "standing": casework.standing(
            case, entry.stream_name(), user, url=url, is_open=bool(pending) or entry.state == EntryState.REPLIED
        ),
        "breadcrumb": _crumbs(*_here(), (_("Entry {number}").format(number=entry.pk), "")),
    }
    return render(request, "agencies/office_credit_entry.html", context, status=422 if typed else 200)


def _as_handler(case: str, agency: Agency, act: Callable[[], T], request: HttpRequest) -> T:
    return casework.act_as_handler(case, agency, act, actor=_person(request), at=clock.now())


@access("office")
@require_POST
def office_credit_decide(request: HttpRequest, pk: int, verdict: str) -> HttpResponse:
    """POST reason: confirm or drop an entry."""
    if verdict not in {"confirm", "drop"}:
        raise Http404
    entry, at, user = _entry(pk), clock.now(), _person(request)
    act = ledger.confirm if verdict == "confirm" else ledger.drop
    form = VerdictForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            _as_handler(f"ledger:{entry.pk}", entry.agency, lambda: act(entry, reason, actor=user, at=at), request)
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _entry_page(request, entry, form)
    messages.success(request, _("Decided; the agency has been told."))
    return redirect("office_credit_entry", entry.pk)


@access("office")
@require_POST
def office_petition_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """POST reason, with ?verdict=grant or reject: decide a petition."""
    verdict = request.GET.get("verdict", "")
    if verdict not in {"grant", "reject"}:
        raise Http404
    petition = get_object_or_404(CreditPetition.objects.select_related("entry", "agency__organisation"), pk=pk)
    at, user = clock.now(), _person(request)
    form = VerdictForm(request.POST)
    if form.is_valid():
        reason, grant = form.cleaned_data["reason"], verdict == "grant"
        try:
            _as_handler(
                f"petition:{petition.pk}",
                petition.agency,
                lambda: ledger.decide_petition(petition, grant=grant, reason=reason, actor=user, at=at),
                request,
            )
        except FieldErrors as refusal:
            add_errors(form, refusal)
    if form.errors:
        return _entry_page(request, _entry(petition.entry_id), form)
    messages.success(request, _("Decided; the agency has been told."))
    return redirect("office_credit_entry", petition.entry_id)
