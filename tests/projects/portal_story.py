"""Selection tasks at every public state, made by the real acts; the slow opening is a few hundred steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agencies.models import Agency
from marketplace import catalogue, installation, parameters
from marketplace.models import Organisation, ServiceItem, User
from projects import actions, conductor, delay, draw
from projects.models import SelectionTask
from tests.factories import AgencyFactory, OrganisationFactory, RequirementFactory, offers, person_at

# Monday 9 March 2026, 10:00 in China.
START = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)
CLOSES = datetime(2026, 3, 13, 9, 30, tzinfo=UTC)
OPENS = datetime(2026, 3, 16, 2, 0, tzinfo=UTC)
STEPS = 500


class Story:
    """The people of the marketplace, and the acts that move a task along."""

    def __init__(self, agencies: int = 4, item: ServiceItem | None = None) -> None:
        parameters.load_file("parameters.json")
        short = {"code": "session.delay_steps", "value": str(STEPS), "unit": "count", "basis": "test"}
        parameters.load([short], is_demo=True, valid_from=START.date())
        installation.mark_as_demo(seed="test", at=START)  # so few steps are lawful in a demo only
        kind = Organisation.Kind
        public = Organisation.Nature.PUBLIC
        self.owner: Organisation = OrganisationFactory(kind=kind.OWNER, nature=public, name="瑞昌市水利局")
        self.office: Organisation = OrganisationFactory(kind=kind.OFFICE, nature=public, name="中介超市协管办")
        self.item: ServiceItem = item or RequirementFactory().item
        self.buyer: User = person_at(self.owner, "manager")
        self.checker: User = person_at(self.office)
        self.publisher: User = person_at(self.office)
        self.agencies: list[Agency] = [AgencyFactory() for _ in range(agencies)]
        self.people: list[User] = []
        for agency in self.agencies:
            offers(agency, self.item)
            self.people.append(person_at(agency.organisation))

    def fields(self, name: str) -> dict[str, Any]:
        return {
            "item": self.item,
            "name": name,
            "content": "勘察设计",
            "service_time": "30 天",
            "fund_government": 100,
            "fund_social": 0,
            "amount_kind": "fixed",
            "amount_yuan": 86000,
            "mode": "random",
            "mode_reason": "技术要求统一",
            "signup_deadline": CLOSES,
            "selection_at": OPENS,
            "contact_name": "王工",
            "contact_phone": "0792-1111111",
            "complaint_phone": "0792-2222222",
        }

    def draft(self, name: str = "青山水库除险加固勘察设计", at: datetime = START, **fields: Any) -> SelectionTask:
        return actions.draft_task(actor=self.buyer, at=at, owner=self.owner, fields=self.fields(name) | fields)

    def publish(self, task: SelectionTask | None = None, at: datetime = START, **fields: Any) -> SelectionTask:
        task = task or self.draft(at=at, **fields)
        actions.submit_task(task, actor=self.buyer, at=at)
        actions.check_task(task, actor=self.checker, at=at)
        return actions.publish_notice(task, actor=self.publisher, at=at)

    def sign_up(self, task: SelectionTask, count: int | None = None) -> None:
        for number, (agency, person) in enumerate(zip(self.agencies[:count], self.people[:count], strict=True)):
            actions.sign_up(task, actor=person, at=START + timedelta(hours=number + 1), agency=agency)

    def close(self, task: SelectionTask) -> SelectionTask:
        return actions.close_signup(task, at=task.signup_deadline + timedelta(seconds=1))

    def open(self, task: SelectionTask) -> SelectionTask:
        assert task.session is not None
        task.session.refresh_from_db()
        task.session = conductor.open_session(task.session, at=task.session.open_at)
        return task

    def freeze(self, task: SelectionTask) -> SelectionTask:
        assert task.session is not None
        assert task.session.closes_at is not None
        task.session = conductor.freeze_session(task.session, at=task.session.closes_at + timedelta(seconds=1))
        return task

    def result(self, task: SelectionTask) -> SelectionTask:
        session = task.session
        assert session is not None
        assert session.closes_at is not None
        found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
        conductor.publish_results(session, at=session.closes_at + timedelta(seconds=3), found=found)
        return SelectionTask.objects.get(pk=task.pk)

    def drawn(self, **fields: Any) -> SelectionTask:
        """Published, signed up, closed, drawn: the award is in publicity."""
        task = self.publish(**fields)
        self.sign_up(task)
        return self.result(self.freeze(self.open(self.close(task))))

    def confirmed(self, task: SelectionTask) -> SelectionTask:
        return actions.confirm_award(task, at=task.award_notice.publicity_until)


def full_catalogue() -> ServiceItem:
    """The whole catalogue of the project, and one item of it."""
    catalogue.load()
    return ServiceItem.objects.get(code="2001")
