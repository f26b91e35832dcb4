"""What all desk pages of selection begin with: the person and where he is."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace import accounts
from marketplace.errors import NotAllowed
from marketplace.models import User


def person(request: HttpRequest) -> User:
    """The person behind a page that demands a login."""
    user = accounts.current_user(request)
    if user is None:
        raise NotAllowed("login")
    return user


def crumbs(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """The context of components/breadcrumb.html below the desk; the last pair is the page itself, without address."""
    found = [(_("My desk"), reverse("desk")), *pairs]
    return [{"label": label, "url": url} for label, url in found]
