"""The workflow of a change: every state, every verb, every role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from agencies import changes
from agencies.demo_entry import scan
from agencies.models import Agency, Change
from agencies.states import ChangeState
from marketplace import parameters, uploads
from marketplace.errors import DomainError, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, User
from marketplace.workflow import fire
from tests.factories import MONDAY, AgencyFactory, UserFactory, person_at, person_of

LATER = MONDAY + timedelta(hours=3)
ROLES = ("member", "stranger_agency", "owner", "office", "insider", "authority", "supervisor", "public", "system")
VALUES = {"name": "Blue Lake"}
VERBS: dict[str, Callable[[Change, User | None], Change]] = {
    "submit": lambda change, actor: changes.correct_change(
        change,
        values=VALUES,
        files={"business_licence": SimpleUploadedFile("a.pdf", scan("Licence"), "application/pdf")},
        actor=actor,
        at=LATER,
    ),
    "approve": lambda change, actor: changes.approve_change(change, actor=actor, at=LATER),
    "return_change": lambda change, actor: changes.return_change(
        change, [{"field": "name", "sentence": "Not the one of the licence."}], actor=actor, at=LATER
    ),
    "refuse": lambda change, actor: changes.refuse_change(change, "Taken.", actor=actor, at=LATER),
    "withdraw": lambda change, actor: changes.withdraw_change(change, actor=actor, at=LATER),
    # A consequence of the agency's leaving.
    "close": lambda change, actor: fire(
        change, "close", actor=actor, at=LATER, data={"change": change.pk, "kind": change.kind}
    )[0],
}
CHECKS = {"approve": "approved", "return_change": "returned", "refuse": "refused"}
OWN = ("member", "insider")
# (state, verb, role) → the state after it. Everything else is refused.
ALLOWED = {
    **{(state, "submit", role): "submitted" for state in ("draft", "returned") for role in OWN},
    **{("submitted", verb, "office"): target for verb, target in CHECKS.items()},
    **{(state, "withdraw", role): "withdrawn" for state in ("draft", "submitted", "returned") for role in OWN},
    **{(state, "close", "system"): "withdrawn" for state in ("draft", "submitted", "returned")},
}
STARTS = {verb: {state for state, name, _ in ALLOWED if name == verb} for verb in VERBS}


def change_in(state: str, agency: Agency) -> Change:
    change = Change.objects.create(
        agency=agency, kind=Change.Kind.NAME, state=state, values=VALUES, begun_at=MONDAY, submitted_at=MONDAY
    )
    kept = SimpleUploadedFile("a.pdf", scan("Licence"), "application/pdf")
    file = uploads.store(kept, organisation=agency.organisation, actor=None, at=MONDAY)
    change.papers.create(field="business_licence", file=file)
    return change


def snapshot() -> tuple[Any, ...]:
    return (
        list(Change.objects.order_by("pk").values()),
        list(Agency.objects.order_by("pk").values_list("pk", "sort_name")),
        Event.objects.count(),
        Notification.objects.count(),
    )


def expected_refusal(state: str, verb: str, role: str) -> type[DomainError]:
    if state not in STARTS[verb]:
        return WrongState
    # A member of the office who belongs to the agency has the right in general, but not in this case.
    return RuleBroken if role == "insider" and verb in CHECKS else NotAllowed


def test_the_table_names_every_verb_of_the_model() -> None:
    assert set(Change.verbs()) == set(VERBS)
    assert {verb: set(spec.source) for verb, spec in Change.verbs().items()} == STARTS


@pytest.mark.django_db
@pytest.mark.parametrize("state", ChangeState.values)
def test_state_verb_role(state: str, settings: Any, tmp_path: Any) -> None:
    parameters.load_file("parameters.json")
    settings.UPLOADS_DIR = tmp_path
    agency: Agency = AgencyFactory()
    insider = person_of(Organisation.Kind.OFFICE)
    Membership.objects.create(user=insider, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    people: dict[str, User | None] = {
        "system": None,
        "public": UserFactory(),
        "member": person_at(agency.organisation),
        "stranger_agency": person_of(Organisation.Kind.AGENCY),
        "insider": insider,
    }
    people |= {role: person_of(role) for role in ROLES if role not in people}
    change = change_in(state, agency)
    for verb, act in VERBS.items():
        for role in ROLES:
            if (state, verb, role) in ALLOWED:
                moved = act(change, people[role])
                assert moved.state == ALLOWED[state, verb, role], (verb, role)
                assert Event.objects.filter(stream__name=agency.stream_name()).count() == 1, (verb, role)
                # The same start for the next role.
                change.delete()
                Event.objects.all().delete()
                agency = AgencyFactory._meta.model.objects.get(pk=agency.pk)
                agency.organisation.name = agency.sort_name = "Old Lake"
                agency.organisation.save()
                change = change_in(state, agency)
            else:
                before = snapshot()
                with pytest.raises(DomainError) as refusal:
                    act(change, people[role])
                assert type(refusal.value) is expected_refusal(state, verb, role), (verb, role, refusal.value)
                assert snapshot() == before, (verb, role)
