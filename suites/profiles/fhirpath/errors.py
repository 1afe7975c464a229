"""What can be wrong with an expression, and with evaluating one.

FHIRPathError
  NotFHIRPath        when compiled: the text is not an expression we can evaluate
  EvaluationError    when evaluated: this resource gives it operands it has no meaning for
"""

from __future__ import annotations


class FHIRPathError(ValueError):
    """Anything FHIRPath."""


class NotFHIRPath(FHIRPathError):
    """The text is not a FHIRPath expression, or names a function or variable nobody knows."""


class EvaluationError(FHIRPathError):
    """The expression has no value here: several items where one is needed, text where a number is."""
