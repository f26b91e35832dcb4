"""Judgement about people: what is wrong with somebody's data, and who may not be listed because he works elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace import identity
from marketplace.errors import Text
from marketplace.templatetags.ui import day_text

from .models import Agency, AuthorisedAgent, IdKind, Practitioner
from .rules import PHONE, Errors

Person = AuthorisedAgent | Practitioner
PersonModel = type[AuthorisedAgent] | type[Practitioner]

# Beside full_name, id_kind and id_number.
VALUES: dict[PersonModel, tuple[str, ...]] = {
    Practitioner: ("certificate_name", "certificate_number", "valid_until"),
    AuthorisedAgent: ("phone", "email", "valid_until"),
}
FILES: dict[PersonModel, tuple[str, ...]] = {
    Practitioner: ("id_scan", "certificate", "insurance"),
    AuthorisedAgent: ("id_scan", "authority", "insurance"),
}
NEEDED: dict[PersonModel, tuple[str, ...]] = {
    Practitioner: ("full_name", "certificate_name", "certificate_number"),
    AuthorisedAgent: ("full_name", "phone"),
}


def person_faults(
    agency: Agency, model: PersonModel, values: Mapping[str, Any], *, on: date, person: Person | None = None
) -> Errors:
    """Faults of somebody's data on the day they are entered; `person` is the one they change.

    `values`: full_name, id_kind, id_number and VALUES[model]; `id_number` empty leaves the number of `person` as it
    is. At most one query.
    """
    errors = data_faults(model, values, on=on, person=person)
    if values.get("id_number") and not {"id_kind", "id_number"} & errors.keys():
        digest = identity.digest(values["id_kind"], identity.check(values["id_kind"], values["id_number"])[0])
        if clash := clashes(agency, model, [digest], person=person).get(digest):
            errors["id_number"] = [clash]
    return errors


def data_faults(model: PersonModel, values: Mapping[str, Any], *, on: date, person: Person | None = None) -> Errors:
    """The part of `person_faults` that asks the database nothing."""
    errors: Errors = {field: [_("This entry is needed.")] for field in NEEDED[model] if not values.get(field)}
    kind, number = values.get("id_kind"), values.get("id_number")
    if kind not in IdKind.values:
        errors["id_kind"] = [_("Choose the kind of the document.")]
    elif number:
        if faults := identity.check(kind, number)[1]:
            errors["id_number"] = faults
    elif person is None:
        errors["id_number"] = [_("This entry is needed.")]
    elif kind != person.id_kind:
        errors["id_number"] = [_("Enter the number of the other document.")]
    valid_until = values.get("valid_until")
    if valid_until is not None and valid_until < on:
        expired = (
            _("This certificate expired on {day}; only valid ones can be entered.")
            if model is Practitioner
            else _("This authority ended on {day}; only a valid one can be entered.")
        )
        errors["valid_until"] = [expired.format(day=day_text(valid_until))]
    if (phone := values.get("phone")) and model is AuthorisedAgent and not PHONE.fullmatch(phone):
        errors["phone"] = [_("A phone number has 7 to 20 digits, spaces or hyphens.")]
    if (email := values.get("email")) and model is AuthorisedAgent:
        try:
            validate_email(email)
        except ValidationError:
            errors["email"] = [_("This is not an e-mail address.")]
    for field in ("full_name", *VALUES[model]):
        limit = getattr(model._meta.get_field(field), "max_length", None)
        if limit and len(values.get(field) or "") > limit:
            errors.setdefault(field, []).append(_("At most {limit} characters.").format(limit=limit))
    return errors


def clashes(
    agency: Agency, model: PersonModel, digests: Collection[str], *, person: Person | None = None
) -> dict[str, Text]:
    """{digest: why this person cannot be listed by the agency}; one query.

    A practitioner whom the office has checked at another agency, and whose departure that one has not reported, serves
    that one. Which one it is nobody learns here.
    """
    own = Q(agency=agency.pk, left_on__isnull=True)
    elsewhere = Q(checked=True, left_on__isnull=True) if model is Practitioner else Q(pk__in=())
    found = model._default_manager.filter(own | elsewhere, id_digest__in=digests)
    if person is not None:
        found = found.exclude(pk=person.pk)
    said: dict[str, Text] = {}
    for owner, digest in found.order_by().values_list("agency", "id_digest"):
        if owner == agency.pk:
            said[digest] = _("This person is entered already.")
        else:
            said.setdefault(
                digest,
                _(
                    "This person is registered as a practitioner of another agency; one practitioner serves one"
                    " agency. That agency reports the departure first, or you ask the office."
                ),
            )
    return said
