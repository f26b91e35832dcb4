"""The house rules that a program can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string

from marketplace import catalogue, events, notifications

BASE = Path(settings.BASE_DIR)
APPS = ["marketplace", "agencies", "projects", "livestream"]
SOURCES = sorted(
    path
    for app in APPS
    for path in (BASE / app).rglob("*.py")
    if "migrations" not in path.parts and path.name != "verify.py"
)


def test_no_drawer_for_everything() -> None:
    assert [p for p in SOURCES if p.stem in {"utils", "helpers", "services", "common", "signals"}] == []


def test_a_file_fits_in_the_head() -> None:
    assert {str(p.relative_to(BASE)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 450} == {}


def test_only_the_edge_reads_the_clock() -> None:
    """Actions take `at`; the time is read in marketplace/clock.py and by what turns on it."""
    reading = re.compile(r"timezone\.now\(|datetime\.now\(|date\.today\(|datetime\.utcnow\(")
    assert [str(p.relative_to(BASE)) for p in SOURCES if reading.search(p.read_text())] == ["marketplace/clock.py"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(BASE)))
def test_no_state_is_written_past_the_gate(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"update", "bulk_update"}
        ):
            named = {keyword.arg for keyword in node.keywords}
            outbox = "OutboxMessage" in ast.unparse(node.func)
            assert "state" not in named or outbox, f"{path}:{node.lineno}"


def test_the_draw_runs_without_django() -> None:
    code = (
        "import sys; from projects import draw, delay; "
        "assert not [m for m in sys.modules if m.split('.')[0] in ('django', 'marketplace')]; "
        "print(draw.ranking(b'0' * 32, 'D', ['A', 'B']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_verifier_imports_the_standard_library_only() -> None:
    tree = ast.parse((BASE / "projects" / "verify.py").read_text())
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names


def test_every_dotted_path_of_the_settings_leads_somewhere() -> None:
    paths = [*settings.DEADLINE_SOURCES, *settings.DESK_CARDS, *settings.BACKGROUND_JOBS, *settings.DEMO_JOBS]
    paths += [*settings.ON_JOINING, *settings.OFFICE_WORK, *settings.OPEN_SERVICES, *settings.RULE_LOADERS]
    for path in [*paths, *settings.STREAM_PRESENTERS.values()]:
        assert callable(import_string(path))


def test_the_words_of_events_and_messages_use_only_known_keys() -> None:
    field = re.compile(r"\{(\w+)")
    for name, kind in events.event_types().items():
        if not name.startswith("test."):
            assert set(field.findall(str(kind.words))) <= set(kind.data) | set(kind.optional), name
    for kind_name, words in notifications.kinds().items():
        assert str(words.subject) and str(words.body), kind_name


def test_no_dependency_is_locked_without_a_hash_or_with_an_address() -> None:
    lock = (BASE / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index-url" not in lock
    names = [line for line in lock.splitlines() if re.match(r"[a-z0-9]", line)]
    assert len(names) > 50
    assert all(line.rstrip().endswith("\\") for line in names)


def test_the_catalogue_file_is_the_one_that_is_loaded() -> None:
    assert len(catalogue.FILE.read_text(encoding="utf-8").splitlines()) == 79


def test_the_drawn_workflows_are_the_ones_that_run() -> None:
    call_command("workflow_docs", check=True)


def test_what_the_pages_import_knows_every_event_and_letter() -> None:
    """A module reached only through a dotted path would leave a fresh process without its words."""
    code = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'marketplace.settings'; django.setup()\n"
        "import marketplace.urls, importlib, pkgutil\n"
        "from marketplace import events, notifications\n"
        "known = set(events.event_types()) | set(notifications.kinds())\n"
        "for app in ('marketplace', 'agencies', 'projects'):\n"
        "    root = importlib.import_module(app)\n"
        "    for found in pkgutil.walk_packages(root.__path__, app + '.'):\n"
        "        if '.migrations' not in found.name and '.management' not in found.name:\n"
        "            importlib.import_module(found.name)\n"
        "print(sorted((set(events.event_types()) | set(notifications.kinds())) - known))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr[-500:]
