"""The colour tokens of site.css and their contrast by the WCAG 2.2 formula. Pure: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass

TEXT = 4.5  # 1.4.3, small text
CONTROL = 3.0  # 1.4.11, borders of controls and focus rings

# Theme → the selector of its block in site.css.
BLOCKS = {
    "light": ':root,\n[data-bs-theme="light"] {',
    "dark": '[data-bs-theme="dark"] {',
    "auto": ':root[data-theme="auto"] {',
}
_TOKEN = re.compile(r"--([a-z0-9-]+):\s*([^;]+);")
_HEX = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Pair:
    """A foreground token, the background it stands on, and the least ratio it needs."""

    foreground: str
    background: str
    minimum: float
    use: str


def _on(foreground: str, backgrounds: str, minimum: float, use: str) -> list[Pair]:
    return [Pair(foreground, background, minimum, use) for background in backgrounds.split()]


GROUNDS = "bg surface sunken"
PAIRS: list[Pair] = [
    *_on("ink", GROUNDS, 7.0, "text"),
    *_on("ink-2", GROUNDS, TEXT, "secondary text"),
    *_on("ink-3", GROUNDS, TEXT, "hints"),
    *_on("brand", GROUNDS, TEXT, "links, current"),
    *_on("brand-hover", "bg surface", TEXT, "links under the pointer"),
    *_on("brand-ink", "brand-tint", TEXT, "winner row, chip"),
    *_on("ink", "brand-tint ok-tint warn-tint bad-tint", TEXT, "text in bands"),
    *_on("ink-2", "brand-tint ok-tint warn-tint bad-tint", TEXT, "secondary text in bands"),
    *_on("brand", "brand-tint", TEXT, "links in bands"),
    *_on("on-btn", "btn btn-hover", TEXT, "buttons, bars"),
    *_on("on-topbar", "topbar", TEXT, "top bar"),
    *_on("ok", "bg surface ok-tint", TEXT, "done, verified"),
    *_on("warn", "bg surface warn-tint", TEXT, "due soon"),
    *_on("bad", "bg surface bad-tint", TEXT, "overdue, error"),
    *_on("seal", "bg surface", TEXT, "the stamp"),
    *_on("ctl", "bg surface", CONTROL, "borders of controls"),
    *_on("btn", "bg surface", CONTROL, "filled buttons and bars"),
    *_on("focus", "bg surface brand-tint", CONTROL, "focus ring"),
]


def tokens(css: str, theme: str) -> dict[str, str]:
    """Token name → value as written, of one theme's block. Raises ValueError when the block is missing."""
    _, found, rest = css.partition(BLOCKS[theme])
    if not found:
        raise ValueError(f"site.css has no block {BLOCKS[theme]!r}")
    return {name: value.strip().lower() for name, value in _TOKEN.findall(rest.partition("}")[0])}


def colours(css: str, theme: str) -> dict[str, str]:
    """Only the tokens that are plain colours, #rrggbb."""
    return {name: value for name, value in tokens(css, theme).items() if _HEX.fullmatch(value)}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 (black) … 1 (white)."""
    if not _HEX.fullmatch(colour):
        raise ValueError(f"not a colour: {colour!r}")
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 … 21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
