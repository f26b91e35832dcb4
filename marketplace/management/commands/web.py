"""`manage.py web`: the daphne server of the process tree."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace import web_server
from marketplace.supervisor import end_with_parent


class Command(BaseCommand):
    help = "Serve HTTP and sockets with daphne."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        web_server.run(options["host"], options["port"])
