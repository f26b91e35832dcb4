"""Files from outside: size and real type are checked, the name on disk is random, every download is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum
from django.http import FileResponse, Http404, HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from . import accounts
from .errors import FieldErrors
from .models import Organisation, Upload, User
from .permissions import access
from .upload_handlers import TooLargeFile

# The first bytes of the types we take; an extension or a declared type is only a claim.
SIGNATURES = {
    "application/pdf": (b"%PDF-", b"%%EOF"),
    "image/png": (b"\x89PNG\r\n\x1a\n", b"IEND"),
    "image/jpeg": (b"\xff\xd8\xff", b"\xff\xd9"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK\x03\x04", b"PK\x05\x06"),
}
TEXT = "text/csv"
# What a form takes that names nothing else, and what an import takes.
PAPERS = ("application/pdf", "image/png", "image/jpeg")
SPREADSHEETS = ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", TEXT)
REFUSED = {
    PAPERS: _("Only PDF, PNG and JPEG files are accepted; this file is none of them inside."),
    SPREADSHEETS: _("Only XLSX and CSV files are accepted; this file is none of them inside."),
}
CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r")


def sniff(head: bytes, tail: bytes, accept: Collection[str] = PAPERS) -> str | None:
    """The real type by the bytes at both ends, or None when it is none of those that are accepted."""
    for content_type, (start, end) in SIGNATURES.items():
        if content_type in accept and head.startswith(start) and end in tail:
            return content_type
    # Text has no signature. It is what holds no control characters and starts like no other type.
    known = any(head.startswith(start) for start, _end in SIGNATURES.values())
    return TEXT if TEXT in accept and not known and CONTROLS.isdisjoint(head + tail) else None


def check(file: UploadedFile, field: str = "file", accept: tuple[str, ...] = PAPERS) -> str:
    """The real content type, one of `accept` (PAPERS or SPREADSHEETS).

    Raises FieldErrors for `field` when the file is empty, too large or not what it seems.
    """
    size = file.size or 0
    if size == 0:
        raise FieldErrors({field: [_("The file is empty.")]})
    if size > settings.UPLOAD_MAX_BYTES or isinstance(file, TooLargeFile):
        sizes = {"size": filesizeformat(size), "limit": filesizeformat(settings.UPLOAD_MAX_BYTES)}
        raise FieldErrors({field: [_("The file has {size}; at most {limit} are accepted.").format(**sizes)]})
    file.seek(0)
    head = file.read(1024)
    file.seek(max(0, size - 1024))
    content_type = sniff(head, file.read(1024), accept)
    file.seek(0)
    if content_type is None:
        raise FieldErrors({field: [REFUSED[accept]]})
    return content_type


def _demand_room(organisation: Organisation, size: int, field: str) -> None:
    """Refuse a file that the organisation has no room for. One query.

    Files that arrive in the same moment may each still find room; the quota keeps a disk from filling over the months.
    """
    stored: int = Upload.objects.filter(organisation=organisation).aggregate(total=Sum("size"))["total"] or 0
    if stored + size > settings.UPLOAD_QUOTA_BYTES:
        sizes = {"stored": filesizeformat(stored), "quota": filesizeformat(settings.UPLOAD_QUOTA_BYTES)}
        sentence = _("Your organisation has stored {stored} of its {quota}; this file does not fit any more.")
        raise FieldErrors({field: [sentence.format(**sizes)]})


def path_of(upload: Upload) -> Path:
    name = upload.pk.hex
    return Path(settings.UPLOADS_DIR) / name[:2] / name


def store(
    file: UploadedFile,
    *,
    organisation: Organisation,
    actor: User | None,
    at: datetime,
    is_public: bool = False,
    field: str = "file",
    accept: tuple[str, ...] = PAPERS,
) -> Upload:
    """Check and keep a file for an organisation, within its quota. Raises FieldErrors."""
    content_type = check(file, field, accept)
    _demand_room(organisation, file.size or 0, field)
    digest = hashlib.sha256()
    upload = Upload(
        organisation=organisation,
        uploaded_by=actor,
        name=Path(file.name or "file").name[:160],
        content_type=content_type,
        size=file.size or 0,
        is_public=is_public,
        created_at=at,
    )
    target = path_of(upload)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        for chunk in file.chunks():
            digest.update(chunk)
            out.write(chunk)
    upload.sha256 = digest.hexdigest()
    upload.save(force_insert=True)
    return upload


def may_read(user: User | None, upload: Upload) -> bool:
    """Public attachments are everybody's; the rest is for its organisation, the office and the supervisor."""
    return (
        upload.is_public
        or accounts.belongs_to(user, upload.organisation_id)
        or accounts.acts_as(user, "office")
        or accounts.acts_as(user, "supervisor")
    )


@access("public")
def download(request: HttpRequest, pk: str) -> FileResponse:
    """GET /files/<uuid>/: the file as an attachment; 404 for everybody who may not read it."""
    upload = Upload.objects.filter(pk=pk).first()
    if upload is None or not may_read(accounts.current_user(request), upload):
        raise Http404
    try:
        handle: BinaryIO = path_of(upload).open("rb")
    except FileNotFoundError as missing:
        raise Http404 from missing
    response = FileResponse(handle, as_attachment=True, filename=upload.name, content_type=upload.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    return response
