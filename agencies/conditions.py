"""The conditions of the workflow table: judged by the gate on the locked row, from facts the act has gathered.

They stand below the models, which name them beside their verbs; the judgements that read other tables are in `rules`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from marketplace.accounts import belongs_to
from marketplace.models import User
from marketplace.workflow import rule


@rule(
    _("The entry is not complete: every missing entry is listed."),
    basis="江西省网上中介超市九江分厅管理暂行办法（2022）：一次性告知",
)
def entry_is_complete(agency: Any, *, gaps: Collection[Any] = (), **_facts: Any) -> bool:
    """`gaps` comes from `rules.entry_gaps`, read in the transaction of the act."""
    return not gaps


@rule(
    _("You belong to this agency, so you may not check its entry."),
    basis="中华人民共和国公务员法第七十六条（回避）",
    remedy=_("Another member of the office checks it."),
)
def checker_is_independent(agency: Any, *, actor: User | None, **_facts: Any) -> bool:
    return not belongs_to(actor, agency.pk)


@rule(_("The publicity period has not ended yet."))
def publicity_is_over(agency: Any, *, at: datetime, **_facts: Any) -> bool:
    return agency.publicity_until is not None and at >= agency.publicity_until
