"""How far a scope reaches, whatever way is tried: SMART-STANDALONE-25, SMART2-SCOPES-01, -02, RFC6750-BEARER-01 (SMART scopes).

A type outside the scope must stay shut by id, by history, by POST, through _include and through $everything, not only in a plain search.
"""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.app import App, Grant
from suites.kit.expectations import expect_status
from suites.kit.fhir import FHIR_ACCEPT, FhirClient, entries
from suites.kit.http import Answer, Http
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.target import Member, Target
from suites.protocol import scopes, urls

NARROW = "launch/patient patient/Patient.read"
TYPES = ("Condition", "Observation", "Encounter", "Coverage", "ExplanationOfBenefit")
LABORATORY = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"


@pytest.fixture
def narrow(app: App, member: Member, http: Http, target: Target) -> FhirClient:
    """The interface with a token that reads the Patient and nothing else, seen to do so."""
    _registered(app, "patient/Patient.read")
    grant = app.grant(member, NARROW)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the narrow token reads the Patient")
    return fhir


@pytest.fixture
def outside(fhir: FhirClient, grant: Grant) -> tuple[str, str]:
    """Type and id of a resource of the member that lies outside the narrow token's scope, read with the wide one."""
    held: list[tuple[str, str]] = []
    for resource in TYPES:
        answer = fhir.search(resource, {"patient": grant.patient, "_count": "1"})
        bundle = answer.object() if answer.status == 200 else {}
        held += [(resource, str(one["resource"]["id"])) for one in entries(bundle) if _type(one) == resource]
    if not held:
        not_applicable("the member of this run has nothing beside the Patient")
    control(fhir.read(*held[0]).status == 200, "the wide token reads it")
    return held[0]


def _type(entry: dict[str, Any]) -> str:
    return str((entry.get("resource") or {}).get("resourceType", ""))


def _registered(app: App, *wanted: str) -> None:
    missing = [one for one in wanted if not scopes.within(one, scopes.split(app.client.scopes))]
    if missing:
        not_applicable(f"the client is not registered for {' '.join(missing)}")


@pytest.mark.requirement("SMART-STANDALONE-25", "HEALTHSHARE-2.1.3-RS-VALIDATE")
def test_read_by_id_outside_the_scope_is_refused(narrow: FhirClient, outside: tuple[str, str]) -> None:
    """A resource outside the scope is refused by id too: 403, or 404 as if it were not there."""
    expect_status(narrow.read(*outside), (403, 404), f"{outside[0]} by id lies outside the scope")


@pytest.mark.requirement("SMART-STANDALONE-25")
@pytest.mark.parametrize("path", ["{type}/{id}/_history", "{type}/{id}/_history/1", "{type}?_id={id}"])
def test_other_ways_to_a_resource_are_refused(narrow: FhirClient, outside: tuple[str, str], path: str) -> None:
    """History, version and search by id lead to nothing outside the scope."""
    resource, id = outside
    answer = narrow.get(path.format(type=resource, id=id))
    expect(
        answer.status in (400, 403, 404, 405, 501),
        f"{resource} lies outside the scope",
        expected="403, or 404 and the like where the way is not offered",
        found=answer.status,
        evidence=answer.evidence,
    )


@pytest.mark.requirement("SMART-STANDALONE-25")
def test_search_by_post_outside_the_scope_is_refused(narrow: FhirClient, http: Http, outside: tuple[str, str]) -> None:
    """A search sent as a form is held to the scope as one in the address is."""
    url = urls.below(narrow.base, f"{outside[0]}/_search")
    answer = http.post_form(url, {"_id": outside[1]}, headers=dict(FHIR_ACCEPT), token=narrow.token)
    expect_status(answer, (403, 404, 405, 415, 501), f"a search for {outside[0]} by POST lies outside the scope")


@pytest.mark.requirement("SMART-STANDALONE-25")
def test_includes_stay_within_the_scope(narrow: FhirClient, grant: Grant, capability_statement: dict[str, Any]) -> None:
    """_include, _revinclude and $everything bring nothing of a type outside the scope."""
    tried: dict[str, Answer] = {}
    for path in (
        f"Patient?_id={grant.patient}&_include=*",
        f"Patient?_id={grant.patient}&_include=Patient:general-practitioner",
        f"Patient?_id={grant.patient}&_revinclude=Condition:patient",
        f"Patient?_id={grant.patient}&_revinclude=ExplanationOfBenefit:patient",
        f"Patient?_id={grant.patient}&_revinclude=Provenance:target",
        f"Patient/{grant.patient}/$everything",
    ):
        tried[path] = narrow.get(path)
    judged(len(tried), "way")
    with findings() as found:
        for path, answer in tried.items():
            if answer.status != 200:
                found.check(
                    400 <= answer.status < 500 or answer.status == 501,
                    "what lies outside the scope is refused",
                    found=answer.status,
                    path=path,
                    evidence=answer.evidence,
                )
                continue
            bundle = answer.object()
            foreign = sorted({_type(one) for one in entries(bundle)} - {"Patient", "OperationOutcome", ""})
            found.check(
                not foreign,
                "nothing but the Patient may come",
                found=", ".join(foreign),
                path=path,
                evidence=answer.evidence,
            )


@pytest.mark.requirement("SMART-STANDALONE-25")
def test_token_without_clinical_scope_opens_nothing(app: App, member: Member, http: Http, target: Target) -> None:
    """A token of openid and launch/patient alone says who the member is, and reads nothing but perhaps who that is."""
    _registered(app, "openid")
    attempt = app.authorize(member, may_refuse=True, scope="openid launch/patient")
    if not attempt.landing.value("code"):
        not_applicable("the server grants no launch without a clinical scope")
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    wider = [one for one in scopes.split(grant.scope) if scopes.clinical(one)]
    expect(not wider, "no clinical scope was asked for", found=" ".join(wider), evidence=grant.answer.evidence)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    with findings() as found:
        for resource in TYPES:
            answer = fhir.search(resource, {"patient": member.patient or "me"})
            found.check(
                answer.status in (401, 403, 404),
                f"{resource} was not granted",
                expected="403",
                found=answer.status,
                evidence=answer.evidence,
            )


@pytest.mark.requirement("SMART2-SCOPES-01")
def test_search_without_read_does_not_read(
    app: App, member: Member, http: Http, target: Target, outside: tuple[str, str], smart_configuration: dict[str, Any]
) -> None:
    """patient/X.s searches and does not read by id, where permission-v2 is advertised."""
    if "permission-v2" not in smart_configuration.get("capabilities", []):
        not_applicable("permission-v2 is not advertised")
    resource, id = outside
    asked = f"patient/{resource}.s"
    _registered(app, asked)
    attempt = app.authorize(member, may_refuse=True, scope=f"launch/patient patient/Patient.rs {asked}")
    if not attempt.landing.value("code"):
        not_applicable("the server does not grant search without read")
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    if asked not in scopes.split(grant.scope):
        not_applicable("the server does not grant search without read")
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.search(resource, {"patient": grant.patient}).status == 200, "the token searches")
    expect_status(fhir.read(resource, id), (403, 404), "reading by id was not granted")


@pytest.mark.requirement("SMART2-SCOPES-02")
def test_granular_scope_binds_reads_too(
    app: App, member: Member, http: Http, target: Target, fhir: FhirClient, smart_configuration: dict[str, Any]
) -> None:
    """A token for laboratory observations reads no observation of another category by id."""
    if "permission-v2" not in smart_configuration.get("capabilities", []):
        not_applicable("permission-v2 is not advertised")
    _registered(app, "patient/Observation.rs")
    asked = f"patient/Observation.rs?category={LABORATORY}"
    grant = app.grant(member, f"launch/patient patient/Patient.rs {asked}")
    if asked not in scopes.split(grant.scope):
        not_applicable("the server does not grant scopes with conditions")
    wide = fhir.search("Observation", {"patient": grant.patient, "_count": "100"})
    held = [one["resource"] for one in entries(wide.object()) if _type(one) == "Observation"]
    others = [one for one in held if "laboratory" not in str(one.get("category"))]
    labs = [one for one in held if "laboratory" in str(one.get("category"))]
    if not others or not labs:
        not_applicable("the member of this run has no observations of both kinds")
    narrow = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(narrow.read("Observation", str(labs[0]["id"])).status == 200, "the token reads a laboratory observation")
    expect_status(
        narrow.read("Observation", str(others[0]["id"])), (403, 404), "another category was not granted, by id either"
    )


@pytest.mark.requirement("SMART-STANDALONE-25")
def test_refreshed_token_keeps_its_bounds(app: App, member: Member, http: Http, target: Target) -> None:
    """The access token that comes with a refresh opens no more than the first one did."""
    _registered(app, "offline_access", "patient/Patient.read")
    grant = app.fresh_grant(member, scope=f"{NARROW} offline_access")
    if "refresh_token" not in grant.body:
        not_applicable("no refresh token was granted")
    answer = app.refresh(grant.refresh_token)
    control(answer.status == 200, "the refresh is accepted", answer.status)
    renewed = FhirClient(http, target.server.fhir_base, str(answer.object().get("access_token")))
    control(renewed.read("Patient", grant.patient).status == 200, "the renewed token reads the Patient")
    expect_status(renewed.search("Condition", {"patient": grant.patient}), 403, "Condition was never granted")


WAYS = {
    "search": ("GET", "Condition?patient={patient}"),
    "search-by-post": ("POST", "Patient/_search"),
    "history": ("GET", "Patient/{patient}/_history"),
    "everything": ("GET", "Patient/{patient}/$everything"),
    "head": ("HEAD", "Patient/{patient}"),
    "batch": ("POST", ""),
    "unknown-type": ("GET", "NoSuchType"),
}


@pytest.mark.requirement("RFC6750-BEARER-01")
@pytest.mark.parametrize("way", list(WAYS))
def test_every_way_needs_a_token(http: Http, fhir: FhirClient, grant: Grant, way: str) -> None:
    """No interaction of the members' interface is answered without a token, whatever its method."""
    control(fhir.read("Patient", grant.patient).status == 200, "with the token the interface answers")
    method, path = WAYS[way]
    path = path.format(patient=grant.patient)
    form = method == "POST" and path.endswith("_search")
    kind = "application/x-www-form-urlencoded" if form else "application/fhir+json"
    body = b'{"resourceType":"Bundle","type":"batch","entry":[]}' if not path else b"_id=x" if form else b""
    answer = http.send(
        method,
        urls.below(fhir.base, path) if path else fhir.base,
        headers={**FHIR_ACCEPT, **({"Content-Type": kind} if body else {})},
        body=body,
    )
    if answer.status in (404, 405, 501):
        return  # not offered at all, which gives nothing away
    expect_status(answer, 401, f"{way} without a token must be refused")
