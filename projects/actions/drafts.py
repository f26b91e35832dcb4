"""The owner's notice from the draft to its publication, checked by one person of the office and published by another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from agencies.models import Agency
from marketplace import accounts, clock, events
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text
from marketplace.models import Organisation, Upload, User
from marketplace.notifications import notify, settle
from marketplace.parameters import number
from marketplace.workflow import fire, locked

from .. import draw, journal, messages, rules, sessions
from ..models import Avoidance, SelectionTask
from ..states import EDITABLE, TaskState

__all__ = ["journal"]


def _next_code(at: datetime) -> str:
    """ZJ + date + running number of the day."""
    prefix = f"ZJ{clock.local_date(at):%Y%m%d}"
    last = SelectionTask.objects.filter(code__startswith=prefix).aggregate(last=Max("code"))["last"]
    return f"{prefix}{int(last[len(prefix) :]) + 1 if last else 1:04d}"


def field_faults(fields: dict[str, Any]) -> dict[str, list[Text]]:
    """All defects between the fields of a draft, each beside its field; a field that is not given is passed over."""
    wrong: dict[str, list[Text]] = {}
    government, social = fields.get("fund_government"), fields.get("fund_social")
    if government is not None and social is not None and government + social != 100:
        wrong["fund_social"] = [_("Government and social funds must add up to 100 %.")]
    if fields.get("amount_kind") == SelectionTask.AmountKind.FIXED:
        if "amount_yuan" in fields and not fields["amount_yuan"]:
            wrong["amount_yuan"] = [_("State the price, or choose “not estimated” and explain why.")]
    elif "amount_kind" in fields and not fields.get("amount_note"):
        wrong["amount_note"] = [_("Explain why the price is not estimated.")]
    if fields.get("is_investment_approval") and "approval_code" in fields and not fields["approval_code"]:
        wrong["approval_code"] = [_("An investment-approval project needs its approval code.")]
    closes, opens = fields.get("signup_deadline"), fields.get("selection_at")
    if closes is not None and opens is not None and opens <= closes:
        wrong["selection_at"] = [_("The selection comes after the sign-up deadline.")]
    return wrong


def _check_fields(fields: dict[str, Any]) -> None:
    if wrong := field_faults({"amount_yuan": None, "amount_note": "", "approval_code": "", **fields}):
        raise FieldErrors(wrong)


def draft_task(
    *,
    actor: User,
    at: datetime,
    owner: Organisation,
    fields: dict[str, Any],
    avoidances: Iterable[tuple[Agency, str]] = (),
    attachments: Iterable[Upload] = (),
) -> SelectionTask:
    """A new draft of the owner. `fields` are the model's notice fields. Raises NotAllowed, FieldErrors."""
    if owner.kind != Organisation.Kind.OWNER or not accounts.belongs_to(actor, owner):
        raise NotAllowed("not_owner")
    rules_on = clock.local_date(at)
    fields = {"reserves": number("draw.reserves", rules_on), **fields}
    _check_fields(fields)
    for attempt in range(5):
        try:
            with transaction.atomic():
                task = SelectionTask.objects.create(
                    code=_next_code(at), owner=owner, created_by=actor, created_at=at, rules_on=rules_on, **fields
                )
                events.open_stream(task.stream_name(), public=False)
                events.record(
                    task.stream_name(), "task.drafted", {"name": task.name, "item": task.item_id}, actor=actor, at=at
                )
                _set_lists(task, avoidances, attachments)
            return task
        except IntegrityError:  # two drafts took the same number in the same moment
            if attempt == 4:
                raise
    raise AssertionError("unreachable")


def _set_lists(task: SelectionTask, avoidances: Iterable[tuple[Agency, str]], attachments: Iterable[Upload]) -> None:
    task.avoidances.all().delete()
    Avoidance.objects.bulk_create(Avoidance(task=task, agency=agency, reason=reason) for agency, reason in avoidances)
    task.attachments.set(list(attachments))


def why_not_edit(task: SelectionTask, actor: User | None) -> DomainError | None:
    if not rules.owner_member(actor, task):
        return NotAllowed("not_owner")
    if task.state not in EDITABLE:
        return RuleBroken("not_editable", _("A submitted notice can no longer be changed; the office can return it."))
    return None


def edit_task(
    task: SelectionTask,
    *,
    actor: User,
    at: datetime,
    fields: dict[str, Any],
    avoidances: Iterable[tuple[Agency, str]] = (),
    attachments: Iterable[Upload] = (),
) -> SelectionTask:
    """Change a draft or a returned notice. Raises NotAllowed, RuleBroken once it has been submitted, FieldErrors."""
    with transaction.atomic():
        row = locked(task)
        if refusal := why_not_edit(row, actor):
            raise refusal
        _check_fields(fields)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
        _set_lists(row, avoidances, attachments)
        events.record(row.stream_name(), "task.edited", {}, actor=actor, at=at)
    return row


def submit_task(task: SelectionTask, *, actor: User, at: datetime) -> SelectionTask:
    with transaction.atomic():
        row, _event = fire(task, "submit", actor=actor, at=at)
        notify(
            accounts.staff(Organisation.Kind.OFFICE),
            messages.TASK_SUBMITTED,
            {"task": row.name, "code": row.code},
            key=f"{row.code}:submitted:{at.timestamp()}",
            at=at,
            link=reverse("office_task", args=[row.code]),
        )
    return row


def return_task(task: SelectionTask, *, actor: User, at: datetime, reasons: list[str]) -> SelectionTask:
    """Back to the owner with every defect at once (一次性告知). Raises FieldErrors when none is named."""
    named = [reason.strip() for reason in reasons if reason.strip()]
    if not named:
        raise FieldErrors({"reasons": [_("Name every defect; the owner must be able to mend them all at once.")]})
    with transaction.atomic():
        row, _event = fire(
            task,
            "return_for_correction",
            actor=actor,
            at=at,
            data={"count": len(named)},
            private={"reasons": named},
            reasons=named,
        )
        settle(messages.TASK_SUBMITTED, reverse("office_task", args=[row.code]), at=at)
        messages.tell_owner(row, messages.TASK_RETURNED, at)
    return row


def fingerprint(task: SelectionTask) -> str:
    """The hash of the notice as it stands; a page carries it, so that nobody decides about a text he has not read."""
    document = notice_document(task, signup_deadline=task.signup_deadline, selection_at=task.selection_at)
    return hashlib.sha256(draw.jcs(document)).hexdigest()


def _demand_seen(task: SelectionTask, seen: str | None) -> None:
    if seen is not None and seen != fingerprint(task):
        raise RuleBroken(
            "changed_meanwhile",
            _("The notice was changed while you were reading it."),
            remedy=_("Read it again, then decide."),
        )


def check_task(task: SelectionTask, *, actor: User, at: datetime, seen: str | None = None) -> SelectionTask:
    """The first of the two people: the notice is in order. Another one publishes it.

    `seen` is the fingerprint of the text that was read; another text is refused.
    """
    with transaction.atomic():
        _demand_seen(locked(task), seen)
        row, _event = fire(task, "check_notice", actor=actor, at=at, by=actor)
        settle(messages.TASK_SUBMITTED, reverse("office_task", args=[row.code]), at=at)
    return row


def notice_document(task: SelectionTask, *, signup_deadline: datetime, selection_at: datetime) -> dict[str, Any]:
    """The public notice as one JSON object; its hash is what the draw is posted with."""
    return {
        "code": task.code,
        "project_code": task.project_code,
        "name": task.name,
        "owner": {"name": task.owner.name, "id": task.owner.code},
        "item": {"code": task.item.code, "name": task.item.name_zh},
        "investment_approval": {
            "is": task.is_investment_approval,
            "code": task.approval_code,
            "name": task.approval_name,
        },
        "investment_yuan": f"{task.investment_yuan:.2f}" if task.investment_yuan is not None else "",
        "scale": task.scale,
        "content": task.content,
        "requirements": task.requirements,
        "service_time": task.service_time,
        "funds": {"government": task.fund_government, "social": task.fund_social},
        "amount": {
            "kind": task.amount_kind,
            "yuan": f"{task.amount_yuan:.2f}" if task.amount_yuan is not None else "",
            "note": task.amount_note,
        },
        "mode": {"code": task.mode, "reason": task.mode_reason, "winners": task.winners, "reserves": task.reserves},
        "avoid": [
            {"id": a.agency.organisation.code, "name": a.agency.organisation.name, "reason": a.reason}
            for a in task.avoidances.select_related("agency__organisation").order_by("agency__organisation__code")
        ],
        "signup_deadline": clock.iso_seconds(signup_deadline),
        "selection_at": clock.iso_seconds(selection_at),
        "contact": {"name": task.contact_name, "phone": task.contact_phone},
        "complaint_phone": task.complaint_phone,
        "attachments": [{"name": u.name, "sha256": u.sha256} for u in task.attachments.order_by("sha256")],
        "retry_s": number("session.retry", task.rules_on),
    }


def publish_notice(
    task: SelectionTask,
    *,
    actor: User,
    at: datetime,
    signup_deadline: datetime | None = None,
    selection_at: datetime | None = None,
    seen: str | None = None,
) -> SelectionTask:
    """The second of the two people publishes: the plan, the sealed number and the draw are posted before any sign-up.

    The office may move both times later than the owner wished, never earlier. Raises RuleBroken, NotAllowed, WrongState,
    FieldErrors.
    """
    with transaction.atomic():
        row = locked(task)
        _demand_seen(row, seen)
        closes = (signup_deadline or row.signup_deadline).replace(microsecond=0)
        opens = (selection_at or row.selection_at).replace(microsecond=0)
        if closes < row.signup_deadline.replace(microsecond=0):
            raise FieldErrors(
                {"signup_deadline": [_("The deadline cannot come before the one the owner asked for.")]}
            )
        if opens < row.selection_at.replace(microsecond=0):
            raise FieldErrors({"selection_at": [_("The selection cannot come before the time the owner asked for.")]})
        notice = notice_document(row, signup_deadline=closes, selection_at=opens)
        facts = {"signup_deadline": closes, "selection_at": opens}
        if row.state == TaskState.CHECKED:
            session = sessions.plan_session(row, open_at=opens, actor=actor, at=at)
            post = sessions.post_draw(row, session, notice=notice, signup_deadline=closes)
        else:
            session, post = None, {}
        events.open_stream(row.stream_name())
        row, _event = fire(
            row,
            "publish",
            actor=actor,
            at=at,
            facts=facts,
            data={"notice": notice, "draw_id": row.draw_id, "sid": session.sid if session else ""},
            by=actor,
            session=session,
            notice=notice,
            post=post,
            signup_deadline=closes,
            selection_at=opens,
        )
        assert session is not None
        events.record(session.stream_name(), "draw.post", post, actor=actor, at=at)
        events.make_public(row.stream_name())
        row.attachments.update(is_public=True)
        messages.tell_owner(row, messages.NOTICE_PUBLISHED, at)
    return row
