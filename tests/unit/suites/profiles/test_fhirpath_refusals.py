"""FHIRPath: what is refused, what has no meaning, what a host must know, and expressions that would never end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from suites.profiles.fhirpath import Env, EvaluationError, NotFHIRPath, compile_expression
from tests.unit.suites.profiles.fhirpath_samples import OBSERVATION, PATIENT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a name, not the end"),
        ("name.", "expected a name, not the end"),
        ("name..given", "expected a name, not '.', at character 6"),
        ("(name", r"expected '\)', not the end"),
        ("name)", r"expected the end, not '\)'"),
        ("who.resolve().is Practitioner or Device", "not 'Practitioner', at character 18"),
        ("name ? 1", "cannot read '. 1' at character 6"),
        ("'open", "cannot read"),
        ("name.frobnicate()", r"nobody knows the function frobnicate\(\)"),
        ("%nobody", "nobody knows the variable %nobody"),
        ("name.where()", r"where\(\) takes 1 arguments and was given 0"),
        ("name.first(1)", r"first\(\) takes 0 arguments"),
        ("@2020-13", "is not a date or time"),
        ("(" * 500 + "1" + ")" * 500, "nested more than 200 deep"),
        ("a" * 30_000, "at most 20000 are read"),
    ],
)
def test_what_is_not_fhirpath_is_refused_when_compiled(text: str, said: str) -> None:
    with pytest.raises(NotFHIRPath, match=said):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "name.single()",
        "name.given < 'a'",
        "active + 1",
        "'a' - 'b'",
        "(name.given) in name.given",
        "(name.given) and true",
        "name.is(HumanName)",
        "1.startsWith('a')",
        "@2020 < 5",
        "name['a']",
        "@2020 + 1 'mg'",
        "'x'.matches('(')",
        "'x'.toString().round()",
    ],
)
def test_what_has_no_meaning_for_a_resource_is_an_error_of_evaluation(text: str) -> None:
    with pytest.raises(EvaluationError):
        compile_expression(text)(PATIENT, Env(PATIENT))


class Knows:
    """A host that knows one value set, one profile and one practitioner."""

    def resolve(self, reference: str, env: Env) -> dict[str, Any] | None:
        return {"resourceType": "Practitioner", "id": "1"} if reference == "Practitioner/1" else None

    def member_of(self, value: Any, value_set: str) -> bool | None:
        return None if value_set == "urn:unknown" else value.get("code") == "1"

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        return profile == "urn:profile"

    def html_checks(self, xhtml: str) -> bool:
        return "<script" not in xhtml


def test_a_host_resolves_references_and_knows_membership() -> None:
    env = Env(PATIENT, host=Knows())
    assert compile_expression("generalPractitioner.resolve() is Practitioner").holds(PATIENT, env) is True
    assert compile_expression("conformsTo('urn:profile')").holds(PATIENT, env) is True
    coding = OBSERVATION["code"]["coding"]
    assert compile_expression("code.coding.where(memberOf('urn:set')).count() = 1").holds(
        OBSERVATION, Env(OBSERVATION, host=Knows())
    )
    assert compile_expression("memberOf('urn:set')").holds(coding[1], Env(OBSERVATION, host=Knows())) is False
    assert compile_expression("htmlChecks()").holds("<div><script/></div>", Env(PATIENT, host=Knows())) is False


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("memberOf('urn:unknown')", None),
        ("memberOf('urn:unknown').not()", None),
        ("memberOf('urn:unknown') or code.exists()", True),
        ("memberOf('urn:unknown') and code.empty()", False),
        ("code.exists() or memberOf('urn:unknown')", True),
    ],
)
def test_an_undecidable_membership_leaves_a_verdict_open_only_where_it_matters(text: str, verdict: bool | None) -> None:
    env = Env(OBSERVATION, host=Knows())
    coding = {"code": "1"}
    assert compile_expression(text).holds(coding, env) is verdict
    assert env.lacking == (["urn:unknown", "urn:unknown"] if verdict is None else [])


def why_stopped(text: str, resource: dict[str, Any]) -> str:
    """What there was too much of, or nothing."""
    try:
        compile_expression(text).holds(resource, Env(resource))
    except EvaluationError as stopped:
        return next((what for what in ("steps", "characters", "digits") if what in str(stopped)), str(stopped))
    return ""


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["descendants()"] + ["select(%resource.descendants())"] * 8) + ".count() > 0",
        "descendants()" + ".where(%resource.descendants()" * 8 + ".exists(false)" + ")" * 8,
        "name" + ".all(%resource.descendants()" * 9 + ".exists()" + ")" * 9,
        "descendants().aggregate($total.combine($total).combine($this))",
        "descendants().aggregate($total & $total & 'x', 'x').length()",
        "descendants().aggregate($total.replace('x', 'xx'), 'x')",
        "descendants().aggregate($total * $total, 7)",
        "name.repeat(%resource.descendants() | %resource.descendants().count())"
        + ".repeat(%resource.descendants())" * 6,
    ],
)
def test_an_expression_that_multiplies_ends(text: str) -> None:
    wide = {**PATIENT, "link": [{"other": {"reference": f"Patient/{n}"}} for n in range(30)]}
    started = time.monotonic()
    assert why_stopped(text, wide) in ("", "steps", "characters", "digits")
    assert time.monotonic() - started < 30
