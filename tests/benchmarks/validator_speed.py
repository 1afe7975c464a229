"""How fast the profile validator is, and the official HL7 validator beside it on the same resources.

Rates are of processor time on one core, the best of several passes, because other work on the machine only ever makes a pass
slower; reading the JSON alone is measured in the same way, so that machines can be compared.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PASSES = 15
WARMING = 6
"""Passes in which the official validator is left to warm up."""
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


def official(build: Path, packages: Sequence[str], documents: Sequence[bytes], repeat: int) -> float:
    """Warm rate of the official validator for one core's processor time: a long run less a short one, so that starting does not count."""
    short, long = (_official_seconds(build, packages, documents, passes) for passes in (WARMING, WARMING + repeat))
    return len(documents) * repeat / (long - short)


def _official_seconds(build: Path, packages: Sequence[str], documents: Sequence[bytes], passes: int) -> float:
    cases = "".join(json.dumps({"id": str(n), "text": d.decode("utf-8-sig")}) + "\n" for n, d in enumerate(documents))
    classes = f"{build / 'classes'}:{build / 'lib'}/*"
    settings = ["-XX:ActiveProcessorCount=1", "-Xmx4g", f"-Drepeat={passes}", f"-Duser.home={build / 'home'}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["java", *settings, "-cp", classes, "Oracle", *packages],
        input=cases,
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
