"""Named reads: who is eligible and why not, who may see which agency, the public directory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketplace import accounts
from marketplace.models import Organisation, Requirement, ServiceClass, ServiceItem, User
from marketplace.seek import Unindexed
from marketplace.templatetags.ui import day_text

from . import rules
from .models import Agency, AgencyItem, Qualification, QualificationUse
from .states import OPERATING, PUBLIC


def _holding(on: date, prefix: str = "") -> Q:
    """Certificates that were checked, or promised on commitment, and are valid on the day, its first and last day
    included."""
    return (
        (Q(**{f"{prefix}checked": True}) | Q(**{f"{prefix}committed": True}))
        & Q(**{f"{prefix}valid_from__lte": on})
        & (Q(**{f"{prefix}valid_until__isnull": True}) | Q(**{f"{prefix}valid_until__gte": on}))
    )


def eligible_agencies(item: ServiceItem, on: date) -> QuerySet[Agency]:
    """Active agencies that list the item and meet each of its mandatory requirement groups on the day. One query.

    A group is met by any of its requirements: by a commitment, or through a checked certificate valid on the day.
    Region and past performance are no conditions, and a voluntary rating is none.
    """
    listed = AgencyItem.objects.filter(agency=OuterRef("pk"), item=item, is_active=True)
    return meeting_requirements(item, on).filter(Exists(listed))


def meeting_requirements(item: ServiceItem, on: date) -> QuerySet[Agency]:
    """`eligible_agencies` but for the list of items. Its state chooses no index: whoever pages through it in an order
    of his own walks the index of that order."""
    met = _ways(on, agency=OuterRef(OuterRef(OuterRef("pk"))))
    unmet = Requirement.objects.filter(~Exists(met), item=item, is_mandatory=True)
    found = Agency.objects.alias(own_state=Unindexed(F("state")))
    return found.filter(~Exists(unmet), own_state__in=OPERATING, organisation__is_active=True)


def _ways(on: date, *, agency: Any) -> QuerySet[Requirement]:
    """Requirements of the outer requirement's group that are met: one is enough. To be used inside Exists."""
    # Searched by the agency, who has few certificates; all agencies together have very many for one requirement.
    certificates = QualificationUse.objects.alias(own_requirement=Unindexed(F("requirement"))).filter(
        _holding(on, "qualification__"),
        own_requirement=OuterRef("pk"),
        agency_item__agency=agency,
        agency_item__is_active=True,
    )
    return Requirement.objects.filter(item=OuterRef("item"), group=OuterRef("group")).filter(
        Q(kind=Requirement.Kind.COMMITMENT) | Exists(certificates)
    )


def fitting_items(agency: Agency, on: date) -> QuerySet[ServiceItem]:
    """The items the agency is eligible for on the day; none while it is not active."""
    if agency.state not in OPERATING or not agency.organisation.is_active:
        return ServiceItem.objects.none()
    unmet = Requirement.objects.filter(~Exists(_ways(on, agency=agency.pk)), item=OuterRef("pk"), is_mandatory=True)
    return ServiceItem.objects.filter(~Exists(unmet), agency_items__agency=agency, agency_items__is_active=True)


def is_eligible(agency: Agency, item: ServiceItem, on: date) -> bool:
    """One query."""
    return eligible_agencies(item, on).filter(pk=agency.pk).exists()


@dataclass(frozen=True)
class Check:
    """One condition of eligibility and how it stands, in the reader's language."""

    ok: bool
    text: str


def explain(agency: Agency, item: ServiceItem, on: date) -> list[Check]:
    """Why the agency may or may not take the item on that day: all checks are ok exactly when `is_eligible`.

    Three queries, whatever the number of requirements.
    """
    return explain_many(agency, [item], on)[item.pk]


def explain_many(agency: Agency, items: Collection[ServiceItem], on: date) -> dict[str, list[Check]]:
    """`explain` for several items, by item code; still three queries."""
    active = agency.state in OPERATING and agency.organisation.is_active
    standing = Check(
        active,
        _("The agency is active.")
        if active
        else _("The agency is not active: {state}.").format(state=agency.get_state_display()),
    )
    listed = set(agency.items.filter(item__in=items, is_active=True).values_list("item", flat=True))
    papers: dict[int, list[Qualification]] = {}
    uses = QualificationUse.objects.filter(agency_item__agency=agency, agency_item__item__in=listed)
    for use in uses.select_related("qualification"):
        papers.setdefault(use.requirement_id, []).append(use.qualification)
    asked: dict[str, list[Requirement]] = {}
    for requirement in Requirement.objects.filter(item__in=items):
        asked.setdefault(requirement.item_id, []).append(requirement)
    return {
        item.pk: [
            standing,
            _explain_listing(item, item.pk in listed),
            *(_explain_group(group, papers, on) for group in rules.mandatory_groups(asked.get(item.pk, ())).values()),
        ]
        for item in items
    }


def _explain_listing(item: ServiceItem, listed: bool) -> Check:
    words = _("{item} is among its services.") if listed else _("{item} is not among its services.")
    return Check(listed, words.format(item=item))


def _explain_group(group: list[Requirement], papers: dict[int, list[Qualification]], on: date) -> Check:
    wanted = pgettext("between alternatives", " or ").join(one.text for one in group)
    if any(one.kind == Requirement.Kind.COMMITMENT for one in group):
        return Check(True, _("{requirement}: met by the letter of commitment.").format(requirement=wanted))
    found = [paper for one in group for paper in papers.get(one.pk, [])]
    good = [paper for paper in found if (paper.checked or paper.committed) and paper.holds_on(on)]
    if good:
        # The one that lasts longest; without an end it lasts for ever.
        best = max(good, key=lambda paper: (paper.valid_until is None, paper.valid_until or on))
        return Check(True, _labelled(wanted, describe(best)))
    if not found:
        return Check(False, _("{requirement}: no certificate was entered.").format(requirement=wanted))
    faults = pgettext("between sentences", "; ").join(f"{describe(paper)} – {_fault(paper, on)}" for paper in found)
    return Check(False, _labelled(wanted, faults))


def _labelled(label: str, text: str) -> str:
    return label + pgettext("between label and text", ": ") + text


def _fault(paper: Qualification, on: date) -> str:
    if not (paper.checked or paper.committed):
        return _("not checked yet")
    return _("not yet valid") if on < paper.valid_from else _("expired")


def describe(paper: Qualification) -> str:
    """Name, number and validity of a certificate."""
    words = " ".join(part for part in (paper.name, paper.level, paper.number) if part)
    if paper.valid_until is None:
        return _("{certificate}, valid from {start} without end").format(
            certificate=words, start=day_text(paper.valid_from)
        )
    return _("{certificate}, valid until {end}").format(certificate=words, end=day_text(paper.valid_until))


# ---------- who sees what ----------


def visible_to(user: User | None) -> QuerySet[Agency]:
    """What the person may open: published entries are everybody's, the others are for their members, the office and
    the supervisor."""
    found = Agency.objects.all()
    if accounts.acts_as(user, Organisation.Kind.OFFICE) or accounts.acts_as(user, Organisation.Kind.SUPERVISOR):
        return found
    own = [m.organisation_id for m in accounts.memberships(user)]
    return found.filter(Q(state__in=PUBLIC) | Q(pk__in=own))


def sees_everything(user: User | None, agency: Agency) -> bool:
    """Contacts and scans: for the agency itself, the office and the supervisor."""
    return (
        accounts.belongs_to(user, agency.pk)
        or accounts.acts_as(user, Organisation.Kind.OFFICE)
        or accounts.acts_as(user, Organisation.Kind.SUPERVISOR)
    )


def own_agency(user: User | None) -> Agency | None:
    """The agency the person acts for."""
    organisation = accounts.organisation_of(user, Organisation.Kind.AGENCY)
    return Agency.objects.filter(pk=organisation.pk).first() if organisation else None


# ---------- lists ----------


def with_items(agencies: QuerySet[Agency]) -> QuerySet[Agency]:
    """Active items in one more query, as `listed`."""
    items = AgencyItem.objects.filter(is_active=True).select_related("item")
    return agencies.prefetch_related(Prefetch("items", items, to_attr="listed"))


def offered_items(agency: Agency) -> list[AgencyItem]:
    """The items on the agency's list with their requirements and the certificates held against them. Four queries."""
    return list(
        AgencyItem.objects.filter(agency=agency, is_active=True)
        .select_related("item__service_class")
        .prefetch_related("item__requirements", "uses__qualification")
    )


def papers_of(agency: Agency) -> list[Qualification]:
    """The agency's certificates with their scans and the items they serve. Two queries."""
    uses = QualificationUse.objects.select_related("agency_item__item").order_by("agency_item__item")
    return list(agency.qualifications.select_related("certificate").prefetch_related(Prefetch("uses", uses)))


def catalogue_classes() -> QuerySet[ServiceClass]:
    """Classes with their open items. Two queries."""
    return ServiceClass.objects.prefetch_related(Prefetch("items", ServiceItem.objects.filter(is_active=True)))


def asked_of(agency: Agency) -> list[Requirement]:
    """The requirements of the agency's items that a certificate can meet. One query."""
    return list(
        Requirement.objects.filter(item__agency_items__agency=agency, item__agency_items__is_active=True)
        .exclude(kind=Requirement.Kind.COMMITMENT)
        .select_related("item")
    )


def public_agencies() -> QuerySet[Agency]:
    """The directory, by name; narrowed by filters.AgencyFilter and paged by paging.page_of."""
    return Agency.objects.filter(state__in=PUBLIC, organisation__kind=Organisation.Kind.AGENCY).select_related(
        "organisation"
    )
