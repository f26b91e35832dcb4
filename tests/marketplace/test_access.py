"""Every address of the site, walked by every kind of visitor: nothing breaks, and each lets in whom it declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django.urls import reverse

from agencies import credit_rules
from agencies.models import Change, CreditEntry, CreditPetition, DataImport, EntryObjection, PreCheck
from agencies.states import AgencyState
from marketplace.checks import every_view_declares_its_access, own_views
from marketplace.errors import NotAllowed
from marketplace.models import AccessClaim, Membership, Organisation, User
from marketplace.uploads import store
from projects.models import OwnerChange, OwnerEntry
from tests import project_factories as made
from tests.factories import (
    MONDAY,
    AgencyFactory,
    AgentFactory,
    OrganisationFactory,
    PractitionerFactory,
    QualificationFactory,
    UserFactory,
    entered_agency,
    pdf,
    person_at,
)

pytestmark = pytest.mark.django_db

KINDS = list(Organisation.Kind.values)
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
VIEWS = dict(own_views())
LOGIN = reverse("account_login")


@dataclass
class Site:
    """One case of everything, and a visitor of every kind; `strangers` belong to other organisations of the kind."""

    people: dict[str, User | None]
    strangers: dict[str, User]
    values: dict[str, list[str]]
    secrets: list[tuple[str, str, list[Any]]]

    def addresses(self, route: str) -> Iterator[str]:
        """The route with each sample value that could stand in it; a second parameter takes its first sample."""
        names = PARAMETER.findall(route)
        if not names:
            yield f"/{route}"
            return
        first, *others = [self.samples(name, route) for name in names]
        for value in first:
            filled = iter([value, *(samples[0] for samples in others)])
            yield "/" + PARAMETER.sub(lambda _found: next(filled), route)  # noqa: B023

    def samples(self, name: str, route: str) -> list[str]:
        """The samples of the parameter below the longest beginning of the route that has some of its own."""
        parts = route.split("/")
        keys = [f"{name}@{'/'.join(parts[:length])}" for length in range(len(parts), 0, -1)]
        return self.values[next((key for key in keys if key in self.values), name)]


@pytest.fixture
def site(settings: Any, tmp_path: Any) -> Site:
    settings.UPLOADS_DIR = tmp_path
    world = made.make_world(agencies=3)
    tasks = [build(world) for build in made.TASK_IN.values()]
    awarded = next(task for task in tasks if task.state == "awarded")
    draft, open_task = tasks[0], next(task for task in tasks if task.state == "published")
    signed = made.sign_up(world, open_task, 0)[0]
    waiting = entered_agency(world.item, until=AgencyState.SUBMITTED, at=MONDAY)
    paper = QualificationFactory(agency=world.agencies[0])
    file = store(pdf(), organisation=world.agencies[0].organisation, actor=world.members[0], at=MONDAY)

    cases = made_cases(world)
    people: dict[str, User | None] = {"anonymous": None, "plain": UserFactory()}
    people |= {"agency": world.members[0], "owner": world.manager, "office": world.checker}
    strangers = {}
    for kind in ("authority", "supervisor"):
        people[kind] = person_at(OrganisationFactory(kind=kind))
    strangers["agency"] = person_at(AgencyFactory().organisation, Membership.Role.MANAGER)
    strangers["owner"] = person_at(OrganisationFactory(kind=Organisation.Kind.OWNER), Membership.Role.MANAGER)

    assert awarded.session is not None
    values = {
        "code@catalogue": [world.item.code, "0000"],
        "code@agencies": [world.agencies[0].code, waiting.code, "none"],
        "code@recommendations": [world.item.code, "0000"],
        "code@office": [waiting.code, *(task.code for task in tasks), "none"],
        "code": [*(task.code for task in tasks), "none"],
        "sid": [awarded.session.sid, "none"],
        "name": [awarded.session.stream_name(), awarded.stream_name(), draft.stream_name(), "none:x"],
        "pk@files": [str(file.pk), "00000000-0000-4000-8000-000000000000"],
        "pk": [str(paper.pk), str(signed.pk), "999999"],
        **cases,
    }
    secrets = [
        ("owner", "owner_task", [draft.code]),
        ("owner", "owner_task_edit", [draft.code]),
        ("owner", "notice_detail", [draft.code]),
        ("owner", "download", [file.pk]),
        ("agency", "receipt", [signed.pk]),
        ("agency", "receipt_json", [signed.pk]),
        ("agency", "qualification_change", [paper.pk]),
        ("agency", "agency_detail", [waiting.code]),
        ("agency", "download", [file.pk]),
        ("agency", "notice_detail", [draft.code]),
    ]
    return Site(people, strangers, values, secrets)


def made_cases(world: Any) -> dict[str, list[str]]:
    """One of each case around agencies and owners, as samples of addresses."""
    agency = world.agencies[0]
    office = Organisation.objects.get(kind=Organisation.Kind.OFFICE)
    file = store(pdf(), organisation=office, actor=world.checker, at=MONDAY)
    someone = UserFactory()
    common = {"due": MONDAY, "derivation": {}}
    precheck = PreCheck.objects.create(agency=agency, asked_at=MONDAY, asked_by=world.members[0], **common)
    objection = EntryObjection.objects.create(
        agency=agency, lodged_by=someone, lodged_at=MONDAY, text="Borrowed.", **common
    )
    change = Change.objects.create(agency=agency, kind=Change.Kind.NAME, values={"name": "新名"}, begun_at=MONDAY)
    credit_rules.load()
    entry = CreditEntry.objects.create(
        agency=agency,
        rule=credit_rules.rule("late_signing", MONDAY.date()),
        points=-5,
        summary="Signed late.",
        source="x",
        happened_on=MONDAY.date(),
        entered_at=MONDAY,
        reply_until=MONDAY,
    )
    petition = CreditPetition.objects.create(
        entry=entry,
        agency=agency,
        kind="objection",
        text="No.",
        lodged_by=world.members[0],
        lodged_at=MONDAY,
        **common,
    )
    claim = AccessClaim.objects.create(
        organisation=agency.organisation, user=someone, text="Mine.", proof=file, made_at=MONDAY, due=MONDAY
    )
    owner = OwnerEntry.objects.create(
        organisation=OrganisationFactory(kind=Organisation.Kind.OWNER), registered_at=MONDAY
    )
    owner_change = OwnerChange.objects.create(owner=owner, proof=file, submitted_at=MONDAY, check_due=MONDAY)
    sheet = DataImport.objects.create(file=file, started_by=world.checker, started_at=MONDAY)
    practitioner, agent = PractitionerFactory(agency=agency), AgentFactory(agency=agency)

    def samples(row: Any) -> list[str]:
        return [str(row.pk), "999999"]

    return {
        "code@invitation": ["no-such-code"],
        "pk@office/claims": samples(claim),
        "pk@desk/agency/agents": samples(agent),
        "pk@desk/agency/practitioners": samples(practitioner),
        "pk@desk/agency/credit": samples(entry),
        "kind@desk/agency/credit": ["objection", "repair", "nonsense"],
        "pk@office/credit": samples(entry),
        "verdict@office/credit": ["confirm", "drop", "nonsense"],
        "pk@office/credit/petition": samples(petition),
        "kind@desk/agency/changes": [*Change.Kind.values, "nonsense"],
        "target@desk/agency/changes": [str(practitioner.pk)],
        "pk@desk/agency/changes": samples(change),
        "pk@office/changes": samples(change),
        "pk@office/import": samples(sheet),
        "pk@office/prechecks": samples(precheck),
        "pk@office/objections": samples(objection),
        "code@office/owners": [owner.organisation.code, "none"],
        "pk@office/owner-changes": samples(owner_change),
    }


def visitor(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(User.objects.get(pk=user.pk))
    return client


def may_enter(kind: str, levels: tuple[str, ...]) -> bool:
    return "public" in levels or (kind != "anonymous" and ("login" in levels or kind in levels))


def test_every_view_declares_its_access() -> None:
    assert every_view_declares_its_access() == []
    assert len(VIEWS) > 40


def walk(site: Site, kind: str, method: str) -> Iterator[tuple[str, int, str]]:
    """(address, status, what is wrong) for one visitor: every sample of what is his, one of what is everybody's.

    Where he may not enter the guard itself is asked, before any page is drawn.
    """
    client, user = visitor(site.people[kind]), site.people[kind]
    for route, view in VIEWS.items():
        if not may_enter(kind, view.access):
            request = getattr(RequestFactory(), method)(f"/{route}")
            request.user = user or AnonymousUser()
            yield route, 0, kept_out(view, request)
            continue
        own = kind in view.access or kind == "anonymous"
        if "public" in view.access and kind not in {"anonymous", "office"}:
            continue
        for address in islice(site.addresses(route), None if own else 1):
            response = getattr(client, method)(address)
            status, to_login = response.status_code, response.headers.get("Location", "").startswith(LOGIN)
            broken = "broken" if status >= 500 else ""
            yield address, status, broken or ("asked to log in" if status == 302 and to_login else "")


def kept_out(view: Any, request: Any) -> str:
    """ "" when the guard sends a stranger to the login and refuses a person without the role."""
    try:
        response = view(request)
    except NotAllowed:
        return "" if request.user.is_authenticated else "refused instead of asked to log in"
    except TypeError:
        return "let in"
    if not request.user.is_authenticated and response.headers.get("Location", "").startswith(LOGIN):
        return ""
    return "let in"


@pytest.mark.parametrize("method", ["get", "post"])
def test_each_visitor_gets_what_is_declared_and_nothing_breaks(site: Site, method: str) -> None:
    """Also an empty POST breaks nothing and is kept out exactly as a GET is."""
    faults = [
        (kind, address, status, wrong)
        for kind in site.people
        for address, status, wrong in walk(site, kind, method)
        if wrong
    ]
    assert faults == []


def test_what_belongs_to_others_is_not_found(site: Site) -> None:
    found = []
    for kind, name, args in site.secrets:
        response = visitor(site.strangers[kind]).get(reverse(name, args=args))
        if response.status_code != 404:
            found.append((kind, name, response.status_code))
    assert found == []


def test_pages_that_anyone_may_open_are_whole(site: Site) -> None:
    """Each public page has one main part, one first heading, a title of its own, and no inline style or script."""
    client, wrong = visitor(None), []
    titles: dict[str, list[str]] = {}
    for route, view in VIEWS.items():
        if "public" not in view.access:
            continue
        address = next(site.addresses(route))
        response = client.get(address)
        if response.status_code != 200 or not response["Content-Type"].startswith("text/html"):
            continue
        body = response.content.decode()
        if body.count("<main") != 1 or body.count("<h1") != 1:
            wrong.append((address, "one main, one h1"))
        if re.search(r"<[^>]+ style=", body) or re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", body):
            wrong.append((address, "inline style or script"))
        title = re.search(r"<title>(.*?)</title>", body, re.S)
        titles.setdefault(title.group(1) if title else "", []).append(route)
    assert wrong == []
    assert [routes for title, routes in titles.items() if not title.strip(" -")] == []


def test_every_answer_carries_the_policy(client: Client) -> None:
    for address in ("/", "/verify/", "/no-such-page/", "/desk/"):
        assert "default-src 'self'" in client.get(address).headers["Content-Security-Policy"]
