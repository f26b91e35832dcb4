"""The people of an agency: practitioners and authorised agents are entered, changed, and taken off the list.

The number of an identity document is checked and sealed; the log keeps the name and the number's last four characters,
in its private part. Who works for whom is found by the keyed digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace import identity, uploads
from marketplace.accounts import acts_as
from marketplace.clock import local_date
from marketplace.errors import FieldErrors, NotAllowed, WrongState
from marketplace.models import Organisation, Upload, User

from .. import conditions, entry_journal, journal
from ..models import Agency, AuthorisedAgent, Practitioner
from ..people_rules import FILES, VALUES, Person, PersonModel, clashes, data_faults, person_faults
from ..rules import Errors
from .entry import open_for_change

P = TypeVar("P", AuthorisedAgent, Practitioner)


class Given(TypedDict, total=False):
    """What an act says about one person.

    `values`: full_name, id_kind, id_number (as typed; empty leaves it as it is) and people_rules.VALUES of the model.
    `files`: new files by people_rules.FILES, `kept`: files the agency gave before, by the same names.
    """

    values: Mapping[str, Any]
    files: Mapping[str, UploadedFile | None]
    kept: Mapping[str, Upload]


ADDED = {Practitioner: entry_journal.PRACTITIONERS_ADDED, AuthorisedAgent: entry_journal.AGENTS_ADDED}
UPDATED = {Practitioner: entry_journal.PRACTITIONER_UPDATED, AuthorisedAgent: entry_journal.AGENT_UPDATED}
REMOVED = {Practitioner: entry_journal.PRACTITIONER_REMOVED, AuthorisedAgent: entry_journal.AGENT_REMOVED}


# ---------- practitioners ----------


def add_practitioners(
    agency: Agency, several: Sequence[Given], *, actor: User | None, at: datetime
) -> list[Practitioner]:
    """Enter several practitioners in one event; a refusal of one (FieldErrors) undoes all."""
    return _add(Practitioner, agency, several, actor, at)


def add_practitioner(agency: Agency, given: Given, *, actor: User | None, at: datetime) -> Practitioner:
    """Enter a practitioner. Raises FieldErrors, at `id_number` too for one who serves another agency."""
    return _add(Practitioner, agency, [given], actor, at)[0]


def update_practitioner(
    agency: Agency, person: Practitioner, given: Given, *, actor: User | None, at: datetime
) -> Practitioner:
    """Change a practitioner; what was checked is to be checked again. No difference, no event."""
    return _update(Practitioner, agency, person, given, actor, at)


def remove_practitioner(agency: Agency, person: Practitioner, *, actor: User | None, at: datetime) -> None:
    """Take a practitioner off the list: he may be entered by another agency from now on."""
    _remove(Practitioner, agency, person, actor, at)


@transaction.atomic
def office_release_practitioner(
    practitioner: Practitioner, reason: str, *, actor: User | None, at: datetime
) -> Practitioner:
    """The office ends the registration of somebody whose former agency does not report the departure.

    Raises FieldErrors(reason) without a reason, NotAllowed, RuleBroken for a member of that agency, WrongState for one
    who has left already.
    """
    agency = Agency.objects.select_for_update(no_key=True, of=("self",)).get(pk=practitioner.agency_id)
    person = agency.practitioners.get(pk=practitioner.pk)
    if not acts_as(actor, Organisation.Kind.OFFICE):
        raise NotAllowed(verb="release_practitioner")
    if person.left_on is not None:
        raise WrongState("release_practitioner", "left")
    conditions.checker_is_independent.demand(person, actor=actor)
    if not reason.strip():
        raise FieldErrors({"reason": [_("State the reason; the agency reads it.")]})
    person.left_on = local_date(at)
    person.save(update_fields=["left_on"])
    event = journal.note(
        agency,
        entry_journal.PRACTITIONER_RELEASED,
        {"person": person.pk},
        actor=actor,
        at=at,
        private={"people": _told([person]), "reason": reason.strip()},
    )
    params = {"person": person.full_name, "reason": reason.strip()}
    journal.tell_members(agency, event, entry_journal.NOTE_RELEASED, params, at=at)
    return person


# ---------- authorised agents ----------


def add_agents(
    agency: Agency, several: Sequence[Given], *, actor: User | None, at: datetime
) -> list[AuthorisedAgent]:
    return _add(AuthorisedAgent, agency, several, actor, at)


def add_agent(agency: Agency, given: Given, *, actor: User | None, at: datetime) -> AuthorisedAgent:
    """Enter an authorised agent. Raises FieldErrors."""
    return _add(AuthorisedAgent, agency, [given], actor, at)[0]


def update_agent(
    agency: Agency, person: AuthorisedAgent, given: Given, *, actor: User | None, at: datetime
) -> AuthorisedAgent:
    return _update(AuthorisedAgent, agency, person, given, actor, at)


def remove_agent(agency: Agency, person: AuthorisedAgent, *, actor: User | None, at: datetime) -> None:
    _remove(AuthorisedAgent, agency, person, actor, at)


def link_agent(organisation: Organisation, user: User, full_name: str) -> None:
    """Whoever accepts the invitation made out to an authorised agent is that agent: his access ends with his authority.

    Called from the transaction that lets him in; does nothing where the name stands for nobody or for several.
    """
    found = AuthorisedAgent.objects.filter(
        agency=organisation.pk, full_name=full_name, left_on__isnull=True, user__isnull=True
    )
    if found.count() == 1:
        found.update(user=user)


# ---------- both ----------


@transaction.atomic
def _add(model: type[P], agency: Agency, several: Sequence[Given], actor: User | None, at: datetime) -> list[P]:
    row = open_for_change(agency, actor, supplying=True)
    if not several:
        return []
    people: list[P] = []
    for given in several:
        values = given.get("values", {})
        errors = data_faults(model, values, on=local_date(at)) | file_faults(row, model, given)
        if errors and len(several) == 1:
            # One person from a form: everything is said at once, also who he works for.
            errors = person_faults(row, model, values, on=local_date(at)) | errors
        if errors:
            raise FieldErrors(errors)
        person = model(agency=row)
        _fill(person, values)
        people.append(person)
    digests = [person.id_digest for person in people]
    if said := clashes(row, model, digests):
        raise FieldErrors({"id_number": list(said.values())})
    if len(set(digests)) < len(digests):
        raise FieldErrors({"id_number": [_("This person is entered already.")]})
    for person, given in zip(people, several, strict=True):
        _keep_files(row, person, given, actor, at)
    people = model._default_manager.bulk_create(people)
    data = {"count": len(people), "people": [person.pk for person in people]}
    journal.note(row, ADDED[model], data, actor=actor, at=at, private={"people": _told(people)})
    return people


@transaction.atomic
def _update(model: type[P], agency: Agency, person: P, given: Given, actor: User | None, at: datetime) -> P:
    row = open_for_change(agency, actor, supplying=True)
    known = model._default_manager.get(pk=person.pk, agency=row, left_on__isnull=True)
    values = {name: getattr(known, name) for name in _named(model)}
    values |= given.get("values", {})
    errors = person_faults(row, model, values, on=local_date(at), person=known) | file_faults(row, model, given)
    if errors:
        raise FieldErrors(errors)
    before = _state_of(known)
    _fill(known, values)
    _keep_files(row, known, given, actor, at)
    changed = sorted(name for name, value in _state_of(known).items() if value != before[name])
    if changed:
        known.checked = False
        known.save()
        data = {"person": known.pk, "fields": changed}
        journal.note(row, UPDATED[model], data, actor=actor, at=at, private={"people": _told([known])})
    return known


@transaction.atomic
def _remove(model: type[P], agency: Agency, person: P, actor: User | None, at: datetime) -> None:
    row = open_for_change(agency, actor, supplying=True)
    known = model._default_manager.get(pk=person.pk, agency=row, left_on__isnull=True)
    pk = known.pk
    if known.checked:
        known.left_on = local_date(at)
        known.save(update_fields=["left_on"])
    else:
        # Nobody ever checked this person: no history to keep.
        known.delete()
    journal.note(row, REMOVED[model], {"person": pk}, actor=actor, at=at, private={"people": _told([known])})


def file_faults(agency: Agency, model: PersonModel, given: Given) -> Errors:
    """Faults of the files, each at its own field."""
    errors: Errors = {}
    for name in FILES[model]:
        if (file := given.get("files", {}).get(name)) is not None:
            try:
                uploads.check(file, name)
            except FieldErrors as refusal:
                errors |= refusal.fields
        elif (kept := given.get("kept", {}).get(name)) and kept.organisation_id != agency.pk:
            errors[name] = [_("This file belongs to somebody else.")]
    return errors


def _fill(person: Person, values: Mapping[str, Any]) -> None:
    """Write checked values; the number goes in sealed."""
    person.full_name, person.id_kind = values["full_name"].strip(), values["id_kind"]
    for name in VALUES[type(person)]:
        value = values.get(name)
        setattr(person, name, value.strip() if isinstance(value, str) else value if name == "valid_until" else "")
    if number := values.get("id_number"):
        compact = identity.check(person.id_kind, number)[0]
        if identity.digest(person.id_kind, compact) != person.id_digest:
            sealed = identity.seal(person.id_kind, compact)
            person.id_sealed, person.id_digest, person.id_hint = sealed.sealed, sealed.digest, sealed.hint


def _keep_files(agency: Agency, person: Person, given: Given, actor: User | None, at: datetime) -> None:
    for name in FILES[type(person)]:
        if (file := given.get("files", {}).get(name)) is not None:
            stored = uploads.store(file, organisation=agency.organisation, actor=actor, at=at, field=name)
            setattr(person, name, stored)
        elif (kept := given.get("kept", {}).get(name)) is not None:
            setattr(person, name, kept)


def _state_of(person: Person) -> dict[str, Any]:
    model = type(person)
    files = {name: getattr(person, f"{name}_id") for name in FILES[model]}
    return {name: getattr(person, name) for name in _named(model)} | {"id_number": person.id_digest} | files


def _named(model: PersonModel) -> tuple[str, ...]:
    return ("full_name", "id_kind", *VALUES[model])


def _told(people: Sequence[Person]) -> list[dict[str, str]]:
    return [{"name": person.full_name, "hint": person.id_hint} for person in people]
