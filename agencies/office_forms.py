"""The verdicts of the office as forms, beside the lines of defects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.errors import FieldErrors

from .forms import DefectsForm, add_errors

DISMISS, RETURN, REFUSE, UPHOLD = "dismiss", "return", "refuse", "uphold"


def add_defect_errors(form: DefectsForm, refusal: FieldErrors) -> None:
    """The act's sentences beside the lines they are about; what is about no line concerns the whole form."""
    lines = {field: name for field, name in form.names.items() if name in form.fields}
    add_errors(form, FieldErrors({lines.get(field, field): said for field, said in refusal.fields.items()}))


class FalseCommitmentForm(forms.Form):
    summary = forms.CharField(
        label=_("What of the commitment is not true"),
        max_length=200,
        help_text=_("One sentence. It is published with the ledger entry, so it names no natural person."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    evidence = forms.FileField(label=_("Evidence"), required=False)


class ObjectionDecisionForm(forms.Form):
    """`in_publicity`: an objection that is upheld stops the entry; afterwards it is only recorded."""

    decision = forms.ChoiceField(label=_("Decision"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        help_text=_("Who objected and the agency read it word by word."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, data: Any = None, *, in_publicity: bool) -> None:
        super().__init__(data)
        field = self.fields["decision"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = (
            [
                (DISMISS, _("Dismiss the objection; the publicity goes on")),
                (RETURN, _("Uphold it; the entry is returned for supplement")),
                (REFUSE, _("Uphold it; the entry is refused")),
            ]
            if in_publicity
            else [
                (DISMISS, _("Dismiss the objection")),
                (UPHOLD, _("Uphold it; a breach is entered in the ledger by its own act")),
            ]
        )

    def consequence(self) -> str:
        """What follows for the entry, in the words of the act: return, refuse or nothing."""
        decision: str = self.cleaned_data["decision"]
        return decision if decision in (RETURN, REFUSE) else ""
