"""The desks of the owner and of the office. The agency's pages are in `agency_views`, the public ones in `portal`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace import accounts, clock, uploads
from marketplace.errors import FieldErrors, RuleBroken
from marketplace.models import Organisation, User
from marketplace.paging import page_of
from marketplace.parameters import number
from marketplace.permissions import access
from marketplace.workflow import why_not

from . import actions, notices, queries, rules
from .desk import crumbs, person
from .forms import CompletionForm, PublishForm, ReturnForm, TaskForm, add_field_errors, first_values, values_of
from .models import SelectionTask
from .states import WITH_AWARD, TaskState

# ---------- the owner ----------


def owner_tabs() -> list[tuple[str, str, tuple[str, ...]]]:
    """(name in the address, words, states) of the owner's list."""
    return [
        ("", pgettext("tasks", "All"), tuple(TaskState.values)),
        ("draft", _("To be completed"), (TaskState.DRAFT, TaskState.RETURNED)),
        ("check", _("At the office"), (TaskState.SUBMITTED, TaskState.CHECKED)),
        ("open", _("Open for sign-up"), (TaskState.PUBLISHED,)),
        ("selection", _("Before the selection"), (TaskState.CLOSED,)),
        ("awarded", _("Award in publicity"), (TaskState.AWARDED,)),
        ("confirmed", pgettext("tasks", "Confirmed"), (TaskState.CONFIRMED,)),
        ("failed", pgettext("tasks", "Failed"), (TaskState.FAILED,)),
    ]


@access("owner")
@require_safe
def owner_tasks(request: HttpRequest) -> HttpResponse:
    """GET /desk/tasks/?tab=&after=: the unit's tasks, a delegate's own; newest first."""
    tasks = queries.own_tasks(person(request))
    counts = queries.task_by_state(tasks)
    wanted = request.GET.get("tab", "")
    tabs = owner_tabs()
    states = next((states for name, _words, states in tabs if name == wanted), tuple(TaskState.values))
    page = page_of(tasks.filter(state__in=states), key="created_at", query=request.GET, newest_first=True)
    context = {
        "tabs": [
            {
                "label": words,
                "url": f"?tab={name}" if name else reverse("owner_tasks"),
                "count": sum(counts.get(state, 0) for state in of_tab),
                "current": name == wanted,
            }
            for name, words, of_tab in tabs
        ],
        "rows": [_task_row(task, "owner_task") for task in page.rows],
        "page": page,
        "breadcrumb": crumbs((_("My tasks"), "")),
    }
    return render(request, "projects/desk/owner_tasks.html", context)


def _task_row(task: SelectionTask, page: str) -> dict[str, Any]:
    """A row of components/notice_table.html that leads to a desk page."""
    return {
        "title": task.name,
        "url": reverse(page, args=[task.code]),
        "note": f"{task.code} · {task.owner.name}",
        "mode": task.get_mode_display(),
        "price": task.amount_yuan,
        "deadline": task.signup_deadline,
        "chip": notices.state_chip(task),
    }


def _own_task(request: HttpRequest, code: str) -> SelectionTask:
    return get_object_or_404(queries.own_tasks(person(request)), code=code)


@access("owner")
@require_http_methods(["GET", "HEAD", "POST"])
def owner_task_new(request: HttpRequest) -> HttpResponse:
    """A new notice; it is kept as a draft and submitted from its own page."""
    user, at = person(request), clock.now()
    owner = accounts.organisation_of(user, Organisation.Kind.OWNER)
    assert owner is not None
    if request.method != "POST":
        return _form_page(request, TaskForm(initial=first_values(user, at)), at)
    form = TaskForm(request.POST, request.FILES)
    if not form.is_valid() or (task := _save(form, user, at, owner=owner)) is None:
        return _form_page(request, form, at)
    messages.success(
        request, _("The draft {code} is saved. Read it once more, then submit it.").format(code=task.code)
    )
    return redirect("owner_task", task.code)


@access("owner")
@require_http_methods(["GET", "HEAD", "POST"])
def owner_task_edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change a draft or a returned notice."""
    user, at = person(request), clock.now()
    task = _own_task(request, code)
    if refusal := actions.why_not_edit(task, user):
        raise refusal
    if request.method != "POST":
        return _form_page(request, TaskForm(initial=values_of(task), task=task), at, task)
    form = TaskForm(request.POST, request.FILES, task=task)
    if not form.is_valid() or _save(form, user, at, task=task) is None:
        return _form_page(request, form, at, task)
    messages.success(request, _("Your changes are saved."))
    return redirect("owner_task", task.code)


def _save(
    form: TaskForm, user: User, at: datetime, *, owner: Organisation | None = None, task: SelectionTask | None = None
) -> SelectionTask | None:
    """Keep the files and call the act, both or neither; None when it refused and its sentences are in the form."""
    unit = task.owner if task is not None else owner
    assert unit is not None
    try:
        with transaction.atomic():
            stored = [
                uploads.store(file, organisation=unit, actor=user, at=at, field="files") for file in form.new_files()
            ]
            content: dict[str, Any] = {
                "fields": form.notice_fields(),
                "avoidances": form.avoidances(),
                "attachments": [*form.kept(), *stored],
            }
            if task is None:
                return actions.draft_task(actor=user, at=at, owner=unit, **content)
            return actions.edit_task(task, actor=user, at=at, **content)
    except FieldErrors as error:
        add_field_errors(form, error)
        return None


def _form_page(request: HttpRequest, form: TaskForm, at: datetime, task: SelectionTask | None = None) -> HttpResponse:
    rules_on = task.rules_on if task is not None else clock.local_date(at)
    earliest = rules.earliest_signup_deadline(at, rules_on)
    title = _("Change the notice") if task is not None else _("New purchase notice")
    last = [(task.code, reverse("owner_task", args=[task.code]))] if task is not None else []
    context = {
        "form": form,
        "task": task,
        "title": title,
        "breadcrumb": crumbs((_("My tasks"), reverse("owner_tasks")), *last, (title, "")),
        "earliest": notices.earliest_clock(_("Earliest sign-up deadline, if it were published now"), earliest, at),
        "demo_times": earliest.derivation["demo"],
        "roster_lead": notices.span_text(number("session.roster_lead", rules_on)),
        "cancel_url": reverse("owner_task", args=[task.code]) if task is not None else reverse("owner_tasks"),
    }
    return render(request, "projects/desk/task_form.html", context, status=422 if form.errors else 200)


@access("owner")
@require_safe
def owner_task(request: HttpRequest, code: str) -> HttpResponse:
    """GET /desk/tasks/<code>/: the notice, where it stands, what is open to do and what not, and why."""
    return _owner_task_page(request, _own_task(request, code), clock.now())


def _owner_task_page(
    request: HttpRequest, task: SelectionTask, at: datetime, completion: CompletionForm | None = None
) -> HttpResponse:
    user = person(request)
    if completion is None and actions.why_not_complete(task, user) is None:
        completion = CompletionForm()
    acts = _owner_acts(task, user, at)
    context = {
        "task": task,
        "chip": notices.state_chip(task),
        "next": next_step(task),
        "acts": acts,
        "refused": [act for act in acts if "refused" in act],
        "completion": completion,
        "completion_url": reverse("owner_task_service", args=[task.code]),
        "service": notices.service_facts(task),
        "notice": notices.notice_body(task),
        "timeline": notices.timeline(task, at),
        "breadcrumb": crumbs((_("My tasks"), reverse("owner_tasks")), (task.code, "")),
    }
    wrong = completion is not None and bool(completion.errors)
    return render(request, "projects/desk/owner_task.html", context, status=422 if wrong else 200)


def _owner_acts(task: SelectionTask, user: User, at: datetime) -> list[dict[str, Any]]:
    """The owner's verbs for components/acts.html while the notice is his; afterwards its public pages."""
    if task.session is not None:
        acts = [{"label": _("Public notice"), "url": reverse("notice_detail", args=[task.code])}]
        if task.state in (TaskState.CLOSED, *WITH_AWARD):
            acts.append({"label": _("Live page"), "url": reverse("live_page", args=[task.session.sid])})
        return acts
    submit: dict[str, Any] = {"label": _("Submit for the check"), "post": True}
    submit["url"] = reverse("owner_task_submit", args=[task.code])
    change: dict[str, Any] = {"label": _("Change the notice"), "url": reverse("owner_task_edit", args=[task.code])}
    for act, refusal in (
        (submit, why_not(task, "submit", actor=user, at=at)),
        (change, actions.why_not_edit(task, user)),
    ):
        if refusal is not None:
            act |= {"refused": notices.refusal_text(refusal), "rule": refusal.basis}
    return [submit, change]


def next_step(task: SelectionTask) -> str:
    """What happens next with a task, in one sentence for its owner."""
    moment = notices.moment
    opens = task.session.open_at if task.session is not None else task.selection_at
    sentences = {
        TaskState.DRAFT: _("The draft is not public. Submit it when it is complete."),
        TaskState.SUBMITTED: _("One member of the office checks the notice; another one publishes it."),
        TaskState.RETURNED: _("Mend every defect named here and submit the notice again."),
        TaskState.CHECKED: _("The notice is in order. Another member of the office publishes it."),
        TaskState.PUBLISHED: _("Agencies sign up until {deadline}. The live selection is planned for {opens}."),
        TaskState.CLOSED: _("The list can no longer change. The live selection begins at {opens}."),
        TaskState.AWARDED: _("The award notice is public. No contract before the publicity period has ended."),
        TaskState.CONFIRMED: _("The award is confirmed; the contract can be concluded."),
        TaskState.FAILED: _("Too few agencies signed up. You may publish the task again with a new notice."),
    }
    return sentences[task.state].format(deadline=moment(task.signup_deadline), opens=moment(opens))


@access("owner")
@require_POST
def owner_task_submit(request: HttpRequest, code: str) -> HttpResponse:
    task = _own_task(request, code)
    actions.submit_task(task, actor=person(request), at=clock.now())
    messages.success(request, _("The notice is submitted. You are told when it is published or returned."))
    return redirect("owner_task", task.code)


@access("owner")
@require_POST
def owner_task_service(request: HttpRequest, code: str) -> HttpResponse:
    """POST /desk/tasks/<code>/service/: the service was completed; the task's page again with the faults, if any."""
    task, at = _own_task(request, code), clock.now()
    if refusal := actions.why_not_complete(task, person(request)):
        raise refusal
    form = CompletionForm(request.POST)
    if form.is_valid():
        try:
            actions.complete_service(task, **form.cleaned_data, actor=person(request), at=at)
        except FieldErrors as error:
            add_field_errors(form, error)
        else:
            messages.success(request, _("The service is recorded as completed; the agency is told."))
            return redirect("owner_task", task.code)
    return _owner_task_page(request, task, at, form)


# ---------- the office ----------

QUEUES = (TaskState.SUBMITTED, TaskState.CHECKED, TaskState.PUBLISHED)


@access("office", "supervisor")
@require_safe
def office_tasks(request: HttpRequest) -> HttpResponse:
    """GET /office/tasks/?queue=: notices to check, to publish, and published ones; the oldest waits first."""
    tasks = queries.visible_to(person(request)).filter(state__in=QUEUES)
    counts = queries.task_by_state(tasks)
    wanted = request.GET.get("queue", "")
    queue = wanted if wanted in QUEUES else TaskState.SUBMITTED
    words = {
        TaskState.SUBMITTED: _("To check"),
        TaskState.CHECKED: _("To publish"),
        TaskState.PUBLISHED: _("Open for sign-up"),
    }
    newest = queue == TaskState.PUBLISHED
    page = page_of(tasks.filter(state=queue), key="created_at", query=request.GET, newest_first=newest)
    context = {
        "tabs": [
            {"label": label, "url": f"?queue={state}", "count": counts.get(state, 0), "current": state == queue}
            for state, label in words.items()
        ],
        "rows": [_task_row(task, "office_task") for task in page.rows],
        "page": page,
        "breadcrumb": crumbs((_("Notices at the office"), "")),
    }
    return render(request, "projects/desk/office_tasks.html", context)


@access("office", "supervisor")
@require_http_methods(["GET", "HEAD", "POST"])
def office_task(request: HttpRequest, code: str) -> HttpResponse:
    """The notice exactly as it will be public, and the office's verbs: POST act=check, return or publish."""
    user, at = person(request), clock.now()
    task = get_object_or_404(queries.visible_to(user), code=code)
    act = request.POST.get("act", "")
    returning = ReturnForm(request.POST if act == "return" else None, prefix="return")
    proposed = PublishForm.proposed(task, at)
    publishing = PublishForm(request.POST if act == "publish" else None, prefix="publish", initial=proposed)
    if request.method == "POST":
        done = _office_act(request, task, act, returning, publishing, user, at)
        if done is not None:
            return done
    context = {
        "task": task,
        "chip": notices.state_chip(task),
        "notice": notices.notice_body(task),
        "seen": actions.fingerprint(task),
        "timeline": notices.timeline(task, at),
        "verbs": {
            "check": _verb(task, "check_notice", user, at),
            "return": _verb(task, "return_for_correction", user, at) | {"form": returning},
            "publish": _verb(task, "publish", user, at, **proposed) | {"form": publishing},
        },
        "breadcrumb": crumbs((_("Notices at the office"), reverse("office_tasks")), (task.code, "")),
    }
    if task.state == TaskState.CHECKED:
        earliest = rules.earliest_signup_deadline(at, task.rules_on)
        context |= {
            "earliest": notices.earliest_clock(_("Earliest sign-up deadline, if published now"), earliest, at),
            "demo_times": earliest.derivation["demo"],
            "roster_lead": notices.span_text(number("session.roster_lead", task.rules_on)),
            "wish": {"closes": task.signup_deadline, "opens": task.selection_at},
        }
    wrong = returning.errors or publishing.errors
    return render(request, "projects/desk/office_task.html", context, status=422 if wrong else 200)


def _verb(task: SelectionTask, name: str, user: User, at: datetime, **facts: Any) -> dict[str, Any]:
    """Whether a verb is open to this person now, and if not, why."""
    refusal = why_not(task, name, actor=user, at=at, **facts)
    if refusal is None:
        return {"open": True}
    return {"open": False, "refused": notices.refusal_text(refusal), "rule": refusal.basis}


# Which field a refusal of the publication is about.
PUBLISH_FIELDS = {"window_long_enough": "signup_deadline", "roster_time_left": "selection_at"}


def _office_act(
    request: HttpRequest,
    task: SelectionTask,
    act: str,
    returning: ReturnForm,
    publishing: PublishForm,
    user: User,
    at: datetime,
) -> HttpResponseRedirect | None:
    """Do the posted verb and go back to the queue; None when the form has to be shown again."""
    try:
        if act == "check":
            actions.check_task(task, actor=user, at=at, seen=request.POST.get("seen"))
            messages.success(request, _("{code} is checked. A colleague publishes it.").format(code=task.code))
        elif act == "return" and returning.is_valid():
            reasons = returning.lines()
            actions.return_task(task, actor=user, at=at, reasons=reasons)
            words = ngettext(
                "{code} is returned with {count} defect.", "{code} is returned with {count} defects.", len(reasons)
            )
            messages.success(request, words.format(code=task.code, count=len(reasons)))
        elif act == "publish" and publishing.is_valid():
            actions.publish_notice(task, actor=user, at=at, seen=request.POST.get("seen"), **publishing.cleaned_data)
            messages.success(request, _("{code} is public and open for sign-up.").format(code=task.code))
        elif act not in {"return", "publish"}:
            raise Http404
        else:
            return None
    except FieldErrors as error:
        add_field_errors(returning if act == "return" else publishing, error)
        return None
    except RuleBroken as refusal:
        if act != "publish" or refusal.code not in PUBLISH_FIELDS:
            raise
        publishing.add_error(PUBLISH_FIELDS[refusal.code], notices.refusal_text(refusal))
        return None
    return redirect("office_task", task.code)
