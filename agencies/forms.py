"""The forms of entry. They read what was typed; the acts judge it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from marketplace.errors import FieldErrors
from marketplace.models import Organisation, Requirement, ServiceClass

from . import rules
from .kept_files import FilesForm, file_field
from .models import Agency, IdKind, Qualification

DAY_FORMATS = ["%Y-%m-%d", "%Y/%m/%d"]
DEFECT_PREFIX = "defect_"
# What rules.check_basic_data judges; the name and the code have rules of their own.
JUDGED = (
    "origin",
    "legal_representative",
    "legal_id_kind",
    "legal_id_number",
    "address",
    "established_on",
    "contact_name",
    "contact_phone",
    "contact_email",
    "introduction",
)
KINDS = [(value, label) for value, label in Requirement.Kind.choices if value != Requirement.Kind.COMMITMENT]


def add_errors(form: forms.Form, refusal: FieldErrors) -> None:
    """Show the sentences of a refused act beside their fields; what has no field goes above the form."""
    for field, sentences in refusal.fields.items():
        for sentence in sentences:
            form.add_error(field if field in form.fields else None, str(sentence))


def day_field(label: Any, *, required: bool = True, help_text: Any = "") -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(
        label=label, required=required, widget=widget, input_formats=DAY_FORMATS, help_text=help_text
    )


def _text(
    model: Any, name: str, label: Any, *, required: bool = True, help_text: Any = "", **attrs: str
) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=model._meta.get_field(name).max_length,
        help_text=help_text,
        widget=forms.TextInput(attrs=attrs),
    )


class PhoneField(forms.CharField):
    """A phone number; digits and hyphens typed full-width by a Chinese keyboard are understood."""

    def to_python(self, value: Any) -> str:
        return super().to_python(unicodedata.normalize("NFKC", value) if isinstance(value, str) else value) or ""


def _phone() -> forms.CharField:
    return PhoneField(
        label=rules.DEFECT_FIELDS["contact_phone"],
        max_length=Agency._meta.get_field("contact_phone").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )


def _email() -> forms.EmailField:
    return forms.EmailField(
        label=rules.DEFECT_FIELDS["contact_email"],
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


NUMBER_KNOWN = _("A number is entered and kept sealed; leave this empty to keep it.")


class _NumberInput(forms.TextInput):
    def use_required_attribute(self, initial: Any) -> bool:
        return False


class IdNumberField(forms.CharField):
    """The number of an identity document: never shown again, kept sealed. The acts and the list of gaps demand it,
    not the field: a number that is known stays when nothing is typed."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Number of the identity document"),
            max_length=40,
            help_text=_("Kept sealed; seen by the office's check only."),
            widget=_NumberInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
        )

    def validate(self, value: Any) -> None:
        return None


class BasicForm(forms.Form):
    """What both forms of basic data share: every fault is named at the first try, also beside an empty field."""

    def __init__(self, data: Any = None, files: Any = None, *, on: date, **options: Any) -> None:
        super().__init__(data, files, **options)
        self.on = on

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        basic = {name: value for name, value in cleaned.items() if name in JUDGED}
        add_errors(self, FieldErrors(rules.check_basic_data(basic, on=self.on)))
        return cleaned


class RegisterForm(BasicForm):
    """Who the agency is and whom to call; the rest follows on its entry page."""

    name = _text(
        Organisation,
        "name",
        rules.DEFECT_FIELDS["name"],
        help_text=_("As on the business licence."),
        autocomplete="organization",
    )
    # Longer than 18, so that a code typed in groups is understood.
    code = forms.CharField(
        label=_("Unified social credit code"),
        max_length=40,
        help_text=_("18 characters, from the business licence."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    origin = forms.ChoiceField(
        label=rules.DEFECT_FIELDS["origin"],
        choices=Agency.Origin.choices,
        widget=forms.RadioSelect,
        help_text=_("For statistics only: agencies from every place have the same rights."),
    )
    contact_name = _text(Agency, "contact_name", rules.DEFECT_FIELDS["contact_name"], autocomplete="name")
    contact_phone = _phone()
    contact_email = _email()

    # The typed code, when an organisation has it already.
    registered = ""

    def clean_code(self) -> str:
        code, faults = rules.check_credit_code(self.cleaned_data["code"])
        if faults:
            raise forms.ValidationError([str(fault) for fault in faults])
        if Organisation.objects.filter(code=code).exists():
            self.registered = code
            raise forms.ValidationError(_("{code} is registered already.").format(code=code))
        return code


class DocumentsForm(FilesForm):
    """The documents of every entry, beside the certificates of its services."""

    FILES = ("business_licence", "legal_id")

    business_licence = file_field(rules.DEFECT_FIELDS["document:business_licence"])
    legal_id = file_field(
        rules.DEFECT_FIELDS["document:legal_id"],
        help_text=_("Both sides; seen by the office and the supervisor only."),
    )


class BasicDataForm(BasicForm, DocumentsForm):
    """The basic data of an agency, without its identity, the credit code; and its documents."""

    name = _text(Organisation, "name", rules.DEFECT_FIELDS["name"], autocomplete="organization")
    origin = forms.ChoiceField(
        label=rules.DEFECT_FIELDS["origin"], choices=Agency.Origin.choices, widget=forms.RadioSelect
    )
    legal_representative = _text(
        Agency, "legal_representative", rules.DEFECT_FIELDS["legal_representative"], autocomplete="off"
    )
    legal_id_kind = forms.ChoiceField(
        label=_("Kind of identity document"),
        choices=IdKind.choices,
        initial=IdKind.RESIDENT,
    )
    legal_id_number = IdNumberField()
    address = _text(Agency, "address", rules.DEFECT_FIELDS["address"], autocomplete="street-address")
    established_on = day_field(rules.DEFECT_FIELDS["established_on"])
    contact_name = _text(
        Agency,
        "contact_name",
        rules.DEFECT_FIELDS["contact_name"],
        help_text=_("Name, phone and e-mail are seen by the office only."),
        autocomplete="name",
    )
    contact_phone = _phone()
    contact_email = _email()
    introduction = forms.CharField(
        label=rules.DEFECT_FIELDS["introduction"],
        required=False,
        max_length=2000,
        help_text=_("Shown on your public page, at most 2,000 characters."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    field_order = (
        "name",
        "origin",
        "address",
        "established_on",
        "business_licence",
        "legal_representative",
        "legal_id_kind",
        "legal_id_number",
        "legal_id",
    )

    @classmethod
    def of(cls, agency: Agency, data: Any = None, files: Any = None, *, on: date, **options: Any) -> BasicDataForm:
        initial = {name: getattr(agency, name) for name in JUDGED if name != "legal_id_number"}
        initial |= {"name": agency.name, "legal_id_kind": agency.legal_id_kind or IdKind.RESIDENT}
        form = cls(data, files, on=on, initial=initial, **options)
        if agency.legal_id_digest:
            form.fields["legal_id_number"].help_text = NUMBER_KNOWN
        return form


class ItemsForm(forms.Form):
    """The service items of the catalogue, by class, as boxes."""

    items = forms.MultipleChoiceField(
        label=_("Service items"), required=False, widget=forms.CheckboxSelectMultiple, error_messages={}
    )

    def __init__(self, data: Any, *, classes: Sequence[ServiceClass], chosen: Iterable[str]) -> None:
        super().__init__(data, initial={"items": list(chosen)})
        self.fields["items"].choices = [  # type: ignore[attr-defined]
            (str(group), [(item.code, f"{item.code} {item}") for item in group.items.all()]) for group in classes
        ]

    def groups(self) -> list[dict[str, Any]]:
        """The boxes by class: [{"name", "boxes", "chosen"}]."""
        found: list[dict[str, Any]] = []
        boxes = iter(self["items"])
        for name, members in self.fields["items"].choices:  # type: ignore[attr-defined]
            own = [next(boxes) for _member in members]
            found.append({"name": name, "boxes": own, "chosen": sum(bool(box.data["selected"]) for box in own)})
        return found


class QualificationForm(FilesForm):
    """One certificate, and which requirements of the agency's items it is to meet."""

    FILES = ("certificate",)

    kind = forms.ChoiceField(label=pgettext_lazy("qualification", "Kind of paper"), choices=KINDS)
    name = _text(
        Qualification, "name", _("Name of the certificate"), help_text=_("As printed on it."), autocomplete="off"
    )
    number = _text(Qualification, "number", _("Certificate number"), autocomplete="off")
    level = forms.ChoiceField(
        label=pgettext_lazy("qualification", "Level"),
        required=False,
        help_text=_("Only if the certificate names one."),
    )
    field_text = _text(Qualification, "field_text", _("Field or scope"), required=False, autocomplete="off")
    practitioners_count = forms.IntegerField(
        label=_("Number of certified people"),
        required=False,
        min_value=1,
        max_value=9999,
        help_text=_("Only where the requirement asks for a number of people."),
    )
    valid_from = day_field(_("Valid from"))
    valid_until = day_field(
        _("Valid until"), required=False, help_text=_("The last day of validity; empty if it has no end.")
    )
    requirements = forms.TypedMultipleChoiceField(
        label=_("Meets these requirements"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    certificate = file_field(_("Scan of the certificate"), help_text=_("Needed before the entry is submitted."))

    def __init__(
        self, data: Any = None, files: Any = None, *, asked: Sequence[Requirement], on: date, **options: Any
    ) -> None:
        super().__init__(data, files, **options)
        self.on = on
        levels = dict.fromkeys(level for one in asked for level in rules.accepted_levels(one))
        given = (options.get("initial") or {}).get("level")
        if given:
            levels.setdefault(given)
        self.fields["level"].choices = [("", "—"), *((level, level) for level in levels)]  # type: ignore[attr-defined]
        self.fields["requirements"].choices = [  # type: ignore[attr-defined]
            (one.pk, str(one.item) + pgettext("between label and text", ": ") + one.text) for one in asked
        ]
        if not levels:
            del self.fields["level"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        faults = rules.check_qualification(self.values(), on=self.on)
        known = set(self.errors)
        add_errors(self, FieldErrors({field: said for field, said in faults.items() if field not in known}))
        return cleaned

    def values(self) -> dict[str, Any]:
        """The cleaned data as certificates.Paper wants them."""
        cleaned = self.cleaned_data
        texts = {name: cleaned.get(name, "") for name in ("kind", "name", "number", "level", "field_text")}
        days = {name: cleaned.get(name) for name in ("valid_from", "valid_until")}
        return texts | days | {"practitioners_count": cleaned.get("practitioners_count") or 0}

    @staticmethod
    def initial_of(paper: Qualification) -> dict[str, Any]:
        simple = ("kind", "name", "number", "level", "field_text", "valid_from", "valid_until")
        return {name: getattr(paper, name) for name in simple} | {
            "practitioners_count": paper.practitioners_count or None,
            "requirements": [use.requirement_id for use in paper.uses.all()],
        }

    @staticmethod
    def initial_for(wanted: Requirement, asked: Iterable[Requirement]) -> dict[str, Any]:
        """A first guess for a certificate that is to meet `wanted`: also all others that ask for the same."""
        same = [one.pk for one in asked if (one.kind, one.text) == (wanted.kind, wanted.text)]
        return {
            "kind": wanted.kind,
            "requirements": same,
            "practitioners_count": rules.minimum_people(wanted) or None,
        }


class CommitmentForm(forms.Form):
    """The signature under the letter of commitment."""

    agree = forms.BooleanField(
        label=_("I have read the letter and sign it for the agency."),
        error_messages={"required": _("Tick the box to sign the letter.")},
    )


class PreCheckForm(forms.Form):
    """What the agency wants to know from the office before it submits."""

    question = forms.CharField(
        label=_("Your question"),
        required=False,
        max_length=1000,
        help_text=_("Leave it empty to have all papers looked at."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class RepresentedForm(forms.Form):
    """Who acts for the agency on the platform."""

    represented_by = forms.ChoiceField(
        label=_("Who acts for the agency"), choices=Agency.RepresentedBy.choices, widget=forms.RadioSelect
    )


class ObjectionForm(FilesForm):
    """An objection of anybody against an entry in publicity."""

    FILES = ("file",)

    text = forms.CharField(
        label=_("What is wrong with this entry"),
        max_length=4000,
        help_text=_("Name the facts, and the rule you think is broken; at most 4,000 characters."),
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    file = file_field(_("Evidence"), optional=True)


class DefectsForm(forms.Form):
    """One line for each entry of the case; what is filled in is a defect, and all are told at once."""

    def __init__(self, data: Any = None, *, fields: Iterable[tuple[str, Any]]) -> None:
        super().__init__(data)
        self.names: dict[str, str] = {}
        for field, label in fields:
            name = DEFECT_PREFIX + field.replace(":", "_")
            self.names[field] = name
            self.fields[name] = forms.CharField(
                label=label, required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 1})
            )

    def defects(self) -> list[dict[str, str]]:
        return [
            {"field": field, "sentence": self.cleaned_data[name]}
            for field, name in self.names.items()
            if self.cleaned_data.get(name)
        ]

    def line(self, field: str) -> forms.BoundField:
        return self[self.names[field]]


class RefusalForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason of the refusal"),
        max_length=1000,
        help_text=_("The agency reads it word by word."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
