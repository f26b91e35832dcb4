"""`manage.py demo_documents FOLDER`: the papers of an invented agency, to try an entry with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agencies import demo_papers


class Command(BaseCommand):
    help = "Write small PDFs of all papers an entry may need into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in demo_papers.papers().items():
            (folder / name).write_bytes(content)
        self.stdout.write(f"{len(demo_papers.PAPERS)} documents in {folder}")
