"""What goes on at the demo's entered agencies: certificates near their end, changes, agents, an import, a claim."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile

from agencies import certificates, changes, expiry, imports
from agencies.demo_entry import resident_id, scan
from agencies.models import Agency, Change, IdKind, Qualification
from marketplace import access_claims, access_grants, clock
from marketplace.models import Membership, User

from . import names

if TYPE_CHECKING:
    from .world import World

Kind = Change.Kind
YEAR = timedelta(days=365)
# Number of the agency → in how many days its certificates end, first to last.
ENDING = {1: (25,), 7: (6, 58)}
# Agencies that act through authorised agents; the first of them has an account.
WITH_AGENTS = (4, 8, 61, 62, 63, 64)
CLAIMED = 60
HEADS = "名称,统一社会信用代码,注册地,法定代表人,注册地址,成立日期,联系人,联系电话,联系邮箱,服务事项"


def shorten(number: int, papers: list[dict[str, Any]], at: datetime) -> None:
    """Let the certificates of some agencies end soon, before they are entered."""
    for paper, days in zip(papers, ENDING.get(number, ()), strict=False):
        paper["valid_until"] = clock.local_date(at) + timedelta(days=days)
        paper["valid_from"] = paper["valid_until"] - 5 * YEAR


def agents_of(number: int, company: names.Company, at: datetime) -> list[dict[str, Any]]:
    """The authorised agents an agency enters with: one, or none."""
    if number not in WITH_AGENTS:
        return []
    rng = Random(f"agent of {company.code}")
    return [
        {
            "full_name": names.person(rng),
            "id_kind": IdKind.RESIDENT,
            "id_number": resident_id(f"agent of {company.code}"),
            "phone": names.phone(rng),
            "email": "",
            "valid_until": clock.local_date(at) + 2 * YEAR,
        }
    ]


class AgencyAffairs:
    """Puts everything into the world's line."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.line = world.line
        self.office1 = world.office1

    def plan(self) -> None:
        self._reminders()
        self._agent_account()
        self._changes()
        self._claim()

    def agency(self, number: int) -> Agency:
        return Agency.objects.select_related("organisation").get(
            organisation__memberships__user__username=f"agency{number}"
        )

    def member(self, number: int) -> User:
        return User.objects.get(username=f"agency{number}")

    # ---------- certificates ----------

    def _reminders(self) -> None:
        """The letters that were called for in the days before the loading; the clock goes on from there."""
        for number in ENDING:
            agency = self.agency(number)
            assert agency.active_since is not None
            for paper in agency.qualifications.filter(valid_until__lte=self.line.today + YEAR / 4):
                assert paper.valid_until is not None
                for step in expiry.reminders(self.line.today):
                    at = clock.start_of_day(paper.valid_until - timedelta(days=step)) + timedelta(minutes=1)
                    if at > agency.active_since:
                        self.line.add(at, partial(self._remind, paper))

    @staticmethod
    def _remind(paper: Qualification, at: datetime) -> None:
        expiry.remind(paper, at=at)

    # ---------- people ----------

    def _agent_account(self) -> None:
        """The authorised agent of one agency works with an account of his own, by the manager's invitation."""
        number = WITH_AGENTS[0]
        agency, manager = self.agency(number), self.member(number)
        name = agency.agents.get().full_name
        agent = self.world.person("agent1", name, None, "")

        def invite(at: datetime) -> None:
            _invitation, code = access_grants.invite(
                agency.organisation, name, "", Membership.Role.DELEGATE, actor=manager, at=at
            )
            access_grants.accept_invitation(code, actor=agent, at=at + timedelta(hours=5))

        self.line.add(self.line.days_before(26, 9, 15), invite)

    def _claim(self) -> None:
        """Somebody claims the access to an agency whose manager has left."""
        claimant = self.world.person("claimant1", "邓建国", None, "")
        code = self.agency(CLAIMED).code
        proof = SimpleUploadedFile("letter.pdf", scan("Letter of authority"), "application/pdf")
        text = "原管理员已离职，本人为公司新任经办人，附加盖公章的授权书。"

        def claim(at: datetime) -> None:
            access_claims.claim_access(code, text, proof, actor=claimant, at=at)

        self.line.add(self.line.workdays_before(1, 11, 30), claim)

    # ---------- changes ----------

    def propose(self, number: int, kind: Change.Kind, values: Mapping[str, Any], **given: Any) -> Change:
        at = given.pop("at")
        papers = given.pop("papers")
        files = {name: SimpleUploadedFile(f"{name}.pdf", scan(f"New {name}"), "application/pdf") for name in papers}
        return changes.propose_change(
            self.agency(number), kind, values=values, files=files, actor=self.member(number), at=at, **given
        )

    def _changes(self) -> None:
        line = self.line
        line.add(line.workdays_before(4, 10, 35), self._returned)
        line.add(line.days_before(40, 14, 20), self._approved)
        line.add(line.workdays_before(1, 15, 45), self._practitioner)
        line.add(line.until - timedelta(hours=3), self._renewed)

    def _returned(self, at: datetime) -> None:
        values = {"address": "江西省瑞昌市桂林街道学府二路66号", "origin": Agency.Origin.LOCAL}
        change = self.propose(2, Kind.ADDRESS, values, papers=("business_licence",), at=at)
        defects = [{"field": "business_licence", "sentence": "上传的营业执照仍为旧住所，请上传变更后的营业执照。"}]

        def send_back(moment: datetime) -> None:
            changes.return_change(change, defects, actor=self.office1, at=moment)

        self.line.add(self.line.workdays_after(at, 2, 11, 10), send_back)

    def _approved(self, at: datetime) -> None:
        agency = self.agency(9)
        values = {"address": f"{agency.address}2号楼", "origin": agency.origin}
        change = self.propose(9, Kind.ADDRESS, values, papers=("business_licence",), at=at)

        def approve(moment: datetime) -> None:
            changes.approve_change(change, actor=self.office1, at=moment)

        self.line.add(self.line.workdays_after(at, 1, 16, 50), approve)

    def _practitioner(self, at: datetime) -> None:
        values = {
            "full_name": "罗雅琴",
            "id_kind": IdKind.RESIDENT,
            "id_number": resident_id(f"joining practitioner {self.world.seed}"),
            "certificate_name": "一级造价工程师",
            "certificate_number": "建〔造〕11223600018",
            "valid_until": None,
        }
        self.propose(6, Kind.PRACTITIONER_ADD, values, papers=("id_scan", "insurance", "certificate"), at=at)

    def _renewed(self, at: datetime) -> None:
        """A certificate for five more years; by an agency that has one."""
        numbers = [number for number in (5, 3, 6, 4, 9) if self.agency(number).qualifications.exists()]
        if not numbers:
            return
        paper = self.agency(numbers[0]).qualifications.order_by("pk")[0]
        values = {name: getattr(paper, name) for name in certificates.FIELDS}
        values["requirements"] = list(paper.uses.values_list("requirement", flat=True))
        values["valid_until"] = (paper.valid_until or self.line.today) + 5 * YEAR
        self.propose(numbers[0], Kind.QUALIFICATION_UPDATE, values, papers=("certificate",), target=paper.pk, at=at)

    # ---------- import ----------

    def imports(self) -> None:
        """Two lists of the office: one that was imported, and one whose rows have faults."""
        rng = Random(f"{self.world.seed} import")
        fresh = names.companies(rng)[:4]
        good = [self._row(company) for company in fresh[:3]]
        bad = [self._row(fresh[3], code="91360481MA0000000X", origin="火星"), self._row(self.world.companies[0])]
        for name, rows in (("已登记机构名单.csv", good), ("乡镇报送名单.csv", bad)):
            text = "\n".join((HEADS, *rows)).encode("utf-8-sig")
            file = SimpleUploadedFile(name, text, "text/csv")
            imports.start_import(file, actor=self.office1, at=self.line.until)
            imports.run(clock.now())

    def _row(self, company: names.Company, *, code: str = "", origin: str = "") -> str:
        cells = (
            company.name,
            code or company.code,
            origin or str(company.origin),
            company.person,
            company.address,
            "2018-06-01",
            company.person,
            company.phone,
            "",
            "、".join(company.items),
        )
        return ",".join(cells)
