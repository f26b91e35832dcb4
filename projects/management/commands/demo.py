"""`manage.py demo`: load the demo world; `--story` plays one whole procedure in a scratch database and verifies its draw."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from marketplace import clock, installation
from marketplace.models import Organisation
from projects.demo import story, world

SEED = "瑞昌2019"
SCRATCH = "DEMO_STORY_SCRATCH"


def bar(items: Iterable[Any], label: str, total: int) -> Iterable[Any]:
    return tqdm(items, desc=label, total=total, file=sys.stderr, ncols=80, mininterval=0.2)


class Command(BaseCommand):
    help = "Load the demo world into an empty database, or play one procedure (--story)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", default=SEED, help="the same seed gives the same world")
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when the database has organisations already"
        )
        parser.add_argument("--story", action="store_true", help="play one procedure in a scratch database")
        parser.add_argument("--transcript", type=Path, help="with --story: write the transcript to this file")
        parser.add_argument("--steps", type=int, default=200_000, help="with --story: steps of the slow opening")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["story"]:
            self.tell(options)
            return
        if Organisation.objects.filter(kind=Organisation.Kind.OFFICE).exists():
            if options["if_empty"]:
                return
            raise CommandError("The database is not empty; the demo is loaded into an empty one only.")
        world.World(seed=options["seed"], at=clock.now(), progress=bar).load()
        assert installation.is_demo()
        self.stdout.write("demo world loaded")

    def tell(self, options: dict[str, Any]) -> None:
        """Run the story in a process whose database and keys lie in a folder that is removed afterwards."""
        if os.environ.get(SCRATCH):
            call_command("migrate", verbosity=0)
            verdict = story.play(
                write=self.stdout.write,
                transcript=options["transcript"],
                steps=options["steps"],
                seed=options["seed"],
            )
            sys.exit(verdict)
        target = options["transcript"].resolve() if options["transcript"] else None
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "demo", "--story"]
            command += ["--steps", str(options["steps"]), "--seed", options["seed"]]
            command += ["--transcript", str(target)] if target else []
            environment = os.environ | {
                SCRATCH: "1",
                "VAR_DIR": scratch,
                "KEYS_DIR": f"{scratch}/keys",
                "DATABASE_URL": f"sqlite:///{scratch}/story.sqlite3",
                "REDIS_URL": "",
            }
            sys.exit(subprocess.run(command, env=environment, check=False).returncode)
