"""`manage.py worker`: the background jobs, each in its own thread so that a slow opening never holds the letters.

Each job claims its rows with a lease; any number of workers may run.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils.module_loading import import_string

from marketplace import clock, installation
from marketplace.supervisor import end_with_parent

logger = logging.getLogger(__name__)
Job = Callable[[datetime], int]


class Command(BaseCommand):
    help = "Send messages and compute draw results, again and again (or --once)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one pass of every job, then stop")
        parser.add_argument("--every", type=float, default=0.5, help="seconds between passes")

    def handle(self, *args: Any, **options: Any) -> None:
        paths = settings.BACKGROUND_JOBS + (settings.DEMO_JOBS if installation.is_demo() else [])
        jobs: list[Job] = [import_string(path) for path in paths]
        if options["once"]:
            for job in jobs:
                job(clock.now())
            return
        end_with_parent()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        threads = [
            threading.Thread(target=self.repeat, args=(job, stop, options["every"]), daemon=True) for job in jobs
        ]
        for thread in threads:
            thread.start()
        while not stop.wait(0.5):
            pass
        for thread in threads:
            thread.join(2)

    def repeat(self, job: Job, stop: threading.Event, every: float) -> None:
        while not stop.is_set():
            try:
                job(clock.now())
            except Exception:
                logger.exception("background job %s failed; it will be tried again", getattr(job, "__name__", job))
            close_old_connections()
            stop.wait(every)
