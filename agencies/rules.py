"""Judgement about entries: what one lacks, what a certificate can meet, how a clock stands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Exists, OuterRef
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength
from stdnum.exceptions import ValidationError as NumberError

from marketplace import identity
from marketplace.catalogue import levels
from marketplace.errors import Text
from marketplace.models import Requirement
from marketplace.templatetags.ui import day_text

from .models import Agency, AgencyDocument, AgencyItem, AuthorisedAgent, IdKind, Practitioner, Qualification

Kind = Requirement.Kind
Errors = dict[str, list[Text]]
PHONE = re.compile(r"\+?[0-9][0-9 \-]{5,18}[0-9]")

# What a reviewer can find fault with, in the order of the case file. A single certificate, agent or practitioner is
# `qualification:<pk>`, `agent:<pk>`, `practitioner:<pk>`. The credit code is not among them: it is the identity of the case, a wrong one is a reason to refuse.
DEFECT_FIELDS = {
    "name": _("Name of the agency"),
    "origin": _("Place of registration"),
    "legal_representative": _("Legal representative"),
    "legal_id_number": _("Identity number of the legal representative"),
    "address": _("Registered address"),
    "established_on": _("Date of establishment"),
    "contact_name": _("Contact person"),
    "contact_phone": _("Contact phone"),
    "contact_email": _("Contact e-mail"),
    "introduction": _("Introduction"),
    "represented_by": _("Who acts for the agency"),
    "document:business_licence": _("Business licence"),
    "document:legal_id": _("Identity document of the legal representative"),
    "items": _("Service items"),
    "agents": _("Authorised agents"),
    "practitioners": _("Practitioners"),
    "commitment": _("Letter of commitment"),
    "other": pgettext_lazy("defect", "Other"),
}
QUALIFICATION_DEFECT = re.compile(r"qualification:([0-9]+)")
PERSON_DEFECT = re.compile(r"(agent|practitioner):([0-9]+)")
# In `Agency.returned_facts`, beside the fingerprints: the fields the notice named, with spaces between.
NAMED = "named"

REQUIRED_DATA = ("legal_representative", "address", "established_on", "contact_name", "contact_phone")


@dataclass(frozen=True)
class Gap:
    """Something an entry lacks; `field` is a defect field or, for a certificate, `requirement:<item>:<group>`."""

    field: str
    sentence: Text


def check_credit_code(text: str) -> tuple[str, list[Text]]:
    """The code in its compact form and what is wrong with it (GB 32100-2015: length, characters, check digit)."""
    code = uscc.compact(text)
    try:
        uscc.validate(code)
    except InvalidLength:
        return code, [
            _("A unified social credit code has 18 characters; this one has {count}.").format(count=len(code))
        ]
    except InvalidChecksum:
        return code, [_("The check digit does not fit: at least one character is mistyped.")]
    except NumberError:
        return code, [_("A unified social credit code starts with 8 digits and never contains I, O, S, V or Z.")]
    return code, []


def check_basic_data(values: Mapping[str, Any], *, on: date) -> Errors:
    """Faults of the values that are given; what is still missing is asked at submission.

    Beside fields of the agency it knows `legal_id_number`, as typed, which is judged by `legal_id_kind`.
    """
    errors: Errors = {}
    if values.get("represented_by", Agency.RepresentedBy.LEGAL) not in Agency.RepresentedBy.values:
        errors["represented_by"] = [_("Choose who acts for the agency.")]
    if number := values.get("legal_id_number"):
        if (kind := values.get("legal_id_kind")) not in IdKind.values:
            errors["legal_id_kind"] = [_("Choose the kind of the document.")]
        elif faults := identity.check(kind, number)[1]:
            errors["legal_id_number"] = faults
    if values.get("origin", Agency.Origin.LOCAL) not in Agency.Origin.values:
        errors["origin"] = [_("Choose one of the places.")]
    if (phone := values.get("contact_phone")) and not PHONE.fullmatch(phone):
        errors["contact_phone"] = [_("A phone number has 7 to 20 digits, spaces or hyphens.")]
    if email := values.get("contact_email"):
        try:
            validate_email(email)
        except ValidationError:
            errors["contact_email"] = [_("This is not an e-mail address.")]
    if (established := values.get("established_on")) and established > on:
        errors["established_on"] = [_("The date of establishment lies in the future.")]
    for field, value in values.items():
        if field in {"legal_id_kind", "legal_id_number", "represented_by"}:
            continue
        limit = Agency._meta.get_field(field).max_length  # type: ignore[union-attr]
        if isinstance(value, str) and limit and len(value) > limit:
            errors.setdefault(field, []).append(_("At most {limit} characters.").format(limit=limit))
    return errors


def check_qualification(values: Mapping[str, Any], *, on: date) -> Errors:
    """Faults of a certificate's own data on the day it is entered."""
    errors: Errors = {}
    for field in ("name", "number"):
        if not values.get(field):
            errors[field] = [_("This entry is needed.")]
    if values.get("kind") not in {kind for kind in Kind.values if kind != Kind.COMMITMENT}:
        errors["kind"] = [_("Choose what kind of paper this is.")]
    valid_from, valid_until = values.get("valid_from"), values.get("valid_until")
    if valid_from is None:
        errors["valid_from"] = [_("This entry is needed.")]
    elif valid_until is not None and valid_until < valid_from:
        errors["valid_until"] = [_("The last day of validity lies before the first.")]
    if valid_until is not None and valid_until < on and "valid_until" not in errors:
        errors["valid_until"] = [
            _("This certificate expired on {day}; only valid ones can be entered.").format(day=day_text(valid_until))
        ]
    if values.get("kind") == Kind.PRACTITIONERS and not values.get("practitioners_count"):
        errors["practitioners_count"] = [_("Enter how many certified people work for the agency.")]
    for field in ("name", "number", "level", "field_text"):
        limit = Qualification._meta.get_field(field).max_length  # type: ignore[union-attr]
        if limit and len(values.get(field) or "") > limit:
            errors.setdefault(field, []).append(_("At most {limit} characters.").format(limit=limit))
    return errors


def minimum_people(requirement: Requirement) -> int:
    """How many certified people the requirement's text asks for (不少于 n 人); 0 when it names no number."""
    found = re.search(r"不少于\s*([0-9]+)\s*人", requirement.text)
    return int(found.group(1)) if found else 0


def accepted_levels(requirement: Requirement) -> list[str]:
    """The levels of the paper that the requirement's text accepts, best first; a range (一级至三级) is filled in.

    For certified people a level in the text is theirs, not the paper's.
    """
    if requirement.kind == Kind.PRACTITIONERS:
        return []
    named = list(dict.fromkeys(levels(requirement.text)))
    if len(named) == 2 and f"{named[0]}至{named[1]}" in requirement.text:
        for scale in ("甲乙丙丁", "一二三四"):
            first, last = scale.find(named[0][0]), scale.find(named[1][0])
            if 0 <= first < last:
                return [f"{step}{named[0][1:]}" for step in scale[first : last + 1]]
    return named


def cannot_meet(requirement: Requirement, *, kind: str, level: str, practitioners_count: int) -> Text | None:
    """Why a certificate of this kind, level and number of people does not meet the requirement, or None."""
    if requirement.kind != kind:
        return _("“{requirement}” asks for another kind of paper.").format(requirement=requirement.text)
    named = accepted_levels(requirement)
    # An unmarked 综合资质 has no level and stands above all of them; the reviewer sees the paper.
    if named and level and level not in named:
        return _("“{requirement}” does not accept the level {level}.").format(
            requirement=requirement.text, level=level
        )
    if named and not level and "综合资质" not in requirement.text:
        return _("“{requirement}” asks for a level.").format(requirement=requirement.text)
    if (least := minimum_people(requirement)) > practitioners_count:
        return _("“{requirement}” asks for at least {count} people.").format(
            requirement=requirement.text, count=least
        )
    return None


def entry_gaps(agency: Agency, *, on: date, scans: bool = True) -> list[Gap]:
    """Everything the entry lacks on that day, all at once (一次性告知); empty when it can be submitted.

    `scans=False` is entry on commitment: all data and people are demanded, but no document yet. A constant number of
    queries, whatever the number of items and people.
    """
    gaps = [
        Gap(field, _("{label} is missing.").format(label=DEFECT_FIELDS[field]))
        for field in REQUIRED_DATA
        if not getattr(agency, field)
    ]
    if not agency.legal_id_digest:
        gaps.append(Gap("legal_id_number", _("{label} is missing.").format(label=DEFECT_FIELDS["legal_id_number"])))
    if scans:
        given = set(agency.documents.values_list("kind", flat=True))
        for kind in AgencyDocument.Kind.values:
            if kind not in given:
                field = f"document:{kind}"
                gaps.append(Gap(field, _("{label}: the scan is missing.").format(label=DEFECT_FIELDS[field])))
    items = list(
        agency.items.filter(is_active=True)
        .select_related("item")
        .prefetch_related("item__requirements", "uses__qualification")
        .order_by("item_id")
    )
    if not items:
        gaps.append(Gap("items", _("No service item is chosen.")))
    wanting = (
        _("{item}: no valid certificate with its scan for “{requirement}”.")
        if scans
        else _("{item}: no valid certificate for “{requirement}”.")
    )
    for entry in items:
        usable = {use.requirement_id for use in entry.uses.all() if _usable(use.qualification, on, scans)}
        for group, requirements in mandatory_groups(entry.item.requirements.all()).items():
            if any(one.kind == Kind.COMMITMENT or one.pk in usable for one in requirements):
                continue
            wanted = pgettext_lazy("between alternatives", " or ").join(one.text for one in requirements)
            gaps.append(
                Gap(f"requirement:{entry.item_id}:{group}", wanting.format(item=entry.item, requirement=wanted))
            )
    gaps += _agent_gaps(agency, on, scans) + _practitioner_gaps(agency, people_needed(items), on, scans)
    if agency.commitment_signed_at is None:
        gaps.append(Gap("commitment", _("The letter of commitment is not signed.")))
    return gaps


def _usable(qualification: Qualification, on: date, scans: bool) -> bool:
    return (qualification.certificate_id is not None or not scans) and qualification.holds_on(on)


def people_needed(items: Iterable[AgencyItem]) -> int:
    """How many practitioners an entry for these items names: as many as a requirement demands, and as many as each
    certificate for people that is used says there are. The items come with requirements and uses."""
    counts = [0]
    for entry in items:
        papers = [use.qualification for use in entry.uses.all()]
        counts += [paper.practitioners_count for paper in papers if paper.kind == Kind.PRACTITIONERS]
        for group in mandatory_groups(entry.item.requirements.all()).values():
            if all(one.kind == Kind.PRACTITIONERS for one in group):
                counts.append(min(minimum_people(one) for one in group))
    return max(counts)


def _agent_gaps(agency: Agency, on: date, scans: bool) -> list[Gap]:
    agents = list(agency.agents.filter(left_on__isnull=True))
    gaps = []
    if agency.represented_by == Agency.RepresentedBy.AGENTS and not agents:
        gaps.append(Gap("agents", _("No authorised agent is entered.")))
    for agent in agents:
        papers = [
            (agent.id_scan_id, _("the identity document")),
            (agent.authority_id, _("the letter of authority")),
            (agent.insurance_id, _("the proof of social insurance")),
        ]
        gaps += _paper_gaps(f"agent:{agent.pk}", agent.full_name, papers if scans else [])
        if agent.valid_until is not None and agent.valid_until < on:
            sentence = _("{person}: the authority ended on {day}.")
            gaps.append(
                Gap(f"agent:{agent.pk}", sentence.format(person=agent.full_name, day=day_text(agent.valid_until)))
            )
    return gaps


def _practitioner_gaps(agency: Agency, needed: int, on: date, scans: bool) -> list[Gap]:
    people = listed_practitioners(agency)
    gaps = []
    if len(people) < needed:
        sentence = _("The certificates ask for {needed} practitioners; {count} are entered.")
        gaps.append(Gap("practitioners", sentence.format(needed=needed, count=len(people))))
    for one in people:
        field = f"practitioner:{one.pk}"
        papers = [
            (one.id_scan_id, _("the identity document")),
            (one.certificate_id, _("the certificate")),
            (one.insurance_id, _("the proof of social insurance")),
        ]
        gaps += _paper_gaps(field, one.full_name, papers if scans else [])
        if one.valid_until is not None and one.valid_until < on:
            sentence = _("{person}: the certificate expired on {day}.")
            gaps.append(Gap(field, sentence.format(person=one.full_name, day=day_text(one.valid_until))))
        if one.elsewhere:
            gaps.append(Gap(field, _("{person} works for another agency.").format(person=one.full_name)))
    return gaps


def _paper_gaps(field: str, person: str, papers: Iterable[tuple[Any, Text]]) -> list[Gap]:
    return [
        Gap(field, _("{person}: the scan of {paper} is missing.").format(person=person, paper=paper))
        for present, paper in papers
        if not present
    ]


def listed_practitioners(agency: Agency) -> list[Any]:
    """The practitioners who have not left, each with `elsewhere`: is this person checked at another agency, and has
    not left it? One query."""
    other = Practitioner.objects.filter(id_digest=OuterRef("id_digest"), checked=True, left_on__isnull=True)
    people = agency.practitioners.filter(left_on__isnull=True)
    return list(people.annotate(elsewhere=Exists(other.exclude(agency=agency.pk))))


def mandatory_groups(requirements: Iterable[Requirement]) -> dict[int, list[Requirement]]:
    """Requirements by group, without the groups that hold nothing mandatory: a voluntary rating keeps nobody out."""
    groups: dict[int, list[Requirement]] = {}
    for one in requirements:
        groups.setdefault(one.group, []).append(one)
    return {number: group for number, group in groups.items() if any(one.is_mandatory for one in group)}


def known_defect_field(agency: Agency, field: str) -> bool:
    if found := QUALIFICATION_DEFECT.fullmatch(field):
        return agency.qualifications.filter(pk=int(found.group(1))).exists()
    if found := PERSON_DEFECT.fullmatch(field):
        people = agency.agents if found.group(1) == "agent" else agency.practitioners
        return people.filter(pk=int(found.group(2)), left_on__isnull=True).exists()
    return field in DEFECT_FIELDS


def fingerprints(agency: Agency) -> dict[str, str]:
    """What each part of the case looks like now, {defect field: SHA-256}: kept at a return, compared at the next."""
    columns = {field.name for field in Agency._meta.concrete_fields}
    parts: dict[str, Any] = {field: getattr(agency, field) for field in DEFECT_FIELDS if field in columns}
    parts["name"] = agency.organisation.name
    parts["legal_id_number"] = [agency.legal_id_kind, agency.legal_id_digest]
    parts["items"] = sorted(agency.items.filter(is_active=True).values_list("item", flat=True))
    parts["commitment"] = agency.commitment_signed_at
    parts["other"] = ""
    files = dict(agency.documents.values_list("kind", "file"))
    parts |= {f"document:{kind}": files.get(kind) for kind in AgencyDocument.Kind.values}
    for paper in agency.qualifications.prefetch_related("uses"):
        values = [paper.kind, paper.name, paper.number, paper.level, paper.field_text, paper.practitioners_count]
        meets = sorted(use.requirement_id for use in paper.uses.all())
        dates = [paper.valid_from, paper.valid_until]
        parts[f"qualification:{paper.pk}"] = [*values, *dates, paper.certificate_id, meets]
    agents: list[AuthorisedAgent] = list(agency.agents.filter(left_on__isnull=True))
    for agent in agents:
        contact = [agent.phone, agent.email, agent.valid_until, agent.authority_id]
        parts[f"agent:{agent.pk}"] = [*_identity(agent), *contact]
    people = listed_practitioners(agency)
    for one in people:
        values = [one.certificate_name, one.certificate_number, one.valid_until, one.certificate_id, one.elsewhere]
        parts[f"practitioner:{one.pk}"] = [*_identity(one), *values]
    parts["agents"] = sorted(agent.id_digest for agent in agents)
    parts["practitioners"] = sorted(one.id_digest for one in people)
    return {field: hashlib.sha256(repr(value).encode()).hexdigest() for field, value in parts.items()}


def _identity(person: Practitioner | AuthorisedAgent) -> list[Any]:
    return [person.full_name, person.id_kind, person.id_digest, person.id_scan_id, person.insurance_id]


def notice_facts(agency: Agency, fields: Iterable[str]) -> dict[str, str]:
    """What is kept of a notice of the office: the fields it named, and what everything looked like."""
    return {**fingerprints(agency), NAMED: " ".join(sorted(set(fields)))}


def settled_fields(agency: Agency) -> set[str]:
    """What a further notice may not name: the last notice did not name it, and it has not changed since
    (一次性告知: all defects at once, one supplement round for each notice)."""
    before = agency.returned_facts
    if NAMED not in before:
        return set()
    now, named = fingerprints(agency), set(before[NAMED].split())
    return {field for field, seen in before.items() if now.get(field) == seen and field not in named}


def open_services(agency: Agency, at: datetime) -> list[dict[str, str]]:
    """What keeps the agency from leaving: [{"title", "url"}], asked of the apps above (settings.OPEN_SERVICES)."""
    return [row for path in settings.OPEN_SERVICES for row in import_string(path)(agency, at)]
