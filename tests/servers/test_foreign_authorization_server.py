"""An authorization server not ours, judged by the same chapters: npm's certified OpenID provider, with as much SMART as a launch needs.

Its findings were reviewed by hand and are kept with their reasons (tests/expected/oidc-provider.toml); one that is gone fails too.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.foreign import provider
from tests.mutants.payer import COMMAND

CHAPTERS = (
    *("discovery", "launch", "authorization_errors", "tokens", "refresh", "revocation", "introspection", "openid"),
    *("token_use", "transport", "registration"),
)
EXPECTED = Path(__file__).parents[1] / "expected" / "oidc-provider.toml"
# The Patient behind the provider's tokens is not searched.
UNDECIDED = ["discovery.capability_statement.listed_types_are_served"]


def test_a_provider_not_ours_has_only_the_findings_reviewed(tmp_path: Path) -> None:
    suites = [word for name in CHAPTERS for word in ("--suite", name)]
    with provider.running(tmp_path) as target:
        words = [COMMAND, "certify", "server", "--target", str(target), "--jobs", "1", "--waivers", str(EXPECTED)]
        done = subprocess.run(
            [*words, "--out", str(tmp_path / "run"), *suites], capture_output=True, text=True, timeout=500, check=False
        )
    lines = [json.loads(line) for line in (tmp_path / "run" / "run.jsonl").read_text("utf-8").splitlines()]
    checks = [line for line in lines if line["kind"] == "check"]
    found = [
        f"{one['check']}: {one['message']}" for one in checks if one["verdict"] == "FAIL" and not one.get("waived")
    ]
    assert found == []
    assert [one["check"] for one in checks if one["verdict"] == "INCONCLUSIVE"] == UNDECIDED
    # Without its clock, what takes hours is left undone, and says so.
    skipped = [one["message"] for one in checks if one["verdict"] == "SKIPPED"]
    assert [one for one in skipped if "of waiting" not in one and not one.startswith("waived until")] == []
    assert sum(one["verdict"] == "PASS" for one in checks) > 330
    assert done.returncode == 3, done.stderr[-1500:]
