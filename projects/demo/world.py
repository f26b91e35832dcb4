"""The demo world, the size of Ruichang in 2019: 348 agencies, 73 owners, the office, and some finished procedures.

Everything is played through the real acts, with moments in the past; the same seed and day give the same world.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from agencies import credit_rules
from agencies.demo_entry import enter_agency, fitting
from agencies.models import Agency
from agencies.queries import eligible_agencies
from marketplace import access_grants, catalogue, clock, deadlines, installation, parameters
from marketplace.models import Membership, Notification, Organisation, OutboxMessage, Requirement, ServiceItem, User
from projects import actions, conductor, delay, draw
from projects.models import SelectionTask, standing

from . import agencies, credit, names, tasks
from .entries import EntriesUnderWay
from .owners import enter_owner
from .timeline import Timeline

# Letters of the days before this are read.
UNREAD = timedelta(days=3)
Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


def _quiet(items: Iterable[Any], _label: str, _total: int) -> Iterable[Any]:
    return items


class World:
    """Loads the demo into an empty database. `at` is the moment of loading; history lies before it."""

    def __init__(self, *, seed: str, at: datetime, progress: Progress = _quiet) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.at = at
        self.progress = progress
        self.password = make_password(installation.DEMO_PASSWORD)
        self.owners: list[Organisation] = []
        self.companies: list[names.Company] = []
        # Agencies that sign up for nothing, because they leave or are suspended.
        self.idle: list[int] = []
        self.requirements: dict[str, list[Requirement]] = {}

    @transaction.atomic
    def load(self) -> None:
        catalogue.load()
        parameters.load_file("parameters.json")
        credit_rules.load()
        parameters.load_file("demo_parameters.json", is_demo=True, valid_from=clock.local_date(self.at))
        installation.mark_as_demo(seed=self.seed, at=self.at)
        self._bodies()
        self._owners()
        self._agencies()
        self._history()
        self.line = Timeline(self.at)
        affairs = agencies.AgencyAffairs(self)
        affairs.plan()
        credit.CreditHistory(seed=self.seed, line=self.line, office1=self.office1, office2=self.office2).plan()
        self.line.play()
        EntriesUnderWay(self).play()
        affairs.imports()
        self.person("newcomer1", "黄思远", None, "")
        Notification.objects.filter(created_at__lt=self.at - UNREAD).update(read_at=self.at)
        OutboxMessage.objects.update(
            state=OutboxMessage.State.SENT, sent_at=self.at
        )  # history's letters are not sent today

    def person(self, username: str, full_name: str, organisation: Organisation | None, role: str) -> User:
        user = User.objects.create(
            username=username,
            full_name=full_name,
            phone=names.phone(self.rng),
            # Two of them get letters, so that the console shows some and is not filled with them.
            email=f"{username}@demo.example" if username in {"agency1", "visitor1"} else "",
            password=self.password,
        )
        if organisation is not None:
            Membership.objects.create(user=user, organisation=organisation, role=role)
        return user

    def body(self, kind: str, name: str, *, public: bool = True, code: str = "") -> Organisation:
        nature = Organisation.Nature.PUBLIC if public else Organisation.Nature.ENTERPRISE
        code = code or names.company_code(self.rng, "360481", "11")
        return Organisation.objects.create(kind=kind, name=name, code=code, nature=nature)

    def _bodies(self) -> None:
        Kind = Organisation.Kind
        office = self.body(Kind.OFFICE, "瑞昌市中介超市协管办")
        self.office1 = self.person("office1", names.person(self.rng), office, "officer")
        self.office2 = self.person("office2", names.person(self.rng), office, "officer")
        self.person("supervisor1", names.person(self.rng), self.body(Kind.SUPERVISOR, "瑞昌市监察委员会"), "officer")
        authority = ServiceItem.objects.get(pk="2001").authority
        self.person("authority1", names.person(self.rng), authority, "officer")
        self.person("visitor1", names.person(self.rng), None, "")

    def _owners(self) -> None:
        rng = Random(f"{self.seed} owners")
        for index, (name, code, public) in enumerate(names.owners(self.rng), 1):
            manager = self.person(f"owner{index}", names.person(self.rng), None, "")
            began = self.at - timedelta(days=rng.randint(520, 900), seconds=rng.randint(0, 20_000))
            entry = enter_owner(
                manager=manager,
                name=name,
                code=code,
                public=public,
                head=names.person(rng),
                at=began,
                checker=self.office1,
            )
            self.owners.append(entry.organisation)
        manager = User.objects.get(username="owner1")
        access_grants.invite(
            self.owners[0], names.person(rng), "", Membership.Role.DELEGATE, actor=manager, at=self.at
        )
        # One more waits for its check.
        enter_owner(
            manager=self.person(f"owner{len(self.owners) + 1}", names.person(rng), None, ""),
            name="瑞昌市赤湖水产养殖有限公司",
            code=names.company_code(rng, "360481"),
            public=False,
            head=names.person(rng),
            at=self.at - timedelta(hours=2),
        )

    def qualifications(
        self, company: names.Company, requirements: dict[str, list[Requirement]]
    ) -> list[dict[str, Any]]:
        """Certificates that fit the company's items; one certificate serves every item with the same requirement."""
        papers: dict[tuple[str, str], dict[str, Any]] = {}
        for code in company.items:
            for requirement in requirements[code]:
                if requirement.kind == Requirement.Kind.COMMITMENT:
                    continue
                levels = catalogue.levels(requirement.text)
                key = (requirement.kind, requirement.text)
                if key not in papers:
                    began = clock.local_date(self.at) - timedelta(days=self.rng.randint(500, 1400))
                    digest = hashlib.sha256(f"{company.code}{key}".encode()).hexdigest()
                    papers[key] = {
                        "kind": requirement.kind,
                        "name": requirement.text.split("甲级")[0].split("不少于")[0][:60] or requirement.text[:60],
                        "number": f"{company.code[2:8]}-{int(digest[:10], 16) % 10**8:08d}",
                        "level": self.rng.choice(levels) if levels else "",
                        "valid_from": began,
                        "valid_until": began + timedelta(days=365 * 5),
                        "practitioners_count": self.rng.randint(3, 8)
                        if requirement.kind == Requirement.Kind.PRACTITIONERS
                        else 0,
                        "requirements": [],
                    }
                papers[key]["requirements"] += fitting([requirement], papers[key])
        return list(papers.values())

    def _agencies(self) -> None:
        requirements = self.requirements
        for requirement in Requirement.objects.select_related("item"):
            requirements.setdefault(requirement.item_id, []).append(requirement)
        companies = self.companies = names.companies(self.rng)
        for index, company in enumerate(self.progress(companies, "机构 agencies", len(companies)), 1):
            member = self.person(f"agency{index}", company.person, None, "")
            days = self.rng.randint(60, 500)
            if index in credit.TOLD:
                days = max(days, credit.ENTERED_DAYS)
            began = self.at - timedelta(days=days, seconds=self.rng.randint(0, 20_000))
            papers = self.qualifications(company, requirements)
            agencies.shorten(index, papers, self.at)
            agency = enter_agency(
                member=member,
                organisation_fields={"name": company.name, "code": company.code},
                agency_fields={
                    "origin": company.origin,
                    "legal_representative": company.person,
                    "address": company.address,
                    "established_on": clock.local_date(self.at) - timedelta(days=self.rng.randint(1500, 9000)),
                    "contact_name": company.person,
                    "contact_phone": company.phone,
                    "contact_email": f"agency{index}@demo.example",
                },
                items=company.items,
                qualifications=papers,
                agents=agencies.agents_of(index, company, self.at),
                at=began,
                checker=self.office1,
            )
            if index in credit.ENDED:
                self.idle.append(agency.pk)

    # ---- procedures that lie in the past -------------------------------------------------------------------------

    def _history(self) -> None:
        plans = tasks.HISTORY
        for plan in self.progress(plans, "历史项目 past tasks", len(plans)):
            self._play(plan)
        for plan in tasks.OPEN:
            self._publish_open(plan)

    def _office_hours(self, days_ago: int, hour: int) -> datetime:
        """A moment of a working day in office hours, about so many days before the loading."""
        day = clock.local_date(self.at) - timedelta(days=days_ago)
        days = deadlines.calendar()
        while not days.is_workday(day):
            day -= timedelta(days=1)
        return datetime.combine(day, time(hour, self.rng.randint(0, 59)), clock.SHANGHAI)

    def _next_morning(self, closes: datetime) -> datetime:
        """Ten o'clock of the working day after a sign-up deadline."""
        day = deadlines.calendar().add_workdays(clock.local_date(closes), 1)
        return datetime.combine(day, time(10), clock.SHANGHAI)

    def owner_named(self, name: str) -> tuple[Organisation, User]:
        owner = next(found for found in self.owners if found.name == name)
        return owner, User.objects.get(memberships__organisation=owner)

    def draft(
        self, plan: tasks.Plan, *, at: datetime, signup_deadline: datetime, selection_at: datetime
    ) -> SelectionTask:
        owner, person = self.owner_named(plan.owner)
        fields = plan.fields() | {
            "item": ServiceItem.objects.get(pk=plan.item),
            "contact_name": person.full_name,
            "contact_phone": person.phone,
            "complaint_phone": "0792-0000000",
            "signup_deadline": signup_deadline,
            "selection_at": selection_at,
        }
        task = actions.draft_task(actor=person, at=at, owner=owner, fields=fields)
        return actions.submit_task(task, actor=person, at=at + timedelta(minutes=5))

    def _release(self, task: SelectionTask, at: datetime) -> SelectionTask:
        task = actions.check_task(task, actor=self.office1, at=at)
        return actions.publish_notice(task, actor=self.office2, at=at + timedelta(minutes=30))

    def _play(self, plan: tasks.Plan) -> None:
        drafted = self._office_hours(plan.days_ago, 9)
        published = drafted + timedelta(hours=2)
        closes = deadlines.calendar().period(clock.local_date(published), 4).end_instant() - timedelta(
            hours=6, minutes=30
        )
        opens = self._next_morning(closes)
        task = self.draft(plan, at=drafted, signup_deadline=closes, selection_at=opens)
        task = self._release(task, published)
        on = clock.local_date(published)
        entered = eligible_agencies(task.item, on).filter(active_since__lte=published).exclude(pk__in=self.idle)
        field: list[Agency] = list(entered.select_related("organisation").order_by("pk"))
        for index, agency in enumerate(self.rng.sample(field, min(plan.signups, len(field)))):
            when = published + (closes - published) * (index + 1) / (plan.signups + 2)
            member = User.objects.get(memberships__organisation=agency.organisation)
            actions.sign_up(task, actor=member, at=when, agency=agency)
        task = actions.close_signup(task, at=closes + timedelta(seconds=1))
        if task.state != "closed":
            task = actions.close_signup(task, at=task.signup_deadline + timedelta(seconds=1))
            return
        self.hold(task, opens + timedelta(seconds=1))
        task.refresh_from_db()
        if task.award_notice.publicity_until <= self.at:
            actions.confirm_award(task, at=task.award_notice.publicity_until)

    def hold(self, task: SelectionTask, at: datetime) -> None:
        """Play the live session of a closed task, with the lines of every agency on its list."""
        assert task.session is not None
        session = conductor.open_session(task.session, at=at)
        for index, sign_up in enumerate(task.sign_ups.filter(standing()).select_related("agency__organisation")):
            member = User.objects.get(memberships__organisation=sign_up.agency.organisation)
            r = hashlib.sha256(f"{self.seed}{session.sid}{index}".encode()).hexdigest()
            moment = at + timedelta(seconds=1, milliseconds=200 * (index % 40))
            conductor.throw_into_pot(session, actor=member, at=moment, agency=sign_up.agency, r=r)
        assert session.closes_at is not None
        session = conductor.freeze_session(session, at=session.closes_at + timedelta(seconds=1))
        found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
        conductor.publish_results(session, at=session.seal.at + timedelta(seconds=3), found=found)

    def _publish_open(self, plan: tasks.Plan) -> None:
        """A task that is open for sign-up when the demo starts, with real working days to go."""
        drafted = self.at - timedelta(hours=3)
        closes = deadlines.deadline(
            "signup.window_default", drafted, on=clock.local_date(self.at) - timedelta(days=1)
        ).due
        closes -= timedelta(hours=6, minutes=30)
        task = self.draft(plan, at=drafted, signup_deadline=closes, selection_at=self._next_morning(closes))
        task = self._release(task, self.at - timedelta(hours=2))
        entitled = eligible_agencies(task.item, clock.local_date(self.at)).exclude(pk__in=self.idle)
        field = list(entitled.order_by("pk"))
        for agency in self.rng.sample(field, min(plan.signups, len(field))):
            member = User.objects.get(memberships__organisation=agency.organisation)
            actions.sign_up(
                task, actor=member, at=self.at - timedelta(minutes=self.rng.randint(5, 100)), agency=agency
            )
