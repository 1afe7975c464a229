"""Searches nobody thought of: random ones from fixed seeds, each compared with the slow evaluator.

Every parameter, prefix, form, modifier, chain, reverse chain and composite may come, joined by and, with lists joined by or, sorted, paged
to the end, counted, and sent by GET or POST. A failure prints the address: paste it to see it again.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from simulators.payer.clock import Clock
from simulators.payer.context import Payer
from simulators.payer.database import open_database
from simulators.payer.deployment import load
from simulators.payer.fhir.loading import ensure_loaded, read_manifest
from simulators.payer.store import Store
from tests.unit.payer.fhir import evaluator
from tests.unit.payer.fhir.conftest import NOW, PUBLIC, Api, authenticate
from tests.unit.payer.fhir.worlds import World, expression_of, expressions, member_world, open_world

Resource = dict[str, Any]
SEARCHES = 350  # a seed
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, dict[str, list[Resource]]]]:
    folder = tmp_path_factory.mktemp("generated") / "dataset"
    command = [
        sys.executable,
        "-m",
        "patient_access",
        "generate",
        "--members",
        "4",
        "--seed",
        "23",
        "--family",
        "legacy",
    ]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
    store = Store(open_database(":memory:"))
    deployment = load("reference")
    deployment = replace(deployment, fhir=replace(deployment.fhir, max_page_size=1000))
    ensure_loaded(store, folder, deployment)
    clock = Clock()
    clock.freeze(NOW)
    api = Api(Payer(deployment, clock, store.database, store, read_manifest(folder), PUBLIC, authenticate=authenticate))
    yield (
        api,
        {
            path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            for path in sorted(folder.glob("*.ndjson"))
        },
    )
    store.database.close()


@dataclass(frozen=True)
class Asked:
    """One parameter as sent, and the ids of the resources that fulfil it."""

    name: str
    value: str
    fulfilled: frozenset[str]


def escaped(text: str) -> str:
    for mark in ("\\", ",", "|", "$"):
        text = text.replace(mark, "\\" + mark)
    return text


class Asker:
    """Makes random searches over one world and knows their answers."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.facts = expressions()
        self.parameters = {
            entry["type"]: [one for one in entry["searchParam"] if self._known(one, entry["type"])]
            for entry in world.entries()
        }

    def _known(self, parameter: Resource, type_name: str) -> bool:
        return (
            parameter["type"] in ("token", "date", "string", "reference", "quantity", "uri")
            and bool(expression_of(self.facts, parameter, type_name))
            and parameter["name"] != "_source"
        )

    def nodes(self, one: Resource, parameter: Resource) -> list[Any]:
        return evaluator.nodes(one, str(expression_of(self.facts, parameter, one["resourceType"])))

    def asked(self, type_name: str, depth: int = 0) -> Asked | None:
        """A random parameter of a type."""
        draw = self.random.random()
        if depth < 3 and draw < 0.12:
            return self._reverse(type_name, depth)
        parameter = self.random.choice(self.parameters[type_name])
        if depth < 3 and draw < 0.4 and parameter["type"] == "reference":
            return self._chained(type_name, parameter, depth)
        return self._plain(type_name, parameter)

    def _plain(self, type_name: str, parameter: Resource) -> Asked | None:
        resources, kind = self.world.resources[type_name], parameter["type"]
        having = [one for one in resources if self.nodes(one, parameter)]
        if not having or self.random.random() < 0.06:
            value = self.random.choice(("true", "false"))
            ids = {
                one["id"] for one in resources if evaluator.matches(kind, self.nodes(one, parameter), value, "missing")
            }
            return Asked(f"{parameter['name']}:missing", value, frozenset(ids))
        pairs = [
            self._value(kind, self.nodes(self.random.choice(having), parameter))
            for _ in range(self.random.choice((1, 1, 1, 2, 3)))
        ]
        sent = [pair for pair in pairs if pair is not None]
        if not sent:
            return None
        modifier = sent[0][0]
        values = [(plain, told) for found, plain, told in sent if found == modifier]
        if parameter["name"] == "patient" and modifier == "":
            return None  # whose record is searched is a question of its own
        ids = set()
        for one in resources:
            answers = [
                evaluator.matches(kind, self.nodes(one, parameter), plain, modifier, self.world.base, NOW)
                for plain, _ in values
            ]
            if all(answers) if modifier == "not" else any(answers):
                ids.add(one["id"])
        name = f"{parameter['name']}:{modifier}" if modifier else parameter["name"]
        return Asked(name, ",".join(told for _, told in values), frozenset(ids))

    def _value(self, kind: str, found: list[Any]) -> tuple[str, str, str] | None:
        """(modifier, value for the evaluator, value as sent)."""
        pick = self.random.choice
        match kind:
            case "token":
                return self._token(found)
            case "date":
                spans = [one for one in evaluator.spans(found) if one[0].year > 1900]
                if not spans:
                    return None
                low = pick(spans)[0]
                forms = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00")
                text = pick(PREFIXES) + f"{low:{pick(forms)}}"
                return "", text, text
            case "string":
                text = pick(evaluator.strings(found) or [""])
                start = self.random.randrange(max(1, len(text) - 2))
                modifier = pick(("", "", "exact", "contains"))
                text = {
                    "": text[: start + 2].swapcase(),
                    "exact": pick((text, text.upper())),
                    "contains": text[start : start + 3],
                }[modifier]
                return (modifier, text, escaped(text)) if text.strip() and text == text.strip() else None
            case "reference":
                identified = [node["identifier"] for node in found if isinstance(node, dict) and "identifier" in node]
                if identified and self.random.random() < 0.3:
                    text = f"{identified[0].get('system', '')}|{identified[0].get('value', '')}"
                    return "identifier", text, text
                references = [one for one in evaluator.references(found) if "/" in one and ":" not in one]
                if not references:
                    return None
                text = pick(references)
                text = pick((text, text.split("/")[1], f"{self.world.base}/{text}", text + "0"))
                return "", text, text
            case "quantity":
                return self._quantity([node for node in found if isinstance(node, dict) and "value" in node])
        text = pick([str(node) for node in found])
        modifier = pick(("", "below"))
        return modifier, text[:-2] if modifier else text, escaped(text[:-2] if modifier else text)

    def _token(self, found: list[Any]) -> tuple[str, str, str] | None:
        pick = self.random.choice
        labelled = [f"{one['system']}|{one['code']}|{node['value']}" for node in found if isinstance(node, dict) and isinstance(node.get("type"), dict)
                    for one in node["type"].get("coding", ()) if {"system", "code"} <= set(one) and "value" in node]  # fmt: skip
        if labelled and self.random.random() < 0.3:
            return "of-type", labelled[0], labelled[0]
        texts = [
            coding["display"]
            for node in found
            if isinstance(node, dict)
            for coding in node.get("coding", ())
            if "display" in coding
        ]
        if texts and self.random.random() < 0.15:
            text = pick(texts)[: self.random.randrange(2, 9)].upper()
            return ("text", text, escaped(text)) if text == text.strip() else None
        known = [
            (system, code)
            for system, code in sorted(evaluator.tokens(found), key=str)
            if code and not set(f"{system}{code}") & set("\\,|$")
        ]
        if not known:
            return None
        system, code = pick(known)
        forms = [code, code.swapcase(), f"http://nobody.example|{code}"]
        if system is not None:
            forms += [f"{system}|{code}", f"{system}|{code}", f"|{code}"] + ([f"{system}|"] if system else [])
        elif system is None:
            forms = [code]
        text = pick(forms)
        return pick(("", "", "not")), text, text

    def _quantity(self, found: list[Any]) -> tuple[str, str, str] | None:
        if not found:
            return None
        node = self.random.choice(found)
        value = Decimal(str(node["value"])) * self.random.choice((1, 1, 1, Decimal("1.08"), Decimal("0.5")))
        places = self.random.choice((Decimal(1), Decimal("0.1"), Decimal("0.01"), Decimal("0.0001")))
        text = self.random.choice(PREFIXES) + f"{value.quantize(places):f}"
        if "code" in node and self.random.random() < 0.5:
            text += self.random.choice(
                (f"|{node.get('system', '')}|{node['code']}", f"||{node['code']}", "|http://nobody.example|x")
            )
        return "", text, text

    def _refers(self, one: Resource, parameter: Resource) -> list[str]:
        return evaluator.references(self.nodes(one, parameter))

    def _chained(self, type_name: str, parameter: Resource, depth: int) -> Asked | None:
        resources = self.world.resources[type_name]
        kinds = sorted(
            {
                ref.split("/")[0]
                for one in resources
                for ref in self._refers(one, parameter)
                if ref in self.world.by_name
            }
            & set(self.parameters)
        )
        if not kinds:
            return None
        kind = self.random.choice(kinds)
        inner = self.asked(kind, depth + 1)
        if inner is None:
            return None
        leads = {f"{kind}/{id}" for id in inner.fulfilled}
        ids = {one["id"] for one in resources if leads & set(self._refers(one, parameter))}
        return Asked(f"{parameter['name']}:{kind}.{inner.name}", inner.value, frozenset(ids))

    def _reverse(self, type_name: str, depth: int) -> Asked | None:
        links = [
            (source, parameter)
            for source, parameters in self.parameters.items() for parameter in parameters
            if parameter["type"] == "reference"
            and any(ref.startswith(type_name + "/") for one in self.world.resources[source][:40] for ref in self._refers(one, parameter))
        ]  # fmt: skip
        if not links:
            return None
        source, link = self.random.choice(links)
        inner = self.asked(source, depth + 1)
        if inner is None or "." in inner.name:
            return None
        pointed = {
            ref
            for one in self.world.resources[source]
            if one["id"] in inner.fulfilled
            for ref in self._refers(one, link)
        }
        ids = {one["id"] for one in self.world.resources[type_name] if f"{type_name}/{one['id']}" in pointed}
        return Asked(f"_has:{source}:{link['name']}:{inner.name}", inner.value, frozenset(ids))


def sent(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe=':')}={quote(value, safe='')}" for name, value in pairs)


def answered(
    api: Api, how: dict[str, Any], type_name: str, pairs: list[tuple[str, str]], by_post: bool
) -> tuple[list[str], list[Any]]:
    """Ids of all matches in order, page by page, and the totals the pages told."""
    found, totals = [], []
    if by_post:
        form = {"content-type": "application/x-www-form-urlencoded"}
        address = f"{type_name}/_search?{sent(pairs[:1])}"
        response = api.send("POST", address, how["token"], base=how["base"], content=sent(pairs[1:]), headers=form)
    else:
        response = api.get(f"{type_name}?{sent(pairs)}", **how)
    while True:
        assert response.status_code == 200, response.text
        bundle = response.json()
        totals.append(bundle.get("total"))
        found += [entry["resource"]["id"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        if not url:
            return found, totals
        response = api.get(url, **how)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("base", ["/fhir", "/directory", "/formulary"])
def test_a_random_search_finds_what_the_evaluator_finds(
    generated: tuple[Api, dict[str, list[Resource]]], base: str, seed: int
) -> None:
    api, dataset = generated
    statement = api.get("metadata", None, base=base).json()
    member = max(api.payer.manifest["members"], key=lambda one: sum(one["totals"].values()))["patient"]
    if base == "/fhir":
        world, how = member_world(dataset, statement, member), {"token": member, "base": base}
    else:
        world, how = (
            open_world(dataset, statement, {"/directory": "plan-net", "/formulary": "drug-formulary"}[base]),
            {"token": None, "base": base},
        )
    asker = Asker(world, seed)
    wrong, tried, nonempty = [], 0, 0
    while tried < (SEARCHES if base == "/fhir" else SEARCHES // 4):
        type_name = asker.random.choice(sorted(asker.parameters))
        asked = [
            one for one in (asker.asked(type_name) for _ in range(asker.random.choice((1, 1, 2, 3)))) if one is not None
        ]
        if not asked:
            continue
        expected = frozenset.intersection(*(one.fulfilled for one in asked))
        pairs = [(one.name, one.value) for one in asked]
        size = asker.random.choice((1, 3, 20, 1000)) if len(expected) < 60 else 50
        sort = asker.random.choice(("", "_lastUpdated", "-_lastUpdated", "_id", "-_id"))
        pairs += (
            [("_count", str(size))]
            + ([("_sort", sort)] if sort else [])
            + ([("_total", "accurate")] if size == 3 else [])
        )
        found, totals = answered(api, how, type_name, pairs, by_post=asker.random.random() < 0.2)
        tried += 1
        nonempty += bool(expected)
        if sorted(found) != sorted(expected) or set(totals) != {len(expected)}:
            wrong.append(
                f"{type_name}?{sent(pairs)}: {len(found)} found, {len(expected)} expected, totals {set(totals)}; e.g. {sorted(set(found) ^ expected)[:3]}"
            )
        elif sort:
            key = "id" if sort.endswith("_id") else "lastUpdated"
            keys = [
                one["id"] if key == "id" else evaluator.span(one["meta"]["lastUpdated"])
                for one in (world.by_name[f"{type_name}/{id}"] for id in found)
            ]
            if keys != sorted(keys, reverse=sort.startswith("-")):  # type: ignore[type-var]
                wrong.append(f"{type_name}?{sent(pairs)}: not in order")
    assert nonempty > tried / 4
    assert wrong == []
