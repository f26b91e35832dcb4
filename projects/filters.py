"""The filters of the public notice lists; the same sets serve the page, the CSV file, the feed and a later API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.models import Organisation, ServiceClass, ServiceItem

from .models import Award, SelectionTask
from .states import PUBLIC, WITH_AWARD, TaskState


def owners_with_notices(_request: Any = None) -> QuerySet[Organisation]:
    tasks = SelectionTask.objects.filter(owner=OuterRef("pk"), state__in=PUBLIC)
    return Organisation.objects.filter(Exists(tasks), kind=Organisation.Kind.OWNER)


class NoticeFilter(django_filters.FilterSet):
    """`q` in name, number, owner and item; class, item, state, owner exactly. A wrong value is an error."""

    task_path = ""

    q = django_filters.CharFilter(method="search", label=_("Project, number, owner or service"))
    service_class = django_filters.ModelChoiceFilter(
        queryset=ServiceClass.objects.all(), method="exactly", label=_("Service class"), empty_label=_("all classes")
    )
    item = django_filters.ModelChoiceFilter(
        queryset=ServiceItem.objects.all(), method="exactly", label=_("Service item"), empty_label=_("all items")
    )
    owner = django_filters.ModelChoiceFilter(
        queryset=owners_with_notices, method="exactly", label=_("Project owner"), empty_label=_("all owners")
    )
    state = django_filters.ChoiceFilter(
        choices=[(state.value, state.label) for state in PUBLIC],
        method="exactly",
        label=_("State"),
        empty_label=_("all states"),
    )

    paths = {"service_class": "item__service_class", "item": "item", "owner": "owner", "state": "state"}

    class Meta:
        model = SelectionTask
        fields: list[str] = []

    def search(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        text, path = value.strip(), self.task_path
        found = Q()
        for field in ("name", "owner__name", "item__name_zh", "item__name_en"):
            found |= Q(**{f"{path}{field}__icontains": text})
        return queryset.filter(found | Q(**{f"{path}code__istartswith": text}))

    def exactly(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return queryset.filter(**{self.task_path + self.paths[name]: value})


class AwardFilter(NoticeFilter):
    """The same conditions over award notices."""

    task_path = "task__"

    state = django_filters.ChoiceFilter(
        choices=[(state.value, TaskState(state).label) for state in WITH_AWARD],
        method="exactly",
        label=_("State"),
        empty_label=_("all states"),
    )

    class Meta:
        model = Award
        fields: list[str] = []
