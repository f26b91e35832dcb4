"""The workflow tables of owners, written by hand from the regulation, against every state × verb × role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from marketplace import parameters, uploads
from marketplace.errors import DomainError, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, User
from projects import owner_changes, owners
from projects.models import OwnerChange, OwnerEntry
from projects.states import OwnerChangeState, OwnerState
from tests.factories import MONDAY, OrganisationFactory, UserFactory, pdf, person_at, person_of

LATER = MONDAY + timedelta(days=1)
ROLES = (
    "manager",
    "delegate",
    "stranger",
    "office",
    "insider",
    "agency",
    "authority",
    "supervisor",
    "public",
    "system",
)
DEFECTS = [{"field": "address", "sentence": "Not the one of the certificate."}]
ENTRY_VERBS: dict[str, Callable[[OwnerEntry, User | None], OwnerEntry]] = {
    "submit": lambda entry, actor: owners.submit_owner(entry, actor=actor, at=LATER),
    "return_entry": lambda entry, actor: owners.return_owner(entry, DEFECTS, actor=actor, at=LATER),
    "approve": lambda entry, actor: owners.approve_owner(entry, actor=actor, at=LATER),
    "refuse": lambda entry, actor: owners.refuse_owner(entry, "No such unit.", actor=actor, at=LATER),
    "withdraw": lambda entry, actor: owners.withdraw_owner(entry, actor=actor, at=LATER),
    "begin_again": lambda entry, actor: owners.begin_owner_again(entry, actor=actor, at=LATER),
}
CHANGE_VERBS: dict[str, Callable[[OwnerChange, User | None], OwnerChange]] = {
    "approve": lambda change, actor: owner_changes.approve_owner_change(change, actor=actor, at=LATER),
    "refuse": lambda change, actor: owner_changes.refuse_owner_change(change, "Forged.", actor=actor, at=LATER),
    "withdraw": lambda change, actor: owner_changes.withdraw_owner_change(change, actor=actor, at=LATER),
}
MEMBERS, MANAGER, OFFICE = {"manager", "delegate", "insider"}, {"manager"}, {"office"}
# verb: (states it starts from, state it leads to, who may)
ENTRY_TABLE: dict[str, tuple[set[str], str, set[str]]] = {
    "submit": ({"draft", "returned"}, "submitted", MEMBERS),
    "return_entry": ({"submitted"}, "returned", OFFICE),
    "approve": ({"submitted"}, "active", OFFICE),
    "refuse": ({"submitted"}, "refused", OFFICE),
    "withdraw": ({"active"}, "withdrawn", MANAGER),
    "begin_again": ({"refused", "withdrawn"}, "draft", MANAGER),
}
CHANGE_TABLE: dict[str, tuple[set[str], str, set[str]]] = {
    "approve": ({"submitted"}, "approved", OFFICE),
    "refuse": ({"submitted"}, "refused", OFFICE),
    "withdraw": ({"submitted"}, "withdrawn", MEMBERS),
}


@pytest.fixture(autouse=True)
def _rules(db: None, settings: Any, tmp_path: Path) -> None:
    parameters.load_file("parameters.json")
    settings.UPLOADS_DIR = tmp_path


def entry_in(state: str) -> OwnerEntry:
    """A row in that state, without the acts that lead there."""
    organisation = OrganisationFactory(
        kind=Organisation.Kind.OWNER, nature=Organisation.Nature.PUBLIC, is_active=state == OwnerState.ACTIVE
    )
    scan = uploads.store(pdf(), organisation=organisation, actor=None, at=MONDAY)
    entry: OwnerEntry = OwnerEntry.objects.create(
        organisation=organisation,
        state=state,
        legal_representative="Zhang Wei",
        address="2 Lake Road",
        contact_name="Chen Jing",
        contact_phone="0792-7654321",
        registration_scan=scan,
        authority_scan=scan,
        registered_at=MONDAY,
        submitted_at=MONDAY,
        check_due=MONDAY,
        checked_by=UserFactory(),
    )
    return entry


def change_in(state: str) -> OwnerChange:
    entry = entry_in(OwnerState.ACTIVE)
    assert entry.registration_scan is not None
    return OwnerChange.objects.create(
        owner=entry,
        state=state,
        values={"name": "Water Resources Bureau"},
        difference=[{"field": "name", "old": entry.organisation.name, "new": "Water Resources Bureau"}],
        proof=entry.registration_scan,
        submitted_at=MONDAY,
        check_due=MONDAY,
    )


def person(role: str, owner: Organisation) -> User | None:
    if role == "system":
        return None
    if role == "public":
        user: User = UserFactory()
        return user
    if role in {"manager", "delegate"}:
        return person_at(owner, role)
    if role == "insider":
        # A member of the office who is also a delegate of this owner.
        insider = person_of(Organisation.Kind.OFFICE)
        Membership.objects.create(user=insider, organisation=owner, role=Membership.Role.DELEGATE)
        return insider
    return person_of(Organisation.Kind.OWNER if role == "stranger" else role)


def snapshot() -> tuple[Any, ...]:
    return (
        list(OwnerEntry.objects.order_by("pk").values()),
        list(OwnerChange.objects.order_by("pk").values()),
        list(Organisation.objects.order_by("pk").values("pk", "name", "is_active")),
        Event.objects.count(),
        Notification.objects.count(),
    )


def walk(table: Any, verbs: Any, verb: str, state: str, make: Callable[[str], Any]) -> None:
    sources, target, may = table[verb]
    case = make(state)
    owner = getattr(case, "owner", case).organisation
    actors = {role: person(role, owner) for role in ROLES}
    for role, actor in actors.items():
        if state in sources and role in may:
            continue
        before = snapshot()
        with pytest.raises(DomainError) as refusal:
            verbs[verb](case, actor)
        # Whoever is of the office has the right in general, but not in the case of his own unit.
        own_case = role == "insider" and may == OFFICE
        expected = WrongState if state not in sources else RuleBroken if own_case else NotAllowed
        assert type(refusal.value) is expected, (role, refusal.value)
        assert snapshot() == before, role
    for role in sorted(may) if state in sources else ():
        # Each in his own world: the move of the one leaves nothing to the next.
        fresh = make(state)
        own = getattr(fresh, "owner", fresh).organisation
        assert verbs[verb](fresh, person(role, own)).state == target, role
        assert Event.objects.filter(stream__name=fresh.stream_name()).count() == 1, role


def test_the_tables_name_every_verb_of_the_models() -> None:
    for model, table in ((OwnerEntry, ENTRY_TABLE), (OwnerChange, CHANGE_TABLE)):
        assert {verb: (set(spec.source), spec.target) for verb, spec in model.verbs().items()} == {
            verb: (sources, target) for verb, (sources, target, _may) in table.items()
        }


@pytest.mark.parametrize("verb", ENTRY_TABLE)
@pytest.mark.parametrize("state", OwnerState.values)
def test_entry_state_verb_role(state: str, verb: str) -> None:
    walk(ENTRY_TABLE, ENTRY_VERBS, verb, state, entry_in)


@pytest.mark.parametrize("verb", CHANGE_TABLE)
@pytest.mark.parametrize("state", OwnerChangeState.values)
def test_change_state_verb_role(state: str, verb: str) -> None:
    walk(CHANGE_TABLE, CHANGE_VERBS, verb, state, change_in)
