"""The forms of access: who is invited, and a claim with its proof. They read what was typed; the acts judge it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from . import access_grants
from .errors import FieldErrors
from .models import AccessClaim, Invitation, Membership, Organisation, Upload


def add_errors(form: forms.Form, refusal: FieldErrors) -> None:
    """Show the sentences of a refused act beside their fields; what has no field goes above the form."""
    for field, sentences in refusal.fields.items():
        for sentence in sentences:
            form.add_error(field if field in form.fields else None, str(sentence))


def role_words(organisation: Organisation, role: str) -> str:
    """A role as its organisation calls it."""
    words: dict[tuple[str, str], Any] = {
        (Organisation.Kind.AGENCY, Membership.Role.DELEGATE): _("Authorised agent: acts for the agency"),
        (Organisation.Kind.AGENCY, Membership.Role.MANAGER): _("Manager: also decides who acts for the agency"),
        (Organisation.Kind.OWNER, Membership.Role.DELEGATE): _("Delegate: sees and handles the own tasks only"),
        (Organisation.Kind.OWNER, Membership.Role.MANAGER): _("Manager: sees all tasks, decides who has access"),
    }
    return str(words.get((organisation.kind, role), role))


class InvitationForm(forms.Form):
    full_name = forms.CharField(
        label=_("Full name"),
        max_length=Invitation._meta.get_field("full_name").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("If there is an account with this address, it is told. You hand over the link yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)

    def __init__(self, data: Any = None, *, organisation: Organisation) -> None:
        roles = access_grants.INVITABLE[organisation.kind]
        super().__init__(data, initial={"role": roles[0]})
        self.fields["role"].choices = [(role, role_words(organisation, role)) for role in roles]  # type: ignore[attr-defined]


class ClaimForm(forms.Form):
    # Longer than 18, so that a code typed in groups is understood.
    code = forms.CharField(
        label=_("Unified social credit code"),
        max_length=40,
        help_text=_("Of the agency or owner that is registered already."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    text = forms.CharField(
        label=_("Why you act for it"),
        max_length=AccessClaim._meta.get_field("text").max_length,
        help_text=_("Your position, and what you know of the registration that exists."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    file = forms.FileField(
        label=_("Proof"), required=False, widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"})
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["file"].required = not self.data.get("kept")
        words = _(
            "Registration certificate and your letter of authority with its seal, in one file. PDF, PNG or JPEG, at most "
            "{limit}. Only the office and the supervisor can read it."
        )
        self.fields["file"].help_text = words.format(limit=filesizeformat(settings.UPLOAD_MAX_BYTES))

    def remember(self, proof: Upload) -> None:
        """A browser forgets the chosen file; the kept one goes along with the next try."""
        again: Any = self.data
        self.data = again = again.copy()
        again["kept"] = str(proof.pk)
        words = _("The file {file} is kept; you need not choose it again.")
        hint = self.fields["file"].help_text
        said = format_html(str(words), file=proof.name)
        self.fields["file"].help_text = format_html("{}<br><strong>{}</strong>", hint, said)


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=AccessClaim._meta.get_field("reason").max_length,
        help_text=_("Needed for a refusal; the claimant reads it word by word."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
