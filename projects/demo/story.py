"""One whole procedure, told act by act with its legal basis: entry, notice, sign-up, live selection, award, verification.

Plays in an empty scratch database with simulated moments; the slow opening is really computed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.conf import settings

from agencies.demo_entry import enter_agency
from agencies.models import Agency
from marketplace import catalogue, clock, deadlines, events, installation, parameters, workdays
from marketplace.models import Organisation, Requirement, User
from projects import actions, conductor, delay, draw
from projects.models import standing
from projects.queries import transcript as evidence

from . import names, tasks, world

# Just before the National Day week of 2026: the periods of this story cross a holiday and a make-up working day.
BEGIN = datetime(2026, 9, 17, 9, 0, tzinfo=clock.SHANGHAI)


class Story:
    def __init__(self, *, write: Callable[[str], Any], seed: str, steps: int) -> None:
        self.write = write
        self.steps = steps
        self.acts = 0
        self.world = world.World(seed=seed, at=BEGIN)

    def tell(self, at: datetime, who: str, what: str, basis: str) -> None:
        self.acts += 1
        local = at.astimezone(clock.SHANGHAI)
        self.write(f"{self.acts:>2}. {local:%Y-%m-%d %H:%M:%S}  {who}: {what}")
        self.write(f"      依据 basis: {basis}")

    def days(self, derivation: dict[str, Any]) -> None:
        if "period" in derivation:
            period = workdays.Period.from_data(derivation["period"])
            counted = "、".join(
                f"{day.date:%m-%d}{'✔' if day.counted else f'（{day.reason}）'}" for day in period.days
            )
            self.write(f"      计数 days: {counted}")

    def play(self) -> dict[str, Any]:
        """The procedure; returns the transcript."""
        w = self.world
        catalogue.load()
        parameters.load_file("parameters.json")
        delay_steps = {
            "code": "session.delay_steps",
            "value": str(self.steps),
            "unit": "count",
            "basis": "演示：缩短慢启步数",
        }
        parameters.load([delay_steps], is_demo=True, valid_from=BEGIN.date())
        installation.mark_as_demo(seed=w.seed, at=BEGIN)
        w._bodies()
        owner = w.body(Organisation.Kind.OWNER, "瑞昌市水利局")
        w.owners.append(owner)
        w.person("owner1", "胡志强", owner, "manager")
        field = self.enter(6)
        plan = tasks.LIVE[0]

        at = BEGIN
        closes = deadlines.deadline("signup.window_min", at).due + timedelta(days=1) - timedelta(hours=6, minutes=30)
        opens = closes + timedelta(hours=16, minutes=30)
        task = w.draft(plan, at=at, signup_deadline=closes, selection_at=opens)
        self.tell(
            at,
            owner.name,
            f"编制并提交采购公告《{task.name}》，定价 ¥{task.amount_yuan:,}，随机选取",
            "江西省网上中介超市九江分厅管理暂行办法（2022）：采购公告要素",
        )
        at += timedelta(hours=1)
        task = actions.check_task(task, actor=w.office1, at=at)
        self.tell(at, "协管办（审核）", "核对公告要素，同意发布", "审核与发布分离")
        at += timedelta(minutes=30)
        task = actions.publish_notice(task, actor=w.office2, at=at)
        assert task.session is not None
        self.tell(
            at,
            "协管办（发布）",
            f"发布公告；场次 {task.session.sid} 的计划和平台封存数的指纹 {task.session.op_commit[:16]}… 同时公开",
            "draw/v1 第 2 条：规则在先",
        )
        self.days(deadlines.deadline("signup.window_min", at).derivation)
        for agency in field:
            at += timedelta(hours=5)
            person = User.objects.get(memberships__organisation=agency.organisation)
            receipt = actions.sign_up(task, actor=person, at=at, agency=agency).receipt
            self.tell(
                at,
                agency.organisation.name,
                f"报名，取得第 {receipt['seq']} 号签名回执（名称在截止前不公开）",
                "瑞昌规则：任何符合资质的机构均可报名",
            )
        gone = field[-1]
        at += timedelta(hours=2)
        actions.withdraw_sign_up(
            task, actor=User.objects.get(memberships__organisation=gone.organisation), at=at, agency=gone
        )
        self.tell(at, gone.organisation.name, "截止前撤回报名", "报名截止前可撤回")
        at = closes + timedelta(seconds=1)
        task = actions.close_signup(task, at=at)
        self.tell(
            at,
            "系统",
            f"报名截止，名单 {len(task.closing['roster'])} 家公布，此后不得改变",
            "draw/v1 第 2 条：名单先行公布",
        )
        at = opens + timedelta(milliseconds=400)
        assert task.session is not None
        session = conductor.open_session(task.session, at=at)
        self.tell(at, "直播", "开始投数：平台、业主、协管办各投一个签名随机数", "瑞昌规则：选取全过程向社会直播")
        for index, sign_up in enumerate(task.sign_ups.filter(standing()).select_related("agency__organisation")):
            person = User.objects.get(memberships__organisation=sign_up.agency.organisation)
            moment = at + timedelta(seconds=1 + index)
            conductor.throw_into_pot(
                session, actor=person, at=moment, agency=sign_up.agency, r=draw.leaf_hash(str(index).encode()).hex()
            )
            self.tell(moment, sign_up.agency.organisation.name, "投入随机数", "draw/v1 第 2 条：投数")
        assert session.closes_at is not None
        at = session.closes_at + timedelta(seconds=1)
        session = conductor.freeze_session(session, at=at)
        self.tell(
            at,
            "直播",
            f"封存 {session.seal.entry['pot_n']} 个随机数，指纹 {session.seal.entry['pot_root'][:32]}…",
            "draw/v1 第 2 条：封存后不再有自由字段",
        )
        found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
        at += timedelta(seconds=session.iters / 164_000)
        conductor.publish_results(session, at=at, found=found)
        task.refresh_from_db()
        award = task.award_notice
        self.tell(
            at,
            "直播",
            f"慢启 {session.iters:,} 步完成，签号揭晓：{award.winner.organisation.name} 中选，候补 {len(award.waitlist)} 家",
            "draw/v1 第 3 条：签号由种子与信用代码算出",
        )
        self.tell(
            at,
            "系统",
            f"发布中选公告 {award.number}，公示至 {award.publicity_until.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}",
            str(award.derivation["basis"]),
        )
        self.days(award.derivation)
        at = award.publicity_until
        task = actions.confirm_award(task, at=at)
        self.tell(at, "系统", "公示期满无投诉，中选确认", str(award.derivation["basis"]))
        faults = list(events.verify())
        self.write(f"日志 log: {len(faults)} 处不符 faults")
        return evidence(task)

    def enter(self, count: int) -> list[Agency]:
        """Agencies that enter for the item of the story, weeks before."""
        w = self.world
        requirements: dict[str, list[Requirement]] = {}
        for requirement in Requirement.objects.select_related("item"):
            requirements.setdefault(requirement.item_id, []).append(requirement)
        fitting = [c for c in names.companies(Random(w.seed)) if tasks.LIVE[0].item in c.items][:count]
        entered = []
        for index, company in enumerate(fitting, 1):
            member = w.person(f"agency{index}", company.person, None, "")
            began = BEGIN - timedelta(days=38 - index)
            agency = enter_agency(
                member=member,
                organisation_fields={"name": company.name, "code": company.code},
                agency_fields={
                    "origin": company.origin,
                    "legal_representative": company.person,
                    "address": company.address,
                    "established_on": BEGIN.date() - timedelta(days=4000),
                    "contact_name": company.person,
                    "contact_phone": company.phone,
                    "contact_email": f"agency{index}@demo.example",
                },
                items=company.items,
                qualifications=w.qualifications(company, requirements),
                at=began,
                checker=w.office1,
            )
            if index == 1:
                self.tell(began, company.name, "网上提交入驻材料", "瑞昌规则：入驻全程网办，不受地域、业绩限制")
                assert agency.checked_at is not None and agency.publicity_until is not None
                self.tell(agency.checked_at, "协管办", "形式核验通过，开始公示", "形式核验 2 个工作日")
                self.days(agency.publicity_derivation or {})
                self.tell(agency.publicity_until, "系统", "公示期满，成为入驻机构", "入驻公示 5 个工作日")
            entered.append(agency)
        self.write(f"      …… 同样入驻的还有 {len(entered) - 1} 家 more agencies enter in the same way")
        return entered


def play(*, write: Callable[[str], Any], transcript: Path | None, steps: int, seed: str) -> int:
    """Tell the story, write the transcript, and let the offline verifier judge it. Returns the verifier's exit status."""
    found = Story(write=write, seed=seed, steps=steps).play()
    with tempfile.TemporaryDirectory() as folder:
        path = transcript or Path(folder) / "transcript.json"
        path.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
        write(f"抽取记录 transcript: {path if transcript else 'not kept (use --transcript FILE)'}")
        key = f"{found['log']['name']}={found['log']['pk']}"
        write(f"$ python3 projects/verify.py {path.name} --log-key {key}")
        verifier = Path(settings.BASE_DIR) / "projects" / "verify.py"
        verdict = subprocess.run(
            [sys.executable, str(verifier), str(path), "--log-key", key], capture_output=True, text=True, check=False
        )
        write(verdict.stdout + verdict.stderr)
        return verdict.returncode
