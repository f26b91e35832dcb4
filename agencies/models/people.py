"""The people of an agency and the documents it is entered with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from marketplace.models import Upload, User

from .entry import Agency, IdKind


class AgencyDocument(models.Model):
    """One of the documents every entry needs, beside the certificates of its services."""

    class Kind(models.TextChoices):
        LICENCE = "business_licence", _("business licence")
        LEGAL_ID = "legal_id", _("identity document of the legal representative")

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    file = models.ForeignKey(Upload, models.PROTECT, related_name="+")
    checked = models.BooleanField(default=False)

    class Meta:
        ordering = ["kind"]
        constraints = [models.UniqueConstraint(fields=["agency", "kind"], name="agency_document_once")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Person(models.Model):
    """Somebody who works for an agency. The number of the identity document is sealed; its keyed digest finds the
    same person in another agency, and four characters of it show who is meant."""

    full_name = models.CharField(_("full name"), max_length=60)
    id_kind = models.CharField(
        _("kind of identity document"), max_length=8, choices=IdKind.choices, default=IdKind.RESIDENT
    )
    id_sealed = models.BinaryField(editable=False, default=b"")
    id_digest = models.CharField(max_length=64, editable=False, db_index=True)
    id_hint = models.CharField(max_length=4, editable=False)
    id_scan = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    insurance = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    # Set by the office's check; who is not checked is not published and holds nobody else up.
    checked = models.BooleanField(default=False)
    left_on = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.full_name


class AuthorisedAgent(Person):
    """业务授权人: acts for the agency on the platform by a letter of authority."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="agents")
    phone = models.CharField(_("phone"), max_length=30)
    email = models.EmailField(_("e-mail"), blank=True)
    authority = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")
    valid_until = models.DateField(_("authority valid until"), null=True, blank=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("authorised agent")
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "id_digest"], condition=Q(left_on__isnull=True), name="agent_once_in_agency"
            )
        ]


class Practitioner(Person):
    """执业人员: one practitioner serves one agency (against 挂靠, borrowed certificates)."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="practitioners")
    certificate_name = models.CharField(_("professional certificate"), max_length=120)
    certificate_number = models.CharField(_("certificate number"), max_length=60)
    valid_until = models.DateField(pgettext_lazy("certificate", "valid until"), null=True, blank=True)
    certificate = models.ForeignKey(Upload, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("practitioner")
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "id_digest"], condition=Q(left_on__isnull=True), name="practitioner_once_in_agency"
            ),
            models.UniqueConstraint(
                fields=["id_digest"],
                condition=Q(left_on__isnull=True, checked=True),
                name="practitioner_serves_one_agency",
            ),
        ]
        indexes = [models.Index(fields=["certificate_number"], name="practitioner_certificate")]
