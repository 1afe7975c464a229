"""Invariants that were published wrong, and what they were meant to say.

R4 4.0.1 is frozen with some invariants that fail resources they were never meant to fail, or say nothing at all: three
empty operands where a boolean was thought of, a property's list compared as one item, a type spelled as FHIRPath's own.
The corrections are those of the technical corrections and later releases of the specification (R4B, R5). Keyed by the
published text, so that a guide's own copy is mended too.
"""

from __future__ import annotations

REF_1 = "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))"

CORRECTED: dict[str, str] = {
    # A reference by identifier or display alone has no reference to judge; '#' is the resource that contains this one (R5).
    REF_1: (
        "reference.exists() implies (reference = '#' or reference.startsWith('#').not()"
        " or (reference.substring(1) in %rootResource.contained.id))"
    ),
    # An answer is FHIR's boolean, not FHIRPath's.
    "operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
    # No entry needs a fullUrl.
    "fullUrl.contains('/_history/').not()": "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    # A prediction without a probability.
    "probability is decimal implies (probability as decimal) <= 100": (
        "(probability.exists() and (probability is decimal)) implies ((probability as decimal) <= 100)"
    ),
    # `when` repeats.
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))": (
        "offset.empty() or (when.exists() and when.select($this in ('C' | 'CM' | 'CD' | 'CV')).allFalse())"
    ),
    # A category is a CodeableConcept, never equal to a text.
    (
        "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/"
        "condition-ver-status' and code = 'entered-in-error').exists() or category.select($this='problem-list-item').empty()"
    ): (
        "(verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and"
        " code = 'entered-in-error').exists() and category.coding.exists(system='http://terminology.hl7.org/CodeSystem/"
        "condition-category' and code ='problem-list-item').empty()) implies (clinicalStatus.exists())"
    ),
    # A name is not asked for.
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": "name.exists() implies name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')",
    # Existence was meant where an element stands for a boolean.
    "telecom or endpoint": "telecom.exists() or endpoint.exists()",
    # Two are already several.
    "enableWhen.count() > 2 implies enableBehavior.exists()": "enableWhen.count() >= 2 implies enableBehavior.exists()",
}


def corrected(text: str) -> str:
    """The invariant as it was meant."""
    return CORRECTED.get(text, text)
