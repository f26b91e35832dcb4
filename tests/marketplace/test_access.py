"""Every address of the site, walked by every kind of visitor: nothing breaks, and each lets in whom it declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agencies.states import AgencyState
from marketplace.checks import every_view_declares_its_access, own_views
from marketplace.models import Membership, Organisation, User
from marketplace.uploads import store
from tests import project_factories as made
from tests.factories import (
    MONDAY,
    AgencyFactory,
    OrganisationFactory,
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
        """The route with each sample value that could stand in it."""
        names = PARAMETER.findall(route)
        if not names:
            yield f"/{route}"
            return
        (name,) = names
        key = next((key for key in (f"{name}@{route.split('/')[0]}", f"{name}@{route}") if key in self.values), name)
        for value in self.values[key]:
            yield "/" + PARAMETER.sub(value, route)


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
        "code@office": [waiting.code, *(task.code for task in tasks), "none"],
        "code": [*(task.code for task in tasks), "none"],
        "sid": [awarded.session.sid, "none"],
        "name": [awarded.session.stream_name(), awarded.stream_name(), draft.stream_name(), "none:x"],
        "pk@files": [str(file.pk), "00000000-0000-4000-8000-000000000000"],
        "pk": [str(paper.pk), str(signed.pk), "999999"],
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


def walk(site: Site, kind: str, method: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """(address, declared access, response) for one visitor: every sample where he may enter, one where he may not."""
    client = visitor(site.people[kind])
    for route, view in VIEWS.items():
        for address in islice(site.addresses(route), None if may_enter(kind, view.access) else 1):
            yield address, view.access, getattr(client, method)(address)


def fault(kind: str, levels: tuple[str, ...], response: Any) -> str:
    """What is wrong with an answer, or ""."""
    status, to_login = response.status_code, response.headers.get("Location", "").startswith(LOGIN)
    if status >= 500:
        return "broken"
    if may_enter(kind, levels):
        return "asked to log in" if status == 302 and to_login else ""
    if kind == "anonymous":
        return "" if status == 302 and to_login else "let in without login"
    return "" if status == 403 else "let in without the role"


@pytest.mark.parametrize("method", ["get", "post"])
def test_each_visitor_gets_what_is_declared_and_nothing_breaks(site: Site, method: str) -> None:
    """Also an empty POST breaks nothing and is kept out exactly as a GET is."""
    faults = [
        (kind, address, response.status_code, wrong)
        for kind in site.people
        for address, levels, response in walk(site, kind, method)
        if (wrong := fault(kind, levels, response))
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
