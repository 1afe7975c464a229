"""A token opens what its scopes name and nothing else: SMART-STANDALONE-25, SMART2-SCOPES-*, FHIR-READONLY-01 (SMART scopes)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.app import App, Grant
from suites.kit.expectations import expect_operation_outcome, expect_status
from suites.kit.fhir import FhirClient, entries, resource_of
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, findings, not_applicable
from suites.kit.recipe import Choices
from suites.kit.target import Member, Target
from suites.protocol import scopes

FreshGrant = Callable[..., Grant]
TYPES = ("Coverage", "ExplanationOfBenefit", "Condition", "Encounter", "Observation")


@pytest.fixture
def limited(app: App, member: Member, http: Http, target: Target) -> Callable[[str], tuple[Grant, FhirClient]]:
    """A grant of given clinical scopes beside launch/patient, and its FHIR client; shared, only read with."""

    def make(clinical: str) -> tuple[Grant, FhirClient]:
        registered = scopes.split(app.client.scopes)
        outside = [one for one in scopes.split(clinical.partition("?")[0]) if not scopes.within(one, registered)]
        if outside:
            not_applicable(f"the client is not registered for {' '.join(outside)}")
        grant = app.grant(member, f"launch/patient {clinical}")
        return grant, FhirClient(http, target.server.fhir_base, grant.access_token)

    return make


@pytest.fixture
def served(capability_statement: dict[str, Any]) -> list[str]:
    """The types of the member's record this server lists."""
    listed = {
        resource.get("type") for rest in capability_statement.get("rest", []) for resource in rest.get("resource", [])
    }
    return [one for one in TYPES if one in listed]


Limited = Callable[[str], tuple[Grant, FhirClient]]


@pytest.mark.requirement("SMART-STANDALONE-25", "SMART-STANDALONE-14", "HEALTHSHARE-2.1.3-RS-VALIDATE")
@pytest.mark.parametrize("resource", TYPES)
def test_type_outside_the_scope_is_refused(limited: Limited, served: list[str], resource: str) -> None:
    """A token with patient/Patient.read reads the Patient and is refused every other type with 403."""
    if resource not in served:
        not_applicable(f"the server does not list {resource}")
    grant, fhir = limited("patient/Patient.read")
    control(fhir.read("Patient", grant.patient).status == 200, "the token reads the Patient")
    answer = fhir.search(resource, {"patient": grant.patient})
    expect_operation_outcome(answer, 403, f"{resource} lies outside the scope")


@pytest.mark.requirement("SMART-STANDALONE-25", "SHM-SCOPE-PATIENT-READ")
@pytest.mark.parametrize("resource", TYPES)
def test_type_within_the_scope_is_served(limited: Limited, served: list[str], resource: str) -> None:
    """A token with the scope of one type reads that type, and not the next."""
    if resource not in served or len(served) < 2:
        not_applicable(f"the server does not list {resource}, or nothing beside it")
    grant, fhir = limited(f"patient/{resource}.read")
    expect_status(fhir.search(resource, {"patient": grant.patient}), 200, f"{resource} was granted")
    other = served[(served.index(resource) + 1) % len(served)]
    expect_status(fhir.search(other, {"patient": grant.patient}), 403, f"{other} was not granted")


@pytest.mark.requirement("SMART-STANDALONE-25")
def test_refusal_names_the_missing_scope(limited: Limited) -> None:
    """A 403 for want of scope carries error=insufficient_scope in its challenge, where it has one."""
    grant, fhir = limited("patient/Patient.read")
    control(fhir.read("Patient", grant.patient).status == 200, "the token reads the Patient")
    answer = fhir.search("Condition", {"patient": grant.patient})
    control(answer.status == 403, "the type outside the scope is refused with 403", answer.status)
    header = "; ".join(answer.all("www-authenticate"))
    expect(
        not header or "insufficient_scope" in header,
        "the challenge names insufficient_scope",
        found=header,
        evidence=answer.evidence,
    )


@pytest.mark.requirement("FHIR-READONLY-01")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_are_refused(fhir: FhirClient, grant: Grant, http: Http, method: str) -> None:
    """A token with read scopes changes nothing: create, update, patch and delete are refused and leave the record as it was."""
    before = fhir.read("Patient", grant.patient)
    control(before.status == 200, "the token reads the Patient")
    path = "Patient" if method == "POST" else f"Patient/{grant.patient}"
    body = b'{"resourceType":"Patient"}' if method in ("POST", "PUT") else b"[]" if method == "PATCH" else b""
    kind = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
    answer = http.send(
        method,
        f"{fhir.base.rstrip('/')}/{path}",
        headers={"Content-Type": kind, "Accept": "application/fhir+json"},
        body=body,
        token=fhir.token,
    )
    expect_status(answer, (400, 403, 404, 405, 422), f"{method} must be refused")
    expect(fhir.read("Patient", grant.patient).body == before.body, "the record must be as it was")


@pytest.mark.requirement("SMART2-SCOPES-01")
def test_v2_scopes_are_honoured(limited: Limited, smart_configuration: dict[str, object]) -> None:
    """patient/Patient.rs is granted and reads, where permission-v2 is advertised."""
    capabilities = smart_configuration.get("capabilities")
    if not isinstance(capabilities, list) or "permission-v2" not in capabilities:
        not_applicable("permission-v2 is not advertised")
    grant, fhir = limited("patient/Patient.rs")
    expect(
        scopes.within("patient/Patient.rs", scopes.split(grant.scope)),
        "patient/Patient.rs must be granted",
        found=grant.scope,
    )
    expect_status(fhir.read("Patient", grant.patient), 200, "the v2 scope must read")


@pytest.mark.requirement("SMART2-SCOPES-01")
def test_v1_scopes_are_honoured(limited: Limited, smart_configuration: dict[str, object], target: Target) -> None:
    """patient/Patient.read is granted and reads, where permission-v1 is advertised or SMART 1.0 is claimed."""
    capabilities = smart_configuration.get("capabilities")
    if target.smart_at_least("2.0.0") and (not isinstance(capabilities, list) or "permission-v1" not in capabilities):
        not_applicable("permission-v1 is not advertised")
    grant, fhir = limited("patient/Patient.read")
    expect(
        scopes.within("patient/Patient.read", scopes.split(grant.scope)),
        "patient/Patient.read must be granted",
        found=grant.scope,
    )
    expect_status(fhir.search("Patient", {"_id": grant.patient}), 200, "v1 read includes search")


@pytest.mark.requirement("SMART2-SCOPES-01")
def test_read_without_search_does_not_search(limited: Limited, smart_configuration: dict[str, object]) -> None:
    """patient/Condition.r reads by id and does not search, where permission-v2 is advertised."""
    capabilities = smart_configuration.get("capabilities")
    if not isinstance(capabilities, list) or "permission-v2" not in capabilities:
        not_applicable("permission-v2 is not advertised")
    grant, fhir = limited("patient/Patient.rs patient/Condition.r")
    if "patient/Condition.r" not in scopes.split(grant.scope):
        not_applicable("the server does not grant read without search")
    control(fhir.read("Patient", grant.patient).status == 200, "the token reads the Patient")
    expect_status(fhir.search("Condition", {"patient": grant.patient}), 403, "search was not granted")


@pytest.mark.requirement("SMART2-SCOPES-02")
def test_granular_scope_is_never_widened(
    app: App, fresh_grant: FreshGrant, http: Http, target: Target, smart_configuration: dict[str, object]
) -> None:
    """patient/Observation.rs?category=laboratory is granted as it is, or not at all; other categories stay closed."""
    capabilities = smart_configuration.get("capabilities")
    if not isinstance(capabilities, list) or "permission-v2" not in capabilities:
        not_applicable("permission-v2 is not advertised")
    category = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    asked = f"patient/Observation.rs?category={category}"
    grant = fresh_grant(scope=f"launch/patient patient/Patient.rs {asked}")
    granted = [one for one in scopes.split(grant.scope) if one.startswith("patient/Observation")]
    expect(
        all(one == asked for one in granted),
        "a granular scope keeps its constraint",
        expected=asked,
        found=" ".join(granted),
        evidence=grant.answer.evidence,
    )
    if not granted:
        return
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    answer = fhir.search("Observation", {"patient": grant.patient})
    if answer.status != 200:
        expect_operation_outcome(answer, 403, "a search beyond the constraint is refused")
        return
    others = [
        resource_of(one).get("id")
        for one in entries(answer.object())
        if resource_of(one).get("resourceType") == "Observation"
        and "laboratory" not in str(resource_of(one).get("category"))
    ]
    expect(
        not others,
        "only the category granted may be read",
        expected="laboratory",
        found=f"{len(others)} others",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("RFC6749-SCOPE-01")
def test_unregistered_scope_is_not_granted(app: App, member: Member) -> None:
    """A scope the client is not registered for is not granted: system/*.read to a member's app."""
    asked = "system/*.read"
    control(
        not scopes.within(asked, scopes.split(app.client.scopes)),
        "the client is not registered for it",
        app.client.scopes,
    )
    attempt = app.authorize(member, may_refuse=True, scope=f"{app.client.scopes} {asked}")
    if not attempt.landing.value("code"):
        expect(
            attempt.landing.error == "invalid_scope",
            "a scope that cannot be granted gives invalid_scope",
            found=attempt.landing.described,
        )
        return
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    expect(
        asked not in scopes.split(grant.scope),
        "an unregistered scope must not be granted",
        found=grant.scope,
        evidence=grant.answer.evidence,
    )


@pytest.mark.requirement("SMART-STANDALONE-11")
@pytest.mark.parametrize("asked", ["patient/*.write", "patient/*.*", "patient/Observation.cruds"])
def test_write_scope_is_not_granted(another_app: App, member: Member, asked: str) -> None:
    """A read-only interface does not grant write scopes."""
    attempt = another_app.authorize(member, may_refuse=True, scope=f"launch/patient patient/Patient.read {asked}")
    if not attempt.landing.value("code"):
        expect(
            attempt.landing.error == "invalid_scope",
            "a scope that cannot be granted gives invalid_scope",
            found=attempt.landing.described,
        )
        return
    grant = another_app.as_grant(another_app.redeem(attempt), attempt, member)
    writing = [
        one for one in scopes.split(grant.scope) if (found := scopes.clinical(one)) and found.interactions & set("cud")
    ]
    expect(not writing, "no write may be granted", found=" ".join(writing), evidence=grant.answer.evidence)


@pytest.mark.requirement("SMART-STANDALONE-11")
def test_unknown_scope_is_not_granted(another_app: App, member: Member) -> None:
    """A scope nobody ever heard of is left out of the grant, or the request refused."""
    attempt = another_app.authorize(member, may_refuse=True, scope="launch/patient patient/Patient.read made-up-scope")
    if not attempt.landing.value("code"):
        expect(
            attempt.landing.error == "invalid_scope",
            "a scope that cannot be granted gives invalid_scope",
            found=attempt.landing.described,
        )
        return
    grant = another_app.as_grant(another_app.redeem(attempt), attempt, member)
    expect(
        "made-up-scope" not in scopes.split(grant.scope),
        "an unknown scope must not be granted",
        found=grant.scope,
        evidence=grant.answer.evidence,
    )


@pytest.mark.requirement("HEALTHSHARE-2.1.1-SCOPES")
def test_granted_scope_is_a_list_of_tokens(grant: Grant) -> None:
    """The scope of the token response is a list of scope tokens separated by single spaces, none twice."""
    scope = str(grant.body.get("scope", ""))
    tokens = scope.split(" ")
    expect(
        # A comma may stand in a scope token (RFC 6749 section 3.3); in none of SMART's, where it is a list gone wrong.
        scope and all(map(scopes.is_scope_token, tokens)) and not any("," in one.partition("?")[0] for one in tokens),
        "scope is tokens separated by single spaces",
        found=scope,
        path="scope",
    )
    expect(len(set(tokens)) == len(tokens), "no scope comes twice", found=scope, path="scope")


@pytest.mark.requirement("SMART-STANDALONE-15", "SMART-STANDALONE-16", "HEALTHSHARE-2.1-SCOPE-LIMIT")
def test_withheld_scope_is_not_granted(app: App, member: Member, target: Target, http: Http) -> None:
    """A member unticks one of two scopes in a browser: the token response lacks it, and the interface refuses it."""
    if not any(step.do == "untick" and "{scope}" in step.at for step in target.login.step):
        not_applicable("the login recipe has no untick step with {scope}: the consent page offers no choice of scopes")
    kept, withheld = "patient/Patient.read", "patient/Condition.read"
    for one in (kept, withheld):
        if not scopes.within(one, scopes.split(app.client.scopes)):
            not_applicable(f"the client is not registered for {one}")
    attempt = app.authorize(
        member, scope=f"launch/patient {kept} {withheld}", choices=Choices(withhold=(withheld,)), in_browser=True
    )
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "what was left ticked is granted")
    expect(
        not scopes.within(withheld, scopes.split(grant.scope)),
        "what was unticked must not be in the scope",
        found=grant.scope,
        evidence=grant.answer.evidence,
    )
    expect_status(fhir.search("Condition", {"patient": grant.patient}), 403, "what was unticked must be refused")


@pytest.mark.requirement("SMART-STANDALONE-15", "HEALTHSHARE-2.1-SCOPE-LIMIT")
def test_withheld_kind_of_data_is_refused(
    app: App, member: Member, target: Target, http: Http, served: list[str]
) -> None:
    """A member keeps a whole kind of data back: its types are refused, the others are served."""
    if not any(step.do == "untick" and "{category}" in step.at for step in target.login.step):
        not_applicable("the login recipe has no untick step with {category}: the consent page offers no kinds of data")
    chosen = next((one for one in target.login.category if set(one.types) & set(served) - {"Patient"}), None)
    others = [one for one in served if chosen and one not in chosen.types]
    if chosen is None or not others:
        not_applicable("the target file names no kind of data beside which others are served: [[login.category]]")
    attempt = app.authorize(member, choices=Choices(keep_back=(chosen.name,)), may_refuse=True, fresh=True)
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.search(others[0], {"patient": grant.patient}).status == 200, f"{others[0]} was left ticked")
    with findings() as found:
        for resource in [one for one in served if one in chosen.types]:
            answer = fhir.search(resource, {"patient": grant.patient})
            found.check(
                answer.status in (401, 403),
                f"{resource} belongs to {chosen.name}, which was kept back",
                expected="status 403",
                found=answer.status,
                evidence=answer.evidence,
            )
