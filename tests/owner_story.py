"""Owners for tests: entries in any state by the real acts, with the people who may act on them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from marketplace import accounts
from marketplace.models import Organisation, User
from projects import owner_changes, owners
from projects.models import OwnerChange, OwnerEntry
from projects.states import OwnerState
from tests.factories import MONDAY, UserFactory, credit_code, pdf, person_of

HOUR = timedelta(hours=1)
CODE = credit_code(73, "11360481MA")


def owner_code(number: int) -> str:
    """A valid code that no factory gives out."""
    return credit_code(number, "12360481MA")


DATA = {"legal_representative": "Zhang Wei", "address": "2 Lake Road"}
CONTACT = {"contact_name": "Chen Jing", "contact_phone": "0792-7654321", "contact_email": ""}
# A resident identity number with a right check digit; of nobody.
ID_NUMBER = "360481199003071238"


def registered(
    manager: User | None = None, *, code: str = CODE, at: datetime = MONDAY, **fields: Any
) -> tuple[OwnerEntry, User]:
    manager = manager or UserFactory()
    given = {"name": "Water Bureau", "nature": Organisation.Nature.PUBLIC, "code": code, "contact": CONTACT} | fields
    return owners.register_owner(**given, actor=manager, at=at), manager


def complete(entry: OwnerEntry, manager: User, *, at: datetime = MONDAY) -> OwnerEntry:
    owners.update_owner(entry, DATA, actor=manager, at=at)
    owners.put_owner_file(entry, "registration", pdf("registration.pdf"), actor=manager, at=at)
    return owners.put_owner_file(entry, "authority", pdf("authority.pdf"), actor=manager, at=at)


def entry_in(state: str, *, code: str = CODE, officer: User | None = None) -> tuple[OwnerEntry, User]:
    """An owner in that state, and its manager."""
    entry, manager = registered(code=code)
    if state == OwnerState.DRAFT:
        return complete(entry, manager), manager
    officer = officer or person_of(Organisation.Kind.OFFICE)
    entry = owners.submit_owner(complete(entry, manager), actor=manager, at=MONDAY)
    later = MONDAY + HOUR
    if state == OwnerState.RETURNED:
        defects = [{"field": "address", "sentence": "Not the one of the certificate."}]
        entry = owners.return_owner(entry, defects, actor=officer, at=later)
    if state == OwnerState.REFUSED:
        entry = owners.refuse_owner(entry, "No such unit.", actor=officer, at=later)
    if state in (OwnerState.ACTIVE, OwnerState.WITHDRAWN):
        entry = owners.approve_owner(entry, actor=officer, at=later)
    if state == OwnerState.WITHDRAWN:
        entry = owners.withdraw_owner(entry, actor=manager, at=later + HOUR)
    accounts.forget(manager)
    return entry, manager


def proposed(entry: OwnerEntry, manager: User, **values: str) -> OwnerChange:
    values = values or {"name": "Water Resources Bureau"}
    return owner_changes.propose_owner_change(entry, values, pdf("new.pdf"), actor=manager, at=MONDAY + 3 * HOUR)
