"""Three faults, one for each kind of mistake, each seen to turn exactly its requirement red while the reference stays green."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.payer.rules import CATALOG
from tests.contract.test_payer_faults import all_faults
from tests.mutants.payer import Judged, RunningPayer, judge

FAULTS = ("code-replay-accepted", "another-members-record-returned", "smart-configuration-served-as-html")
CHAPTERS = ("discovery", "tokens", "isolation")
OPTIONS = [word for name in CHAPTERS for word in ("--suite", name)]


@pytest.fixture(scope="module")
def judged(payer: RunningPayer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """The reference and the three mutants, judged by the same chapters."""
    folder: Path = tmp_path_factory.mktemp("first-light")
    runs = judge(payer, folder, [(fault, ["*"]) for fault in ("", *FAULTS)], OPTIONS)
    return {run.fault: run for run in runs}


def test_the_reference_is_green(judged: dict[str, Judged]) -> None:
    run = judged[""]
    assert [(one["check"], one["message"]) for one in run.failed()] == []
    assert run.undecided() == []
    assert len(run.results) >= 90


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_exactly_its_requirement_red(judged: dict[str, Judged], fault: str) -> None:
    all_faults()
    declared = CATALOG[fault]
    broken = {declared.violates, *declared.also}
    failed = judged[fault].failed()
    assert failed, f"nothing failed under {fault}; undecided: {judged[fault].undecided()[:5]}"
    stray = [one["check"] for one in failed if not broken & set(one["requirements"])]
    assert stray == [], f"{fault} breaks {sorted(broken)}, but these failed too"
