"""Objections in publicity: from anybody, decided by an independent office, and the entry waits for the decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agencies import actions, entry_journal, journal
from agencies.deadlines import due
from agencies.models import Agency, EntryObjection, Practitioner
from agencies.states import AgencyState, ObjectionState
from marketplace import events, uploads
from marketplace.deadlines import run_due
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import Event, Membership, Notification, Organisation, ServiceItem, Upload, User
from tests.factories import MONDAY, PractitionerFactory, UserFactory, entered_agency, pdf, person_at

TEXT = "The licence belongs to another firm."
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def agency(newcomer: User, free: ServiceItem, officer: User) -> Agency:
    """In publicity from Monday until 24:00 of the Monday after."""
    return entered_agency(free, until=AgencyState.PUBLICITY, member=newcomer)


@pytest.fixture
def neighbour() -> User:
    user: User = UserFactory()
    return user


def refused(kind: type[Exception], act: Any) -> Any:
    def now() -> tuple[Any, ...]:
        rows = list(EntryObjection.objects.values()), list(Agency.objects.values())
        return (*rows, Event.objects.count(), Notification.objects.count(), Upload.objects.count())

    before = now()
    with pytest.raises(kind) as refusal:
        act()
    assert now() == before
    return refusal.value


def test_objection_is_anonymous_in_public_and_known_to_the_office(
    agency: Agency, neighbour: User, newcomer: User, officer: User, office: Organisation
) -> None:
    objection = actions.lodge_objection(agency, TEXT, pdf("proof.pdf"), actor=neighbour, at=TUESDAY)

    assert (objection.state, objection.lodged_by) == (ObjectionState.LODGED, neighbour)
    # Five working days after Tuesday the 10th.
    assert objection.due == datetime(2026, 3, 17, 16, 0, tzinfo=UTC)
    envelope = events.read_all(agency.stream_name())[-1]
    assert envelope["actor"] == {"role": "public", "name": ""}
    assert envelope["data"].keys() == {"objection", "due", "derivation"}
    assert TEXT not in str(envelope)
    kinds = {(letter.user, letter.kind) for letter in Notification.objects.all()}
    assert kinds == {
        (newcomer, entry_journal.NOTE_OBJECTION),
        (officer, entry_journal.NOTE_OBJECTION_OFFICE),
    } | {
        (one, entry_journal.NOTE_OBJECTION_OFFICE)
        for one in User.objects.filter(memberships__organisation=office).exclude(pk=officer.pk)
    }
    assert "person" not in str(list(Notification.objects.values_list("params", flat=True)))
    # The agency cannot open the evidence, the office can.
    assert objection.evidence is not None
    assert not uploads.may_read(newcomer, objection.evidence)
    assert uploads.may_read(officer, objection.evidence)


def test_who_belongs_to_the_agency_or_to_nobody_lodges_nothing(agency: Agency, newcomer: User) -> None:
    for actor in (newcomer, None):
        refused(NotAllowed, lambda actor=actor: actions.lodge_objection(agency, TEXT, actor=actor, at=TUESDAY))  # type: ignore[misc]


def test_objection_says_something_and_its_file_is_good(agency: Agency, neighbour: User) -> None:
    program = type(pdf())("x.pdf", b"MZ" + b"\0" * 500, "application/pdf")

    refusal = refused(
        FieldErrors, lambda: actions.lodge_objection(agency, " too short ", program, actor=neighbour, at=TUESDAY)
    )

    assert set(refusal.fields) == {"text", "file"}


def test_one_open_objection_each(agency: Agency, neighbour: User) -> None:
    actions.lodge_objection(agency, TEXT, actor=neighbour, at=TUESDAY)

    refusal = refused(RuleBroken, lambda: actions.lodge_objection(agency, TEXT, actor=neighbour, at=TUESDAY))

    assert refusal.code == "one_objection_each"
    actions.lodge_objection(agency, TEXT, actor=UserFactory(), at=TUESDAY)


def test_objections_end_with_the_publicity(agency: Agency, neighbour: User) -> None:
    assert agency.publicity_until is not None
    until = agency.publicity_until

    assert refused(RuleBroken, lambda: actions.lodge_objection(agency, TEXT, actor=neighbour, at=until)).code == (
        "publicity_is_running"
    )
    actions.lodge_objection(agency, TEXT, actor=neighbour, at=until - timedelta(microseconds=1))


def test_objection_against_an_entry_on_commitment_is_open_as_long_as_its_publicity(
    free: ServiceItem, neighbour: User, officer: User
) -> None:
    agency = entered_agency(free, commitment=True)
    assert agency.state == AgencyState.ACTIVE
    objection = actions.lodge_objection(agency, TEXT, actor=neighbour, at=TUESDAY)

    refusal = refused(
        FieldErrors,
        lambda: actions.decide_objection(
            objection, uphold=True, reason="True.", consequence="refuse", actor=officer, at=TUESDAY
        ),
    )
    assert set(refusal.fields) == {"consequence"}
    actions.decide_objection(objection, uphold=True, reason="True.", actor=officer, at=TUESDAY)

    assert Agency.objects.get().state == AgencyState.ACTIVE


def test_no_objection_before_or_after_an_entry(free: ServiceItem, neighbour: User, newcomer: User) -> None:
    agency = entered_agency(free, until=AgencyState.SUBMITTED, member=newcomer)

    refused(WrongState, lambda: actions.lodge_objection(agency, TEXT, actor=neighbour, at=TUESDAY))


# ---------- the decision ----------


def test_open_objection_keeps_the_entry_in_publicity_until_it_is_dismissed(
    agency: Agency, neighbour: User, newcomer: User, officer: User
) -> None:
    objection = actions.lodge_objection(agency, TEXT, actor=neighbour, at=TUESDAY)
    until = agency.publicity_until
    assert until is not None
    late = until + timedelta(days=30)
    assert late > objection.due
    assert list(due(late)) == []
    assert refused(RuleBroken, lambda: actions.end_publicity(agency, at=late)).code == "no_objection_is_open"

    objection = actions.decide_objection(objection, uphold=False, reason=" Unfounded. ", actor=officer, at=late)

    assert (objection.state, objection.reason, objection.decided_by) == (
        ObjectionState.DISMISSED,
        "Unfounded.",
        officer,
    )
    mine = Notification.objects.get(user=neighbour)
    assert (mine.kind, mine.params["reason"]) == (entry_journal.NOTE_YOURS_DISMISSED, "Unfounded.")
    assert Notification.objects.filter(user=newcomer, kind=entry_journal.NOTE_OBJECTION_DISMISSED).count() == 1
    assert "Unfounded" not in str(events.read_all(agency.stream_name()))
    assert run_due(late) == [f"agency:{agency.code} end_publicity"]
    assert Agency.objects.get().state == AgencyState.ACTIVE


@pytest.mark.parametrize(
    ("consequence", "state", "letter"),
    [
        ("return", AgencyState.RETURNED, journal.NOTE_RETURNED),
        ("refuse", AgencyState.REFUSED, journal.NOTE_REFUSED),
    ],
)
def test_upheld_objection_returns_or_refuses_the_entry(
    agency: Agency, neighbour: User, newcomer: User, officer: User, consequence: str, state: str, letter: str
) -> None:
    PractitionerFactory(agency=agency)
    objection = actions.lodge_objection(agency, TEXT, actor=neighbour, at=TUESDAY)

    actions.decide_objection(
        objection, uphold=True, reason="It is so.", consequence=consequence, actor=officer, at=TUESDAY
    )

    moved = Agency.objects.get()
    assert (moved.state, moved.checked_by) == (state, officer)
    # The check does not stand: the practitioner may work elsewhere.
    assert not Practitioner.objects.get().checked
    assert [row["type"] for row in events.read_all(agency.stream_name())][-2:] == [
        "agency.objection_upheld",
        "agency.returned_from_publicity" if consequence == "return" else "agency.refused_from_publicity",
    ]
    assert Notification.objects.filter(user=newcomer).latest("pk").kind == letter
    assert Notification.objects.get(user=neighbour).kind == entry_journal.NOTE_YOURS_UPHELD
    assert list(due(TUESDAY + timedelta(days=60))) == []


def test_decision_needs_reason_consequence_and_an_independent_office(
    agency: Agency, neighbour: User, newcomer: User, officer: User, office: Organisation
) -> None:
    clerk, insider = person_at(office), person_at(office)
    Membership.objects.create(user=insider, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    objection = actions.lodge_objection(agency, TEXT, actor=clerk, at=TUESDAY)

    def decide(actor: User | None, **given: Any) -> None:
        asked = {"uphold": False, "reason": "So."} | given
        actions.decide_objection(objection, **asked, actor=actor, at=TUESDAY)

    refusal = refused(FieldErrors, lambda: decide(officer, uphold=True, reason=" "))
    assert set(refusal.fields) == {"reason", "consequence"}
    assert set(refused(FieldErrors, lambda: decide(officer, consequence="return")).fields) == {"consequence"}
    for outsider in (newcomer, neighbour, None):
        refused(NotAllowed, lambda outsider=outsider: decide(outsider))  # type: ignore[misc]
    assert refused(RuleBroken, lambda: decide(insider)).code == "checker_is_independent"
    assert refused(RuleBroken, lambda: decide(clerk)).code == "decider_did_not_object"

    decide(officer)
    refused(WrongState, lambda: decide(officer))
