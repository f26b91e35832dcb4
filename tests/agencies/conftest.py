from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agencies import credit_rules
from marketplace import parameters
from marketplace.models import Organisation, Requirement, ServiceItem, User
from tests.factories import OrganisationFactory, RequirementFactory, ServiceItemFactory, UserFactory, person_at


@pytest.fixture(autouse=True)
def rules_loaded(db: None) -> None:
    parameters.load_file("parameters.json")
    credit_rules.load()


@pytest.fixture(autouse=True)
def uploads_elsewhere(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS_DIR = tmp_path / "uploads"


@pytest.fixture
def surveying() -> ServiceItem:
    """A service that needs a surveying licence of level A or B."""
    item: ServiceItem = RequirementFactory().item
    return item


@pytest.fixture
def promised() -> ServiceItem:
    """A service that needs nothing but a promise."""
    item: ServiceItem = RequirementFactory(kind=Requirement.Kind.COMMITMENT, text="作出承诺").item
    return item


@pytest.fixture
def free() -> ServiceItem:
    """A service without any requirement."""
    item: ServiceItem = ServiceItemFactory()
    return item


@pytest.fixture
def newcomer() -> User:
    """A person who belongs to nothing yet."""
    user: User = UserFactory()
    return user


@pytest.fixture
def office() -> Organisation:
    organisation: Organisation = OrganisationFactory(kind=Organisation.Kind.OFFICE, nature=Organisation.Nature.PUBLIC)
    return organisation


@pytest.fixture
def officer(office: Organisation) -> User:
    return person_at(office)
