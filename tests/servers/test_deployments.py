"""Every deployment is judged without a breach that its founding document does not explain (tests/expected, data with reasons)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import simulators.payer
from tests.mutants.payer import COMMAND, running

EXPECTED = Path(__file__).parents[1] / "expected"
DEPLOYMENTS = sorted(path.stem for path in (Path(simulators.payer.__file__).parent / "deployments").glob("*.toml"))


# What differs most between deployments; the whole of every deployment and variant is `patient-access prove`.
CHAPTERS = ("discovery", "registration", "documentation", "member_education", "portal")


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_deployment_has_only_expected_findings(deployment: str, tmp_path: Path) -> None:
    waivers = EXPECTED / f"{deployment}.toml"
    options = ["--waivers", str(waivers)] if waivers.exists() else []
    with running(tmp_path, "--deployment", deployment) as payer:
        words = [
            COMMAND,
            "certify",
            "server",
            "--target",
            str(payer.target),
            "--out",
            str(tmp_path / "run"),
            "--jobs",
            "1",
        ]
        done = subprocess.run(
            [*words, *options, *(word for name in CHAPTERS for word in ("--suite", name)), "--format", "json"],
            capture_output=True,
            text=True,
            timeout=900,  # a second factor is taken once each half minute
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2500:]
    summary = json.loads(done.stdout)
    assert summary["failed"] == 0
    assert summary["inconclusive"] == 0
    assert summary["passed"] > 40
