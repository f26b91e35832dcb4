"""Two small middlewares: refusals become pages, and every answer carries the content security policy."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from .errors import DomainError

GetResponse = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'; connect-src 'self' ws: wss:"
)


class ContentSecurityPolicy:
    """No script or style runs but our own files: a notice text can never become code in a viewer's page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class DomainErrors:
    """Turns a DomainError into a page, or into problem+json for a program."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        accept = request.headers.get("Accept", "")
        if "json" in accept and "text/html" not in accept:
            return JsonResponse(error.as_problem(), status=error.status, content_type="application/problem+json")
        return render(request, "marketplace/error.html", {"error": error}, status=error.status)
