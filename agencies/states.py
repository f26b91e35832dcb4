"""The states of an agency's registration, and their named sets."""

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


# The agency itself may still change its papers.
EDITABLE = (AgencyState.DRAFT, AgencyState.RETURNED)
# The entry and its log are open to everybody.
PUBLIC = (AgencyState.PUBLICITY, AgencyState.ACTIVE)
