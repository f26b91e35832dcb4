"""The credit of the demo's agencies: their ledger in every state, penalties, exits, and services done before today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from agencies import actions, ledger
from agencies.demo_entry import scan
from agencies.models import Agency, CreditEntry, CreditPetition
from agencies.states import EntryState
from marketplace import clock
from marketplace.models import Membership, Organisation, ServiceItem, User
from projects.models import SelectionTask
from projects.states import TaskState

from . import tasks
from .timeline import Timeline

Kind = CreditPetition.Kind
# What becomes of an entry after it was made. "counts": nobody replied.
COUNTS, REPLIED, CONFIRMED, DROPPED = "counts", "replied", "confirmed", "dropped"
OBJECTED, VOIDED, UPHELD, REPAIR_ASKED, REPAIRED = "objected", "voided", "upheld", "repair asked", "repaired"


FEW = 20


@dataclass(frozen=True)
class Happening:
    """An entry of the ledger, made `days` before the loading; fewer than FEW are working days, so that its periods fit."""

    rule: str
    days: int
    summary: str
    then: str = COUNTS


H = Happening
# Each is the story of one agency.
TALES: tuple[tuple[Happening, ...], ...] = (
    (H("commended", 260, "年度服务质量考评中受到瑞昌市水利局通报表扬"),),
    (H("commended", 150, "汛期应急技术服务受到瑞昌市应急管理局书面表扬"),),
    (H("commended", 75, "义务承担老旧小区安全排查，受到瑞昌市住房和城乡建设局通报表扬"),),
    (H("late_signing", 2, "中选通知书发出后超过规定时间未签订合同"),),
    (H("result_returned", 3, "提交的成果因基础数据缺漏被主管部门退回"),),
    (H("service_late", 6, "服务期满后超过十个工作日仍未提交成果", REPLIED),),
    (H("result_returned", 5, "成果图件与现场不符，被主管部门退回", REPLIED),),
    (H("late_signing", 60, "中选后未在规定时间内签订合同"),),
    (H("result_returned", 45, "报告结论依据不足，被主管部门退回"),),
    (H("service_late", 120, "成果比约定时间晚十六个工作日提交，无正当理由"),),
    (H("fees_raised", 90, "在中选价之外向业主收取资料费 3,000 元"),),
    (H("change_unreported", 30, "执业人员离职两个月后才申报变更"),),
    (H("evaluated_dissatisfied", 100, "业主对服务评价不满意：沟通不及时"),),
    (H("not_as_promised", 70, "实际到场人员少于承诺人数", CONFIRMED),),
    (H("late_signing", 50, "中选后未在规定时间内签订合同", DROPPED),),
    (H("result_returned", 95, "成果被主管部门退回", DROPPED),),
    (H("service_late", 110, "成果晚于约定时间十二个工作日提交", VOIDED),),
    (H("late_signing", 80, "中选后未在规定时间内签订合同", UPHELD),),
    (H("late_signing", 190, "中选后未在规定时间内签订合同", REPAIRED),),
    (H("service_late", 140, "成果晚于约定时间十四个工作日提交", REPAIR_ASKED),),
    (H("result_returned", 11, "检测点位不足，成果被主管部门退回", OBJECTED),),
    # One star.
    (
        H("complaint_upheld", 280, "投诉认定成立：擅自更换项目负责人"),
        H("complaint_upheld", 190, "投诉认定成立：要求业主提前付款"),
        H("fees_raised", 150, "在中选价之外收取加急费 2,000 元"),
        H("not_as_promised", 100, "未按承诺派驻技术人员"),
        H("service_late", 60, "成果比约定时间晚二十个工作日提交，无正当理由"),
    ),
)
SUSPENDED_TALE = (
    H("award_given_up", 200, "放弃乡镇道路勘察项目的中选资格，未说明正当理由"),
    H("award_given_up", 120, "放弃校舍检测项目的中选资格，未说明正当理由"),
    H("award_given_up", 40, "放弃管网测绘项目的中选资格，未说明正当理由"),
)
REMOVED_TALE = (H("collusion", 60, "与另一家机构约定轮流放弃、相互陪衬，经查属于串通"),)
LEAVING_DAYS = 30

# Numbers of the logins. The first nine agencies belong to visitors; agency10 has the first tale, and so on.
FIRST = 10
SUSPENDED, REMOVED, LEAVING = (FIRST + len(TALES) + place for place in range(3))
# They must not stand on the list of an open task when their time ends.
ENDED = (SUSPENDED, REMOVED, LEAVING)
# So many days ago these have entered at least, for their tales to be possible.
TOLD = range(FIRST, LEAVING + 1)
ENTERED_DAYS = 320
# What happened was the day before its entry.
BEFORE = timedelta(days=1)
EARLIER_SERVICES = 40
SERVICE_DAYS = 110
MERITS = 6
MARKS = (5,) * 9 + (4,) * 7 + (3,) * 2 + (2,) + (None,)
# What somebody built, and the item that it needed: classes 1 to 5. Class 6 serves the year of a body.
WORKS = (
    "横港镇中心小学教学楼",
    "夏畈镇农村公路提升工程",
    "范镇敬老院改扩建",
    "南义镇集镇供水工程",
    "码头镇工业污水管网",
    "高丰镇标准化卫生院",
    "赛湖农场灌区渠道整治",
    "湓城街道口袋公园",
    "桂林街道停车场",
    "白杨镇粮食仓储项目",
    "黄金乡饮水安全巩固工程",
    "青山林场防火道路",
)


class CreditHistory:
    """Puts everything into `line`; nothing has happened until the line is played."""

    def __init__(self, *, seed: str, line: Timeline, office1: User, office2: User) -> None:
        self.rng = Random(f"{seed} credit")
        self.line = line
        self.office1 = office1
        self.office2 = office2

    def plan(self) -> None:
        for number, tale in enumerate(TALES, FIRST):
            self.tell(_agency(number), tale)
        self.tell(_agency(1), (H("late_signing", 1, "中选通知书发出后超过规定时间未签订合同"),))
        self.tell(_agency(SUSPENDED), SUSPENDED_TALE)
        self.tell(_agency(REMOVED), REMOVED_TALE)
        self.line.add(self.line.days_before(LEAVING_DAYS, 14, 25), self._leave)
        self._services_of_tasks()
        self._earlier_services()

    # ---------- the ledger ----------

    def tell(self, agency: Agency, tale: tuple[Happening, ...]) -> None:
        for happening in tale:
            before = self.line.workdays_before if happening.days < FEW else self.line.days_before
            at = before(happening.days, 9 + self.rng.randint(0, 7), self.rng.randint(0, 59))
            self.line.add(at, partial(self._enter, agency, happening))

    def _enter(self, agency: Agency, happening: Happening, at: datetime) -> None:
        entry = ledger.add_entry(
            agency,
            happening.rule,
            summary=happening.summary,
            source=f"history:{happening.rule}:{happening.days}",
            happened_on=clock.local_date(at) - BEFORE,
            evidence=SimpleUploadedFile("evidence.pdf", scan(f"Evidence, {happening.rule}"), "application/pdf"),
            actor=self.office2,
            at=at,
        )
        if entry.state == EntryState.COUNTED:
            self._until_it_expires(entry)
        elif happening.then in (REPLIED, CONFIRMED, DROPPED):
            self.line.add(self.line.workdays_after(at, 2, 10, 20), partial(self._reply, entry, happening.then))
        elif entry.reply_until is not None:
            self.line.add(entry.reply_until, partial(self._let_stand, entry, happening.then))

    def _until_it_expires(self, entry: CreditEntry) -> None:
        """The clock counts again on the day an entry ends."""
        entry.refresh_from_db()
        if entry.expires_on is not None:
            end = clock.start_of_day(entry.expires_on)
            self.line.add(end, lambda at: ledger.recount(entry.agency, actor=None, at=at))

    def _let_stand(self, entry: CreditEntry, then: str, at: datetime) -> None:
        entry = ledger.let_stand(entry, actor=None, at=at)
        self._until_it_expires(entry)
        if then in (VOIDED, UPHELD, OBJECTED):
            self.line.add(self.line.workdays_after(at, 2, 9, 40), partial(self._object, entry, then))
        elif then in (REPAIRED, REPAIR_ASKED):
            opens = ledger.repair_opens_on(entry)
            if then == REPAIR_ASKED:
                self.line.add(self.line.workdays_before(2, 15, 10), partial(self._ask_repair, entry, then))
            elif opens is not None:
                self.line.add(self.line.workdays_after(opens, 3, 11, 5), partial(self._ask_repair, entry, then))

    def _reply(self, entry: CreditEntry, then: str, at: datetime) -> None:
        text = "延误由业主提供的基础资料不完整造成，补齐资料的往来函件附后，请予核实。"
        ledger.reply(entry, text, None, actor=_member(entry.agency), at=at)
        decided = self.line.workdays_after(at, 3, 15, 30)
        if then == CONFIRMED:
            self.line.add(decided, partial(self._confirm, entry))
        elif then == DROPPED:
            self.line.add(decided, partial(self._drop, entry))

    def _confirm(self, entry: CreditEntry, at: datetime) -> None:
        reason = "业主签收单显示资料已按时提供，申辩理由与记录不符。"
        self._until_it_expires(ledger.confirm(entry, reason, actor=self.office1, at=at))

    def _drop(self, entry: CreditEntry, at: datetime) -> None:
        reason = "往来函件证明资料由业主延迟提供，责任不在机构。"
        ledger.drop(entry, reason, actor=self.office1, at=at)

    def _object(self, entry: CreditEntry, then: str, at: datetime) -> None:
        text = "记录所依据的时间有误，附业主盖章的情况说明，请求撤销该条记录。"
        petition = ledger.lodge_petition(entry, Kind.OBJECTION, text, None, actor=_member(entry.agency), at=at)
        if then == VOIDED:
            reason = "经业主书面确认，延期系因设计变更，记录撤销。"
            self._decide(petition, True, reason, at)
        elif then == UPHELD:
            self._decide(petition, False, "业主确认记录属实，异议不成立。", at)

    def _ask_repair(self, entry: CreditEntry, then: str, at: datetime) -> None:
        text = "已完善合同签订和进度管理制度，此后承接的服务均按时完成，申请信用修复。"
        petition = ledger.lodge_petition(entry, Kind.REPAIR, text, None, actor=_member(entry.agency), at=at)
        if then == REPAIRED:
            self._decide(petition, True, "整改到位，此后无不良记录，同意修复。", at)

    def _decide(self, petition: CreditPetition, grant: bool, reason: str, at: datetime) -> None:
        def act(moment: datetime) -> None:
            ledger.decide_petition(petition, grant=grant, reason=reason, actor=self.office1, at=moment)

        self.line.add(self.line.workdays_after(at, 4, 16, 10), act)

    @staticmethod
    def _leave(at: datetime) -> None:
        agency = _agency(LEAVING)
        actions.withdraw(agency, "公司业务调整，不再承接瑞昌市的项目。", actor=_member(agency), at=at)

    # ---------- services done ----------

    def _services_of_tasks(self) -> None:
        """Awards of the demo whose service was finished before the loading."""
        confirmed = SelectionTask.objects.filter(state=TaskState.CONFIRMED).select_related(
            "item", "award_notice__winner__organisation"
        )
        by_name = {task.name: task for task in confirmed}
        for plan in tasks.HISTORY:
            task = by_name.get(plan.name)
            if task is None or not plan.served_after:
                continue
            award = task.award_notice
            finished = self.line.workdays_after(award.publicity_until, plan.served_after, 17)
            self._serve(
                award.winner,
                task.item,
                source=f"task:{task.code}",
                title=task.name,
                link=reverse("notice_detail", args=[task.code]),
                finished=finished,
                mark=plan.mark,
                owner=task.owner,
                merit=plan.mark == 5,
            )

    def _earlier_services(self) -> None:
        """What some agencies have done since they entered, and the numbers of visitors among them."""
        since = self.line.until - timedelta(days=SERVICE_DAYS)
        known = list(
            Agency.objects.filter(state="active", active_since__lte=since)
            .exclude(organisation__memberships__user__username__in=[_login(number) for number in ENDED])
            .select_related("organisation")
            .order_by("pk")
        )
        first = [one for one in known if one.pk in self._visitors()]
        others = [one for one in known if one not in first]
        chosen = first + self.rng.sample(others, min(EARLIER_SERVICES - len(first), len(others)))
        owners = list(Organisation.objects.filter(kind=Organisation.Kind.OWNER, is_active=True).order_by("pk"))
        number = 0
        for agency in chosen:
            items = [row.item for row in agency.items.select_related("item").order_by("item")]
            assert agency.active_since is not None
            span = (self.line.until - agency.active_since).days
            for _one in range(self.rng.choice((1, 1, 2, 2, 3, 4))):
                number += 1
                item, owner = self.rng.choice(items), self.rng.choice(owners)
                finished = self.line.days_before(self.rng.randint(4, max(5, span - 45)), 17)
                mark = self.rng.choice(MARKS)
                self._serve(
                    agency,
                    item,
                    source=f"history:{number}",
                    title=self._title(item, owner, finished),
                    link="",
                    finished=finished,
                    mark=mark,
                    owner=owner,
                    merit=mark == 5 and number <= MERITS * 2,
                )

    def _visitors(self) -> set[int]:
        logins = [_login(number) for number in range(1, FIRST)]
        return set(Membership.objects.filter(user__username__in=logins).values_list("organisation", flat=True))

    def _title(self, item: ServiceItem, owner: Organisation, finished: datetime) -> str:
        if item.pk.startswith("6"):
            return f"{owner.name}{finished.year} 年{item.name_zh}"
        return f"{self.rng.choice(WORKS)}{item.name_zh}"

    def _serve(
        self,
        agency: Agency,
        item: ServiceItem,
        *,
        source: str,
        title: str,
        link: str,
        finished: datetime,
        mark: int | None,
        owner: Organisation,
        merit: bool,
    ) -> None:
        """The owner accepts the result a working day later and gives his mark; the office enters a very good one."""

        def accept(at: datetime) -> None:
            ledger.record_service(
                agency,
                item=item,
                source=source,
                title=title[:160],
                link=link,
                finished_on=clock.local_date(finished),
                quality=mark,
                actor=_member(owner),
                at=at,
            )
            if merit:
                self.line.add(at + timedelta(hours=1), commend)

        def commend(at: datetime) -> None:
            entry = ledger.add_entry(
                agency,
                "evaluated_very_satisfied",
                summary=f"业主对“{title[:120]}”评价非常满意",
                source=f"evaluation:{source}",
                happened_on=clock.local_date(finished),
                link=link,
                actor=self.office2,
                at=at,
            )
            self._until_it_expires(entry)

        self.line.add(self.line.workdays_after(finished, 1, 10, self.rng.randint(0, 59)), accept)


def _login(number: int) -> str:
    return f"agency{number}"


def _agency(number: int) -> Agency:
    return Agency.objects.select_related("organisation").get(organisation__memberships__user__username=_login(number))


def _member(organisation: Agency | Organisation) -> User:
    """Who manages an agency or an owner."""
    found: User = User.objects.filter(
        memberships__organisation=organisation.pk, memberships__role=Membership.Role.MANAGER
    ).earliest("pk")
    return found
