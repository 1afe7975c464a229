"""A run as JUnit XML, for build servers: one suite a chapter, FAIL as failure, INCONCLUSIVE as error, the rest as skipped."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from reports.html.page import shorten, written_whole
from reports.model import CheckResult, Verdict
from reports.reader import Run

# XML 1.0 cannot hold these even escaped; a server's answer may.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(run: Run, target: Path) -> None:
    """Write the run as JUnit XML."""
    chapters: dict[str, list[CheckResult]] = defaultdict(list)
    for result in run.results:
        chapters[result.chapter or "other"].append(result)
    name = str(run.header.target.get("name", "") or "target")
    with written_whole(target) as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f"<testsuites name={_attribute(f'Patient Access conformance of {name}')} {_counts(run.results)}>\n")
        for chapter, results in sorted(chapters.items()):
            file.write(
                f"  <testsuite name={_attribute(chapter)} timestamp={_attribute(run.header.started)} {_counts(results)}>\n"
            )
            for result in results:
                file.write(_case(result))
            file.write("  </testsuite>\n")
        file.write("</testsuites>\n")


def _counts(results: list[CheckResult] | tuple[CheckResult, ...]) -> str:
    verdicts = Counter(result.verdict for result in results)
    skipped = verdicts[Verdict.SKIPPED] + verdicts[Verdict.NOT_APPLICABLE]
    seconds = sum(result.seconds for result in results)
    return (
        f'tests="{len(results)}" failures="{verdicts[Verdict.FAIL]}" errors="{verdicts[Verdict.INCONCLUSIVE]}" '
        f'skipped="{skipped}" time="{seconds:.3f}"'
    )


def _case(result: CheckResult) -> str:
    function, bracket, case = result.check.partition("[")  # a case may hold dots of its own, such as a version
    classname, _, name = function.rpartition(".")
    name += bracket + case
    head = f'    <testcase classname={_attribute(classname or result.chapter)} name={_attribute(name)} time="{result.seconds:.3f}"'
    properties = (
        "".join(f'<property name="requirement" value={_attribute(id)}/>' for id in result.requirements)
        + f'<property name="level" value={_attribute(result.level)}/>'
    )
    inside = f"<properties>{properties}</properties>"
    message = _attribute(shorten(result.message or result.title, 500))
    if result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        element = "failure" if result.verdict is Verdict.FAIL else "error"
        inside += f'<{element} type="{result.verdict.name}" message={message}>{_text(_story(result))}</{element}>'
    elif result.verdict is not Verdict.PASS:
        inside += f"<skipped message={message}/>"
    return f"{head}>{inside}</testcase>\n"


def _story(result: CheckResult) -> str:
    lines = [result.message] if result.message else []
    for finding in result.findings[:50]:
        lines.append(finding.message + (f" ({finding.count} times)" if finding.count > 1 else ""))
        lines += [
            f"  {label}: {shorten(value, 2000)}"
            for label, value in (("at", finding.path), ("expected", finding.expected), ("found", finding.found))
            if value
        ]
    lines += [f"likely cause: {result.cause}"] if result.cause else []
    lines += [f"reproduce: {result.curl}"] if result.curl else []
    return "\n".join(lines)


def _attribute(text: str) -> str:
    return quoteattr(UNWRITABLE.sub("\ufffd", text))


def _text(text: str) -> str:
    return escape(UNWRITABLE.sub("\ufffd", text))
