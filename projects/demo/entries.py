"""Entries of the demo that are on their way when it is loaded: one in every state, with something for a reviewer to find."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile

from agencies import actions
from agencies.demo_entry import enter_agency, practitioners_for, resident_id, scan
from agencies.models import Agency, IdKind
from agencies.states import AgencyState
from marketplace import clock
from marketplace.casefile import light
from marketplace.deadlines import deadline
from marketplace.models import User

from . import names

if TYPE_CHECKING:
    from .world import World

# From the beginning of an entry played by `enter_agency` to its submission.
TO_SUBMISSION = timedelta(minutes=80)
DAYTIME = range(8, 21)
# The first login of these agencies; the 348 that have entered come before.
FIRST_NUMBER = 349


class EntriesUnderWay:
    def __init__(self, world: World) -> None:
        self.world = world
        self.line = world.line
        self.at = world.at
        taken = {company.code for company in world.companies} | {company.name for company in world.companies}
        made = names.companies(Random(f"{world.seed} entries"))
        # With at least two services each, so that there is something to check.
        fresh = [one for one in made if not {one.code, one.name} & taken and len(one.items) > 1]
        Random(f"{world.seed} order of entries").shuffle(fresh)
        self.companies = iter(fresh)
        self.number = FIRST_NUMBER

    def play(self) -> None:
        """The logins follow in this order from agency349 on, as installation.DEMO_LOGINS tells them."""
        self._returned()
        self._green()
        self._amber()
        shared, other = self._in_publicity()
        self._overdue(shared, other)
        self._before_submission()
        self._on_commitment()
        self._lapsed()
        self._refused()

    def enter(
        self, submitted: datetime, until: AgencyState, *, also: tuple[dict[str, Any], ...] = (), **given: Any
    ) -> tuple[Agency, User]:
        """An entry with invented data that is submitted at this moment; `also` are further practitioners, `given` goes
        over the data of the agency, or is an option of `enter_agency`."""
        company = next(self.companies)
        options = {key: given.pop(key) for key in ("commitment", "scans") if key in given}
        expires_in = given.pop("expires_in", None)
        login = f"agency{self.number}"
        self.number += 1
        member = self.world.person(login, company.person, None, "")
        papers = self.world.qualifications(company, self.world.requirements)
        if expires_in is not None and papers:
            papers[0]["valid_until"] = self.line.today + timedelta(days=expires_in)
        agency = enter_agency(
            member=member,
            organisation_fields={"name": company.name, "code": company.code},
            agency_fields={
                "origin": company.origin,
                "legal_representative": company.person,
                "address": company.address,
                "established_on": self.line.today - timedelta(days=2400),
                "contact_name": company.person,
                "contact_phone": company.phone,
                "contact_email": f"{login}@demo.example",
            }
            | given,
            items=company.items,
            qualifications=papers,
            at=submitted - TO_SUBMISSION,
            checker=self.world.office1,
            until=until,
            practitioners=[*practitioners_for(papers, company.code), *also],
            **options,
        )
        return agency, member

    # ---------- the form check ----------

    def _returned(self) -> None:
        agency, _member = self.enter(self.line.workdays_before(3, 11), AgencyState.SUBMITTED)
        paper = agency.qualifications.first()
        third = (
            {"field": f"qualification:{paper.pk}", "sentence": "证书扫描件只有正本，请补传载明有效期的副本页。"}
            if paper
            else {"field": "established_on", "sentence": "成立日期与营业执照不一致，请核对。"}
        )
        defects = [
            {"field": "contact_phone", "sentence": "联系电话多次无人接听，请更正为可以联系的号码。"},
            {
                "field": "document:business_licence",
                "sentence": "营业执照扫描件模糊，统一社会信用代码无法辨认，请重新上传。",
            },
            third,
        ]
        actions.return_entry(
            agency, defects=defects, actor=self.world.office1, at=self.line.workdays_before(2, 16, 5)
        )

    def _green(self) -> None:
        """Fresh; one of its certificates ends soon."""
        self.enter(self.at - timedelta(hours=2), AgencyState.SUBMITTED, expires_in=20)

    def _amber(self) -> None:
        self.enter(self._submitted_when("amber"), AgencyState.SUBMITTED)

    def _submitted_when(self, colour: str) -> datetime:
        """The latest submission whose clock has this light now, by day if there is one. Before some weekends there is
        none; then the one with the least time left."""
        hour = clock.start_of_day(self.line.today)
        open_ones: list[tuple[timedelta, datetime]] = []
        by_night: list[datetime] = []
        for _step in range(24 * 8):
            hour -= timedelta(hours=1)
            due = deadline("entry.form_check", hour).due
            if light(hour, due, self.at) == colour:
                if hour.astimezone(clock.SHANGHAI).hour in DAYTIME:
                    return hour
                by_night.append(hour)
            elif due > self.at:
                open_ones.append((due - hour, hour))
        return by_night[0] if by_night else max(open_ones)[1]

    def _in_publicity(self) -> tuple[Agency, dict[str, Any]]:
        """Somebody objects; its certified practitioner is listed by another agency as well."""
        shared = {
            "full_name": "郑文斌",
            "id_kind": IdKind.RESIDENT,
            "id_number": resident_id(f"shared practitioner {self.world.seed}"),
            "certificate_name": "注册咨询工程师（投资）",
            "certificate_number": "ZX-36-20190417",
            "valid_until": None,
        }
        agency, _member = self.enter(self.line.workdays_before(5, 9, 30), AgencyState.SUBMITTED, also=(shared,))
        return agency, shared

    def _overdue(self, other: Agency, shared: dict[str, Any]) -> None:
        """It shares phone and legal representative with an agency that has entered, and a practitioner with one that was
        approved after it had listed him."""
        known = self.world.companies[20]
        self.enter(
            self.line.workdays_before(4, 10),
            AgencyState.SUBMITTED,
            also=(shared,),
            legal_representative=known.person,
            legal_id_kind=IdKind.RESIDENT,
            legal_id_number=resident_id(f"legal representative of {known.code}"),
            contact_phone=known.phone,
        )
        actions.approve_entry(other, actor=self.world.office1, at=self.line.workdays_before(3, 15, 10), quiet=True)
        evidence = SimpleUploadedFile("evidence.pdf", scan("Evidence of an objection"), "application/pdf")
        actions.lodge_objection(
            other,
            "该机构公示的注册地址没有办公场所，执业人员长期在其他单位工作，请予核查。",
            evidence,
            actor=User.objects.get(username="visitor1"),
            at=self.line.workdays_before(1, 10, 15),
        )

    def _before_submission(self) -> None:
        agency, member = self.enter(self.line.workdays_before(1, 15), AgencyState.DRAFT)
        question = "资质证书正在办理变更地址，新旧证书应当上传哪一份？"
        actions.ask_precheck(agency, question, actor=member, at=self.line.workdays_before(1, 16))

    # ---------- commitment first ----------

    def _on_commitment(self) -> None:
        self.enter(self.line.workdays_before(3, 10, 40), AgencyState.COMMITTED, commitment=True, scans=False)
        self.enter(self.line.workdays_before(4, 9, 50), AgencyState.VERIFYING, commitment=True)

    def _lapsed(self) -> None:
        """Its documents did not come, which the ledger has by itself."""
        begun = self.line.workdays_before(13, 14)
        agency, _member = self.enter(begun, AgencyState.COMMITTED, commitment=True, scans=False)
        assert agency.documents_supply_due is not None
        actions.lapse_commitment(agency, actor=None, at=agency.documents_supply_due)

    def _refused(self) -> None:
        agency, _member = self.enter(self.line.workdays_before(15, 10), AgencyState.SUBMITTED)
        reason = "提交的资质证书在发证机关的公开系统中已被注销，不具备所申请事项的资质条件。"
        actions.refuse_entry(agency, reason=reason, actor=self.world.office1, at=self.line.workdays_before(13, 17))
