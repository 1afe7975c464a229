"""The CapabilityStatement of one base, told from what is wired and nothing else (FHIR R4 capabilities; SMART 1.0.0 oauth-uris)."""

from __future__ import annotations

from typing import Any

import orjson

from simulators.payer.context import Payer
from simulators.payer.fhir.bases import Base
from simulators.payer.fhir.parameters import TypeCapability
from simulators.payer.rules import rule

_SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition/"
_COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
_IG = {
    "us-core": "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core",
    "carin-bb": "http://hl7.org/fhir/us/carin-bb/ImplementationGuide/hl7.fhir.us.carin-bb",
    "pdex": "http://hl7.org/fhir/us/davinci-pdex/ImplementationGuide/hl7.fhir.us.davinci-pdex",
    "hrex": "http://hl7.org/fhir/us/davinci-hrex/ImplementationGuide/hl7.fhir.us.davinci-hrex",
    "plan-net": "http://hl7.org/fhir/us/davinci-pdex-plan-net/ImplementationGuide/hl7.fhir.us.davinci-pdex-plan-net",
    "formulary": "http://hl7.org/fhir/us/davinci-drug-formulary/ImplementationGuide/hl7.fhir.us.davinci-drug-formulary",
}  # fmt: skip


@rule
def statement_told(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement says what the server does."""
    return statement


@statement_told.fault("capability-says-another-fhir-version", violates="FHIR-CAPABILITY-02")
def other_version(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement says FHIR 3.0.1."""
    return {**statement, "fhirVersion": "3.0.1"}


@statement_told.fault("capability-has-no-oauth-addresses", violates="SMART-DISCOVERY-02", on="legacy")
def no_oauth(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement does not tell the authorization and token endpoints."""
    return {
        **statement,
        "rest": [{key: value for key, value in rest.items() if key != "security"} for rest in statement["rest"]],
    }


@statement_told.fault("capability-names-another-token-endpoint", violates="SMART-DISCOVERY-02")
def other_token_endpoint(statement: dict[str, Any]) -> dict[str, Any]:
    """oauth-uris of the CapabilityStatement name another token endpoint than smart-configuration."""
    told: dict[str, Any] = orjson.loads(orjson.dumps(statement))
    for rest in told["rest"]:
        for extension in rest.get("security", {}).get("extension", []):
            for part in extension.get("extension", []):
                if part.get("url") == "token":
                    part["valueUri"] += "/v1"
    return told


@statement_told.fault("capability-leaves-out-claims", violates="FHIR-CAPABILITY-03")
def no_claims(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement does not list ExplanationOfBenefit although it is served."""
    return _with_resources(statement, lambda entry: None if entry["type"] == "ExplanationOfBenefit" else entry)


@statement_told.fault("capability-promises-writes", violates="FHIR-CAPABILITY-03")
def promises_writes(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement promises create and update, which are refused."""
    more = [{"code": "create"}, {"code": "update"}]
    return _with_resources(statement, lambda entry: {**entry, "interaction": [*entry["interaction"], *more]})


@statement_told.fault("capability-leaves-out-search-parameters", violates="FHIR-CAPABILITY-03")
def no_parameters(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement lists no search parameters."""
    return _with_resources(
        statement, lambda entry: {key: value for key, value in entry.items() if key != "searchParam"}
    )


@statement_told.fault("capability-has-no-date", violates="FHIR-CAPABILITY-01", also=("FHIR-CAPABILITY-04",))
def no_date(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement lacks the required date."""
    return {key: value for key, value in statement.items() if key != "date"}


@statement_told.fault("capability-offers-xml-only", violates="FHIR-CAPABILITY-02")
def xml_only(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement says that only XML is served."""
    return {**statement, "format": ["application/fhir+xml"]}


@statement_told.fault("capability-has-a-word-of-its-own", violates="FHIR-CAPABILITY-04")
def own_word(statement: dict[str, Any]) -> dict[str, Any]:
    """The CapabilityStatement says `versioning: sometimes`, which FHIR has no code for."""
    return _with_resources(statement, lambda entry: {**entry, "versioning": "sometimes"})


def _with_resources(statement: dict[str, Any], change: Any) -> dict[str, Any]:
    rest = statement["rest"][0]
    changed = [entry for entry in map(change, rest["resource"]) if entry is not None]
    return {**statement, "rest": [{**rest, "resource": changed}]}


def statement(payer: Payer, base: Base, started: str) -> dict[str, Any]:
    """The CapabilityStatement of one base."""
    deployment = payer.deployment
    rest: dict[str, Any] = {"mode": "server"}
    if not base.is_open:
        rest["security"] = _security(payer)
    rest["resource"] = [_resource(payer, base, name) for name in sorted(base.types)]
    told: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        "id": f"{base.name}-server",
        "url": f"{base.url}/metadata",
        "version": "1.0.0",
        "name": "PatientAccessServer" if base.bit == 1 else f"{base.name.capitalize()}Server",
        "title": f"{deployment.payer.name}: {base.name} API",
        "status": "active",
        "date": started,
        "publisher": deployment.payer.name,
        "kind": "instance",
        "software": {"name": deployment.title, "version": "1.0.0"},
        "implementation": {"description": deployment.about, "url": base.url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "implementationGuide": [
            f"{_IG[name]}|{version}" for name, _, version in (guide.partition("@") for guide in base.guides)
        ],
        "rest": [rest],
    }
    if not told["implementationGuide"]:
        del told["implementationGuide"]
    return told


def _security(payer: Payer) -> dict[str, Any]:
    endpoints = payer.deployment.endpoints
    uris = [("authorize", endpoints.authorize), ("token", endpoints.token), ("introspect", endpoints.introspect)]
    uris += [("revoke", endpoints.revoke), ("register", endpoints.register)]
    return {
        "cors": True,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                        "display": "SMART-on-FHIR",
                    }
                ],
                "text": "OAuth 2.0 with SMART on FHIR profile",
            }
        ],
        "extension": [
            {
                "url": _SMART + "oauth-uris",
                "extension": [{"url": name, "valueUri": payer.url(path)} for name, path in uris if path],
            }
        ],
    }


def _resource(payer: Payer, base: Base, name: str) -> dict[str, Any]:
    asked = base.catalog.capability(name)
    shown = parameters_shown(payer, base, name)
    entry: dict[str, Any] = {"type": name}
    if asked.profiles:
        entry["supportedProfile"] = list(asked.profiles)
    entry["interaction"] = [{"code": code} for code in ("read", "vread", "history-instance", "search-type")]
    entry["versioning"] = "versioned"
    entry["readHistory"] = True
    entry["referencePolicy"] = ["resolves"]
    includes, revincludes = includes_shown(payer, base, name)
    if includes:
        entry["searchInclude"] = includes
    if revincludes:
        entry["searchRevInclude"] = revincludes
    known = base.catalog.of(name)
    entry["searchParam"] = [
        {"name": parameter, "definition": known[parameter].url, "type": known[parameter].kind} for parameter in shown
    ]
    operations = []
    if name == "Patient" and payer.deployment.fhir.everything and not base.is_open:
        operations.append(
            {"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"}
        )
    if name in ("Patient", "Group") and payer.deployment.fhir.bulk and not base.is_open:
        definition = f"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{name.lower()}-export"
        operations.append({"name": "export", "definition": definition})
    if operations:
        entry["operation"] = operations
    combinations = combinations_shown(asked, shown)
    if combinations:
        entry["extension"] = combinations
    return entry


def parameters_shown(payer: Payer, base: Base, name: str) -> list[str]:
    """The parameters a base advertises for a type: all it knows, or no more than its guides ask for."""
    if payer.deployment.fhir.capability == "full":
        return sorted(base.catalog.of(name))
    return sorted({"_id", "_lastUpdated", *base.catalog.capability(name).parameters})


def includes_shown(payer: Payer, base: Base, name: str) -> tuple[list[str], list[str]]:
    """The _include and _revinclude values a base advertises for a type."""
    asked = base.catalog.capability(name)
    includes, revincludes = set(asked.include), set(asked.revinclude)
    if payer.deployment.fhir.capability == "full":
        includes |= {f"{name}:{parameter}" for parameter in base.catalog.references[name]}
        if "Provenance" in base.types and name != "Provenance":
            revincludes.add("Provenance:target")
    known = {
        f"{kind}:{parameter}"
        for kind, parameters in base.catalog.references.items()
        for parameter in (*parameters, "*")
    }
    return (
        sorted(value for value in includes if ":".join(value.split(":")[:2]) in known),
        sorted(value for value in revincludes if ":".join(value.split(":")[:2]) in known),
    )


def combinations_shown(asked: TypeCapability, shown: list[str]) -> list[dict[str, Any]]:
    """The combinations the guides require, as their extension."""
    return [
        {
            "url": _COMBINATION,
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation",
                    "valueCode": "SHALL",
                },
                *({"url": "required", "valueString": name} for name in names),
            ],
        }
        for names in asked.combinations
        if all(name in shown for name in names)
    ]
