"""What a searchset says of itself: totals, the self link, unknown parameters, FHIR-SEARCH-03, -09, -11, -13 (FHIR R4 search)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from suites.kit.expectations import FHIR_JSON, expect_json, expect_operation_outcome, expect_status
from suites.kit.fhir import entries, matches, resource_of
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.record.cases import mandatory
from suites.record.held import follow
from suites.record.judge import Judge
from suites.record.samples import several, told_in

MOST_TYPES = 4
UNKNOWN = "no-such-parameter-7f3a"
# What no server can read as a value of these parameters, and a modifier nobody defined.
MALFORMED = (
    ("_lastUpdated", "not-a-date"),
    ("_lastUpdated", "ge2024-13-45"),
    ("_lastUpdated", "xx2024-01-01"),
    ("_count", "many"),
    ("_id:no-such-modifier", "x"),
    ("patient:no-such-modifier", "x"),
)


@pytest.mark.requirement("FHIR-SEARCH-09")
def test_total_is_of_all_pages(judges: Callable[[str], Judge]) -> None:
    """Bundle.total is the number of all matches, on every page, whatever was included."""
    said = 0
    with findings() as found:
        for one in islice(several(judges("fhir")), MOST_TYPES):
            size = str(max(1, one.held.count // 3))
            ways = {
                "plain": (),
                "paged": (("_count", size),),
                "accurate": (("_total", "accurate"), ("_count", size)),
                "counted": (("_summary", "count"),),
                "with includes": (("_include", f"{one.type}:patient"), ("_count", size)),
            }
            for way, more in ways.items():
                for answer, bundle in follow(one.record.fhir, one.type, (*one.query, *more)):
                    total = bundle.get("total")
                    if total is None:
                        continue
                    said += 1
                    found.check(
                        total == one.held.count,
                        f"Bundle.total is the number of all matches ({way})",
                        expected=f"{one.held.count}, found by following every page",
                        found=f"{total} {one.type}",
                        evidence=answer.evidence,
                    )
    if not said:
        not_applicable("no searchset states a total, which servers may leave out")
    judged(said, "total")


@pytest.mark.requirement("FHIR-SEARCH-04")
def test_count_limits_a_page(judges: Callable[[str], Judge]) -> None:
    """_count is the most matches a page holds; a server may give fewer, never more."""
    count = 0
    with findings() as found:
        for one in islice(several(judges("fhir")), MOST_TYPES):
            for size in {1, 2, max(1, one.held.count - 1)}:
                answer, bundle = next(iter(follow(one.record.fhir, one.type, (*one.query, ("_count", str(size))))))
                shown = len(matches(bundle))
                count += 1
                found.check(
                    0 < shown <= size,
                    "a page holds no more matches than _count allows",
                    expected=f"at most {size} {one.type}",
                    found=shown,
                    path="_count",
                    evidence=answer.evidence,
                )
    judged(count, "page")


@pytest.mark.requirement("FHIR-SEARCH-11")
def test_self_link_tells_the_search(judges: Callable[[str], Judge]) -> None:
    """The self link repeats the parameters that were used, by GET and by POST."""
    count = 0
    with findings() as found:
        for one in islice(several(judges("fhir"), least=1), MOST_TYPES):
            query = (*one.query, ("_lastUpdated", "ge1900-01-01"), ("_count", "2"))
            for post in (False, True):
                answer, bundle = next(iter(follow(one.record.fhir, one.type, query, post=post)))
                told = {name.partition(":")[0] for name, _ in told_in(bundle)}
                missing = sorted({name for name, _ in query} - told)
                count += 1
                found.check(
                    not missing,
                    "the self link repeats the parameters that were used",
                    expected=", ".join(name for name, _ in query),
                    found=f"without {', '.join(missing)} ({'POST' if post else 'GET'})",
                    path=one.type,
                    evidence=answer.evidence,
                )
    judged(count, "self link")


@pytest.mark.requirement("FHIR-SEARCH-03")
def test_unknown_parameters(judges: Callable[[str], Judge]) -> None:
    """An unknown parameter is ignored, and refused where strictness is asked for."""
    one = next(several(judges("fhir")))
    fhir, query = one.record.fhir, (*one.query, (UNKNOWN, "x"))
    lenient = expect_json(fhir.get(one.type, query, {"Prefer": "handling=lenient"}), 200, FHIR_JSON)
    plain = fhir.get(one.type, query)
    expect_status(plain, 200, "a parameter nobody knows is ignored unless strictness is asked for")
    with findings() as found:
        first = {str(r.get("id")) for r in matches(expect_json(fhir.get(one.type, one.query), 200, FHIR_JSON))}
        for bundle, how in ((lenient, "lenient"), (expect_json(plain, 200, FHIR_JSON), "default")):
            got = {str(r.get("id")) for r in matches(bundle)}
            found.check(
                got == first,
                f"an ignored parameter changes nothing ({how})",
                expected=f"{len(first)} {one.type}",
                found=len(got),
                evidence=plain.evidence,
            )
            found.check(
                UNKNOWN not in {name for name, _ in told_in(bundle)},
                "the self link leaves out what was ignored",
                found=UNKNOWN,
                path="Bundle.link",
                evidence=plain.evidence,
            )
    strict = fhir.get(one.type, query, {"Prefer": "handling=strict"})
    expect_operation_outcome(strict, 400, "a parameter nobody knows is refused under Prefer: handling=strict")
    judged(3, "search")


@pytest.mark.requirement("FHIR-SEARCH-13")
def test_malformed_values_are_refused(judges: Callable[[str], Judge]) -> None:
    """A value that is none of its parameter's type, and a modifier nobody defined, are refused with 400 and named."""
    one = next(several(judges("fhir")))
    fhir = one.record.fhir
    control(fhir.get(one.type, one.query).status == 200, "the search without the malformed parameter is answered")
    with findings() as found:
        for name, value in MALFORMED:
            query = (*((key, held) for key, held in one.query if key != name.partition(":")[0]), (name, value))
            answer = fhir.get(one.type, query, {"Prefer": "handling=strict"})
            refused = answer.status == 400 and is_outcome(answer.body)
            found.check(
                refused,
                "a malformed search parameter is refused",
                expected=f"400 with an OperationOutcome to {name}={value}",
                found=answer.status,
                path=name,
                evidence=answer.evidence,
            )
            if refused:
                found.check(
                    name.partition(":")[0] in answer.text,
                    "the OperationOutcome names the parameter",
                    expected=name,
                    found=answer.text[:200],
                    path=name,
                    evidence=answer.evidence,
                )
    judged(len(MALFORMED), "malformed parameter")


def is_outcome(body: bytes) -> bool:
    """Whether a body is an OperationOutcome by its own words."""
    return b'"OperationOutcome"' in body


@pytest.mark.requirement("FHIR-SEARCH-12")
@pytest.mark.parametrize("name", ["_elements", "_summary"])
def test_parts_of_resources(judges: Callable[[str], Judge], name: str) -> None:
    """_elements and _summary give what was asked for with everything mandatory, marked SUBSETTED."""
    judge, count = judges("fhir"), 0
    with findings() as found:
        for one in islice(several(judge, least=1), MOST_TYPES):
            value = "id" if name == "_elements" else "true"
            answer, bundle = next(
                iter(follow(one.record.fhir, one.type, (*one.query, (name, value), ("_count", "20"))))
            )
            if not any(key == name for key, _ in told_in(bundle)):
                continue  # by its own words the server does not support it
            whole = {str(r.get("id")): r for r in one.resources()}
            for part in matches(bundle):
                count += 1
                judge_part(judge, one.type, name, part, whole.get(str(part.get("id")), {}), found, answer.evidence)
    if not count:
        not_applicable(f"the server says by its self links that it does not use {name}")
    judged(count, "resource")


def judge_part(
    judge: Judge, type: str, name: str, part: dict[str, Any], whole: dict[str, Any], found: Any, evidence: str
) -> None:
    """One resource that came in part."""
    must = mandatory(judge.guides, type)
    lost = sorted(one for one in must if one in whole and one not in part)
    found.check(
        not lost,
        f"{name} keeps mandatory elements",
        expected=", ".join(sorted(must)) or "no mandatory element",
        found=f"{type}/{part.get('id')} without {', '.join(lost)}",
        path=type,
        evidence=evidence,
    )
    labels = [str(tag.get("code")) for tag in (part.get("meta") or {}).get("tag") or [] if isinstance(tag, dict)]
    found.check(
        "SUBSETTED" in labels or part == whole,
        f"a resource in part is marked SUBSETTED ({name})",
        found=f"{type}/{part.get('id')}",
        path="meta.tag",
        evidence=evidence,
    )
    if name == "_elements":
        surplus = sorted(set(part) - must - {"resourceType", "id", "meta", "implicitRules"})
        found.check(
            not surplus,
            "_elements leaves out what was not asked for",
            expected="id and what is mandatory",
            found=f"{type}/{part.get('id')} with {', '.join(surplus[:5])}",
            path=type,
            evidence=evidence,
        )


@pytest.mark.requirement("FHIR-SEARCH-01")
def test_search_result_is_the_members(judges: Callable[[str], Judge]) -> None:
    """Every entry of a searchset stands under the address of the resource it holds."""
    count = 0
    with findings() as found:
        for one in several(judges("fhir"), least=1):
            answer, bundle = next(iter(follow(one.record.fhir, one.type, one.query)))
            for entry in entries(bundle):
                resource = resource_of(entry)
                address = str(entry.get("fullUrl", ""))
                name = f"{resource.get('resourceType')}/{resource.get('id')}"
                count += 1
                found.check(
                    address.endswith("/" + name) or address.startswith("urn:"),
                    "fullUrl is the address of the entry's resource",
                    expected=name,
                    found=address or "no fullUrl",
                    path="Bundle.entry.fullUrl",
                    evidence=answer.evidence,
                )
    expect(count, "searchsets have entries")
    judged(count, "entry")
