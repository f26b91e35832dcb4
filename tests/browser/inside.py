"""What the browser tests ask the running site's own database. Run inside it, by `DemoSite.ask`."""

from __future__ import annotations

import time
from datetime import timedelta
from random import Random
from typing import Any

from agencies.demo_entry import enter_agency
from agencies.models import Agency
from agencies.queries import eligible_agencies
from agencies.rules import minimum_people
from agencies.states import AgencyState, EntryState
from marketplace import casefile, casework, clock
from marketplace.installation import DEMO_PASSWORD
from marketplace.models import AccessClaim, Requirement, ServiceItem, User
from projects import actions
from projects.demo import director, names, tasks
from projects.demo.world import World
from projects.forms import NOTICE_FIELDS
from projects.models import LiveSession, SelectionTask
from projects.states import PUBLIC, SessionState, TaskState

# A viewer who opens the page with so much time left sees the session from before its opening.
BEFORE_OPENING = timedelta(seconds=12)
DIRECTOR_STARTS_S = 60


def next_session() -> dict[str, str]:
    """{sid, code of its task} of the next live selection that has not begun.

    The director begins one within a minute of the start; when the last one is only just over, one is published by the
    same acts instead of waiting for the director's pause to end.
    """
    limit = time.monotonic() + DIRECTOR_STARTS_S
    while time.monotonic() < limit:
        now = clock.now()
        planned = LiveSession.objects.filter(state=SessionState.PLANNED, open_at__lt=now + timedelta(minutes=10))
        found = planned.filter(open_at__gt=now + BEFORE_OPENING).order_by("open_at").first()
        if found is None and LiveSession.objects.filter(seal__at__gt=now - director.PAUSE).exists():
            found = director.publish_live_task(tasks.LIVE[0], now).session
        if found is not None:
            return {"sid": found.sid, "code": found.tasks.get().code}
        time.sleep(0.2)
    raise SystemExit("no live selection was planned")


def entitled_agency() -> dict[str, str]:
    """{login, name, item}: an agency the director leaves to visitors, and an item that it and many others may take."""
    today = clock.local_date(clock.now())
    for login in (f"agency{number}" for number in range(1, 10)):
        agency = Agency.objects.get(organisation__memberships__user__username=login)
        for item in ServiceItem.objects.filter(is_active=True):
            entitled = eligible_agencies(item, today)
            if entitled.filter(pk=agency.pk).exists() and entitled.count() > 12:
                return {"login": login, "name": agency.organisation.name, "item": item.pk}
    raise SystemExit("none of the visitors' agencies is entitled to a common item")


def session_of(code: str) -> str:
    task = SelectionTask.objects.select_related("session").get(code=code)
    assert task.session is not None
    return str(task.session.sid)


def sights() -> dict[str, Any]:
    """One address of each kind of page, and beside what the demo has: entries and a notice on their way."""
    notices: dict[str, str] = {}
    for task in SelectionTask.objects.filter(state__in=PUBLIC).order_by("-pk"):
        notices.setdefault(task.state, task.code)
    still_open = SelectionTask.objects.filter(state=TaskState.PUBLISHED).order_by("-signup_deadline")[0]
    ended = LiveSession.objects.filter(state=SessionState.FINISHED).order_by("open_at")[0]
    planned = LiveSession.objects.filter(state=SessionState.PLANNED).order_by("-open_at")[0]
    active = Agency.objects.filter(state=AgencyState.ACTIVE)[0]
    return {
        "notices": notices,
        "open": still_open.code,
        "ended": ended.sid,
        "planned": planned.sid,
        "agency": active.organisation.code,
        "waiting_entry": _entry("waiting", AgencyState.SUBMITTED),
        "draft_entry": _entry("entrant", AgencyState.DRAFT),
        **_cases(still_open),
    }


def _entry(username: str, until: AgencyState) -> str:
    """The code of a new agency in the middle of its entry; its manager logs in as `username`."""
    at = clock.now() - timedelta(days=1)
    company = names.companies(Random(username))[0]
    requirements: dict[str, list[Requirement]] = {code: [] for code in company.items}
    for requirement in Requirement.objects.filter(item__in=company.items).select_related("item"):
        requirements[requirement.item_id].append(requirement)
    agency = enter_agency(
        member=User.objects.create_user(username, password=DEMO_PASSWORD, full_name=company.person),
        organisation_fields={"name": f"{company.name}分公司", "code": company.code},
        agency_fields={
            "origin": company.origin,
            "legal_representative": company.person,
            "address": company.address,
            "established_on": clock.local_date(at) - timedelta(days=2000),
            "contact_name": company.person,
            "contact_phone": company.phone,
            "contact_email": f"{username}@demo.example",
        },
        items=company.items,
        qualifications=World(seed=username, at=at).qualifications(company, requirements),
        at=at,
        checker=User.objects.get(username="office1"),
        until=until,
    )
    return str(agency.organisation.code)


def _cases(like: SelectionTask) -> dict[str, str]:
    """{state: code} of the first owner's notices that are not public yet."""
    manager = User.objects.get(username="owner1")
    owner = manager.memberships.get().organisation
    fields = {field: getattr(like, field) for field in NOTICE_FIELDS}
    codes = {}
    for name in ("draft_case", "submitted_case", "checked_case"):
        at = clock.now()
        task = actions.draft_task(actor=manager, at=at, owner=owner, fields=fields)
        if name != "draft_case":
            task = actions.submit_task(task, actor=manager, at=at)
        if name == "checked_case":
            task = actions.check_task(task, actor=User.objects.get(username="office2"), at=at)
        codes[name] = task.code
    return codes


def new_person(username: str) -> str:
    """A person who belongs to nothing yet."""
    User.objects.create_user(username, password=DEMO_PASSWORD, full_name="陈启程", email=f"{username}@demo.example")
    return username


def item_with_practitioners() -> tuple[str, int]:
    """(item, its requirement): a service that asks for the fewest certified people and for nothing else."""
    people = Requirement.objects.filter(kind=Requirement.Kind.PRACTITIONERS, item__is_active=True)
    alone = [one for one in people if one.item.requirements.count() == 1 and minimum_people(one)]
    if not alone:
        raise SystemExit("no service asks for a number of people alone")
    best = min(alone, key=lambda one: (minimum_people(one), one.pk))
    return best.item_id, best.pk


def told_by_logins() -> dict[str, Any]:
    """What the cases of the demo's logins are, to be held against the list of logins."""
    at = clock.now()

    def agency(number: int) -> Agency:
        return Agency.objects.get(organisation__memberships__user__username=f"agency{number}")

    def light(number: int) -> str:
        one = agency(number)
        return casefile.light(one.submitted_at, one.form_check_due, at)

    ends = agency(1).qualifications.order_by("valid_until")[0].valid_until
    assert ends is not None
    return {
        "states": {number: str(agency(number).state) for number in (32, 33, 34, *range(349, 359))},
        "certificate_days": (ends - clock.local_date(at)).days,
        "replies": [agency(number).ledger.filter(state=EntryState.REPLY).count() for number in (1, 357)],
        "changes": [str(change.state) for change in agency(2).changes.all()],
        "petitions": [f"{one.kind} {one.state}" for one in agency(29).petitions.all()],
        "stars": agency(31).stars,
        "defects": len(agency(349).returned_defects),
        "lights": [light(number) for number in (350, 353)],
        "objections": agency(352).objections.count(),
        "prechecks": agency(354).prechecks.count(),
        "agent": agency(4).organisation.memberships.filter(user__username="agent1").count(),
        "claims": AccessClaim.objects.filter(
            user__username="claimant1", organisation=agency(60).organisation
        ).count(),
        "belong_nowhere": User.objects.filter(
            username__in=["newcomer1", "visitor1"], memberships__isnull=True
        ).count(),
        "work": sorted({work.case.partition(":")[0] for work in casework.all_work(at)}),
    }


def state_of_agency(code: str) -> str:
    return str(Agency.objects.get(organisation__code=code).state)
