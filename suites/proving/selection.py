"""Which checks judge what: by default the checks of a fault's requirement and their chapter, everything where the whole suite is asked for.

Generated checks come by the hundred and differ in the resource type only, so by default a sample judges that has every type once before
any type twice. A sample never decides that a fault survives: whatever claims it is asked before that is said (`second`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from suites.proving.catalogue import Fault
from suites.proving.place import Check

CLAIMED = 8  # cases of one generated check that claims the fault, asked first
DECLARED = 4  # cases of one generated check of what the fault says fails with it
NEIGHBOURS = 2  # cases of one generated check of the chapter that does not
VARIANT = 3  # cases of one generated check asked of a variant


@dataclass(frozen=True)
class Selection:
    """Checks asked first, and those asked only if none of the first turns red."""

    first: tuple[str, ...]
    second: tuple[str, ...] = ()


def for_fault(fault: Fault, checks: Mapping[str, Check], browsing: Collection[str], full: bool = False) -> Selection:
    """The checks for one fault. `browsing` are the checks known to drive a browser: asked first only where they claim the fault and no
    other does, or it is at home in their chapter."""
    if full:
        return Selection(tuple(checks))
    claiming = [one for one in checks.values() if fault.violates in one.requirements]
    declared = [one for one in checks.values() if fault.also & one.requirements and one not in claiming]
    home = chapter(fault.violates, claiming)
    first = [one for one in sampled(claiming, CLAIMED) if one.id not in browsing or one.chapter == home] or claiming
    beside = [one for one in checks.values() if one.chapter == home and one not in claiming and one.id not in browsing]
    chosen = {one.id for one in (*first, *sampled(declared, DECLARED), *sampled(beside, NEIGHBOURS))}
    rest = [one.id for one in claiming if one.id not in chosen]
    return Selection(tuple(id for id in checks if id in chosen), tuple(rest))


def for_variant(checks: Mapping[str, Check], full: bool = False) -> tuple[str, ...]:
    """The checks that must stay green on a variant: every one written by hand, and a sample of the generated."""
    if full:
        return tuple(checks)
    chosen = {one.id for one in sampled(checks.values(), VARIANT)}
    return tuple(id for id in checks if id in chosen)


def chapter(requirement: str, claiming: Sequence[Check]) -> str:
    """The chapter a requirement is at home in: where most checks cite it themselves, else where most decide it."""
    citing = [one for one in claiming if requirement in one.cited] or claiming
    counted = Counter(one.chapter for one in citing)
    return min(counted, key=lambda name: (-counted[name], name), default="")


def sampled(checks: Iterable[Check], most: int) -> list[Check]:
    """Every check written by hand, and of each generated one `most` cases: every type once before any twice."""
    kept: list[Check] = []
    families: dict[str, list[Check]] = {}
    for one in checks:
        if one.generated:
            families.setdefault(one.function, []).append(one)
        else:
            kept.append(one)
    for cases in families.values():
        turn = Counter[str]()
        ranked = []
        for place, one in enumerate(cases):
            ranked.append((turn[one.type], place, one))
            turn[one.type] += 1
        kept += [one for _, _, one in sorted(ranked, key=lambda each: each[:2])[:most]]
    return kept
