"""Faults of the authorization side, one for each rule that has some: each is killed by the checks of its requirement.

`patient-access prove` shows the same for every fault and with the whole suite; this is the part that is run with every change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.payer.rules import CATALOG, Fault
from suites.kit import traceability
from tests.contract.test_payer_faults import all_faults
from tests.mutants.payer import Judged, RunningPayer, judge


def chosen() -> list[Fault]:
    """The first fault of each rule of the authorization server whose requirement a check decides."""
    all_faults()
    deciding = traceability.checks()
    by_rule: dict[str, Fault] = {}
    for fault in CATALOG.values():
        # What another deployment shows is tried there by `patient-access prove`.
        if fault.rule.startswith("authorization.") and fault.on == "reference" and deciding.get(fault.violates):
            by_rule.setdefault(fault.rule, fault)
    return [by_rule[rule] for rule in sorted(by_rule)]


FAULTS = chosen()


@pytest.fixture(scope="module")
def judged(payer: RunningPayer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """Each mutant, judged by the checks of the requirement it breaks."""
    folder: Path = tmp_path_factory.mktemp("authorization")
    runs = judge(payer, folder, [(fault.id, sorted({fault.violates, *fault.also})) for fault in FAULTS])
    return {run.fault: run for run in runs}


def test_most_rules_have_a_fault_to_show() -> None:
    assert len(FAULTS) >= 40


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_fault_is_killed_by_the_checks_of_its_requirement(judged: dict[str, Judged], fault: Fault) -> None:
    run = judged[fault.id]
    broken = {fault.violates, *fault.also}
    assert [one["check"] for one in run.failed() if broken & set(one["requirements"])], run.undecided()[:3]
    assert [one["check"] for one in run.failed() if not broken & set(one["requirements"])] == []
