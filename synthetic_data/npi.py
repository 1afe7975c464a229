"""National Provider Identifiers with valid check digits in a range that names nobody.

CMS issues numbers that begin with 1; those that begin with 2 are reserved and unassigned, and pass the same Luhn check (the
number prefixed with 80840, ISO/IEC 7812).
"""

from __future__ import annotations


def luhn_check_digit(digits: str) -> int:
    """The digit that completes `digits` under the Luhn formula."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        number = int(character)
        if position % 2 == 0:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return -total % 10


def npi(serial: int) -> str:
    """The fictional NPI number `serial` (0 to 99,999,999)."""
    if not 0 <= serial < 100_000_000:
        raise ValueError(f"an NPI serial has at most eight digits, not {serial}")
    body = f"2{serial:08d}"
    return f"{body}{luhn_check_digit('80840' + body)}"


def is_valid_npi(text: str) -> bool:
    """Ten digits whose last completes the Luhn formula."""
    return len(text) == 10 and text.isdigit() and luhn_check_digit("80840" + text[:9]) == int(text[9])
