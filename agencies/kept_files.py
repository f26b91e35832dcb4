"""Files of a form that came back: a browser forgets what was chosen, so a good file is kept while the rest is mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from marketplace import uploads
from marketplace.errors import FieldErrors
from marketplace.models import Organisation, Upload, User

from .actions import open_for_change
from .models import Agency

ACCEPT = ".pdf,.png,.jpg,.jpeg"
PREFIX = "kept_"


class _PaperInput(forms.FileInput):
    def use_required_attribute(self, initial: Any) -> bool:
        return False


class _Paper(forms.FileField):
    """A file that the entry needs, but not at once: it is not called optional, and nobody is held up by it."""

    def validate(self, value: Any) -> None:
        return None


def file_field(label: Any, *, optional: bool = False, help_text: Any = "") -> forms.FileField:
    """A scan; without `optional` the entry needs it in the end."""
    kind = forms.FileField if optional else _Paper
    widget = _PaperInput(attrs={"accept": ACCEPT})
    return kind(label=label, required=not optional, help_text=help_text, widget=widget)


class FilesForm(forms.Form):
    """A form whose files (`FILES`, names of its file fields) are checked, kept when the form comes back, and named.

    `present`: the files the case has already, by field.
    """

    FILES: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, data: Any = None, files: Any = None, *, present: Mapping[str, Upload] | None = None, **options: Any
    ) -> None:
        super().__init__(data, files, **options)
        limit = _("PDF, PNG or JPEG, at most {limit}.").format(limit=filesizeformat(settings.UPLOAD_MAX_BYTES))
        self.hints: dict[str, str] = {}
        for name in self.FILES:
            field = self.fields[name]
            field.help_text = self.hints[name] = f"{field.help_text} {limit}".strip()
            self.fields[PREFIX + name] = forms.CharField(required=False, widget=forms.HiddenInput)
        self.show_present(present or {})

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.FILES:
            if file := cleaned.get(name):
                try:
                    uploads.check(file, name)
                except FieldErrors as refusal:
                    for said in refusal.fields[name]:
                        self.add_error(name, str(said))
        return cleaned

    def files_and_kept(self) -> set[str]:
        """The names of the fields that are no values."""
        return {*self.FILES, *(PREFIX + name for name in self.FILES)}

    def good_files(self) -> dict[str, UploadedFile]:
        """The chosen files that have no fault of their own."""
        chosen = {name: self.files.get(name) for name in self.FILES if name not in self.errors}
        return {name: file for name, file in chosen.items() if isinstance(file, UploadedFile)}

    def remember(self, kept: Mapping[str, Upload]) -> None:
        """Show the kept files and send them along with the next try."""
        sent = QueryDict(mutable=True)
        sent.update(self.data)
        for name, upload in kept.items():
            if name not in self.fields:
                continue
            sent[self.add_prefix(PREFIX + name)] = str(upload.pk)
            self._say(name, _("The file {file} is kept; you need not choose it again."), upload.name)
        self.data = sent

    def show_present(self, present: Mapping[str, Upload]) -> None:
        """Name the files the case has, with a link to each."""
        for name in self.FILES:
            if name in self.fields and (upload := present.get(name)):
                link = format_html('<a href="{}">{}</a>', reverse("download", args=[upload.pk]), upload.name)
                self._say(name, _("Present file: {file}; it stays unless you choose another."), link)

    def _say(self, name: str, words: str, what: str) -> None:
        said = format_html(words, file=what)
        # The bound field, because one that was looked at before keeps the help it had.
        self[name].help_text = format_html("{}<br><strong>{}</strong>", self.hints[name], said)


def kept_of(data: Any, organisation: Organisation, names: Iterable[str], **owner: Any) -> dict[str, Upload]:
    """What earlier tries of the form left here, {field: Upload}; only the organisation's own files. At most one query."""
    wanted: dict[str, UUID] = {}
    for name in names:
        try:
            wanted[name] = UUID(data.get(PREFIX + name, ""))
        except ValueError:
            continue
    if not wanted:
        return {}
    found = Upload.objects.filter(organisation=organisation, **owner).in_bulk(wanted.values())
    return {name: found[pk] for name, pk in wanted.items() if pk in found}


@transaction.atomic
def keep(agency: Agency, files: Mapping[str, UploadedFile], *, actor: User | None, at: datetime) -> dict[str, Upload]:
    """Keep good files of a form of the agency, {field: Upload}. Raises FieldErrors for the field of a bad one."""
    if not files:
        return {}
    row = open_for_change(agency, actor, supplying=True)
    return {
        name: uploads.store(file, organisation=row.organisation, actor=actor, at=at, field=name)
        for name, file in files.items()
    }


def keep_of_visitor(
    files: Mapping[str, UploadedFile], *, organisation: Organisation, actor: User, at: datetime
) -> dict[str, Upload]:
    """The same for a form that anybody fills in; `organisation` has it in its keeping."""
    return {
        name: uploads.store(file, organisation=organisation, actor=actor, at=at, field=name)
        for name, file in files.items()
    }


def keep_chosen(
    form: FilesForm, agency: Agency, kept: dict[str, Upload], *, actor: User | None, at: datetime
) -> dict[str, Upload]:
    """After a refused try: keep what was chosen well, show it and what was kept before."""
    try:
        kept = kept | keep(agency, form.good_files(), actor=actor, at=at)
    except FieldErrors as refusal:
        for name, sentences in refusal.fields.items():
            for said in sentences:
                form.add_error(name, str(said))
    form.remember(kept)
    return kept
