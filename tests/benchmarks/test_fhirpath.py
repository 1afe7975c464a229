"""FHIRPath: microseconds an invariant takes compiled, beside an interpreter that was given the parsed expression."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import fhirpathpy

from suites.profiles.fhirpath import Env, compile_expression

CODING = {"system": "http://terminology.hl7.org/CodeSystem/claimcareteamrole", "code": "primary"}
CLAIM: dict[str, Any] = {
    "resourceType": "ExplanationOfBenefit",
    "meta": {"lastUpdated": "2024-01-01T00:00:00Z"},
    "insurance": [{"focal": True}, {"focal": False}],
    "careTeam": [{"sequence": n, "role": {"coding": [CODING]}, "provider": {"reference": "#x"}} for n in range(1, 4)],
    "supportingInfo": [
        {"sequence": n, "category": {"coding": [{"code": c}]}}
        for n, c in enumerate(("billingnetworkstatus", "typeofbill", "pointoforigin"), 1)
    ],
    "item": [
        {"sequence": n, "informationSequence": [n], "productOrService": {"coding": [{"code": "99213"}]}}
        for n in range(1, 6)
    ],
    "billablePeriod": {"start": "2024-01-01", "end": "2024-01-03"},
}
EXPRESSIONS = (
    "insurance.where(focal = true).count() = 1",
    "item.where(productOrService.coding.code = '99213').exists()",
    "careTeam.where(role.coding.where(code in ('primary' | 'referring')).exists()).exists() implies careTeam.provider.exists()",
    "supportingInfo.where(category.coding.code = 'typeofbill').sequence.exists($this > 1)",
    "billablePeriod.start.exists() and billablePeriod.end.exists() and item.all(sequence > 0)",
    "meta.lastUpdated.exists()",
)


def microseconds(run: Callable[[], Any], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - started) / times * 1e6


def test_compiled_beside_interpreted() -> None:
    print(f"\n{'invariant':<72}{'compiled µs':>12}{'interpreted µs':>16}{'ratio':>8}")
    total = [0.0, 0.0]
    for text in EXPRESSIONS:
        expression = compile_expression(text)
        interpreted = fhirpathpy.compile(text)
        env = Env(CLAIM)
        assert [expression.holds(CLAIM, env)] == interpreted(CLAIM), text
        ours = microseconds(lambda e=expression, env=env: e.holds(CLAIM, env), 5000)  # type: ignore[misc]
        theirs = microseconds(lambda i=interpreted: i(CLAIM), 50)  # type: ignore[misc]
        total = [total[0] + ours, total[1] + theirs]
        print(f"{text[:70]:<72}{ours:>12.2f}{theirs:>16.1f}{theirs / ours:>8.0f}")
    print(f"{'all':<72}{total[0]:>12.2f}{total[1]:>16.1f}{total[1] / total[0]:>8.0f}")
