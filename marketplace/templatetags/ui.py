"""The words and marks every page shares: icons, money, dates, hashes, chips, form widgets, the seven entries.

Listed under `builtins` in the settings, so templates use them without `{% load %}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import lucide
from django import template
from django.forms import BaseForm, BoundField
from django.forms.boundfield import BoundWidget
from django.http import HttpRequest
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from .. import clock as server_clock
from .. import form_rendering

register = template.Library()

NBSP = "\u00a0"

# The seven entries of the masthead: URL name, its words, its icon in the phone's menu.
# An entry whose URL name does not resolve is left out, so an installation without an app shows no dead link.
NAV = (
    ("home", pgettext_lazy("navigation", "Home"), "house"),
    ("notice_list", pgettext_lazy("navigation", "Notices"), "megaphone"),
    ("agency_list", pgettext_lazy("navigation", "Agencies"), "building-2"),
    ("catalogue", pgettext_lazy("navigation", "Services"), "library-big"),
    ("live_list", pgettext_lazy("navigation", "Live"), "radio"),
    ("stats", pgettext_lazy("navigation", "Data"), "chart-column"),
    ("help", pgettext_lazy("navigation", "Guide"), "book-open"),
)

# Every kind of chip carries an icon: colour is never the only carrier.
CHIP_ICONS = {
    "ok": "circle-check",
    "info": "info",
    "warn": "clock-alert",
    "bad": "triangle-alert",
    "neutral": "circle",
    "live": "radio",
}


# ---------- icons and chips ----------


@lru_cache(maxsize=512)
def _icon(name: str, size: int, label: str) -> SafeString:
    attributes: dict[str, str] = {"class": "icon", "focusable": "false"}
    attributes |= {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    return mark_safe(lucide._render_icon(name, size, **attributes))


@register.simple_tag
def icon(name: str, size: int = 20, label: str = "") -> SafeString:
    """An inline SVG from lucide. Hidden from screen readers unless `label` says what it means.

    An icon that is alone in a link or a button needs a label; a test reads the templates for it.
    Unknown names raise `lucide.IconDoesNotExist`.
    """
    return _icon(str(name), int(size), str(label))


@register.simple_tag
def chip(kind: str, text: str, icon_name: str = "") -> SafeString:
    """A state as icon and word. `kind`: ok, info, warn, bad, neutral or live. Never a link."""
    if kind not in CHIP_ICONS:
        raise ValueError(f"unknown kind of chip: {kind!r}")
    return format_html(
        '<span class="chip chip-{}">{}<span>{}</span></span>',
        kind,
        _icon(icon_name or CHIP_ICONS[kind], 16, ""),
        text,
    )


# ---------- money ----------


def _decimal(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


@register.filter
def money(value: object) -> str:
    """Yuan with fen, as documents write it: 128600 → ¥128,600.00. Empty for None."""
    amount = _decimal(value)
    if amount is None:
        return ""
    return f"{'−' if amount < 0 else ''}¥{abs(amount):,.2f}"


@register.filter
def wan(value: object) -> str | SafeString:
    """Yuan in units of ten thousand for overviews, the exact amount in its title."""
    amount = _decimal(value)
    if amount is None:
        return ""
    text = f"{amount / 10000:,.2f}".rstrip("0").rstrip(".")
    words = pgettext("amount in units of 10,000 yuan", "¥%(wan)s × 10,000") % {"wan": text}
    return format_html(
        '<data class="num" value="{}" title="{}">{}</data>', f"{amount:.2f}", money(amount), words.replace(" ", NBSP)
    )


# ---------- dates ----------


def _weekday(day: date) -> str:
    return (
        pgettext("weekday", "Mon"),
        pgettext("weekday", "Tue"),
        pgettext("weekday", "Wed"),
        pgettext("weekday", "Thu"),
        pgettext("weekday", "Fri"),
        pgettext("weekday", "Sat"),
        pgettext("weekday", "Sun"),
    )[day.weekday()]


def date_text(day: date) -> str:
    """2026年11月25日（周三） in Chinese, 2026-11-25 (Wed) in English."""
    return pgettext("date: year, month, day, weekday", "%(year)d-%(month)02d-%(day)02d (%(weekday)s)") % {
        "year": day.year,
        "month": day.month,
        "day": day.day,
        "weekday": _weekday(day),
    }


def day_text(day: date) -> str:
    """2026年11月25日 in Chinese, 2026-11-25 in English: where the weekday says nothing, as in a validity."""
    return pgettext("date: year, month, day", "%(year)d-%(month)02d-%(day)02d") % {
        "year": day.year,
        "month": day.month,
        "day": day.day,
    }


def short_date_text(day: date) -> str:
    """11月25日（周三）: for tables, where the year is that of the page."""
    return pgettext("date: month, day, weekday", "%(month)02d-%(day)02d (%(weekday)s)") % {
        "month": day.month,
        "day": day.day,
        "weekday": _weekday(day),
    }


def _day_and_clock(moment: datetime, end_of_day: bool) -> tuple[date, str]:
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    if end_of_day and local.time() == time(0):
        return local.date() - timedelta(days=1), "24:00"
    return local.date(), local.strftime("%H:%M")


def datetime_text(moment: datetime, *, end_of_day: bool = False) -> str:
    """Date, weekday and clock in local time. With `end_of_day` midnight is written as 24:00 of the day before."""
    day, clock = _day_and_clock(moment, end_of_day)
    return pgettext("date and clock", "%(date)s %(clock)s") % {"date": date_text(day), "clock": clock}


def _time_tag(value: date | datetime, *parts: str) -> SafeString:
    """The parts stay whole; only the larger-text mode may break a line between them."""
    machine = timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
    if len(parts) == 1:
        return format_html('<time datetime="{}">{}</time>', machine.isoformat(), parts[0])
    spans = {name: format_html("<span>{}</span>", part) for name, part in zip(("date", "clock"), parts, strict=True)}
    words = mark_safe(escape(pgettext("date and clock", "%(date)s %(clock)s")) % spans)
    return format_html('<time datetime="{}">{}</time>', machine.isoformat(), words)


@register.filter
def cn_datetime(value: datetime | None) -> str | SafeString:
    """A moment: 2026年11月25日（周三）17:30 with its machine form."""
    if not value:
        return ""
    day, clock = _day_and_clock(value, False)
    return _time_tag(value, date_text(day), clock)


@register.filter
def cn_due(value: datetime | None) -> str | SafeString:
    """A deadline: as cn_datetime, but the end of a day is 24:00 of that day, as people say it."""
    if not value:
        return ""
    day, clock = _day_and_clock(value, True)
    return _time_tag(value, date_text(day), clock)


@register.filter
def cn_due_short(value: datetime | None) -> str | SafeString:
    """A deadline in a table: 11月25日（周三）17:30, with the year only when it is not this one."""
    if not value:
        return ""
    day, clock = _day_and_clock(value, True)
    return _time_tag(value, short_date_text(day) if day.year == timezone.localdate().year else date_text(day), clock)


@register.filter
def cn_date(value: date | datetime | None) -> str | SafeString:
    """A day: 2026年11月25日（周三）."""
    if not value:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return _time_tag(value, date_text(value))


@register.filter
def cn_time(value: datetime | None) -> str | SafeString:
    """Only the clock with seconds, for logs of one day: 10:00:07."""
    if not value:
        return ""
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return _time_tag(value, local.strftime("%H:%M:%S"))


@register.filter
def cn_time_short(value: datetime | None) -> str | SafeString:
    """Only hours and minutes, for lists of one day: 14:30."""
    if not value:
        return ""
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return _time_tag(value, local.strftime("%H:%M"))


@register.filter
def day_month(value: date | None) -> str | SafeString:
    """A day in a count: 11月25日 周三."""
    if not value:
        return ""
    text = pgettext("day in a count: month, day, weekday", "%(month)d-%(day)d %(weekday)s") % {
        "month": value.month,
        "day": value.day,
        "weekday": _weekday(value),
    }
    return _time_tag(value, text)


@register.filter
def iso(value: datetime | None) -> str:
    """The machine form of a moment in UTC, for data attributes."""
    return value.astimezone(UTC).isoformat() if value and timezone.is_aware(value) else ""


# ---------- hashes, lists ----------


def hex_text(value: object, groups: int = 0) -> str:
    text = str(value or "")
    parts = [text[i : i + 4] for i in range(0, len(text), 4)]
    if groups and len(parts) > groups:
        return " ".join(parts[:groups]) + " …"
    return " ".join(parts)


@register.filter
def hex_groups(value: object, groups: int = 0) -> SafeString:
    """A hash in groups of four; with a number only so many groups, the whole value in its title."""
    return format_html('<span class="hex" title="{}">{}</span>', str(value or ""), hex_text(value, groups))


@register.filter
def first_groups(value: object, groups: int = 8) -> list[str]:
    """The first groups of four characters of a hash."""
    text = str(value or "")[: groups * 4]
    return [text[i : i + 4] for i in range(0, len(text), 4)]


@register.filter
def at(items: Any, index: int) -> Any:
    """`items[index]`, or None beyond the end."""
    return items[index] if 0 <= index < len(items) else None


@register.filter
def numbers(total: int) -> range:
    """1 … total, to draw the steps of a bar."""
    return range(1, int(total) + 1)


@register.filter
def html_lang(code: str | None) -> str:
    """Django's language code as browsers and readers know it."""
    return {"zh-hans": "zh-CN", "zh-hant": "zh-TW"}.get(code or "", code or "zh-CN")


# ---------- forms ----------


@register.simple_tag
def field_kind_of(field: BoundField) -> str:
    """Which of the field template's shapes a field takes."""
    return form_rendering.widget_kind(field)


@register.simple_tag
def field_widget(field: BoundField) -> SafeString:
    """The input of a bound field with its class, its id and what describes it (hint and error)."""
    return form_rendering.render_widget(field)


@register.simple_tag
def choice_widget(choice: BoundWidget) -> SafeString:
    """One radio button or box of a set, with its class."""
    choice.data["attrs"] |= {"class": "form-check-input"}
    return choice.tag(wrap_label=False)


@register.simple_tag
def form_errors(form: BaseForm) -> list[dict[str, str]]:
    """The error summary's lines: sentence and the id of the input it is about ("" for the whole form)."""
    return form_rendering.error_lines(form)


@register.simple_tag
def title_errors(form: BaseForm) -> str:
    """How a page's title begins when the form came back: "2 entries need correction - "."""
    count = len(form_rendering.error_lines(form)) if form.is_bound else 0
    if not count:
        return ""
    words = ngettext("%(counter)s entry needs correction", "%(counter)s entries need correction", count)
    return words % {"counter": count} + " - "


# ---------- frame ----------


def _resolve(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def nav_entries(context: Context) -> list[dict[str, Any]]:
    """The seven entries that exist here: url, label, icon, current."""
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    entries = []
    for name, label, icon_name in NAV:
        if url := _resolve(name):
            current = path == url or (name != "home" and path.startswith(url))
            entries.append({"name": name, "url": url, "label": label, "icon": icon_name, "current": current})
    return entries


@register.simple_tag
def first_url(*names: str) -> str:
    """The address of the first of these URL names that exists, or ""."""
    return next((url for name in names if (url := _resolve(name))), "")


@register.simple_tag
def server_now() -> str:
    """The server's clock for the page's script: no countdown trusts the visitor's."""
    return server_clock.now().isoformat()


@register.simple_tag
def other_language() -> dict[str, str]:
    """The language the top bar offers, named in itself."""
    if (get_language() or "").startswith("zh"):
        return {"code": "en", "lang": "en", "name": "English"}
    return {"code": "zh-hans", "lang": "zh-CN", "name": "中文"}


@register.filter
def columns_for(names: Iterable[Any]) -> int:
    """How many columns a roster takes on the hall screen: 3 to 18 names, 4 to 48, 5 beyond."""
    count = len(list(names))
    return 3 if count <= 18 else 4 if count <= 48 else 5


@register.filter
def remaining_text(clock: dict[str, Any]) -> str:
    """What is left of a clock, in the words of its state; see components/clock.html."""
    state = clock.get("state")
    if state == "met":
        return _("Met")
    if state == "paused":
        return _("Paused")
    if state == "red":
        return _("Overdue")
    days = clock.get("remaining_workdays")
    if days is not None and days > 0:
        return ngettext("%(days)d working day left", "%(days)d working days left", days) % {"days": days}
    due, now = clock.get("due"), clock.get("now") or server_clock.now()
    left = max(int((due - now).total_seconds()), 0) if due else 0
    if left < 60:
        return _("Less than 1 min left")
    return _("%(hours)d h %(minutes)d min left") % {"hours": left // 3600, "minutes": left % 3600 // 60}
