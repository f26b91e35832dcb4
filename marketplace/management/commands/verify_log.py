"""`manage.py verify_log`: exit 0 when every event stream is whole, 1 when any event was changed, lost or moved."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace import events
from marketplace.models import Event, Stream


class Command(BaseCommand):
    help = "Recompute every hash chain of the log and report changed, missing or reordered events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("streams", nargs="*", help="names of streams; all without any")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Stream.objects.order_by("name")
        if options["streams"]:
            chosen = chosen.filter(name__in=options["streams"])
        faults = list(events.verify(chosen.iterator()))
        for fault in faults:
            self.stdout.write(f"{fault.stream} {fault.seq}: {fault.what}")
        count = Event.objects.filter(stream__in=chosen).count()
        self.stdout.write(f"{chosen.count()} streams, {count} events, {len(faults)} faults")
        if faults:
            sys.exit(1)
