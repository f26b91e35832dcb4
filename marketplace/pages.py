"""The kernel's own pages: the desk, messages, the catalogue, the guide, and what this site says about itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from . import accounts, clock, glossary, notifications, paging, parameters, vault
from .models import Notification, Requirement, ServiceClass, ServiceItem, User
from .permissions import access
from .templatetags.ui import datetime_text

Card = dict[str, Any]
LIGHT_CHIPS = {"green": "ok", "amber": "warn", "red": "bad"}
DESK_MESSAGES = 5


# ---------- the desk ----------


def desk_cards(user: User, at: datetime) -> list[Card]:
    """What each app has for this person: [{"title", "count", "url", "items"}], in the order of the settings."""
    cards: list[Card] = []
    for path in settings.DESK_CARDS:
        source: Callable[[User, datetime], list[Card]] = import_string(path)
        cards += source(user, at)
    return cards


def desk_item(item: Card) -> Card:
    """A card's item for components/task_list.html: the due time in words, the light as a chip."""
    due = item.get("due")
    parts = [
        str(item.get("hint") or ""),
        _("due {moment}").format(moment=datetime_text(due, end_of_day=True)) if due else "",
    ]
    shown = {"title": item["title"], "url": item.get("url", ""), "hint": " · ".join(part for part in parts if part)}
    if light := item.get("light"):
        shown["chip"] = {"kind": LIGHT_CHIPS[light], "text": light_words(light)}
    return shown


def light_words(light: str) -> str:
    return {
        "green": pgettext("light of a deadline", "on time"),
        "amber": pgettext("light of a deadline", "due soon"),
        "red": pgettext("light of a deadline", "overdue"),
    }[light]


@access("login")
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What needs this person now, with its clocks; the newest messages beside it."""
    user, at = accounts.current_user(request), clock.now()
    assert user is not None
    cards = [card | {"items": [desk_item(item) for item in card["items"]]} for card in desk_cards(user, at)]
    newest = Notification.objects.filter(user=user).order_by("-created_at", "-pk")[:DESK_MESSAGES]
    context = {"cards": cards, "messages_list": [message_row(row) for row in newest], "at": at}
    return render(request, "marketplace/desk.html", context)


# ---------- messages ----------


def message_row(notification: Notification) -> dict[str, Any]:
    subject, body = notifications.words(notification)
    return {
        "pk": notification.pk,
        "subject": subject,
        "body": body,
        "at": notification.created_at,
        "url": notification.link,
        "unread": notification.read_at is None,
    }


@access("login")
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest) -> HttpResponse:
    """The person's own messages, newest first; POST `read=<number>` or `read=all` marks as read."""
    user = accounts.current_user(request)
    assert user is not None
    if request.method == "POST":
        wanted = request.POST.get("read", "")
        if wanted == "all":
            notifications.mark_read(user, at=clock.now())
        elif wanted.isascii() and wanted.isdigit() and len(wanted) <= 18:
            notifications.mark_read(user, at=clock.now(), pk=int(wanted))
        return HttpResponseRedirect(request.get_full_path())
    own = Notification.objects.filter(user=user)
    unread_only = request.GET.get("unread") == "1"
    page = paging.page_of(
        own.filter(read_at=None) if unread_only else own, key="created_at", query=request.GET, newest_first=True
    )
    base = reverse("messages")
    context = {
        "rows": [message_row(row) for row in page.rows],
        "page": page,
        "unread_only": unread_only,
        "tabs": [
            {"label": pgettext("messages", "All"), "url": base, "current": not unread_only},
            {"label": pgettext("messages", "Unread"), "url": f"{base}?unread=1", "current": unread_only},
        ],
    }
    return render(request, "marketplace/messages.html", context)


# ---------- the catalogue ----------


@access("public")
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """GET /catalogue/?q=: the service items by class. Three queries, whatever their number."""
    text = request.GET.get("q", "").strip()
    items = ServiceItem.objects.filter(is_active=True).select_related("authority").prefetch_related("requirements")
    if text:
        items = items.filter(
            Q(name_zh__icontains=text)
            | Q(name_en__icontains=text)
            | Q(authority__name__icontains=text)
            | Q(requirements__text__icontains=text)
            | Q(code__startswith=text)
        ).distinct()
    classes = [
        {"name": str(group), "code": group.code, "rows": [item_row(item) for item in group.shown]}
        for group in ServiceClass.objects.prefetch_related(Prefetch("items", items, to_attr="shown"))
        if group.shown
    ]
    context = {
        "classes": classes,
        "count": sum(len(group["rows"]) for group in classes),
        "search": {"label": _("Search the services"), "name": "q", "value": text},
        "clear_url": reverse("catalogue") if text else "",
    }
    return render(request, "marketplace/catalogue.html", context)


def item_row(item: ServiceItem) -> dict[str, Any]:
    kinds = list(dict.fromkeys(row.get_kind_display() for row in item.requirements.all()))
    return {
        "code": item.code,
        "name": str(item),
        "url": reverse("catalogue_item", args=[item.code]),
        "authority": item.authority.name,
        "kinds": kinds,
        "approval_linked": item.approval_linked,
    }


@access("public")
@require_safe
def catalogue_item(request: HttpRequest, code: str) -> HttpResponse:
    """One service item: what it asks of an agency, who answers for it, where to find agencies and notices."""
    found = ServiceItem.objects.select_related("service_class", "authority").prefetch_related("requirements")
    item = get_object_or_404(found, code=code, is_active=True)
    groups: dict[int, list[Requirement]] = {}
    for requirement in item.requirements.all():
        groups.setdefault(requirement.group, []).append(requirement)
    context = {
        "item": item,
        "groups": list(groups.values()),
        "breadcrumb": [
            {"label": pgettext("navigation", "Home"), "url": reverse("home")},
            {"label": pgettext("navigation", "Services"), "url": reverse("catalogue")},
            {"label": item.code},
        ],
        "random_off": _random_off(item, clock.local_date(clock.now())),
    }
    return render(request, "marketplace/catalogue_item.html", context)


def _random_off(item: ServiceItem, on: date) -> str:
    """The legal basis on which random selection is switched off for this item; "" where it is open."""
    try:
        rule = parameters.parameter("mode.random.off_items", on)
    except parameters.UnknownParameter:
        return ""
    return rule.basis if item.code in rule.value.split(",") else ""


# ---------- about the site ----------


@access("public")
@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Who runs the site, what it keeps about people, and the key it signs with."""
    return render(
        request, "marketplace/about.html", {"log_name": settings.LOG_NAME, "log_key": vault.log_public_key()}
    )


@access("public")
@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """What each role does here, and the words of the trade."""
    return render(request, "marketplace/help.html", {"terms": glossary.TERMS})


@access("public")
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "marketplace/accessibility.html")
