"""The check page: the offline tool and its fingerprint, the platform's key, a check of an uploaded transcript."""

from __future__ import annotations

import hashlib
import threading
from functools import cache
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from marketplace import vault
from marketplace.permissions import access

from . import exclusions, verify
from .models import DrawResult
from .states import PUBLIC

TOOL = Path(__file__).with_name("verify.py")
MAX_BYTES = 20 * 1024 * 1024
RECENT = 10
# A check is seconds of pure computing; more at a time would slow the pages of everybody else.
_slots = threading.BoundedSemaphore(2)


@cache
def tool() -> bytes:
    """verify.py as it is downloaded: the file that this process itself checks with."""
    return TOOL.read_bytes()


class TranscriptForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Transcript of a draw"), help_text=gettext_lazy("A JSON file of at most 20 MB.")
    )

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(
                _("The file is larger than {limit}. Check it offline with the tool below.").format(
                    limit=filesizeformat(MAX_BYTES)
                )
            )
        return file


@access("public")
@require_http_methods(["GET", "HEAD", "POST"])
def verify_page(request: HttpRequest) -> HttpResponse:
    """How to check a draw without believing this site; POST a transcript to have it checked here."""
    form = TranscriptForm(request.POST, request.FILES) if request.method == "POST" else TranscriptForm()
    report: verify.Report | None = None
    name = ""
    if form.is_bound and form.is_valid():
        file = form.cleaned_data["file"]
        name = file.name
        if _slots.acquire(blocking=False):
            try:
                report = verify.check(file.read(), {settings.LOG_NAME: vault.log_public_key()})
            finally:
                _slots.release()
        else:
            form.add_error("file", _("Other files are being checked just now. Try again in a few seconds."))
    return render(request, "projects/portal/verify.html", _context(form, report, name))


def _context(form: TranscriptForm, report: verify.Report | None, name: str) -> dict[str, Any]:
    key = f"{settings.LOG_NAME}={vault.log_public_key()}"
    drawn = DrawResult.objects.filter(task__state__in=PUBLIC).select_related("task__owner").order_by("-at", "-pk")
    recent = [
        {
            "name": result.task.name,
            "owner": result.task.owner.name,
            "at": result.at,
            "url": reverse("notice_detail", args=[result.task.code]),
            "file": f"{result.task.draw_id}.json",
            "transcript_url": reverse("transcript", args=[result.task.code]),
        }
        for result in drawn[:RECENT]
    ]
    file_name = recent[0]["file"] if recent else "FILE.json"
    return {
        "form": form,
        "report": report,
        "file_name": name,
        "winners": [report.label(who) for who in report.winners] if report else [],
        "waitlist": [report.label(who) for who in report.waitlist] if report else [],
        "excluded": _excluded(report) if report else [],
        "lines": _lines(report) if report else [],
        "limits": _limits(report) if report and report.accepted else [],
        "tool_sha256": hashlib.sha256(tool()).hexdigest(),
        "log_key": key,
        "command": f"python3 verify.py {file_name} --log-key {key}",
        "recent": recent,
    }


# The tool speaks English and stays one file; the page says beside each of its lines what was checked.
CHECKED = {
    "file:": gettext_lazy("The file has the exact format; it holds nothing unknown."),
    "log:": gettext_lazy("The record bears the key of this platform."),
    "stream session:": gettext_lazy("Record of the session: no event is missing, inserted or altered."),
    "stream project:": gettext_lazy("Record of the task: no event is missing, inserted or altered."),
    "order:": gettext_lazy(
        "Notice, list, pot, seal and result follow in the lawful order, each bound to the one before."
    ),
    "roster:": gettext_lazy(
        "The list holds exactly the agencies that signed up, without those that withdrew or were excluded by a"
        " published decision."
    ),
    "time:": gettext_lazy("The pot was open and the seal was opened in the published times."),
    "attested:": gettext_lazy("The platform signed the record."),
    "notice:": gettext_lazy("The draw belongs to the published notice."),
    "secret:": gettext_lazy("The platform's own number is the one sealed before the sign-up."),
    "slow opening:": gettext_lazy("The proof of the slow computation holds."),
    "pot: signatures": gettext_lazy("Everybody who had to throw a number did, with a valid signature."),
    "pot:": gettext_lazy("The numbers in the pot are exactly those sealed."),
    "tickets:": gettext_lazy("All tickets were computed again; the ranking is right."),
    "award:": gettext_lazy("The award is the one drawn."),
    "short delay": gettext_lazy(
        "Demonstration: the slow computation is shortened and proves nothing against manipulation."
    ),
}


def _excluded(report: verify.Report) -> list[dict[str, str]]:
    """Who was on no list although it had signed up: [{"name", "why"}], the reasons in the reader's language."""
    between = pgettext("between sentences", "; ")
    return [
        {"name": report.label(who), "why": between.join(exclusions.words(code) for code in codes)}
        for who, codes in sorted(report.excluded.items())
    ]


def _lines(report: verify.Report) -> list[dict[str, Any]]:
    """What the tool said, in its order: [{"kind", "words", "said"}], the words in the reader's language."""
    said = [("ok", line) for line in report.checks] + [("warn", line) for line in report.warnings]
    lines = [
        {
            "kind": kind,
            "words": next((words for key, words in CHECKED.items() if line.startswith(key)), ""),
            "said": line,
        }
        for kind, line in said
    ]
    if not report.accepted:
        lines.append({"kind": "bad", "words": _("Here the check failed."), "said": report.reason})
    return lines


def _limits(report: verify.Report) -> list[str]:
    """What the tool cannot know, one sentence each; it prints them wrapped, the second line indented."""
    lines: list[str] = []
    for line in report.limits():
        if line.startswith(" ") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return lines


@access("public")
@require_safe
def verify_py(request: HttpRequest) -> HttpResponse:
    """GET /verify/verify.py: the tool itself."""
    response = HttpResponse(tool(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="verify.py"'
    response["Cache-Control"] = "public, max-age=300"
    return response
