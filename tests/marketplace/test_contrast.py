"""The identity keeps its promises: contrast in both themes, icons that exist, no style or script inside a page."""

from __future__ import annotations

import re
from pathlib import Path

import lucide
import pytest

from marketplace.contrast import BLOCKS, PAIRS, Pair, ratio, tokens
from marketplace.templatetags import ui

ROOT = Path(__file__).resolve().parents[2]
CSS = (ROOT / "marketplace/static/marketplace/site.css").read_text()
TEMPLATES = sorted(
    p
    for app in ("marketplace", "agencies", "projects", "livestream")
    for p in (ROOT / app).rglob("templates/**/*.html")
)


def test_black_on_white_is_21_and_a_colour_on_itself_is_1() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#1b4f8a", "#1b4f8a") == 1


@pytest.mark.parametrize("theme", BLOCKS)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.foreground} on {pair.background}")
def test_every_pair_of_tokens_has_its_contrast(theme: str, pair: Pair) -> None:
    values = tokens(CSS, theme)
    assert ratio(values[pair.foreground], values[pair.background]) >= pair.minimum


def test_the_dark_theme_is_the_same_whether_chosen_or_followed() -> None:
    assert tokens(CSS, "auto") == tokens(CSS, "dark")


@pytest.mark.parametrize("theme", BLOCKS)
def test_the_triples_for_bootstrap_are_their_colours(theme: str) -> None:
    values = tokens(CSS, theme)
    for name in ("brand", "brand-hover"):
        triple = ", ".join(str(int(values[name][i : i + 2], 16)) for i in (1, 3, 5))
        assert values[f"{name}-rgb"] == triple


def test_every_icon_a_template_names_exists() -> None:
    named = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}
    named |= {name for path in TEMPLATES for name in re.findall(r'{% chip \S+ \S+ "([^"]+)" %}', path.read_text())}
    named |= {name for _, _, name in ui.NAV} | set(ui.CHIP_ICONS.values())
    assert len(named) > 30
    for name in sorted(named):
        lucide._load_icon(name)


def test_an_icon_alone_in_a_link_or_button_has_a_label() -> None:
    alone = re.compile(r"<(a|button|summary)\b[^>]*>\s*{% icon \"[^\"]+\"(?![^%]*label=)[^%]*%}\s*</\1>")
    assert [str(path) for path in TEMPLATES if alone.search(path.read_text())] == []


def test_no_template_has_a_style_attribute_or_a_script_of_its_own() -> None:
    style = re.compile(r"<[a-z][^>]*\sstyle\s*=", re.I)
    script = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.I)
    handler = re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.I)
    late = re.compile(r"<script(?=[^>]*\bsrc=)(?![^>]*\bdefer\b)(?![^>]*\btype=.module)", re.I)
    assert TEMPLATES
    for path in TEMPLATES:
        text = path.read_text()
        for pattern in (style, script, handler, late):
            assert not pattern.search(text), f"{path.relative_to(ROOT)}: {pattern.pattern}"
