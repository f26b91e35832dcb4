"""How a form's fields become HTML: which shape, which class, which descriptions. Used by components/field.html."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

CLASSES = {
    "checkbox": "form-check-input",
    "choices": "form-check-input",
    "select": "form-select",
    "group": "form-select",
    "hidden": "",
}


def widget_kind(field: BoundField) -> str:
    """input, select, textarea, file, checkbox, choices (a set of them), group (several inputs) or hidden."""
    widget = field.field.widget
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, forms.SelectDateWidget | forms.MultiWidget):
        return "group"
    if isinstance(widget, forms.Select):
        return "select"
    if isinstance(widget, forms.FileInput):
        return "file"
    return "textarea" if isinstance(widget, forms.Textarea) else "input"


def render_widget(field: BoundField) -> SafeString:
    """The input alone. It names its hint and its error, so that a screen reader says them with the label."""
    kind = widget_kind(field)
    if kind == "hidden":
        return field.as_widget()
    given = str(field.field.widget.attrs.get("class", ""))
    css = f"{CLASSES.get(kind, 'form-control')} {given} {'is-invalid' if field.errors else ''}"
    # A placeholder vanishes while one types; examples belong into the hint.
    attributes: dict[str, Any] = {"class": " ".join(css.split()), "placeholder": False}
    described = []
    if field.help_text:
        described.append(f"{field.auto_id}_helptext")
    if field.errors:
        described.append(f"{field.auto_id}_error")
    if described and kind != "choices":
        attributes["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attributes)


def error_lines(form: forms.BaseForm) -> list[dict[str, str]]:
    """[{text, target}]: each error with the id of the input it is about, "" for errors of the whole form."""
    words = pgettext("field and what is wrong with it", "%(field)s: %(error)s")
    lines = [{"text": str(text), "target": ""} for text in form.non_field_errors()]
    for field in form:
        target = f"{field.auto_id}_0" if widget_kind(field) == "choices" else field.id_for_label or field.auto_id
        lines += [{"text": words % {"field": field.label, "error": text}, "target": target} for text in field.errors]
    return lines
