"""Numbers of identity documents: what is refused and why, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils.translation import override

from marketplace import identity, vault

GOOD = "360481199003071235"


def valid(body: str) -> str:
    """A body of 17 digits with its check character (GB 11643-1999)."""
    total = sum(
        int(digit) * weight
        for digit, weight in zip(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return body + "10X98765432"[total % 11]


def test_a_number_with_its_check_digit_is_accepted_in_any_typing() -> None:
    number = valid("36048119900307123")
    assert identity.check("resident", number) == (number, [])
    typed = " ".join([number[:6], number[6:14], number[14:].lower()])
    assert identity.check("resident", typed) == (number, [])
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in number)
    assert identity.check("resident", full_width) == (number, [])


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (valid("36048119900307123")[:-1], "has 18 characters; this one has 17"),
        ("36048119900307123" + ("0" if valid("36048119900307123")[-1] != "0" else "1"), "check digit"),
        (valid("36048119901307123"), "region or date of birth"),
        (valid("00048119900307123"), "region or date of birth"),
        ("", "has 18 characters; this one has 0"),
    ],
)
def test_a_wrong_number_is_refused_with_what_is_wrong(number: str, fault: str) -> None:
    with override("en"):
        _compact, faults = identity.check("resident", number)
        assert len(faults) == 1
        assert fault in str(faults[0])


@pytest.mark.parametrize("year", [1948, 1965, 1982, 1990])
def test_people_older_than_their_region_have_good_numbers_too(year: int) -> None:
    number = valid(f"360481{year}0307123")
    assert identity.check("resident", number) == (number, [])


@pytest.mark.parametrize(("number", "good"), [("e1234-5678", True), ("AB12", False), ("护照123456", False)])
def test_a_passport_is_letters_and_digits(number: str, good: bool) -> None:
    assert (identity.check("other", number)[1] == []) is good


def test_the_same_number_is_found_again_and_cannot_be_read_from_what_is_kept(keys: Path) -> None:
    number = valid("36048119900307123")
    vault._key.cache_clear()
    first, second = identity.seal("resident", number), identity.seal("resident", number)
    assert first.digest == second.digest == identity.digest("resident", number)
    assert first.sealed != second.sealed
    assert number.encode() not in first.sealed
    assert identity.unseal(first.sealed) == ("resident", number)
    assert first.hint == number[-4:]
    assert identity.digest("other", number) != first.digest


def test_another_installation_makes_another_digest(keys: Path, tmp_path: Path, settings: object) -> None:
    number = valid("36048119900307123")
    vault._key.cache_clear()
    here = identity.digest("resident", number)
    settings.KEYS_DIR = tmp_path / "other"  # type: ignore[attr-defined]
    assert identity.digest("resident", number) != here
