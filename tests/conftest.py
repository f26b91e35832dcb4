"""What every test runs in: keys and uploads in a folder of their own, quick password hashes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from marketplace import vault
from marketplace.translations import compile_all

# The imported program is hundreds of thousands of objects that never die; looking through them again and again is waste.
gc.freeze()
gc.set_threshold(20_000, 20, 50)


def pytest_configure(config: pytest.Config) -> None:
    """The Chinese texts are compiled before the first test, also where pytest is called without make."""
    if not hasattr(config, "workerinput"):
        compile_all()


@pytest.fixture(autouse=True, scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("var")
    settings.VAR_DIR, settings.KEYS_DIR, settings.UPLOADS_DIR = folder, folder / "keys", folder / "uploads"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    vault._key.cache_clear()
    return


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of fresh keys for one test."""
    monkeypatch.setattr(settings, "KEYS_DIR", tmp_path / "keys")
    return tmp_path / "keys"
