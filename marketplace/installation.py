"""What this database says about itself: is it a demo, and under which seed was it made."""

from __future__ import annotations

from datetime import datetime

from .models import Installation

# Every account of a demo database has this password; both are printed at the start and on its login page.
DEMO_PASSWORD = "sunshine-2026"
DEMO_LOGINS = [
    ("owner1", "项目业主", "owner"),
    ("agency1", "机构：证书将到期，一条信用记录可申辩", "agency: a certificate ends, a ledger entry awaits a reply"),
    ("agency2", "机构：变更被退回", "agency: a change was returned"),
    ("agency3 … agency348", "中介服务机构", "agencies"),
    ("agency29", "机构：申请信用修复", "agency: asks for a repair of its credit"),
    ("agency31", "机构：一星", "agency: one star"),
    ("agency32 / 33 / 34", "机构：暂停 / 清退 / 退出", "agencies: suspended / removed / withdrawn"),
    ("agency349", "机构：入驻材料被退回，三处问题", "agency: its entry was returned with three defects"),
    ("agency350 / 351 / 353", "机构：等待核验（绿、黄、红灯）", "agencies: wait for the check (green, amber, red)"),
    ("agency352", "机构：公示中，有人异议", "agency: in publicity, with an objection"),
    ("agency354", "机构：请求预审", "agency: asked for a pre-check"),
    (
        "agency355 / 356 / 357",
        "机构：承诺制，待补材料 / 核验中 / 失效",
        "on commitment: documents due / checked / lapsed",
    ),
    ("agency358", "机构：不予入驻", "agency: its entry was refused"),
    ("agent1", "agency4 的业务授权人", "authorised agent of agency4"),
    ("claimant1", "认领 agency60 账号的人", "claims the access to agency60"),
    ("office1", "协管办（审核）", "office, checks"),
    ("office2", "协管办（发布）", "office, publishes"),
    ("authority1", "行业主管部门", "authority"),
    ("supervisor1", "监察", "supervisor"),
    ("newcomer1", "新用户，可试办入驻", "a person without an organisation, to try an entry"),
    ("visitor1", "新用户，提出了异议", "the same, who has lodged an objection"),
]


def is_demo() -> bool:
    """True in a database that `manage.py demo` made: shortened times, and a mark on every page."""
    return Installation.objects.filter(is_demo=True).exists()


def mark_as_demo(*, seed: str, at: datetime) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"is_demo": True, "seed": seed, "created_at": at})
