"""`manage.py web`: the daphne server of the process tree."""

from __future__ import annotations

from typing import Any

from daphne.cli import CommandLineInterface
from django.core.management.base import BaseCommand, CommandParser

from marketplace.supervisor import end_with_parent


class Command(BaseCommand):
    help = "Serve HTTP and sockets with daphne."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        CommandLineInterface().run(
            ["-b", options["host"], "-p", str(options["port"]), "-v", "0", "marketplace.asgi:application"]
        )
