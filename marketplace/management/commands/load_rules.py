"""`manage.py load_rules`: the catalogue and the rule parameters from the project's data files."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from marketplace import catalogue, parameters


class Command(BaseCommand):
    help = "Load or refresh the catalogue and the rule parameters; safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        items = catalogue.load()
        count = parameters.load_file("parameters.json")
        self.stdout.write(f"{items} service items, {count} rule parameters")
