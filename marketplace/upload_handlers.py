"""A file beyond the limit is read to its end, so that nothing typed after it is lost, and kept no further."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class TooLargeFile(UploadedFile):
    """What is left of a file that was too large: its name and true size, and no content."""

    def __init__(self, name: str | None, content_type: str | None, size: int) -> None:
        empty: IO[Any] = BytesIO()
        super().__init__(empty, name, content_type, size)


class SizeLimit(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: the handlers after it never see more than UPLOAD_MAX_BYTES of one file.

    A larger one reaches its form as a TooLargeFile, which `uploads.check` refuses beside the field.
    """

    exceeded = False

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self.exceeded = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.exceeded = self.exceeded or start + len(raw_data) > settings.UPLOAD_MAX_BYTES
        return None if self.exceeded else raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if not self.exceeded:
            return None
        for handler in self.request.upload_handlers if self.request else ():
            # They are not asked for this file any more; what they have kept of it is let go.
            if (kept := getattr(handler, "file", None)) is not None:
                kept.close()
        return TooLargeFile(self.file_name, self.content_type, file_size)
