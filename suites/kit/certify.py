"""`certify server`: a first look at the target, then the checks by pytest in processes of their own, then the summary.

Checks that move the target's clock or spend its limits run last and alone.
"""

from __future__ import annotations

import difflib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suites.kit import snapshot
from suites.kit.http import Http
from suites.kit.masking import Masker
from suites.kit.outcomes import BadTarget, CertificateRefused, NonConformance, TargetUnreachable, shorten
from suites.kit.recipe import CODES_TYPED_UNTIL
from suites.kit.recorder import Recorder
from suites.kit.target import Target, load
from suites.protocol import urls

SUITES = Path(__file__).parent.parent
USAGE, INTERRUPTED = 4, 2  # pytest's own exit codes


@dataclass(frozen=True)
class Order:
    """What was asked for on the command line."""

    target: Path
    out: Path
    suites: Sequence[str] = ()
    requirements: Sequence[str] = ()
    jobs: int = 2
    waivers: Path | None = None
    resume: Path | None = None
    since: Path | None = None
    visible: bool = False
    seed: int = 7
    check_seconds: float = 60.0
    run_seconds: float = 0.0
    extra: Sequence[str] = field(default=())


def first_look(target: Target) -> str:
    """One line on what is wrong with the target at first sight, empty when nothing is; TargetUnreachable when nobody answers."""
    http = Http(target.network, Recorder(None, "look", Masker()))
    url = urls.smart_configuration(target.server.fhir_base)
    try:
        answer = http.get(url, headers={"Accept": "application/json"})
        if answer.status != 200:
            return f"{url} answered {answer.status}; without a SMART configuration nothing can be launched"
        try:
            document = answer.json()
        except NonConformance as wrong:
            return f"{url}: {wrong.findings[0].found}"
        if not isinstance(document, dict):
            return f"{url} answered with a JSON {type(document).__name__}, not an object"
        if answer.media_type != "application/json":
            return f"{url} says Content-Type {shorten(answer.header('content-type') or 'nothing', 80)}, not application/json"
        return ""
    finally:
        http.close()


def command(order: Order, *more: str) -> list[str]:
    """The pytest call for an order."""
    places = [str(SUITES / name) for name in order.suites] or [str(SUITES)]
    words = [sys.executable, "-m", "pytest", "-c", str(SUITES / "pytest.ini"), "--rootdir", str(SUITES)]
    words += ["-p", "xdist.plugin", "-q", "--no-header", "--target", str(order.target)]
    words += ["--seed", str(order.seed), "--check-seconds", str(order.check_seconds)]
    for name in order.suites:
        words += ["--suite", name]
    for prefix in order.requirements:
        words += ["--requirement", prefix]
    if order.run_seconds:
        words += ["--run-seconds", str(order.run_seconds)]
    if order.waivers:
        words += ["--waivers", str(order.waivers)]
    if order.since:
        words += ["--since", str(order.since)]
    if order.visible:
        words += ["--visible"]
    return [*words, *order.extra, *more, *places]


def known_chapters() -> list[str]:
    """The chapters there are: folders of checks."""
    return sorted(one.parent.name for one in SUITES.glob("*/test_*.py") if one.parent.name != "kit")


def run(order: Order) -> int:
    """Judge the target; gives the exit code."""
    target = load(order.target)
    for name in order.suites:
        if name not in known_chapters():
            near = difflib.get_close_matches(name, known_chapters(), n=1, cutoff=0.0)
            raise BadTarget(f"no chapter is called {name!r}; did you mean {near[0]!r}?")
    if order.since is not None:
        snapshot.of_target(order.since, target.server.fhir_base)
    try:
        warning = first_look(target)
    except CertificateRefused as wrong:
        # The target is there: what is wrong with its certificate is a verdict of the transport chapter.
        warning = str(wrong)
    except TargetUnreachable as wrong:
        print(f"patient-access: {order.target}: the target cannot be reached: {wrong}", file=sys.stderr)
        return 3
    if warning:
        print(f"patient-access: {warning}", file=sys.stderr)
    order.out.mkdir(parents=True, exist_ok=True)
    jobs = max(1, min(order.jobs, len(target.member) or 1))
    if jobs < order.jobs:
        print(
            f"patient-access: {jobs} jobs: each works with members of its own, and there are {len(target.member)}",
            file=sys.stderr,
        )
    first = ["--run-dir", str(order.out)]
    if order.resume is not None:
        first += ["--resume", str(order.resume)]
    if jobs == 1:
        return _outcome(_pytest(command(order, *first)))
    code = _outcome(_pytest(command(order, *first, "-n", str(jobs))))
    if code in (2, 130):
        return code
    run_file = order.out / "run.jsonl"
    if not run_file.exists():
        return code
    return _outcome(
        _pytest(command(order, "--run-dir", str(order.out), "--append", str(run_file), "-m", "exclusive"), time.time())
    )


def _pytest(words: list[str], codes_typed_until: float = 0.0) -> int:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONUNBUFFERED": "1"}
    environment[CODES_TYPED_UNTIL] = str(codes_typed_until)
    # What pytest says is talk; the result is printed by the command.
    with subprocess.Popen(words, stdout=sys.stderr, stderr=sys.stderr, env=environment) as child:
        try:
            return child.wait()
        except BaseException:
            # Whatever ends us ends the checks and their workers too: pytest stops them on an interrupt.
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
            raise


def _outcome(status: int) -> int:
    return {USAGE: 2, INTERRUPTED: 130}.get(status, status)
