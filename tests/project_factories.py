"""A small world for tests of selection: an owner, an office of two, agencies that fit, tasks in any state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agencies.models import Agency
from marketplace import catalogue, parameters
from marketplace.deadlines import Deadline, deadline
from marketplace.models import Membership, Organisation, ServiceItem, User
from projects import actions, conductor, draw
from projects.models import LiveSession, SelectionTask, SignUp
from projects.states import TaskState
from tests.factories import MONDAY, AgencyFactory, OrganisationFactory, RequirementFactory, offers, person_at

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PUBLISHED_AT = MONDAY + HOUR
Kind, Nature, Role = Organisation.Kind, Organisation.Nature, Membership.Role


@dataclass
class World:
    """Who is there. `members[n]` acts for `agencies[n]`; all agencies meet the one requirement of `item`."""

    item: ServiceItem
    office: Organisation
    checker: User
    publisher: User
    owner: Organisation
    manager: User
    delegate: User
    agencies: list[Agency] = field(default_factory=list)
    members: list[User] = field(default_factory=list)

    def add_agency(self, *, fits: bool = True) -> tuple[Agency, User]:
        agency: Agency = AgencyFactory()
        member = person_at(agency.organisation, Role.MANAGER)
        if fits:
            offers(agency, self.item)
        self.agencies.append(agency)
        self.members.append(member)
        return agency, member


def make_world(agencies: int = 3) -> World:
    """Needs the rule parameters; loads them."""
    parameters.load_file("parameters.json")
    office: Organisation = OrganisationFactory(kind=Kind.OFFICE, nature=Nature.PUBLIC)
    owner: Organisation = OrganisationFactory(kind=Kind.OWNER, nature=Nature.PUBLIC)
    world = World(
        item=RequirementFactory().item,
        office=office,
        checker=person_at(office),
        publisher=person_at(office),
        owner=owner,
        manager=person_at(owner, Role.MANAGER),
        delegate=person_at(owner, Role.DELEGATE),
    )
    for _ in range(agencies):
        world.add_agency()
    return world


def window() -> Deadline:
    """The shortest lawful sign-up window of a notice published at PUBLISHED_AT: to Thursday, 24:00."""
    return deadline("signup.window_min", PUBLISHED_AT)


def notice_fields(world: World, **fields: Any) -> dict[str, Any]:
    closes = window().due
    return {
        "item": world.item,
        "name": "Survey of a school",
        "content": "Survey and design",
        "service_time": "30 days",
        "fund_government": 100,
        "fund_social": 0,
        "amount_kind": SelectionTask.AmountKind.FIXED,
        "amount_yuan": 128600,
        "mode": SelectionTask.Mode.RANDOM,
        "mode_reason": "Many agencies of equal skill",
        "signup_deadline": closes,
        "selection_at": closes + HOUR,
        "contact_name": "Chen Wei",
        "contact_phone": "0792-7654321",
        "complaint_phone": "0792-0000000",
        **fields,
    }


def draft(
    world: World, *, actor: User | None = None, at: datetime = MONDAY, avoid: Any = (), **fields: Any
) -> SelectionTask:
    return actions.draft_task(
        actor=actor or world.manager,
        at=at,
        owner=world.owner,
        fields=notice_fields(world, **fields),
        avoidances=avoid,
    )


def submitted(world: World, **fields: Any) -> SelectionTask:
    task = draft(world, **fields)
    return actions.submit_task(task, actor=task.created_by, at=MONDAY + timedelta(minutes=10))


def returned(world: World, reasons: tuple[str, ...] = ("State the floor area.",), **fields: Any) -> SelectionTask:
    task = submitted(world, **fields)
    return actions.return_task(task, actor=world.checker, at=MONDAY + timedelta(minutes=20), reasons=list(reasons))


def checked(world: World, **fields: Any) -> SelectionTask:
    return actions.check_task(submitted(world, **fields), actor=world.checker, at=MONDAY + timedelta(minutes=20))


def published(world: World, **fields: Any) -> SelectionTask:
    return actions.publish_notice(checked(world, **fields), actor=world.publisher, at=PUBLISHED_AT)


def sign_up(world: World, task: SelectionTask, *numbers: int, at: datetime = PUBLISHED_AT + HOUR) -> list[SignUp]:
    """Sign up these agencies of the world, all of them by default."""
    chosen = numbers or range(len(world.agencies))
    return [actions.sign_up(task, actor=world.members[n], at=at, agency=world.agencies[n]) for n in chosen]


def closed(world: World, **fields: Any) -> SelectionTask:
    task = published(world, **fields)
    sign_up(world, task)
    return actions.close_signup(task, at=task.signup_deadline + SECOND)


def opened(world: World, **fields: Any) -> LiveSession:
    task = closed(world, **fields)
    assert task.session is not None
    return conductor.open_session(task.session, at=task.selection_at)


def frozen(world: World, **fields: Any) -> LiveSession:
    session = opened(world, **fields)
    assert session.closes_at is not None
    return conductor.freeze_session(session, at=session.closes_at)


# A result is a pure function of the seal and the delay; tests of the acts do not wait for a real one.
FAKE_DELAY = draw.Delay(b"\x01" * draw.FORM_BYTES, b"\x02" * draw.FORM_BYTES, 3, -4)


def awarded(world: World, **fields: Any) -> SelectionTask:
    session = frozen(world, **fields)
    assert session.closes_at is not None
    conductor.publish_results(session, at=session.closes_at + timedelta(minutes=1), found=FAKE_DELAY)
    return SelectionTask.objects.get(session=session)


def confirmed(world: World, **fields: Any) -> SelectionTask:
    task = awarded(world, **fields)
    return actions.confirm_award(task, at=task.award_notice.publicity_until)


def failed(world: World, **fields: Any) -> SelectionTask:
    """A task nobody signed up for, extended once and then failed."""
    task = published(world, **fields)
    task = actions.close_signup(task, at=task.signup_deadline + SECOND)
    return actions.close_signup(task, at=task.signup_deadline + SECOND)


TASK_IN = {
    TaskState.DRAFT: draft,
    TaskState.SUBMITTED: submitted,
    TaskState.RETURNED: returned,
    TaskState.CHECKED: checked,
    TaskState.PUBLISHED: published,
    TaskState.CLOSED: closed,
    TaskState.AWARDED: awarded,
    TaskState.CONFIRMED: confirmed,
    TaskState.FAILED: failed,
}


def valid_code(number: int) -> str:
    """A well-formed credit code that no agency of these tests has."""
    return catalogue.credit_code(f"91360481YY{number:07d}")
