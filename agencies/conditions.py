"""The conditions of the workflow tables: judged by the gate on the locked row, from facts the act has gathered.

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

from .states import ENTERED, AgencyState

ALL_AT_ONCE = "江西省网上中介超市九江分厅管理暂行办法（2022）：一次性告知"


@rule(_("The entry is not complete: every missing entry is listed."), basis=ALL_AT_ONCE)
def entry_is_complete(agency: Any, *, gaps: Collection[Any] = (), **_facts: Any) -> bool:
    """`gaps` comes from `rules.entry_gaps`, read in the transaction of the act."""
    return not gaps


@rule(
    _("You belong to this agency, so you may not check its entry."),
    basis="中华人民共和国公务员法第七十六条（回避）",
    remedy=_("Another member of the office checks it."),
)
def checker_is_independent(case: Any, *, actor: User | None, **_facts: Any) -> bool:
    """`case` is an agency or a case of one (`agency_id`)."""
    return not belongs_to(actor, getattr(case, "agency_id", case.pk))


@rule(
    _("You lodged this objection, so you may not decide it."),
    basis="中华人民共和国公务员法第七十六条（回避）",
    remedy=_("Another member of the office decides."),
)
def decider_did_not_object(objection: Any, *, actor: User | None, **_facts: Any) -> bool:
    return actor is None or actor.pk != objection.lodged_by_id


@rule(_("The publicity period has not ended yet."))
def publicity_is_over(agency: Any, *, at: datetime, **_facts: Any) -> bool:
    return agency.publicity_until is not None and at >= agency.publicity_until


@rule(
    _("An objection against the entry is not decided yet."),
    remedy=_("The entry takes effect once the objection is dismissed."),
)
def no_objection_is_open(agency: Any, *, open_objections: int = 0, **_facts: Any) -> bool:
    return open_objections == 0


# ---------- commitment first ----------


@rule(
    _("Entry on commitment is closed to this agency: an earlier commitment was not kept."),
    basis="国务院办公厅关于全面推行证明事项和涉企经营许可事项告知承诺制的指导意见（国办发〔2020〕42号）",
    remedy=_("It may enter by the form check."),
)
def commitment_is_open(agency: Any, **_facts: Any) -> bool:
    return not agency.commitment_barred


@rule(
    _("Some of the chosen services cannot be entered on commitment."),
    basis="国务院办公厅关于全面推行证明事项和涉企经营许可事项告知承诺制的指导意见（国办发〔2020〕42号）",
    remedy=_("Take them off the list, or enter by the form check."),
)
def items_allow_commitment(agency: Any, *, off_items: Collection[str] = (), **_facts: Any) -> bool:
    """`off_items`: the agency's items that the parameter entry.commitment_off_items names."""
    return not off_items


@rule(
    _("The time to supply the documents has ended."),
    remedy=_("The entry falls back to the form check; submit it there."),
)
def documents_are_in_time(agency: Any, *, at: datetime, **_facts: Any) -> bool:
    return agency.documents_supply_due is not None and at < agency.documents_supply_due


@rule(_("The time to supply the documents has not ended yet."))
def documents_are_overdue(agency: Any, *, at: datetime, **_facts: Any) -> bool:
    return agency.documents_supply_due is not None and at >= agency.documents_supply_due


@rule(_("The documents of this agency were never checked."))
def documents_were_checked(agency: Any, **_facts: Any) -> bool:
    return agency.checked_by_id is not None and not agency.on_commitment


@rule(_("The documents of this agency were checked before."))
def documents_are_unchecked(agency: Any, **_facts: Any) -> bool:
    return bool(agency.on_commitment)


# ---------- penalties and exit ----------


@rule(_("The suspension has not ended yet."))
def suspension_is_over(agency: Any, *, at: datetime, **_facts: Any) -> bool:
    return agency.suspended_until is not None and at >= agency.suspended_until


@rule(
    _("A service of this agency is still open; each one is listed."),
    basis="江西省网上中介超市九江分厅管理暂行办法（2022）：退出",
    remedy=_("Complete the open services first."),
)
def no_service_is_open(agency: Any, *, open_services: Collection[Any] = (), **_facts: Any) -> bool:
    """`open_services` comes from `rules.open_services`."""
    return not open_services


@rule(
    _("The agency may not enter again before the end of its ban."),
    basis="江西省网上中介超市九江分厅管理暂行办法（2022）：清退",
)
def reentry_is_open(agency: Any, *, at: datetime, **_facts: Any) -> bool:
    return agency.reentry_from is None or at >= agency.reentry_from


@rule(_("The agency was not entered when it was removed."))
def removed_while_entered(agency: Any, **_facts: Any) -> bool:
    return agency.removed_from in ENTERED


@rule(_("The agency had not withdrawn when it was removed."))
def removed_while_withdrawn(agency: Any, **_facts: Any) -> bool:
    return bool(agency.removed_from == AgencyState.WITHDRAWN)


@rule(_("The entry of the agency was not in publicity when it was removed."))
def removed_while_in_publicity(agency: Any, **_facts: Any) -> bool:
    return bool(agency.removed_from == AgencyState.PUBLICITY)


# ---------- changes ----------


@rule(_("The agency is not entered, so there is nothing to change by a check."))
def agency_is_entered(change: Any, *, entered: bool = False, **_facts: Any) -> bool:
    return entered


# ---------- the credit ledger ----------


@rule(_("The right of reply has not ended yet."), basis="中华人民共和国行政处罚法第四十五条（陈述、申辩）")
def reply_time_is_over(entry: Any, *, at: datetime, **_facts: Any) -> bool:
    """A reward needs no reply."""
    return entry.points > 0 or (entry.reply_until is not None and at >= entry.reply_until)


@rule(_("The right of reply has ended."), remedy=_("You can object to the entry instead."))
def reply_time_is_running(entry: Any, *, at: datetime, **_facts: Any) -> bool:
    return entry.reply_until is not None and at < entry.reply_until


@rule(
    _("You made this entry, so somebody else decides about it."),
    basis="中华人民共和国公务员法第七十六条（回避）",
    remedy=_("Another member of the office decides."),
)
def decider_is_another(case: Any, *, actor: User | None, maker: int | None = None, **_facts: Any) -> bool:
    """`maker`: the pk of the person whose decision is looked at again."""
    return actor is None or actor.pk != maker


@rule(_("The time to object has ended."))
def objection_time_is_running(entry: Any, *, at: datetime, **_facts: Any) -> bool:
    return entry.object_until is not None and at < entry.object_until
