"""Fixed sample data for the style guide: invented names of the demo world, one moment, every state."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import segno
from django.utils.safestring import mark_safe

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 10, 0, 7, tzinfo=CHINA)
ITEMS = [("survey", "工程勘察设计"), ("mapping", "测绘服务"), ("eia", "环境影响评价")]
MODES = [("random", "随机选取"), ("merit", "择优选取"), ("direct", "直接选取")]
NAMES = [
    "江西中水勘测设计有限公司",
    "南昌恒信工程咨询有限公司",
    "九江方正测绘有限公司",
    "浙江华东岩土勘察院",
    "江西省地矿测绘院",
    "湖北楚禹水利水电设计有限公司",
    "武汉江汉勘察院",
    "赣北水利设计院",
    "安徽皖江工程咨询有限公司",
    "瑞昌市宏图设计院",
    "南京长江咨询集团",
    "上海申水设计院",
]
TITLE = "瑞昌市青山水库除险加固工程勘察设计服务随机选取"
HASH = hashlib.sha256(b"styleguide").hexdigest()
BASIS = "《瑞昌市中介服务超市管理暂行办法》第二十一条"
URL = "#top"
LETTER = (
    "江西中水勘测设计有限公司：\n\n经公开随机选取，你单位为上述项目的中选机构。"
    "请自公示期满之日起五个工作日内与项目业主签订合同。"
)


def clocks() -> list[dict[str, Any]]:
    counted = [
        {"day": date(2026, 11, 21), "counted": False, "reason": "周末"},
        {"day": date(2026, 11, 22), "counted": False, "reason": "周末"},
        {"day": date(2026, 11, 23), "counted": True, "reason": ""},
        {"day": date(2026, 11, 24), "counted": True, "reason": ""},
        {"day": date(2026, 11, 25), "counted": True, "reason": ""},
    ]
    publicity = {
        "label": "中选公示期满",
        "due": datetime(2026, 11, 26, tzinfo=CHINA),
        "now": NOW,
        "remaining_workdays": 3,
        "counted": counted,
        "rule": BASIS,
        "state": "green",
        "calendar_url": URL,
    }
    return [
        publicity,
        publicity
        | {
            "label": "报名截止",
            "state": "amber",
            "remaining_workdays": 0,
            "due": NOW + timedelta(hours=7, minutes=30),
            "counted": [],
        },
        publicity | {"label": "作出投诉处理决定", "state": "red", "due": NOW - timedelta(days=1), "counted": []},
        publicity | {"label": "签订合同", "state": "paused", "reason": "投诉处理期间中止计算", "counted": []},
        publicity
        | {
            "label": "服务期满",
            "provisional": True,
            "due": datetime(2027, 3, 1, tzinfo=CHINA),
            "remaining_workdays": 64,
            "counted": [],
        },
        publicity | {"label": "核验入驻申请", "state": "met", "due": NOW - timedelta(days=2), "counted": []},
    ]


def notices() -> list[dict[str, Any]]:
    def row(title: str, mode: str, price: int | None, hours: int | None, kind: str, text: str) -> dict[str, Any]:
        deadline = NOW + timedelta(hours=hours) if hours is not None else None
        return {
            "title": title,
            "url": URL,
            "mode": mode,
            "price": price,
            "deadline": deadline,
            "chip": {"kind": kind, "text": text},
        }

    return [
        row("武蛟乡高标准农田土地测绘服务", "最优价", 86000, 7, "bad", "剩 3 小时"),
        row("码头镇污水处理厂环境影响报告书编制", "择优选取", 195000, 103, "warn", "剩 2 个工作日"),
        row("瑞昌市第三中学教学楼工程造价咨询", "随机选取", 48500, 151, "ok", "报名中"),
        row("夏畈镇地质灾害危险性评估", "最低价", 120000, 151, "ok", "报名中") | {"provisional": True},
        row("市民服务中心消防设施检测", "直接选取", None, None, "neutral", "已流标"),
    ]


def cells(count: int, inside: int) -> list[dict[str, Any]]:
    return [
        {"number": n + 1, "name": NAMES[n % len(NAMES)], "who": f"agency:{n + 1}", "in": n < inside, "mine": n == 6}
        for n in range(count)
    ]


def stage() -> dict[str, Any]:
    names = ["规则", "名单", "投数", "封存", "慢启", "签号", "结果", "验证"]
    log = [
        (7, "赣北水利设计院已投入随机数。"),
        (5, "现场观众投入 1,037 份。"),
        (0, "打开随机数池，10 秒后封存。"),
        (-30, "名单 12 家，指纹与公告一致。"),
        (-120, "主持人宣读规则。"),
    ]
    outcomes = ["winner", "waitlist", "waitlist", *[""] * 9]
    return {
        "title": TITLE,
        "now": NOW,
        "acts": [
            {"number": n, "name": name, "state": "done" if n < 3 else "current" if n == 3 else "todo"}
            for n, name in enumerate(names, 1)
        ],
        "next_act": "封存",
        "target": NOW + timedelta(seconds=3),
        "cells": cells(12, 9),
        "many": cells(60, 41),
        "tickets": [
            {
                "rank": rank,
                "name": name,
                "ticket": hashlib.sha256(name.encode()).hexdigest(),
                "outcome": outcome,
                "place": rank - 1,
                "mine": rank == 5,
            }
            for rank, (name, outcome) in enumerate(zip(NAMES, outcomes, strict=True), 1)
        ],
        "log": [
            {"seq": 217 - n, "at": NOW.replace(second=0) + timedelta(seconds=at), "text": text, "caught_up": n == 1}
            for n, (at, text) in enumerate(log)
        ],
        "syncs": [
            {"state": "connecting", "text": "正在连接"},
            {"state": "catching_up", "text": "正在补 37 条"},
            {"state": "synced", "text": "已同步 · 第 217 条"},
            {"state": "unstable", "text": "网络不稳 · 最后更新 12 秒前"},
            {"state": "broken", "text": "链校验失败：第 218 条，已停止更新"},
            {"state": "ended", "text": "已结束 · 可回放"},
        ],
        "button": {"label": "投入随机数"},
        "late": ["规则已宣读。", "名单 12 家，指纹一致。"],
        "qr": mark_safe(
            segno.make("https://example.org/live/", error="m").svg_inline(scale=1, border=0, omitsize=True)
        ),
    }


def everything() -> dict[str, Any]:
    """The context of the style guide page."""
    return {
        "hash": HASH,
        "basis": BASIS,
        "now": NOW,
        "url": URL,
        "amounts": [128600, 12860000, 0, None],
        "clocks": clocks(),
        "notices": notices(),
        "sorts": {"deadline": {"url": URL, "direction": "ascending"}, "price": {"url": URL}},
        "chips": [
            ("ok", "报名中"),
            ("info", "公示中"),
            ("warn", "临期"),
            ("bad", "超期"),
            ("neutral", "已流标"),
            ("live", "直播中"),
        ],
        "tasks": [
            {"title": "营业执照", "url": URL, "status": "done"},
            {"title": "资质证书", "url": URL, "hint": "已填 2 项，差有效期", "status": "doing"},
            {"title": "联系人", "url": URL, "status": "todo"},
            {"title": "承诺书", "status": "blocked", "reason": "先填完资质证书"},
            {"title": "服务事项", "url": URL, "status": "problem", "hint": "资质不覆盖所选事项"},
        ],
        "errands": [
            {"icon": "building-2", "title": "机构入驻", "url": URL, "hint": "全程网办 · 2 个工作日核验"},
            {"icon": "file-plus-corner", "title": "发布采购公告", "url": URL, "hint": "3 分钟预检 · 6 步"},
            {"icon": "shield-check", "title": "验证抽取结果", "url": URL, "hint": "网页或一条命令"},
        ],
        "timeline": [
            {
                "at": datetime(2026, 11, 26, tzinfo=CHINA),
                "act": "公示期满，可签合同",
                "tense": "future",
                "rule": BASIS,
            },
            {
                "at": NOW,
                "act": "随机选取",
                "actor": "中介超市协管办",
                "role": "主持",
                "tense": "now",
                "rule": BASIS,
                "url": URL,
            },
            {
                "at": NOW - timedelta(days=1),
                "act": "报名截止，公布名单",
                "actor": "系统",
                "text": "名单 12 家",
                "url": URL,
            },
            {"at": NOW - timedelta(days=4), "act": "核验报名材料", "actor": "中介超市协管办", "private": True},
        ],
        "summary": [
            {"label": "项目名称", "value": TITLE, "change_url": URL},
            {"label": "项目业主", "value": "瑞昌市水利局"},
            {"label": "服务期限", "value": None, "change_url": URL},
        ],
        "reasons": [
            {"met": True, "text": "已入驻并在有效状态"},
            {"met": False, "text": "工程勘察专业类乙级以上", "note": "你的证书 2026年10月31日到期"},
        ],
        "case_acts": [
            {"label": "发布公告", "url": URL, "primary": True},
            {"label": "退回修改", "url": URL},
            {"label": "签订合同", "refused": "公示期到 11月25日 24:00 才满。到时会提醒你。", "rule": BASIS},
        ],
        "tab_items": [
            {"label": "采购公告", "url": URL, "count": 12, "current": True},
            {"label": "中选公告", "url": URL, "count": 5},
            {"label": "入驻公示", "url": URL, "count": 0},
            {"label": "失信公示", "url": URL, "count": None},
        ],
        "filters": [
            {"label": "全部", "url": URL, "current": True, "count": 17},
            {"label": "报名中", "url": URL},
            {"label": "本周截止", "url": URL},
        ],
        "search": {"label": "搜索公告", "name": "q", "value": ""},
        "breadcrumb": [{"label": "首页", "url": URL}, {"label": "公告公示", "url": URL}, {"label": "采购公告"}],
        "live": {
            "on_air": True,
            "act": "第 3 幕 · 投入随机数",
            "title": TITLE,
            "url": URL,
            "text_url": URL,
            "facts": ["项目业主：瑞昌市水利局", "12 家机构参加", "1,284 人观看"],
        },
        "upcoming": [
            {"at": NOW.replace(hour=14, minute=30), "title": "武蛟乡土地测绘（最优价）", "url": URL},
            {"at": NOW.replace(hour=16, minute=0), "title": "码头镇环评报告（择优）", "url": URL},
        ],
        "documents": [
            {
                "state": state,
                "title": "中选通知书",
                "number": "瑞中介〔2026〕第 17 号",
                "body": LETTER,
                "seal": "演示",
                "signed_by": "中介超市协管办",
                "at": NOW.date(),
                "code": "7C1E-90AB-33D2",
                "verify_url": "/verify/",
            }
            for state in ("issued", "draft", "withdrawn")
        ],
        "agencies": [
            {
                "name": name,
                "url": URL,
                "code": "91360481MA35K7XQ3R",
                "origin": origin,
                "state": state,
                "stars": "四星 96 分",
                "qualifications": [{"name": "工程勘察专业类", "level": "乙级", "valid_until": date(2028, 6, 30)}],
            }
            for name, origin, state in zip(
                NAMES,
                ["本市", "省内", "省外", "本市"],
                ["active", "commitment_first", "suspended", "removed"],
                strict=False,
            )
        ],
        "table_columns": [{"label": "机构"}, {"label": "来源"}, {"label": "得分", "numeric": True}],
        "table_rows": [[NAMES[0], "本市", "96"], [NAMES[3], "省外", "91"]],
        "stage": stage(),
    }
