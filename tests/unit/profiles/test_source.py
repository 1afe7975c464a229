"""JSON as it was sent: digits kept, flaws found with their place, never an exception."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles.source import parse


def rules(document: bytes | str) -> list[str]:
    return [problem.rule for problem in parse(document).problems]


def test_decimals_keep_their_digits():
    assert str(parse('{"value": 1.50}').tree["value"]) == "1.50"
    assert parse('{"value": 1e3}').tree["value"] == Decimal("1e3")


def test_a_property_sent_twice_is_found_with_its_place():
    source = parse('{"a": 1,\n "b": {"c": 1, "c": 2}}')
    assert [(p.rule, p.line, p.column) for p in source.problems] == [("duplicate-property", 2, 16)]
    assert source.tree == {"a": 1, "b": {"c": 2}}


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_json_does_not_have_are_refused(constant: str):
    source = parse('{"ok": "NaN",\n "value": ' + constant + "}")
    assert [(p.rule, p.line, p.fatal) for p in source.problems] == [("not-json", 2, True)]


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "nonsense", '{"a": 01}', '{"a": 1}}', "\x00"])
def test_what_is_not_json_is_told(text: str):
    assert rules(text) == ["not-json"]


def test_a_byte_order_mark_is_told_and_passed_over():
    source = parse(b'\xef\xbb\xbf{"a": 1}')
    assert source.tree == {"a": 1}
    assert [(p.rule, p.warning) for p in source.problems] == [("byte-order-mark", True)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_told_and_read(encoding: str):
    source = parse('{"a": "é"}'.encode(encoding))
    assert rules('{"a": "é"}'.encode(encoding))[0] == "not-utf-8"
    assert source.tree == {"a": "é"} or encoding == "utf-32"


def test_bytes_that_are_no_text_are_told_with_their_place():
    source = parse(b'{"a":\n "\xff"}')
    assert [(p.rule, p.line, p.column, p.fatal) for p in source.problems] == [("not-utf-8", 2, 3, True)]


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": "x\\uDFFFy"}', '{"a": "\ud800"}'])
def test_half_a_surrogate_pair_is_told(text: str):
    assert rules(text) == ["lone-surrogate"]


def test_a_whole_surrogate_pair_is_a_character():
    assert rules('{"a": "\\ud83d\\ude00"}') == []


def test_nesting_without_end_is_told():
    assert rules("[" * 10_000 + "]" * 10_000) == ["too-deep"]


def test_a_document_beyond_the_limit_is_not_read():
    source = parse(b'{"a": 1}', largest=4)
    assert [(p.rule, p.fatal) for p in source.problems] == [("document-too-large", True)]


def test_an_integer_of_thousands_of_digits_is_read():
    assert parse('{"a": ' + "9" * 5000 + "}").tree["a"] > 10**4000


def test_positions_are_those_of_the_text():
    source = parse('{\n  "name": [\n    {"family": "a"},\n    {"family": "b", "given": ["c"]}\n  ]\n}')
    assert source.position(["name", 1, "given", 0]) == (4, 31)
    assert source.position(["name", 1, "missing"]) == (4, 5)
    assert source.position([]) == (1, 1)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(document: bytes):
    source = parse(document)
    assert source.tree is not None or source.problems or document.strip() == b"null"


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(trees, st.sampled_from([None, 1, 2]))
def test_every_element_is_found_again_in_the_text(tree: object, indent: int | None):
    import json

    text = json.dumps(tree, indent=indent, ensure_ascii=False)
    source = parse(text)
    waiting: list[tuple[list[str | int], object]] = [([], tree)]
    while waiting:
        steps, value = waiting.pop()
        place = source.position(steps)
        assert place is not None
        offset = sum(len(line) + 1 for line in text.split("\n")[: place[0] - 1]) + place[1] - 1
        assert text[offset:].startswith(json.dumps(value, indent=indent, ensure_ascii=False)[:1])
        if isinstance(value, dict):
            waiting.extend(([*steps, key], held) for key, held in value.items())
        elif isinstance(value, list):
            waiting.extend(([*steps, index], held) for index, held in enumerate(value))
