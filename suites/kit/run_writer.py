"""Writes a run: `run.jsonl.part` while it goes, `run.jsonl` and `summary.json` when it is whole; reads one back to resume it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.model import CheckResult, Finding, Footer, Header, Requirement, Verdict
from suites.kit import verdicts
from suites.kit.browser import chromium_path
from suites.kit.outcomes import BadTarget
from suites.kit.target import Target


def versions() -> dict[str, str]:
    """What the run was made with."""
    found = {"patient-access-conformance": importlib.metadata.version("patient-access-conformance")}
    found["python"] = platform.python_version()
    path = chromium_path()
    if path:
        try:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
            found["browser"] = said.stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            found["browser"] = path
    return found


class RunWriter:
    """One run on its way to the disk; nothing half-written is left as `run.jsonl`."""

    def __init__(
        self, path: Path, target: Target, seed: int, requirements: Iterable[Requirement], selected: Iterable[str]
    ) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.started = time.monotonic()
        self.results: dict[str, CheckResult] = {}
        self.header = Header(
            target=target.for_report(),
            versions=versions(),
            seed=seed,
            started=_now(),
            requirements=tuple(requirements),
            selected=tuple(selected),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        self.part.write_text(_line(self.header.as_line()), encoding="utf-8")

    def take_over(self, results: Iterable[CheckResult]) -> None:
        """Results of the run that is resumed."""
        for one in results:
            self.add(one)

    def go_on_from(self, started: str, seconds: float) -> None:
        """Count from the start of an earlier part of the same run, so that its report tells the whole time."""
        self.header = replace(self.header, started=min(started or self.header.started, self.header.started))
        self.started -= seconds

    def add(self, result: CheckResult) -> None:
        """One more result."""
        self.results[result.check] = result
        with self.part.open("a", encoding="utf-8") as file:
            file.write(_line(result.as_line()))

    def finish(self, stopped: str = "") -> None:
        """Write the whole run in order of check ids, with its footer, and the summary."""
        ordered = [self.results[check] for check in sorted(self.results)]
        footer = Footer(verdicts.counts(ordered), _now(), round(time.monotonic() - self.started, 2), stopped)
        with self.part.open("w", encoding="utf-8") as file:
            for line in (self.header.as_line(), *(one.as_line() for one in ordered), footer.as_line()):
                file.write(_line(line))
            file.flush()
            os.fsync(file.fileno())
        self.part.replace(self.path)
        summary = json.dumps(verdicts.summary(ordered), indent=2) + "\n"
        self.path.with_name("summary.json").write_text(summary, encoding="utf-8")


def read_results(path: Path) -> list[CheckResult]:
    """The results of an earlier run, whole or cut short (`run.jsonl` or its `.part`), to resume it."""
    known = {each.name for each in fields(CheckResult)}
    return [
        from_line({name: value for name, value in document.items() if name in known})
        for document in _documents(path)
        if document.get("kind") == "check"
    ]


def read_times(path: Path) -> tuple[str, float]:
    """When an earlier run started (RFC 3339, UTC) and how many seconds it took; 0 where it was cut short."""
    started, seconds = "", 0.0
    for document in _documents(path):
        if document.get("kind") == "header":
            started = str(document.get("started", ""))
        elif document.get("kind") == "footer":
            seconds = float(document.get("seconds", 0.0))
    return started, seconds


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run, whole or cut short."""
    part = path.with_name(path.name + ".part")
    source = path if path.exists() else part
    if not source.exists():
        raise BadTarget(f"{path}: there is no run to resume")
    for line in source.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return  # the last line of a run cut short


def from_line(document: dict[str, Any]) -> CheckResult:
    """A result read back from its JSON."""
    document = dict(document)
    document["verdict"] = Verdict[document["verdict"]]
    document["findings"] = tuple(
        Finding(**{**one, "evidence": tuple(one.get("evidence", ()))}) for one in document.get("findings", ())
    )
    for name in ("requirements", "not_checked", "evidence"):
        document[name] = tuple(document.get(name, ()))
    return CheckResult(**document)


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
