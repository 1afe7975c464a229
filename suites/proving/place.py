"""A place to judge in: one payer and one warm bench of checks beside it, both processes of their own.

`place.judge(faults, checks)` puts the payer back to its beginning, switches the faults on and has the bench run the checks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from suites.proving import bench
from suites.proving.payer import CannotProve, Payer, running

SUITES = Path(__file__).parent.parent
CHECK_SECONDS, VARIANT_SECONDS = (
    30,
    150,
)  # of one check: a fault may hang, a variant may be slow and must come to its end
ATTACKS = 300  # requests of the seeded attacks on other members' records, where a sample will do
RECORDS = 3  # members whose records are judged throughout, where a sample will do; what they do not show is still looked for in others


@dataclass(frozen=True)
class Check:
    """A check as collected against one payer."""

    id: str
    chapter: str
    level: str
    requirements: frozenset[str]
    cited: tuple[str, ...]
    type: str
    generated: bool
    exclusive: bool

    @property
    def function(self) -> str:
        """The check without its case."""
        return self.id.partition("[")[0]

    @property
    def guide(self) -> str:
        """The guide of a generated case, version included."""
        case = self.id.partition("[")[2]
        return case.partition(f"-{self.type}")[0] if self.generated else ""


@dataclass(frozen=True)
class Result:
    """How one check ended."""

    check: str
    verdict: str
    requirements: frozenset[str]
    level: str
    message: str
    seconds: float
    browser: bool
    waived: bool


@dataclass(frozen=True)
class Judged:
    """One order carried out; `trouble` says why it was not, or not wholly."""

    results: tuple[Result, ...]
    trouble: str = ""
    cpu: float = 0.0  # seconds the checks' process worked, its browser's aside

    def failed(self) -> list[Result]:
        """The checks that are red."""
        return [one for one in self.results if one.verdict == "FAIL"]

    def undecided(self) -> list[Result]:
        """The checks that came to nothing."""
        return [one for one in self.results if one.verdict == "INCONCLUSIVE"]


class Place:
    """A payer with its bench."""

    def __init__(
        self,
        payer: Payer,
        folder: Path,
        bench: subprocess.Popen[bytes],
        orders: IO[bytes],
        answers: IO[bytes],
        checks: list[Check],
    ) -> None:
        self.payer, self.folder = payer, folder
        self.checks = {one.id: one for one in checks}
        self._bench, self._orders, self._answers = bench, orders, answers

    def interrupt(self) -> None:
        """End the bench and whatever it judges just now; `judge` then says so."""
        with suppress(ProcessLookupError):
            self._bench.terminate()

    def judge(self, faults: Sequence[str], checks: Iterable[str], seconds: float) -> Judged:
        """Judge the payer under these faults by these checks, `seconds` at most."""
        self.payer.begin(faults)
        out = self.folder / "results.jsonl"
        out.unlink(missing_ok=True)
        order = {"checks": list(checks), "out": str(out), "seconds": seconds}
        try:
            self._orders.write(json.dumps(order).encode() + b"\n")
            self._orders.flush()
        except OSError as gone:
            raise CannotProve(f"the checks' process has ended: {gone.strerror}") from None
        answer = _answer(self._answers)
        if not out.exists():
            return Judged((), answer.get("said") or "the checks left no results")
        lines = out.read_text(encoding="utf-8").split("\n")
        return Judged(
            tuple(_result(json.loads(line)) for line in lines if line), answer.get("said", ""), answer.get("cpu", 0.0)
        )


def _result(line: dict[str, Any]) -> Result:
    return Result(**{**line, "requirements": frozenset(line["requirements"])})


def _answer(answers: IO[bytes]) -> dict[str, Any]:
    line = answers.readline()
    if not line:
        raise CannotProve("the checks' process has ended")
    return dict(json.loads(line))


@contextmanager
def opened(
    folder: Path,
    data: Path,
    deployment: str,
    waivers: Path | None = None,
    full: bool = False,
    check_seconds: int = CHECK_SECONDS,
) -> Iterator[Place]:
    """Start a payer and a bench for it; both end with the block. Only where `full`, attacks and records are as many as in a certification."""
    with running(folder, data, deployment) as payer:
        words = [sys.executable, "-m", "pytest", "-c", str(SUITES / "pytest.ini"), "--rootdir", str(SUITES), "-q", "-s"]
        words += ["--no-header", "--tb=no", "-p", "suites.proving.bench", "--target", str(payer.target)]
        words += ["--check-seconds", str(check_seconds), *(["--waivers", str(waivers)] if waivers else []), str(SUITES)]
        words += [] if full else ["--isolation-requests", str(ATTACKS), "--members-judged", str(RECORDS)]
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        environment = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            bench.PIPES: f"{theirs_in},{theirs_out}",
        }
        with (folder / "checks.log").open("wb") as log:
            child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(theirs_in, theirs_out),
            )
        os.close(theirs_in)
        os.close(theirs_out)
        orders, answers = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        try:
            yield Place(payer, folder, child, orders, answers, _ready(answers, folder))
        finally:
            with suppress(OSError):
                orders.close()  # the bench ends when its orders do, and the fork under way with it
            answers.close()
            _end(child)


def _ready(answers: IO[bytes], folder: Path) -> list[Check]:
    try:
        told = _answer(answers)["ready"]
    except CannotProve:
        said = (folder / "checks.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise CannotProve(f"the checks could not be collected: {' '.join(said[-3:])[:600]}") from None
    return [
        Check(**{**one, "requirements": frozenset(one["requirements"]), "cited": tuple(one["cited"])}) for one in told
    ]


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
