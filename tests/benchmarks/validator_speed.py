"""How fast the profile validator is, and the official HL7 validator beside it on the same resources.

Rates are of processor time on one core, the best of several passes, because other work on the machine only ever makes a pass
slower; reading the JSON alone is measured in the same way, so that machines can be compared.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PASSES = 15
COLD = r"""
import re, sys, time
started = time.process_time()
from suites.profiles import Validator
validator = Validator(guides=sys.argv[2:])
for path in open(sys.argv[1]):
    validator.validate(open(path.strip(), "rb").read())
spent = time.process_time() - started
print(spent, int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


EVERYTHING = r"""
import re, sys
from suites.profiles import Validator
validator = Validator(guides=sys.argv[1:])
compiled = 0
for header in validator.registry.profiles():
    profile = validator.engine.profile(header.url)
    if profile is not None and header.derivation == "constraint":
        profile.compile()
        compiled += 1
print(compiled, int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


@dataclass(frozen=True)
class Speed:
    """Resources a second, and how many times as long as only reading the JSON it takes."""

    per_second: float
    times_reading: float


def examples(package: Path, name: str, longest: int = 10**9) -> list[bytes]:
    """Official examples whose file name holds `name`."""
    with tarfile.open(package) as tar:
        streams = [
            tar.extractfile(m)
            for m in tar.getmembers()
            if "/example/" in m.name and name in m.name and m.name.endswith(".json") and m.size <= longest
        ]
        return [stream.read() for stream in streams if stream is not None]


def best(work: Callable[[bytes], object], documents: Sequence[bytes], passes: int = PASSES) -> float:
    """Seconds of processor time for one document, in the best pass."""
    fastest = float("inf")
    for _ in range(passes):
        started = time.process_time()
        for document in documents:
            work(document)
        fastest = min(fastest, time.process_time() - started)
    return fastest / len(documents)


def speed(guides: Sequence[str], documents: Sequence[bytes]) -> Speed:
    """Warm speed of ours, invariants and terminology included."""
    from suites.profiles import Validator

    validator = Validator(guides=guides)
    for document in documents:
        validator.validate(document)
    ours = best(validator.validate, documents)
    return Speed(1 / ours, ours / best(json.loads, documents))


def cold(guides: Sequence[str], files: Sequence[Path], scratch: Path) -> tuple[float, float]:
    """Seconds of processor time and MiB of a fresh process that validates these files."""
    listed = scratch / "files.txt"
    listed.write_text("\n".join(map(str, files)))
    said = subprocess.run(
        [sys.executable, "-c", COLD, str(listed), *guides], capture_output=True, text=True, check=True
    )
    seconds, megabytes = said.stdout.split()
    return float(seconds), float(megabytes)


def first_sight(guides: Sequence[str], documents: Sequence[bytes], warm: int) -> Speed:
    """The same over documents each judged once, after the first `warm` of them: what is remembered of one must serve others."""
    from suites.profiles import Validator

    seconds = [float("inf"), float("inf")]
    for _ in range(3):
        validator = Validator(guides=guides)
        for document in documents[:warm]:
            validator.validate(document)
        works: tuple[Callable[[bytes], object], ...] = (validator.validate, json.loads)
        for number, work in enumerate(works):
            seconds[number] = min(seconds[number], best(work, documents[warm:], passes=1))
    return Speed(1 / seconds[0], seconds[0] / seconds[1])


def generated(name: str, members: int, folder: Path) -> list[bytes]:
    """Resources of one type of generated members, in an order that mixes the members (always the same)."""
    made = [sys.executable, "-m", "patient_access", "generate", "--members", str(members), "--seed", "3"]
    subprocess.run([*made, "--family", "current", "--out", str(folder)], capture_output=True, check=True)
    found = (folder / f"{name}.ndjson").read_bytes().splitlines()
    random.Random(1).shuffle(found)
    return found


def command(guides: Sequence[str], file: Path, times: int = 7) -> tuple[float, float]:
    """Seconds by the clock and of processor time of the command on one file, the best of several."""
    asked = [
        sys.executable,
        "-m",
        "patient_access",
        "validate",
        *(a for g in guides for a in ("--guide", g)),
        str(file),
    ]
    clocked, spent = [], []
    for _ in range(times):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(asked, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clocked.append(time.perf_counter() - started)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(clocked), min(spent)


def everything_compiled(guides: Sequence[str]) -> tuple[int, float]:
    """How many profiles a fresh process compiles when it compiles them all, and the MiB it needs."""
    said = subprocess.run([sys.executable, "-c", EVERYTHING, *guides], capture_output=True, text=True, check=True)
    compiled, megabytes = said.stdout.split()
    return int(compiled), float(megabytes)


def official(build: Path, packages: Sequence[str], documents: Sequence[bytes], passes: int) -> float:
    """Warm rate of the official validator (documents for one second of its processor time): the best of its passes over them.

    `build` holds its driver (`classes`), its jars (`lib`) and a package cache (`home`); `packages` are the core and the guides to load, as
    in `hl7.fhir.r4.core#4.0.1`. The driver says on stderr when a pass is over; what the process had used by then is read from the
    kernel, so that neither its start nor other work on the machine counts. RuntimeError where it ends early or judges nothing.
    """
    build = build.resolve()
    cases = "".join(json.dumps({"id": str(n), "text": d.decode("utf-8-sig")}) + "\n" for n, d in enumerate(documents))
    classes = f"{build / 'classes'}:{build / 'lib'}/*"
    settings = ["-XX:ActiveProcessorCount=1", "-Xmx4g", f"-Drepeat={passes}", f"-Duser.home={build / 'home'}"]
    with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as answers:
        asked.write(cases)
        asked.seek(0)
        with subprocess.Popen(
            ["java", *settings, "-cp", classes, "Oracle", *packages],
            stdin=asked,
            stdout=answers,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            spent, said = _spent_by_pass(process)
        answers.seek(0)
        judged = sum("issues" in json.loads(line) for line in answers)
    if process.returncode or len(spent) < 2 or judged != len(documents):
        last = " / ".join(said[-3:])
        raise RuntimeError(f"{build}: judged {judged} of {len(documents)} documents in {len(spent)} passes: {last}")
    return len(documents) / min(after - before for before, after in pairwise(spent))


def _spent_by_pass(process: subprocess.Popen[str]) -> tuple[list[float], list[str]]:
    """Seconds of processor time a process had used at the end of each of its passes, and what else it said."""
    spent: list[float] = []
    said: list[str] = []
    ticks = os.sysconf("SC_CLK_TCK")
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line.strip()[:300])
        if line.startswith("cases "):
            with suppress(OSError):  # gone already, after its last pass
                fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                spent.append((int(fields[11]) + int(fields[12])) / ticks)
    return spent, said
