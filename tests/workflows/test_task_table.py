"""The workflow tables of selection, written by hand from the regulation, against every state × verb × role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from marketplace.errors import NotAllowed, RuleBroken, WrongState
from marketplace.models import Membership, Organisation, User
from marketplace.workflow import why_not
from projects.models import LiveSession, SelectionTask
from projects.states import EDITABLE, LIVE, PUBLIC, SessionState, TaskState
from tests import project_factories as make
from tests.factories import MembershipFactory, UserFactory, person_at, person_of
from tests.project_factories import PUBLISHED_AT, SECOND, World

pytestmark = pytest.mark.django_db
Kind, Role = Organisation.Kind, Membership.Role

# Who the clock is: nobody.
CLOCK = "clock"
ROLES = (
    CLOCK,
    "visitor",
    "owner manager",
    "owner delegate who drafted",
    "owner delegate",
    "manager of another owner",
    "office, checked",
    "office, another",
    "office and owner",
    "agency",
    "authority",
    "supervisor",
)
OWNER = {"owner manager", "owner delegate who drafted"}
OFFICE = {"office, checked", "office, another"}

# verb: (states it starts from, state it leads to, roles that may do it then, how the others of its kind are refused)
TASK_TABLE: dict[str, tuple[set[str], str, set[str], dict[str, str]]] = {
    "submit": ({"draft", "returned"}, "submitted", OWNER | {"office and owner"}, {}),
    "return_for_correction": ({"submitted", "checked"}, "returned", OFFICE, {"office and owner": "not_own_task"}),
    "check_notice": ({"submitted"}, "checked", OFFICE, {"office and owner": "not_own_task"}),
    "publish": (
        {"checked"},
        "published",
        {"office, another"},
        {"office, checked": "published_by_another", "office and owner": "not_own_task"},
    ),
    "extend": ({"published"}, "published", {CLOCK}, {}),
    "close": ({"published"}, "closed", {CLOCK}, {}),
    "fail": ({"published", "closed"}, "failed", {CLOCK}, {}),
    "award": ({"closed"}, "awarded", {CLOCK}, {}),
    "confirm": ({"awarded"}, "confirmed", {CLOCK}, {}),
}
SESSION_TABLE: dict[str, tuple[set[str], str]] = {
    "open": ({"planned"}, "opened"),
    "freeze": ({"opened"}, "frozen"),
    "void": ({"opened"}, "planned"),
    "reschedule": ({"planned"}, "planned"),
    "finish": ({"frozen"}, "finished"),
    "abandon": ({"planned"}, "abandoned"),
}
LATE = timedelta(days=60)


@pytest.fixture
def world() -> World:
    return make.make_world()


@pytest.fixture
def people(world: World) -> dict[str, User | None]:
    both = person_at(world.office)
    # A manager, so that the owner's verbs are his as well.
    MembershipFactory(user=both, organisation=world.owner, role=Role.MANAGER)
    return {
        CLOCK: None,
        "visitor": UserFactory(),
        "owner manager": world.manager,
        "owner delegate who drafted": world.delegate,
        "owner delegate": person_at(world.owner, Role.DELEGATE),
        "manager of another owner": person_of(Kind.OWNER, username="other-manager"),
        "office, checked": world.checker,
        "office, another": world.publisher,
        "office and owner": both,
        "agency": world.members[0],
        "authority": person_of(Kind.AUTHORITY),
        "supervisor": person_of(Kind.SUPERVISOR),
    }


def outcomes(
    case: Any, verb: str, people: dict[str, User | None], at: Callable[[User | None], Any]
) -> Iterator[tuple[str, str]]:
    """(role, what happens): `yes`, `state`, `role`, or the code of the broken rule."""
    for role in ROLES:
        refusal = why_not(case, verb, actor=people[role], at=at(people[role]))
        if refusal is None:
            yield role, "yes"
        elif isinstance(refusal, WrongState):
            yield role, "state"
        elif isinstance(refusal, NotAllowed):
            yield role, "role"
        else:
            assert isinstance(refusal, RuleBroken)
            yield role, refusal.code


def test_the_tables_name_every_verb_and_no_other() -> None:
    assert set(SelectionTask.verbs()) == set(TASK_TABLE)
    assert set(LiveSession.verbs()) == set(SESSION_TABLE)


def test_the_verbs_lead_where_the_tables_say() -> None:
    for name, (sources, target, *_rest) in {**TASK_TABLE, **SESSION_TABLE}.items():
        spec = (SelectionTask.verbs() | LiveSession.verbs())[name]
        assert (set(spec.source), spec.target) == (sources, target), name


def test_every_role_has_its_person(people: dict[str, User | None]) -> None:
    assert tuple(people) == ROLES


@pytest.mark.parametrize("state", TaskState.values)
def test_task_state_by_verb_by_role(world: World, people: dict[str, User | None], state: str) -> None:
    """Drafted by the delegate, checked by `checker`; judged when the clock's conditions hold."""
    task = make.TASK_IN[TaskState(state)](world, actor=world.delegate)
    for verb, (sources, _target, allowed, refused_by) in TASK_TABLE.items():
        # A publication is judged at its moment; what the clock does, long after every deadline.
        moment = PUBLISHED_AT if verb == "publish" else PUBLISHED_AT + LATE
        found = dict(outcomes(task, verb, people, lambda _user, moment=moment: moment))
        if state not in sources:
            expected = dict.fromkeys(ROLES, "state")
        else:
            expected = {role: "yes" if role in allowed else refused_by.get(role, "role") for role in ROLES}
        assert found == expected, verb


def in_session_state(world: World, state: str) -> LiveSession:
    if state == SessionState.PLANNED:
        session = make.closed(world).session
        assert session is not None
        return session
    if state == SessionState.OPENED:
        return make.opened(world)
    if state == SessionState.FROZEN:
        return make.frozen(world)
    task = make.awarded(world) if state == SessionState.FINISHED else make.failed(world)
    assert task.session is not None
    return LiveSession.objects.get(pk=task.session.pk)


@pytest.mark.parametrize("state", SessionState.values)
def test_session_state_by_verb_by_role(world: World, people: dict[str, User | None], state: str) -> None:
    """No person can start, stop or repeat a live session; the clock does what the published plan says."""
    session = in_session_state(world, state)
    assert session.state == state
    moments = {"open": session.open_at, "freeze": session.closes_at}
    for verb, (sources, _target) in SESSION_TABLE.items():
        moment = moments.get(verb) or session.open_at
        found = dict(outcomes(session, verb, people, lambda _user, moment=moment: moment))
        if state not in sources:
            expected = dict.fromkeys(ROLES, "state")
        else:
            expected = {role: "yes" if role == CLOCK else "role" for role in ROLES}
        assert found == expected, verb


# ---------- the clock's conditions, just before, at and after ----------


def code_of(case: Any, verb: str, at: Any) -> str:
    refusal = why_not(case, verb, actor=None, at=at)
    return "" if refusal is None else refusal.code


def test_a_list_closes_only_after_its_last_instant(world: World) -> None:
    task = make.published(world)
    codes = [code_of(task, "close", task.signup_deadline + n * SECOND) for n in (-1, 0, 1)]
    assert codes == ["deadline_passed", "deadline_passed", ""]


def test_an_extension_is_open_once(world: World) -> None:
    task = make.published(world)
    assert code_of(task, "extend", task.signup_deadline) == "deadline_passed"
    task.extensions = 1
    assert code_of(task, "extend", task.signup_deadline + SECOND) == "extension_left"


def test_an_award_is_confirmed_at_the_end_of_its_publicity(world: World) -> None:
    task = make.awarded(world)
    until = task.award_notice.publicity_until
    assert [code_of(task, "confirm", until + n * SECOND) for n in (-1, 0, 1)] == ["publicity_over", "", ""]


def test_a_session_opens_at_its_slot_when_its_lists_are_closed(world: World) -> None:
    task = make.published(world)
    assert task.session is not None
    assert code_of(task.session, "open", task.session.open_at) == "lists_closed"
    session = in_session_state(make.make_world(), SessionState.PLANNED)
    assert [code_of(session, "open", session.open_at + n * SECOND) for n in (-1, 0)] == ["slot_reached", ""]


def test_a_seal_comes_after_the_window_and_within_the_time_for_it(world: World) -> None:
    session = make.opened(world)
    assert session.closes_at is not None
    moments = [session.closes_at + n * SECOND for n in (-1, 0, session.publish_s, session.publish_s + 1)]
    assert [code_of(session, "freeze", at) for at in moments] == ["window_over", "", "", "not_late"]


def test_the_named_sets_are_states() -> None:
    assert set(EDITABLE) == {"draft", "returned"}
    assert set(PUBLIC) == {"published", "closed", "awarded", "confirmed", "failed"}
    assert set(LIVE) == {"opened", "frozen"}
