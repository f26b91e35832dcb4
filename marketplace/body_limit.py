"""No request is longer than REQUEST_MAX_BYTES. What is longer is neither kept on disk nor in memory, and told so.

A form whose files are too large is read whole, up to this limit, because what was typed stands between and after the
files (see `upload_handlers`). Beyond it the web server (`web_server`) keeps nothing of the body, the wrapper here gives
Django an empty one, and the middleware answers 413.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from .errors import DomainError

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

# Where our web server hands over a body it has spooled: a function that gives its pieces.
SPOOLED = "marketplace.spooled"


def declared_length(scope: Message) -> int:
    """The Content-Length of an ASGI request; 0 when it is missing or malformed."""
    found: bytes = dict(scope.get("headers", ())).get(b"content-length", b"")
    return int(found) if found.isdigit() and len(found) < 19 else 0


class BodyLimit:
    """ASGI wrapper: the application never receives more than REQUEST_MAX_BYTES; of a longer request it gets nothing."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self.application(scope, _Body(scope, receive).receive, send)


class _Body:
    """The body of one request, piece by piece; when it is over, only the disconnect remains to be received."""

    def __init__(self, scope: Message, receive: Receive) -> None:
        self._receive = receive
        self._received = 0
        self._over = False
        self._too_long = declared_length(scope) > settings.REQUEST_MAX_BYTES
        spooled: Callable[[], Iterator[bytes]] | None = scope.get(SPOOLED)
        self._pieces = spooled() if spooled is not None else None

    async def receive(self) -> Message:
        if self._over:
            return await self._disconnect()
        if self._too_long:
            return self._end()
        if self._pieces is not None:
            # Other requests and the live streams go on between the pieces.
            await asyncio.sleep(0)
            piece = next(self._pieces, None)
            return self._end() if piece is None else {"type": "http.request", "body": piece, "more_body": True}
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > settings.REQUEST_MAX_BYTES:
                return self._end()
            self._over = not message.get("more_body", False)
        return message

    def _end(self) -> Message:
        self._over = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _disconnect(self) -> Message:
        # What is left of the body is received and forgotten, so that the client comes to read the answer.
        while (message := await self._receive())["type"] == "http.request":
            pass
        return message


class TooLongRequests:
    """Middleware: 413 with a page that says the limit. The innermost one: the page needs language and person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) <= settings.REQUEST_MAX_BYTES:
            return self.get_response(request)
        sizes = {
            "limit": filesizeformat(settings.REQUEST_MAX_BYTES),
            "one": filesizeformat(settings.UPLOAD_MAX_BYTES),
        }
        error = DomainError(
            "request_too_long",
            _("What you sent is larger than {limit} altogether and was not read.").format(**sizes),
            remedy=_("Go back to the form, choose smaller files and send it again. One file may have {one}.").format(
                **sizes
            ),
        )
        return render(request, "marketplace/error.html", {"error": error}, status=413)
