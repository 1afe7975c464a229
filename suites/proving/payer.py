"""One reference payer for proving: a `patient-access serve` process over a dataset, and its control interface.

Every child ends with the context that started it. Leaves to others: what is asked of the payer (bench.py).
"""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

READY_SECONDS = 240.0  # a busy machine must not decide
SEED = 7
# The guides that members are made for; what else a payer names only adds definitions.
MADE = ("us-core", "carin-bb", "pdex", "plan-net", "formulary")


class CannotProve(Exception):
    """Something the proof needs could not be started or made; nothing is decided."""


def command(*words: str) -> list[str]:
    """The front door in a process of its own."""
    return [sys.executable, "-m", "patient_access", *words]


def make_dataset(folder: Path, guides: Sequence[str], members: int) -> Path:
    """Members for a payer of these guides, made once for each set; the first version of a guide named twice counts."""
    first = dict[str, str]()
    for guide in guides:
        if guide.partition("@")[0] in MADE:
            first.setdefault(guide.partition("@")[0], guide)
    out = folder / (f"members-{members}-" + "-".join(sorted(first.values())).replace("@", "-"))
    if not (out / "manifest.json").exists():
        words = command("generate", "--members", str(members), "--seed", str(SEED), "--out", str(out))
        for guide in sorted(first.values()):
            words += ["--guide", guide]
        made = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
        if made.returncode != 0:
            raise CannotProve(f"members for {', '.join(guides)} could not be made: {made.stderr.strip()[-500:]}")
    return out


@dataclass(frozen=True)
class Payer:
    """A running payer."""

    target: Path
    control: httpx.Client

    def catalogue(self) -> dict[str, Any]:
        """`GET /faults`."""
        return dict(self._ask("GET", "/faults"))

    def begin(self, faults: Sequence[str]) -> None:
        """As freshly started, with exactly these faults on: tokens, apps and sessions gone, limits full, the clock right."""
        self._ask("PUT", "/faults", {"active": []})
        self._ask("POST", "/clock", {"reset": True})
        self._ask("POST", "/reset")
        self._ask("PUT", "/faults", {"active": list(faults)})

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = self.control.request(method, path, json=body)
        except httpx.HTTPError as trouble:
            raise CannotProve(f"the payer's control interface does not answer: {trouble}") from None
        if answer.status_code != 200:
            raise CannotProve(f"{method} {path} of the control interface: {answer.status_code} {answer.text[:300]}")
        return answer.json()


@contextmanager
def running(folder: Path, data: Path, deployment: str) -> Iterator[Payer]:
    """Serve a dataset on free ports until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "target.toml"
    target.unlink(missing_ok=True)
    words = command("serve", "--dataset", str(data), "--deployment", deployment, "--port", "0", "--control-port", "0")
    with (folder / "payer.log").open("w+", encoding="utf-8") as log:
        child = subprocess.Popen([*words, "--write-target", str(target)], stdout=log, stderr=log)
        try:
            _await(target, child)
            if not target.exists():
                log.seek(0)
                said = log.read().strip().splitlines()
                raise CannotProve(f"the payer {deployment!r} did not start: {said[-1] if said else 'it said nothing'}")
            control = tomllib.loads(target.read_text(encoding="utf-8"))["control"]["url"]
            with httpx.Client(base_url=control, timeout=30, trust_env=False) as client:
                yield Payer(target, client)
        finally:
            stop(child)


def _await(path: Path, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and not path.exists() and child.poll() is None:
        time.sleep(0.05)


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a child kindly, then firmly."""
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
