"""The portal: home, the public lists with their files, the live hall, how a draw works."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.decorators.http import require_safe

from agencies.models import Agency
from agencies.states import OPERATING
from marketplace import clock, paging, tables
from marketplace.models import ServiceItem
from marketplace.permissions import access

from . import listing, queries
from .filters import AwardFilter, NoticeFilter
from .models import DrawResult, LiveSession, SelectionTask
from .states import PUBLIC, TaskState

HOME_ROWS = 5
CLOSING_ROWS = 6
UPCOMING_ROWS = 4
CALENDAR_ROWS = 60


def address(name: str, *args: Any) -> str:
    """The address of a page, or "" in an installation that does not have it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def with_tasks(sessions: QuerySet[LiveSession]) -> QuerySet[LiveSession]:
    """Sessions with their tasks, owners, results and winners in one more query."""
    tasks = SelectionTask.objects.select_related("owner", "result", "award_notice__winner__organisation")
    return sessions.prefetch_related(Prefetch("tasks", tasks))


# ---------- home ----------


@access("public")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is live, what closes soon, what one may want to do, the counters, the newest notices."""
    at = clock.now()
    on_air = list(with_tasks(queries.live_now())[:3])
    planned = list(with_tasks(queries.upcoming())[: UPCOMING_ROWS + 1])
    sessions = [*on_air, *planned]
    closing = queries.notices().filter(state=TaskState.PUBLISHED, signup_deadline__gt=at)
    tab = "awards" if request.GET.get("tab") == "awards" else "purchase"
    context: dict[str, Any] = {
        "live": listing.live_strip(sessions[0]) if sessions else None,
        "upcoming": listing.upcoming_rows(sessions[1 : UPCOMING_ROWS + 1], at),
        "closing": listing.notice_rows(closing.order_by("signup_deadline", "pk")[:CLOSING_ROWS], at),
        "errands": errands(),
        "figures": figures(at),
        "tab": tab,
        "tabs": _tabs(tab, reverse("home"), anchor="#notices"),
    }
    if tab == "awards":
        context["awards"] = listing.award_rows(queries.awards()[:HOME_ROWS], at)
    else:
        newest = queries.notices().order_by("-published_at", "-pk")[:HOME_ROWS]
        context["notices"] = listing.notice_rows(newest, at)
    return render(request, "projects/portal/home.html", context)


def errands() -> list[dict[str, Any]]:
    """The five things people come for, each with its time or its limit; see components/task_list.html."""
    guide = address("help")
    return [
        {
            "icon": "building-2",
            "title": _("Register an agency"),
            "hint": _("Entirely online · checked within 2 working days"),
            "url": address("agency_register") or guide,
        },
        {
            "icon": "file-plus-corner",
            "title": _("Publish a purchase notice"),
            "hint": _("For project owners · checked and published by two people"),
            "url": address("owner_task_new") or address("owner_tasks") or guide,
        },
        {
            "icon": "hand-coins",
            "title": _("Sign up for a task"),
            "hint": _("Can be withdrawn until the deadline"),
            "url": f"{reverse('notice_list')}?state=published",
        },
        {
            "icon": "message-square-warning",
            "title": _("Complain about a selection"),
            "hint": _("Within 3 working days of the award notice"),
            "url": f"{guide}#complaint" if guide else "",
        },
        {
            "icon": "shield-check",
            "title": _("Verify a draw"),
            "hint": _("On this site, or offline with one command"),
            "url": reverse("verify_page"),
        },
    ]


def figures(at: datetime) -> list[dict[str, Any]]:
    """The counters, each a link to the list it counts."""
    agencies = Agency.objects.filter(state__in=OPERATING)
    total = agencies.count()
    outside = total - agencies.filter(origin=Agency.Origin.LOCAL).count()
    by_state = queries.task_by_state(SelectionTask.objects.filter(state__in=PUBLIC))
    year = clock.local_date(at).year
    drawn = DrawResult.objects.filter(at__year=year).count()
    ended = sum(by_state.get(state, 0) for state in (TaskState.AWARDED, TaskState.CONFIRMED, TaskState.FAILED))
    failed = by_state.get(TaskState.FAILED, 0)
    rate = _("{percent}% concluded").format(percent=f"{100 * (ended - failed) / ended:.1f}") if ended else ""
    items = ServiceItem.objects.filter(is_active=True)
    linked = items.filter(approval_linked=True).count()
    return [
        {
            "label": _("Agencies admitted"),
            "value": total,
            "note": _("{count} from outside this city").format(count=outside),
            "url": address("agency_list"),
        },
        {
            "label": _("Open for sign-up"),
            "value": by_state.get(TaskState.PUBLISHED, 0),
            "note": ngettext("{count} notice in all", "{count} notices in all", sum(by_state.values())).format(
                count=sum(by_state.values())
            ),
            "url": f"{reverse('notice_list')}?state=published",
        },
        {"label": _("Selections this year"), "value": drawn, "note": rate, "url": f"{reverse('live_list')}#past"},
        {
            "label": _("Service items"),
            "value": items.count(),
            "note": _("{count} tied to an approval").format(count=linked),
            "url": address("catalogue"),
        },
    ]


def _tabs(current: str, base: str, *, anchor: str = "") -> list[dict[str, Any]]:
    agencies = address("agency_list")
    items = [
        {"label": _("Purchase notices"), "url": f"{base}{anchor}", "current": current == "purchase"},
        {"label": _("Award notices"), "url": f"{base}?tab=awards{anchor}", "current": current == "awards"},
    ]
    if agencies:
        items.append({"label": _("Entry publicity"), "url": f"{agencies}?state=publicity"})
    return items


# ---------- notices ----------


def filtered(request: HttpRequest) -> tuple[str, NoticeFilter]:
    """(tab, filter over its rows) that the address asks for."""
    if request.GET.get("tab") == "awards":
        return "awards", AwardFilter(request.GET, queries.awards(), request=request)
    return "purchase", NoticeFilter(request.GET, queries.notices(), request=request)


@access("public")
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """GET /notices/?tab=&q=&service_class=&item=&state=&owner=&after=: newest first."""
    at = clock.now()
    tab, found = filtered(request)
    page: paging.Page[Any] = paging.page_of(found.qs, key="published_at", query=request.GET, newest_first=True)
    wanted = request.GET.copy()
    for name in ("after", "before"):
        wanted.pop(name, None)
    suffix = f"?{wanted.urlencode()}" if wanted else ""
    asked = [name for name in found.filters if name not in {"q", "state"} and request.GET.get(name)]
    context = {
        "tab": tab,
        "tabs": _tabs(tab, reverse("notice_list")),
        "rows": listing.award_rows(page.rows, at) if tab == "awards" else listing.notice_rows(page.rows, at),
        "page": page,
        "filter": found,
        "search": {"label": found.filters["q"].label, "name": "q", "value": request.GET.get("q", "")},
        "chips": _state_chips(request, found),
        "hidden": {"tab": "awards"} if tab == "awards" else {},
        "more_open": bool(asked or found.form.errors),
        "result_count": found.qs.order_by().count(),
        "clear_url": _clear_url(request, tab),
        "csv_url": reverse("notice_csv") + suffix,
        "rss_url": reverse("notice_rss") + suffix,
    }
    return render(request, "projects/portal/notice_list.html", context)


def _clear_url(request: HttpRequest, tab: str) -> str:
    if not any(value for name, value in request.GET.items() if name not in {"tab", "after", "before"}):
        return ""
    return reverse("notice_list") + ("?tab=awards" if tab == "awards" else "")


def _state_chips(request: HttpRequest, found: NoticeFilter) -> list[dict[str, Any]]:
    """One link for each state, keeping the other conditions."""
    current = request.GET.get("state", "")
    chips = []
    for value, label in [("", pgettext("states", "All")), *found.filters["state"].extra["choices"]]:
        query = request.GET.copy()
        for name in ("after", "before", "state"):
            query.pop(name, None)
        if value:
            query["state"] = value
        chips.append({"label": label, "url": f"?{query.urlencode()}", "current": current == value})
    return chips


NOTICE_COLUMNS = (
    gettext_lazy("number"),
    gettext_lazy("project"),
    gettext_lazy("owner"),
    gettext_lazy("service item"),
    gettext_lazy("mode"),
    gettext_lazy("price limit (yuan)"),
    gettext_lazy("published"),
    gettext_lazy("sign-up closes"),
    gettext_lazy("live selection"),
    gettext_lazy("state"),
    gettext_lazy("sign-ups"),
)
AWARD_COLUMNS = (
    gettext_lazy("award number"),
    gettext_lazy("number"),
    gettext_lazy("project"),
    gettext_lazy("owner"),
    gettext_lazy("service item"),
    gettext_lazy("winner"),
    gettext_lazy("winner's credit code"),
    gettext_lazy("published"),
    gettext_lazy("publicity until"),
)


def _local(moment: datetime | None) -> str:
    return moment.astimezone(clock.SHANGHAI).isoformat(timespec="seconds") if moment else ""


@access("public")
@require_safe
def notice_csv(request: HttpRequest) -> HttpResponse:
    """The list with its filters as a file; the newest rows up to the limit of one file."""
    tab, found = filtered(request)
    rows = found.qs.order_by("-published_at", "-pk")[: tables.ROW_LIMIT]
    if tab == "awards":
        return tables.csv_response(
            "awards",
            AWARD_COLUMNS,
            (
                (
                    award.number,
                    award.task.code,
                    award.task.name,
                    award.task.owner.name,
                    award.task.item,
                    award.winner.organisation.name,
                    award.winner.organisation.code,
                    _local(award.published_at),
                    _local(award.publicity_until),
                )
                for award in rows
            ),
        )
    return tables.csv_response(
        "notices",
        NOTICE_COLUMNS,
        (
            (
                task.code,
                task.name,
                task.owner.name,
                task.item,
                task.get_mode_display(),
                task.amount_yuan if task.amount_yuan is not None else "",
                _local(task.published_at),
                _local(task.signup_deadline),
                _local(task.selection_at),
                task.get_state_display(),
                task.signups,
            )
            for task in rows
        ),
    )


# ---------- live hall, how it works ----------


@access("public")
@require_safe
def live_list(request: HttpRequest) -> HttpResponse:
    """Now, the calendar of planned sessions, and the past ones with replay and transcripts."""
    page = paging.page_of(with_tasks(queries.past()), key="open_at", query=request.GET, size=12, newest_first=True)
    context = {
        "on_air": [listing.live_strip(row) for row in with_tasks(queries.live_now())],
        "upcoming": listing.upcoming_rows(with_tasks(queries.upcoming())[:CALENDAR_ROWS], clock.now()),
        "past": [listing.past_row(row) for row in page.rows],
        "page": page,
    }
    return render(request, "projects/portal/live_list.html", context)


@access("public")
@require_safe
def how_it_works(request: HttpRequest) -> HttpResponse:
    return render(request, "projects/portal/how_it_works.html")
