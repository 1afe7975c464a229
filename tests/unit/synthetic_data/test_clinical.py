"""Rendered records: FHIR R4 by another library's reading, the same facts in both families, labels where they belong."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from synthetic_data import clinical
from synthetic_data.members import Makers
from synthetic_data.network import make_network
from synthetic_data.records import FAMILIES, LABELS_PSYCHOTHERAPY_NOTE, Member, World
from synthetic_data.report import prevalences
from synthetic_data.timeline import draw_timeline

AS_OF = datetime(2026, 7, 1, 7, tzinfo=UTC)
NUMBERS = (1, 4, 6, 8, 13, 17, 20, 23, 25, 26, 40)


@cache
def member(number: int) -> Member:
    return Makers(7, AS_OF, make_network(7)).member(number, 50)


@cache
def world(family: str) -> World:
    return World(seed=7, as_of=AS_OF, family=family, guides=FAMILIES[family], network=make_network(7))


@cache
def rendered(number: int, family: str) -> list[dict[str, Any]]:
    return clinical.render(member(number), world(family))


def of_type(number: int, resource_type: str, family: str = "current") -> list[dict[str, Any]]:
    return [one for one in rendered(number, family) if one["resourceType"] == resource_type]


@pytest.mark.parametrize("family", ["legacy", "current"])
def test_another_library_reads_every_shape(family: str) -> None:
    """Three resources of every type and profile of several members."""
    read: Counter[tuple[str, ...]] = Counter()
    for number in NUMBERS:
        for resource in rendered(number, family):
            shape = (resource["resourceType"], *resource["meta"].get("profile", ()))
            if read[shape] < 3:
                read[shape] += 1
                name = resource["resourceType"]
                model = getattr(import_module(f"fhir.resources.R4B.{name.lower()}"), name)
                assert model.model_validate_json(orjson.dumps(resource)).id == resource["id"]
    assert len(read) > 25


def test_families_tell_the_same_facts() -> None:
    for number in NUMBERS:
        legacy = {f"{one['resourceType']}/{one['id']}" for one in rendered(number, "legacy")}
        current = {f"{one['resourceType']}/{one['id']}" for one in rendered(number, "current")}
        assert legacy <= current
        assert all("orientation" in one for one in current - legacy)


def test_us_core_6_splits_conditions_and_3_does_not() -> None:
    def names(family: str) -> set[str]:
        return {
            profile.rsplit("/", 1)[1] for one in of_type(8, "Condition", family) for profile in one["meta"]["profile"]
        }

    assert names("legacy") == {"us-core-condition"}
    assert "us-core-condition-problems-health-concerns" in names("current")


def test_psychotherapy_notes_are_labelled_and_listed_as_withheld() -> None:
    found = 0
    for number in (1, 8, 13, 20):
        withheld = set(member(number).withheld)
        for note in of_type(number, "DocumentReference"):
            labels = {label["code"] for label in note["meta"].get("security", ())}
            is_listed = f"DocumentReference/{note['id']}" in withheld
            assert is_listed == (LABELS_PSYCHOTHERAPY_NOTE[1][1] in labels)
            found += is_listed
    assert found > 0


def test_part_2_records_carry_their_labels() -> None:
    marked = [visit.id for visit in member(6).visits if visit.part2]
    assert marked
    labels = {
        one["id"]: {label["code"] for label in one["meta"].get("security", ())} for one in of_type(6, "Encounter")
    }
    assert all({"R", "42CFRPart2", "SUD"} <= labels[identifier] for identifier in marked)
    assert not any(labels[visit.id] for visit in member(6).visits if not visit.part2)


def test_a_report_is_told_twice_from_one_attachment() -> None:
    reports = {one["id"]: one for one in of_type(8, "DiagnosticReport") if "presentedForm" in one}
    assert len(reports) == 3
    for document in of_type(8, "DocumentReference"):
        report = reports.get(f"{document['id']}-report")
        if report is not None:
            assert report["presentedForm"][0] == document["content"][0]["attachment"]


def test_every_visit_has_its_provenance_and_it_names_what_was_written() -> None:
    for number in (1, 8):
        targets = {target["reference"] for one in of_type(number, "Provenance") for target in one["target"]}
        assert {f"Encounter/{visit.id}" for visit in member(number).visits} <= targets


def test_records_received_later_say_so() -> None:
    late = [visit for visit in member(12).visits if visit.received is not None and visit.received > AS_OF]
    assert late
    updated = {one["id"]: one["meta"]["lastUpdated"] for one in of_type(12, "Encounter")}
    for visit in late:
        assert visit.received is not None
        assert datetime.fromisoformat(updated[visit.id]) == visit.received
    assert all(datetime.fromisoformat(one["meta"]["lastUpdated"]) <= AS_OF for one in rendered(1, "current"))


def test_the_timeline_is_well_formed_and_names_nothing_unescaped() -> None:
    for number in (1, 8, 9, 18, 20):
        drawing = ElementTree.fromstring(draw_timeline(member(number), AS_OF.date()))  # noqa: S314 - our own drawing
        assert drawing.tag.endswith("svg")


def test_prevalences_are_shares_of_those_of_the_age() -> None:
    facts = {"eligible|asthma|bh": 200, "pathway|asthma|bh": 19}
    (row,) = prevalences(facts)
    assert (row["members"], row["of"], row["percent"]) == (19, 200, 9.5)
