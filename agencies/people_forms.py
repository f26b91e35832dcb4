"""The forms of the people of an agency: practitioners and authorised agents."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from marketplace.errors import FieldErrors

from . import people_rules
from .forms import NUMBER_KNOWN, IdNumberField, PhoneField, add_errors, day_field
from .kept_files import FilesForm, file_field
from .models import Agency, AuthorisedAgent, IdKind, Practitioner


def _name(model: Any, field: str, *, help_text: Any = "") -> forms.CharField:
    shape = model._meta.get_field(field)
    return forms.CharField(
        label=capfirst(shape.verbose_name),
        max_length=shape.max_length,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PersonForm(FilesForm):
    """What is asked of everybody; `person` is changed, or None is added."""

    VALUES: ClassVar[tuple[str, ...]] = ()
    MODEL: ClassVar[Any] = None

    full_name = _name(Practitioner, "full_name", help_text=_("As on the identity document."))
    id_kind = forms.ChoiceField(label=_("Kind of identity document"), choices=IdKind.choices, initial=IdKind.RESIDENT)
    id_number = IdNumberField()

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        agency: Agency,
        on: date,
        person: Practitioner | AuthorisedAgent | None = None,
        **options: Any,
    ) -> None:
        if person is not None:
            options["initial"] = {name: getattr(person, name) for name in self.VALUES if name != "id_number"}
            options["present"] = {
                name: upload for name in self.FILES if (upload := getattr(person, name)) is not None
            } | dict(options.get("present") or {})
        super().__init__(data, files, **options)
        self.agency, self.on, self.person = agency, on, person
        if person is not None:
            self.fields["id_number"].help_text = NUMBER_KNOWN

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        known = set(self.errors)
        faults = people_rules.person_faults(self.agency, self.MODEL, self.values(), on=self.on, person=self.person)
        add_errors(self, FieldErrors({field: said for field, said in faults.items() if field not in known}))
        return cleaned

    def values(self) -> dict[str, Any]:
        """The cleaned data as the acts of people want them."""
        return {name: self.cleaned_data.get(name, None if name == "valid_until" else "") for name in self.VALUES}


class PractitionerForm(PersonForm):
    FILES = ("id_scan", "certificate", "insurance")
    VALUES = ("full_name", "id_kind", "id_number", "certificate_name", "certificate_number", "valid_until")
    MODEL = Practitioner

    certificate_name = _name(Practitioner, "certificate_name", help_text=_("As printed on it."))
    certificate_number = _name(Practitioner, "certificate_number")
    valid_until = day_field(
        _("Valid until"), required=False, help_text=_("The last day of validity; empty if it has no end.")
    )
    id_scan = file_field(_("Scan of the identity document"))
    certificate = file_field(_("Scan of the professional certificate"))
    insurance = file_field(_("Proof of social insurance"), help_text=_("The last three months, paid by this agency."))


class AgentForm(PersonForm):
    FILES = ("id_scan", "authority", "insurance")
    VALUES = ("full_name", "id_kind", "id_number", "phone", "email", "valid_until")
    MODEL = AuthorisedAgent

    phone = PhoneField(
        label=capfirst(AuthorisedAgent._meta.get_field("phone").verbose_name),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )
    email = forms.EmailField(
        label=capfirst(AuthorisedAgent._meta.get_field("email").verbose_name),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    valid_until = day_field(
        _("Authority valid until"), required=False, help_text=_("The last day; empty if it has no end.")
    )
    id_scan = file_field(_("Scan of the identity document"))
    authority = file_field(_("Letter of authority"), help_text=_("Signed and sealed by the agency."))
    insurance = file_field(_("Proof of social insurance"), help_text=_("The last three months, paid by this agency."))
