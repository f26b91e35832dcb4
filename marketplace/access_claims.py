"""Claims of access: somebody finds his organisation registered already and proves that he acts for it.

The office decides. Until then, and after a refusal, the claimant learns nothing about the organisation that he did not
say himself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from . import access_journal as journal
from . import accounts, notifications, uploads
from .access_grants import INVITABLE, acts_elsewhere, members_url, person_facts
from .casework import Work
from .clock import iso_micros
from .deadlines import deadline
from .errors import DomainError, FieldErrors, NotAllowed, RuleBroken, Text, WrongState
from .models import AccessClaim, Membership, Organisation, Upload, User
from .templatetags.ui import datetime_text

Kind, Role = Organisation.Kind, Membership.Role
# Open claims of one account; every claim costs the office and the present managers a letter.
OPEN_CLAIMS = 3


def claimed_organisation(code: str) -> Organisation | None:
    """The agency or owner with this code, however it is typed."""
    return Organisation.objects.filter(code=uscc.compact(code).upper(), kind__in=list(INVITABLE)).first()


def keeping_office() -> Organisation | None:
    """The office that has the proofs in its keeping: no member of the claimed organisation can read them there."""
    return Organisation.objects.filter(kind=Kind.OFFICE, is_active=True).order_by("pk").first()


def keep_proof(file: UploadedFile, *, actor: User, at: datetime) -> Upload | None:
    """Keep a good file while the rest of the form is mended. Raises FieldErrors(file)."""
    office = keeping_office()
    return uploads.store(file, organisation=office, actor=actor, at=at) if office else None


def kept_proof(pk: str, user: User) -> Upload | None:
    """What an earlier try of this person left with the office."""
    try:
        wanted = UUID(pk)
    except ValueError:
        return None
    return Upload.objects.filter(pk=wanted, uploaded_by=user, organisation=keeping_office()).first()


def _claim_faults(code: str, text: str, file: UploadedFile | Upload | None, actor: User) -> dict[str, list[Text]]:
    faults: dict[str, list[Text]] = {}
    organisation = claimed_organisation(code)
    if organisation is None:
        faults["code"] = [_("No agency and no owner is registered with this code.")]
    elif actor.memberships.filter(organisation=organisation).exists():
        faults["code"] = [_("You act for this organisation already.")]
    elif AccessClaim.objects.filter(organisation=organisation, user=actor, decided_at=None).exists():
        faults["code"] = [_("Your claim for this code is with the office already.")]
    limit = AccessClaim._meta.get_field("text").max_length or 0
    if not text:
        faults["text"] = [_("This entry is needed.")]
    elif len(text) > limit:
        faults["text"] = [_("At most {limit} characters.").format(limit=limit)]
    if file is None:
        faults["file"] = [_("Add the scan of your proof.")]
    elif isinstance(file, UploadedFile):
        try:
            uploads.check(file)
        except FieldErrors as refusal:
            faults |= refusal.fields
    return faults


@transaction.atomic
def claim_access(
    code: str, text: str, file: UploadedFile | Upload | None, *, actor: User | None, at: datetime
) -> AccessClaim:
    """Ask to become a manager of the organisation with this code. The office and its present managers are told.

    The proof is the claimant's and is kept with the office; `file` may also be a `kept_proof`. Raises
    NotAllowed, FieldErrors(code, text, file), RuleBroken(one_agency_each, one_owner_each, too_many_claims, no_office).
    """
    if actor is None:
        raise NotAllowed("login")
    text = text.strip()
    if faults := _claim_faults(code, text, file, actor):
        raise FieldErrors(faults)
    organisation = claimed_organisation(code)
    assert organisation is not None and file is not None
    if refusal := acts_elsewhere(actor, organisation):
        raise refusal
    if AccessClaim.objects.filter(user=actor, decided_at=None).count() >= OPEN_CLAIMS:
        raise RuleBroken(
            "too_many_claims", _("Several of your claims wait for the office; make another one when it has decided.")
        )
    office = keeping_office()
    if office is None:
        raise RuleBroken("no_office", _("Nobody can decide the claim: the office is not set up yet."))
    decision = deadline("entry.claim", at)
    proof = file if isinstance(file, Upload) else uploads.store(file, organisation=office, actor=actor, at=at)
    claim = AccessClaim.objects.create(
        organisation=organisation, user=actor, text=text, proof=proof, made_at=at, due=decision.due
    )
    event = journal.note(
        organisation,
        journal.CLAIMED,
        {"claim": claim.pk, "due": iso_micros(decision.due), "derivation": decision.derivation},
        actor=actor,
        at=at,
        private=person_facts(actor) | {"text": text, "proof_sha256": proof.sha256},
        anonymous=True,
    )
    due = datetime_text(decision.due, end_of_day=True)
    key = f"{journal.stream_of(organisation)}:{event.seq}"
    notifications.notify(
        journal.independent_office(organisation, actor),
        journal.NOTE_CLAIM,
        {"name": organisation.name, "due": due},
        key=key,
        at=at,
        link=reverse("office_claim", args=[claim.pk]),
    )
    notifications.notify(
        journal.managers(organisation),
        journal.NOTE_CLAIM_MANAGERS,
        {"name": organisation.name, "person": actor.get_full_name(), "due": due},
        key=f"{key}:managers",
        at=at,
    )
    return claim


def why_not_decide(claim: AccessClaim, actor: User | None) -> DomainError | None:
    if claim.decided_at is not None:
        return WrongState("decide_claim", "granted" if claim.granted else "refused")
    if actor is None or not accounts.acts_as(actor, Kind.OFFICE):
        return NotAllowed(verb="decide_claim")
    if actor.pk == claim.user_id or actor.memberships.filter(organisation=claim.organisation_id).exists():
        return RuleBroken(
            "decider_is_independent",
            _("You are concerned by this claim, so you may not decide it."),
            basis="中华人民共和国公务员法第七十六条（回避）",
            remedy=_("Another member of the office decides."),
        )
    return None


@transaction.atomic
def decide_claim(
    claim: AccessClaim, grant: bool, reason: str = "", *, actor: User | None, at: datetime
) -> AccessClaim:
    """Make the claimant a manager, or refuse with a reason. Raises WrongState, NotAllowed, FieldErrors(reason),
    RuleBroken(decider_is_independent, one_agency_each, one_owner_each)."""
    row = AccessClaim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    if refusal := why_not_decide(row, actor):
        raise refusal
    assert actor is not None
    organisation, person, reason = row.organisation, row.user, reason.strip()
    # Two grants for one person at the same moment meet here.
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    limit = AccessClaim._meta.get_field("reason").max_length or 0
    if len(reason) > limit:
        raise FieldErrors({"reason": [_("At most {limit} characters.").format(limit=limit)]})
    if not grant and not reason:
        raise FieldErrors({"reason": [_("A refusal states its reason.")]})
    if grant and (refusal := acts_elsewhere(person, organisation)):
        raise RuleBroken(
            refusal.code,
            _("The claimant acts for another organisation of this kind already; one account serves one."),
        )
    row.granted, row.reason, row.decided_by, row.decided_at = grant, reason, actor, at
    row.save(update_fields=["granted", "reason", "decided_by", "decided_at"])
    present = list(journal.managers(organisation).exclude(pk=person.pk))
    data: dict[str, Any] = {"claim": row.pk}
    if grant:
        Membership.objects.update_or_create(user=person, organisation=organisation, defaults={"role": Role.MANAGER})
        for user in (person, claim.user):
            accounts.forget(user)
        data["role"] = Role.MANAGER.value
    kind = journal.CLAIM_GRANTED if grant else journal.CLAIM_REFUSED
    event = journal.note(
        organisation, kind, data, actor=actor, at=at, private=person_facts(person) | {"reason": reason}
    )
    link = reverse("office_claim", args=[row.pk])
    notifications.settle(journal.NOTE_CLAIM, link, at=at)
    key = f"{journal.stream_of(organisation)}:{event.seq}"
    if grant:
        words = {"name": organisation.name, "person": person.get_full_name()}
        members = members_url(organisation)
        notifications.notify(
            [person], journal.NOTE_CLAIM_GRANTED, {"name": organisation.name}, key=key, at=at, link=members
        )
        notifications.notify(present, journal.NOTE_NEW_MANAGER, words, key=key, at=at, link=members)
    else:
        # Nothing about the organisation but the code the claimant gave himself.
        params = {"code": organisation.code, "reason": reason}
        claims = reverse("access_claim")
        notifications.notify([person], journal.NOTE_CLAIM_REFUSED, params, key=key, at=at, link=claims)
    return row


def work(at: datetime) -> list[Work]:
    """The claims that wait for the office, the first deadline first. One query."""
    waiting = AccessClaim.objects.filter(decided_at=None).select_related("organisation").order_by("due", "pk")
    return [
        Work(
            case=f"claim:{claim.pk}",
            stream=journal.stream_of(claim.organisation),
            kind=str(_("Access claim")),
            title=claim.organisation.name,
            url=reverse("office_claim", args=[claim.pk]),
            started=claim.made_at,
            due=claim.due,
        )
        for claim in waiting[:200]
    ]
