"""A list of agencies that the office brings in: checked row by row in the background, then written whole or not at all.

A worker holds an import by its lease and saves how far it came. One that dies leaves it to the next, which begins the
check anew; what is wrong is written once, at the end of the check. The writing is one transaction that also marks the
import as done, so it happens once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from marketplace import accounts, clock, events, parameters, uploads
from marketplace.errors import FieldErrors, NotAllowed
from marketplace.models import Organisation, ServiceItem
from marketplace.models import User as Person
from marketplace.notifications import notify

from . import import_journal as journal
from . import import_sheet, spreadsheet
from .import_sheet import Entry, Fault
from .models import Agency, AgencyItem, DataImport

LEASE = timedelta(seconds=60)
# Rows between two savings of the progress, and codes asked for in one statement.
STEP = 50
ASKED = 500
Stage = DataImport.Stage
OPEN = (Stage.WAITING, Stage.CHECKING, Stage.WRITING)


class LeaseLost(Exception):
    """Another worker goes on with this import."""


def start_import(file: UploadedFile, *, actor: Person, at: datetime) -> DataImport:
    """Take a list in; a worker checks and writes it. Raises NotAllowed, and FieldErrors(file) when it is no such list."""
    office = accounts.organisation_of(actor, Organisation.Kind.OFFICE)
    if office is None:
        raise NotAllowed(verb="start_import")
    limit = parameters.number("import.rows", clock.local_date(at))
    sheet = spreadsheet.read(file, rows_max=limit)
    import_sheet.columns_of(sheet)
    with transaction.atomic():
        kept = uploads.store(file, organisation=office, actor=actor, at=at, accept=uploads.SPREADSHEETS)
        return DataImport.objects.create(file=kept, started_by=actor, started_at=at, rows=len(sheet.rows))


def run(now: datetime) -> int:
    """Background job: bring one waiting import to its end. Returns how many imports it finished."""
    found = claim(now)
    if found is None:
        return 0
    try:
        with override(settings.LANGUAGE_CODE):
            _work(found)
    except LeaseLost:
        return 0
    return 1


def claim(now: datetime) -> DataImport | None:
    """The oldest import nobody works on, leased to the caller."""
    with transaction.atomic():
        found = (
            DataImport.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now), stage__in=OPEN)
            .order_by("started_at", "pk")
            .first()
        )
        if found is not None:
            _save(found, now, stage=Stage.CHECKING, rows_done=0)
        return found


def _save(found: DataImport, at: datetime, **values: object) -> None:
    """Write the values and a new lease, if the lease is still ours. Raises LeaseLost."""
    lease = at + LEASE
    mine = DataImport.objects.filter(pk=found.pk, lease_until=found.lease_until)
    if not mine.update(lease_until=lease, **values):
        raise LeaseLost
    found.lease_until = lease
    for name, value in values.items():
        setattr(found, name, value)


def _work(found: DataImport) -> None:
    on = clock.local_date(found.started_at)
    try:
        with uploads.path_of(found.file).open("rb") as handle:
            sheet = spreadsheet.read_stored(
                handle, found.file.content_type, rows_max=parameters.number("import.rows", on)
            )
        places = import_sheet.columns_of(sheet)
    except (FieldErrors, FileNotFoundError) as error:
        said = error.fields["file"] if isinstance(error, FieldErrors) else [_("The file is gone.")]
        _end_faulty(found, [_fault(0, "", "", str(sentence)) for sentence in said])
        return
    lines = [(row, import_sheet.cells_of(row, places)) for row in sheet.rows]
    first_rows: dict[str, int] = {}
    for row, cells in lines:
        first_rows.setdefault(import_sheet.code_of(cells), row.number)
    items = set(ServiceItem.objects.filter(is_active=True).values_list("pk", flat=True))
    entries: list[Entry] = []
    faults: list[Fault] = []
    for start in range(0, len(lines), STEP):
        part = lines[start : start + STEP]
        registered = registered_among(import_sheet.code_of(cells) for _row, cells in part)
        for row, cells in part:
            entry, wrong = import_sheet.judge(
                row, cells, on=on, items=items, registered=registered, first_rows=first_rows
            )
            entries.append(entry)
            faults += wrong
        _save(found, clock.now(), rows_done=start + len(part))
    if faults:
        _end_faulty(found, faults)
    else:
        _write(found, entries)


def _fault(row: int, column: str, value: str, sentence: str) -> Fault:
    return {"row": row, "column": column, "value": value, "sentence": sentence}


def registered_among(codes: Iterable[str]) -> set[str]:
    """Which of these credit codes exist; one query for every 500."""
    wanted = sorted(set(codes))
    return {
        code
        for start in range(0, len(wanted), ASKED)
        for code in Organisation.objects.filter(code__in=wanted[start : start + ASKED]).values_list("code", flat=True)
    }


def _end_faulty(found: DataImport, faults: Sequence[Fault]) -> None:
    at = clock.now()
    with transaction.atomic():
        _save(found, at, stage=Stage.FAULTY, faults=list(faults), finished_at=at)
        _tell(found, journal.NOTE_FAULTY, len(faults), at)


def _write(found: DataImport, entries: Sequence[Entry]) -> None:
    """All entries in one transaction, with `done`. Codes that were registered meanwhile make the import faulty."""
    at = clock.now()
    _save(found, at, stage=Stage.WRITING)
    lease = found.lease_until
    try:
        with transaction.atomic():
            # The row stays locked until the end: whoever comes second finds the import done.
            _save(found, at, stage=Stage.DONE, finished_at=at)
            if registered_among(entry.code for entry in entries):
                raise IntegrityError("a code was registered since its row was checked")
            _create(found, entries, at)
            _tell(found, journal.NOTE_DONE, len(entries), at)
    except IntegrityError:
        # Nothing was written. Also when somebody registers a code in this very moment, and the database refuses ours.
        found.lease_until = lease
        taken = registered_among(entry.code for entry in entries)
        if not taken:
            raise
        sentence = str(_("This code is registered already."))
        _end_faulty(found, [_fault(one.row, "code", one.code, sentence) for one in entries if one.code in taken])


def _create(found: DataImport, entries: Sequence[Entry], at: datetime) -> None:
    """Drafts that the directory does not show: their names are indexed when they become public, some fifty rows each."""
    organisations = Organisation.objects.bulk_create(
        Organisation(kind=Organisation.Kind.AGENCY, name=entry.name, code=entry.code) for entry in entries
    )
    agencies = Agency.objects.bulk_create(
        Agency(
            organisation=organisation,
            sort_name=organisation.name,
            sort_code=organisation.code,
            registered_at=at,
            **entry.values,
        )
        for organisation, entry in zip(organisations, entries, strict=True)
    )
    AgencyItem.objects.bulk_create(
        AgencyItem(agency=agency, item_id=item, sort_name=agency.sort_name)
        for agency, entry in zip(agencies, entries, strict=True)
        for item in entry.items
    )
    hidden = ("legal_representative", "contact_name", "contact_phone", "contact_email")
    events.begin_many(
        journal.IMPORTED,
        (
            (
                agency.stream_name(),
                {
                    "code": entry.code,
                    "name": entry.name,
                    "origin": entry.values["origin"],
                    "items": entry.items,
                    "import": found.pk,
                },
                {key: entry.values[key] for key in hidden},
            )
            for agency, entry in zip(agencies, entries, strict=True)
        ),
        actor=found.started_by,
        at=at,
    )


def _tell(found: DataImport, kind: str, count: int, at: datetime) -> None:
    notify(
        [found.started_by],
        kind,
        {"file": found.file.name, "count": count},
        key=f"import:{found.pk}",
        at=at,
        link=reverse("office_import_page", args=[found.pk]),
    )
