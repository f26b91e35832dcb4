"""Daphne with bodies that stay on disk.

As it comes, the server holds each form that is sent several times in memory: Twisted parses it for itself, and Daphne
queues it whole. Here a body lies in one file without a name until the application reads it piece by piece, and what is
longer than REQUEST_MAX_BYTES is not even written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

from daphne import http_protocol
from daphne.cli import CommandLineInterface
from daphne.server import Server
from django.conf import settings

from .body_limit import SPOOLED

# Shorter bodies stay in memory, as Twisted has it.
IN_MEMORY = 100_000
PIECE = 64 * 1024


class Spool:
    """The body as Twisted writes it. Daphne reads nothing from it; the application takes its `pieces`."""

    def __init__(self, declared: int = 0) -> None:
        self.length = 0
        self.declared = declared
        self.closed = False
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the request

    @property
    def is_too_long(self) -> bool:
        return max(self.length, self.declared) > settings.REQUEST_MAX_BYTES

    def write(self, data: bytes) -> None:
        self.length += len(data)
        if not self.is_too_long:
            self._file.write(data)
        elif self._file.tell():
            self._file.seek(0)
            self._file.truncate()

    def pieces(self) -> Iterator[bytes]:
        self._file.seek(0)
        while not self.closed and (piece := self._file.read(PIECE)):
            yield piece

    def read(self, size: int = -1) -> bytes:
        return b""

    def seek(self, place: int, whence: int = 0) -> int:
        return 0

    def tell(self) -> int:
        return self.length

    def close(self) -> None:
        self.closed = True
        self._file.close()


class Request(http_protocol.WebRequest):
    def gotLength(self, length: int | None) -> None:
        # Twisted's own reading of forms, for an attribute nobody uses, is off.
        self._parsePOSTFormSubmission = False
        if length is None or length >= IN_MEMORY:
            self.content = Spool(length or 0)
        else:
            super().gotLength(length)

    def process(self) -> Any:
        if isinstance(self.content, Spool) and self.content.is_too_long:
            # Also when it came in pieces without a length: from here on everybody knows that it is too much.
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % self.content.length])
        return super().process()


class BoundedServer(Server):
    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        content = getattr(protocol, "content", None)
        if scope["type"] == "http" and isinstance(content, Spool):
            scope[SPOOLED] = content.pieces
        return super().create_application(protocol, scope)


class Interface(CommandLineInterface):
    server_class = BoundedServer


def run(host: str, port: int) -> None:
    """Serve HTTP and sockets until a signal."""
    # Daphne's factory has no place to say which request it makes.
    http_protocol.WebRequest = Request
    Interface().run(["-b", host, "-p", str(port), "-v", "0", "marketplace.asgi:application"])
