"""What everybody may know about an agency, as the context of its public page and of the lists that show it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketplace import clock
from marketplace.casefile import deadline_clock
from marketplace.models import User
from marketplace.templatetags.ui import day_text

from . import casefile, queries
from .changes import kinds
from .filters import star_words
from .models import Agency, CreditEntry, Penalty
from .states import OPERATING, AgencyState, ChangeState, EntryState

# The states with a public notice of their own, and the day by which it is dated.
NOTICE_KINDS = {
    AgencyState.REMOVED: "left_at",
    AgencyState.SUSPENDED: "suspended_at",
    AgencyState.WITHDRAWN: "left_at",
}
# The page shows the newest; the ledger's own page and the log have all.
SHOWN = 10


def context(agency: Agency, *, user: User | None, at: datetime) -> dict[str, Any]:
    """Everything templates/agencies/detail.html says. The number of queries does not depend on what there is."""
    day = clock.local_date(at)
    full = queries.sees_everything(user, agency)
    penalties = list(agency.penalties.select_related("rule", "cause").order_by("-imposed_at", "-pk"))
    return {
        "agency": agency,
        "chip": casefile.state_chip(agency),
        "bands": bands(agency, at),
        "clocks": clocks(agency, at),
        "objection_url": reverse("agency_objection", args=[agency.code]) if _is_open(agency, at) else "",
        "figures": figures(agency),
        "rows": entry_rows(agency, full=full),
        "items": item_rows(agency, day),
        "services": service_rows(agency),
        "services_more": max(0, agency.services_done - SHOWN),
        "ledger": ledger_rows(agency, day),
        "ledger_url": reverse("agency_ledger", args=[agency.code]),
        "penalties": [penalty_row(penalty, agency, at) for penalty in penalties],
        "changes": change_rows(agency),
        "timeline": casefile.timeline(agency, at),
        "log_url": reverse("stream_events", args=[agency.stream_name()]),
        "active": agency.state in OPERATING,
        "full": full,
        "today": day,
    }


# ---------- what it is and how it stands ----------


def standing_words(agency: Agency) -> str:
    """Stars and score in one line."""
    return _("{stars}, {score} points").format(stars=star_words(agency.stars), score=agency.score)


def quality_text(agency: Agency) -> str:
    """The mean of the quality marks with two decimals, rounded down; empty where nobody gave one."""
    if not agency.quality_count:
        return ""
    hundredths = agency.quality_sum * 100 // agency.quality_count
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def figures(agency: Agency) -> list[dict[str, Any]]:
    """Rows of components/figure.html. Two queries, for the number of people; nobody is named."""
    now = Q(left_on__isnull=True, checked=True)
    practitioners, agents = agency.practitioners.filter(now).count(), agency.agents.filter(now).count()
    marks = ngettext("{count} mark of quality", "{count} marks of quality", agency.quality_count)
    return [
        {
            "label": _("Credit"),
            "value": star_words(agency.stars),
            "note": _("{score} points").format(score=agency.score),
            "url": reverse("agency_ledger", args=[agency.code]),
        },
        {"label": _("Services done"), "value": agency.services_done, "note": _("through this marketplace")},
        {
            "label": _("Quality of service"),
            "value": quality_text(agency) or None,
            "unit": _("of 5") if agency.quality_count else "",
            "note": marks.format(count=agency.quality_count),
        },
        {
            "label": _("Practitioners"),
            "value": practitioners,
            "note": _("authorised agents: {count}").format(count=agents),
        },
    ]


def entry_rows(agency: Agency, *, full: bool) -> list[dict[str, Any]]:
    """The basic data, then how and when it entered."""
    rows = casefile.basic_rows(agency, full=full)
    way = {"field": "way", "label": _("Way of entry"), "value": agency.get_way_display()}
    since = {
        "field": "active_since",
        "label": _("Entered on"),
        "value": day_text(clock.local_date(agency.active_since)) if agency.active_since else _("not entered yet"),
    }
    return [*rows, way, since]


def bands(agency: Agency, at: datetime) -> list[dict[str, str]]:
    """Notices at the head of the page: commitment first, suspension, removal, withdrawal, one star."""
    found = []
    if agency.state in {AgencyState.COMMITTED, AgencyState.VERIFYING}:
        text = (
            _("Active on its signed commitment. Its documents are not supplied yet.")
            if agency.state == AgencyState.COMMITTED
            else _("Active on its signed commitment. The office checks its documents now.")
        )
        found.append({"kind": "info", "title": _("Entered on commitment first"), "text": text})
    if agency.state == AgencyState.SUSPENDED:
        found.append(
            {
                "kind": "bad",
                "title": _("Suspended until {day}").format(day=_last_day(agency.suspended_until)),
                "text": _("It may not sign up until then. Services that were agreed before go on."),
            }
        )
    if agency.state in {AgencyState.REMOVED, AgencyState.WITHDRAWN}:
        found.append(notice_band(agency))
    if agency.stars == 1 and agency.state in OPERATING:
        found.append({"kind": "warn", "title": one_star_words(), "text": ""})
    return found


def one_star_words() -> str:
    return _("One star: it may not sign up for tasks paid from government funds.")


def notice_band(agency: Agency) -> dict[str, str]:
    """清退公示 or the notice of a withdrawal: since when, and why."""
    removed = agency.state == AgencyState.REMOVED
    title = _("Removed from the marketplace on {day}") if removed else _("Withdrew from the marketplace on {day}")
    day = day_text(clock.local_date(agency.left_at)) if agency.left_at else "–"
    text = _("Reason: {reason}").format(reason=agency.left_reason) if removed and agency.left_reason else ""
    if agency.reentry_from:
        again = _("It may enter again from {day} on.").format(day=day_text(clock.local_date(agency.reentry_from)))
        text = f"{text} {again}".strip()
    return {"kind": "bad" if removed else "info", "title": title.format(day=day), "text": text}


def _last_day(until: datetime | None) -> str:
    """A term that ends at midnight ends with the day before."""
    if until is None:
        return "–"
    return day_text(clock.local_date(until - datetime.resolution))


def _is_open(agency: Agency, at: datetime) -> bool:
    """Objections are taken now."""
    return (
        agency.publicity_until is not None
        and at < agency.publicity_until
        and (agency.state in {AgencyState.PUBLICITY, AgencyState.COMMITTED, AgencyState.VERIFYING})
    )


def clocks(agency: Agency, at: datetime) -> list[dict[str, Any]]:
    """The clocks that run in public, for components/clock.html."""
    found = []
    if (
        agency.publicity_until
        and agency.publicity_derivation
        and (_is_open(agency, at) or agency.state == AgencyState.PUBLICITY)
    ):
        found.append(
            deadline_clock(_("End of the publicity"), agency.publicity_until, agency.publicity_derivation, at=at)
        )
    if agency.state in {AgencyState.COMMITTED, AgencyState.VERIFYING} and agency.documents_due:
        label = _("Check of the documents by the office")
        derivation = agency.documents_derivation or {}
        found.append(deadline_clock(label, agency.documents_due, derivation.get("check", derivation), at=at))
    return found


# ---------- what it offers and what it did ----------


def item_rows(agency: Agency, day: date) -> list[dict[str, Any]]:
    """Each item with why the agency may take it today, or why not."""
    offered = [entry.item for entry in queries.offered_items(agency)]
    checks = queries.explain_many(agency, offered, day)
    return [
        {
            "item": str(item),
            "url": reverse("catalogue_item", args=[item.pk]),
            "place_url": reverse("recommendation", args=[item.pk]),
            "eligible": all(check.ok for check in checks[item.pk]),
            # The first two checks, active and listed, are the page itself.
            "reasons": [{"met": check.ok, "text": check.text} for check in checks[item.pk][2:]],
        }
        for item in offered
    ]


def service_rows(agency: Agency) -> list[dict[str, Any]]:
    found = agency.services.select_related("item")[:SHOWN]
    return [
        {
            "title": record.title,
            "url": record.link,
            "item": str(record.item),
            "day": record.finished_on,
            "quality": _("{mark} of 5").format(mark=record.quality) if record.quality else "",
        }
        for record in found
    ]


# ---------- credit ----------


def ledger_rows(agency: Agency, day: date) -> list[dict[str, Any]]:
    """Breaches and merits that count or did count. One whose right of reply has not ended is nobody's business yet."""
    found = agency.ledger.filter(
        state__in=[EntryState.COUNTED, EntryState.REPAIRED], effective_on__lte=day
    ).select_related("rule")[:SHOWN]
    return [entry_row(entry, day) for entry in found]


def entry_row(entry: CreditEntry, day: date) -> dict[str, Any]:
    ended = [bound for bound in (entry.expires_on, entry.ended_on) if bound is not None and bound <= day]
    if entry.state == EntryState.REPAIRED and ended:
        chip = {"kind": "ok", "text": _("repaired, counts no longer")}
    elif ended:
        chip = {"kind": "neutral", "text": _("past, counts no longer")}
    else:
        chip = {"kind": "ok" if entry.points > 0 else "warn", "text": _("counts now")}
    return {
        "rule": str(entry.rule),
        "gravity": entry.rule.get_gravity_display(),
        "basis": entry.rule.basis,
        "points": f"{entry.points:+d}",
        "summary": entry.summary,
        "url": entry.link,
        "day": entry.happened_on,
        "chip": chip,
    }


def penalty_row(penalty: Penalty, agency: Agency, at: datetime) -> dict[str, Any]:
    """A penalty, in force or past."""
    if penalty.lifted_at is not None:
        chip = {"kind": "neutral", "text": _("lifted")}
    elif (penalty.until is not None and penalty.until <= at) or (
        penalty.kind == "removal" and agency.state != AgencyState.REMOVED
    ):
        chip = {"kind": "neutral", "text": _("past")}
    elif penalty.kind == "warning":
        chip = {"kind": "warn", "text": _("on record")}
    else:
        chip = {"kind": "bad", "text": _("in force")}
    return {
        "kind": penalty.get_kind_display(),
        "rule": str(penalty.rule),
        "basis": penalty.rule.basis,
        "from": penalty.imposed_at,
        "until": penalty.until,
        "summary": penalty.cause.summary,
        "chip": chip,
    }


# ---------- changes ----------


def change_rows(agency: Agency) -> list[dict[str, Any]]:
    """What was changed by a check, the newest first, without what is personal."""
    found = agency.changes.filter(state=ChangeState.APPROVED).order_by("-decided_at", "-pk")[:SHOWN]
    return [
        {
            "kind": change.get_kind_display(),
            "at": change.decided_at,
            "rows": kinds.rows_in_words(change.kind, kinds.public_rows(change.kind, change.difference)),
        }
        for change in found
    ]


# ---------- rows of the public notices ----------


def publicity_row(agency: Any, at: datetime) -> dict[str, Any]:
    derivation = agency.publicity_derivation
    end = deadline_clock(_("End of the publicity"), agency.publicity_until, derivation, at=at) if derivation else None
    return {
        "name": agency.name,
        "code": agency.code,
        "url": reverse("agency_detail", args=[agency.code]),
        "origin": agency.get_origin_display(),
        "way": agency.get_way_display(),
        "items": [str(entry.item) for entry in agency.listed],
        "until": agency.publicity_until,
        "clock": end,
        "objection_url": reverse("agency_objection", args=[agency.code]) if _is_open(agency, at) else "",
    }


def notice_row(agency: Any) -> dict[str, Any]:
    grounds = list(dict.fromkeys(f"{one.rule} ({one.rule.basis})" for one in agency.grounds))
    suspended = agency.state == AgencyState.SUSPENDED
    return {
        "name": agency.name,
        "code": agency.code,
        "url": reverse("agency_detail", args=[agency.code]),
        "day": agency.suspended_at if suspended else agency.left_at,
        "until": agency.suspended_until if suspended else None,
        "removed": agency.state == AgencyState.REMOVED,
        "again": agency.reentry_from,
        # Why an agency withdrew is between it and the office.
        "reasons": [agency.left_reason] if agency.state == AgencyState.REMOVED and agency.left_reason else grounds,
        "chip": casefile.state_chip(agency),
    }
