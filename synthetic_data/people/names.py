"""Names drawn from Faker's tables with this room's own streams.

Faker's own drawing costs about a millisecond a person; its tables, read once, cost a microsecond a name and need no
instance to be seeded.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from random import Random
from typing import cast

from synthetic_data.seeds import Weighted


class Names:
    """The given and family names of one Faker locale."""

    def __init__(self, locale: str) -> None:
        """Read the locale's tables."""
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        self._female = _weighted(provider.first_names_female)
        self._male = _weighted(provider.first_names_male)
        self._family = _weighted(provider.last_names)

    @staticmethod
    @cache
    def of(locale: str) -> Names:
        """The names of a locale, read once a process."""
        return Names(locale)

    def given(self, random: Random, gender: str) -> str:
        """A given name."""
        return cast(str, (self._female if gender == "female" else self._male).draw(random))

    def family(self, random: Random) -> str:
        """A family name."""
        return cast(str, self._family.draw(random))


def _weighted(names: Mapping[str, float] | Iterable[str]) -> Weighted:
    if isinstance(names, Mapping):
        return Weighted([(name, float(weight)) for name, weight in names.items()])
    return Weighted([(name, 1.0) for name in names])
