"""/styleguide/: every component in all its states with fixed sample data, and the contrast of the colour tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from . import styleguide_samples as samples
from .contrast import BLOCKS, PAIRS, colours, ratio
from .permissions import access


class SampleForm(forms.Form):
    """A form of every kind of input; bound with wrong data it shows every kind of error."""

    title = forms.CharField(
        label=_("Name of the project"), help_text=_("As in the approval document, at most 60 characters.")
    )
    price = forms.DecimalField(label=_("Price limit in yuan"), min_value=0, required=False)
    item = forms.ChoiceField(label=_("Service item"), choices=[("", "—"), *samples.ITEMS])
    mode = forms.ChoiceField(label=_("Mode of selection"), choices=samples.MODES, widget=forms.RadioSelect)
    text = forms.CharField(label=_("Content of the service"), widget=forms.Textarea(attrs={"rows": 3}))
    file = forms.FileField(
        label=_("Approval document"), help_text=_("PDF or picture, at most 10 MB."), required=False
    )
    agree = forms.BooleanField(label=_("The entries agree with the documents"))


class SampleFilter(forms.Form):
    """What a list hides under "more conditions"."""

    origin = forms.ChoiceField(
        label=_("Origin"), choices=[("", "—"), ("local", "本市"), ("other", "市外")], required=False
    )
    since = forms.DateField(
        label=_("Published since"), widget=forms.DateInput(attrs={"type": "date"}), required=False
    )


def stylesheet() -> str:
    """The text of site.css as it is served from the sources."""
    path = finders.find("marketplace/site.css")
    if not isinstance(path, str):
        raise FileNotFoundError("marketplace/site.css")
    with open(path, encoding="utf-8") as file:
        return file.read()


def token_rows() -> list[dict[str, Any]]:
    """One row for each required pair: its ratio in the light and the dark theme."""
    css = stylesheet()
    values = {theme: colours(css, theme) for theme in BLOCKS}
    return [
        {
            "pair": pair,
            "themes": [
                {
                    "theme": theme,
                    "foreground": values[theme][pair.foreground],
                    "background": values[theme][pair.background],
                    "ratio": f"{ratio(values[theme][pair.foreground], values[theme][pair.background]):.1f}",
                }
                for theme in ("light", "dark")
            ],
        }
        for pair in PAIRS
    ]


@access("public")
def styleguide(request: HttpRequest) -> HttpResponse:
    """The page for those who build and those who check the pages."""
    context = samples.everything()
    context |= {
        "tokens": token_rows(),
        "form": SampleForm(),
        "filter_form": SampleFilter(prefix="filter"),
        "wrong_form": SampleForm({"title": "", "price": "-5", "item": "", "text": "x"}, prefix="wrong"),
    }
    return render(request, "marketplace/styleguide.html", context)
