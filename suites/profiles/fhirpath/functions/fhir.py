"""What FHIR adds to FHIRPath (FHIR R4 fhirpath.html#functions)."""

from __future__ import annotations

from suites.profiles.fhirpath.environment import Env, Function, Items, one
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.functions.text import string
from suites.profiles.fhirpath.values import collect, plain


def extension(items: Items, env: Env, url: Items) -> Items:
    wanted = string(url, "extension")
    found: Items = []
    for item in items:
        collect(item, "extension", found)
    return [e for e in found if e.__class__ is dict and e.get("url") == wanted]


def has_value(items: Items, env: Env) -> Items:
    if len(items) != 1:
        return [False]
    value = plain(items[0])
    return [value is not None and value.__class__ is not dict]


def get_value(items: Items, env: Env) -> Items:
    return [plain(items[0])] if has_value(items, env)[0] else []


def resolve(items: Items, env: Env) -> Items:
    found = []
    for item in items:
        value = plain(item)
        reference = value.get("reference") if value.__class__ is dict else value
        if reference.__class__ is str:
            target = env.host.resolve(reference, env)
            if target is not None:
                found.append(target)
    return found


def member_of(items: Items, env: Env, value_set: Items) -> Items:
    value, url = one(items, "memberOf()"), string(value_set, "memberOf")
    if value is None or url is None:
        return []
    decided = env.host.member_of(plain(value), url)
    return [env.undecided(url) if decided is None else decided]


def conforms_to(items: Items, env: Env, profile: Items) -> Items:
    value, url = one(items, "conformsTo()"), string(profile, "conformsTo")
    if value is None or url is None:
        return []
    decided = env.host.conforms_to(plain(value), url)
    return [env.undecided(url) if decided is None else decided]


def html_checks(items: Items, env: Env) -> Items:
    value = plain(one(items, "htmlChecks()"))
    if value is None:
        return []
    if value.__class__ is dict:
        value = value.get("div")
    return [value.__class__ is str and env.host.html_checks(value)]


def subsumes(items: Items, env: Env, other: Items) -> Items:
    """Decided for equal codes only: anything else asks a terminology server."""
    mine, theirs = plain(one(items, "subsumes()")), plain(one(other, "subsumes()"))
    if mine is None or theirs is None:
        return []
    if mine == theirs:
        return [True]
    system = mine.get("system", "") if mine.__class__ is dict else ""
    return [env.undecided(str(system))]


def check_modifiers(items: Items, env: Env, *known: Items) -> Items:
    allowed = {string(k, "checkModifiers") for k in known}
    found: Items = []
    for item in items:
        collect(item, "modifierExtension", found)
    unknown = [e.get("url") for e in found if e.__class__ is dict and e.get("url") not in allowed]
    if unknown:
        raise EvaluationError(f"modifier extension {unknown[0]} is not among those allowed")
    return items


FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "extension": (1, 1, extension),
    "hasValue": (0, 0, has_value),
    "getValue": (0, 0, get_value),
    "resolve": (0, 0, resolve),
    "memberOf": (1, 1, member_of),
    "conformsTo": (1, 1, conforms_to),
    "htmlChecks": (0, 0, html_checks),
    "htmlChecks1": (0, 0, html_checks),
    "htmlChecks2": (0, 0, html_checks),
    "subsumes": (1, 1, subsumes),
    "subsumedBy": (1, 1, subsumes),
    "checkModifiers": (0, 20, check_modifiers),
}
