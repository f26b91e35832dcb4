"""The forms of the ledger and of leaving. They read what was typed; the acts judge it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .forms import DAY_FORMATS, day_field
from .models import CreditEntry, CreditPetition

FILE_HELP = _("PDF, PNG or JPEG.")


def _long(label: Any, *, limit: int, help_text: Any = "", rows: int = 5) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=limit, help_text=help_text, widget=forms.Textarea(attrs={"rows": rows})
    )


class DayForm(forms.Form):
    """GET ?on=YYYY-MM-DD: the day for which the score is computed."""

    on = forms.DateField(
        label=_("Score on the day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=DAY_FORMATS,
        error_messages={"invalid": _("Enter a day as YYYY-MM-DD.")},
    )


class ReplyForm(forms.Form):
    text = _long(
        _("Your reply"),
        limit=4000,
        help_text=_("Read by the office and the supervisor only. You can reply once; say everything."),
    )
    file = forms.FileField(label=_("Evidence"), required=False, help_text=FILE_HELP)


class PetitionForm(forms.Form):
    """An objection or an application for repair."""

    text = _long(_("Grounds"), limit=4000)
    file = forms.FileField(label=_("Evidence"), required=False, help_text=FILE_HELP)

    def __init__(self, data: Any = None, files: Any = None, *, kind: str) -> None:
        # Two of them stand on one page, so their fields have different names.
        super().__init__(data, files, prefix=kind)
        objection = kind == CreditPetition.Kind.OBJECTION
        self.fields["text"].help_text = (
            _("Say what is wrong with the entry. Read by the office and the supervisor only.")
            if objection
            else _("Say what was put right since. Read by the office and the supervisor only.")
        )


class WithdrawForm(forms.Form):
    reason = _long(_("Why the agency leaves"), limit=2000, help_text=_("Read by the office only."), rows=3)
    agree = forms.BooleanField(
        label=_("The agency leaves the marketplace now."),
        error_messages={"required": _("Tick the box to leave.")},
    )


class SearchForm(forms.Form):
    """GET ?agency=: the unified social credit code of the agency an entry is made about."""

    agency = forms.CharField(
        label=_("Unified social credit code of the agency"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )


class EntryForm(forms.Form):
    """An event that the office enters in the ledger."""

    rule = forms.ChoiceField(
        label=pgettext_lazy("credit", "Rule"), help_text=_("Points, how long they count, and what follows.")
    )
    summary = forms.CharField(
        label=_("What happened"),
        max_length=CreditEntry._meta.get_field("summary").max_length,
        help_text=_("One sentence; it is public. Name no natural person."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    happened_on = day_field(_("Day it happened"), help_text=_("The rule of this day holds."))
    link = forms.CharField(
        label=_("Address of the case"),
        required=False,
        max_length=CreditEntry._meta.get_field("link").max_length,
        help_text=_("For example /notices/… on this site."),
    )
    evidence = forms.FileField(
        label=_("Evidence"), required=False, help_text=_("PDF, PNG or JPEG. The agency can read it.")
    )
    # Made with the empty form, so that the same form sent twice is entered once.
    key = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def __init__(
        self, data: Any = None, files: Any = None, *, rules: Sequence[tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(data, files, **options)
        self.fields["rule"].choices = [("", "—"), *rules]  # type: ignore[attr-defined]


class VerdictForm(forms.Form):
    """The reason of a decision; which one it is says the button."""

    reason = _long(_("Reason of the decision"), limit=2000, help_text=_("The agency reads it word by word."), rows=4)
