"""A small world for tests of selection: one owner, two office people, some agencies entitled to one item."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from agencies.models import Agency
from marketplace import installation, parameters
from marketplace.models import Organisation, ServiceItem, User
from projects import actions, conductor, delay, draw
from projects.models import LiveSession, SelectionTask
from tests.factories import AgencyFactory, OrganisationFactory, RequirementFactory, offers, person_at

# A Tuesday, 10:00 in China, with no holiday near.
NOW = datetime.fromisoformat("2026-03-10T10:00:00+08:00")
CLOSES = datetime.fromisoformat("2026-03-16T17:30:00+08:00")
OPENS = datetime.fromisoformat("2026-03-17T10:00:00+08:00")
STEPS = 1000


@dataclass
class Scene:
    owner: Organisation
    manager: User
    checker: User
    publisher: User
    item: ServiceItem
    agencies: list[Agency] = field(default_factory=list)
    people: dict[int, User] = field(default_factory=dict)

    def agent(self, agency: Agency) -> User:
        return self.people[agency.pk]

    def add_agency(self) -> Agency:
        agency: Agency = AgencyFactory()
        offers(agency, self.item)
        self.people[agency.pk] = person_at(agency.organisation)
        self.agencies.append(agency)
        return agency

    def fields(self, **changes: Any) -> dict[str, Any]:
        return {
            "item": self.item,
            "name": "Survey of the reservoir",
            "content": "Survey and report",
            "service_time": "30 days",
            "fund_government": 100,
            "fund_social": 0,
            "amount_kind": "fixed",
            "amount_yuan": Decimal("86000.00"),
            "mode": "random",
            "mode_reason": "The price is fixed by the owner",
            "signup_deadline": CLOSES,
            "selection_at": OPENS,
            "contact_name": "Hu",
            "contact_phone": "0792-1",
            "complaint_phone": "0792-2",
            **changes,
        }

    def draft(self, **changes: Any) -> SelectionTask:
        return actions.draft_task(actor=self.manager, at=NOW, owner=self.owner, fields=self.fields(**changes))

    def checked(self, **changes: Any) -> SelectionTask:
        task = actions.submit_task(self.draft(**changes), actor=self.manager, at=NOW)
        return actions.check_task(task, actor=self.checker, at=NOW)

    def published(self, **changes: Any) -> SelectionTask:
        return actions.publish_notice(self.checked(**changes), actor=self.publisher, at=NOW)

    def sign_up(self, task: SelectionTask, *agencies: Agency, at: datetime = NOW + timedelta(hours=1)) -> None:
        for agency in agencies or self.agencies:
            actions.sign_up(task, actor=self.agent(agency), at=at, agency=agency)

    def closed(self, **changes: Any) -> SelectionTask:
        task = self.published(**changes)
        self.sign_up(task)
        return actions.close_signup(task, at=CLOSES + timedelta(seconds=1))

    def sealed(self, task: SelectionTask | None = None) -> LiveSession:
        task = task or self.closed()
        assert task.session is not None
        session = conductor.open_session(task.session, at=OPENS)
        for agency in self.agencies:
            conductor.throw_into_pot(
                session, actor=self.agent(agency), at=OPENS + timedelta(seconds=2), agency=agency, r="ab" * 32
            )
        return conductor.freeze_session(session, at=OPENS + timedelta(seconds=11))

    def drawn(self) -> SelectionTask:
        session = self.sealed()
        found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
        conductor.publish_results(session, at=OPENS + timedelta(seconds=20), found=found)
        return SelectionTask.objects.get(session=session)


def scene(agencies: int = 4) -> Scene:
    """The regulation's own times, with a short slow opening."""
    parameters.load_file("parameters.json")
    few_steps = {"code": "session.delay_steps", "value": str(STEPS), "unit": "count", "basis": "test"}
    parameters.load([few_steps], is_demo=True, valid_from=NOW.date())
    installation.mark_as_demo(seed="test", at=NOW)  # few steps are allowed nowhere else
    owner = OrganisationFactory(kind=Organisation.Kind.OWNER, nature=Organisation.Nature.PUBLIC, name="Water Bureau")
    office = OrganisationFactory(kind=Organisation.Kind.OFFICE, nature=Organisation.Nature.PUBLIC, name="Office")
    made = Scene(
        owner=owner,
        manager=person_at(owner, "manager"),
        checker=person_at(office),
        publisher=person_at(office),
        item=RequirementFactory().item,
    )
    for _ in range(agencies):
        made.add_agency()
    return made
