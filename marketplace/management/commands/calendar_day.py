"""`manage.py calendar_day 2026-03-11 closed --basis …`: a correction of this place to the working-day calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.models import CalendarDay

STATES = {"worked": True, "closed": False}


class Command(BaseCommand):
    help = "Close a working day, work on a day off, or take such a correction back (remove). Running deadlines keep theirs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("day", type=date.fromisoformat, help="YYYY-MM-DD")
        parser.add_argument("state", choices=[*STATES, "remove"])
        parser.add_argument("--basis", default="", help="the notice it rests on; required unless removed")

    def handle(self, *args: Any, **options: Any) -> None:
        day, state = options["day"], options["state"]
        if state == "remove":
            count, _ = CalendarDay.objects.filter(day=day).delete()
            self.stdout.write(f"{day}: {count} corrections removed")
            return
        if not options["basis"]:
            raise CommandError("Name the notice this correction rests on with --basis.")
        CalendarDay.objects.update_or_create(
            day=day, defaults={"is_workday": STATES[state], "basis": options["basis"]}
        )
        self.stdout.write(f"{day}: {state}, {options['basis']}")
