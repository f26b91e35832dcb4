"""Another process that records events: reads one JSON command a line, answers `ok`.

{"record": [n, …]} appends to the stream of the tests, {"forge": seq} changes a recorded event behind the log's back.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from marketplace.models import Event  # noqa: E402
from tests.livestream.conftest import STREAM, record_events  # noqa: E402


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        if "record" in command:
            record_events(STREAM, *command["record"], who={"name": "甲"})
        if "forge" in command:
            Event.objects.filter(stream__name=STREAM, seq=command["forge"]).update(
                data={"n": 666, "who": {"name": "乙"}}
            )
        print("ok", flush=True)


if __name__ == "__main__":
    main()
