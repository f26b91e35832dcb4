"""The filters of the agency directory; the same set serves the page and a later API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import ServiceClass, ServiceItem

from .models import Agency, AgencyItem
from .states import PUBLIC


class AgencyFilter(django_filters.FilterSet):
    """`q` in name or credit code; state, origin, class and item exactly. An unknown value is its field's error."""

    q = django_filters.CharFilter(method="search", label=_("Name or credit code"))
    state = django_filters.ChoiceFilter(
        choices=[(state.value, state.label) for state in PUBLIC],
        label=pgettext_lazy("agency", "State"),
        empty_label=_("all states"),
    )
    origin = django_filters.ChoiceFilter(
        choices=Agency.Origin.choices, label=_("Place of registration"), empty_label=_("all places")
    )
    service_class = django_filters.ModelChoiceFilter(
        queryset=ServiceClass.objects.all(), method="in_class", label=_("Service class"), empty_label=_("all classes")
    )
    item = django_filters.ModelChoiceFilter(
        queryset=ServiceItem.objects.all(), method="with_item", label=_("Service item"), empty_label=_("all items")
    )

    class Meta:
        model = Agency
        fields: list[str] = []

    def search(self, queryset: QuerySet[Agency], _name: str, value: str) -> QuerySet[Agency]:
        text = value.strip()
        return queryset.filter(Q(organisation__name__icontains=text) | Q(organisation__code__istartswith=text))

    def in_class(self, queryset: QuerySet[Agency], _name: str, value: ServiceClass) -> QuerySet[Agency]:
        return queryset.filter(self._offers(item__service_class=value))

    def with_item(self, queryset: QuerySet[Agency], _name: str, value: ServiceItem) -> QuerySet[Agency]:
        return queryset.filter(self._offers(item=value))

    def _offers(self, **conditions: Any) -> Exists:
        return Exists(AgencyItem.objects.filter(agency=OuterRef("pk"), is_active=True, **conditions))
