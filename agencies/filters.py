"""What the agency directory can be asked for; the same form serves the page and a later API."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from marketplace.models import ServiceClass, ServiceItem

from .directory import Conditions
from .models import Agency
from .states import PUBLIC

MOST_STARS = 5


def star_words(stars: int) -> str:
    return ngettext("{count} star", "{count} stars", stars).format(count=stars)


def _any(words: Any) -> tuple[str, Any]:
    return ("", words)


class AgencyFilter(forms.Form):
    """`q` in name or credit code; everything else exactly. An unknown value is its field's error and asks for nothing."""

    # Bound to the address: fields are optional and a phone's cache must not fill them.
    use_required_attribute = False

    q = forms.CharField(required=False, max_length=120, label=_("Name or credit code"))
    state = forms.ChoiceField(required=False, label=pgettext_lazy("agency", "State"))
    origin = forms.ChoiceField(required=False, label=_("Place of registration"))
    stars = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, label=pgettext_lazy("credit", "Stars")
    )
    way = forms.ChoiceField(required=False, label=_("Way of entry"))
    service_class = forms.ModelChoiceField(
        queryset=ServiceClass.objects.all(), required=False, label=_("Service class"), empty_label=_("all classes")
    )
    item = forms.ModelChoiceField(
        queryset=ServiceItem.objects.all(), required=False, label=_("Service item"), empty_label=_("all items")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[Any, Any]]] = {
            "state": [_any(_("all states")), *((state.value, state.label) for state in PUBLIC)],
            "origin": [_any(_("all places")), *Agency.Origin.choices],
            "stars": [_any(_("any stars")), *((count, star_words(count)) for count in range(MOST_STARS, 0, -1))],
            "way": [_any(_("both ways")), *Agency.Way.choices],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def conditions(self) -> Conditions:
        """What was asked for; what is in error is left out."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        return Conditions(
            text=given.get("q", "").strip(),
            state=given.get("state", ""),
            origin=given.get("origin", ""),
            stars=given.get("stars"),
            way=given.get("way", ""),
            service_class=given["service_class"].pk if "service_class" in given else "",
            item=given["item"].pk if "item" in given else "",
        )
