"""Check digits of identifiers: the National Provider Identifier (45 CFR 162.406; ISO/IEC 7812, Luhn)."""

from __future__ import annotations

import re

NPI_PREFIX = "80840"  # issuer and country, which the check digit is computed with


def npi_is_valid(npi: str) -> bool:
    """Ten digits that begin with 1 or 2 and end with their check digit."""
    if not re.fullmatch(r"[12]\d{9}", npi):
        return False
    total = 0
    for place, digit in enumerate(reversed(NPI_PREFIX + npi)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
