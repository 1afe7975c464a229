"""One load run from the outside: tokens, plan, the Locust process, its outcome.

Locust monkey-patches the standard library, so it never shares a process with anything of ours. Members sign in through
`patient-access target tokens`, in a process of its own too.
"""

from __future__ import annotations

import difflib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from load.plan import HERE, PLAN_VARIABLE, BadPlan, Plan, Token, phases_of, scenarios
from load.target import read_target

MOST_SECONDS = 900


class LoadInterrupted(RuntimeError):
    """The run could not be finished: nobody could sign in, or Locust ended without an outcome."""


def run_load(target: Path, name: str, out: Path, tokens: Path | None, members: int) -> dict[str, Any]:
    """Run a scenario and return the content of load.json; raises BadPlan (usage) or LoadInterrupted (undecided)."""
    known = scenarios()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise BadPlan(f"unknown scenario {name!r}; did you mean {near[0]!r}? There are: {', '.join(known)}")
    server = read_target(target)
    chosen = known[name]
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        signed_in = read_tokens(tokens) if tokens else sign_in(target, members, Path(folder) / "tokens.json")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadPlan(f"{out}: cannot be written ({error.strerror})") from error
        outcome = Path(folder) / "load.json"
        plan = Plan(
            name,
            chosen["journey"],
            server.name,
            server.fhir_base,
            phases_of(chosen),
            signed_in,
            chosen.get("thresholds", {}),
            server.limit_requests,
            server.limit_seconds,
            str(outcome),
        )
        path = Path(folder) / "plan.json"
        plan.write(path)
        drive(path)
        try:
            content: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
        except OSError as error:
            raise LoadInterrupted("Locust ended without an outcome") from error
    part = out / ".load.json.part"
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(out / "load.json")
    return content


def drive(plan: Path) -> None:
    """Run Locust over a plan to its end; an interrupt ends it with us."""
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary"]
    command += ["--loglevel", "ERROR", "--exit-code-on-error", "0", "--stop-timeout", "1"]
    environment = {**os.environ, PLAN_VARIABLE: str(plan), "PYTHONPATH": str(HERE.parent)}
    child = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, talk = child.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired as error:
        child.kill()
        raise LoadInterrupted(f"Locust did not end within {MOST_SECONDS} s") from error
    except BaseException:
        child.send_signal(signal.SIGTERM)
        child.wait(10)
        raise
    if child.returncode:
        lines = talk.decode(errors="replace").strip().splitlines()
        raise LoadInterrupted(f"Locust ended with {child.returncode}: {lines[-1] if lines else 'no message'}")


def sign_in(target: Path, members: int, into: Path) -> tuple[Token, ...]:
    """Tokens of the target's first members, by the login recipe in a browser."""
    command = [sys.executable, "-m", "patient_access", "target", "tokens", "--target", str(target)]
    answer = subprocess.run(
        [*command, "--members", str(members), "--out", str(into)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )
    if answer.returncode:
        lines = answer.stderr.strip().splitlines()
        raise LoadInterrupted(f"members could not sign in: {lines[-1] if lines else 'no message'}")
    return read_tokens(into)


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Tokens from a file; raises BadPlan where it does not hold any."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        tokens = tuple(Token(str(r.get("member", "")), str(r["patient"]), str(r["access_token"])) for r in rows)
    except OSError as error:
        raise BadPlan(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadPlan(f"{path}: wants a JSON list of objects with patient and access_token ({error!r})") from error
    if not tokens:
        raise BadPlan(f"{path}: holds no tokens")
    return tokens
