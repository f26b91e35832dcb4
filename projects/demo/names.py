"""Names, places and numbers of the demo world: realistic, invented, and the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from agencies.models import Agency
from marketplace.catalogue import ALPHABET, credit_code

Origin = Agency.Origin

# How Ruichang's agencies came at the end of 2019: 348 in all.
AGENCIES_BY_ORIGIN = {Origin.OUTSIDE_PROVINCE: 56, Origin.PROVINCE: 113, Origin.CITY: 113, Origin.LOCAL: 66}

# (short name for company names, full name for addresses, administrative division code GB/T 2260)
PLACES: dict[str, list[tuple[str, str, str]]] = {
    Origin.OUTSIDE_PROVINCE: [
        ("武汉", "湖北省武汉市江汉区", "420103"),
        ("黄石", "湖北省黄石市下陆区", "420204"),
        ("长沙", "湖南省长沙市雨花区", "430111"),
        ("合肥", "安徽省合肥市蜀山区", "340104"),
        ("安庆", "安徽省安庆市迎江区", "340802"),
        ("杭州", "浙江省杭州市西湖区", "330106"),
        ("南京", "江苏省南京市鼓楼区", "320106"),
        ("福州", "福建省福州市鼓楼区", "350102"),
        ("广州", "广东省广州市天河区", "440106"),
        ("上海", "上海市闵行区", "310112"),
    ],
    Origin.PROVINCE: [
        ("南昌", "江西省南昌市红谷滩区", "360113"),
        ("江西", "江西省南昌市青山湖区", "360111"),
        ("赣州", "江西省赣州市章贡区", "360702"),
        ("上饶", "江西省上饶市信州区", "361102"),
        ("宜春", "江西省宜春市袁州区", "360902"),
        ("吉安", "江西省吉安市吉州区", "360802"),
        ("抚州", "江西省抚州市临川区", "361002"),
        ("景德镇", "江西省景德镇市昌江区", "360202"),
        ("萍乡", "江西省萍乡市安源区", "360302"),
        ("新余", "江西省新余市渝水区", "360502"),
        ("鹰潭", "江西省鹰潭市月湖区", "360602"),
    ],
    Origin.CITY: [
        ("九江", "江西省九江市濂溪区", "360402"),
        ("浔阳", "江西省九江市浔阳区", "360403"),
        ("柴桑", "江西省九江市柴桑区", "360404"),
        ("庐山", "江西省庐山市南康镇", "360483"),
        ("修水", "江西省九江市修水县", "360424"),
        ("永修", "江西省九江市永修县", "360425"),
        ("都昌", "江西省九江市都昌县", "360428"),
        ("湖口", "江西省九江市湖口县", "360429"),
        ("共青城", "江西省共青城市", "360482"),
    ],
    Origin.LOCAL: [("瑞昌", "江西省瑞昌市湓城街道", "360481")],
}

BRANDS_A = "恒华中正鸿瑞泰信诚宏博安永德立新方天赣浔楚江云海明达长兴"
BRANDS_B = "信达源诚泰远衡正源宇通建业测图和程创科峰晟睿岳润川"
STREETS = ["赤乌大道", "人民北路", "湓城路", "建设路", "创业大道", "学府二路", "长江大道", "滨江路"]
SURNAMES = "王李张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = [
    "伟",
    "建国",
    "志强",
    "海燕",
    "丽华",
    "文斌",
    "小军",
    "晓敏",
    "国庆",
    "春生",
    "玉兰",
    "俊杰",
    "思远",
    "雅琴",
    "永红",
]

# What companies of a class call themselves, and which items each kind of company offers.
TRADES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "1": [
        ("工程咨询有限公司", ("1001", "1002", "1003", "1006", "5010")),
        ("环境科技有限公司", ("1007", "1008", "1013", "1023", "4008")),
        ("水利水电咨询有限公司", ("1009", "1010", "1011", "1012")),
        ("安全技术服务有限公司", ("1019", "1020", "1004", "1005")),
        ("国土空间规划咨询有限公司", ("1014", "1016", "1017", "1018", "1021")),
    ],
    "2": [
        ("勘察设计院有限公司", ("1015", "2001", "2013")),
        ("建筑设计有限公司", ("2002", "2003", "2007", "2009")),
        ("交通规划设计有限公司", ("2005", "2003", "2009", "1022")),
        ("水利规划设计有限公司", ("2004", "1012", "2009")),
        ("施工图审查有限公司", ("2010",)),
        ("林业调查规划设计有限公司", ("2014", "1021")),
        ("电力设计有限公司", ("2006",)),
        ("城乡规划设计有限公司", ("2008", "1022")),
        ("人防工程设计有限公司", ("2011", "2012", "5005")),
    ],
    "3": [
        ("测绘有限公司", ("3001", "3002", "3003", "3005", "3006", "3007")),
        ("地理信息技术有限公司", ("3004", "3005", "3006", "3008")),
    ],
    "4": [
        ("工程质量检测有限公司", ("4001", "4003", "4007", "4009")),
        ("交通工程试验检测有限公司", ("4002",)),
        ("防雷检测技术有限公司", ("4004",)),
        ("消防技术服务有限公司", ("4006",)),
        ("检验检测有限公司", ("4005", "4007", "4008", "4010")),
    ],
    "5": [
        ("建设监理有限公司", ("5001", "5002", "5005")),
        ("水利工程监理有限公司", ("5003",)),
        ("公路工程监理有限公司", ("5004", "4002")),
        ("项目管理有限公司", ("5007", "5008", "5009", "5010")),
        ("工程造价咨询有限公司", ("5009", "5007")),
    ],
    "6": [
        ("会计师事务所（普通合伙）", ("6001", "6002")),
        ("税务师事务所有限公司", ("6003",)),
        ("律师事务所", ("6004",)),
        ("资产评估有限公司", ("6006", "6008", "6009")),
        ("房地产土地评估有限公司", ("6007", "6008")),
        ("档案管理服务有限公司", ("6010",)),
        ("信息安全测评有限公司", ("6011", "6012", "5006")),
        ("司法鉴定中心", ("6005",)),
    ],
}
CLASS_WEIGHTS = {"1": 5, "2": 4, "3": 3, "4": 3, "5": 5, "6": 4}

BUREAUS = [
    "水利局",
    "住房和城乡建设局",
    "交通运输局",
    "自然资源局",
    "农业农村局",
    "教育体育局",
    "卫生健康委员会",
    "财政局",
    "发展和改革委员会",
    "生态环境局",
    "应急管理局",
    "文化广电新闻出版旅游局",
    "民政局",
    "林业局",
    "城市管理局",
    "市场监督管理局",
    "公安局",
    "司法局",
    "商务局",
    "工业和信息化局",
    "人力资源和社会保障局",
    "审计局",
    "统计局",
    "乡村振兴局",
    "机关事务管理中心",
    "行政审批局",
    "退役军人事务局",
    "医疗保障局",
]
TOWNS = [
    "码头镇",
    "白杨镇",
    "南义镇",
    "横港镇",
    "洪一乡",
    "花园乡",
    "洪下乡",
    "武蛟乡",
    "横立山乡",
    "黄金乡",
    "高丰镇",
    "范镇",
    "肇陈镇",
    "乐园乡",
    "南阳乡",
    "夏畈镇",
]
STREET_OFFICES = ["湓城街道办事处", "桂林街道办事处", "赛湖农场", "青山林场", "大德山林场"]
INSTITUTIONS = [
    "第一中学",
    "第二中学",
    "第三中学",
    "第四中学",
    "第六中学",
    "第一小学",
    "第二小学",
    "实验小学",
    "特殊教育学校",
    "职业中等专业学校",
    "人民医院",
    "中医医院",
    "妇幼保健院",
    "疾病预防控制中心",
    "档案馆",
    "图书馆",
    "博物馆",
    "融媒体中心",
    "公路事业发展中心",
    "水土保持站",
    "不动产登记中心",
]
ENTERPRISES = ["瑞昌市城投建设集团有限公司", "瑞昌市青山水务有限公司", "江西码头工业城开发有限公司"]


@dataclass(frozen=True)
class Company:
    name: str
    code: str
    origin: str
    address: str
    person: str
    phone: str
    items: tuple[str, ...]


def organisation_code(rng: Random) -> str:
    """Nine characters with the check character of GB 11714."""
    body = "MA" + "".join(rng.choice(ALPHABET) for _ in range(6))
    values = [int(character, 36) for character in body]
    total = sum(value * weight for value, weight in zip(values, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    check = 11 - total % 11
    return body + ("X" if check == 10 else "0" if check == 11 else str(check))


def company_code(rng: Random, division: str, prefix: str = "91") -> str:
    """A well-formed unified social credit code. GB 11714's check may be X, which GB 32100 knows as a digit of its own."""
    return credit_code(prefix + division + organisation_code(rng))


def person(rng: Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(GIVEN)


def phone(rng: Random) -> str:
    return "1" + rng.choice("3578") + "".join(rng.choice("0123456789") for _ in range(9))


def companies(rng: Random) -> list[Company]:
    """The 348 agencies; every trade of every class occurs among each origin before one comes again."""
    made: list[Company] = []
    taken: set[str] = set()
    deck: list[tuple[str, tuple[str, ...]]] = []
    for origin, count in AGENCIES_BY_ORIGIN.items():
        for _ in range(count):
            if not deck:
                deck = [trade for key, weight in CLASS_WEIGHTS.items() for trade in TRADES[key] * (1 + weight // 4)]
                rng.shuffle(deck)
            suffix, items = deck.pop()
            while True:
                short, full, division = rng.choice(PLACES[origin])
                name = f"{short}{rng.choice(BRANDS_A)}{rng.choice(BRANDS_B)}{suffix}"
                if name not in taken:
                    break
            taken.add(name)
            offered = items if len(items) <= 2 else tuple(sorted(rng.sample(items, rng.randint(2, len(items)))))
            address = f"{full}{rng.choice(STREETS)}{rng.randint(1, 399)}号"
            made.append(Company(name, company_code(rng, division), origin, address, person(rng), phone(rng), offered))
    return made


def owners(rng: Random) -> list[tuple[str, str, bool]]:
    """(name, code, is a public body): 70 public bodies and 3 enterprises."""
    bodies = [f"瑞昌市{name}" for name in BUREAUS]
    bodies += [f"瑞昌市{name}人民政府" for name in TOWNS]
    bodies += [f"瑞昌市{name}" for name in STREET_OFFICES + INSTITUTIONS]
    public = [
        (name, company_code(rng, "360481", "11" if index < 44 else "12"), True) for index, name in enumerate(bodies)
    ]
    return public[:70] + [(name, company_code(rng, "360481"), False) for name in ENTERPRISES]
