"""`python -m marketplace.translations`: compile every .po of the project to .mo, without the gettext tools."""

from __future__ import annotations

from pathlib import Path

import polib

BASE = Path(__file__).resolve().parent.parent


def catalogues() -> list[Path]:
    return sorted(BASE.glob("*/locale/*/LC_MESSAGES/django.po"))


def compile_all() -> int:
    """Write the .mo beside each .po; returns how many."""
    found = catalogues()
    for path in found:
        polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))
    return len(found)


if __name__ == "__main__":
    print(f"{compile_all()} catalogues compiled")
