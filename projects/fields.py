"""Form fields that understand what people type: amounts, moments of Chinese time, several files at once."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from marketplace import uploads
from marketplace.errors import FieldErrors

MAX_FILES = 10


class AmountField(forms.Field):
    """Yuan above zero, at most two decimals; full-width digits, commas, spaces and a currency sign are understood."""

    def __init__(self, *, max_digits: int = 16, decimal_places: int = 2, **kwargs: Any) -> None:
        self.whole_digits = max_digits - decimal_places
        kwargs["widget"] = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        text = unicodedata.normalize("NFKC", str(value if value is not None else ""))
        text = re.sub(r"[\s¥元]", "", text).replace("−", "-").replace("、", ",")
        if not text:
            return None
        # A comma only between thousands: 12,86 is a slip of the pen and must not become 1286.
        if "," in text and re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", text):
            text = text.replace(",", "")
        if re.fullmatch(r"-[0-9]+(\.[0-9]*)?|-\.[0-9]+", text) or re.fullmatch(r"0+(\.0*)?", text):
            raise forms.ValidationError(_("The amount must be more than zero."), code="not_positive")
        if re.fullmatch(r"[0-9]+\.[0-9]{3,}", text):
            raise forms.ValidationError(_("An amount has at most two decimals, jiao and fen."), code="decimals")
        if not re.fullmatch(r"[0-9]+(\.[0-9]{1,2})?", text):
            raise forms.ValidationError(
                _("Write the amount in yuan with digits, for example 128600 or 128,600.50."), code="not_a_number"
            )
        if len(text.partition(".")[0].lstrip("0")) > self.whole_digits:
            raise forms.ValidationError(_("The amount is too large; check the number of zeros."), code="too_large")
        return Decimal(text)


class WhenInput(forms.DateTimeInput):
    """A moment of Chinese time in the browser's own picker; seconds are written only where there are some."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S" if value.second else "%Y-%m-%dT%H:%M")
        return super().format_value(value)


class WhenField(forms.DateTimeField):
    widget = WhenInput
    default_error_messages = {"invalid": _("Write date and time as 2026-03-20 17:30.")}

    def to_python(self, value: Any) -> datetime | None:
        text = unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else value
        return super().to_python(text)


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files, as a list. Each is checked for size and real type; each fault names its file."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        files: list[UploadedFile] = [one for one in data if one] if isinstance(data, list | tuple) else []
        faults: list[str] = []
        if len(files) > MAX_FILES:
            faults.append(str(_("At most {limit} files at once.")).format(limit=MAX_FILES))
        for file in files:
            try:
                uploads.check(file)
            except FieldErrors as error:
                faults += [f"{file.name}: {sentence}" for sentence in error.fields["file"]]
        if faults:
            raise forms.ValidationError([forms.ValidationError(fault) for fault in faults])
        return files
