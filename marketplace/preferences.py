"""How a visitor wants to see the pages: theme and larger text, in cookies; and what every page says of its host."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from . import accounts, installation, reading
from .models import Notification
from .permissions import access

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
CARE_COOKIE = "care"
COOKIE_SECONDS = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """auto, light or dark: the address says it first (a hall screen's `?theme=dark`), then the cookie."""
    wishes = (request.GET.get("theme"), request.COOKIES.get(THEME_COOKIE))
    return next((theme for theme in wishes if theme in THEMES), "auto")


def care_of(request: HttpRequest) -> bool:
    """True when the visitor chose the larger text."""
    return request.COOKIES.get(CARE_COOKIE) == "1"


@access("public")
@require_POST
def set_preferences(request: HttpRequest) -> HttpResponse:
    """Set `theme` and `care` as posted, and go back to `next` if that is a page of this site."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = reverse("home")
    response = HttpResponseRedirect(target)
    theme, care = request.POST.get("theme"), request.POST.get("care")
    if theme in THEMES:
        _keep(response, THEME_COOKIE, theme)
    if care in {"0", "1"}:
        _keep(response, CARE_COOKIE, care)
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    secure = bool(settings.SESSION_COOKIE_SECURE)
    response.set_cookie(name, value, max_age=COOKIE_SECONDS, samesite="Lax", secure=secure, httponly=True)


def preferences(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: theme, care, demo, who hosts the site, the person's memberships and unread messages."""
    user = accounts.current_user(request) if hasattr(request, "user") else None
    demo = installation.is_demo()
    chinese = (get_language() or "").startswith("zh")
    return {
        "theme": theme_of(request),
        "care": care_of(request),
        "demo": demo,
        "demo_logins": [f"{name}  {zh if chinese else en}" for name, zh, en in installation.DEMO_LOGINS]
        if demo
        else [],
        "demo_password": installation.DEMO_PASSWORD if demo else "",
        "site_name": settings.SITE_NAME,
        "host_name": settings.SITE_HOST_NAME,
        "office_name": settings.SITE_OFFICE_NAME,
        "site_phone": settings.SITE_PHONE,
        "site_code": settings.SITE_CODE,
        "site_icp": settings.SITE_ICP,
        "memberships": accounts.memberships(user),
        "reading": reading.bar(request),
        "unread_messages": Notification.objects.filter(user=user, read_at=None).count() if user else 0,
    }
