"""A dataset is served by the deployment whose guides it has; where somebody wants another, the misfit is said with what to do."""

from __future__ import annotations

import pytest

from simulators.payer import fitting
from simulators.payer.deployment import load, names

MIXED = {"us_core": "3.1.1", "carin_bb": "2.0.0", "pdex": "2.0.0", "plan_net": "1.1.0", "formulary": "2.0.1"}
CURRENT = {**MIXED, "us_core": "6.1.0"}
LEGACY = {"us_core": "3.1.1", "carin_bb": "1.0.0", "pdex": "1.0.0", "plan_net": "1.0.0", "formulary": "1.0.1"}


@pytest.mark.parametrize(
    ("guides", "name"), [(MIXED, "reference"), (CURRENT, "current"), (LEGACY, "legacy"), (None, "reference")]
)
def test_a_dataset_finds_its_deployment(guides: dict[str, str] | None, name: str) -> None:
    found = fitting.deployment_for({"guides": guides})
    assert found.name == name
    assert fitting.warning(found, {"guides": guides}) == ""


def test_a_misfit_is_said_with_both_ways_out() -> None:
    said = fitting.warning(load("reference"), {"guides": CURRENT})
    assert "us-core 6.1.0 (named: 3.1.1)" in said
    assert "--guide us-core@3.1.1" in said
    assert said.endswith("serve --deployment current")


def test_a_payer_of_two_versions_takes_records_of_either() -> None:
    assert (
        fitting.warning(load("connex"), {"guides": CURRENT}) == fitting.warning(load("connex"), {"guides": MIXED}) == ""
    )


@pytest.mark.parametrize("name", names())
def test_every_deployment_says_something_about_a_guide_nobody_has(name: str) -> None:
    assert "us-core 99.0.0" in fitting.warning(load(name), {"guides": {"us_core": "99.0.0"}})
