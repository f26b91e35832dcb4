"""Numbers of identity documents: checked, sealed, and found again by a keyed digest."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from stdnum import numdb
from stdnum.cn import ric
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength
from stdnum.exceptions import ValidationError as NumberError

from . import vault
from .errors import Text

PURPOSE = "identity-document"
RESIDENT, OTHER = "resident", "other"


@dataclass(frozen=True)
class Sealed:
    """A number as it is stored: sealed, its keyed digest (64 hex digits), and its last four characters."""

    sealed: bytes
    digest: str
    hint: str


def check(kind: str, number: str) -> tuple[str, list[Text]]:
    """The number in its compact form and what is wrong with it.

    `resident`: GB 11643-1999, 18 characters with birth date and check digit. `other`: a passport or permit of 5 to 20
    letters and digits.
    """
    compact = "".join(unicodedata.normalize("NFKC", number).upper().split()).replace("-", "")
    if kind == OTHER:
        if compact.isascii() and compact.isalnum() and 5 <= len(compact) <= 20:
            return compact, []
        return compact, [_("A passport or permit number has 5 to 20 letters and digits.")]
    try:
        ric.validate(compact)
    except InvalidLength:
        return compact, [
            _("A resident identity number has 18 characters; this one has {count}.").format(count=len(compact))
        ]
    except InvalidChecksum:
        return compact, [_("The check digit does not fit: at least one character is mistyped.")]
    except NumberError as fault:
        if not (isinstance(fault, InvalidComponent) and _exists(compact)):
            return compact, [_("This is not a resident identity number: region or date of birth do not exist.")]
    return compact, []


def _exists(number: str) -> bool:
    """Region and date of birth exist, each for itself. The library also refuses who was born before the region was
    founded, but numbers were given from 1984 on: most people born before carry a region that is younger than they."""
    try:
        ric.get_birth_date(number)
    except NumberError:
        return False
    return any("county" in names for _part, names in numdb.get("cn/loc").info(number[:6]))


def seal(kind: str, number: str) -> Sealed:
    """`number` in the compact form of `check`."""
    text = f"{kind}:{number}"
    return Sealed(vault.seal(text.encode(), purpose=PURPOSE), digest(kind, number), number[-4:])


def digest(kind: str, number: str) -> str:
    return vault.keyed_digest(f"{kind}:{number}", purpose=PURPOSE)


def unseal(sealed: bytes) -> tuple[str, str]:
    """(kind, number) of a sealed number. Raises vault.Damaged."""
    kind, _colon, number = vault.unseal(sealed, purpose=PURPOSE).decode().partition(":")
    return kind, number
