"""A running reference payer with a dataset of its own, and the suites run against it once for each fault.

The suites run in one process of their own, fault after fault, so that starting Python and collecting checks is paid once.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import made

COMMAND = str(Path(sys.executable).with_name("patient-access"))
ALL_CHECKS = "*"


@dataclass(frozen=True)
class RunningPayer:
    """A payer started for tests."""

    target: Path
    control: str


@dataclass(frozen=True)
class Judged:
    """What the suites said of one mutant."""

    fault: str
    results: tuple[dict[str, Any], ...]

    def red(self) -> set[str]:
        """The first requirement of every check that failed."""
        return {one["requirements"][0] for one in self.results if one["verdict"] == "FAIL"}

    def failed(self) -> list[dict[str, Any]]:
        """The checks that failed."""
        return [one for one in self.results if one["verdict"] == "FAIL"]

    def undecided(self) -> list[str]:
        """The checks that could not be decided, with the reason."""
        return [f"{one['check']}: {one['message']}" for one in self.results if one["verdict"] == "INCONCLUSIVE"]


def dataset(*choice: str) -> Path:
    """A small dataset, shared by all who ask for the same; `choice` says for which family or guides."""
    return made.dataset("--members", "12", "--seed", "7", *choice)


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[RunningPayer]:
    """Start the reference payer, wait for its target file, stop it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "target.toml"
    target.unlink(missing_ok=True)
    log = (folder / "serve.log").open("w+", encoding="utf-8")
    # The reference claims one guide of its family in another version (docs/architecture.md, Families); the rest are of one family.
    data = dataset(*(("--family", "legacy") if "--deployment" in options else ("--guide", "us-core@3.1.1")))
    words = [COMMAND, "serve", "--dataset", str(data), "--port", "0", "--control-port", "0"]
    child = subprocess.Popen([*words, "--write-target", str(target), *options], stdout=log, stderr=log)
    try:
        for _ in range(300):
            if target.exists() or child.poll() is not None:
                break
            time.sleep(0.1)
        log.seek(0)
        assert target.exists(), log.read()
        control = next(line for line in target.read_text("utf-8").splitlines() if line.startswith('url = "http://127'))
        yield RunningPayer(target, control.split('"')[1])
    finally:
        child.terminate()
        child.wait(timeout=20)
        log.close()


def judge(
    payer: RunningPayer, folder: Path, wanted: Sequence[tuple[str, Sequence[str]]], options: Sequence[str] = ()
) -> list[Judged]:
    """Judge the payer once for each fault ("" for none), with the checks of some requirements, or all."""
    order = {
        "target": str(payer.target),
        "control": payer.control,
        "out": str(folder),
        "options": list(options),
        "wanted": [list(one) for one in wanted],
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("batch.py"))],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return [Judged(fault, _results(folder / name(fault) / "run.jsonl")) for fault, _ in wanted]


def name(fault: str) -> str:
    """The folder of a fault's run."""
    return fault or "reference"


def _results(path: Path) -> tuple[dict[str, Any], ...]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return tuple(line for line in lines if line["kind"] == "check")


def active_faults(control: str, faults: Sequence[str]) -> None:
    """Switch exactly these faults on."""
    httpx.put(f"{control}/faults", json={"active": list(faults)}, timeout=10, trust_env=False).raise_for_status()
