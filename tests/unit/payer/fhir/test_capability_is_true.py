"""Everything the CapabilityStatement promises is done, and done right: each parameter, combination, include and revinclude is
asked over a generated dataset and compared with an evaluator that shares no code with the server. On both stores."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from simulators.payer.clock import Clock
from simulators.payer.context import Payer
from simulators.payer.database import open_database
from simulators.payer.deployment import load
from simulators.payer.fhir.loading import ensure_loaded, read_manifest
from simulators.payer.store import Store
from tests import made
from tests.unit.payer.fhir import evaluator
from tests.unit.payer.fhir.conftest import NOW, PUBLIC, Api, authenticate
from tests.unit.payer.fhir.worlds import World, expression_of, expressions, member_world, open_world

Resource = dict[str, Any]
# Resources whose values are asked for, by store: the evaluator is the same, so the slower store is asked less.
SAMPLES = {"sqlite": 2, "postgresql": 1}


@pytest.fixture(scope="module")
def folder() -> Path:
    return made.dataset("--members", "6", "--seed", "11", "--family", "legacy")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def generated(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    if request.param == "sqlite":
        url = str(tmp_path_factory.mktemp("store") / "payer.sqlite")
    else:
        url = request.getfixturevalue("postgresql_url")
    store = Store(open_database(url))
    deployment = load("reference")
    deployment = replace(deployment, fhir=replace(deployment.fhir, max_page_size=1000))
    ensure_loaded(store, folder, deployment)
    clock = Clock()
    clock.freeze(NOW)
    yield Api(Payer(deployment, clock, store.database, store, read_manifest(folder), PUBLIC, authenticate=authenticate))
    store.database.close()


@pytest.fixture(scope="module")
def dataset(folder: Path) -> dict[str, list[Resource]]:
    return {
        path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in sorted(folder.glob("*.ndjson"))
    }


def values_for(kind: str, found: list[Any], base: str) -> Iterator[tuple[str, str]]:
    """(modifier, value) pairs worth asking for, made from what one resource has."""
    if kind == "token":
        for system, code in sorted(evaluator.tokens(found), key=str):
            if not code:
                continue
            yield "", code
            if system:
                yield "", f"{system}|{code}"
                yield "", f"{system}|"
                yield "", f"http://nobody.example|{code}"
            elif system == "":
                yield "", f"|{code}"
            yield "not", code
    elif kind == "date":
        for low, _ in evaluator.spans(found):
            if low.year > 1:
                for prefix in ("", "ge", "le", "gt", "lt", "ne", "sa", "eb"):
                    yield "", f"{prefix}{low:%Y-%m-%d}"
                yield "", f"{low:%Y-%m}"
                yield "", f"ge{low:%Y-%m-%dT%H:%M:%S}Z"
                yield "", f"{low:%Y}"
    elif kind == "string":
        for text in evaluator.strings(found)[:2]:
            if "," in text or "|" in text or "$" in text or "\\" in text:
                continue
            yield "", text[:3].swapcase()
            yield "exact", text
            yield "contains", text[1:5]
            yield "exact", text.upper() + "!"
    elif kind == "reference":
        for reference in evaluator.references(found)[:2]:
            yield "", reference
            if "/" in reference and ":" not in reference:
                yield "", reference.split("/")[1]
                yield "", f"{base}/{reference}"
    elif kind == "quantity":
        for node in found:
            if isinstance(node, dict) and "value" in node:
                for prefix in ("", "ge", "lt", "ne"):
                    yield "", f"{prefix}{node['value']}"
                if "code" in node:
                    yield "", f"{node['value']}|{node['system']}|{node['code']}"
    elif kind == "uri":
        for text in found[:2]:
            yield "", text
    yield "missing", "true"
    yield "missing", "false"


def asked(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe=':')}={quote(value, safe='')}" for name, value in pairs)


def worlds(generated: Api, dataset: dict[str, list[Resource]]) -> list[tuple[World, dict[str, Any]]]:
    """Each base with what can be seen of it and how to ask there."""

    def statement(base: str) -> Resource:
        found: Resource = generated.get("metadata", None, base=base).json()
        return found

    most = max(generated.payer.manifest["members"], key=lambda one: len(one["totals"]))["patient"]
    return [
        (member_world(dataset, statement("/fhir"), most), {"token": most, "base": "/fhir"}),
        (open_world(dataset, statement("/directory"), "plan-net"), {"token": None, "base": "/directory"}),
        (open_world(dataset, statement("/formulary"), "drug-formulary"), {"token": None, "base": "/formulary"}),
    ]  # fmt: skip


def test_every_parameter_finds_what_the_evaluator_finds(generated: Api, dataset: dict[str, list[Resource]]) -> None:
    facts, samples = expressions(), SAMPLES[generated.payer.database.dialect]
    wrong, tried = [], 0
    for world, how in worlds(generated, dataset):
        for entry in world.entries():
            type_name, resources = entry["type"], world.resources[entry["type"]]
            for parameter in entry["searchParam"]:
                kind, name, expression = (
                    parameter["type"],
                    parameter["name"],
                    expression_of(facts, parameter, entry["type"]),
                )
                if kind == "composite" or expression is None:
                    continue
                found = {one["id"]: evaluator.nodes(one, expression) for one in resources}
                having = [nodes for nodes in found.values() if nodes]
                questions = dict.fromkeys(
                    pair
                    for nodes in having[:: max(1, len(having) // samples)][:samples]
                    for pair in itertools.islice(values_for(kind, nodes, world.base), 24)
                )
                for modifier, value in questions or [("missing", "true"), ("missing", "false")]:
                    if modifier == "missing" and kind == "uri" and name == "_source":
                        continue
                    expected = sorted(
                        id for id, nodes in found.items() if evaluator.matches(kind, nodes, value, modifier, world.base)
                    )
                    query = f"{type_name}?{asked([(f'{name}:{modifier}' if modifier else name, value)])}&_count=1000"
                    if name == "patient" and how["token"] and modifier == "" and how["token"] not in value:
                        continue
                    got = sorted(generated.ids(query, **how))
                    tried += 1
                    if got != expected:
                        wrong.append(
                            f"{query}: {len(got)} found, {len(expected)} expected; e.g. {sorted(set(got) ^ set(expected))[:3]}"
                        )
    assert tried > 1000
    assert wrong == []


def test_every_required_combination_finds_what_the_evaluator_finds(
    generated: Api, dataset: dict[str, list[Resource]]
) -> None:
    facts, samples = expressions(), SAMPLES[generated.payer.database.dialect]
    wrong, tried, nonempty = [], 0, 0
    for world, how in worlds(generated, dataset):
        for entry in world.entries():
            resources = world.resources[entry["type"]]
            by_name = {parameter["name"]: parameter for parameter in entry["searchParam"]}
            for extension in entry.get("extension", ()):
                names = [part["valueString"] for part in extension["extension"] if part["url"] == "required"]
                pairs_of = {name: expression_of(facts, by_name[name], entry["type"]) for name in names}
                for one in resources[:: max(1, len(resources) // samples)][:samples]:
                    pairs = []
                    for name, expression in pairs_of.items():
                        options = [
                            pair
                            for pair in values_for(
                                by_name[name]["type"], evaluator.nodes(one, str(expression)), world.base
                            )
                            if pair[0] == ""
                        ]
                        if options:
                            pairs.append((name, options[0][1]))
                    if len(pairs) < len(names):
                        continue
                    expected = sorted(
                        other["id"]
                        for other in resources
                        if all(
                            evaluator.matches(
                                by_name[name]["type"],
                                evaluator.nodes(other, str(pairs_of[name])),
                                value,
                                "",
                                world.base,
                            )
                            for name, value in pairs
                        )
                    )
                    got = sorted(generated.ids(f"{entry['type']}?{asked(pairs)}&_count=1000", **how))
                    tried += 1
                    nonempty += bool(expected)
                    if got != expected:
                        wrong.append((entry["type"], pairs, len(got), len(expected)))
    assert tried > 30
    assert nonempty > 30
    assert wrong == []


def test_every_include_and_revinclude_brings_what_the_references_lead_to(
    generated: Api, dataset: dict[str, list[Resource]]
) -> None:
    facts = expressions()
    wrong, brought = [], defaultdict(int)
    for world, how in worlds(generated, dataset):
        parameters = {(entry["type"], one["name"]): one for entry in world.entries() for one in entry["searchParam"]}
        for entry in world.entries():
            type_name = entry["type"]
            for kind, value in [("_include", one) for one in entry.get("searchInclude", ())] + [
                ("_revinclude", one) for one in entry.get("searchRevInclude", ())
            ]:
                source, name, *target = value.split(":")
                names = (
                    [
                        one
                        for (owner, one), parameter in parameters.items()
                        if owner == source and parameter["type"] == "reference"
                    ]
                    if name == "*"
                    else [name]
                )
                exprs = [
                    expression_of(facts, parameters[source, one], source)
                    for one in names
                    if (source, one) in parameters
                ]
                bundle = generated.get(
                    f"{type_name}?_count=5&{kind}={value}", token=how["token"], base=how["base"]
                ).json()
                matched = [item["resource"] for item in bundle.get("entry", ()) if item["search"]["mode"] == "match"]
                own = {f"{type_name}/{one['id']}" for one in matched}
                if kind == "_include":
                    leads = {
                        ref
                        for one in matched
                        for expression in exprs
                        for ref in evaluator.references(
                            evaluator.nodes(world.by_name[f"{type_name}/{one['id']}"], str(expression))
                        )
                    }
                    expected = {
                        ref for ref in leads if ref in world.by_name and (not target or ref.startswith(target[0] + "/"))
                    } - own
                else:
                    expected = {
                        f"{source}/{one['id']}"
                        for one in world.resources.get(source, ())
                        if any(
                            ref in own
                            for expression in exprs
                            for ref in evaluator.references(evaluator.nodes(one, str(expression)))
                        )
                    } - own
                got = {
                    f"{item['resource']['resourceType']}/{item['resource']['id']}"
                    for item in bundle.get("entry", ())
                    if item["search"]["mode"] == "include"
                }
                brought[kind] += len(expected)
                if got != expected:
                    wrong.append((type_name, kind, value, sorted(got ^ expected)[:4]))
    assert min(brought.values()) > 10
    assert wrong == []


def test_composites_ask_for_both_parts_in_the_same_element(generated: Api, dataset: dict[str, list[Resource]]) -> None:
    world, how = worlds(generated, dataset)[0]
    observations = [one for one in world.resources["Observation"] if "valueQuantity" in one]
    assert observations
    for one in observations[:: max(1, len(observations) // 5)]:
        code, value = one["code"]["coding"][0]["code"], one["valueQuantity"]["value"]
        for prefix, holds in (("", lambda x, y: x == y), ("ge", lambda x, y: x >= y), ("lt", lambda x, y: x < y)):
            expected = sorted(
                other["id"]
                for other in observations
                if any(coding["code"] == code for coding in other["code"]["coding"])
                and holds(other["valueQuantity"]["value"], value)
            )
            found = generated.ids(f"Observation?code-value-quantity={code}${prefix}{value}&_count=1000", **how)
            if prefix == "" and isinstance(value, int):
                assert set(expected) <= set(found)
            else:
                assert sorted(found) == expected
