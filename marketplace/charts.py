"""Charts as SVG from the server: no script, colours by token, the values written beside the marks."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# In em of the page's text, so that a chart grows with it: a line of words, the bar below them, the space after it.
ROW = 2.9
BASELINE = 1.1
BAR_TOP = 1.5
BAR = 0.75


def bars(title: str, rows: Sequence[tuple[str, int]]) -> SafeString:
    """Horizontal bars, one below the other, each under its value and label; as wide as the page."""
    largest = max((value for _label, value in rows), default=0) or 1
    marks = format_html_join(
        "",
        '<text x="0" y="{}em" fill="var(--ink)"><tspan font-weight="600">{}</tspan><tspan dx="0.6em">{}</tspan></text>'
        '<rect x="0" y="{}em" width="100%" height="{}em" rx="2" fill="var(--sunken)"/>'
        '<rect x="0" y="{}em" width="{}%" height="{}em" rx="2" fill="var(--btn)"/>',
        (
            (
                f"{ROW * place + BASELINE:.2f}",
                value,
                label,
                f"{ROW * place + BAR_TOP:.2f}",
                BAR,
                f"{ROW * place + BAR_TOP:.2f}",
                f"{100 * value / largest:.1f}",
                BAR,
            )
            for place, (label, value) in enumerate(rows)
        ),
    )
    return format_html(
        '<svg role="img" aria-label="{}" height="{}em">{}</svg>', title, f"{ROW * max(len(rows), 1):.2f}", marks
    )
