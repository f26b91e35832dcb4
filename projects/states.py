"""The states of a selection task and of a live session, and their named sets."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class TaskState(models.TextChoices):
    DRAFT = "draft", _("draft")
    SUBMITTED = "submitted", _("waiting for the check")
    RETURNED = "returned", _("returned for correction")
    CHECKED = "checked", _("waiting for publication")
    PUBLISHED = "published", _("open for sign-up")
    CLOSED = "closed", _("list closed, waiting for the live selection")
    AWARDED = "awarded", _("award in publicity")
    CONFIRMED = "confirmed", _("award confirmed")
    FAILED = "failed", _("failed")


class Quality(models.IntegerChoices):
    """The owner's grade of a service, 五级评价."""

    VERY_SATISFIED = 5, pgettext_lazy("grade of a service", "very satisfied")
    SATISFIED = 4, pgettext_lazy("grade of a service", "satisfied")
    FAIRLY_SATISFIED = 3, pgettext_lazy("grade of a service", "fairly satisfied")
    DISSATISFIED = 2, pgettext_lazy("grade of a service", "dissatisfied")
    VERY_DISSATISFIED = 1, pgettext_lazy("grade of a service", "very dissatisfied")


class SessionState(models.TextChoices):
    PLANNED = "planned", _("planned")
    OPENED = "opened", _("pot open")
    FROZEN = "frozen", _("sealed, slow opening")
    FINISHED = "finished", _("finished")
    ABANDONED = "abandoned", _("not held")


EDITABLE = (TaskState.DRAFT, TaskState.RETURNED)
# What the public sees: everything from publication on.
PUBLIC = (TaskState.PUBLISHED, TaskState.CLOSED, TaskState.AWARDED, TaskState.CONFIRMED, TaskState.FAILED)
WITH_AWARD = (TaskState.AWARDED, TaskState.CONFIRMED)
LIVE = (SessionState.OPENED, SessionState.FROZEN)


class OwnerState(models.TextChoices):
    """The entry of a project owner."""

    DRAFT = "draft", pgettext_lazy("owner state", "being prepared")
    SUBMITTED = "submitted", pgettext_lazy("owner state", "documents under check")
    RETURNED = "returned", pgettext_lazy("owner state", "returned for supplement")
    ACTIVE = "active", pgettext_lazy("owner state", "active")
    REFUSED = "refused", pgettext_lazy("owner state", "refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("owner state", "withdrawn")


OWNER_EDITABLE = (OwnerState.DRAFT, OwnerState.RETURNED)


class OwnerChangeState(models.TextChoices):
    """A change of what was checked of an owner."""

    SUBMITTED = "submitted", pgettext_lazy("change state", "under check")
    APPROVED = "approved", pgettext_lazy("change state", "in effect")
    REFUSED = "refused", pgettext_lazy("change state", "refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("change state", "withdrawn")
