"""What a token can see of a generated dataset, worked out from the resources alone, for tests that compare with the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulators.payer.deployment import load
from simulators.payer.fhir.search_parameters import __name__ as TABLES
from tests.unit.payer.fhir import evaluator
from tests.unit.payer.fhir.conftest import NOW

Resource = dict[str, Any]
FOLDER = Path(__import__(TABLES, fromlist=["x"]).__file__).parent
UNSEEN = {"42CFRPart2", "SUD", "ETH", "PSYTHPN"}


class World:
    """What a token (or the public, on an open base) can see of the dataset, worked out from the resources alone."""

    def __init__(
        self, dataset: dict[str, list[Resource]], statement: Resource, keep: Callable[[Resource], bool]
    ) -> None:
        self.base = statement["implementation"]["url"]
        self.resources = {
            entry["type"]: [one for one in dataset.get(entry["type"], []) if keep(one)]
            for entry in statement["rest"][0]["resource"]
        }
        self.by_name = {f"{name}/{one['id']}": one for name, found in self.resources.items() for one in found}
        self.statement = statement

    def entries(self) -> list[Resource]:
        return [entry for entry in self.statement["rest"][0]["resource"] if self.resources[entry["type"]]]


def member_world(dataset: dict[str, list[Resource]], statement: Resource, patient: str) -> World:
    mine: set[str] = set()

    def subject(one: Resource) -> str:
        if one["resourceType"] == "Patient":
            return f"Patient/{one['id']}"
        for name in ("patient", "subject", "beneficiary", "securityContext"):
            if name in one and "reference" in one[name]:
                return str(one[name]["reference"])
        return ""

    for found in dataset.values():
        mine |= {f"{one['resourceType']}/{one['id']}" for one in found if subject(one) == f"Patient/{patient}"}

    def keep(one: Resource) -> bool:
        labels = {label.get("code") for label in one["meta"].get("security", ())}
        arrived = (evaluator.span(one["meta"]["lastUpdated"]) or (NOW, NOW))[0] <= NOW
        profiles = " ".join(one["meta"].get("profile", ()))
        if one["resourceType"] == "Provenance":
            owned = any(target["reference"] in mine for target in one["target"])
        else:
            owned = subject(one) in ("", f"Patient/{patient}")
        return owned and arrived and not labels & UNSEEN and "drug-formulary" not in profiles

    kept_back = {
        f"{name}/{one['id']}" for name, found in dataset.items() for one in found
        if {label.get("code") for label in one["meta"].get("security", ())} & UNSEEN
    }  # fmt: skip
    told = []
    for one in dataset.get("Provenance", []):
        targets = [target for target in one["target"] if target["reference"] not in kept_back]
        if targets:
            told.append(one if len(targets) == len(one["target"]) else {**one, "target": targets})
    return World({**dataset, "Provenance": told}, statement, keep)


def open_world(dataset: dict[str, list[Resource]], statement: Resource, mark: str) -> World:
    return World(dataset, statement, lambda one: mark in " ".join(one["meta"].get("profile", ())))


def expressions() -> dict[str, dict[str, Any]]:
    """Kind, expression and targets of every official parameter, by its canonical address and type."""
    found = {}
    for guide in ("core@4.0.1", *load("reference").fhir.guides):
        path = FOLDER / f"{guide.replace('@', '-')}.json"
        for fact in json.loads(path.read_text("utf-8"))["parameters"]:
            found[fact["url"], fact["type"]] = fact
    return found


META = {
    "_id": "id",
    "_lastUpdated": "meta.lastUpdated",
    "_profile": "meta.profile",
    "_security": "meta.security",
    "_tag": "meta.tag",
    "_source": "meta.source",
}


def expression_of(facts: dict[Any, Any], parameter: Resource, type_name: str) -> str | None:
    if parameter["name"] in META:
        return f"{type_name}.{META[parameter['name']]}"
    fact = facts.get((parameter["definition"], type_name))
    return None if fact is None else str(fact["expression"])
