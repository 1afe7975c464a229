"""Reads runs: streams run.jsonl line by line, validates each line, and refuses what is not a whole run.

Refused by name and line: a missing or unreadable file, an unknown format version, a first line that is no header, a check told
twice, an empty run, a missing footer, lines after the footer, counts that do not add up. Memory does not grow with evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from reports.model import FORMAT, CheckResult, Exchange, Finding, Footer, Header, Requirement, Verdict
from reports.schema import accepts, explain

LONGEST_LINE = 64 * 1024 * 1024


class BadRun(ValueError):
    """Not a whole run; the message names the file, the line and what to do."""


@dataclass(frozen=True)
class Run:
    """A run with its results in memory; evidence stays on disk and is streamed."""

    header: Header
    results: tuple[CheckResult, ...]
    footer: Footer
    folder: Path


def run_file(run: Path) -> Path:
    """The run.jsonl of a run named by its folder or by the file itself."""
    path = run / "run.jsonl" if run.is_dir() else run
    if not path.is_file():
        raise BadRun(f"{path}: no such run; name the folder a run was written to, or its run.jsonl")
    return path


def read(run: Path) -> Iterator[Header | CheckResult | Footer]:
    """Stream a run: the header, each check result, the footer; BadRun at the first line that does not belong."""
    path = run_file(run)
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    footer: Footer | None = None
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(LONGEST_LINE):
            number += 1
            where = f"{path}:{number}"
            if len(line) == LONGEST_LINE:
                raise BadRun(f"{where}: a line longer than {LONGEST_LINE >> 20} MiB is no line of a run")
            if not line.strip():
                raise BadRun(f"{where}: an empty line; the file was edited or cut")
            if footer is not None:
                raise BadRun(f"{where}: a line after the footer; two runs in one file?")
            value = _parse(line, where)
            if number == 1:
                yield _header(value, where)
            elif value.get("kind") == "footer":
                footer = _footer(value, where, counts)
            else:
                result = _check(value, where)
                # A hash a check keeps this flat however long the names; equal hashes of unequal names do not happen in a run.
                if hash(result.check) in seen:
                    raise BadRun(f"{where}: check {result.check!r} is told twice; run it again into an empty folder")
                seen.add(hash(result.check))
                counts[result.verdict.name] += 1
                yield result
    if number == 0:
        raise BadRun(f"{path}: the file is empty; the run did not start")
    if footer is None:
        raise BadRun(f"{path}: no footer after {sum(counts.values())} checks; the run was cut short, run it again")
    if not counts:
        raise BadRun(f"{path}: a run without a single check; was anything selected?")
    yield footer


def load(run: Path) -> Run:
    """A whole run, its results in memory."""
    path = run_file(run)
    header: Header | None = None
    footer: Footer | None = None
    results: list[CheckResult] = []
    for part in read(path):
        if isinstance(part, CheckResult):
            results.append(part)
        elif isinstance(part, Header):
            header = part
        else:
            footer = part
    if header is None or footer is None:  # read() refuses such a run before this is reached
        raise BadRun(f"{path}: not a whole run")
    return Run(header, tuple(results), footer, path.parent)


def exchanges(folder: Path) -> Iterator[Exchange]:
    """Stream the evidence of a run folder, file by file in name order; BadRun for a line that is no exchange."""
    for path in sorted((folder / "evidence").glob("*.jsonl")):
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    value = orjson.loads(line)
                    yield _exchange(value)
                except (ValueError, TypeError, KeyError) as error:
                    raise BadRun(f"{path}:{number}: not an exchange: {error}") from None


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadRun(f"{where}: not JSON ({error}); the run was cut short or the file was edited") from None
    if not isinstance(value, dict):
        raise BadRun(f"{where}: a line of a run is a JSON object")
    return value


def _valid(value: dict[str, Any], definition: str, where: str) -> None:
    if not accepts(definition)(value) and (reason := explain(value, definition)):
        raise BadRun(f"{where}: {reason}")


def _header(value: dict[str, Any], where: str) -> Header:
    if value.get("kind") != "header":
        raise BadRun(f"{where}: the first line is not a header; is this a run.jsonl?")
    if value.get("format") != FORMAT:
        raise BadRun(f"{where}: format {value.get('format')!r}, but this version reads format {FORMAT}")
    _valid(value, "header", where)
    fields = {name: part for name, part in value.items() if name not in ("kind", "requirements", "selected")}
    requirements = tuple(Requirement(**requirement) for requirement in value["requirements"])
    return Header(**fields, requirements=requirements, selected=tuple(value.get("selected", ())))


def _check(value: dict[str, Any], where: str) -> CheckResult:
    _valid(value, "check", where)
    value = dict(value)
    del value["kind"]
    value["verdict"] = Verdict[value["verdict"]]
    value["findings"] = tuple(
        Finding(**{**finding, "evidence": tuple(finding.get("evidence", ()))}) for finding in value.get("findings", ())
    )
    for name in ("requirements", "not_checked", "evidence"):
        value[name] = tuple(value.get(name, ()))
    return CheckResult(**value)


def _footer(value: dict[str, Any], where: str, counts: Counter[str]) -> Footer:
    _valid(value, "footer", where)
    for verdict in Verdict:
        claimed, read = value["counts"].get(verdict.name, 0), counts[verdict.name]
        if claimed != read:
            raise BadRun(f"{where}: the footer counts {claimed} {verdict.name}, the file holds {read}; lines were lost")
    return Footer(**{name: part for name, part in value.items() if name != "kind"})


def _exchange(value: dict[str, Any]) -> Exchange:
    value = dict(value)
    for name in ("request_headers", "response_headers"):
        value[name] = tuple((str(key), str(text)) for key, text in value.get(name, ()))
    return Exchange(**value)
