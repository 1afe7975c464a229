"""The payer's records of the planted members conform, and show every must-support element that has no written exception.

The judge is `patient-access validate`, asked as a user asks it: nothing of the validator is imported.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from synthetic_data import payer
from synthetic_data.members import Makers
from synthetic_data.network import make_network
from synthetic_data.records import FAMILIES, World
from synthetic_data.yaml_tables import table

GUIDES = {
    "legacy": ("us-core@3.1.1", "carin-bb@1.0.0", "hrex@0.2.0", "pdex@1.0.0", "plan-net@1.0.0", "formulary@1.1.0"),
    "current": (
        "us-core@6.1.0", "carin-bb@2.0.0", "hrex@1.0.0", "pas@2.0.1", "pdex@2.0.0", "plan-net@1.1.0", "formulary@2.0.1",
    ),
}  # fmt: skip
# Profiles whose other resources are made by the clinical side.
OURS = (
    "C4BB-Explanation",
    "C4BB-Coverage",
    "C4BB-Organization",
    "C4BB-Practitioner",
    "plannet-",
    "usdf-",
    "pdex-pri",
    "hrex-",
)


def judged(family: str, folder: Path) -> list[dict[str, Any]]:
    """What the validator says of the payer's records of the planted members."""
    as_of = datetime(2026, 7, 1, 7, tzinfo=UTC)
    network = make_network(7)
    world = World(seed=7, as_of=as_of, family=family, guides=FAMILIES[family], network=network)
    makers = Makers(7, as_of, network)
    count = len(makers.planted)
    resources = payer.shared(world)
    for number in range(1, count + 1):
        # Two of everything is enough of what there are hundreds of.
        kept: dict[str, int] = {}
        for resource in payer.render(makers.member(number, count), world):
            key = (
                f"{resource['resourceType']}{resource.get('meta', {}).get('profile')}{resource.get('related') is None}"
            )
            kept[key] = kept.get(key, 0) + 1
            if kept[key] <= (40 if number == 8 else 3):
                resources.append(resource)
    path = folder / "payer.ndjson"
    path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in resources))
    command = [str(Path(sys.executable).with_name("patient-access")), "validate", str(path), "--must-support"]
    for guide in GUIDES[family]:
        command += ["--guide", guide]
    done = subprocess.run([*command, "--format", "ndjson"], capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr.decode()
    return [orjson.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("family", ["legacy", "current"])
def test_the_payers_records_conform_and_show_what_guides_mark_as_must_support(family: str, tmp_path: Path) -> None:
    said = judged(family, tmp_path)
    resources = [each for each in said if "valid" in each]
    assert len(resources) > 500
    wrong = [(each["id"], issue) for each in resources if not each["valid"] for issue in each["issues"]]
    assert wrong == []
    exceptions = {
        (profile, row["element"])
        for row in table("must_support_exceptions.yaml")["exceptions"]
        for profile in row["profiles"]
    }
    profiles = [each["must_support"] for each in said if "must_support" in each]
    ours = [each for each in profiles if each["profile"].rpartition("/")[2].startswith(OURS)]
    assert len(ours) >= 18
    unseen = {
        (each["profile"].rpartition("/")[2], row["element"])
        for each in ours
        for row in each["elements"]
        if not row["seen_in"]
    }
    assert unseen - exceptions == set()
