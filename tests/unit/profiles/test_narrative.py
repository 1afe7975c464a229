"""Narrative.div: well-formed XHTML of the allowed elements and attributes (FHIR R4 narrative.html)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles.engine.narrative import complaints

OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


def rules(div: str) -> list[str]:
    return [rule for rule, _ in complaints(div)]


@pytest.mark.parametrize(
    "inside",
    [
        "text",
        "<p>a<br/>b</p>",
        '<table class="grid"><tr><td colspan="2">a &amp; b &#169;</td></tr></table>',
        '<a href="http://a.example" title="x">a</a>',
        '<img src="#a" alt="b"/>',
        '<p lang="en" xml:lang="en">é</p>',
    ],
)
def test_good_narratives_pass(inside: str):
    assert rules(f"{OPEN}{inside}</div>") == []


@pytest.mark.parametrize(
    ("div", "rule"),
    [
        (f"{OPEN}<script>1</script></div>", "xhtml-element"),
        (f"{OPEN}a<form></form></div>", "xhtml-element"),
        (f'{OPEN}<p onclick="x">a</p></div>', "xhtml-attribute"),
        (f"{OPEN}unclosed <b></div>", "xhtml-malformed"),
        (f"{OPEN}a</div>b", "xhtml-malformed"),
        (f"{OPEN}a &nbsp; b</div>", "xhtml-entity"),
        ("<div>a</div>", "xhtml-namespace"),
        ("<p>a</p>", "txt-1"),
        (f"{OPEN}</div>", "txt-2"),
        (f"{OPEN} <p> &#160; </p></div>", "txt-2"),
        (f"{OPEN}<?php a ?>b</div>", "xhtml-malformed"),
        ("", "xhtml-malformed"),
    ],
)
def test_bad_narratives_are_told(div: str, rule: str):
    assert rules(div)[:1] == [rule]


def test_entities_that_grow_without_end_are_not_expanded():
    bomb = '<!DOCTYPE div [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + OPEN + "&b;</div>"
    assert rules(bomb) == ["xhtml-malformed"]


@given(st.text(max_size=60))
def test_no_text_makes_it_raise(text: str):
    assert rules(OPEN + text + "</div>") is not None
