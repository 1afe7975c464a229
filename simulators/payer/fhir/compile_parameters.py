"""From the official packages to `search_parameters/*.json`: what each guide lets one search by.

Run `python -m simulators.payer.fhir.compile_parameters FOLDER_OF_PACKAGES`. Each table names package, version and sha256 of what
it was made from and holds facts only, one a line: search parameters (name, kind, expression, targets, comparators, modifiers,
chains, components), and of each server CapabilityStatement the profiles, combinations, includes and reverse includes by type.
The core table adds which elements are a choice of types, the definition of the patient compartment and which codes need `:below`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "search_parameters"
# Short names of the guides, as commands and deployments spell them.
GUIDES = {
    "hl7.fhir.r4.core": "core",
    "hl7.fhir.us.core": "us-core",
    "hl7.fhir.us.carin-bb": "carin-bb",
    "hl7.fhir.us.davinci-pdex": "pdex",
    "hl7.fhir.us.davinci-hrex": "hrex",
    "hl7.fhir.us.davinci-pdex-plan-net": "plan-net",
    "hl7.fhir.us.davinci-drug-formulary": "formulary",
}
# Types a payer serves; the core package defines parameters of another hundred types nobody here asks for.
SERVED = frozenset(
    [
        "AllergyIntolerance",
        "Basic",
        "Binary",
        "CarePlan",
        "CareTeam",
        "Claim",
        "ClaimResponse",
        "Condition",
        "Consent",
        "Coverage",
        "Device",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "Endpoint",
        "ExplanationOfBenefit",
        "Goal",
        "Group",
        "HealthcareService",
        "Immunization",
        "InsurancePlan",
        "List",
        "Location",
        "Media",
        "Medication",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationKnowledge",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Organization",
        "OrganizationAffiliation",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Procedure",
        "Provenance",
        "Questionnaire",
        "QuestionnaireResponse",
        "RelatedPerson",
        "ServiceRequest",
        "Specimen",
    ]
)
COMBINATION = "search-parameter-combination"


def resources(package: Path) -> Iterator[dict[str, Any]]:
    """The conformance resources of a package, in name order."""
    with tarfile.open(package) as archive:
        wanted = ("SearchParameter", "CapabilityStatement", "StructureDefinition", "CompartmentDefinition")
        members = [
            member
            for member in archive.getmembers()
            if member.name.startswith("package/") and member.name.removeprefix("package/").startswith(wanted)
        ]
        for member in sorted(members, key=lambda member: member.name):
            file = archive.extractfile(member)
            if file is not None:
                yield json.loads(file.read())


def facts(package: Path) -> dict[str, Any]:
    """The table of one package."""
    with tarfile.open(package) as archive:
        manifest = archive.extractfile("package/package.json")
        if manifest is None:
            raise ValueError(f"{package}: no package/package.json")
        described = json.load(manifest)
    parameters: list[dict[str, Any]] = []
    capability: dict[str, Any] = {}
    choices: dict[str, list[str]] = {}
    compartment: dict[str, list[str]] = {}
    elements: dict[str, dict[str, list[str]]] = {}
    core = described["name"] == "hl7.fhir.r4.core"
    for resource in resources(package):
        kind = resource["resourceType"]
        if kind == "SearchParameter":
            # The core package also carries examples of how to write a search parameter.
            if "/SearchParameter/example" not in resource["url"] and "example.org" not in resource.get(
                "expression", ""
            ):
                parameters += parameter_facts(resource)
        elif kind == "CapabilityStatement" and not core and serves(resource):
            capability.update(capability_facts(resource))
        elif kind == "StructureDefinition" and core and resource["name"] in SERVED:
            choices.update(choice_facts(resource))
            elements[resource["name"]] = element_facts(resource)
        elif kind == "CompartmentDefinition" and resource.get("code") == "Patient":
            compartment = {
                entry["code"]: entry["param"]
                for entry in resource["resource"]
                if entry["code"] in SERVED and entry.get("param")
            }
    parameters.sort(key=lambda fact: (fact["type"], fact["name"]))
    return {
        "package": described["name"],
        "version": described["version"],
        "sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
        "parameters": parameters,
        "capability": capability,
        "choices": choices,
        "compartment": compartment,
        "elements": elements,
    }


def parameter_facts(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """One fact for each type a search parameter is defined on."""
    found = []
    for base in resource.get("base", ()):
        if base not in SERVED and base not in ("Resource", "DomainResource"):
            continue
        if not resource.get("expression") or resource["code"] in ("_query", "_content", "_text"):
            continue
        fact: dict[str, Any] = {
            "type": base,
            "name": resource["code"],
            "kind": resource["type"],
            "expression": resource["expression"],
            "url": resource["url"],
        }
        for element, name in (
            ("target", "target"),
            ("comparator", "comparators"),
            ("modifier", "modifiers"),
            ("chain", "chains"),
        ):
            values = resource.get(element, [])
            if values:
                fact[name] = sorted(value for value in values if element != "target" or value in SERVED)
        if resource.get("component"):
            fact["components"] = [
                {"definition": part["definition"], "expression": part["expression"]} for part in resource["component"]
            ]
        found.append(fact)
    return found


def serves(statement: dict[str, Any]) -> bool:
    """Whether a CapabilityStatement is about a server."""
    return any(rest["mode"] == "server" for rest in statement.get("rest", ()))


def capability_facts(statement: dict[str, Any]) -> dict[str, Any]:
    """What a guide's server CapabilityStatement asks for, by type."""
    found = {}
    for entry in statement["rest"][0]["resource"]:
        combinations = sorted(
            sorted(part["valueString"] for part in extension["extension"] if part["url"] == "required")
            for extension in entry.get("extension", ())
            if extension["url"].endswith(COMBINATION)
        )
        profiles = [entry["profile"]] if "profile" in entry else []
        profiles += [profile for profile in entry.get("supportedProfile", ()) if profile not in profiles]
        found[entry["type"]] = {
            "profiles": sorted(profiles),
            "parameters": sorted({parameter["name"] for parameter in entry.get("searchParam", ())}),
            "combinations": sorted({tuple(names) for names in combinations if len(names) > 1}),
            "include": sorted(entry.get("searchInclude", ())),
            "revinclude": sorted(entry.get("searchRevInclude", ())),
        }
    return found


def choice_facts(definition: dict[str, Any]) -> Iterable[tuple[str, list[str]]]:
    """Elements such as Observation.value[x] with the types they may have."""
    for element in definition["snapshot"]["element"]:
        if element["path"].endswith("[x]"):
            yield element["path"].removesuffix("[x]"), sorted({kind["code"] for kind in element["type"]})


def element_facts(definition: dict[str, Any]) -> dict[str, list[str]]:
    """The top-level elements of a type that are in its summary, and those that are mandatory."""
    top = [element for element in definition["snapshot"]["element"] if element["path"].count(".") == 1]
    return {
        "summary": sorted(name for element in top if element.get("isSummary") for name in spellings(element)),
        "required": sorted(name for element in top if element["min"] for name in spellings(element)),
    }


def spellings(element: dict[str, Any]) -> list[str]:
    """How an element is named in JSON: a choice of types has one name for each."""
    name = element["path"].rpartition(".")[2]
    if not name.endswith("[x]"):
        return [name]
    return [name[:-3] + kind["code"][:1].upper() + kind["code"][1:] for kind in element["type"]]


def text(table: dict[str, Any]) -> str:
    """The table as it is committed: JSON, one fact a line, so that a change reads as a change."""
    parts = []
    for key, value in table.items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in value)
            parts.append(f"{json.dumps(key)}: [\n{lines}\n]" if value else f"{json.dumps(key)}: []")
        elif isinstance(value, dict):
            lines = ",\n".join(
                f"{json.dumps(name)}: {json.dumps(value[name], ensure_ascii=False)}" for name in sorted(value)
            )
            parts.append(f"{json.dumps(key)}: {{\n{lines}\n}}" if value else f"{json.dumps(key)}: {{}}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def compile_folder(packages: Path) -> dict[str, str]:
    """File name and text of the table of every guide found in a folder of packages."""
    tables = {}
    for package in sorted(packages.glob("*.tgz")):
        name, _, version = package.name.removesuffix(".tgz").rpartition("-")
        if name in GUIDES:
            tables[f"{GUIDES[name]}-{version}.json"] = text(facts(package))
    return tables


if __name__ == "__main__":
    TABLES.mkdir(exist_ok=True)
    for name, table in compile_folder(Path(sys.argv[1])).items():
        (TABLES / name).write_text(table, "utf-8")
        print(name)
