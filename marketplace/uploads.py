"""Files from outside: size and real type are checked, the name on disk is random, every download is asked for."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from . import accounts
from .errors import FieldErrors
from .models import Organisation, Upload, User
from .permissions import access

# The first bytes of the types we take; an extension or a declared type is only a claim.
SIGNATURES = {
    "application/pdf": (b"%PDF-", b"%%EOF"),
    "image/png": (b"\x89PNG\r\n\x1a\n", b"IEND"),
    "image/jpeg": (b"\xff\xd8\xff", b"\xff\xd9"),
}


def sniff(head: bytes, tail: bytes) -> str | None:
    """The real type by the bytes at both ends, or None when it is none that we take."""
    for content_type, (start, end) in SIGNATURES.items():
        if head.startswith(start) and end in tail:
            return content_type
    return None


def check(file: UploadedFile, field: str = "file") -> str:
    """The real content type. Raises FieldErrors for `field` when the file is empty, too large or not what it seems."""
    size = file.size or 0
    if size == 0:
        raise FieldErrors({field: [_("The file is empty.")]})
    if size > settings.UPLOAD_MAX_BYTES:
        limit = filesizeformat(settings.UPLOAD_MAX_BYTES)
        raise FieldErrors({field: [_("The file is larger than {limit}.").format(limit=limit)]})
    file.seek(0)
    head = file.read(1024)
    file.seek(max(0, size - 1024))
    content_type = sniff(head, file.read(1024))
    file.seek(0)
    if content_type is None:
        raise FieldErrors(
            {field: [_("Only PDF, PNG and JPEG files are accepted; this file is none of them inside.")]}
        )
    return content_type


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
) -> Upload:
    """Check and keep a file for an organisation. Raises FieldErrors."""
    content_type = check(file, field)
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
