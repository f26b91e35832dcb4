"""The agency's pages of its people: who acts for it (step 3) and its practitioners (step 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST, require_safe

from marketplace import clock
from marketplace.errors import FieldErrors, Text
from marketplace.permissions import access
from marketplace.templatetags.ui import date_text

from . import actions, casefile, kept_files, queries, rules, wizard
from .entry_views import onward
from .forms import RepresentedForm, add_errors
from .models import Agency, AuthorisedAgent, Practitioner
from .people_forms import AgentForm, PersonForm, PractitionerForm
from .states import EDITABLE
from .views import closed_page, crumbs, entry_crumbs, form_page, own, person, status_of, today

Person = Practitioner | AuthorisedAgent


@dataclass(frozen=True)
class Kind:
    """What differs between the two kinds of people: their step, form, words, pages and acts."""

    step: wizard.Step
    form: type[PersonForm]
    model: Any
    list_page: str
    add_page: str
    change_page: str
    remove_page: str
    add_title: Text
    change_title: Text
    add: Callable[..., Any]
    update: Callable[..., Any]
    remove: Callable[..., Any]


AGENT = Kind(
    wizard.AGENTS,
    AgentForm,
    AuthorisedAgent,
    "agency_agents",
    "agent_add",
    "agent_change",
    "agent_remove",
    gettext_lazy("Enter an authorised agent"),
    gettext_lazy("Change an authorised agent"),
    actions.add_agent,
    actions.update_agent,
    actions.remove_agent,
)
PRACTITIONER = Kind(
    wizard.PRACTITIONERS,
    PractitionerForm,
    Practitioner,
    "agency_practitioners",
    "practitioner_add",
    "practitioner_change",
    "practitioner_remove",
    gettext_lazy("Enter a practitioner"),
    gettext_lazy("Change a practitioner"),
    actions.add_practitioner,
    actions.update_practitioner,
    actions.remove_practitioner,
)


def _people(agency: Agency, kind: Kind) -> Any:
    files = kind.form.FILES
    return kind.model.objects.filter(agency=agency, left_on__isnull=True).select_related(*files)


def _row(kind: Kind, one: Person) -> dict[str, Any]:
    """A person as a row: who, on which papers, what is missing."""
    day = today()
    labels = {name: str(field.label) for name, field in kind.form.base_fields.items()}
    lacking = [labels[name] for name in kind.form.FILES if getattr(one, f"{name}_id") is None]
    if one.valid_until is not None and one.valid_until < day:
        chip = {"kind": "bad", "text": _("expired")}
    elif lacking:
        chip = {"kind": "warn", "text": pgettext("person", "papers are missing")}
    elif one.checked:
        chip = {"kind": "ok", "text": pgettext("person", "checked")}
    else:
        chip = {"kind": "neutral", "text": _("not checked yet")}
    rows = [{"label": one.get_id_kind_display(), "value": f"…{one.id_hint}"}]
    if isinstance(one, Practitioner):
        rows.append({"label": one.certificate_name, "value": one.certificate_number})
    else:
        rows.append({"label": labels["phone"], "value": one.phone})
        rows += [{"label": labels["email"], "value": one.email}] if one.email else []
    if one.valid_until is not None:
        rows.append({"label": labels["valid_until"], "value": date_text(one.valid_until)})
    return {
        "name": one.full_name,
        "chip": chip,
        "rows": rows,
        "lacking": lacking,
        "scans": [
            casefile.scan_row(upload) for name in kind.form.FILES if (upload := getattr(one, name)) is not None
        ],
        "change_url": reverse(kind.change_page, args=[one.pk]),
        "remove_url": reverse(kind.remove_page, args=[one.pk]),
    }


# ---------- step 3: who acts for the agency ----------


@access("agency")
@form_page
def agency_agents(request: HttpRequest) -> HttpResponse:
    """The legal representative himself, or agents by a letter of authority."""
    agency = own(request)
    if closed := closed_page(request, agency, str(AGENT.step.title), supplying=True):
        return closed
    editable = agency.state in EDITABLE
    posted = request.method == "POST"
    if posted and (closed := closed_page(request, agency, str(AGENT.step.title))):
        return closed
    form = RepresentedForm(request.POST if posted else None, initial={"represented_by": agency.represented_by})
    people = list(_people(agency, AGENT))
    if posted and form.is_valid():
        try:
            actions.update_basic_data(agency, form.cleaned_data, actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)
        else:
            by_agents = form.cleaned_data["represented_by"] == Agency.RepresentedBy.AGENTS
            return onward(request, reverse("agent_add") if by_agents and not people else wizard.after(AGENT.step))
    context = {
        "agency": agency,
        "form": form,
        "editable": editable,
        "people": [_row(AGENT, one) for one in people],
        "stepper": wizard.where(AGENT.step),
        "breadcrumb": entry_crumbs(str(AGENT.step.title)),
    }
    return render(request, "agencies/agents.html", context, status=status_of(form))


@access("agency")
@form_page
def agent_add(request: HttpRequest) -> HttpResponse:
    return _person_page(request, AGENT, None)


@access("agency")
@form_page
def agent_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _person_page(request, AGENT, pk)


@access("agency")
@require_POST
def agent_remove(request: HttpRequest, pk: int) -> HttpResponse:
    return _remove(request, AGENT, pk)


# ---------- step 4: practitioners ----------


@access("agency")
@require_safe
def agency_practitioners(request: HttpRequest) -> HttpResponse:
    agency = own(request)
    if closed := closed_page(request, agency, str(PRACTITIONER.step.title), supplying=True):
        return closed
    people = list(_people(agency, PRACTITIONER))
    needed = rules.people_needed(queries.offered_items(agency))
    context = {
        "agency": agency,
        "editable": agency.state in EDITABLE,
        "people": [_row(PRACTITIONER, one) for one in people],
        "needed": needed,
        "lacking": max(0, needed - len(people)),
        "next_url": wizard.after(PRACTITIONER.step),
        "stepper": wizard.where(PRACTITIONER.step),
        "breadcrumb": entry_crumbs(str(PRACTITIONER.step.title)),
    }
    return render(request, "agencies/practitioners.html", context)


@access("agency")
@form_page
def practitioner_add(request: HttpRequest) -> HttpResponse:
    return _person_page(request, PRACTITIONER, None)


@access("agency")
@form_page
def practitioner_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _person_page(request, PRACTITIONER, pk)


@access("agency")
@require_POST
def practitioner_remove(request: HttpRequest, pk: int) -> HttpResponse:
    return _remove(request, PRACTITIONER, pk)


# ---------- both ----------


def _person_page(request: HttpRequest, kind: Kind, pk: int | None) -> HttpResponse:
    """Enter or change somebody; what was typed and the files that were good stay until all is right."""
    agency = own(request)
    title = str(kind.change_title if pk else kind.add_title)
    if closed := closed_page(request, agency, title, supplying=True):
        return closed
    known = get_object_or_404(_people(agency, kind), pk=pk) if pk else None
    posted = request.method == "POST"
    form = kind.form(
        request.POST if posted else None,
        request.FILES if posted else None,
        agency=agency,
        on=today(),
        person=known,
    )
    if posted:
        at = clock.now()
        kept = kept_files.kept_of(request.POST, agency.organisation, form.FILES)
        if form.is_valid():
            given = {"values": form.values(), "files": form.good_files(), "kept": kept}
            try:
                if known is not None:
                    kind.update(agency, known, given, actor=person(request), at=at)
                else:
                    kind.add(agency, given, actor=person(request), at=at)
            except FieldErrors as refusal:
                add_errors(form, refusal)
            else:
                another = request.POST.get("then") == "another"
                return onward(request, reverse(kind.add_page if another else kind.list_page))
        kept_files.keep_chosen(form, agency, kept, actor=person(request), at=at)
    context = {
        "form": form,
        "title": title,
        "new": known is None,
        "back_url": reverse(kind.list_page),
        "breadcrumb": crumbs(
            (_("My desk"), reverse("desk")),
            (_("Entry of your agency"), reverse("agency_entry")),
            (str(kind.step.title), reverse(kind.list_page)),
            (title, ""),
        ),
    }
    return render(request, "agencies/person.html", context, status=status_of(form))


def _remove(request: HttpRequest, kind: Kind, pk: int) -> HttpResponseRedirect:
    agency = own(request)
    one = get_object_or_404(_people(agency, kind), pk=pk)
    kind.remove(agency, one, actor=person(request), at=clock.now())
    messages.success(request, _("{person} is taken off the list.").format(person=one.full_name))
    return redirect(kind.list_page)
