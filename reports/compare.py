"""Two runs side by side: releases of one server, sandbox and production, or two payers.

New failures and fixes by check; checks that are new or gone; findings or answers that changed while the verdict did not; checks
that became slower. Evidence is streamed; what is kept of it is method, path and status.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reports.html.blocks import Block, Part, write_document
from reports.html.charts import verdict_bar
from reports.html.page import VERDICT_WORDS, duration, moment, written_whole
from reports.model import CheckResult, Verdict, run_verdict
from reports.reader import BadRun, Run, exchanges

SLOWER_BY, SLOWER_AT_LEAST = 1.5, 0.5  # times, and seconds; less is noise


@dataclass(frozen=True)
class Change:
    """A check as it was and as it is."""

    check: str
    title: str
    requirements: tuple[str, ...]
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """What changed from run A to run B."""

    verdicts: tuple[str, str]
    new_failures: tuple[Change, ...]
    fixed: tuple[Change, ...]
    other_changes: tuple[Change, ...]
    added: tuple[Change, ...]
    gone: tuple[Change, ...]
    changed_evidence: tuple[Change, ...]
    slower: tuple[Change, ...]
    seconds: tuple[float, float]
    same: int


def compare(first: Run, second: Run) -> Comparison:
    """Compare two runs by their checks."""
    before = {result.check: result for result in first.results}
    after = {result.check: result for result in second.results}
    answers = _answers(first), _answers(second)
    found: dict[str, list[Change]] = defaultdict(list)
    same = 0
    for check, new in sorted(after.items()):
        old = before.get(check)
        if old is None:
            found["new_failures" if new.verdict is Verdict.FAIL else "added"].append(
                _change(new, "", new.verdict.name, "new check")
            )
            continue
        if old.verdict is not new.verdict:
            kind = (
                "new_failures"
                if new.verdict is Verdict.FAIL
                else "fixed"
                if old.verdict is Verdict.FAIL and new.verdict is Verdict.PASS
                else "other_changes"
            )
            found[kind].append(_change(new, old.verdict.name, new.verdict.name, new.message))
            continue
        same += 1
        if note := _told_differently(old, new) or _answered_differently(answers[0].get(check), answers[1].get(check)):
            found["changed_evidence"].append(_change(new, old.verdict.name, new.verdict.name, note))
        if new.seconds > old.seconds * SLOWER_BY and new.seconds - old.seconds > SLOWER_AT_LEAST:
            found["slower"].append(_change(new, duration(old.seconds), duration(new.seconds)))
    for check, old in sorted(before.items()):
        if check not in after:
            found["gone"].append(_change(old, old.verdict.name, "", "not in the second run"))
    found["slower"] += _load_drift(first.folder, second.folder)
    lists = {
        name: tuple(found[name])
        for name in ("new_failures", "fixed", "other_changes", "added", "gone", "changed_evidence", "slower")
    }
    return Comparison(
        verdicts=(run_verdict(first.results).name, run_verdict(second.results).name),
        seconds=(first.footer.seconds, second.footer.seconds),
        same=same,
        **lists,
    )


def _load_drift(first: Path, second: Path) -> list[Change]:
    """Phases of a load scenario both runs hold whose latency below which 95 % fell grew beyond noise."""
    slower = []
    before, after = _phases(first), _phases(second)
    for name in before.keys() & after.keys():
        was, now = before[name], after[name]
        if now > was * SLOWER_BY and now - was > 1:  # a millisecond is the timer's noise
            slower.append(
                Change(f"load.{name}", f"Load, phase {name}, 95th percentile", (), f"{was:.1f} ms", f"{now:.1f} ms")
            )
    return sorted(slower, key=lambda change: change.check)


def _phases(folder: Path) -> dict[str, float]:
    path = folder / "load.json"
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {
            f"{told['scenario']}.{phase['name']}": float(phase["p95_ms"])
            for phase in told["phases"]
            if phase.get("p95_ms") is not None
        }
    except (ValueError, KeyError, TypeError) as error:
        raise BadRun(f"{path}: cannot be read: {error!r}") from None


def _change(result: CheckResult, before: str, after: str, note: str = "") -> Change:
    return Change(result.check, result.title, result.requirements, before, after, note)


def _told_differently(old: CheckResult, new: CheckResult) -> str:
    """Findings that differ; where both runs judged the same number of things, a different number is told too."""
    was = Counter((finding.message, finding.path, finding.found) for finding in old.findings)
    now = Counter((finding.message, finding.path, finding.found) for finding in new.findings)
    if was != now:
        appeared, vanished = (now - was).total(), (was - now).total()
        return f"{appeared} findings appeared, {vanished} vanished"
    return f"judged {old.judged}, now {new.judged}" if old.judged != new.judged else ""


def _answered_differently(old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> str:
    if not old or not new or old == new:
        return ""
    return f"answers were {_few(old)}, now {_few(new)}"


def _few(answers: tuple[str, ...]) -> str:
    counted = Counter(answers)
    return ", ".join(f"{count} × {answer}" if count > 1 else answer for answer, count in list(counted.items())[:6])


def _answers(run: Run) -> dict[str, tuple[str, ...]]:
    """What each check was answered: method, kind of path and status. Bodies hold times and ids and differ in any two runs."""
    citing: dict[str, list[str]] = defaultdict(list)
    for result in run.results:
        for id in result.evidence:
            citing[id].append(result.check)
    found: dict[str, list[str]] = defaultdict(list)
    for exchange in exchanges(run.folder):
        if exchange.kind == "http" and exchange.id in citing:
            told = f"{exchange.method} {_path_kind(exchange.url)} {exchange.status}"
            for check in citing[exchange.id]:
                found[check].append(told)
    return {check: tuple(answers) for check, answers in found.items()}


def _path_kind(url: str) -> str:
    """The last parts of a path with ids left out, so that two servers and two members compare."""
    parts = [part for part in urlsplit(url).path.split("/") if part]
    return "/".join("{id}" if re.search(r"\d", part) else part for part in parts[-2:])


KINDS = (
    ("new_failures", "New failures"),
    ("fixed", "Fixed"),
    ("other_changes", "Other changes of verdict"),
    ("changed_evidence", "Same verdict, other evidence"),
    ("slower", "Slower"),
    ("added", "New checks"),
    ("gone", "Checks gone"),
)


def as_text(comparison: Comparison) -> str:
    """The comparison for a terminal."""
    lines = [f"verdict: {comparison.verdicts[0]} -> {comparison.verdicts[1]}; {comparison.same} checks as before"]
    for name, title in KINDS:
        changes: tuple[Change, ...] = getattr(comparison, name)
        if changes:
            lines.append(f"{title.lower()}: {len(changes)}")
            lines += [
                f"  {one.check}: {one.before or '-'} -> {one.after or '-'}{f' ({one.note})' if one.note else ''}"
                for one in changes[:50]
            ]
            lines += [f"  and {len(changes) - 50} more"] if len(changes) > 50 else []
    return "\n".join(lines)


def write(comparison: Comparison, runs: tuple[Run, Run], format: str, target: Path) -> None:
    """Write the comparison as JSON or as a page."""
    if format == "json":
        with written_whole(target) as file:
            file.write(json.dumps(asdict(comparison), indent=2) + "\n")
        return
    names = [_name(run) for run in runs]
    tiles = Block(
        "tiles",
        rows=(
            ("Verdict before", VERDICT_WORDS[comparison.verdicts[0]], names[0]),
            ("Verdict after", VERDICT_WORDS[comparison.verdicts[1]], names[1]),
            *((title, str(len(getattr(comparison, name))), "") for name, title in KINDS[:2]),
            ("Checks as before", str(comparison.same), ""),
            ("Duration", duration(comparison.seconds[1]), f"before {duration(comparison.seconds[0])}"),
        ),
    )
    bars = [
        Block(
            "chart",
            title=name,
            svg=verdict_bar(Counter(result.verdict.name for result in run.results), name),
            note=_counts(run.results),
        )
        for name, run in zip(names, runs, strict=True)
    ]
    parts = [Part("summary", "Summary", "", (tiles, *bars))]
    for kind, title in KINDS:
        changes: tuple[Change, ...] = getattr(comparison, kind)
        if changes:
            rows = tuple(
                (one.title, one.check, ", ".join(one.requirements), one.before, one.after, one.note) for one in changes
            )
            table = Block(
                "table", title="", columns=("check", "id", "requirements", "before", "after", "note"), rows=rows
            )
            parts.append(Part(kind.replace("_", "-"), title, "", (table,)))
    write_document(
        target, "Comparison of two conformance runs", "CMS Patient Access API conformance", " and ".join(names), parts
    )


def _name(run: Run) -> str:
    return f"{run.header.target.get('name', 'target')}, {moment(run.header.started)}"


def _counts(results: Iterable[CheckResult]) -> str:
    counted = Counter(result.verdict.name for result in results)
    return ", ".join(f"{count:,} {VERDICT_WORDS[name].lower()}" for name, count in counted.most_common())
