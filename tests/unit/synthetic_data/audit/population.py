"""The demonstration's population, made once a process for each family: what the audits of this folder read.

The audits know nothing of how resources are made: they read the files as a stranger would.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthetic_data.build import Specification, build
from synthetic_data.dataset import open_dataset, read_resources, resource_types
from synthetic_data.records import FAMILIES

Json = dict[str, Any]
AS_OF = datetime(2026, 7, 1, 7, tzinfo=UTC)
MEMBERS = 50
GUIDES = {
    "legacy": ("us-core@3.1.1", "carin-bb@1.0.0", "pdex@1.0.0", "plan-net@1.0.0", "formulary@1.1.0"),
    "current": ("us-core@6.1.0", "carin-bb@2.0.0", "pdex@2.0.0", "plan-net@1.1.0", "formulary@2.0.1"),
}


class Population:
    """Every resource of a dataset by type and by reference, and its manifest."""

    def __init__(self, folder: Path) -> None:
        """Read it whole; fifty members are some twenty thousand resources."""
        self.manifest = open_dataset(folder)
        self.by_type: dict[str, list[Json]] = {one: list(read_resources(folder, one)) for one in resource_types(folder)}
        self.by_reference: dict[str, Json] = {
            f"{kind}/{one['id']}": one for kind, some in self.by_type.items() for one in some
        }
        self.patients: dict[str, Json] = {one["id"]: one for one in self.by_type["Patient"]}
        self.planted: dict[str, list[str]] = defaultdict(list)
        for member in self.manifest["members"]:
            for purpose in member["planted_for"]:
                self.planted[purpose].append(member["patient"])

    def owner(self, resource: Json) -> str | None:
        """The member a resource is about; None for what is shared."""
        if resource["resourceType"] == "Patient":
            return str(resource["id"])
        if resource["resourceType"] == "Provenance":
            owners = {self.owner(self.by_reference[one["reference"]]) for one in resource["target"]}
            return owners.pop() if len(owners) == 1 else None
        if resource["resourceType"] == "AuditEvent":
            resource = {"patient": resource["entity"][0]["what"]}
        for name in ("patient", "subject", "beneficiary"):
            held = resource.get(name)
            reference = held.get("reference", "") if isinstance(held, dict) else ""
            if reference.startswith("Patient/"):
                return str(reference.partition("/")[2])
        return None


@cache
def population(family: str) -> Population:
    """Fifty members of a family with seed 7, as `patient-access demo` makes them."""
    specification = Specification(members=MEMBERS, seed=7, family=family, guides=FAMILIES[family], as_of=AS_OF)
    with TemporaryDirectory() as folder:
        build(specification, Path(folder) / "data")
        return Population(Path(folder) / "data")


def walk(value: Any, path: str = "") -> Any:
    """Every value of a resource with the path of element names to it."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, path)
