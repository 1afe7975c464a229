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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener
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
    data, target, metrics = out / "data", out / "target.toml", out / "metrics"
    say(1, f"{members} members with their care and claims")
    run("generate", "--members", str(members), "--seed", "7", "--guide", "us-core@3.1.1", "--out", str(data))
    say(2, "the reference payer, twice: one to be judged, one to be pushed to its limit")
    control = free_port()
    judged = serve(
        stack, data, target, "--control-port", str(control), "--database", f"sqlite:///{out / 'payer.sqlite3'}"
    )
    # A payer of its own: what the limit refuses, and clocks that the suites move, are in nobody's way.
    pushed = serve(stack, data, out / "limit" / "target.toml")
    wait_for(judged)
    wait_for(pushed)
    say(3, "the suites, launching in a browser; beside them the declared limit and the figures of prior authorizations")
    limit = begin(stack, "load", "--target", str(pushed.target), "--scenario", "limit", "--out", str(out))
    care = begin(
        stack,
        *figures("prior-authorization", str(data / "ExplanationOfBenefit.ndjson"), last_whole_year(data), metrics),
    )
    certified = run("certify", "server", "--target", str(target), "--jobs", "2", "--out", str(out), accept=(0, 1, 3))
    within_limit = finish(limit, accept=(0, 1, 3))
    finish(care, accept=FIGURES)
    say(4, "the usage figures, from the payer's own log")
    clock = clock_of(control)
    mapping = metrics / "usage-log.toml"
    mapping.write_text(
        "# Checks sent the payer's clock ahead to see things expire: its log reaches as far as that clock did.\n"
        f"drawn_at = {clock['furthest']}\n",
        encoding="utf-8",
    )
    log = f"http://127.0.0.1:{control}/logs/usage"
    run(*figures("usage", log, local_year(clock["now"]), metrics), "--mapping", str(mapping), accept=FIGURES)
    say(5, "the reports")
    junit = begin(stack, "report", str(out), "--format", "junit", "-o", str(out / "junit.xml"))
    run("report", str(out), "--format", "html", "-o", str(out / "report.html"))
    finish(junit)
    summarize(out, time.monotonic() - begun)
    return max(certified, within_limit, key=(0, 3, 1).index)


# Figures that would be a guess are refused with 3 and leave no file; the report then has no such section.
FIGURES = (0, 2, 3)


def figures(name: str, source: str, year: int, metrics: Path) -> tuple[str, ...]:
    """The command that counts what CMS asks for."""
    metrics.mkdir(exist_ok=True)
    return ("metrics", name, "--input", source, "--year", str(year), "-o", str(metrics / f"{name}.json"))


def last_whole_year(data: Path) -> int:
    """The last calendar year that the members' care covers from end to end."""
    return int(json.loads((data / "manifest.json").read_text(encoding="utf-8"))["as_of"][:4]) - 1


def clock_of(control: int) -> dict[str, str]:
    """What time it is at the payer, and the latest it has ever been there."""
    direct = build_opener(ProxyHandler({}))  # a proxy of the environment does not know our loopback
    with direct.open(f"http://127.0.0.1:{control}/clock", timeout=10) as answer:
        found: dict[str, str] = json.load(answer)
    return found


def local_year(instant: str) -> int:
    """The calendar year where the payer is."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo("America/Los_Angeles")).year


def say(number: int, what: str) -> None:
    """Progress, on stderr."""
    print(f"demo {number}/5: {what}", file=sys.stderr, flush=True)


def command(*arguments: str) -> list[str]:
    """The front door in a process of its own."""
    return [sys.executable, "-m", "patient_access", *arguments]


def run(*arguments: str, accept: Sequence[int] = (0,)) -> int:
    """Run one command to its end; its results stay out of sight, its talk is passed on."""
    with ExitStack() as stack:
        return finish(begin(stack, *arguments), accept)


@dataclass(frozen=True)
class Step:
    """A command under way."""

    arguments: tuple[str, ...]
    child: subprocess.Popen[bytes]


def begin(stack: ExitStack, *arguments: str) -> Step:
    """Start one command; it ends with the stack at the latest."""
    child = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    stack.callback(end, child)
    return Step(arguments, child)


def finish(step: Step, accept: Sequence[int] = (0,)) -> int:
    """Wait for a command; an exit code that leaves nothing to go on with is a StepFailed."""
    try:
        code = step.child.wait(STEP_SECONDS)
    except subprocess.TimeoutExpired:
        raise StepFailed(f"`patient-access {shlex.join(step.arguments)}` did not end in {STEP_SECONDS} s") from None
    if code not in accept:
        raise StepFailed(f"`patient-access {shlex.join(step.arguments)}` ended with {code}")
    return code


@dataclass(frozen=True)
class Serving:
    """A payer that starts."""

    child: subprocess.Popen[bytes]
    target: Path
    log: Path


def serve(stack: ExitStack, data: Path, target: Path, *options: str) -> Serving:
    """Start a payer that runs until the demonstration ends."""
    target.parent.mkdir(exist_ok=True)
    log = target.with_name("payer.log")
    words = command("serve", "--dataset", str(data), "--port", "0", "--write-target", str(target), *options)
    with log.open("wb") as into:
        child = subprocess.Popen(words, stdout=into, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    stack.callback(end, child)
    return Serving(child, target, log)


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask, then insist."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(payer: Serving) -> None:
    """Until the payer has written its target file, which it does when it answers."""
    until = time.monotonic() + READY_SECONDS
    while not payer.target.exists():
        if payer.child.poll() is not None or time.monotonic() > until:
            lines = payer.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise StepFailed(f"the payer did not start: {lines[-1] if lines else 'it said nothing'}")
        time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
