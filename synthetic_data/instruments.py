"""Answering an assessment instrument: item scores of someone as ill as a severity, within the scales of `codes/instruments.yaml`."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from synthetic_data.yaml_tables import table


def answer(random: Random, instrument: str, severity: float) -> tuple[int, ...]:
    """Item answers of someone as ill as `severity`; their sum is the total."""
    answers = []
    for highest, weight in items_of(instrument):
        mean = highest * min(1.0, severity * weight)
        answers.append(min(highest, max(0, round(random.gauss(mean, 0.13 * highest + 0.12)))))
    return tuple(answers)


@lru_cache(maxsize=32)
def items_of(instrument: str) -> tuple[tuple[int, float], ...]:
    """For each item of an instrument, its highest score and its weight."""
    tables = table("codes/instruments.yaml")
    items = tables["instruments"][instrument]["items"]
    if isinstance(items, dict):
        highest = len(tables["answer_lists"][items["answers"]]) - 1
        return tuple((highest, 1.0) for _ in range(items["count"]))
    return tuple((len(tables["answer_lists"][one["answers"]]) - 1, one.get("weight", 1.0)) for one in items)
