"""summary.json: a run in a few numbers, for scripts and for the last lines of a demo."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from reports.html.page import written_whole
from reports.model import Verdict, run_verdict
from reports.reader import Run

DECIDED = (Verdict.PASS, Verdict.FAIL)


def summary(run: Run) -> dict[str, Any]:
    """The verdict, how many checks there were, and how many requirements they judged."""
    counts = Counter(result.verdict for result in run.results)
    judged = {id for result in run.results if result.verdict in DECIDED for id in result.requirements}
    return {
        "verdict": run_verdict(run.results).name,
        "checks": len(run.results),
        "passed": counts[Verdict.PASS],
        "failed": counts[Verdict.FAIL],
        "inconclusive": counts[Verdict.INCONCLUSIVE],
        "skipped": counts[Verdict.SKIPPED],
        "not_applicable": counts[Verdict.NOT_APPLICABLE],
        "requirements": len(judged),
    }


def write(run: Run, target: Path) -> None:
    """Write summary.json."""
    with written_whole(target) as file:
        file.write(json.dumps(summary(run), indent=2) + "\n")
