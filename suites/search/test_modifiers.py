"""Texts and modifiers: FHIR-SEARCH-06, -16 (FHIR R4 search, string, :missing, :not, :exact, :contains)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from suites.kit.http import Answer
from suites.kit.outcomes import Findings, findings, judged, not_applicable
from suites.kit.target import Target
from suites.record.cases import parameters
from suites.record.expressions import elements
from suites.record.held import Record
from suites.record.judge import Judge
from suites.record.matching import folded, token_pairs
from suites.record.samples import DIRECTORY, several
from suites.record.values import ESCAPED

MOST_TYPES = 4
SIMPLE = (
    "token",
    "date",
    "string",
    "reference",
    "quantity",
    "number",
    "uri",
)  # composite and special ones have no one element
NAMED = {"Patient": "name", "Practitioner": "name", "Organization": "name", "Location": "name"}


def asked(record: Record, type: str, query: tuple[tuple[str, str], ...]) -> tuple[Answer, set[str]]:
    """The first page of a search, and the ids on it; a page large enough for what is asked here."""
    answer = record.fhir.search(type, (*query, ("_count", "500")))
    entries = answer.object().get("entry") if answer.status == 200 else []
    shown = [one.get("resource") or {} for one in entries or [] if isinstance(one, dict)]
    return answer, {str(one.get("id")) for one in shown if one.get("resourceType") == type}


def texts(judge: Judge, type: str, resource: dict[str, Any]) -> list[str]:
    """Each text a search by name looks at: family, given, prefix, suffix, text, or the name itself."""
    found: list[str] = []
    for element in elements(parameters(judge.guides, judge.guides[0], type)[NAMED[type]], resource):
        if isinstance(element, str):
            found.append(element)
        elif isinstance(element, dict):
            for key in ("family", "given", "prefix", "suffix", "text"):
                value = element.get(key)
                found += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return found


def named(judges: Callable[[str], Judge], target: Target) -> Iterator[tuple[Judge, Record, str, dict[str, Any]]]:
    """Something with a name of each kind: the member, and what the directory lists."""
    judge = judges("fhir")
    for record in judge.records:
        for resource, _ in record.of("Patient").resources():
            yield judge, record, "Patient", resource
    if target.server.directory_base:
        open_judge = judges("directory")
        for one in several(open_judge, DIRECTORY, least=1, most=100_000):
            if one.type in NAMED:
                for resource in one.resources()[:2]:
                    yield open_judge, one.record, one.type, resource


@pytest.mark.requirement("FHIR-SEARCH-06")
def test_texts(judges: Callable[[str], Judge], target: Target) -> None:
    """A text is found by its beginning whatever case or accents; :exact wants the very text, :contains a part of it."""
    count = 0
    with findings() as found:
        for judge, record, type, resource in named(judges, target):
            held = [one for one in texts(judge, type, resource) if len(one) >= 4 and one[1:].isalpha()]
            if not held:
                continue
            count += 1
            judge_text(
                record,
                type,
                str(resource.get("id")),
                NAMED[type],
                max(held, key=len),
                texts(judge, type, resource),
                found,
            )
    judged(count, "named resource")


def judge_text(record: Record, type: str, id: str, name: str, text: str, others: list[str], found: Findings) -> None:
    """One text, asked for in the ways that find it and in those that do not."""
    part, inner = text[: max(3, len(text) // 2)], text[1:-1]
    plain = folded(text)
    finding = {
        (name, text): "the text itself",
        (name, part): "its beginning",
        (name, part.lower()): "its beginning in lower case",
        (name, part.upper()): "its beginning in capitals",
        (name, plain): "the text without accents",
        (f"{name}:contains", inner): "a part of it with :contains",
        (f"{name}:exact", text): "the text itself with :exact",
    }
    refusing = {}
    if text.swapcase() not in others:
        refusing[f"{name}:exact", text.swapcase()] = "another case with :exact"
    if part not in others:
        refusing[f"{name}:exact", part] = "its beginning with :exact"
    scope: tuple[tuple[str, str], ...] = (("_id", id),)
    for wanted, ways in ((True, finding), (False, refusing)):
        for (key, value), how in ways.items():
            answer, ids = asked(record, type, (*scope, (key, value.translate(ESCAPED))))
            if ":" in key and answer.status == 400:
                continue  # a modifier a server does not support is refused, which is right
            found.check(
                answer.status == 200 and (id in ids) is wanted,
                f"{how} {'finds' if wanted else 'does not find'} the {type}",
                expected=f"{type}/{id}" if wanted else "nothing",
                found=f"{answer.status}, {len(ids)} found by {key}={value}",
                path=name,
                evidence=answer.evidence,
            )


@pytest.mark.requirement("FHIR-SEARCH-16")
@pytest.mark.parametrize("modifier", ["missing", "not"])
def test_absence(judges: Callable[[str], Judge], modifier: str) -> None:
    """:missing and :not find what lacks an element or a code, and nothing else."""
    judge, count = judges("fhir"), 0
    with findings() as found:
        for one in islice(several(judge), MOST_TYPES):
            known = parameters(judge.guides, judge.guides[0], one.type)
            for name, definition in known.items():
                kinds = ("token",) if modifier == "not" else SIMPLE
                if name.startswith("_") or name == "patient" or definition.type not in kinds:
                    continue
                values = {str(r.get("id")): elements(definition, r) for r in one.resources()}
                for value, wanted in splits(modifier, values):
                    answer, ids = asked(one.record, one.type, (*one.query, (f"{name}:{modifier}", value)))
                    if answer.status == 400:
                        continue  # refused: not supported
                    if len(ids) < one.held.count and b'"relation":"next"' in answer.body.replace(b" ", b""):
                        continue  # more than a page: judged where all is on one
                    count += 1
                    found.check(
                        ids == wanted,
                        f"{name}:{modifier}={value} finds what it says",
                        expected=f"{len(wanted)} of {one.held.count} {one.type}",
                        found=len(ids),
                        path=name,
                        evidence=answer.evidence,
                    )
                if count > 12:
                    break
    if not count:
        not_applicable(f"the server refuses :{modifier}, or nothing at hand shows a difference")
    judged(count, "search")


def splits(modifier: str, values: dict[str, list[Any]]) -> Iterator[tuple[str, set[str]]]:
    """Values of a modifier that split a record in two, with the ids each finds."""
    if modifier == "missing":
        with_it = {id for id, held in values.items() if held}
        if 0 < len(with_it) < len(values):
            yield "true", set(values) - with_it
            yield "false", with_it
        return
    codes = {id: {code for element in held for _, code in token_pairs(element)} for id, held in values.items()}
    for code in sorted(set().union(*codes.values())):
        wanted = {id for id, held in codes.items() if code not in held}
        if code and 0 < len(wanted) < len(values):
            yield code.translate(ESCAPED), wanted
            return
