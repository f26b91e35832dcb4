"""What an agency offers, and the papers that entitle it."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Substr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Requirement, ServiceItem, Upload

from .entry import Agency


class AgencyItem(models.Model):
    """A service the agency offers. Taken off the list it stays as a row, so that its history can be read."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="items")
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="agency_items")
    is_active = models.BooleanField(default=True)
    # The agency's sort_name, so that the directory pages through one service in order.
    sort_name = models.CharField(max_length=120, default="", editable=False)
    # The catalogue gives every item the code of its class as its first character.
    class_code = models.GeneratedField(
        expression=Substr("item", 1, 1), output_field=models.CharField(max_length=1), db_persist=True
    )

    class Meta:
        ordering = ["item"]
        constraints = [models.UniqueConstraint(fields=["agency", "item"], name="agency_item_once")]
        indexes = [
            models.Index(fields=["item", "sort_name", "agency", "is_active"], name="agency_item_by_name"),
            models.Index(fields=["class_code", "sort_name", "agency", "is_active"], name="agency_class_by_name"),
        ]

    def __str__(self) -> str:
        return str(self.item)


class Qualification(models.Model):
    """A licence, filing, rating, accreditation or a number of certified people, with the paper that proves it."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="qualifications")
    kind = models.CharField(pgettext_lazy("qualification", "kind"), max_length=16, choices=Requirement.Kind.choices)
    name = models.CharField(_("name of the certificate"), max_length=120)
    number = models.CharField(_("certificate number"), max_length=60)
    level = models.CharField(pgettext_lazy("qualification", "level"), max_length=20, blank=True)
    field_text = models.CharField(_("field or scope"), max_length=120, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    practitioners_count = models.PositiveSmallIntegerField(_("number of certified people"), default=0)
    certificate = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    # Set by the office's check. An unchecked paper entitles to nothing, unless it was promised on commitment.
    checked = models.BooleanField(default=False)
    committed = models.BooleanField(default=False)
    # The last reminder of its expiry: days before it (60, 30, 7), or 0 for the day it had expired.
    reminded_at_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="qualification_span_forward",
            ),
            models.UniqueConstraint(fields=["agency", "kind", "number"], name="qualification_number_once"),
        ]
        indexes = [
            models.Index(fields=["valid_until", "agency"], name="qualification_expiry"),
            models.Index(fields=["number"], name="qualification_number"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    def holds_on(self, day: date) -> bool:
        """Valid from its first to its last day, both included."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class QualificationUse(models.Model):
    """This certificate meets that requirement of that service."""

    agency_item = models.ForeignKey(AgencyItem, models.CASCADE, related_name="uses")
    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="+")
    qualification = models.ForeignKey(Qualification, models.CASCADE, related_name="uses")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agency_item", "requirement", "qualification"], name="qualification_use_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.qualification_id} → {self.requirement_id}"
