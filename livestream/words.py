"""Sentences for events: a format string with the event's data in it, the same in Python here and in `feed.js`.

    {key}  {key[inner]}  {key:.8}  {{  }}

Tolerant, because a record must be readable even when its words are not: what is missing is –, a list is its
length, an object its `name`, a UTC instant the local time, a long hexadecimal value its beginning.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils import timezone

from marketplace.clock import from_iso

_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)((?:\[\w+\])*)(?::\.(\d{1,3}))?\}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_LONG_HEX = re.compile(r"[0-9a-f]{40,}", re.ASCII)
MISSING = "–"
SHORT_HEX = 8


def sentence(words: str, data: dict[str, Any]) -> str:
    """`words` with the fields of `data`; never raises for JSON data."""

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        value: Any = data.get(match[1])
        for inner in re.findall(r"\w+", match[2]):
            value = _inner(value, inner)
        return str(value)[: int(match[3])] if match[3] and isinstance(value, str) else shown(value)

    return _FIELD.sub(fill, words)


def _inner(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    return None


def shown(value: Any) -> str:
    """One value as a reader wants it."""
    if value is None:
        return MISSING
    if isinstance(value, list):
        return str(len(value))
    if isinstance(value, dict):
        return str(value.get("name", MISSING))
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return timezone.localtime(from_iso(value)).strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            return value
    if isinstance(value, str) and _LONG_HEX.fullmatch(value):
        return value[:SHORT_HEX] + "…"
    return str(value)
