"""Every deployment and every variant is certified whole, without a breach that its founding document does not explain.

What a document makes a payer do otherwise is data with a reason (tests/expected): an expected finding that is gone fails too. Variants are odd
but legal, so that nothing is expected of them.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from suites.proving.catalogue import System, systems
from suites.proving.payer import MADE
from tests import made
from tests.mutants.payer import COMMAND, running

EXPECTED = Path(__file__).parents[1] / "expected"
MEMBERS = 40  # with fewer, some that are planted for one thing each are not there
SECONDS = 1500
LEAST = 900  # checks that pass at least


def dataset(system: System) -> Path:
    """Members for the guides of a deployment, shared by all that claim the same; the first version of a guide counts."""
    first: dict[str, str] = {}
    for guide in system.guides:
        if guide.partition("@")[0] in MADE:
            first.setdefault(guide.partition("@")[0], guide)
    guides = [word for one in sorted(first.values()) for word in ("--guide", one)]
    return made.dataset("--members", str(MEMBERS), "--seed", "7", *guides)


@pytest.mark.parametrize("name", systems())
def test_a_deployment_has_only_expected_findings(name: str, tmp_path: Path) -> None:
    waivers = EXPECTED / f"{name}.toml"
    data = dataset(systems()[name])
    with running(tmp_path, "--dataset", str(data), "--deployment", name) as payer:
        words = [COMMAND, "certify", "server", "--target", str(payer.target), "--out", str(tmp_path / "run")]
        words += ["--jobs", "1", "--format", "json", *(["--waivers", str(waivers)] if waivers.exists() else [])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    said = [line for line in done.stderr.splitlines() if line.startswith(("FAIL ", "INCONCLUSIVE "))]
    assert (done.returncode, [line for line in said if line.startswith("FAIL ")]) == (0, []), done.stderr[-2500:]
    summary = json.loads(done.stdout)
    assert summary["failed"] == 0
    assert summary["passed"] > LEAST
