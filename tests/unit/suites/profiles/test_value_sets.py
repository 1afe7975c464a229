"""Value sets: what is in, what is out, and what cannot be known here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles import Validator
from suites.profiles.compiler.extents import Extent, extent_of, filtered
from suites.profiles.registry import Registry
from suites.profiles.terminology import CodeSystem, ValueSet
from tests.unit.suites.profiles.packages import CANONICAL, definition, write_package

PAINT = f"{CANONICAL}/CodeSystem/paint"
OTHER = "http://snomed.info/sct"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENT_ACCESS_CACHE", str(tmp_path / "cache"))


def paint() -> dict[str, Any]:
    def concept(code: str, *below: dict[str, Any], **properties: str) -> dict[str, Any]:
        stated = [{"code": name, "valueCode": value} for name, value in properties.items()]
        return {"code": code, "display": code.title(), "property": stated, "concept": list(below)}

    return definition(
        "CodeSystem",
        "paint",
        content="complete",
        caseSensitive=True,
        property=[{"code": "gloss", "type": "code"}],
        concept=[
            concept(
                "colour",
                concept("red", concept("crimson", gloss="high"), concept("rose", gloss="low")),
                concept("blue"),
            ),
            concept("varnish", gloss="high"),
        ],
    )


def value_set(name: str, *include: dict[str, Any], exclude: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    compose: dict[str, Any] = {"include": list(include)}
    if exclude:
        compose["exclude"] = list(exclude)
    return definition("ValueSet", name, compose=compose)


def compiled(tmp_path: Path, *sets: dict[str, Any]) -> Registry:
    return Registry([], [write_package(tmp_path, [paint(), *sets])])


def found(registry: Registry, name: str) -> ValueSet:
    held = registry.value_set(f"{CANONICAL}/ValueSet/{name}")
    assert held is not None
    return held


def asks(name: str, op: str, value: str) -> dict[str, Any]:
    return {"system": PAINT, "filter": [{"property": name, "op": op, "value": value}]}


@pytest.mark.parametrize(
    ("name", "op", "value", "inside"),
    [
        ("concept", "is-a", "red", {"red", "crimson", "rose"}),
        ("concept", "descendent-of", "red", {"crimson", "rose"}),
        ("concept", "is-not-a", "colour", {"varnish"}),
        ("concept", "generalizes", "rose", {"rose", "red", "colour"}),
        ("concept", "is-a", "unknown", set()),
        ("code", "regex", "r.*", {"red", "rose"}),
        ("concept", "in", "red,blue", {"red", "blue"}),
        ("concept", "not-in", "red,blue,colour,varnish,rose", {"crimson"}),
        ("gloss", "=", "high", {"crimson", "varnish"}),
        ("gloss", "exists", "true", {"crimson", "rose", "varnish"}),
        ("gloss", "exists", "false", {"colour", "red", "blue"}),
        ("parent", "=", "colour", {"red", "blue"}),
    ],
)
def test_filters_on_a_complete_code_system(tmp_path: Path, name: str, op: str, value: str, inside: set[str]) -> None:
    held = found(compiled(tmp_path, value_set("v", asks(name, op, value))), "v")
    assert held.complete
    assert set(held.codes(PAINT)) == inside
    for code in ("colour", "red", "crimson", "rose", "blue", "varnish"):
        assert held.contains(PAINT, code).member is (code in inside)
        assert held.contains(None, code).member is (code in inside)


def test_a_filter_nobody_can_answer_leaves_the_system_open(tmp_path: Path) -> None:
    registry = compiled(
        tmp_path, value_set("odd", asks("viscosity", "=", "high")), value_set("wild", asks("code", "regex", "(a+)+$"))
    )
    for name in ("odd", "wild"):
        membership = found(registry, name).contains(PAINT, "red")
        assert membership.member is None
        assert membership.lacking == (PAINT,)


def test_explicit_codes_of_an_absent_system_are_in_and_the_rest_is_out(tmp_path: Path) -> None:
    held = found(compiled(tmp_path, value_set("v", {"system": OTHER, "concept": [{"code": "1"}, {"code": "2"}]})), "v")
    assert held.complete
    assert held.contains(OTHER, "1").member is True
    assert held.contains(OTHER, "3").member is False
    assert held.contains(PAINT, "1").member is False


def test_all_of_an_absent_system_is_undecidable_and_other_systems_are_out(tmp_path: Path) -> None:
    held = found(compiled(tmp_path, value_set("v", {"system": OTHER}, {"system": PAINT})), "v")
    assert held.contains(OTHER, "1").lacking == (OTHER,)
    assert held.contains(PAINT, "red").member is True
    assert held.contains(PAINT, "mauve").member is False
    assert held.contains("http://elsewhere.example", "1").member is False
    assert held.contains(None, "mauve").member is None


def test_exclusion_and_import(tmp_path: Path) -> None:
    inner = f"{CANONICAL}/ValueSet/inner"
    registry = compiled(
        tmp_path,
        value_set("inner", {"system": PAINT, "concept": [{"code": "red"}, {"code": "blue"}]}, {"system": OTHER}),
        value_set(
            "outer",
            {"valueSet": [inner]},
            exclude=({"system": PAINT, "concept": [{"code": "blue"}]}, {"system": OTHER, "concept": [{"code": "9"}]}),
        ),
        value_set(
            "both",
            {"system": PAINT, "filter": [{"property": "concept", "op": "is-a", "value": "red"}], "valueSet": [inner]},
        ),
        value_set("lost", {"valueSet": ["http://nowhere.example/ValueSet/x"]}),
    )
    outer = found(registry, "outer")
    assert [outer.contains(PAINT, c).member for c in ("red", "blue")] == [True, False]
    assert outer.contains(OTHER, "8").member is None
    assert outer.contains(OTHER, "9").member is False
    assert set(found(registry, "both").codes(PAINT)) == {"red"}
    lost = found(registry, "lost").contains(PAINT, "red")
    assert (lost.member, lost.lacking) == (None, ("http://nowhere.example/ValueSet/x",))


def test_value_sets_that_import_each_other_end(tmp_path: Path) -> None:
    url = f"{CANONICAL}/ValueSet"
    registry = compiled(
        tmp_path,
        value_set("a", {"valueSet": [f"{url}/b"]}, {"system": PAINT, "concept": [{"code": "red"}]}),
        value_set("b", {"valueSet": [f"{url}/a"]}, {"system": PAINT, "concept": [{"code": "blue"}]}),
    )
    for name in ("a", "b"):
        assert set(found(registry, name).codes(PAINT)) == {"red", "blue"}


def test_codes_of_a_system_without_case_are_found_in_any_case() -> None:
    held = ValueSet("v", {"codes": {"s": ["Ab"]}, "caseInsensitive": ["s"]}, "g")
    assert held.contains("s", "aB").member is True
    system = CodeSystem("s", {"caseSensitive": False, "concepts": [["Ab", "A display"]]}, "g")
    assert system.has("aB")
    assert system.display("AB") == "A display"


codes = st.dictionaries(st.sampled_from("st"), st.sets(st.sampled_from("abc"), min_size=1), max_size=2)
extents = st.builds(
    Extent,
    codes,
    st.dictionaries(st.sampled_from("st"), st.sets(st.sampled_from("abc"), max_size=1), max_size=1),
    st.sets(st.just("v"), max_size=1),
)


def possible(extent: Extent, system: str, code: str) -> set[bool]:
    """Whether the code may be in, whatever the systems and value sets that are lacking hold."""
    if code in extent.codes.get(system, ()):
        return {True}
    if extent.missing or (system in extent.open and code not in extent.open[system]):
        return {True, False}
    return {False}


@given(extents, extents, st.sampled_from("st"), st.sampled_from("abc"))
def test_set_algebra_never_decides_more_than_is_known(first: Extent, second: Extent, system: str, code: str) -> None:
    one, two = possible(first, system, code), possible(second, system, code)
    union = Extent()
    union.add(first)
    union.add(second)
    assert possible(union, system, code) >= {a or b for a in one for b in two}
    assert possible(first.common(second), system, code) >= {a and b for a in one for b in two}
    assert possible(first.without(second), system, code) >= {a and not b for a in one for b in two}


def test_a_compose_of_nothing_holds_nothing() -> None:
    assert extent_of({}, lambda url: None, lambda url: None) == Extent()
    assert extent_of({"include": [{}]}, lambda url: None, lambda url: None) == Extent()


def test_an_unknown_operator_is_not_answered() -> None:
    assert filtered(CodeSystem("s", {"concepts": ["a"]}, "g"), "code", "resembles", "a") is None


def test_what_was_not_listed_code_by_code_is_told(tmp_path: Path) -> None:
    """A filter's pick, a whole system less some, and an intersection with one: the system of a bare code cannot be inferred from these."""
    reds = {"system": PAINT, "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}
    registry = compiled(
        tmp_path,
        value_set("listed", {"system": PAINT, "concept": [{"code": "red"}, {"code": "blue"}]}),
        value_set("whole", {"system": PAINT}),
        value_set("reds", reds),
        value_set("others", {"system": PAINT}, exclude=(reds,)),
        value_set("both", {"system": PAINT, "valueSet": [f"{CANONICAL}/ValueSet/listed"]}),
        value_set("again", {"valueSet": [f"{CANONICAL}/ValueSet/reds"]}),
    )
    told = {name for name in ("listed", "whole", "reds", "others", "both", "again") if found(registry, name).unlisted}
    assert told == {"reds", "others", "both", "again"}
    terminology = Validator(packages=[next(tmp_path.glob("*.tgz"))]).engine.terminology
    for name, inferred in (("listed", True), ("reds", False), ("others", False), ("both", False)):
        code = "blue" if name == "others" else "red"
        url = f"{CANONICAL}/ValueSet/{name}"
        assert terminology.coding_in(url, PAINT, code, None).member, name
        assert bool(terminology.coding_in(url, None, code, None).member) is inferred, name
        assert terminology.bare_in(url, code).member, name
