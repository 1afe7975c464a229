"""`patient-access prove`: a sample of the faults with every change, stratified by the room that decides; the whole is `make prove`.

Also: how the command refuses, what it does with a suite that sees too little or too much, and that an interrupt leaves no child.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from reports import proof
from simulators.payer.rules import load_catalog

COMMAND = str(Path(sys.executable).with_name("patient-access"))
A_ROOM = 1  # faults of each module of the payer
MOST = 16
SEED = 11


# Not yet proved in the sample; `make prove` says whether they are.
OPEN = {
    "authorizations-vanish-after-three-months": "its check is not applicable before the rule binds the payer",
    "elements-are-ignored": "asks every record of every member: too long for the sample",
    "limit-lower-than-declared": "spends the payer's limits: too long for the sample",
}


def sample() -> list[str]:
    """A few faults of each module that decides something; the same ones until faults are added. The first of each rule of the
    authorization server are in test_authorization_faults.py."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for fault in load_catalog().values():
        if fault.on == "reference" and not fault.rule.startswith("authorization."):
            rooms[fault.rule.rpartition(".")[0]].append(fault.id)
    rng = random.Random(SEED)
    chosen = [id for room in sorted(rooms) for id in rng.sample(sorted(rooms[room]), min(A_ROOM, len(rooms[room])))]
    return sorted(set(rng.sample(chosen, min(MOST, len(chosen)))) - set(OPEN))


def prove(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    words = [COMMAND, "prove", "--out", str(out), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=1200, check=False)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], Path]:
    """The sample, proved once."""
    out = tmp_path_factory.mktemp("proved")
    done = prove(out, *(word for id in sample() for word in ("--fault", id)))
    assert (out / "proof.json").exists(), done.stderr[-3000:]
    return done, proof.read(out), out


def test_the_sample_has_faults_of_every_room() -> None:
    rooms = {load_catalog()[id].rule.partition(".")[0] for id in sample()}
    assert rooms == {"fhir", "onboarding", "portals", "protection"}
    assert len(sample()) >= 12


@pytest.mark.parametrize("id", sample())
def test_a_fault_is_killed_and_nothing_else_turns_red(
    proved: tuple[subprocess.CompletedProcess[str], dict[str, Any], Path], id: str
) -> None:
    (mutant,) = [one for one in proved[1]["mutants"] if one["id"] == id]
    assert mutant["state"] == "killed", mutant["why"]
    assert mutant["collateral"] == []


def test_the_proof_is_whole_and_its_page_is_there(
    proved: tuple[subprocess.CompletedProcess[str], dict[str, Any], Path],
) -> None:
    done, content, out = proved
    assert done.returncode == content["exit_code"] == 0, done.stdout[-2000:]
    assert content["score"]["killed"] == len(sample())
    assert content["how"]["whole_reference"] is False
    tried = [json.loads(line) for line in (out / "tried.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {one["id"] for one in tried} == {one["id"] for one in content["mutants"]}
    page = (out / "proof.html").read_text(encoding="utf-8")
    assert all(id in page for id in sample())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--fault", "code-repaly-accepted"),
            "unknown fault 'code-repaly-accepted'; did you mean 'code-replay-accepted'?",
        ),
        (("--variant", "odd-path"), "no deployment or variant is called 'odd-path'; did you mean 'odd-paths'?"),
    ],
)
def test_an_unknown_name_is_refused_at_once_with_the_nearest(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = prove(tmp_path / "out", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_interrupt_leaves_no_child_and_no_proof(tmp_path: Path) -> None:
    words = [COMMAND, "prove", "--fault", "code-replay-accepted", "--jobs", "1", "--out", str(tmp_path)]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    family: list[psutil.Process] = []
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and len(family) < 2:
            family = psutil.Process(child.pid).children(recursive=True)
            time.sleep(0.2)
            if any("suites.proving.bench" in " ".join(one.cmdline()) for one in family if one.is_running()):
                break
        assert family, "no child was started"
        os.kill(child.pid, signal.SIGINT)
        assert child.wait(timeout=60) == 130
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    assert not (tmp_path / "proof.json").exists()


def test_a_summary_line_is_what_the_file_says(
    proved: tuple[subprocess.CompletedProcess[str], dict[str, Any], Path],
) -> None:
    done, content, out = proved
    assert f"{content['score']['killed']} of {content['score']['mutants']} faults killed" in done.stdout
    assert json.loads((out / "proof.json").read_text(encoding="utf-8")) == content
