"""The workflow of an agency's entry: every state, every verb, every role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agencies import actions
from agencies.models import Agency
from agencies.states import AgencyState
from marketplace import parameters
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, ServiceItem, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    OrganisationFactory,
    RequirementFactory,
    UserFactory,
    offers,
    pdf,
    person_at,
    person_of,
)

LATER = MONDAY + timedelta(days=30)
ROLES = ("member", "stranger_agency", "owner", "office", "insider", "authority", "supervisor", "public", "system")
VERBS: dict[str, Callable[[Agency, User | None], Agency]] = {
    "submit_entry": lambda agency, actor: actions.submit_entry(agency, actor=actor, at=LATER),
    "return_entry": lambda agency, actor: actions.return_entry(
        agency, defects=[{"field": "address", "sentence": "Not the one of the licence."}], actor=actor, at=LATER
    ),
    "approve_entry": lambda agency, actor: actions.approve_entry(agency, actor=actor, at=LATER),
    "refuse_entry": lambda agency, actor: actions.refuse_entry(
        agency, reason="Forged papers.", actor=actor, at=LATER
    ),
    "end_publicity": lambda agency, actor: actions.end_publicity(agency, actor=actor, at=LATER),
}
# (state, verb, role) → the state after it. Everything else is refused.
ALLOWED = {
    ("draft", "submit_entry", "member"): "submitted",
    ("draft", "submit_entry", "insider"): "submitted",
    ("returned", "submit_entry", "member"): "submitted",
    ("returned", "submit_entry", "insider"): "submitted",
    ("submitted", "return_entry", "office"): "returned",
    ("submitted", "approve_entry", "office"): "publicity",
    ("submitted", "refuse_entry", "office"): "refused",
    ("publicity", "end_publicity", "system"): "active",
}
# Verbs that find their work done already and change nothing.
DONE = {("active", "end_publicity", role) for role in ROLES}
STARTS = {verb: {state for state, name, _ in ALLOWED if name == verb} for verb in VERBS}


@pytest.fixture(autouse=True)
def _rules(db: None, settings: Any, tmp_path: Path) -> None:
    parameters.load_file("parameters.json")
    settings.UPLOADS_DIR = tmp_path / "uploads"


@pytest.fixture
def item() -> ServiceItem:
    found: ServiceItem = RequirementFactory().item
    return found


def agency_in(state: AgencyState, item: ServiceItem) -> Agency:
    from marketplace import uploads

    agency: Agency = AgencyFactory(state=state, commitment_signed_at=MONDAY)
    scan = uploads.store(pdf(), organisation=agency.organisation, actor=None, at=MONDAY)
    offers(agency, item, checked=False, certificate=scan)
    return agency


def person(role: str, agency: Agency) -> User | None:
    if role == "system":
        return None
    if role == "public":
        user: User = UserFactory()
        return user
    if role == "member":
        return person_at(agency.organisation)
    if role == "stranger_agency":
        return person_of(Organisation.Kind.AGENCY)
    if role == "insider":
        insider = person_at(OrganisationFactory(kind=Organisation.Kind.OFFICE))
        Membership.objects.create(user=insider, organisation=agency.organisation, role=Membership.Role.DELEGATE)
        return insider
    return person_of(role)


def snapshot() -> tuple[Any, ...]:
    return (
        list(Agency.objects.order_by("pk").values()),
        Event.objects.count(),
        Notification.objects.count(),
        list(Agency.objects.values_list("qualifications__checked", flat=True)),
    )


def expected_refusal(state: str, verb: str, role: str) -> type[DomainError]:
    if state not in STARTS[verb]:
        return WrongState
    # A member of the office who belongs to the agency has the right in general, but not in this case.
    if role == "insider" and verb in {"return_entry", "approve_entry", "refuse_entry"}:
        return RuleBroken
    return NotAllowed


def test_the_table_names_every_verb_of_the_model() -> None:
    assert set(Agency.verbs()) == set(VERBS)
    assert {verb: set(spec.source) for verb, spec in Agency.verbs().items()} == STARTS


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", AgencyState.values)
def test_state_verb_role(state: str, verb: str, item: ServiceItem) -> None:
    for role in ROLES:
        agency = agency_in(AgencyState(state), item)
        actor = person(role, agency)
        before = snapshot()
        if (state, verb, role) in ALLOWED:
            moved = VERBS[verb](agency, actor)
            assert moved.state == ALLOWED[state, verb, role], role
            assert Event.objects.filter(stream__name=agency.stream_name()).count() == 1, role
        elif (state, verb, role) in DONE:
            assert VERBS[verb](agency, actor).state == state, role
            assert snapshot() == before, role
        else:
            with pytest.raises(DomainError) as refusal:
                VERBS[verb](agency, actor)
            assert type(refusal.value) is expected_refusal(state, verb, role), (role, refusal.value)
            assert snapshot() == before, role


def test_submission_with_gaps_is_bad_input_and_changes_nothing(item: ServiceItem) -> None:
    agency = agency_in(AgencyState.DRAFT, item)
    member = person("member", agency)
    Agency.objects.update(address="")
    before = snapshot()

    with pytest.raises(FieldErrors) as refusal:
        actions.submit_entry(agency, actor=member, at=LATER)

    assert list(refusal.value.fields) == ["address"]
    assert snapshot() == before


def test_publicity_does_not_end_early(item: ServiceItem) -> None:
    agency = agency_in(AgencyState.PUBLICITY, item)
    before = snapshot()

    with pytest.raises(RuleBroken) as refusal:
        actions.end_publicity(agency, actor=None, at=MONDAY - timedelta(microseconds=1))

    assert refusal.value.code == "publicity_is_over"
    assert snapshot() == before


def test_no_state_moves_past_the_gate(item: ServiceItem) -> None:
    agency = agency_in(AgencyState.DRAFT, item)

    with pytest.raises(AttributeError):
        agency.state = AgencyState.ACTIVE
