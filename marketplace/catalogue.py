"""The catalogue of service items, loaded from a data file of the project."""

from __future__ import annotations

import csv
import re
from hashlib import sha256
from pathlib import Path

from django.db import transaction

from .models import Organisation, Requirement, ServiceClass, ServiceItem

FILE = Path(__file__).parent / "data" / "catalogue.csv"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def credit_code(body: str) -> str:
    """Complete 17 characters of a unified social credit code with its check digit (GB 32100-2015)."""
    total = sum(ALPHABET.index(character) * weight for character, weight in zip(body, WEIGHTS, strict=True))
    return body + ALPHABET[(31 - total % 31) % 31]


def _public_body_code(name: str) -> str:
    """A stable, well-formed code for a public body of a new installation, until its own is entered (category 11, 360481)."""
    digest = sha256(name.encode()).digest()
    return credit_code("11360481" + "".join(ALPHABET[byte % 31] for byte in digest[:9]))


def authority_name(short: str, place: str = "瑞昌市") -> str:
    return f"{place}{short}主管部门"


@transaction.atomic
def load(path: Path = FILE) -> int:
    """Insert or update classes, items, requirements and authorities; running it again changes nothing. Returns the items."""
    classes: dict[str, ServiceClass] = {}
    count = 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code = row["code"]
            if code[0] not in classes:
                classes[code[0]], _ = ServiceClass.objects.update_or_create(
                    code=code[0], defaults={"name_zh": row["class_zh"], "name_en": row["class_en"]}
                )
            name = authority_name(row["authority_zh"])
            authority, _ = Organisation.objects.get_or_create(
                kind=Organisation.Kind.AUTHORITY,
                name=name,
                defaults={"code": _public_body_code(name), "nature": Organisation.Nature.PUBLIC},
            )
            item, _ = ServiceItem.objects.update_or_create(
                code=code,
                defaults={
                    "service_class": classes[code[0]],
                    "name_zh": row["name_zh"],
                    "name_en": row["name_en"],
                    "authority": authority,
                    "approval_linked": row["approval_linked"] == "yes",
                },
            )
            kind = row["requirement_kind"]
            Requirement.objects.update_or_create(
                item=item,
                group=1,
                kind=kind,
                defaults={"text": row["requirement_zh"], "is_mandatory": kind != Requirement.Kind.RATING},
            )
            count += 1
    return count


def levels(text: str) -> list[str]:
    """The levels a requirement's text names, in order (甲级, 乙级, …); empty when it names none."""
    return re.findall(r"[甲乙丙一二三]级|[一二]类", text)
