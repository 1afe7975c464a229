"""What is linked: includes bring what matches refer to and nothing else, references lead to something of the right type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from suites.kit.fhir import FhirClient, entries, mode_of, resource_of
from suites.kit.outcomes import Inconclusive, expect, findings, judged, not_applicable
from suites.protocol import urls
from suites.record.cases import Case, parameters
from suites.record.expressions import elements
from suites.record.held import Record, follow, references
from suites.record.judge import Judge, Query, all_matches
from suites.record.matching import reference_parts
from suites.record.spool import Pages

MOST_READS = 25
# What PDex 1.0.0 writes without its parameter.
THE_ONE = {"Provenance": "target"}
NEVER = "987654"  # a version no resource of a test set has come to


def include(judge: Judge, case: Case) -> None:
    """`_include` brings everything the matches refer to by that parameter, and only that (FHIR R4 search, include)."""
    name = case.names[0]
    codes = include_codes(judge, case, name)
    written = name if ":" in name else f"{case.type}:{name}"
    for record, held in judge.held(case):
        wanted = {
            ref for resource, _ in held.resources() for code in codes for ref in literal(judge, case, code, resource)
        }
        if not wanted:
            continue
        query: Query = (*held.query, ("_include", written))
        brought = bring(record.fhir, case.type, query)
        evidence = brought.evidence
        got = {f"{one.get('resourceType')}/{one.get('id')}" for one in brought.included}
        with findings() as found:
            missing = sorted(wanted - got - brought.matched)
            found.check(
                not missing,
                f"_include={written} brings what the matches refer to",
                expected=f"{len(wanted)} resources",
                found=f"without {', '.join(missing[:5])}",
                evidence=evidence,
            )
            stray = sorted(got - brought.referred)
            found.check(
                not stray,
                f"_include={written} brings only what a match refers to",
                expected="references of the matches",
                found=", ".join(stray[:5]),
                evidence=evidence,
            )
        judged(len(wanted), "reference")
        return
    not_applicable(f"no {case.type} at hand refers to anything by {name}")


def include_codes(judge: Judge, case: Case, name: str) -> list[str]:
    """The search parameters an include follows; `*` is every reference parameter of the guide for the type."""
    code = name.partition(":")[2].partition(":")[0] if ":" in name else name
    if code != "*":
        return [code]
    return [
        one
        for one, parameter in parameters(judge.guides, case.guide, case.type).items()
        if parameter.type == "reference" and parameter.guide == case.guide
    ]


def literal(judge: Judge, case: Case, code: str, resource: dict[str, Any]) -> set[str]:
    """`Type/id` of what a resource refers to by one parameter, on this server."""
    definition = judge.parameter(case, code)
    found = set()
    for element in elements(definition, resource):
        held = element.get("reference") if isinstance(element, dict) else None
        if isinstance(held, str) and not held.startswith(("#", "urn:")) and "/" in held:
            found.add("/".join(reference_parts(held)))
    return found


@dataclass
class Brought:
    """What a search with includes gave over all its pages: the included resources, and of the matches what they are and refer to."""

    included: Pages
    evidence: str = ""  # of the first page
    matched: set[str] = field(default_factory=set)  # Type/id
    referred: set[str] = field(default_factory=set)  # Type/id of everything the matches refer to


def bring(fhir: FhirClient, type: str, query: Query) -> Brought:
    """Follow a search with includes."""
    brought = Brought(Pages(included_in))
    for answer, bundle in follow(fhir, type, query):
        brought.evidence = brought.evidence or answer.evidence
        brought.included.add(answer.body, bundle, answer.evidence)
        for resource in all_matches(bundle):
            brought.matched.add(f"{resource.get('resourceType')}/{resource.get('id')}")
            brought.referred.update("/".join(reference_parts(one)) for one in references(resource))
    return brought


def included_in(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources a page gives as included."""
    return (resource_of(entry) for entry in entries(bundle) if mode_of(entry) == "include" and resource_of(entry))


def revinclude(judge: Judge, case: Case) -> None:
    """`_revinclude` brings what refers to the matches, and only that (US Core, Provenance)."""
    source, _, code = case.names[0].partition(":")
    code = code or THE_ONE.get(source, "")
    if not code:
        not_applicable(f"{case.guide} writes _revinclude={source} without saying by which parameter")
    written = f"{source}:{code}"
    for record, held in judge.held(case):
        query: Query = (*held.query, ("_revinclude", written))
        brought = bring(record.fhir, case.type, query)
        evidence = brought.evidence
        if not brought.included:
            expect_nobody_refers(judge, case, record, written, held.ids(), evidence)
            continue
        target = Case(case.guide, source, "revinclude", (code,))
        with findings() as found:
            for one in brought.included:
                found.check(
                    one.get("resourceType") == source and literal(judge, target, code, one) & brought.matched,
                    f"_revinclude={written} brings only what refers to a match",
                    expected=f"{source} that refers to a {case.type} of the answer",
                    found=f"{one.get('resourceType')}/{one.get('id')}",
                    evidence=evidence,
                )
        judged(len(brought.included), source)
        return
    raise Inconclusive(f"_revinclude={written} brought nothing for any {case.type} at hand; no {source} to judge with")


def expect_nobody_refers(judge: Judge, case: Case, record: Record, written: str, ids: set[str], evidence: str) -> None:
    """Where a reverse include brought nothing though what it should bring is at hand, that is a breach."""
    source, _, code = written.partition(":")
    if record.patient:
        return  # of a member, Provenance is only found by the reverse include itself
    try:
        candidates = list(record.of(source).resources())
    except Inconclusive:
        return
    target = Case(case.guide, source, "revinclude", (code,))
    matched = {f"{case.type}/{id}" for id in ids}
    referring = [one for one, _ in candidates if literal(judge, target, code, one) & matched]
    expect(
        not referring,
        f"_revinclude={written} brings what refers to the matches",
        expected=f"{len(referring)} {source}",
        found="nothing",
        evidence=evidence,
    )


def resolves(judge: Judge, case: Case) -> None:
    """What resources refer to can be read and has the type the reference names (FHIR R4 references)."""
    count, seen = 0, set()
    with findings() as found:
        for record, resource, evidence in judge.resources(case):
            for reference in references(resource):
                if reference in seen or count >= MOST_READS:
                    continue
                if "://" in reference and urls.origin(reference) != urls.origin(record.fhir.base):
                    continue  # another server's resource is not this one's to serve
                seen.add(reference)
                type, id = reference_parts(reference)
                answer = record.read(f"{type}/{id}")
                count += 1
                if not found.check(
                    answer.status == 200,
                    f"what {case.type} refers to can be read",
                    expected=f"200 for {reference}",
                    found=answer.status,
                    path=f"{case.type}/{resource.get('id')}",
                    evidence=answer.evidence,
                ):
                    continue
                found.check(
                    answer.object().get("resourceType") == type,
                    "a reference leads to a resource of the type it names",
                    expected=type,
                    found=answer.object().get("resourceType"),
                    path=f"{case.type}/{resource.get('id')}",
                    evidence=evidence,
                )
    if not count:
        not_applicable(f"no {case.type} at hand refers to anything on this server")
    judged(count, "reference")


def expect_versions(judge: Judge, case: Case) -> None:
    """A version can be read as it was and carries its ETag (FHIR R4 vread)."""
    for record, resource, _ in judge.resources(case):
        version = (resource.get("meta") or {}).get("versionId")
        if not version:
            continue
        answer = record.fhir.get(f"{case.type}/{resource['id']}/_history/{version}")
        expect(
            answer.status == 200,
            "the version a resource names can be read",
            expected="200",
            found=answer.status,
            evidence=answer.evidence,
        )
        expect(
            answer.object().get("id") == resource["id"],
            "a version is of the resource asked for",
            evidence=answer.evidence,
        )
        never = record.fhir.get(f"{case.type}/{resource['id']}/_history/{NEVER}")
        expect(
            never.status in (404, 410),
            "a version that never was is not found",
            expected="404",
            found=f"{never.status} for version {NEVER}",
            evidence=never.evidence,
        )
        judged(2)
        return
    raise Inconclusive(f"no {case.type} at hand names its version")
