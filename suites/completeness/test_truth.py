"""A CapabilityStatement tells the truth: what it lists works, and what works it lists, FHIR-CAPABILITY-03 (FHIR R4 CapabilityStatement)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from suites.kit.app import Grant
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, findings, judged, not_applicable, trail
from suites.kit.target import Target
from suites.record.cases import OPEN, SHALL, SHARED, parameters, registry
from suites.record.generation import claimed_guides
from suites.record.judge import Judge

pytestmark = pytest.mark.requirement("FHIR-CAPABILITY-03")
NOBODY = "no-such-value-7f3a"
# A value of each type of parameter that every server can read and no resource has.
VALUES = {
    "date": "2199-12-31", "reference": f"Patient/{NOBODY}", "quantity": "9999999", "number": "9999999", "token": NOBODY, "string": NOBODY,
    "uri": "urn:uuid:00000000-0000-4000-8000-000000000000",
}  # fmt: skip
WRITES = {"create": "POST", "update": "PUT", "delete": "DELETE", "patch": "PATCH"}
UNSUPPORTED = (404, 405, 501)


def listed(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources a server's CapabilityStatement lists."""
    for rest in statement.get("rest") or []:
        if rest.get("mode", "server") == "server":
            yield from (one for one in rest.get("resource") or [] if isinstance(one, dict) and one.get("type"))


def interactions(resource: dict[str, Any]) -> set[str]:
    """The codes of the interactions listed for a type."""
    return {str(one.get("code")) for one in resource.get("interaction") or [] if isinstance(one, dict)}


def own(resource: dict[str, Any], patient: str) -> tuple[tuple[str, str], ...]:
    """What keeps a search within the member's record, as far as the type is searched so."""
    if resource.get("type") == "Patient":
        return (("_id", patient),)
    by_patient = any(one.get("name") == "patient" for one in resource.get("searchParam") or [])
    return (("patient", patient),) if by_patient and patient else ()


def test_listed_parameters_work(capability_statement: dict[str, Any], fhir: FhirClient, grant: Grant) -> None:
    """Every search parameter listed is understood: it is answered, and strictness finds nothing to refuse."""
    count = 0
    with findings() as found:
        for resource in listed(capability_statement):
            type = str(resource["type"])
            base = own(resource, grant.patient)
            plain = fhir.get(type, (*base, ("_count", "1")), {"Prefer": "handling=strict"})
            if plain.status != 200:
                trail().notes.append(f"{type} is not searched by this token alone ({plain.status})")
                continue
            for parameter in resource.get("searchParam") or []:
                name, value = str(parameter.get("name")), VALUES.get(str(parameter.get("type")))
                if value is None or name == "patient" or (name, grant.patient) in base:
                    continue
                answer = fhir.get(type, (*base, (name, value)), {"Prefer": "handling=strict"})
                count += 1
                found.check(
                    answer.status == 200,
                    "a search parameter that is listed works",
                    expected=200,
                    found=f"{answer.status} to {type}?{name}={value}",
                    path=f"{type}.searchParam({name})",
                    evidence=answer.evidence,
                )
    judged(count, "search parameter listed")


def test_listed_interactions_work(
    capability_statement: dict[str, Any], fhir: FhirClient, grant: Grant, judges: Callable[[str], Judge]
) -> None:
    """Every interaction listed is there; one that would write is tried with an empty body, which writes nothing."""
    count, record = 0, judges("fhir").records[0]
    with findings() as found:
        for resource in listed(capability_statement):
            type, codes = str(resource["type"]), interactions(resource)
            place = f"{fhir.base.rstrip('/')}/{type}"
            for code, method in WRITES.items():
                if code not in codes:
                    continue
                url = place if code == "create" else f"{place}/{NOBODY}"
                headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
                answer = fhir.http.send(method, url, headers=headers, body=b"{}", token=fhir.token)
                count += 1
                found.check(
                    answer.status not in UNSUPPORTED or (answer.status == 404 and code != "create"),
                    "an interaction that is listed is there",
                    expected=f"{code}, refused for its body or for want of a scope",
                    found=f"{answer.status} to {method}",
                    path=f"{type}.interaction({code})",
                    evidence=answer.evidence,
                )
            if not codes & {"read", "vread", "history-instance"}:
                continue
            try:
                first = next((one for one, _ in record.of(type, type not in SHARED).resources()), None)
            except Inconclusive:
                continue
            if first is None:
                continue
            version = (first.get("meta") or {}).get("versionId")
            paths = {"read": f"{type}/{first['id']}", "history-instance": f"{type}/{first['id']}/_history"}
            if version:
                paths["vread"] = f"{type}/{first['id']}/_history/{version}"
            for code, path in paths.items():
                if code in codes:
                    answer = record.fhir.get(path)
                    count += 1
                    found.check(
                        answer.status == 200,
                        "an interaction that is listed works",
                        expected=200,
                        found=f"{answer.status} to {path}",
                        path=f"{type}.interaction({code})",
                        evidence=answer.evidence,
                    )
    judged(count, "interaction listed")


def test_listed_includes_work(capability_statement: dict[str, Any], fhir: FhirClient, grant: Grant) -> None:
    """Every include listed is understood, under strictness too."""
    count = 0
    with findings() as found:
        for resource in listed(capability_statement):
            type = str(resource["type"])
            base = (*own(resource, grant.patient), ("_count", "1"))
            if fhir.get(type, base, {"Prefer": "handling=strict"}).status != 200:
                continue
            wanted = [("_include", one) for one in resource.get("searchInclude") or []]
            wanted += [("_revinclude", one) for one in resource.get("searchRevInclude") or []]
            for name, value in wanted:
                answer = fhir.get(type, (*base, (name, str(value))), {"Prefer": "handling=strict"})
                count += 1
                found.check(
                    answer.status == 200,
                    "an include that is listed works",
                    expected=200,
                    found=f"{answer.status} to {name}={value}",
                    path=type,
                    evidence=answer.evidence,
                )
    if not count:
        not_applicable("the CapabilityStatement lists no include")
    judged(count, "include listed")


@pytest.mark.parametrize("base", ["fhir", "directory", "formulary"])
def test_what_works_is_listed(
    base: str, target: Target, http: Http, judges: Callable[[str], Judge], capability_statement: dict[str, Any]
) -> None:
    """Types with content, and searches the claimed guides require that work, are listed."""
    address = getattr(target.server, f"{base}_base")
    if not address:
        not_applicable(f"the target names no {base}_base")
    client = judges(base).records[0].fhir
    statement = capability_statement if base == "fhir" else client.get("metadata").object()
    told = {str(one["type"]): one for one in listed(statement)}
    count = 0
    with findings() as found:
        for guide, type, names in required(target, base):
            patient = judges(base).records[0].patient
            query = (("_id", patient),) if type == "Patient" else (("patient", patient),) if patient else ()
            answer = client.search(type, (*query, ("_count", "1")))
            shown = answer.object().get("entry") if answer.status == 200 else None
            if not shown:
                continue
            count += 1
            if not found.check(
                type in told,
                "a type that is served is listed",
                found=f"{type} is searched and not listed",
                path=type,
                evidence=answer.evidence,
            ):
                continue
            params = {str(one.get("name")) for one in told[type].get("searchParam") or []}
            missing = sorted(names - params)
            found.check(
                not missing,
                f"the search parameters {guide} requires are listed",
                expected=", ".join(sorted(names)),
                found=f"without {', '.join(missing)}",
                path=f"{type}.searchParam",
            )
    judged(count, "type served")


def required(target: Target, base: str) -> Iterator[tuple[str, str, set[str]]]:
    """Each type of the claimed guides of an interface, with the search parameters that are required of it."""
    guides = target.server.guides
    names = [name for name, where in OPEN.items() if where == base] or ["us-core", "carin-bb", "pdex"]
    for guide in [one for name in names for one in claimed_guides(target, name)]:
        capability = registry(guides).capability(guide)
        for type, resource in (capability.resources if capability else {}).items():
            known = parameters(guides, guide, type)
            wanted = {one.name for one in resource.search_parameters if one.expectation in (SHALL, None)}
            yield guide, type, wanted & known.keys()


def test_each_type_is_listed_once(capability_statement: dict[str, Any]) -> None:
    """Types listed are FHIR types, each once."""
    types = [str(one["type"]) for one in listed(capability_statement)]
    control(types, "the CapabilityStatement lists types")
    with findings() as found:
        for type in sorted({one for one in types if types.count(one) > 1}):
            found.add("a type is listed once", found=type, path=f"CapabilityStatement.rest.resource({type})")
    judged(len(types), "type listed")
