"""System checks: the promises of the house that a start-up can test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

# Views of libraries bring their own access rules.
FOREIGN = ("allauth.", "django.")


def own_views(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(route, callback) of every view of this project."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from own_views(entry.url_patterns, route)
        elif isinstance(entry, URLPattern) and not entry.callback.__module__.startswith(FOREIGN):
            yield route, entry.callback


@register()
def every_view_declares_its_access(**_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"/{route} does not declare its access",
            hint="decorate the view with marketplace.permissions.access",
            id="marketplace.E001",
        )
        for route, view in own_views()
        if not hasattr(view, "access")
    ]
