"""Make the tables of docs/validator.md: agreement with the official validator, speed, size.

    python -m tests.benchmarks.profiles_table --packages FOLDER --families FAMILIES.json --verdicts NAME=VERDICTS.jsonl ... [--official BUILD]

`FAMILIES.json` names for each family of verdicts the guides to judge by (`{"name": {"guides": ["us-core@3.1.1"]}}`). With `--official`,
a build of the official validator judges the same CARIN claims in the same run, on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import tempfile
from pathlib import Path

from tests.benchmarks.validator_agreement import agreement, table
from tests.benchmarks.validator_speed import (
    Speed,
    cold,
    command,
    everything_compiled,
    examples,
    first_sight,
    generated,
    official,
    speed,
)

PAGE = Path("docs/validator.md")
CARIN = ("us-core@3.1.1", "carin-bb@2.0.0")
CURRENT = ("us-core@6.1.0", "carin-bb@2.0.0", "pdex@2.0.0", "plan-net@1.1.0", "formulary@2.0.1")
ALL = (
    "us-core@3.1.1", "us-core@4.0.0", "us-core@5.0.1", "us-core@6.1.0", "carin-bb@1.0.0", "carin-bb@1.1.0", "carin-bb@2.0.0", "pdex@1.0.0", "pdex@2.0.0", "hrex@0.2.0",
    "hrex@1.0.0", "plan-net@1.0.0", "plan-net@1.1.0", "formulary@1.0.1", "formulary@1.1.0", "formulary@2.0.0", "formulary@2.0.1", "pas@2.0.1",
)  # fmt: skip


def claims(packages: Path) -> list[bytes]:
    return examples(packages / "hl7.fhir.us.carin-bb-2.0.0.tgz", "ExplanationOfBenefit")


def small(packages: Path) -> list[bytes]:
    """US Core's examples of at most 12 kB, Bundles left out."""
    found = examples(packages / "hl7.fhir.us.core-3.1.1.tgz", "", 12_000)
    return [document for document in found if b'"Bundle"' not in document]


def agreement_tables(verdicts: list[str], families: Path, packages: Path) -> str:
    guides = {name: family["guides"] for name, family in json.loads(families.read_text()).items()}
    parts = []
    for given in verdicts:
        name, _, file = given.partition("=")
        with Path(file).open(encoding="utf-8") as lines:
            rows = agreement(map(json.loads, lines), packages, guides)
        parts.append(f"### {name}\n\n{table(rows)}")
    return "\n\n".join(parts)


def _rate(found: Speed) -> str:
    return f"{found.per_second:,.0f} a second ({found.times_reading:.1f} times reading the JSON)"


def _size(documents: list[bytes]) -> str:
    return f"{sum(map(len, documents)) / len(documents) / 1000:.1f} kB on average"


def speed_table(packages: Path, build: Path | None) -> str:
    """The benchmark table of this machine."""
    eobs, others = claims(packages), small(packages)
    rows = []
    for name, guides, documents in (
        ("CARIN EOBs, official examples", CARIN, eobs),
        ("small resources, official examples", ("us-core@3.1.1",), others),
    ):
        found = speed(guides, documents)
        rows.append((f"{name}, {_size(documents)}, warm, one core", _rate(found)))
        if build is not None and guides == CARIN:
            loaded = ["hl7.fhir.r4.core#4.0.1", "hl7.fhir.us.core#3.1.1", "hl7.fhir.us.carin-bb#2.0.0"]
            theirs = official(build, loaded, documents, 20)
            beside = f"{theirs:,.1f} a second: ours is {found.per_second / theirs:,.0f} times as fast"
            rows.append(("the same EOBs by the official validator (6.10.4), warm, one core", beside))
    with tempfile.TemporaryDirectory() as folder:
        rows.extend(_generated_rows(Path(folder)))
        rows.extend(_size_rows(Path(folder), eobs, others))
    head = (
        f"Python {platform.python_version()}, {os.cpu_count()} cores under a load of {os.getloadavg()[0]:.0f}; rates by processor time,"
        " the best of several passes;"
        " memory as the peak of a process of its own.\n\n| what | measured |\n|---|---|\n"
    )
    return head + "\n".join(f"| {what} | {measured} |" for what, measured in rows)


def _generated_rows(folder: Path) -> list[tuple[str, str]]:
    """Resources that differ from each other, each judged once."""
    rows = []
    for name, warm in (("ExplanationOfBenefit", 600), ("Observation", 600), ("Encounter", 600)):
        documents = generated(name, 12, folder / "data")[:1800]
        found = first_sight(CURRENT, documents, warm)
        what = f"generated {name}s, {_size(documents)}, each judged once, one core"
        rows.append((what, _rate(found)))
    return rows


def _size_rows(folder: Path, eobs: list[bytes], others: list[bytes]) -> list[tuple[str, str]]:
    files = []
    for number, document in enumerate([*others, *eobs]):
        files.append(folder / f"{number}.json")
        files[-1].write_bytes(document)
    patient = folder / "patient.json"
    patient.write_bytes(next(document for document in others if b'"resourceType":"Patient"' in document))
    clocked, spent = command(("us-core@3.1.1",), patient)
    compiled, megabytes = everything_compiled(ALL)
    return [
        (
            "the command on one Patient, cold",
            f"{clocked:.2f} s by the clock, {spent:.2f} s of processor time, {cold(('us-core@3.1.1',), [patient], folder)[1]:.0f} MiB",
        ),
        (f"one family, {len(files)} resources", f"{cold(CARIN, files, folder)[1]:.0f} MiB"),
        ("every shipped guide named, the same resources", f"{cold(ALL, files, folder)[1]:.0f} MiB"),
        (f"every shipped guide, all its {compiled} profiles compiled", f"{megabytes:.0f} MiB"),
    ]


def put(page: Path, section: str, text: str) -> None:
    """Replace what stands between the section's two marks."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    written = page.read_text(encoding="utf-8")
    new = re.sub(rf"(?s){re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{text}\n{end}", written)
    page.write_text(new, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--families", type=Path)
    parser.add_argument("--verdicts", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--official", type=Path)
    parser.add_argument("--no-speed", action="store_true")
    ask = parser.parse_args()
    if ask.verdicts:
        put(PAGE, "agreement", agreement_tables(ask.verdicts, ask.families, ask.packages))
    if not ask.no_speed:
        put(PAGE, "speed", speed_table(ask.packages, ask.official))


if __name__ == "__main__":
    main()
