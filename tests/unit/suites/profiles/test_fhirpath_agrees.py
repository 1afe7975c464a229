"""Our FHIRPath against another implementation (fhirpathpy) on the common core, and native invariants against their text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import fhirpathpy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from suites.profiles.fhirpath import Env, EvaluationError, Node, compile_expression
from suites.profiles.fhirpath.closures import criterion
from suites.profiles.fhirpath.errata import CORRECTED
from suites.profiles.fhirpath.native import INVARIANTS, recognised
from suites.profiles.fhirpath.syntax import parse

words = st.sampled_from(["a", "b", "ab", "abc", "x y"])
leaf = st.one_of(words, st.integers(-3, 9), st.booleans())
trees = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "p": words,
            "q": st.integers(-3, 9),
            "r": st.booleans(),
            "s": st.lists(words, min_size=1, max_size=3),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"p": words, "k": inner, "l": st.lists(inner, min_size=1, max_size=3)}
    ),
    max_leaves=8,
)

name = st.sampled_from(["p", "q", "r", "s", "k", "l", "k.p", "l.p", "l.s", "k.l.q", "s[0]", "l[1].q", "$this"])
text = words.map(lambda w: f"'{w}'")
number = st.integers(0, 9).map(str)
# Of one type each: the other implementation takes 0 for false and 1 for true, as Python does.
texts = st.one_of(
    text, st.sampled_from(["p", "s", "k.p", "l.p", "l.s", "(p | s)", "s.tail()", "l.s.first()", "p.upper()"])
)
numbers = st.one_of(number, st.sampled_from(["q", "k.q", "l.q", "s.count()", "p.length()", "(q + 1)", "l.q.last()"]))
booleans = st.sampled_from(["true", "false", "r", "k.r", "p.exists()", "(q > 2)", "s.empty()", "r.not()"])


def _functions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    plain = st.sampled_from(
        [
            "exists()",
            "empty()",
            "count()",
            "first()",
            "last()",
            "tail()",
            "distinct()",
            "isDistinct()",
            "skip(1)",
            "take(1)",
        ]
    )
    criteria = st.sampled_from(
        [
            "$this = 'a'",
            "p = 'b'",
            "q > 2",
            "r",
            "s.exists()",
            "p in ('a' | 'ab')",
            "k.empty()",
            "l.count() > 1",
            "r.not()",
        ]
    )
    one = st.sampled_from(["subsetOf", "supersetOf", "intersect", "exclude", "combine", "union"])
    return st.one_of(
        st.builds("{}.{}".format, name, plain),
        st.builds("({}).{}".format, inner, plain),
        st.builds("{}.{}({})".format, texts, one, texts),
        st.builds("{}.select({})".format, name, inner),
        st.builds("{}.where({}).{}".format, name, criteria, plain),
        st.builds("{}.{}({})".format, name, st.sampled_from(["where", "all", "exists"]), criteria),
        st.builds("iif({}.exists(), {}, {})".format, name, inner, inner),
        st.builds("({}).not()".format, inner),
        st.builds("p.{}({})".format, st.sampled_from(["startsWith", "endsWith", "contains", "indexOf"]), text),
        st.builds("p.{}()".format, st.sampled_from(["length", "upper", "lower", "toString"])),
        st.builds("q.{}()".format, st.sampled_from(["toString", "abs", "toDecimal"])),
    )


def _operators(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    logic = st.sampled_from(["and", "or", "xor", "implies"])
    return st.one_of(
        *(
            st.builds("{} {} {}".format, side, st.sampled_from(["=", "!="]), side)
            for side in (texts, numbers, booleans)
        ),
        st.builds("({}.exists()) {} ({}.exists())".format, name, logic, name),
        st.builds("(r) {} ({}.empty())".format, logic, name),
        st.builds("q {} {}".format, st.sampled_from(["<", ">", "<=", ">=", "+", "-", "*", "div", "mod"]), number),
        st.builds("{} in {}".format, text, name),
        st.builds("s contains {}".format, text),
        st.builds("p & {}".format, text),
    )


expressions = st.recursive(
    st.one_of(name, text, number, st.sampled_from(["true", "false", "{}"])),
    lambda inner: st.one_of(_functions(inner), _operators(inner)),
    max_leaves=5,
)


def comparable(value: Any) -> Any:
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, float, Decimal)):
        return ("number", Decimal(str(value)).normalize())
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    return value


@settings(max_examples=300, deadline=None)
@given(trees, expressions)
def test_the_common_core_gives_what_fhirpathpy_gives(tree: dict[str, Any], expression: str) -> None:
    try:
        theirs = fhirpathpy.evaluate(tree, expression, {})
    except Exception:
        assume(False)
    try:
        ours = compile_expression(expression)(tree, Env(tree))
    except EvaluationError:
        assume(False)
    assert comparable(ours) == comparable(theirs), expression


strings = st.sampled_from(["#", "#a", "#b", "a", "b", "Patient/1", "x"])
extensions = st.fixed_dictionaries(
    {},
    optional={
        "url": strings,
        "valueString": words,
        "extension": st.lists(st.fixed_dictionaries({"url": strings}), min_size=1, max_size=2),
        "id": words,
    },
)
contained = st.fixed_dictionaries(
    {"resourceType": st.just("Organization")},
    optional={
        "id": st.sampled_from(["a", "b"]),
        "meta": st.fixed_dictionaries(
            {},
            optional={
                "versionId": words,
                "lastUpdated": words,
                "security": st.lists(st.just({"code": "R"}), min_size=1, max_size=1),
            },
        ),
        "partOf": st.fixed_dictionaries({"reference": strings}),
        "contained": st.lists(st.just({"resourceType": "Patient"}), min_size=1, max_size=1),
    },
)
resources = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "contained": st.lists(contained, min_size=1, max_size=2),
        "managingOrganization": st.fixed_dictionaries({}, optional={"reference": strings, "display": words}),
        "link": st.lists(
            st.fixed_dictionaries({"other": st.fixed_dictionaries({"reference": strings})}), min_size=1, max_size=2
        ),
    },
)


def by_text(expression: str, this: Any, env: Env) -> bool:
    return criterion(parse(expression))(this, env) is True


def native(expression: str, this: Any, env: Env) -> bool:
    function = recognised(expression)
    assert function is not None
    return function(this, env) is True


ELE_1 = "hasValue() or (children().count() > id.count())"
EXT_1 = "extension.exists() != value.exists()"
OF_RESOURCES = [text for text, _ in INVARIANTS if text.startswith("contained")]
REF_1 = next(text for text in CORRECTED.values() if "%rootResource" in text)


@given(st.one_of(extensions, words, st.builds(lambda e: Node(None, None, e), extensions)))
def test_ele_1_is_its_text(item: Any) -> None:
    assert native(ELE_1, item, Env(item)) is by_text(ELE_1, item, Env(item))


@given(extensions)
def test_ext_1_is_its_text(item: dict[str, Any]) -> None:
    assert native(EXT_1, item, Env(item)) is by_text(EXT_1, item, Env(item))


@given(resources)
def test_invariants_of_contained_resources_are_their_texts(resource: dict[str, Any]) -> None:
    assert len(OF_RESOURCES) == 4
    for text in OF_RESOURCES:
        assert native(text, resource, Env(resource)) is by_text(text, resource, Env(resource)), text


@given(resources)
def test_ref_1_is_its_text(resource: dict[str, Any]) -> None:
    reference = resource.get("managingOrganization", {})
    assert native(REF_1, reference, Env(resource)) is by_text(REF_1, reference, Env(resource))
