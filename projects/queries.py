"""Named reads of selection: what each person may see, and the lists the pages show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import ngettext

from agencies.models import Agency, ServiceRecord
from agencies.queries import Check, fitting_items
from marketplace import accounts, clock, events
from marketplace.models import Organisation, User

from . import rules
from .models import Avoidance, Award, LiveSession, SelectionTask, SignUp, standing
from .states import LIVE, PUBLIC, SessionState, TaskState


def visible_to(user: User | None) -> QuerySet[SelectionTask]:
    """Published tasks are everybody's; drafts are their owner's (a delegate's own), the office's and the supervisor's."""
    tasks = SelectionTask.objects.select_related("owner", "item", "session")
    if accounts.acts_as(user, Organisation.Kind.OFFICE) or accounts.acts_as(user, Organisation.Kind.SUPERVISOR):
        return tasks
    return tasks.filter(Q(state__in=PUBLIC) | _owned_by(user))


def notices() -> QuerySet[SelectionTask]:
    """Public tasks with their live count of valid sign-ups as `signups`."""
    return (
        SelectionTask.objects.filter(state__in=PUBLIC)
        .select_related("owner", "item", "session")
        .annotate(signups=Count("sign_ups", filter=standing("sign_ups__")))
    )


def signup_count(task: SelectionTask) -> int:
    return task.sign_ups.filter(standing()).count()


def my_sign_up(task: SelectionTask, agency: Agency | None) -> SignUp | None:
    """The agency's sign-up unless it was withdrawn, or None; it may have been excluded at the close."""
    return task.sign_ups.filter(agency=agency, withdrawn_at__isnull=True).first() if agency else None


def agency_of(user: User | None) -> Agency | None:
    organisation = accounts.organisation_of(user, Organisation.Kind.AGENCY)
    return Agency.objects.filter(pk=organisation.pk).select_related("organisation").first() if organisation else None


def live_now() -> QuerySet[LiveSession]:
    """Sessions on the air, then the planned ones, soonest first."""
    return LiveSession.objects.filter(state__in=LIVE).order_by("open_at", "pk")


def upcoming() -> QuerySet[LiveSession]:
    return LiveSession.objects.filter(state=SessionState.PLANNED).order_by("open_at", "pk")


def past() -> QuerySet[LiveSession]:
    return LiveSession.objects.filter(state=SessionState.FINISHED).order_by("-open_at", "-pk")


def awards() -> QuerySet[Award]:
    return Award.objects.select_related(
        "task__owner", "task__item", "winner__organisation", "task__session"
    ).order_by("-published_at", "-pk")


def transcript(task: SelectionTask) -> dict[str, Any]:
    """The whole evidence of one draw as one JSON object, `draw/v1/transcript`; `verify.py` accepts it offline.

    Complete only after the result; the caller asks for `task.result` first.
    """
    session = task.session
    assert session is not None
    result, seal = task.result, session.seal
    stream, case = session.stream_name(), task.stream_name()
    envelopes = events.read_all(stream)
    planned = envelopes[0]["data"]
    signups = [item.entry for item in task.sign_ups.order_by("pk")]
    return {
        "t": "draw/v1/transcript",
        "log": planned["log"],
        "entries": {
            "plan": session.plan,
            "post": task.post,
            "close": task.closing,
            "open": session.opening,
            "freeze": seal.entry,
            "result": result.entry,
            "signups": signups,
        },
        "pot": [item.line for item in session.pot.filter(attempt=session.attempt).order_by("pk")],
        "streams": {stream: envelopes, case: events.read_all(case)},
    }


def service_source(task: SelectionTask) -> str:
    """Under which name the task's service stands among those of its agency (see `open_services`)."""
    return f"task:{task.code}"


def service_of(task: SelectionTask) -> ServiceRecord | None:
    """The record that the task's service was completed. No query before the award is confirmed."""
    if task.state != TaskState.CONFIRMED:
        return None
    return ServiceRecord.objects.filter(source=service_source(task), agency=task.award_notice.winner_id).first()


def exclusions_of(task: SelectionTask) -> list[SignUp]:
    """Who signed up but was not on the closed list; empty as long as there is none. One query."""
    found = task.sign_ups.filter(excluded_at__isnull=False).select_related("agency__organisation")
    return list(found) if task.closing else []


def own_tasks(user: User | None) -> QuerySet[SelectionTask]:
    """The tasks of the owners a person acts for: a manager's whole unit, a delegate's own."""
    return SelectionTask.objects.filter(_owned_by(user)).select_related("owner", "item", "session")


def _owned_by(user: User | None) -> Q:
    seen = Q(pk__in=())
    for membership in accounts.memberships(user):
        if membership.organisation.kind == Organisation.Kind.OWNER:
            own = Q(owner_id=membership.organisation_id)
            if membership.role != "manager":
                own &= Q(created_by_id=membership.user_id)
            seen |= own
    return seen


def open_tasks(agency: Agency, at: datetime) -> QuerySet[SelectionTask]:
    """Tasks open for sign-up, the first deadline first, with `mine` (signed up) and `avoided` of the agency."""
    own = SignUp.objects.filter(task=OuterRef("pk"), agency=agency, withdrawn_at__isnull=True)
    kept_away = Avoidance.objects.filter(task=OuterRef("pk"), agency=agency)
    return (
        SelectionTask.objects.filter(state=TaskState.PUBLISHED, signup_deadline__gte=at)
        .select_related("owner", "item", "session")
        .annotate(mine=Exists(own), avoided=Exists(kept_away))
        .order_by("signup_deadline", "pk")
    )


def fitting_tasks(agency: Agency, at: datetime) -> QuerySet[SelectionTask]:
    """Of the open tasks those the agency may sign up for and has not."""
    fitting = fitting_items(agency, clock.local_date(at))
    found = open_tasks(agency, at).filter(Q(mine=False), Q(avoided=False), item__in=fitting)
    return found if agency.stars > 1 else found.filter(fund_government=0)


def star_checks(task: SelectionTask, stars: int) -> list[Check]:
    """The condition of stars as a check beside those of eligibility; none where social funds pay."""
    if not task.uses_government_funds:
        return []
    ok = rules.stars_suffice(task, stars=stars)
    words = ngettext("The agency has {stars} star.", "The agency has {stars} stars.", stars).format(stars=stars)
    return [Check(ok, words if ok else str(rules.stars_suffice.sentence))]


def sign_ups_of(user: User | None) -> QuerySet[SignUp]:
    """The sign-ups of the agencies a person acts for, newest first, with task, session and award."""
    agencies = [
        m.organisation_id for m in accounts.memberships(user) if m.organisation.kind == Organisation.Kind.AGENCY
    ]
    return (
        SignUp.objects.filter(agency__in=agencies)
        .select_related(
            "agency__organisation", "task__owner", "task__item", "task__session", "task__award_notice__winner"
        )
        .order_by("-at", "-pk")
    )


def task_by_state(tasks: QuerySet[SelectionTask]) -> dict[str, int]:
    return dict(tasks.order_by().values_list("state").annotate(n=Count("pk")))
