"""What the owners of the demo world buy: notices as they really read, for the past, for today, and for the live stage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Plan:
    """One purchase. `days_ago` is when it was drafted; `signups` how many agencies come. `served_after`: working days
    from the confirmed award until the owner accepted the result, 0 while the service runs; `mark` is what he gave."""

    owner: str
    name: str
    item: str
    yuan: str
    content: str
    service_time: str
    signups: int = 5
    days_ago: int = 0
    government: int = 100
    investment: str = ""
    scale: str = ""
    requirements: str = ""
    served_after: int = 0
    mark: int | None = None

    def fields(self) -> dict[str, Any]:
        """The notice fields that do not depend on people or times."""
        return {
            "name": self.name,
            "content": self.content,
            "requirements": self.requirements,
            "service_time": self.service_time,
            "scale": self.scale,
            "investment_yuan": Decimal(self.investment) if self.investment else None,
            "fund_government": self.government,
            "fund_social": 100 - self.government,
            "amount_kind": "fixed",
            "amount_yuan": Decimal(self.yuan),
            "amount_note": "按同类项目近期中选价格和收费参考标准测算",
            "mode": "random",
            "mode_reason": "服务内容和标准明确，价格由业主确定，各机构资格相当",
        }


HISTORY = [
    Plan(
        "瑞昌市交通运输局",
        "瑞码快速路大修工程造价咨询",
        "5009",
        "96000.00",
        "编制工程量清单及招标控制价，配合财政评审。",
        "签订合同后 20 个工作日",
        6,
        150,
        investment="32000000.00",
        served_after=23,
        mark=5,
    ),
    Plan(
        "瑞昌市水利局",
        "青山水库除险加固工程水土保持方案编制",
        "1009",
        "118000.00",
        "编制水土保持方案报告书并通过专家评审。",
        "签订合同后 30 个工作日",
        7,
        118,
        investment="45800000.00",
        scale="中型水库，总库容 1,580 万立方米",
        served_after=34,
        mark=4,
    ),
    Plan(
        "瑞昌市第三中学",
        "教学楼岩土工程勘察",
        "2001",
        "68500.00",
        "初步勘察、详细勘察，提交勘察报告。",
        "签订合同后 15 个工作日",
        4,
        90,
        scale="建筑面积 8,600 平方米，地上五层",
        served_after=18,
        mark=5,
    ),
    Plan(
        "瑞昌市自然资源局",
        "2026 年度建设用地土地勘测定界",
        "3005",
        "145000.00",
        "年度内批次用地勘测定界及成果入库。",
        "自合同签订之日起一年",
        6,
        66,
    ),
    Plan(
        "瑞昌市夏畈镇人民政府",
        "夏畈镇地质灾害危险性评估",
        "1014",
        "79000.00",
        "对 12 处隐患点开展危险性评估并出具报告。",
        "签订合同后 25 个工作日",
        1,
        48,
    ),
    Plan(
        "瑞昌市人民医院",
        "住院综合楼室内环境检测",
        "4007",
        "36000.00",
        "竣工前室内空气质量检测，出具检测报告。",
        "接到通知后 10 个工作日",
        4,
        34,
        served_after=11,
        mark=4,
    ),
    Plan(
        "瑞昌市城投建设集团有限公司",
        "湓城老旧小区改造房屋建筑工程监理",
        "5001",
        "286000.00",
        "施工阶段及保修阶段监理服务。",
        "与施工工期一致，约 240 日历天",
        8,
        22,
        government=60,
        investment="21500000.00",
        scale="32 栋住宅，建筑面积 7.4 万平方米",
    ),
    Plan(
        "瑞昌市财政局",
        "2025 年度乡镇财政专项资金审计",
        "6001",
        "128600.00",
        "对 16 个乡镇专项资金开展审计并提交报告。",
        "签订合同后 45 个工作日",
        6,
        9,
    ),
]

OPEN = [
    Plan(
        "瑞昌市武蛟乡人民政府",
        "武蛟乡高标准农田地形图测绘",
        "3006",
        "86000.00",
        "1:2000 地形图测绘约 5.6 平方千米，提交数字成果。",
        "签订合同后 20 个工作日",
        2,
    ),
    Plan(
        "瑞昌市码头镇人民政府",
        "码头镇污水处理厂环境影响报告书编制",
        "1007",
        "195000.00",
        "编制环境影响报告书并取得批复。",
        "签订合同后 60 个工作日",
        4,
        investment="58000000.00",
        scale="日处理 1.5 万吨",
    ),
    Plan(
        "瑞昌市机关事务管理中心",
        "市民服务中心建筑消防设施检测",
        "4006",
        "42000.00",
        "年度消防设施检测及隐患清单。",
        "签订合同后 15 个工作日",
        3,
    ),
]

# The director takes these in turn for the live selections of the running demo.
LIVE = [
    Plan(
        "瑞昌市水利局",
        "青山水库除险加固工程勘察",
        "2001",
        "168000.00",
        "坝体及坝基工程地质勘察，提交勘察成果。",
        "签订合同后 30 个工作日",
        9,
        investment="45800000.00",
    ),
    Plan(
        "瑞昌市住房和城乡建设局",
        "桂林街道雨污分流改造工程造价咨询",
        "5009",
        "74000.00",
        "编制工程量清单、控制价及结算审核。",
        "随施工进度",
        10,
    ),
    Plan(
        "瑞昌市教育体育局", "第六中学运动场改造工程监理", "5001", "58000.00", "施工全过程监理。", "约 120 日历天", 8
    ),
    Plan(
        "瑞昌市交通运输局",
        "横港至洪一公路工程设计",
        "2005",
        "235000.00",
        "初步设计与施工图设计。",
        "签订合同后 40 个工作日",
        7,
        investment="36000000.00",
        scale="三级公路 12.4 公里",
    ),
    Plan(
        "瑞昌市乡村振兴局",
        "2026 年度衔接资金项目财务审计",
        "6001",
        "66000.00",
        "项目资金使用合规性审计。",
        "签订合同后 30 个工作日",
        8,
    ),
    Plan(
        "瑞昌市农业农村局",
        "高丰镇万亩茶园项目可行性研究报告",
        "1002",
        "92000.00",
        "编制可行性研究报告并通过评审。",
        "签订合同后 25 个工作日",
        9,
    ),
    Plan(
        "瑞昌市不动产登记中心",
        "农村房地一体不动产地籍测绘",
        "3004",
        "178000.00",
        "地籍调查、测绘与数据建库。",
        "签订合同后 90 日",
        6,
    ),
    Plan(
        "瑞昌市青山水务有限公司",
        "城区供水管网竣工规划核实测量",
        "3002",
        "49500.00",
        "竣工规划核实测量并出具报告。",
        "签订合同后 15 个工作日",
        6,
        government=0,
    ),
]
