"""`manage.py workflow_docs`: every workflow as a table and a diagram, drawn from the code that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

from marketplace.workflow import StatefulModel, Verb

TARGET = Path(settings.BASE_DIR) / "docs" / "workflows.md"
HEAD = """# Workflows

Drawn by `manage.py workflow_docs` from the transitions in the code; a test refuses a page that is out of date. A verb runs through
`workflow.fire`: the row is locked, then state, permission and conditions are asked one by one, and the move and its event are written
in one transaction. "clock" means that no person can start or stop it.
"""


def who(verb: Verb) -> str:
    name = verb.may.__name__.strip("_")
    return {
        "clock_only": "clock",
        "system_only": "clock",
        "owner_member": "owner",
        "office_member": "office",
        "may_check": "office",
        "may_act_for": "agency",
        "own": "agency",
        "may_manage": "manager of the agency",
        "may_penalise": "clock or office",
    }.get(name, name)


def section(model: type[StatefulModel]) -> str:
    """One model's states, diagram and table."""
    field: Any = {found.name: found for found in model._meta.get_fields()}["state"]
    states = dict(field.choices)
    verbs = sorted(model.verbs().values(), key=lambda verb: [list(states).index(verb.source[0]), verb.name])
    lines = [
        f"## {model.__name__}",
        "",
        (model.__doc__ or "").strip(),
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {field.default}",
    ]
    lines += [
        f"    {source} --> {verb.target}: {verb.name} ({who(verb)})" for verb in verbs for source in verb.source
    ]
    lines += ["```", "", "| state | shown as |", "|---|---|"]
    lines += [f"| `{code}` | {label} |" for code, label in states.items()]
    lines += ["", "| verb | by | from | to | event | conditions | basis |", "|---|---|---|---|---|---|---|"]
    for verb in verbs:
        conditions = "; ".join(f"`{rule.code}`" for rule in verb.when) or "–"
        sources = ", ".join(f"`{source}`" for source in verb.source)
        lines.append(
            f"| `{verb.name}` | {who(verb)} | {sources} | `{verb.target}` | `{verb.event}` | {conditions} | {verb.basis or '–'} |"
        )
    return "\n".join(lines)


def document() -> str:
    with override("en"):
        models = [model for model in apps.get_models() if issubclass(model, StatefulModel)]
        parts = [section(model) for model in sorted(models, key=lambda model: model.__name__)]
    return "\n\n".join([HEAD.strip(), *parts]) + "\n"


class Command(BaseCommand):
    help = "Write docs/workflows.md, or say whether it is up to date (--check)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        text = document()
        if options["check"]:
            if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
                raise CommandError("docs/workflows.md is out of date: run manage.py workflow_docs")
            return
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(text, encoding="utf-8")
        self.stdout.write(str(TARGET.relative_to(settings.BASE_DIR)))
