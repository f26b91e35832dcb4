"""Judgement about owners' entries: what a value lacks, what an entry lacks, which code it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agencies.rules import PHONE, Errors
from marketplace.errors import Text
from marketplace.models import Organisation

from .models import OwnerEntry

Nature = Organisation.Nature
CONTACT = ("contact_name", "contact_phone", "contact_email")
# What was checked; once the owner is active it changes by a check only.
CHECKED = ("name", "legal_representative", "address")
FILES = {"registration": "registration_scan", "authority": "authority_scan"}

# What a reviewer can find fault with, in the order of the case file. The code is the identity of the case.
DEFECT_FIELDS = {
    "name": _("Name of the owner"),
    "nature": _("Kind of owner"),
    "legal_representative": _("Legal representative or person in charge"),
    "address": _("Address"),
    "contact_name": _("Contact person"),
    "contact_phone": _("Contact phone"),
    "contact_email": _("Contact e-mail"),
    "registration": _("Registration certificate"),
    "authority": _("Letter of authority"),
    "other": pgettext_lazy("defect", "Other"),
}
PERSON_LABELS = {"name": _("Full name"), "registration": _("Identity card")}
# A natural person acts for himself: nobody represents or authorises him.
NOT_OF_PERSONS = ("legal_representative", "authority")


@dataclass(frozen=True)
class Gap:
    """Something an entry lacks, by its defect field."""

    field: str
    sentence: Text


def labels(nature: str) -> dict[str, Text]:
    """The parts of an entry of this kind of owner, in order."""
    if nature != Nature.PERSON:
        return dict(DEFECT_FIELDS)
    return {
        field: PERSON_LABELS.get(field, label)
        for field, label in DEFECT_FIELDS.items()
        if field not in NOT_OF_PERSONS
    }


def check_values(values: Mapping[str, Any]) -> Errors:
    """Faults of the values that are given; what is still missing is asked at submission. A name is never empty."""
    errors: Errors = {}
    if "name" in values and not values["name"].strip():
        errors["name"] = [_("This entry is needed.")]
    if (phone := values.get("contact_phone")) and not PHONE.fullmatch(phone):
        errors["contact_phone"] = [_("A phone number has 7 to 20 digits, spaces or hyphens.")]
    if email := values.get("contact_email"):
        try:
            validate_email(email)
        except ValidationError:
            errors["contact_email"] = [_("This is not an e-mail address.")]
    for field, value in values.items():
        model: Any = Organisation if field == "name" else OwnerEntry
        limit = model._meta.get_field(field).max_length
        if limit and len(value) > limit:
            errors.setdefault(field, []).append(_("At most {limit} characters.").format(limit=limit))
    return errors


def needed(nature: str) -> tuple[str, ...]:
    """What an entry must have before it can be submitted."""
    if nature == Nature.PERSON:
        return ("contact_name", "contact_phone", "registration")
    return ("legal_representative", "address", "contact_name", "contact_phone", "registration", "authority")


def gaps(entry: OwnerEntry) -> list[Gap]:
    """Everything the entry lacks, all at once (一次性告知)."""
    nature = entry.organisation.nature
    names = labels(nature)
    missing = (field for field in needed(nature) if not value_of(entry, field))
    return [Gap(field, _("{label} is missing.").format(label=names[field])) for field in missing]


def value_of(entry: OwnerEntry, field: str) -> Any:
    """The value of a part of the entry; of a document its upload's key or None."""
    if field in FILES:
        return getattr(entry, f"{FILES[field]}_id")
    return getattr(entry.organisation if field in {"name", "nature"} else entry, field)


def person_code(digest: str) -> str:
    """The code of a natural person: found again by the number of his identity card, which it does not tell."""
    return f"P{digest[:17].upper()}"
