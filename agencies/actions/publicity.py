"""Objections while an entry is in publicity: anybody may lodge one, the office decides it.

Who objects is known to office and supervisor only; the public log says that there was an objection and how it ended.
"""

from __future__ import annotations

from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace import events, uploads
from marketplace.accounts import belongs_to
from marketplace.clock import iso_micros
from marketplace.deadlines import deadline
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text, WrongState
from marketplace.models import Organisation, Upload, User
from marketplace.workflow import fire, locked, why_not

from .. import entry_journal, journal
from ..leaving import void_checks
from ..models import Agency, EntryObjection
from ..states import OPERATING, AgencyState, ObjectionState

SHORTEST = 10
RETURN, REFUSE = "return", "refuse"


def why_not_object(agency: Agency, actor: User | None, at: datetime) -> DomainError | None:
    """Why this person cannot object to the entry now, or None."""
    if agency.state not in (AgencyState.PUBLICITY, *OPERATING):
        return WrongState("lodge_objection", agency.state)
    if agency.publicity_until is None or at >= agency.publicity_until:
        return RuleBroken(
            "publicity_is_running",
            _("The publicity has ended."),
            remedy=_("A complaint can still be made to the office."),
        )
    if actor is None or not actor.is_authenticated or belongs_to(actor, agency.pk):
        return NotAllowed(verb="lodge_objection")
    if agency.objections.filter(lodged_by=actor, state=ObjectionState.LODGED).exists():
        return RuleBroken(
            "one_objection_each", _("Your objection against this entry is not decided yet; you need no second one.")
        )
    return None


@transaction.atomic
def lodge_objection(
    agency: Agency, text: str, file: UploadedFile | Upload | None = None, *, actor: User | None, at: datetime
) -> EntryObjection:
    """Object to an entry in its publicity, with a file as evidence; the office decides within entry.objection.

    The evidence is kept for the office: the members of the agency cannot open it. Raises FieldErrors (text, file),
    WrongState, RuleBroken after the publicity and for a second objection, NotAllowed for members of the agency.
    """
    row = locked(agency)
    if (refusal := why_not_object(row, actor, at)) is not None:
        raise refusal
    assert actor is not None
    office = Organisation.objects.filter(kind=Organisation.Kind.OFFICE, is_active=True).order_by("pk").first()
    errors: dict[str, list[Text]] = {}
    limit = EntryObjection._meta.get_field("text").max_length or 0
    if len(text.strip()) < SHORTEST:
        errors["text"] = [_("Say in at least {count} characters what is wrong.").format(count=SHORTEST)]
    elif len(text.strip()) > limit:
        errors["text"] = [_("At most {limit} characters.").format(limit=limit)]
    if file is not None and office is None:
        errors["file"] = [_("There is no office that could keep a file.")]
    elif isinstance(file, Upload):
        if office is None or file.organisation_id != office.pk or file.uploaded_by_id != actor.pk:
            errors["file"] = [_("This file belongs to somebody else.")]
    elif file is not None:
        try:
            uploads.check(file, "file")
        except FieldErrors as refused:
            errors |= refused.fields
    if errors:
        raise FieldErrors(errors)
    evidence = file if isinstance(file, Upload) else None
    if file is not None and not isinstance(file, Upload) and office is not None:
        evidence = uploads.store(file, organisation=office, actor=actor, at=at, field="file")
    decision = deadline("entry.objection", at, on=row.rules_on)
    objection = EntryObjection.objects.create(
        agency=row,
        lodged_by=actor,
        lodged_at=at,
        text=text.strip(),
        evidence=evidence,
        due=decision.due,
        derivation=decision.derivation,
    )
    event = events.record(
        row.stream_name(),
        entry_journal.OBJECTION_LODGED,
        {"objection": objection.pk, "due": iso_micros(decision.due), "derivation": decision.derivation},
        actor=actor,
        at=at,
        private={"text": objection.text, "evidence_sha256": evidence.sha256 if evidence else None},
        anonymous=True,
    )
    params = {"due": journal.plain_due(decision.due)}
    journal.tell_members(row, event, entry_journal.NOTE_OBJECTION, params, at=at)
    journal.tell_office(row, event, entry_journal.NOTE_OBJECTION_OFFICE, params, at=at)
    return objection


@transaction.atomic
def decide_objection(
    objection: EntryObjection, *, uphold: bool, reason: str, consequence: str = "", actor: User | None, at: datetime
) -> EntryObjection:
    """Dismiss or uphold an objection with its reason.

    While the entry is in publicity an upheld one has a consequence: the entry is returned (RETURN) or refused (REFUSE).
    Otherwise it is only recorded, and the ledger follows by its own act. Raises FieldErrors (reason, consequence).
    """
    agency = locked(Agency(pk=objection.agency_id))
    row = locked(objection)
    name = "uphold" if uphold else "dismiss"
    if (refusal := why_not(row, name, actor=actor, at=at)) is not None:
        raise refusal
    reason = reason.strip()
    errors: dict[str, list[Text]] = {}
    limit = EntryObjection._meta.get_field("reason").max_length or 0
    if not reason:
        errors["reason"] = [_("A decision states its reason.")]
    elif len(reason) > limit:
        errors["reason"] = [_("At most {limit} characters.").format(limit=limit)]
    if uphold and agency.state == AgencyState.PUBLICITY:
        if consequence not in (RETURN, REFUSE):
            errors["consequence"] = [_("Choose whether the entry is returned or refused.")]
    elif consequence:
        errors["consequence"] = [_("Only an objection upheld during the publicity has this consequence.")]
    if errors:
        raise FieldErrors(errors)
    row, event = fire(
        row,
        name,
        actor=actor,
        at=at,
        data={"objection": row.pk},
        private={"reason": reason},
        decided_by=actor,
        reason=reason,
    )
    yours = entry_journal.NOTE_YOURS_UPHELD if uphold else entry_journal.NOTE_YOURS_DISMISSED
    theirs = entry_journal.NOTE_OBJECTION_UPHELD if uphold else entry_journal.NOTE_OBJECTION_DISMISSED
    entry_journal.tell(row.lodged_by, agency, event, yours, {"reason": reason}, at=at)
    journal.tell_members(agency, event, theirs, {"reason": reason}, at=at)
    if consequence == RETURN:
        _return(agency, reason, actor, at)
    elif consequence == REFUSE:
        _refuse(agency, reason, actor, at)
    return row


def _return(agency: Agency, reason: str, actor: User | None, at: datetime) -> None:
    defects = [{"field": "other", "sentence": reason}]
    void_checks(agency)
    row, event = fire(
        agency,
        "return_from_publicity",
        actor=actor,
        at=at,
        data={"defects": len(defects)},
        private={"defects": defects},
        checked_by=actor,
        defects=defects,
        # The objection has brought something new to light: the next check may look at everything again.
        fingerprints={},
    )
    journal.tell_members(row, event, journal.NOTE_RETURNED, {"count": len(defects)}, at=at)


def _refuse(agency: Agency, reason: str, actor: User | None, at: datetime) -> None:
    void_checks(agency)
    row, event = fire(
        agency,
        "refuse_from_publicity",
        actor=actor,
        at=at,
        private={"reason": reason},
        checked_by=actor,
        reason=reason,
    )
    journal.tell_members(row, event, journal.NOTE_REFUSED, {"reason": reason}, at=at)
