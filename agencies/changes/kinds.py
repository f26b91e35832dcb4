"""What each kind of change is about: its fields, its papers, what of it is public, and when it is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from marketplace.errors import Text
from marketplace.models import Requirement
from marketplace.templatetags.ui import day_text

from ..models import Agency, AuthorisedAgent, Change, IdKind, Practitioner, Qualification
from ..states import ENTERED, AgencyState

Kind = Change.Kind
DATES = frozenset({"valid_from", "valid_until"})
# The field of a change in which the number of an identity document is typed; it is kept sealed, never as a value.
NUMBER = {
    Kind.LEGAL_REPRESENTATIVE: "legal_id_number",
    Kind.PRACTITIONER_ADD: "id_number",
    Kind.AGENT_ADD: "id_number",
}
ID_KIND = {
    Kind.LEGAL_REPRESENTATIVE: "legal_id_kind",
    Kind.PRACTITIONER_ADD: "id_kind",
    Kind.AGENT_ADD: "id_kind",
}
# Papers and people are supplied on the pages of the entry while documents are due; the data stay as they were signed.
PAPERS_OPEN = (AgencyState.ACTIVE, AgencyState.VERIFYING, AgencyState.SUSPENDED)


@dataclass(frozen=True)
class Spec:
    """`fields` in the order of form and comparison, `files` the papers it needs, `public` the fields everybody reads;
    `about` the model a change adds to, changes or takes from (None: the agency's own data)."""

    fields: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    about: type[Qualification] | type[Practitioner] | type[AuthorisedAgent] | None = None
    has_target: bool = False
    states: tuple[AgencyState, ...] = PAPERS_OPEN


_CERTIFICATE = (
    "kind",
    "name",
    "number",
    "level",
    "field_text",
    "practitioners_count",
    "valid_from",
    "valid_until",
    "requirements",
)
_PRACTITIONER = ("full_name", "id_kind", "id_number", "certificate_name", "certificate_number", "valid_until")
_AGENT = ("full_name", "id_kind", "id_number", "phone", "email", "valid_until")

SPECS: dict[Change.Kind, Spec] = {
    Kind.NAME: Spec(("name",), ("business_licence",), ("name",), states=ENTERED),
    Kind.LEGAL_REPRESENTATIVE: Spec(
        ("legal_representative", "legal_id_kind", "legal_id_number"), ("business_licence", "id_scan"), states=ENTERED
    ),
    Kind.ADDRESS: Spec(("address", "origin"), ("business_licence",), ("address", "origin"), states=ENTERED),
    Kind.QUALIFICATION_ADD: Spec(_CERTIFICATE, ("certificate",), _CERTIFICATE, Qualification),
    Kind.QUALIFICATION_UPDATE: Spec(_CERTIFICATE, ("certificate",), _CERTIFICATE, Qualification, has_target=True),
    Kind.QUALIFICATION_REMOVE: Spec((), (), _CERTIFICATE, Qualification, has_target=True),
    Kind.PRACTITIONER_ADD: Spec(
        _PRACTITIONER, ("id_scan", "insurance", "certificate"), ("certificate_name",), Practitioner
    ),
    Kind.PRACTITIONER_REMOVE: Spec((), (), ("certificate_name",), Practitioner, has_target=True),
    Kind.AGENT_ADD: Spec(_AGENT, ("id_scan", "insurance", "authority"), (), AuthorisedAgent),
    Kind.AGENT_REMOVE: Spec((), (), (), AuthorisedAgent, has_target=True),
}
# The fields of a certificate or person that leaves, for the comparison.
LEAVING: dict[Change.Kind, tuple[str, ...]] = {
    Kind.QUALIFICATION_REMOVE: _CERTIFICATE,
    Kind.PRACTITIONER_REMOVE: _PRACTITIONER,
    Kind.AGENT_REMOVE: _AGENT,
}

LABELS: dict[str, Text] = {
    "name": _("Name of the agency"),
    "legal_representative": _("Legal representative"),
    "legal_id_kind": _("Kind of identity document"),
    "legal_id_number": _("Number of the identity document"),
    "address": _("Registered address"),
    "origin": _("Place of registration"),
    "full_name": _("Full name"),
    "id_kind": _("Kind of identity document"),
    "id_number": _("Number of the identity document"),
    "certificate_name": _("Professional certificate"),
    "certificate_number": _("Certificate number"),
    "phone": _("Phone"),
    "email": _("E-mail"),
    "kind": pgettext_lazy("qualification", "Kind of paper"),
    "number": _("Certificate number"),
    "level": pgettext_lazy("qualification", "Level"),
    "field_text": _("Field or scope"),
    "practitioners_count": _("Number of certified people"),
    "valid_from": _("Valid from"),
    "valid_until": _("Valid until"),
    "requirements": _("Meets these requirements"),
    "business_licence": _("Business licence"),
    "id_scan": _("Scan of the identity document"),
    "insurance": _("Proof of three months of social insurance"),
    "certificate": _("Scan of the certificate"),
    "authority": _("Letter of authority"),
    "reason": _("Reason of the change"),
    "other": pgettext_lazy("defect", "Other"),
}


def label(kind: str, field: str) -> Text:
    """The label of a field, of a paper, or of a defect's place in a change of this kind."""
    if SPECS[Kind(kind)].about is Qualification and field == "name":
        return _("Name of the certificate")
    if SPECS[Kind(kind)].about is AuthorisedAgent and field == "valid_until":
        return _("Authority valid until")
    return LABELS[field]


def defect_fields(kind: str) -> list[str]:
    """What a reviewer can find fault with in a change of this kind."""
    spec = SPECS[Kind(kind)]
    return [*LEAVING.get(Kind(kind), spec.fields), *spec.files, "reason", "other"]


def shown(field: str, value: Any) -> str:
    """A stored value of a comparison as readers see it, in their language; empty for none."""
    if value is None or value == "" or value == []:
        return ""
    labels: Mapping[str, Any] = {
        "origin": dict(Agency.Origin.choices),
        "kind": dict(Requirement.Kind.choices),
        "id_kind": dict(IdKind.choices),
        "legal_id_kind": dict(IdKind.choices),
    }.get(field, {})
    if field in DATES:
        return day_text(date.fromisoformat(value))
    if isinstance(value, list):
        return pgettext("between sentences", "; ").join(value)
    if field == "practitioners_count" and value == 0:
        return ""
    return str(labels.get(value, value))


def public_rows(kind: str, difference: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What everybody may read of a comparison."""
    return [row for row in difference if row["field"] in SPECS[Kind(kind)].public]


def rows_in_words(kind: str, difference: list[dict[str, Any]]) -> list[dict[str, str]]:
    """A stored comparison for readers: [{"field", "label", "old", "new"}]."""
    return [
        {
            "field": row["field"],
            "label": str(label(kind, row["field"])),
            "old": shown(row["field"], row["old"]),
            "new": shown(row["field"], row["new"]),
        }
        for row in difference
    ]
