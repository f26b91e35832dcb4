"""People, organisations, catalogue and agencies for tests. Codes are well formed and differ."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import factory
from django.core.files.uploadedfile import SimpleUploadedFile
from factory.django import DjangoModelFactory

from agencies import directory, rules
from agencies.demo_entry import enter_agency, resident_id, scan
from agencies.models import (
    Agency,
    AgencyDocument,
    AgencyItem,
    AuthorisedAgent,
    IdKind,
    Practitioner,
    Qualification,
    QualificationUse,
)
from agencies.states import PUBLIC, AgencyState
from marketplace import catalogue, identity
from marketplace.models import Membership, Organisation, Requirement, ServiceClass, ServiceItem, Upload, User

COMMITTED = (AgencyState.COMMITTED, AgencyState.VERIFYING)
# A Monday, 10:00 in China; the week after it has no holiday.
MONDAY = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)


def credit_code(number: int, prefix: str = "91360481MA") -> str:
    """A valid unified social credit code made from a number; `prefix` has 10 characters."""
    digits = ""
    for _ in range(7):
        number, place = divmod(number, 31)
        digits = catalogue.ALPHABET[place] + digits
    return catalogue.credit_code(prefix + digits)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.org")


class OrganisationFactory(DjangoModelFactory):
    class Meta:
        model = Organisation

    kind = Organisation.Kind.AGENCY
    nature = Organisation.Nature.ENTERPRISE
    name = factory.Sequence(lambda n: f"Organisation {n:04d}")
    code = factory.Sequence(lambda n: credit_code(n + 1))


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    role = Membership.Role.MANAGER


def person_at(organisation: Organisation, role: str = Membership.Role.OFFICER, **fields: Any) -> User:
    """A new person who acts for the organisation."""
    user: User = MembershipFactory(
        organisation=organisation, role=role, **{f"user__{k}": v for k, v in fields.items()}
    ).user
    return user


def person_of(kind: str, **fields: Any) -> User:
    """A new person at a new organisation of this kind; for the office at the one there is."""
    known = Organisation.objects.filter(kind=kind).first() if kind == Organisation.Kind.OFFICE else None
    nature = Organisation.Nature.PUBLIC if kind != Organisation.Kind.AGENCY else Organisation.Nature.ENTERPRISE
    return person_at(known or OrganisationFactory(kind=kind, nature=nature), **fields)


class ServiceClassFactory(DjangoModelFactory):
    class Meta:
        model = ServiceClass
        django_get_or_create = ("code",)

    code = "9"
    name_zh = "测试类"
    name_en = "Test class"


class ServiceItemFactory(DjangoModelFactory):
    """A service without requirements; add them with RequirementFactory."""

    class Meta:
        model = ServiceItem

    code = factory.Sequence(lambda n: f"9{n:03d}")
    service_class = factory.SubFactory(ServiceClassFactory)
    name_zh = factory.LazyAttribute(lambda item: f"服务{item.code}")
    name_en = factory.LazyAttribute(lambda item: f"Service {item.code}")
    authority = factory.SubFactory(
        OrganisationFactory, kind=Organisation.Kind.AUTHORITY, nature=Organisation.Nature.PUBLIC
    )


class RequirementFactory(DjangoModelFactory):
    class Meta:
        model = Requirement

    item = factory.SubFactory(ServiceItemFactory)
    group = 1
    kind = Requirement.Kind.LICENCE
    text = "测绘资质甲级或乙级"
    is_mandatory = factory.LazyAttribute(lambda one: one.kind != Requirement.Kind.RATING)


def _sealed(seed: str) -> identity.Sealed:
    return identity.seal(IdKind.RESIDENT, resident_id(seed))


class AgencyFactory(DjangoModelFactory):
    """An agency row in any state, without the acts that lead there; `entered_agency` plays them."""

    class Meta:
        model = Agency
        skip_postgeneration_save = True

    organisation = factory.SubFactory(OrganisationFactory, kind=Organisation.Kind.AGENCY)
    state = AgencyState.ACTIVE
    origin = Agency.Origin.LOCAL
    legal_representative = "Li Ming"
    legal_id_kind = IdKind.RESIDENT
    legal_id_sealed = factory.LazyAttribute(lambda agency: _sealed(agency.organisation.code).sealed)
    legal_id_digest = factory.LazyAttribute(lambda agency: _sealed(agency.organisation.code).digest)
    address = "1 Station Road"
    established_on = date(2015, 5, 4)
    contact_name = "Wang Fang"
    contact_phone = "0792-1234567"
    registered_at = MONDAY
    submitted_at = factory.Maybe("is_draft", None, MONDAY)
    form_check_due = factory.Maybe("is_draft", None, MONDAY)
    publicity_from = factory.Maybe("is_public", MONDAY, None)
    publicity_until = factory.Maybe("is_public", MONDAY, None)
    checked_by = factory.Maybe("was_checked", factory.SubFactory(UserFactory), None)
    sort_name = factory.LazyAttribute(lambda agency: agency.organisation.name)
    on_commitment = factory.LazyAttribute(lambda agency: agency.state in COMMITTED)
    commitment_signed_at = factory.Maybe("is_public", MONDAY, None)
    documents_due = factory.Maybe("on_commitment", MONDAY + timedelta(days=14), None)
    documents_supply_due = factory.Maybe("on_commitment", MONDAY + timedelta(days=10), None)
    suspended_at = factory.Maybe("is_suspended", MONDAY, None)
    suspended_until = factory.Maybe("is_suspended", MONDAY + timedelta(days=90), None)

    @factory.post_generation
    def is_found_by_its_name(self, create: bool, _given: Any) -> None:
        if create:
            directory.index_name(self)

    class Params:
        is_draft = factory.LazyAttribute(lambda agency: agency.state == AgencyState.DRAFT)
        is_public = factory.LazyAttribute(lambda agency: agency.state in PUBLIC)
        was_checked = factory.LazyAttribute(lambda agency: agency.state in PUBLIC and agency.state not in COMMITTED)
        is_suspended = factory.LazyAttribute(lambda agency: agency.state == AgencyState.SUSPENDED)


class AgencyItemFactory(DjangoModelFactory):
    class Meta:
        model = AgencyItem

    agency = factory.SubFactory(AgencyFactory)
    item = factory.SubFactory(ServiceItemFactory)
    sort_name = factory.LazyAttribute(lambda entry: entry.agency.sort_name)


class QualificationFactory(DjangoModelFactory):
    class Meta:
        model = Qualification

    agency = factory.SubFactory(AgencyFactory)
    kind = Requirement.Kind.LICENCE
    name = "测绘资质证书"
    number = factory.Sequence(lambda n: f"No {n:05d}")
    level = "乙级"
    valid_from = date(2024, 1, 1)
    valid_until = date(2028, 12, 31)
    checked = True


class PractitionerFactory(DjangoModelFactory):
    """A practitioner with the number of an invented person, `resident_id(number_of)`; papers by `file`."""

    class Meta:
        model = Practitioner

    class Params:
        number_of = factory.Sequence(lambda n: f"practitioner {n}")
        file = None

    agency = factory.SubFactory(AgencyFactory)
    full_name = factory.Sequence(lambda n: f"Practitioner {n}")
    id_kind = IdKind.RESIDENT
    id_sealed = factory.LazyAttribute(lambda person: _sealed(person.number_of).sealed)
    id_digest = factory.LazyAttribute(lambda person: _sealed(person.number_of).digest)
    id_hint = factory.LazyAttribute(lambda person: _sealed(person.number_of).hint)
    certificate_name = "注册测绘师"
    certificate_number = factory.Sequence(lambda n: f"P-{n:05d}")
    id_scan = factory.SelfAttribute("file")
    insurance = factory.SelfAttribute("file")
    certificate = factory.SelfAttribute("file")
    checked = True


class AgentFactory(DjangoModelFactory):
    """An authorised agent with the number of an invented person, `resident_id(number_of)`; papers by `file`."""

    class Meta:
        model = AuthorisedAgent

    class Params:
        number_of = factory.Sequence(lambda n: f"agent {n}")
        file = None

    agency = factory.SubFactory(AgencyFactory)
    full_name = factory.Sequence(lambda n: f"Agent {n}")
    id_kind = IdKind.RESIDENT
    id_sealed = factory.LazyAttribute(lambda person: _sealed(person.number_of).sealed)
    id_digest = factory.LazyAttribute(lambda person: _sealed(person.number_of).digest)
    id_hint = factory.LazyAttribute(lambda person: _sealed(person.number_of).hint)
    phone = "0792-7654321"
    id_scan = factory.SelfAttribute("file")
    insurance = factory.SelfAttribute("file")
    authority = factory.SelfAttribute("file")
    checked = True


def documented(agency: Agency, file: Upload, *, checked: bool = False) -> Agency:
    """Give the agency the documents every entry needs, all of them this file."""
    AgencyDocument.objects.bulk_create(
        AgencyDocument(agency=agency, kind=kind, file=file, checked=checked) for kind in AgencyDocument.Kind.values
    )
    return agency


def offers(agency: Agency, item: ServiceItem, **paper: Any) -> Qualification | None:
    """Let the agency list the item and meet its first requirement with a certificate; `paper` overrides fields."""
    entry = AgencyItemFactory(agency=agency, item=item)
    requirement = item.requirements.first()
    if requirement is None:
        return None
    qualification: Qualification = QualificationFactory(agency=agency, kind=requirement.kind, **paper)
    QualificationUse.objects.create(agency_item=entry, requirement=requirement, qualification=qualification)
    return qualification


def pdf(name: str = "certificate.pdf", title: str = "Certificate") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, scan(title), "application/pdf")


def entered_agency(
    *items: ServiceItem,
    at: datetime = MONDAY,
    until: AgencyState = AgencyState.ACTIVE,
    member: User | None = None,
    commitment: bool = False,
    practitioners: list[dict[str, Any]] | None = None,
    agents: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> Agency:
    """An agency that went through the real acts, with one certificate for each requirement that needs one."""
    organisation: Organisation = OrganisationFactory.build()
    papers = [
        {
            "kind": one.kind,
            "name": one.text[:60],
            "number": f"{one.item_id}-{one.pk}",
            "level": "乙级" if "乙级" in one.text else "",
            "valid_from": date(2024, 1, 1),
            "valid_until": date(2028, 12, 31),
            "practitioners_count": max(2, rules.minimum_people(one)),
            "requirements": [one.pk],
        }
        for item in items
        for one in item.requirements.all()
        if one.kind != Requirement.Kind.COMMITMENT
    ]
    return enter_agency(
        member=member or UserFactory(),
        organisation_fields={"name": organisation.name, "code": organisation.code},
        agency_fields={
            "origin": Agency.Origin.LOCAL,
            "legal_representative": "Li Ming",
            "address": "1 Station Road",
            "established_on": date(2015, 5, 4),
            "contact_name": "Wang Fang",
            "contact_phone": "0792-1234567",
            **fields,
        },
        items=[item.pk for item in items],
        qualifications=papers,
        at=at,
        checker=person_of(Organisation.Kind.OFFICE),
        until=until,
        commitment=commitment,
        practitioners=practitioners,
        agents=agents,
    )
