"""Every search parameter a guide's CapabilityStatement lists finds somebody and leaves somebody out."""

from __future__ import annotations

import pytest

from suites.record.cases import parameters, registry
from suites.record.expressions import elements
from suites.record.values import value_for
from tests.unit.synthetic_data.audit.population import GUIDES, population

# What no value can be planted for, with the reason.
NOT_SHOWN = {
    ("*", "near"): "special: a distance, computed from positions that Location.position is looked at for",
    ("*", "_text"): "a server's own index of words",
    ("*", "_content"): "a server's own index of words",
    ("Basic", "code"): "the profile fixes the code, so that every item of a formulary has the same",
}
CASES = [(family, guide) for family, guides in GUIDES.items() for guide in guides]


def shown(family: str, guide: str) -> dict[tuple[str, str], tuple[int, int]]:
    """For each type and parameter a guide lists: the distinct values in the population, and the resources that have none."""
    guides = GUIDES[family]
    people = population(family)
    capability = registry(guides).capability(guide)
    assert capability is not None, guide
    found = {}
    for kind, resource in capability.resources.items():
        known = parameters(guides, guide, kind)
        names = {one.name for one in resource.search_parameters} | {
            name for combination, _ in resource.combinations for name in combination
        }
        for name in sorted(names):
            if {("*", name), (kind, name)} & NOT_SHOWN.keys() or name not in known:
                continue
            values: set[str] = set()
            without = 0
            for one in people.by_type.get(kind, ()):
                own = {value_for(known[name].type, element) for element in elements(known[name], one)} - {""}
                values |= own
                without += not own
                if len(values) > 1:
                    break
            found[(kind, name)] = (len(values), without)
    return found


@pytest.mark.parametrize(("family", "guide"), CASES)
def test_every_search_parameter_finds_some_and_leaves_some_out(family: str, guide: str) -> None:
    lacking = {
        f"{kind}.{name}": "no value" if not values else "one value everywhere"
        for (kind, name), (values, without) in shown(family, guide).items()
        if not values or (values == 1 and not without)
    }
    assert not lacking, f"{guide} ({family}): {lacking}"


def test_the_guides_list_search_parameters_at_all() -> None:
    counted = {guide: len(shown(family, guide)) for family, guide in CASES}
    assert counted["us-core@6.1.0"] > 100
    assert counted["plan-net@1.1.0"] > 50
    assert sum(counted.values()) > 400
