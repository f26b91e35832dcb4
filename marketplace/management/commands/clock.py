"""`manage.py clock`: do what the law says is due. Any number may run; each act happens once."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from marketplace import clock, deadlines
from marketplace.supervisor import end_with_parent


class Command(BaseCommand):
    help = "Move every case whose time has come, again and again (or --once)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one pass, then stop")
        parser.add_argument("--every", type=float, default=0.5, help="seconds between passes")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = False

        def end(*_: object) -> None:
            nonlocal stop
            stop = True

        if not options["once"]:
            end_with_parent()
            signal.signal(signal.SIGTERM, end)
        while not stop:
            for name in deadlines.run_due(clock.now(), reading=clock.now):
                self.stdout.write(f"{clock.iso_micros(clock.now())} {name}")
                self.stdout.flush()
            if options["once"]:
                return
            close_old_connections()
            time.sleep(options["every"])
