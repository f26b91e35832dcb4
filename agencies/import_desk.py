"""What the lists of agencies put on the desk of the office: their doors. No query."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace import accounts
from marketplace.models import Organisation, User


def cards(user: User | None, at: datetime) -> list[dict[str, Any]]:
    if not accounts.acts_as(user, Organisation.Kind.OFFICE):
        return []
    doors = [
        (_("Import agencies"), reverse("office_import"), _("A spreadsheet, checked row by row")),
        (_("All agencies as a spreadsheet"), reverse("agency_export"), _("XLSX, every state, with contacts")),
        (_("Agencies in figures"), reverse("agency_statistics"), _("Public")),
    ]
    items = [{"title": title, "url": url, "hint": hint, "due": None, "light": ""} for title, url, hint in doors]
    return [{"title": _("Lists of agencies"), "count": 0, "url": reverse("office_import"), "items": items}]
