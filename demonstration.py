"""The demonstration: members, payer, suites, limit and reports in one go, each step the command a person would type.

Every step runs in a process of its own, as it would at a user's desk, and all of them end with us.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

READY_SECONDS = 60
STEP_SECONDS = 900


class StepFailed(RuntimeError):
    """A step ended with an exit code that leaves nothing to go on with."""


def demonstrate(members: int, out: Path) -> int:
    """Run every step into `out`, print a five-line summary, return the exit code of the verdicts."""
    begun = time.monotonic()
    try:
        fresh(out)
        with ExitStack() as stack:
            return steps(members, out, stack, begun)
    except StepFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 3


def fresh(out: Path) -> None:
    """An empty folder for this run; refuses to clear one that is not an earlier demonstration's."""
    if out.exists() and any(out.iterdir()) and not (out / "data" / "manifest.json").exists():
        raise StepFailed(f"{out} holds something that is not an earlier demonstration; choose another --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)


def steps(members: int, out: Path, stack: ExitStack, begun: float) -> int:
    """The five steps; verdicts of the judges decide the exit code, not whether a step could be run."""
    data, target = out / "data", out / "target.toml"
    say(1, f"{members} members with their care and claims")
    run("generate", "--members", str(members), "--seed", "7", "--guide", "us-core@3.1.1", "--out", str(data))
    say(2, "the reference payer")
    port, control = free_ports(2)
    serving = start(
        stack, "serve", "--dataset", str(data), "--port", str(port), "--control-port", str(control),
        "--database", f"sqlite:///{out / 'payer.sqlite3'}", "--write-target", str(target), log=out / "payer.log",
    )  # fmt: skip
    wait_for(target, serving, out / "payer.log")
    say(3, "the suites, launching in a browser")
    certified = run("certify", "server", "--target", str(target), "--jobs", "2", "--out", str(out), accept=(0, 1, 3))
    say(4, "the declared limit")
    pushed = run("load", "--target", str(target), "--scenario", "limit", "--out", str(out), accept=(0, 1, 3))
    say(5, "the metrics and the reports")
    count(data, f"http://127.0.0.1:{control}/logs/usage", out / "metrics")
    for kind, name in (("html", "report.html"), ("junit", "junit.xml")):
        run("report", str(out), "--format", kind, "-o", str(out / name))
    summarize(out, time.monotonic() - begun)
    return max(certified, pushed, key=(0, 3, 1).index)


def count(data: Path, log: str, metrics: Path) -> None:
    """The figures CMS asks for: usage from the payer's own log of this year, prior authorization of the last whole year of care."""
    last = int(json.loads((data / "manifest.json").read_text())["as_of"][:4]) - 1
    asked = (
        ("usage", log, datetime.now(ZoneInfo("America/Los_Angeles")).year),
        ("prior-authorization", str(data / "ExplanationOfBenefit.ndjson"), last),
    )
    for name, source, year in asked:
        # Figures that would be a guess are refused with 3 and leave no file; the report then has no such section.
        run(
            "metrics",
            name,
            "--input",
            source,
            "--year",
            str(year),
            "-o",
            str(metrics / f"{name}.json"),
            accept=(0, 2, 3),
        )


def say(number: int, what: str) -> None:
    """Progress, on stderr."""
    print(f"demo {number}/5: {what}", file=sys.stderr, flush=True)


def command(*arguments: str) -> list[str]:
    """The front door in a process of its own."""
    return [sys.executable, "-m", "patient_access", *arguments]


def run(*arguments: str, accept: Sequence[int] = (0,)) -> int:
    """Run one command to its end; its results stay out of sight, its talk is passed on."""
    child = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        code = child.wait(STEP_SECONDS)
    except BaseException:
        end(child)
        raise
    if code not in accept:
        raise StepFailed(f"`patient-access {shlex.join(arguments)}` ended with {code}")
    return code


def start(stack: ExitStack, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a command that runs until the demonstration ends."""
    with log.open("wb") as into:
        child = subprocess.Popen(command(*arguments), stdout=into, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    stack.callback(end, child)
    return child


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask, then insist."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(target: Path, child: subprocess.Popen[bytes], log: Path) -> None:
    """Until the payer has written its target file, which it does when it answers."""
    until = time.monotonic() + READY_SECONDS
    while not target.exists():
        if child.poll() is not None or time.monotonic() > until:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise StepFailed(f"the payer did not start: {lines[-1] if lines else 'it said nothing'}")
        time.sleep(0.05)


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def summarize(out: Path, seconds: float) -> None:
    """Five lines: verdict, checks, requirements, limit, report."""
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    load: dict[str, Any] = json.loads((out / "load.json").read_text(encoding="utf-8"))
    requirements = summary["requirements"]
    judged = len(requirements) if isinstance(requirements, dict | list) else requirements
    print(f"verdict       {summary['verdict']}")
    print(
        f"checks        {summary['checks']}: {summary['passed']} passed, {summary['failed']} failed, "
        f"{summary['inconclusive']} inconclusive"
    )
    print(f"requirements  {judged} judged")
    print(f"limit         {load['verdict']}: {load['declared']['requests']} in {load['declared']['per_seconds']:g} s")
    print(f"report        {os.path.relpath(out / 'report.html')} ({seconds:.0f} s)")
