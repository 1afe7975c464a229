"""What a run is: verdicts, check results, header and footer. The vocabulary the judges write and the renderers read.

A run is a folder: `run.jsonl` (first line the header, one line per check result, last line the footer; JSON Schema beside
this file) and `evidence/WORKER.jsonl` (one masked exchange a line, see `Exchange`). A result names evidence as "WORKER/NUMBER".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

FORMAT = 1  # of run.jsonl; readers refuse another


class Verdict(IntEnum):
    """Verdicts by weight: a group has the heaviest verdict of its members."""

    NOT_APPLICABLE = 0
    PASS = 1
    SKIPPED = 2
    INCONCLUSIVE = 3
    FAIL = 4


BINDING = ("SHALL", "SHALL NOT")  # levels whose failure is a breach; SHOULD and MAY inform


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a group; nothing decided is not a pass."""
    heaviest = max(verdicts, default=Verdict.INCONCLUSIVE)
    return Verdict.INCONCLUSIVE if heaviest is Verdict.NOT_APPLICABLE else heaviest


def run_verdict(results: Iterable[CheckResult]) -> Verdict:
    """The verdict of a run, by its SHALL checks; where it has none, by all it has, so that nothing binding is not a pass."""
    judged = list(results)
    binding = [result.verdict for result in judged if result.level in BINDING and not result.waived]
    return overall(binding or [result.verdict for result in judged])


@dataclass(frozen=True)
class Finding:
    """One thing a check found: what was expected and what came, where (FHIRPath, URL or parameter), how often."""

    message: str
    expected: str = ""
    found: str = ""
    path: str = ""
    count: int = 1
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """A catalogue entry as a report needs it; copied into the header so that a run explains itself."""

    id: str
    level: str
    actor: str
    text: str
    source: str
    document: str = ""
    chapter: str = ""
    review: str = ""  # why a person must look, when no check decides it
    not_tested: str = ""  # why nothing decides it


@dataclass(frozen=True)
class CheckResult:
    """One check's verdict. `check` is unique in a run; `judged` says over how many things it decided."""

    check: str
    title: str
    chapter: str
    requirements: tuple[str, ...]
    level: str
    verdict: Verdict
    message: str = ""
    findings: tuple[Finding, ...] = ()
    judged: int = 0
    not_checked: tuple[str, ...] = ()  # code systems or value sets no offline table could decide
    evidence: tuple[str, ...] = ()
    curl: str = ""  # reproduces it, secrets as placeholders
    cause: str = ""  # the likely cause, where known
    member: str = ""  # label of the member it was judged with
    seconds: float = 0.0
    # Named result tables for the coverage section: `must_support`, `search`, `leak_matrix`, `uscdi`, `guide_versions` or a name
    # of its own, each {"columns": [text], "rows": [[cell]], "title": text, "note": text}, or an object `reports/html/coverage.py` can
    # show; equal names of several checks are joined.
    # `waiver` is no table but {"reason": text, "until": date}: someone answers for this breach.
    tables: dict[str, Any] = field(default_factory=dict)

    @property
    def waived(self) -> bool:
        """Whether a waiver took a breach out of the verdict."""
        return self.verdict is Verdict.SKIPPED and "waiver" in self.tables

    def as_line(self) -> dict[str, Any]:
        """The JSON object of its line in run.jsonl."""
        return {"kind": "check", **asdict(self), "verdict": self.verdict.name}


@dataclass(frozen=True)
class Header:
    """First line of a run: what was tested, by what, with what."""

    target: dict[str, Any]  # name, fhir_base, guides, smart, payer_type …; no secrets
    versions: dict[str, str]  # this project, Python, browser
    seed: int
    started: str  # RFC 3339, UTC
    requirements: tuple[Requirement, ...]
    selected: tuple[str, ...] = ()  # suites or requirement prefixes asked for; empty for all
    proof: dict[str, Any] = field(default_factory=dict)  # kill score of the suite, when proof.json is at hand
    format: int = FORMAT

    def as_line(self) -> dict[str, Any]:
        """The JSON object of the first line."""
        return {"kind": "header", **asdict(self)}


@dataclass(frozen=True)
class Footer:
    """Last line of a run: counts by verdict. A run without it was cut short."""

    counts: dict[str, int]
    finished: str
    seconds: float
    stopped: str = ""  # why the run ended early, if it did

    def as_line(self) -> dict[str, Any]:
        """The JSON object of the last line."""
        return {"kind": "footer", **asdict(self)}


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange, masked when it was recorded: an HTTP request and answer, or a browser step with a screenshot."""

    id: str  # WORKER/NUMBER
    kind: str  # "http" or "browser"
    method: str = ""
    url: str = ""
    status: int = 0
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""  # shortened past a limit; `response_bytes` and `response_sha256` are of the whole
    response_bytes: int = 0
    response_sha256: str = ""
    started: str = ""
    seconds: float = 0.0
    note: str = ""  # the step of a login recipe, an error of the transport
    screenshot: str = ""  # file name beside the evidence file
