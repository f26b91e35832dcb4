"""What keeps an agency from leaving: the tasks it stands on the list of, and the awards it has not served yet."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.urls import reverse

from agencies.models import Agency, ServiceRecord

from .models import SelectionTask, SignUp, standing
from .states import TaskState

WAITING = (TaskState.PUBLISHED, TaskState.CLOSED)


def open_services(agency: Agency, at: datetime) -> list[dict[str, str]]:
    """[{"title", "url"}] of the tasks that wait for a selection with a valid sign-up of the agency, and of its awards
    whose service is not recorded as done (ServiceRecord `task:<code>`). One query."""
    signed_up = SignUp.objects.filter(standing(), task=OuterRef("pk"), agency=agency)
    done = ServiceRecord.objects.filter(agency=agency, source=Concat(Value("task:"), OuterRef("code")))
    won = Q(award_notice__winner=agency)
    tasks = SelectionTask.objects.filter(
        Q(Exists(signed_up), state__in=WAITING)
        | (won & Q(state=TaskState.AWARDED))
        | (won & Q(~Exists(done), state=TaskState.CONFIRMED))
    ).order_by("code")
    return [
        {"title": f"{code} {name}", "url": reverse("notice_detail", args=[code])}
        for code, name in tasks.values_list("code", "name")
    ]
