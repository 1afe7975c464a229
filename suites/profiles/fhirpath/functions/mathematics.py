"""Mathematics (FHIRPath N1 §5.7)."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from suites.profiles.fhirpath.environment import Env, Function, Items, one
from suites.profiles.fhirpath.equality import as_quantity
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.values import Quantity, plain

_MOST_DIGITS = 400


def number(items: Items, name: str) -> int | Decimal | None:
    """The single number of a collection, None if there is none."""
    value = plain(one(items, f"{name}()"))
    if value is None or value.__class__ is int:
        return value
    if value.__class__ is Decimal:
        if abs(value.adjusted()) > _MOST_DIGITS:
            raise EvaluationError(f"{name}() was given a number of {abs(value.adjusted())} digits")
        return Decimal(value)
    raise EvaluationError(f"{name}() needs a number, not {value!r:.60}")


def _mapped(name: str, change: Callable[[Any], Any]) -> Function:
    def run(items: Items, env: Env) -> Items:
        value = number(items, name)
        if value is None:
            return []
        try:
            return [change(value)]
        except (InvalidOperation, OverflowError, ValueError):
            return []

    return run


def absolute(items: Items, env: Env) -> Items:
    value = plain(one(items, "abs()"))
    if value.__class__ is dict or value.__class__ is Quantity:
        quantity = as_quantity(value)
        return [] if quantity is None else [Quantity(abs(quantity.value), quantity.unit)]
    found = number(items, "abs")
    return [] if found is None else [abs(found)]


def rounded(items: Items, env: Env, places: Items | None = None) -> Items:
    value = number(items, "round")
    if value is None:
        return []
    digits: Any = plain(one(places, "round()")) if places else 0
    if not isinstance(digits, int) or not 0 <= digits <= 30:
        raise EvaluationError("round() takes 0 to 30 places")
    return [Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)]


def natural_logarithm(value: int | Decimal) -> Decimal:
    if value <= 0:
        raise InvalidOperation
    return Decimal(value).ln()


def power(items: Items, env: Env, exponent: Items) -> Items:
    value, to = number(items, "power"), number(exponent, "power")
    if value is None or to is None:
        return []
    if not -1000 <= to <= 1000:
        raise EvaluationError("power() takes exponents up to 1000")
    try:
        result = Decimal(value) ** Decimal(to)
    except (InvalidOperation, OverflowError):
        return []
    return [int(result) if isinstance(value, int) and isinstance(to, int) and to >= 0 else result]


def logarithm(items: Items, env: Env, base: Items) -> Items:
    value, to = number(items, "log"), number(base, "log")
    if value is None or to is None or value <= 0 or to <= 0 or to == 1:
        return []
    return [Decimal(value).ln() / Decimal(to).ln()]


FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "abs": (0, 0, absolute),
    "ceiling": (0, 0, _mapped("ceiling", math.ceil)),
    "floor": (0, 0, _mapped("floor", math.floor)),
    "truncate": (0, 0, _mapped("truncate", math.trunc)),
    "exp": (0, 0, _mapped("exp", lambda v: Decimal(v).exp())),
    "ln": (0, 0, _mapped("ln", natural_logarithm)),
    "sqrt": (0, 0, _mapped("sqrt", lambda v: Decimal(v).sqrt())),
    "round": (0, 1, rounded),
    "power": (1, 1, power),
    "log": (1, 1, logarithm),
}
