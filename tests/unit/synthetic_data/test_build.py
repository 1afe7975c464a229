"""Datasets: equal arguments give equal bytes, and shards laid side by side are the whole."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from synthetic_data.build import Specification, build
from synthetic_data.dataset import open_dataset, read_lines, read_resources, resource_types
from synthetic_data.records import FAMILIES

AS_OF = datetime(2026, 7, 1, 7, tzinfo=UTC)


def specification(
    members: int = 12, family: str = "current", shard: tuple[int, int] = (1, 1), seed: int = 7
) -> Specification:
    return Specification(members=members, seed=seed, family=family, guides=FAMILIES[family], as_of=AS_OF, shard=shard)


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("family", ["legacy", "current"])
def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, family: str) -> None:
    build(specification(family=family), tmp_path / "first")
    build(specification(family=family), tmp_path / "second")
    assert checksums(tmp_path / "first") == checksums(tmp_path / "second")


def test_another_seed_gives_other_members(tmp_path: Path) -> None:
    build(specification(), tmp_path / "seven")
    build(specification(seed=8), tmp_path / "eight")
    assert checksums(tmp_path / "seven")["Patient.ndjson"] != checksums(tmp_path / "eight")["Patient.ndjson"]


def test_jobs_do_not_change_a_byte(tmp_path: Path) -> None:
    build(specification(members=60), tmp_path / "one")
    build(specification(members=60), tmp_path / "two", jobs=2)
    assert checksums(tmp_path / "one") == checksums(tmp_path / "two")


def test_shards_side_by_side_are_the_whole(tmp_path: Path) -> None:
    build(specification(members=31), tmp_path / "whole")
    for index in (1, 2, 3):
        build(specification(members=31, shard=(index, 3)), tmp_path / f"shard{index}")
    for resource_type in resource_types(tmp_path / "whole"):
        parts = [
            line
            for index in (1, 2, 3)
            if (tmp_path / f"shard{index}" / f"{resource_type}.ndjson").exists()
            for line in read_lines(tmp_path / f"shard{index}", resource_type)
        ]
        assert parts == list(read_lines(tmp_path / "whole", resource_type)), resource_type
    whole = open_dataset(tmp_path / "whole")["members"]
    assert whole == [one for index in (1, 2, 3) for one in open_dataset(tmp_path / f"shard{index}")["members"]]


def test_a_member_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    build(specification(members=12), tmp_path / "few")
    build(specification(members=24), tmp_path / "many")
    few = list(read_lines(tmp_path / "few", "Patient"))
    assert few == list(read_lines(tmp_path / "many", "Patient"))[:12]


def test_every_reference_inside_the_dataset_has_its_target(tmp_path: Path) -> None:
    build(specification(members=20), tmp_path / "data")
    known = {
        f"{resource['resourceType']}/{resource['id']}"
        for resource_type in resource_types(tmp_path / "data")
        for resource in read_resources(tmp_path / "data", resource_type)
    }
    dangling = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            target = node.get("reference")
            if isinstance(target, str) and not target.startswith(("#", "http")) and target not in known:
                dangling.add(target)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    for resource_type in resource_types(tmp_path / "data"):
        for resource in read_resources(tmp_path / "data", resource_type):
            walk(resource)
    assert known
    assert not dangling


def test_ids_are_unique_and_totals_are_what_the_files_hold(tmp_path: Path) -> None:
    build(specification(members=20), tmp_path / "data")
    manifest = open_dataset(tmp_path / "data")
    counts: dict[str, int] = {}
    for resource_type in resource_types(tmp_path / "data"):
        identifiers = [resource["id"] for resource in read_resources(tmp_path / "data", resource_type)]
        assert len(identifiers) == len(set(identifiers)), resource_type
        counts[resource_type] = len(identifiers)
    assert counts == manifest["counts"]
    told = sum(one["totals"].get("Encounter", 0) for one in manifest["members"])
    later = sum(
        one["reference"].startswith("Encounter/") for member in manifest["members"] for one in member["arrives"]
    )
    assert told + later == counts["Encounter"]
