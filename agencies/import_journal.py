"""What an import of the office records: an event in the stream of each agency, and letters to who started it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from marketplace import events, notifications

IMPORTED = events.register(
    "agency.imported",
    _("The office took {name} over from a list; its people have yet to claim it."),
    # `import` is the number of the list.
    data={"code": str, "name": str, "origin": str, "items": list, "import": int},
    private={"legal_representative": str, "contact_name": str, "contact_phone": str, "contact_email": str},
)

NOTE_DONE = notifications.register(
    "import.done",
    _("Your list is imported: {file}"),
    _("{count} agencies of {file} are imported. Their people may claim them by their credit codes."),
)
NOTE_FAULTY = notifications.register(
    "import.faulty",
    _("Your list needs correction: {file}"),
    _("{file} has {count} faults. Nothing was imported; the page of the import names each of them."),
)
