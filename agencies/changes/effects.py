"""What an approved change does to what is registered, inside the transaction of its approval."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction

from marketplace import identity
from marketplace.clock import local_date
from marketplace.models import Membership

from .. import directory
from ..actions.checking import serves_another
from ..models import (
    AgencyDocument,
    AgencyItem,
    AuthorisedAgent,
    Change,
    Practitioner,
    Qualification,
    QualificationUse,
)
from .kinds import Kind
from .proposal import Proposal


def apply(proposal: Proposal, *, at: datetime) -> None:
    """The proposal has no faults now; its papers are the checked ones from here on."""
    EFFECTS[proposal.kind](proposal, at)


def _document(proposal: Proposal, kind: AgencyDocument.Kind, name: str) -> None:
    file = proposal.kept[name]
    proposal.agency.documents.update_or_create(kind=kind, defaults={"file": file, "checked": True})


def _rename(proposal: Proposal, _at: datetime) -> None:
    agency, name = proposal.agency, proposal.values["name"]
    agency.organisation.name = name
    agency.organisation.save(update_fields=["name"])
    directory.index_name(agency)
    _document(proposal, AgencyDocument.Kind.LICENCE, "business_licence")


def _move(proposal: Proposal, _at: datetime) -> None:
    agency = proposal.agency
    agency.address, agency.origin = proposal.values["address"], proposal.values["origin"]
    agency.save(update_fields=["address", "origin"])
    _document(proposal, AgencyDocument.Kind.LICENCE, "business_licence")


def _represent(proposal: Proposal, _at: datetime) -> None:
    agency, id_kind = proposal.agency, proposal.values["legal_id_kind"]
    sealed = identity.seal(id_kind, identity.check(id_kind, proposal.number)[0])
    agency.legal_representative = proposal.values["legal_representative"]
    agency.legal_id_kind, agency.legal_id_sealed, agency.legal_id_digest = id_kind, sealed.sealed, sealed.digest
    agency.save(update_fields=["legal_representative", "legal_id_kind", "legal_id_sealed", "legal_id_digest"])
    _document(proposal, AgencyDocument.Kind.LICENCE, "business_licence")
    _document(proposal, AgencyDocument.Kind.LEGAL_ID, "id_scan")


def _certify(proposal: Proposal, _at: datetime) -> None:
    """A new certificate, or a renewed one with a new span, scan and uses; reminded of its end anew."""
    known = proposal.target
    paper = known if isinstance(known, Qualification) else Qualification(agency=proposal.agency)
    for name, value in proposal.paper_values().items():
        setattr(paper, name, value)
    if (scan := proposal.kept.get("certificate")) is not None:
        paper.certificate = scan
    paper.checked, paper.committed, paper.reminded_at_days = True, False, None
    paper.save()
    paper.uses.all().delete()
    wanted = sorted(set(proposal.values.get("requirements") or []))
    offered = AgencyItem.objects.filter(agency=proposal.agency, is_active=True).prefetch_related("item__requirements")
    entries = {one.pk: entry for entry in offered for one in entry.item.requirements.all()}
    QualificationUse.objects.bulk_create(
        QualificationUse(agency_item=entries[pk], requirement_id=pk, qualification=paper) for pk in wanted
    )


def _give_up(proposal: Proposal, _at: datetime) -> None:
    assert proposal.target is not None
    proposal.target.delete()


def _join(proposal: Proposal, _at: datetime) -> None:
    values, kept = proposal.values, proposal.kept
    sealed = identity.seal(values["id_kind"], identity.check(values["id_kind"], proposal.number)[0])
    named = {
        "agency": proposal.agency,
        "full_name": values["full_name"],
        "id_kind": values["id_kind"],
        "id_sealed": sealed.sealed,
        "id_digest": sealed.digest,
        "id_hint": sealed.hint,
        "id_scan": kept["id_scan"],
        "insurance": kept["insurance"],
        "valid_until": values.get("valid_until"),
        "checked": True,
    }
    if proposal.kind == Kind.PRACTITIONER_ADD:
        try:
            with transaction.atomic():
                Practitioner.objects.create(
                    **named,
                    certificate_name=values["certificate_name"],
                    certificate_number=values["certificate_number"],
                    certificate=kept["certificate"],
                )
        except IntegrityError as clash:
            # Two changes of two agencies approved at once: the database lets one of them have the person.
            raise serves_another(values["full_name"]) from clash
    else:
        AuthorisedAgent.objects.create(
            **named, phone=values["phone"], email=values.get("email") or "", authority=kept["authority"]
        )


def _leave(proposal: Proposal, at: datetime) -> None:
    person = proposal.target
    assert isinstance(person, Practitioner | AuthorisedAgent)
    person.left_on = local_date(at)
    person.save(update_fields=["left_on"])
    if isinstance(person, AuthorisedAgent) and person.user_id:
        # Whose authority has ended no longer acts here; a manager's account does not rest on the letter.
        Membership.objects.filter(
            user=person.user_id, organisation=proposal.agency.organisation, role=Membership.Role.DELEGATE
        ).delete()


EFFECTS: dict[Change.Kind, Callable[[Proposal, datetime], None]] = {
    Kind.NAME: _rename,
    Kind.ADDRESS: _move,
    Kind.LEGAL_REPRESENTATIVE: _represent,
    Kind.QUALIFICATION_ADD: _certify,
    Kind.QUALIFICATION_UPDATE: _certify,
    Kind.QUALIFICATION_REMOVE: _give_up,
    Kind.PRACTITIONER_ADD: _join,
    Kind.PRACTITIONER_REMOVE: _leave,
    Kind.AGENT_ADD: _join,
    Kind.AGENT_REMOVE: _leave,
}
