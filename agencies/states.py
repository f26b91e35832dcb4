"""The states of an agency's registration and of the cases around it, and their named sets."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class AgencyState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("agency state", "being prepared")
    SUBMITTED = "submitted", pgettext_lazy("agency state", "form check running")
    RETURNED = "returned", pgettext_lazy("agency state", "returned for supplement")
    PUBLICITY = "publicity", pgettext_lazy("agency state", "in publicity")
    ACTIVE = "active", pgettext_lazy("agency state", "active")
    REFUSED = "refused", pgettext_lazy("agency state", "refused")
    COMMITTED = "committed", pgettext_lazy("agency state", "active on commitment, documents due")
    VERIFYING = "verifying", pgettext_lazy("agency state", "active on commitment, documents under check")
    SUSPENDED = "suspended", pgettext_lazy("agency state", "suspended")
    WITHDRAWN = "withdrawn", pgettext_lazy("agency state", "withdrawn")
    REMOVED = "removed", pgettext_lazy("agency state", "removed")


# The whole entry is in the agency's own hands: every part of it may be changed.
EDITABLE = (AgencyState.DRAFT, AgencyState.RETURNED)
# Certificates, documents and people may be supplied; the data it was entered with may not.
SUPPLYING = (*EDITABLE, AgencyState.COMMITTED)
# It may sign up for the services it is entitled to.
OPERATING = (AgencyState.ACTIVE, AgencyState.COMMITTED, AgencyState.VERIFYING)
# It has entered and has not left: penalties, the ledger and exit concern it.
ENTERED = (*OPERATING, AgencyState.SUSPENDED)
LEFT = (AgencyState.WITHDRAWN, AgencyState.REMOVED)
# What the directory shows; the entry and its log are open to everybody.
PUBLIC = (AgencyState.PUBLICITY, *ENTERED, *LEFT)


class ObjectionState(models.TextChoices):
    """An objection against an entry in publicity."""

    LODGED = "lodged", pgettext_lazy("objection state", "lodged")
    UPHELD = "upheld", pgettext_lazy("objection state", "upheld")
    DISMISSED = "dismissed", pgettext_lazy("objection state", "dismissed")


class ChangeState(models.TextChoices):
    """A change of what was checked."""

    DRAFT = "draft", pgettext_lazy("change state", "being prepared")
    SUBMITTED = "submitted", pgettext_lazy("change state", "under check")
    RETURNED = "returned", pgettext_lazy("change state", "returned for supplement")
    APPROVED = "approved", pgettext_lazy("change state", "in effect")
    REFUSED = "refused", pgettext_lazy("change state", "refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("change state", "withdrawn")


OPEN_CHANGES = (ChangeState.DRAFT, ChangeState.SUBMITTED, ChangeState.RETURNED)


class EntryState(models.TextChoices):
    """An entry of the credit ledger."""

    REPLY = "reply", pgettext_lazy("ledger state", "right of reply running")
    REPLIED = "replied", pgettext_lazy("ledger state", "reply under consideration")
    COUNTED = "counted", pgettext_lazy("ledger state", "counts")
    DROPPED = "dropped", pgettext_lazy("ledger state", "dropped after the reply")
    VOIDED = "voided", pgettext_lazy("ledger state", "struck out after an objection")
    REPAIRED = "repaired", pgettext_lazy("ledger state", "repaired")


class PetitionState(models.TextChoices):
    """An objection against a ledger entry, or an application for repair."""

    LODGED = "lodged", pgettext_lazy("petition state", "lodged")
    GRANTED = "granted", pgettext_lazy("petition state", "granted")
    REJECTED = "rejected", pgettext_lazy("petition state", "rejected")
