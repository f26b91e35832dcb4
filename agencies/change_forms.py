"""The forms of changes: one for each kind, put together from its fields and papers; and of what is changed at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from marketplace.errors import FieldErrors
from marketplace.models import Requirement, Upload

from . import rules
from .changes import kinds
from .changes.at_once import CONTACT
from .forms import DAY_FORMATS, KINDS, BasicDataForm, PhoneField, add_errors
from .kept_files import FilesForm, file_field
from .models import Agency, AuthorisedAgent, Change, IdKind, Practitioner, Qualification
from .rules import Errors

Kind = Change.Kind
Judge = Callable[[dict[str, Any]], Errors]
OPTIONAL = frozenset({"level", "field_text", "practitioners_count", "valid_until", "requirements", "email"})
HELP: dict[str, Any] = {
    "full_name": _("As on the identity document."),
    "certificate_name": _("As printed on it."),
    "valid_until": _("The last day of validity; empty if it has no end."),
    "level": _("Only if the certificate names one."),
    "practitioners_count": _("Only where the requirement asks for a number of people."),
    "insurance": _("The last three months, paid by this agency."),
    "authority": _("Signed and sealed by the agency."),
    "business_licence": _("The licence that shows the new entry."),
    "email": _("May be left empty."),
    "field_text": _("May be left empty."),
}
LENGTHS: dict[str, Any] = {
    "legal_representative": Agency,
    "address": Agency,
    "full_name": Practitioner,
    "certificate_name": Practitioner,
    "certificate_number": Practitioner,
    "number": Qualification,
    "field_text": Qualification,
}


def _field(kind: Change.Kind, name: str) -> forms.Field:
    common: dict[str, Any] = {
        "label": kinds.label(kind, name),
        "required": name not in OPTIONAL,
        "help_text": HELP.get(name, ""),
    }
    if name in kinds.DATES:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        return forms.DateField(widget=widget, input_formats=DAY_FORMATS, **common)
    if name in {"id_kind", "legal_id_kind"}:
        return forms.ChoiceField(choices=IdKind.choices, initial=IdKind.RESIDENT, **common)
    if name == "origin":
        return forms.ChoiceField(choices=Agency.Origin.choices, widget=forms.RadioSelect, **common)
    if name == "kind":
        return forms.ChoiceField(choices=KINDS, **common)
    if name == "level":
        return forms.ChoiceField(**common)
    if name == "requirements":
        return forms.TypedMultipleChoiceField(coerce=int, widget=forms.CheckboxSelectMultiple, **common)
    if name == "practitioners_count":
        return forms.IntegerField(min_value=1, max_value=9999, **common)
    if name == "phone":
        return PhoneField(
            max_length=AuthorisedAgent._meta.get_field("phone").max_length,
            widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
            **common,
        )
    if name == "email":
        return forms.EmailField(widget=forms.EmailInput(attrs={"autocomplete": "off"}), **common)
    attrs = {"autocomplete": "off"}
    if name in kinds.NUMBER.values():
        attrs |= {"spellcheck": "false", "class": "mono"}
    model = LENGTHS.get(name)
    limit = model._meta.get_field(name).max_length if model else 120
    return forms.CharField(max_length=limit, widget=forms.TextInput(attrs=attrs), **common)


class ChangeForm(FilesForm):
    """`judge` says everything that is wrong with the cleaned values, so that all faults are named at once."""

    KIND: Change.Kind

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        judge: Judge | None = None,
        asked: Sequence[Requirement] = (),
        number_known: bool = False,
        present: Mapping[str, Upload] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(data, files, present=present, **options)
        self.judge = judge
        if "requirements" in self.fields:
            self._offer(asked, (options.get("initial") or {}).get("level"))
        number = kinds.NUMBER.get(self.KIND)
        if number and number_known:
            self.fields[number].required = False
            self.fields[number].help_text = _("The number is kept; leave this empty unless it was wrong.")
        for name in self.FILES:
            # The act asks for a paper that is missing; nothing about it is optional for the reader.
            self.fields[name].required = False
        if "reason" in self.fields:
            self.fields["reason"].required = not self.FILES

    def _offer(self, asked: Sequence[Requirement], given: str | None) -> None:
        levels = dict.fromkeys(level for one in asked for level in rules.accepted_levels(one))
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
        known = set(self.errors)
        if self.judge is not None:
            faults = self.judge(self.values())
            add_errors(self, FieldErrors({name: said for name, said in faults.items() if name not in known}))
        return cleaned

    def values(self) -> dict[str, Any]:
        """The cleaned data as changes.propose_change wants them."""
        empty: dict[str, Any] = {"practitioners_count": 0, "requirements": []} | dict.fromkeys(kinds.DATES)
        found = {name: self.cleaned_data.get(name) for name in kinds.SPECS[self.KIND].fields}
        return {name: empty.get(name, "") if value is None else value for name, value in found.items()}


@cache
def form_of(kind: Change.Kind) -> type[ChangeForm]:
    """The form of one kind: its fields, its papers, the reason."""
    spec = kinds.SPECS[kind]
    parts: dict[str, Any] = {name: _field(kind, name) for name in spec.fields}
    parts |= {name: file_field(kinds.label(kind, name), help_text=HELP.get(name, "")) for name in spec.files}
    parts["reason"] = forms.CharField(
        label=_("Reason of the change"),
        required=False,
        max_length=Change._meta.get_field("reason").max_length,
        help_text=_("Read by the office; may be left empty where a paper says it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    return type("ChangeForm", (ChangeForm,), parts | {"FILES": spec.files, "KIND": kind, "__module__": __name__})


class ContactForm(forms.Form):
    """How to reach the agency and what it says of itself: no check, at once."""

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        for name in CONTACT:
            self.fields[name] = copy.deepcopy(BasicDataForm.base_fields[name])


class ChangeRefusalForm(forms.Form):
    reason = forms.CharField(
        label=pgettext_lazy("change", "Reason of the refusal"),
        max_length=1000,
        help_text=_("The agency reads it word by word."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
