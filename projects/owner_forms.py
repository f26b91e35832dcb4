"""The forms of an owner's entry. They read what was typed; the acts judge it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agencies.forms import PhoneField
from agencies.kept_files import FilesForm, file_field
from marketplace import identity
from marketplace.models import Organisation

from . import owner_rules as rules
from .models import OwnerEntry

Nature = Organisation.Nature


def _text(name: str, label: Any, *, model: Any = OwnerEntry, **options: Any) -> forms.CharField:
    attrs = {"autocomplete": options.pop("autocomplete", "off")}
    limit = model._meta.get_field(name).max_length
    return forms.CharField(label=label, max_length=limit, widget=forms.TextInput(attrs=attrs), **options)


def _phone(*, required: bool) -> forms.CharField:
    return PhoneField(
        label=rules.DEFECT_FIELDS["contact_phone"],
        max_length=OwnerEntry._meta.get_field("contact_phone").max_length,
        required=required,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )


def _email(label: Any = rules.DEFECT_FIELDS["contact_email"]) -> forms.EmailField:
    return forms.EmailField(
        label=label,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class RegisterForm(forms.Form):
    """Who the owner is and whom to call; the documents follow on the entry page."""

    nature = forms.ChoiceField(
        label=rules.DEFECT_FIELDS["nature"], choices=Nature.choices, initial=Nature.PUBLIC, widget=forms.RadioSelect
    )
    name = _text(
        "name",
        _("Name of the unit, or your own name"),
        model=Organisation,
        autocomplete="organization",
        help_text=_("As on the registration certificate or the identity card."),
    )
    # Longer than 18, so that a number typed in groups is understood.
    code = forms.CharField(
        label=_("Unified social credit code, of public bodies and enterprises"),
        required=False,
        max_length=40,
        help_text=_("18 characters, from the registration certificate or the business licence."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    id_number = forms.CharField(
        label=_("Number of the resident identity card, of natural persons"),
        required=False,
        max_length=40,
        help_text=_("Kept sealed; nobody sees it on a page."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    contact_name = _text("contact_name", rules.DEFECT_FIELDS["contact_name"], autocomplete="name")
    contact_phone = _phone(required=True)
    contact_email = _email(_("Contact e-mail (optional)"))

    def clean(self) -> dict[str, Any]:
        """Only the number that belongs to the kind of owner counts; the other one is passed over."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        person = cleaned.get("nature") == Nature.PERSON
        wanted = "id_number" if person else "code"
        if cleaned.get("nature") and wanted not in self.errors and not cleaned.get(wanted):
            self.add_error(wanted, _("This entry is needed."))
        elif person and (faults := identity.check(identity.RESIDENT, cleaned["id_number"])[1]):
            for fault in faults:
                self.add_error("id_number", str(fault))
        return cleaned


class DataForm(forms.Form):
    """The data of an entry; of an active owner its contact only."""

    name = _text("name", rules.DEFECT_FIELDS["name"], model=Organisation, autocomplete="organization")
    nature = forms.ChoiceField(
        label=rules.DEFECT_FIELDS["nature"],
        choices=[(value, label) for value, label in Nature.choices if value != Nature.PERSON],
        widget=forms.RadioSelect,
    )
    legal_representative = _text("legal_representative", rules.DEFECT_FIELDS["legal_representative"], required=False)
    address = _text("address", rules.DEFECT_FIELDS["address"], required=False, autocomplete="street-address")
    contact_name = _text(
        "contact_name",
        rules.DEFECT_FIELDS["contact_name"],
        required=False,
        autocomplete="name",
        help_text=_("Name, phone and e-mail are seen by the office only."),
    )
    contact_phone = _phone(required=False)
    contact_email = _email()

    def __init__(self, data: Any = None, *, entry: OwnerEntry, contact_only: bool) -> None:
        labels = rules.labels(entry.organisation.nature)
        initial = {name: rules.value_of(entry, name) for name in self.base_fields}
        super().__init__(data, initial=initial)
        person = entry.organisation.nature == Nature.PERSON
        for name in list(self.fields):
            left_out = name not in labels or (person and name == "nature")
            if left_out or (contact_only and name not in rules.CONTACT):
                del self.fields[name]
            else:
                self.fields[name].label = str(labels[name])


class PapersForm(FilesForm):
    """The documents; each one that is good is kept at once."""

    FILES = ("registration", "authority")

    registration = file_field(
        rules.DEFECT_FIELDS["registration"],
        help_text=_("Certificate with the unified social credit code, or the business licence."),
    )
    authority = file_field(
        rules.DEFECT_FIELDS["authority"],
        help_text=_("By which the unit lets you act for it here, with its seal."),
    )

    def __init__(self, data: Any = None, files: Any = None, *, entry: OwnerEntry) -> None:
        present = {name: getattr(entry, column) for name, column in rules.FILES.items()}
        super().__init__(data, files, present={name: file for name, file in present.items() if file})
        if entry.organisation.nature == Nature.PERSON:
            del self.fields["authority"]
            self.fields["registration"].label = rules.PERSON_LABELS["registration"]


class ChangeForm(FilesForm):
    """What was checked, as it is to be; the document that shows it."""

    FILES = ("file",)

    name = _text("name", rules.DEFECT_FIELDS["name"], model=Organisation, autocomplete="organization")
    legal_representative = _text("legal_representative", rules.DEFECT_FIELDS["legal_representative"])
    address = _text("address", rules.DEFECT_FIELDS["address"], required=False, autocomplete="street-address")
    file = file_field(
        _("Document that shows the change"),
        help_text=_("The new registration certificate, or the identity card of a natural person."),
    )

    def __init__(self, data: Any = None, files: Any = None, *, entry: OwnerEntry) -> None:
        super().__init__(data, files, initial={name: rules.value_of(entry, name) for name in rules.CHECKED})
        self.fields["file"].required = not self.data.get("kept_file")
        labels = rules.labels(entry.organisation.nature)
        for name in rules.CHECKED:
            if name not in labels:
                del self.fields[name]
            else:
                self.fields[name].label = str(labels[name])
                self.fields[name].required = name in ("name", *rules.needed(entry.organisation.nature))


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=pgettext_lazy("owner", "Reason of the refusal"),
        max_length=1000,
        help_text=_("The owner reads it word by word."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
