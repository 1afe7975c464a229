"""Lines of a table and elements are the same thing written twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles.element_lines import (
    CORE,
    full_canonical,
    path_of,
    read_elements,
    short_canonical,
    slice_of,
    write_elements,
)
from suites.profiles.facts import Binding, Constraint, Element, Slicing, TypeRef
from suites.profiles.finding import base_guides

urls = st.sampled_from(["http://x.example/p", f"{CORE}Patient", "http://x.example/p|1.0", "urn:oid:1.2"])
types = st.builds(
    TypeRef,
    st.sampled_from(["string", "HumanName", "Reference", "Extension", "Quantity"]),
    st.lists(urls, max_size=2).map(tuple),
    st.lists(urls, max_size=2).map(tuple),
    st.lists(st.sampled_from(["contained", "bundled"]), max_size=1).map(tuple),
    st.none() | st.just("either"),
)
values = st.none() | st.tuples(st.sampled_from(["uri", "Coding"]), st.sampled_from(["a", {"code": "a"}, {}, False]))
constraints = st.builds(
    Constraint,
    st.sampled_from(["a-1", "a-2"]),
    st.sampled_from(["error", "warning"]),
    st.none() | st.text(max_size=5),
    st.none() | urls,
    st.booleans(),
)
IDS = (
    "Patient",
    "Patient.name",
    "Patient.name.family",
    "Patient.identifier",
    "Patient.identifier:a",
    "Patient.identifier:a.system",
    "Patient.identifier:a/b",
    "Patient.deceased[x]",
    "Patient.deceased[x]:deceasedBoolean",
    "Patient.extension:race",
    "Patient.extension:race.url",
    "Patient.unheardOf",
    "Patient.unheardOf.deeper",
)


ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "path": st.just("Patient.odd"),
    "slice_name": st.none() | st.just("other"),
    "min": st.integers(0, 3),
    "max": st.none() | st.integers(0, 3),
    "types": st.lists(types, max_size=2).map(tuple),
    "fixed": values,
    "pattern": values,
    "binding": st.none() | st.builds(Binding, st.just("required"), st.none() | urls, st.none() | urls),
    "min_value": values,
    "max_value": values,
    "max_length": st.none() | st.integers(0, 9),
    "must_support": st.booleans(),
    "modifier": st.booleans(),
    "is_summary": st.booleans(),
    "slicing": st.none() | st.builds(Slicing, st.just((("value", "url"),)), st.just("open"), st.booleans()),
    "content_reference": st.none() | st.just("#Patient.contact"),
    "constraints": st.lists(constraints, max_size=2).map(tuple),
    "representation": st.lists(st.just("xmlAttr"), max_size=1).map(tuple),
    "base": st.just((None, None, None))
    | st.tuples(st.just("HumanName.use"), st.integers(0, 1), st.none() | st.integers(0, 1)),
    "regex": st.none() | st.just("[a-z]"),
}
changes = st.lists(st.sampled_from(sorted(ATTRIBUTES)), unique=True, max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries({name: ATTRIBUTES[name] for name in chosen})
)


def element(element_id: str, changed: dict[str, Any]) -> Element:
    base_path, base_min, base_max = changed.get("base", (path_of(element_id), 0, None))
    start = Element(element_id, path_of(element_id), slice_of(element_id))
    attributes = {name: value for name, value in changed.items() if name != "base"}
    return replace(start, **attributes, base_path=base_path, base_min=base_min, base_max=base_max)


structures = st.dictionaries(st.sampled_from(IDS), changes, max_size=6).map(
    lambda chosen: tuple(element(i, chosen[i]) for i in sorted(chosen, key=IDS.index))
)


@given(structures, st.booleans())
def test_what_is_written_is_read_back(elements: tuple[Element, ...], on_base: bool) -> None:
    core = base_guides()[0]
    patient = core.structure(f"{CORE}Patient", core)
    assert patient is not None
    base, root = ({e.id: e for e in patient.elements}, "Patient") if on_base else ({}, None)
    names: dict[Constraint, str] = {}

    def name(constraint: Constraint) -> str:
        return names.setdefault(constraint, f"c{len(names)}")

    lines = orjson.loads(orjson.dumps(write_elements(elements, base, root, core.type_elements, name)))
    by_name = {n: c for c, n in names.items()}
    assert read_elements(lines, base, root, core.type_elements, by_name) == elements


def test_an_element_that_adds_nothing_is_its_id_alone() -> None:
    core = base_guides()[0]
    patient = core.structure(f"{CORE}Patient", core)
    assert patient is not None
    base = {e.id: e for e in patient.elements}
    lines = write_elements(patient.elements, base, "Patient", core.type_elements, lambda c: c.key)
    assert lines == [e.id for e in patient.elements]


@given(
    st.one_of(
        urls, st.text(max_size=20).map(lambda t: f"{CORE}{t}"), st.text("ab:/", max_size=8).map(lambda t: f"http://{t}")
    )
)
def test_canonicals_are_shortened_without_loss(url: str) -> None:
    assert full_canonical(short_canonical(url)) == url
