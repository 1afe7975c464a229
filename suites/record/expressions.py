"""Elements of a resource that a search parameter looks at, by the official expression.

`resolve()` answers from the reference's own text: what type a reference points to is all that search expressions ask of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from suites.profiles.facts import SearchParameter
from suites.profiles.fhirpath import Env, EvaluationError, NotFHIRPath, compile_expression
from suites.record.matching import reference_parts


class ByText:
    """A host of expressions that knows resources by the type their references name."""

    def resolve(self, reference: str, env: Env) -> dict[str, Any] | None:
        """A resource of the type the reference names, without content."""
        if reference.startswith("#"):
            held = env.root_resource.get("contained", []) if isinstance(env.root_resource, dict) else []
            return next((one for one in held if one.get("id") == reference[1:]), None)
        kind, id = reference_parts(reference)
        return {"resourceType": kind, "id": id} if kind else None

    def member_of(self, value: Any, value_set: str) -> bool | None:
        """Not asked by search expressions."""
        return None

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        """Not asked by search expressions."""
        return None

    def html_checks(self, xhtml: str) -> bool:
        """Not asked by search expressions."""
        return True


HOST = ByText()
# `as Date` means FHIR's date: published expressions write the system type, which no element has (CARIN 1.0.0, service-date).
_SYSTEM_TYPE = re.compile(r"(?<=\bas )(DateTime|Date|Time|String|Boolean|Integer|Decimal)\b")


@lru_cache(maxsize=2048)
def _narrowed(expression: str, resource_type: str) -> str:
    """The parts of a shared expression that are about one type."""
    parts = [part.strip() for part in _unions(expression)]
    own = [part for part in parts if part.lstrip("(").startswith((f"{resource_type}.", "Resource.", "DomainResource."))]
    return _SYSTEM_TYPE.sub(lambda found: found[1][0].lower() + found[1][1:], " | ".join(own or parts))


def _unions(expression: str) -> list[str]:
    depth, parts, current = 0, [], ""
    for character in expression:
        depth += (character in "([") - (character in ")]")
        if character == "|" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def elements(parameter: SearchParameter, resource: dict[str, Any]) -> list[Any]:
    """What the parameter looks at in this resource; empty where it holds nothing of the kind or the expression cannot be evaluated."""
    if parameter.code == "_id":
        return [resource["id"]] if "id" in resource else []
    if parameter.code == "_lastUpdated":
        updated = (resource.get("meta") or {}).get("lastUpdated")
        return [updated] if updated else []
    if not parameter.expression:
        return []
    try:
        compiled = compile_expression(_narrowed(parameter.expression, str(resource.get("resourceType"))))
        return [inside(one) for one in compiled(resource, Env(resource, host=HOST))]
    except (NotFHIRPath, EvaluationError):
        return []


def inside(element: Any) -> Any:
    """The value of an extension, for expressions that stop at the extension itself (Plan-Net, network)."""
    if isinstance(element, dict) and "url" in element and "resourceType" not in element:
        return next((value for name, value in element.items() if name.startswith("value")), element)
    return element
