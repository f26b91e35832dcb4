"""The states of a selection task and of a live session, and their named sets."""

from django.db import models
from django.utils.translation import gettext_lazy as _


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
