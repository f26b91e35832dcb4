"""The entry of one owner of the demo, played through the real acts with moments in the past."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile

from agencies.demo_entry import scan
from marketplace.models import Organisation, User
from projects import owners
from projects.models import OwnerEntry

STEP = timedelta(minutes=10)


def enter_owner(
    *,
    manager: User,
    name: str,
    code: str,
    public: bool,
    head: str,
    at: datetime,
    checker: User | None = None,
) -> OwnerEntry:
    """From the registration at `at` to the approval by `checker`, or to the submission without one. Nobody is told of
    an approval that lies in the past. `head` is the person in charge."""
    nature = Organisation.Nature.PUBLIC if public else Organisation.Nature.ENTERPRISE
    contact = {"contact_name": manager.full_name, "contact_phone": manager.phone, "contact_email": manager.email}
    entry = owners.register_owner(name=name, nature=nature, code=code, contact=contact, actor=manager, at=at)
    data = {"legal_representative": head, "address": f"瑞昌市{name.removeprefix('瑞昌市')}办公楼"}
    owners.update_owner(entry, data, actor=manager, at=at + STEP)
    for kind in ("registration", "authority"):
        file = SimpleUploadedFile(f"{kind}.pdf", scan(f"{kind} of {code}"), "application/pdf")
        owners.put_owner_file(entry, kind, file, actor=manager, at=at + 2 * STEP)
    entry = owners.submit_owner(entry, actor=manager, at=at + 3 * STEP, quiet=checker is not None)
    if checker is None:
        return entry
    return owners.approve_owner(entry, actor=checker, at=at + 3 * STEP + timedelta(hours=3), quiet=True)
