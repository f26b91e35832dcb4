"""The office's pages for lists of agencies: bringing one in, following it, taking all out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from marketplace import clock, parameters
from marketplace.errors import FieldErrors
from marketplace.paging import page_of
from marketplace.permissions import access

from . import export, imports, queries
from .forms import add_errors
from .models import DataImport
from .views import crumbs, form_page, person, status_of, today

Stage = DataImport.Stage
CHIPS = {
    Stage.WAITING: "neutral",
    Stage.CHECKING: "info",
    Stage.WRITING: "info",
    Stage.FAULTY: "bad",
    Stage.DONE: "ok",
}
# Seconds between two looks at a running import.
REFRESH = 3
FAULTS_SHOWN = 200


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("List of agencies"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def __init__(self, *args: Any, rows_max: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["file"].help_text = _("XLSX or CSV, at most {size} and {rows} rows.").format(
            size=filesizeformat(settings.UPLOAD_MAX_BYTES), rows=rows_max
        )


@access("office")
@form_page
def office_import(request: HttpRequest) -> HttpResponse:
    """GET: the form and the lists so far. POST file: a new one; its page shows how far it is."""
    limit = parameters.number("import.rows", today())
    posted = request.method == "POST"
    form = ImportForm(request.POST if posted else None, request.FILES if posted else None, rows_max=limit)
    if posted and form.is_valid():
        try:
            begun = imports.start_import(form.cleaned_data["file"], actor=person(request), at=clock.now())
        except FieldErrors as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("The list is taken in; its rows are being checked."))
            return redirect("office_import_page", pk=begun.pk)
    found = DataImport.objects.select_related("file", "started_by").defer("faults")
    page = page_of(found, key="started_at", query=request.GET, newest_first=True)
    context = {
        "form": form,
        "page": page,
        "rows": [_row(one) for one in page.rows],
        "breadcrumb": crumbs((_("My desk"), reverse("desk")), (_("Import agencies"), "")),
    }
    return render(request, "agencies/import.html", context, status=status_of(form))


def _row(one: DataImport) -> dict[str, Any]:
    return {
        "name": one.file.name,
        "url": reverse("office_import_page", args=[one.pk]),
        "at": one.started_at,
        "by": one.started_by.get_full_name(),
        "rows": one.rows,
        "chip": {"kind": CHIPS[Stage(one.stage)], "text": one.get_stage_display()},
    }


@access("office")
@require_safe
def office_import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the import is, and what came of it. Asks to be read again while it runs."""
    found = get_object_or_404(DataImport.objects.select_related("file", "started_by"), pk=pk)
    running = found.stage in imports.OPEN
    faults = found.faults if found.stage == Stage.FAULTY else []
    rows = len({one["row"] for one in faults})
    context = {
        "one": _row(found),
        "running": running,
        "rows_done": found.rows_done,
        "progress": _("{done} of {rows} rows checked").format(done=found.rows_done, rows=found.rows),
        "faulty": found.stage == Stage.FAULTY,
        "done": found.stage == Stage.DONE,
        "finished_at": found.finished_at,
        "summary": ngettext(
            "{count} fault in {rows} of {all} rows.", "{count} faults in {rows} of {all} rows.", len(faults)
        ).format(count=len(faults), rows=rows, all=found.rows),
        "columns": [
            {"label": _("Row")},
            {"label": _("Column")},
            {"label": _("Cell")},
            {"label": _("What is wrong")},
        ],
        "faults": [
            [one["row"] or "–", export.label_of(one["column"]) or "–", one["value"] or "–", one["sentence"]]
            for one in faults[:FAULTS_SHOWN]
        ],
        "shown": FAULTS_SHOWN if len(faults) > FAULTS_SHOWN else 0,
        "csv_url": reverse("import_faults", args=[pk]),
        "file_url": reverse("download", args=[found.file_id]),
        "breadcrumb": crumbs(
            (_("My desk"), reverse("desk")), (_("Import agencies"), reverse("office_import")), (found.file.name, "")
        ),
    }
    response = render(request, "agencies/import_page.html", context)
    if running:
        response["Refresh"] = str(REFRESH)
    return response


@access("office")
@require_safe
def import_faults(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(DataImport, pk=pk)
    return export.faults_file(f"import-{pk}-faults", found.faults)


@access("office")
@require_safe
def import_template(request: HttpRequest) -> HttpResponseBase:
    return export.template_file()


@access("office", "supervisor")
@require_safe
def agency_export(request: HttpRequest) -> HttpResponseBase:
    """GET ?format=xlsx|csv and the conditions of the directory: all agencies with their data, by name."""
    found = export.OfficeFilter(request.GET).narrow(queries.visible_to(person(request)))
    return export.agencies_file(found, "csv" if request.GET.get("format") == "csv" else "xlsx")
