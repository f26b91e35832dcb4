"""Every text of the interface has its Chinese, and the Chinese keeps the fields of the English."""

from __future__ import annotations

import re

import polib
import pytest

from marketplace.translations import catalogues

FIELD = re.compile(r"%\(\w+\)s|\{\w*(?:\[\w+\])?\}")


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parents[3].name)
def test_every_text_is_translated(path: object) -> None:
    entries = [entry for entry in polib.pofile(str(path)) if not entry.obsolete]
    assert entries
    assert [entry.msgid for entry in entries if not (entry.msgstr or entry.msgstr_plural.get(0)) or entry.fuzzy] == []


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parents[3].name)
def test_a_translation_keeps_the_fields_of_its_text(path: object) -> None:
    for entry in polib.pofile(str(path)):
        text = entry.msgstr or entry.msgstr_plural[0]
        source = entry.msgid_plural or entry.msgid
        assert set(FIELD.findall(text)) <= set(FIELD.findall(source)), entry.msgid


def test_all_four_apps_have_a_catalogue() -> None:
    assert len(catalogues()) == 4
