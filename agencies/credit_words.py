"""The ledger as the contexts of its pages: rules, entries, penalties and standings in words and chips."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketplace.casefile import deadline_clock
from marketplace.models import Upload

from .credit import Standing
from .models import Agency, CreditEntry, CreditPetition, CreditRule, Penalty
from .states import EntryState, PetitionState

Gravity, Consequence = CreditRule.Gravity, CreditRule.Consequence


# ---------- rules ----------


def signed(points: int) -> str:
    """+2, −10, 0: with a real minus sign."""
    return f"+{points}" if points > 0 else f"−{-points}" if points < 0 else "0"


def months_text(months: int) -> str:
    return ngettext("{count} month", "{count} months", months).format(count=months)


def points_text(rule: CreditRule) -> str:
    if rule.months is None:
        return _("{points} points for ever").format(points=signed(rule.points))
    return _("{points} points for {months}").format(points=signed(rule.points), months=months_text(rule.months))


def consequence_text(rule: CreditRule) -> str:
    """What follows, and from how many: "3 within 12 months: suspension for 3 months"; empty when nothing does."""
    if rule.consequence == Consequence.NONE:
        return ""
    what = rule.get_consequence_display()
    if rule.term_months:
        what = _("{penalty} for {months}").format(penalty=what, months=months_text(rule.term_months))
    if rule.threshold == 1:
        return _("at once: {penalty}").format(penalty=what)
    return _("{count} within {months}: {penalty}").format(
        count=rule.threshold, months=months_text(rule.within_months), penalty=what
    )


def rule_choice(rule: CreditRule) -> tuple[str, str]:
    words = [str(rule), points_text(rule), consequence_text(rule)]
    return rule.code, " · ".join(part for part in words if part)


def rule_row(rule: CreditRule) -> dict[str, Any]:
    return {
        "name": str(rule),
        "code": rule.code,
        "gravity": rule.get_gravity_display(),
        "kind": {Gravity.SERIOUS: "bad", Gravity.BREACH: "warn", Gravity.MERIT: "ok"}[Gravity(rule.gravity)],
        "points": signed(rule.points),
        "months": months_text(rule.months) if rule.months else _("for ever"),
        "consequence": consequence_text(rule),
        "repair": _("after {months}").format(months=months_text(rule.repair_after_months))
        if rule.repair_after_months
        else ("" if rule.gravity == Gravity.MERIT else _("never")),
        "basis": rule.basis,
        "since": rule.valid_from,
        "until": rule.valid_until,
    }


# ---------- the standing ----------


def stars_text(stars: int) -> str:
    return ngettext("{stars} star", "{stars} stars", stars).format(stars=stars)


def standing_row(found: Standing, entries: Iterable[CreditEntry], on: date, *, start: int) -> dict[str, Any]:
    """Score and stars of a day with every part of the sum."""
    known = {entry.pk: entry for entry in entries}
    total = start + sum(part.points for part in found.parts)
    return {
        "on": on,
        "score": found.score,
        "stars": found.stars,
        "stars_text": stars_text(found.stars),
        "start": start,
        "parts": [
            {
                "number": part.entry.key,
                "points": signed(part.points),
                "title": str(known[part.entry.key].rule),
                "summary": known[part.entry.key].summary,
                "until": _day_before(part.entry.last_bound),
            }
            for part in found.parts
        ],
        "total": total,
        "bounded": total != found.score,
        "next_change": found.next_change,
    }


def _day_before(day: date | None) -> date | None:
    """The last day on which something counts that ends with `day`."""
    return day - timedelta(days=1) if day else None


# ---------- entries ----------


def entry_chip(entry: CreditEntry, on: date) -> dict[str, str]:
    if entry.state == EntryState.COUNTED and entry.expires_on is not None and entry.expires_on <= on:
        return {"kind": "neutral", "text": pgettext("ledger state", "expired")}
    kinds = {
        EntryState.REPLY: "warn",
        EntryState.REPLIED: "info",
        EntryState.COUNTED: "ok" if entry.points > 0 else "bad",
        EntryState.DROPPED: "neutral",
        EntryState.VOIDED: "neutral",
        EntryState.REPAIRED: "ok",
    }
    return {"kind": kinds[EntryState(entry.state)], "text": entry.get_state_display()}


def file_row(upload: Upload | None) -> dict[str, Any] | None:
    if upload is None:
        return None
    return {"name": upload.name, "url": reverse("download", args=[upload.pk]), "size": upload.size}


def entry_row(entry: CreditEntry, on: date, *, url: str = "", full: bool = False) -> dict[str, Any]:
    """One entry as everybody reads it; `full` adds evidence, reply and decision for the agency and the office."""
    row = {
        "number": entry.pk,
        "title": str(entry.rule),
        "summary": entry.summary,
        "points": signed(entry.points),
        "struck": entry.state in (EntryState.DROPPED, EntryState.VOIDED),
        "chip": entry_chip(entry, on),
        "basis": entry.rule.basis,
        "happened_on": entry.happened_on,
        "entered_at": entry.entered_at,
        "reply_until": entry.reply_until if entry.state == EntryState.REPLY else None,
        "decision_due": entry.decision_due if entry.state == EntryState.REPLIED else None,
        "effective_on": entry.effective_on,
        "last_day": _day_before(entry.expires_on),
        "ended_on": entry.ended_on,
        "object_until": entry.object_until if entry.state == EntryState.COUNTED else None,
        "consequence": consequence_text(entry.rule),
        "link": entry.link,
        "url": url,
    }
    if full:
        row |= {
            "evidence": file_row(entry.evidence),
            "reply": entry.reply_text,
            "reply_file": file_row(entry.reply_file),
            "replied_at": entry.replied_at,
            "reason": entry.decision_reason,
            "decided_at": entry.decided_at,
        }
    return row


def entry_clock(entry: CreditEntry, at: datetime) -> dict[str, Any] | None:
    """The clock that runs about an entry now, or None."""
    if entry.state == EntryState.REPLY and entry.reply_until:
        return deadline_clock(_("Right of reply"), entry.reply_until, entry.reply_derivation or {}, at=at)
    if entry.state == EntryState.REPLIED and entry.decision_due:
        return deadline_clock(_("Decision about the reply"), entry.decision_due, {}, at=at)
    if entry.state == EntryState.COUNTED and entry.object_until and at < entry.object_until:
        return deadline_clock(_("Time to object"), entry.object_until, {}, at=at)
    return None


def petition_row(petition: CreditPetition, at: datetime) -> dict[str, Any]:
    open_ = petition.state == PetitionState.LODGED
    kinds = {PetitionState.LODGED: "info", PetitionState.GRANTED: "ok", PetitionState.REJECTED: "neutral"}
    return {
        "pk": petition.pk,
        "kind": petition.get_kind_display(),
        "chip": {"kind": kinds[PetitionState(petition.state)], "text": petition.get_state_display()},
        "text": petition.text,
        "file": file_row(petition.evidence),
        "lodged_at": petition.lodged_at,
        "reason": petition.reason,
        "decided_at": petition.decided_at,
        "open": open_,
        "clock": deadline_clock(_("Decision about the petition"), petition.due, petition.derivation, at=at)
        if open_
        else None,
    }


def penalty_rows(agency: Agency) -> list[dict[str, Any]]:
    """Every penalty of the agency, newest first; lifted ones stay and are marked. One query."""
    penalties: list[Penalty] = list(agency.penalties.select_related("rule", "cause"))
    return [
        {
            "kind": penalty.get_kind_display(),
            "ground": str(penalty.rule),
            "cause": penalty.cause_id,
            "summary": penalty.cause.summary,
            "basis": penalty.rule.basis,
            "imposed_at": penalty.imposed_at,
            "until": penalty.until,
            "lifted_at": penalty.lifted_at,
        }
        for penalty in penalties
    ]
