"""`manage.py serve`: web, clock and worker in one process tree; Ctrl-C ends all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace import installation
from marketplace.supervisor import Child, Supervisor, port_is_free


class Command(BaseCommand):
    help = "Serve the marketplace: web, clock and worker together."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not port_is_free(host, port):
            raise CommandError(f"Port {port} is in use. Choose another one: make run PORT={port + 1}")
        manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
        children = [
            Child("web", [*manage, "web", "--host", host, "--port", str(port)]),
            Child("clock", [*manage, "clock"]),
            Child("worker", [*manage, "worker"]),
        ]
        self.banner(host, port)
        sys.exit(Supervisor(children, self.say).run())

    def say(self, line: str) -> None:
        self.stderr.write(line)

    def banner(self, host: str, port: int) -> None:
        base = f"http://{host}:{port}"
        self.stdout.write(f"\n{settings.SITE_NAME}  {base}/")
        self.stdout.write(f"  直播 live        {base}/live/")
        self.stdout.write(f"  验证 verify      {base}/verify/")
        self.stdout.write(f"  组件 styleguide  {base}/styleguide/")
        if installation.is_demo():
            self.stdout.write(
                f"\n演示账号 demo logins (密码 password: {installation.DEMO_PASSWORD})   {base}/accounts/login/"
            )
            for name, role, role_en in installation.DEMO_LOGINS:
                self.stdout.write(f"  {name:<20} {role} {role_en}")
            self.stdout.write(
                "\n一分钟内开始一场直播选取，之后每隔几分钟一场。A live selection starts within a minute."
            )
        self.stdout.write("Ctrl-C 结束 ends everything.\n")
        self.stdout.flush()
