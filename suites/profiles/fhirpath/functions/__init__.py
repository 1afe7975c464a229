"""The functions of FHIRPath whose arguments are values, by chapter of the specification.

A function takes its input collection, the environment, and the value of each argument, and gives a collection.
"""

from __future__ import annotations

from suites.profiles.fhirpath.environment import Function
from suites.profiles.fhirpath.functions import boundaries, collections, conversion, fhir, mathematics, text

FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    **collections.FUNCTIONS,
    **text.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **conversion.FUNCTIONS,
    **boundaries.FUNCTIONS,
    **fhir.FUNCTIONS,
}
"""Name to (fewest arguments, most arguments, function)."""
