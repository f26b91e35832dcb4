"""The workflow of an agency: every state, every verb, every role.

What the gate says is asked for the whole table. The acts themselves are called for every state and verb, and in the
states a verb starts from for every role; each call is undone, so that one agency for each state is enough.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from agencies import actions, credit_rules
from agencies.models import Agency
from agencies.states import EDITABLE, ENTERED, LEFT, OPERATING, AgencyState
from marketplace import events, parameters, uploads
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, ServiceItem, User
from marketplace.workflow import fire, why_not
from tests.factories import (
    MONDAY,
    AgencyFactory,
    OrganisationFactory,
    RequirementFactory,
    UserFactory,
    documented,
    offers,
    pdf,
    person_at,
    person_of,
)

State = AgencyState
LATER = MONDAY + timedelta(days=30)
# After every suspension and, for supplying in time, before the end of it.
MUCH_LATER, SOON = MONDAY + timedelta(days=120), MONDAY + timedelta(days=1)
AT: dict[str, datetime] = {"supply_documents": SOON, "end_suspension": MUCH_LATER, "resume_on_commitment": MUCH_LATER}

ROLES = (
    "manager",
    "member",
    "stranger_agency",
    "owner",
    "office",
    "insider",
    "authority",
    "supervisor",
    "public",
    "system",
)
# The insider is of the office and of the agency.
MEMBERS, MANAGERS, CLOCK = ("manager", "member", "insider"), ("manager",), ("system",)
CHECKERS, PENALTIES = ("office",), ("office", "insider", "system")
DEFECTS = [{"field": "address", "sentence": "Not the one of the licence."}]

# verb → the states it starts from, the state after it, who may. Everything else is refused.
TABLE: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "submit_entry": (EDITABLE, State.SUBMITTED, MEMBERS),
    "return_entry": ((State.SUBMITTED,), State.RETURNED, CHECKERS),
    "approve_entry": ((State.SUBMITTED,), State.PUBLICITY, CHECKERS),
    "refuse_entry": ((State.SUBMITTED,), State.REFUSED, CHECKERS),
    "end_publicity": ((State.PUBLICITY,), State.ACTIVE, CLOCK),
    "return_from_publicity": ((State.PUBLICITY,), State.RETURNED, CHECKERS),
    "refuse_from_publicity": ((State.PUBLICITY,), State.REFUSED, CHECKERS),
    "enter_on_commitment": (EDITABLE, State.COMMITTED, MEMBERS),
    "supply_documents": ((State.COMMITTED,), State.VERIFYING, MEMBERS),
    "return_documents": ((State.VERIFYING,), State.COMMITTED, CHECKERS),
    "confirm_documents": ((State.VERIFYING,), State.ACTIVE, CHECKERS),
    "lapse_commitment": ((State.COMMITTED,), State.RETURNED, CLOCK),
    "suspend": ((*OPERATING, State.SUSPENDED), State.SUSPENDED, PENALTIES),
    "end_suspension": ((State.SUSPENDED,), State.ACTIVE, PENALTIES),
    "resume_on_commitment": ((State.SUSPENDED,), State.COMMITTED, PENALTIES),
    "remove": ((State.PUBLICITY, *ENTERED, State.WITHDRAWN), State.REMOVED, PENALTIES),
    "reinstate": ((State.REMOVED,), State.SUSPENDED, PENALTIES),
    "restore_withdrawal": ((State.REMOVED,), State.WITHDRAWN, PENALTIES),
    "reopen_entry": ((State.REMOVED,), State.DRAFT, PENALTIES),
    "withdraw": ((State.PUBLICITY, *ENTERED), State.WITHDRAWN, MANAGERS),
    "begin_again": ((State.REFUSED, *LEFT), State.DRAFT, MANAGERS),
}
# What a verb asks of the row beside its state: the agency as it was before, and how it was removed.
BEFORE: dict[str, tuple[str, dict[str, Any]]] = {
    "resume_on_commitment": (State.SUSPENDED, {"on_commitment": True}),
    "reinstate": (State.REMOVED, {"removed_from": State.VERIFYING}),
    "restore_withdrawal": (State.REMOVED, {"removed_from": State.WITHDRAWN}),
    "reopen_entry": (State.REMOVED, {"removed_from": State.PUBLICITY}),
}
# A commitment that was not kept goes into the ledger too.
EVENTS = {"lapse_commitment": 2}
# Verbs whose work is done already in this state: they change nothing.
DONE = {("active", "end_publicity")}
# A member of the office who belongs to the agency has the right in general, but not in this case.
INDEPENDENT = {verb for verb, (_, _, roles) in TABLE.items() if roles == CHECKERS}

Act = Callable[[Agency, User | None], Agency]


def _blank(shape: events.Shape) -> dict[str, Any]:
    """A payload of the event's shape, with empty values."""
    return {key: (kind[0] if isinstance(kind, tuple) else kind)() for key, kind in shape.items()}


def bare(name: str, **changes: Any) -> Act:
    """The verb through the gate alone; the acts around it have tests of their own."""

    def act(agency: Agency, actor: User | None) -> Agency:
        kind = events.event_type(Agency.verbs()[name].event)
        given = {"data": _blank(kind.data), "private": _blank(kind.private)}
        return fire(agency, name, actor=actor, at=AT.get(name, LATER), **given, **changes)[0]

    return act


ACTS: dict[str, Act] = {
    "submit_entry": lambda agency, actor: actions.submit_entry(agency, actor=actor, at=LATER),
    "return_entry": lambda agency, actor: actions.return_entry(agency, defects=DEFECTS, actor=actor, at=LATER),
    "approve_entry": lambda agency, actor: actions.approve_entry(agency, actor=actor, at=LATER),
    "refuse_entry": lambda agency, actor: actions.refuse_entry(agency, reason="Forged.", actor=actor, at=LATER),
    "end_publicity": lambda agency, actor: actions.end_publicity(agency, actor=actor, at=LATER),
    # These two are consequences of a decision about an objection.
    "return_from_publicity": lambda agency, actor: bare(
        "return_from_publicity", checked_by=actor, defects=DEFECTS, fingerprints={}
    )(agency, actor),
    "refuse_from_publicity": lambda agency, actor: bare("refuse_from_publicity", checked_by=actor, reason="Forged.")(
        agency, actor
    ),
    "enter_on_commitment": lambda agency, actor: actions.enter_on_commitment(agency, actor=actor, at=LATER),
    "supply_documents": lambda agency, actor: actions.supply_documents(agency, actor=actor, at=SOON),
    "return_documents": lambda agency, actor: actions.return_documents(
        agency, defects=DEFECTS, actor=actor, at=LATER
    ),
    "confirm_documents": lambda agency, actor: actions.confirm_documents(agency, actor=actor, at=LATER),
    "lapse_commitment": lambda agency, actor: actions.lapse_commitment(agency, actor=actor, at=LATER),
    "suspend": bare("suspend", until=MUCH_LATER),
    "end_suspension": bare("end_suspension"),
    "resume_on_commitment": bare("resume_on_commitment", supply_due=MUCH_LATER, due=MUCH_LATER, derivation={}),
    "remove": bare("remove", reason="Forged.", reentry_from=MUCH_LATER),
    "reinstate": bare("reinstate"),
    "restore_withdrawal": bare("restore_withdrawal", left_at=MONDAY, reason="Retired."),
    "reopen_entry": bare("reopen_entry"),
    "withdraw": bare("withdraw", reason="Retired."),
    "begin_again": bare("begin_again"),
}


@pytest.fixture(autouse=True)
def _rules(db: None, settings: Any, tmp_path: Path) -> None:
    parameters.load_file("parameters.json")
    credit_rules.load()
    settings.UPLOADS_DIR = tmp_path / "uploads"


@pytest.fixture
def item() -> ServiceItem:
    found: ServiceItem = RequirementFactory().item
    return found


def agency_in(state: str, item: ServiceItem) -> Agency:
    agency: Agency = AgencyFactory(state=state, commitment_signed_at=MONDAY)
    scan = uploads.store(pdf(), organisation=agency.organisation, actor=None, at=MONDAY)
    documented(agency, scan)
    offers(agency, item, checked=False, certificate=scan)
    return agency


def person(role: str, agency: Agency) -> User | None:
    if role == "system":
        return None
    if role == "public":
        user: User = UserFactory()
        return user
    if role in {"manager", "member"}:
        return person_at(agency.organisation, "manager" if role == "manager" else "officer")
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
        list(
            Agency.objects.values_list("qualifications__checked", "qualifications__committed", "documents__checked")
        ),
    )


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def expected(state: str, verb: str, role: str) -> str | type[DomainError]:
    """The state after the verb, or the refusal."""
    sources, target, roles = TABLE[verb]
    if state not in sources:
        return WrongState
    if role in roles:
        return target
    return RuleBroken if role == "insider" and verb in INDEPENDENT else NotAllowed


def test_the_table_names_every_verb_of_the_model() -> None:
    assert {verb: (set(spec.source), spec.target) for verb, spec in Agency.verbs().items()} == {
        verb: (set(sources), target) for verb, (sources, target, _) in TABLE.items()
    }
    assert set(ACTS) == set(TABLE)


@pytest.mark.parametrize("state", AgencyState.values)
def test_state_verb_role(state: str, item: ServiceItem) -> None:
    agency = agency_in(state, item)
    people = {role: person(role, agency) for role in ROLES}
    before = snapshot()
    for verb in TABLE:
        held = _prepared(copy.copy(agency), verb)
        for role, actor in people.items():
            outcome = expected(state, verb, role)
            gate = why_not(held, verb, actor=actor, at=AT.get(verb, LATER))
            assert outcome == (TABLE[verb][1] if gate is None else type(gate)), (verb, role)
            if outcome is not WrongState or role == TABLE[verb][2][0]:
                with undone():
                    _call(state, verb, role, agency, actor, outcome, before)
    assert snapshot() == before


def _prepared(agency: Agency, verb: str) -> Agency:
    state, fields = BEFORE.get(verb, ("", {}))
    for name, value in fields.items() if agency.state == state else ():
        setattr(agency, name, value)
    return agency


def _call(
    state: str,
    verb: str,
    role: str,
    agency: Agency,
    actor: User | None,
    outcome: str | type[DomainError],
    before: tuple[Any, ...],
) -> None:
    if BEFORE.get(verb, ("",))[0] == state:
        Agency.objects.filter(pk=agency.pk).update(**BEFORE[verb][1])
        before = snapshot()
    if isinstance(outcome, str):
        assert ACTS[verb](agency, actor).state == outcome, (verb, role)
        assert Event.objects.filter(stream__name=agency.stream_name()).count() == EVENTS.get(verb, 1), (verb, role)
        return
    if (state, verb) in DONE:
        assert ACTS[verb](agency, actor).state == state, (verb, role)
    else:
        with pytest.raises(DomainError) as refusal:
            ACTS[verb](agency, actor)
        assert type(refusal.value) is outcome, (verb, role, refusal.value)
    assert snapshot() == before, (verb, role)


def test_submission_with_gaps_is_bad_input_and_changes_nothing(item: ServiceItem) -> None:
    agency = agency_in(AgencyState.DRAFT, item)
    member = person("member", agency)
    Agency.objects.update(address="")
    before = snapshot()

    for act in (actions.submit_entry, actions.enter_on_commitment):
        with pytest.raises(FieldErrors) as refusal:
            act(agency, actor=member, at=LATER)
        assert list(refusal.value.fields) == ["address"]
    assert snapshot() == before


def test_publicity_does_not_end_early(item: ServiceItem) -> None:
    agency = agency_in(AgencyState.PUBLICITY, item)
    before = snapshot()

    with pytest.raises(RuleBroken) as refusal:
        actions.end_publicity(agency, actor=None, at=MONDAY - timedelta(microseconds=1))

    assert refusal.value.code == "publicity_is_over"
    assert snapshot() == before


@pytest.mark.parametrize(
    ("verb", "state", "fields", "code"),
    [
        ("end_suspension", State.SUSPENDED, {"suspended_until": MUCH_LATER}, "suspension_is_over"),
        ("begin_again", State.REMOVED, {"reentry_from": LATER}, "reentry_is_open"),
        ("submit_entry", State.DRAFT, {"reentry_from": LATER}, "reentry_is_open"),
        ("enter_on_commitment", State.RETURNED, {"reentry_from": LATER}, "reentry_is_open"),
        ("approve_entry", State.SUBMITTED, {"reentry_from": LATER}, "reentry_is_open"),
        ("end_publicity", State.PUBLICITY, {"reentry_from": LATER}, "reentry_is_open"),
    ],
)
def test_term_ends_at_its_moment_and_not_before(
    verb: str, state: str, fields: dict[str, datetime], code: str, item: ServiceItem
) -> None:
    agency = agency_in(state, item)
    Agency.objects.update(**fields)
    agency, [end] = Agency.objects.get(), fields.values()
    who = person(TABLE[verb][2][-1] if "system" in TABLE[verb][2] else TABLE[verb][2][0], agency)

    early = why_not(agency, verb, actor=who, at=end - timedelta(microseconds=1))

    assert early is not None
    assert early.code == code
    assert why_not(agency, verb, actor=who, at=end) is None
    assert why_not(agency, verb, actor=who, at=end + timedelta(days=1)) is None


@pytest.mark.parametrize("verb", ["reinstate", "restore_withdrawal", "reopen_entry"])
def test_lifted_removal_gives_back_what_was_before_and_nothing_else(verb: str, item: ServiceItem) -> None:
    agency = agency_in(State.REMOVED, item)
    for state in (*State.values, ""):
        agency.removed_from = state
        open_ = {"reinstate": ENTERED, "restore_withdrawal": (State.WITHDRAWN,), "reopen_entry": (State.PUBLICITY,)}
        assert (why_not(agency, verb, actor=None, at=LATER) is None) == (state in open_[verb])


def test_no_state_moves_past_the_gate(item: ServiceItem) -> None:
    agency = agency_in(AgencyState.DRAFT, item)

    with pytest.raises(AttributeError):
        agency.state = AgencyState.ACTIVE
