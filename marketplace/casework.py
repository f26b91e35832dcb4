"""The office's work: every open case with its clock, who received it first, and who answers for it now (首问负责)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Work:
    """One open case that waits for the office.

    `case` names it for ever (`entry:<code>`, `change:<pk>`), `stream` is the log in which taking and reassigning are
    recorded, `kind` its sort in the reader's language, `due` the end of its clock.
    """

    case: str
    stream: str
    kind: str
    title: str
    url: str
    started: datetime
    due: datetime | None
