"""FHIRPath (N1, as FHIR R4 uses it), compiled to Python closures over parsed JSON.

    expression = compile_expression("name.where(use = 'official').exists()")
    expression.holds(patient, Env(patient))

Parts: `syntax` reads, `closures` and `lambdas` compile, `functions` hold what takes values, `values` and `times` the items,
`native` the base invariants asked most. `environment.Host` is what a surrounding validator provides.
"""

from suites.profiles.fhirpath.environment import Env, Host
from suites.profiles.fhirpath.errors import EvaluationError, FHIRPathError, NotFHIRPath
from suites.profiles.fhirpath.expression import Expression, compile_expression, compile_invariant
from suites.profiles.fhirpath.values import Node

__all__ = [
    "Env",
    "EvaluationError",
    "Expression",
    "FHIRPathError",
    "Host",
    "Node",
    "NotFHIRPath",
    "compile_expression",
    "compile_invariant",
]
