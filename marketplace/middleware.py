"""Small middlewares: refusals become pages, every answer carries the content security policy, addresses are text."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

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


class WholeAddresses:
    """400 for an address with a NUL character: no name here has one, and PostgreSQL knows no such text."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponseBadRequest("400 Bad Request\n", content_type="text/plain")
        return self.get_response(request)


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
        back = request.headers.get("Referer", "")
        if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
            back = ""
        return render(request, "marketplace/error.html", {"error": error, "back": back}, status=error.status)
