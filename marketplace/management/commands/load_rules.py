"""`manage.py load_rules`: the catalogue and the rule parameters from the project's data files."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from marketplace import catalogue, parameters


class Command(BaseCommand):
    help = "Load or refresh the catalogue and the rule parameters; safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        items = catalogue.load()
        count = parameters.load_file("parameters.json")
        more = sum(import_string(path)() for path in settings.RULE_LOADERS)
        self.stdout.write(f"{items} service items, {count} rule parameters, {more} credit rules")
