"""What newer guides say in ways R4 itself does not know: additional bindings, imposed profiles."""

from __future__ import annotations

from pathlib import Path

from suites.profiles import Validator
from tests.unit.suites.profiles.packages import definition, profile, write_package


def test_additional_bindings_are_kept_judged_and_add_up(tmp_path: Path):
    """Those that always hold; candidates and those for some usage only bind nobody."""
    system = definition(
        "CodeSystem", "letters", content="complete", caseSensitive=True, concept=[{"code": c} for c in "abc"]
    )
    sets = [
        definition(
            "ValueSet", name, compose={"include": [{"system": system["url"], "concept": [{"code": c} for c in codes]}]}
        )
        for name, codes in (("abc", "abc"), ("ab", "ab"), ("b", "b"))
    ]
    abc, ab, b = (one["url"] for one in sets)

    def further(purpose: str, url: str, *usage: dict[str, object]) -> dict[str, object]:
        parts = [{"url": "purpose", "valueCode": purpose}, {"url": "valueSet", "valueCanonical": url}, *usage]
        return {"url": "http://hl7.org/fhir/tools/StructureDefinition/additional-binding", "extension": parts}

    for_some = {"url": "usage", "valueUsageContext": {"code": {"code": "gender"}}}
    upper = profile(
        "upper",
        "Observation",
        [
            {
                "id": "Observation.code",
                "path": "Observation.code",
                "binding": {
                    "strength": "preferred",
                    "valueSet": abc,
                    "extension": [further("required", ab), further("candidate", b), further("required", b, for_some)],
                },
            }
        ],
    )
    bound = {"strength": "required", "valueSet": abc, "additional": [{"purpose": "maximum", "valueSet": b}]}
    lower = profile(
        "lower", "Observation", [{"id": "Observation.code", "path": "Observation.code", "binding": bound}], upper["url"]
    )
    validator = Validator(packages=[write_package(tmp_path, [system, *sets, upper, lower])])
    element = validator.registry.structure(lower["url"])
    assert element is not None
    (code,) = (e for e in element.elements if e.id == "Observation.code")
    assert code.binding is not None
    assert code.binding.additional == (("required", ab), ("required", b))

    def wrong(name: str, letter: str) -> list[str | None]:
        coded = {"coding": [{"system": system["url"], "code": letter}]}
        report = validator.validate({"resourceType": "Observation", "status": "final", "code": coded}, [name])
        return [issue.expected for issue in report.errors()]

    assert [wrong(upper["url"], letter) for letter in "abc"] == [[], [], [ab]]
    assert [wrong(lower["url"], letter) for letter in "abc"] == [[b], [], [ab, b]]


def test_a_profile_that_imposes_another_asks_for_both(tmp_path: Path):
    imposes = {
        "url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-imposeProfile",
        "valueCanonical": "http://guide.example/StructureDefinition/imposed",
    }
    back = imposes | {"valueCanonical": "http://guide.example/StructureDefinition/imposing"}
    imposing = profile(
        "imposing", "Patient", [{"id": "Patient.active", "path": "Patient.active", "min": 1}], extension=[imposes]
    )
    imposed = profile(
        "imposed", "Patient", [{"id": "Patient.gender", "path": "Patient.gender", "min": 1}], extension=[back]
    )
    validator = Validator(packages=[write_package(tmp_path, [imposing, imposed])])

    def missing(**facts: object) -> list[str | None]:
        report = validator.validate({"resourceType": "Patient", **facts}, [imposing["url"]])
        return [issue.profile for issue in report.errors()]

    assert missing(active=True, gender="male") == []
    assert missing(active=True) == [imposed["url"]]
    assert missing() == [imposing["url"], imposed["url"]]


def test_a_profile_that_steps_into_itself_is_made_from_the_type(tmp_path: Path):
    """An identifier whose assigner's identifier is of the same profile: its children come from the data type."""
    again = {"code": "Identifier", "profile": ["http://guide.example/StructureDefinition/own"]}
    own = profile(
        "own",
        "Identifier",
        [
            {"id": "Identifier.system", "path": "Identifier.system", "min": 1},
            {"id": "Identifier.assigner.identifier", "path": "Identifier.assigner.identifier", "type": [again]},
            {"id": "Identifier.assigner.identifier.value", "path": "Identifier.assigner.identifier.value", "min": 1},
        ],
    )
    typed = {"code": "Identifier", "profile": [own["url"]]}
    user = profile(
        "user", "Organization", [{"id": "Organization.identifier", "path": "Organization.identifier", "type": [typed]}]
    )
    validator = Validator(packages=[write_package(tmp_path, [own | {"kind": "complex-type"}, user])])

    def missing(inner: dict[str, str]) -> list[str]:
        identifier = {"system": "http://x.example", "assigner": {"identifier": inner}}
        organization = {"resourceType": "Organization", "name": "x", "identifier": [identifier]}
        return [issue.message.partition(":")[0] for issue in validator.validate(organization, [user["url"]]).errors()]

    assert missing({"system": "http://x.example", "value": "1"}) == []
    assert missing({"system": "http://x.example"}) == ["Identifier.assigner.identifier.value"]
    assert missing({"value": "1"}) == ["Identifier.system"]


def test_a_claim_of_another_version_is_not_judged_by_the_one_at_hand():
    validator = Validator(guides=["us-core@3.1.1"])
    url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"

    def judged(claim: str) -> tuple[bool, list[str], list[str]]:
        report = validator.validate({"resourceType": "Patient", "meta": {"profile": [claim]}})
        return (
            report.valid,
            [issue.rule for issue in report.issues if issue.severity == "warning"],
            list(report.not_checked),
        )

    assert judged(url)[0] is False
    assert judged(f"{url}|3.1.1")[0] is False
    assert judged(f"{url}|3.1")[0] is False
    assert judged(f"{url}|6.1.0") == (True, ["profile-unknown"], [f"{url}|6.1.0"])
