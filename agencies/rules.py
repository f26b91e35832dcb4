"""Judgement about entries: what one lacks, what a certificate can meet, how a clock stands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength
from stdnum.exceptions import ValidationError as NumberError

from marketplace.catalogue import levels
from marketplace.errors import Text
from marketplace.models import Requirement
from marketplace.templatetags.ui import day_text

from .models import Agency, Qualification

Kind = Requirement.Kind
Errors = dict[str, list[Text]]
PHONE = re.compile(r"\+?[0-9][0-9 \-]{5,18}[0-9]")

# What a reviewer can find fault with, in the order of the case file. A single certificate is `qualification:<pk>`.
# The credit code is not among them: it is the identity of the case, a wrong one is a reason to refuse.
DEFECT_FIELDS = {
    "name": _("Name of the agency"),
    "origin": _("Place of registration"),
    "legal_representative": _("Legal representative"),
    "address": _("Registered address"),
    "established_on": _("Date of establishment"),
    "contact_name": _("Contact person"),
    "contact_phone": _("Contact phone"),
    "contact_email": _("Contact e-mail"),
    "introduction": _("Introduction"),
    "items": _("Service items"),
    "commitment": _("Letter of commitment"),
    "other": pgettext_lazy("defect", "Other"),
}
QUALIFICATION_DEFECT = re.compile(r"qualification:([0-9]+)")

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
    """Faults of the values that are given; what is still missing is asked at submission."""
    errors: Errors = {}
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


def entry_gaps(agency: Agency, *, on: date) -> list[Gap]:
    """Everything the entry lacks on that day, all at once (一次性告知); empty when it can be submitted.

    A constant number of queries, whatever the number of items.
    """
    gaps = [
        Gap(field, _("{label} is missing.").format(label=DEFECT_FIELDS[field]))
        for field in REQUIRED_DATA
        if not getattr(agency, field)
    ]
    items = list(
        agency.items.filter(is_active=True)
        .select_related("item")
        .prefetch_related("item__requirements", "uses__qualification")
        .order_by("item_id")
    )
    if not items:
        gaps.append(Gap("items", _("No service item is chosen.")))
    for entry in items:
        usable = {use.requirement_id for use in entry.uses.all() if _usable(use.qualification, on)}
        for group, requirements in mandatory_groups(entry.item.requirements.all()).items():
            if any(one.kind == Kind.COMMITMENT or one.pk in usable for one in requirements):
                continue
            wanted = pgettext_lazy("between alternatives", " or ").join(one.text for one in requirements)
            sentence = _("{item}: no valid certificate with its scan for “{requirement}”.")
            gaps.append(
                Gap(f"requirement:{entry.item_id}:{group}", sentence.format(item=entry.item, requirement=wanted))
            )
    if agency.commitment_signed_at is None:
        gaps.append(Gap("commitment", _("The letter of commitment is not signed.")))
    return gaps


def _usable(qualification: Qualification, on: date) -> bool:
    return qualification.certificate_id is not None and qualification.holds_on(on)


def mandatory_groups(requirements: Iterable[Requirement]) -> dict[int, list[Requirement]]:
    """Requirements by group, without the groups that hold nothing mandatory: a voluntary rating keeps nobody out."""
    groups: dict[int, list[Requirement]] = {}
    for one in requirements:
        groups.setdefault(one.group, []).append(one)
    return {number: group for number, group in groups.items() if any(one.is_mandatory for one in group)}


def known_defect_field(agency: Agency, field: str) -> bool:
    if found := QUALIFICATION_DEFECT.fullmatch(field):
        return agency.qualifications.filter(pk=int(found.group(1))).exists()
    return field in DEFECT_FIELDS


def fingerprints(agency: Agency) -> dict[str, str]:
    """What each part of the case looks like now, {defect field: SHA-256}: kept at a return, compared at the next."""
    parts: dict[str, Any] = {field: getattr(agency, field) for field in DEFECT_FIELDS if hasattr(Agency, field)}
    parts["name"] = agency.organisation.name
    parts["items"] = sorted(agency.items.filter(is_active=True).values_list("item", flat=True))
    parts["commitment"] = agency.commitment_signed_at
    for paper in agency.qualifications.all():
        values = [paper.kind, paper.name, paper.number, paper.level, paper.field_text, paper.practitioners_count]
        parts[f"qualification:{paper.pk}"] = [*values, paper.valid_from, paper.valid_until, paper.certificate_id]
    return {field: hashlib.sha256(repr(value).encode()).hexdigest() for field, value in parts.items()}
