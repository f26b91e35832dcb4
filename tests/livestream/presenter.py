"""A presenter and a stage for tests, made of the kernel's parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from marketplace.models import User


def present(stream: str, user: User | None, at: datetime, request: HttpRequest) -> dict[str, Any] | None:
    if stream.endswith(":hidden"):
        return None
    return {
        "title": "The <test> session",
        "template": "components/stage/note.html",
        "script": "marketplace/site.js",
        "snapshot": {"act": 1},
        "words": {"test.said": "Number {n} by {who[name]} {{as is}}"},
        "me": {"role": "visitor"},
        "context": {"text": "the stage"},
    }
