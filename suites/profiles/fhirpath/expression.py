"""Compiled FHIRPath expressions: compile once, evaluate on many resources."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from suites.profiles.fhirpath.closures import criterion, many
from suites.profiles.fhirpath.environment import Env, Items, Many, Truth
from suites.profiles.fhirpath.errata import corrected
from suites.profiles.fhirpath.errors import EvaluationError, NotFHIRPath
from suites.profiles.fhirpath.native import recognised
from suites.profiles.fhirpath.syntax import Tree, parse
from suites.profiles.fhirpath.values import Node, plain

_NO_MEANING = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError)


class Expression:
    """One expression. Evaluating it never changes what it looks at."""

    __slots__ = ("_many", "_tree", "_truth", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree: Tree = parse(text)
        try:
            self._truth: Truth = recognised(text) or criterion(self._tree)
            self._many: Many = many(self._tree)
        except RecursionError:
            raise NotFHIRPath("the expression is nested too deep") from None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def items(self, this: Any, env: Env | None = None) -> Items:
        """The collection it gives, choice types and `_` siblings kept (`Node`)."""
        env = _surroundings(this, env)
        try:
            return list(self._many(this, env))
        except EvaluationError:
            raise
        except _NO_MEANING as failed:
            raise EvaluationError(f"cannot be evaluated here ({failed})") from None

    def __call__(self, this: Any, env: Env | None = None) -> Items:
        """The collection it gives, as JSON values."""
        return [plain(item) for item in self.items(this, env)]

    def holds(self, this: Any, env: Env | None = None) -> bool | None:
        """Whether an invariant holds: empty does not, and None says that `env.lacking` would be needed to know.

        Evaluated twice when membership could not be decided somewhere: if both answers lead to one verdict, it stands.
        """
        if env is None:
            env = Env(this)
        env.context = this
        env.steps = 0
        try:
            verdict = self._truth(this, env) is True
            if not env.lacking:
                return verdict
            env.assume, env.steps = True, 0
            try:
                other = self._truth(this, env) is True
            finally:
                env.assume = False
        except EvaluationError:
            raise
        except _NO_MEANING as failed:
            raise EvaluationError(f"cannot be evaluated here ({failed})") from None
        if other == verdict:
            env.lacking.clear()
            return verdict
        return None


def _surroundings(this: Any, env: Env | None) -> Env:
    if env is None:
        env = Env(this)
    if env.context is None:
        env.context = this
    env.steps = 0
    return env


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Compile an expression, or say why it is not one (`NotFHIRPath`)."""
    return Expression(text)


@lru_cache(maxsize=4096)
def compile_invariant(text: str) -> Expression:
    """Compile an invariant of a guide: as it was meant where it was published wrong (`errata`)."""
    return compile_expression(corrected(text))


__all__ = ["EvaluationError", "Expression", "Node", "NotFHIRPath", "compile_expression", "compile_invariant"]
