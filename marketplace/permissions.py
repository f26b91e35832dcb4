"""Access declarations: every view says who may come in; nothing is open by accident."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase

from . import accounts
from .errors import NotAllowed
from .models import Organisation

View = TypeVar("View", bound=Callable[..., Any])
LEVELS = {"public", "login", *Organisation.Kind.values}


def access(*levels: str) -> Callable[[View], View]:
    """Decorator: `public`, `login`, or the kinds of organisation whose members may enter.

    A visitor without login is sent to the login page; a person without the role gets 403 with the reason.
    Which rows he sees inside is the business of the app's queries.
    """
    if unknown := set(levels) - LEVELS:
        raise ValueError(f"unknown access level {unknown}")

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if "public" not in levels:
                user = accounts.current_user(request)
                if user is None:
                    return redirect_to_login(request.get_full_path())
                if "login" not in levels and not any(accounts.acts_as(user, level) for level in levels):
                    raise NotAllowed("wrong_role")
            return cast(HttpResponseBase, view(request, *args, **kwargs))

        guarded.access = levels  # type: ignore[attr-defined]
        return cast(View, guarded)

    return wrap
