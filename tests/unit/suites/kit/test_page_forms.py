"""Forms as a browser without scripts submits them, found by simple selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.kit.page_forms import NotPlain, Page

HTML = """<html><head><title>Sign in</title><script>var x = "<form>";</script></head><body>
<form method="post" action="/go"><input type="hidden" name="csrf" value="t&amp;1">
<input name="user" id="u" value=""><input type="checkbox" name="scope" value="a" checked><input type="checkbox" name="scope" value="b">
<select name="days"><option value="1">one</option><option value="90" selected>ninety</option></select>
<textarea name="note">hello</textarea><button name="act" value="yes" class="big primary">Allow it</button>
<button name="act" value="no">Deny</button><input disabled name="off" value="x"></form>
<a href="/help">Get help</a></body></html>"""


def test_a_form_submits_its_successful_controls_in_order() -> None:
    page = Page(HTML)
    page.find("#u")[0].value = "anna"
    allow = page.find("button[value=yes]")[0]
    assert allow.form is not None
    assert allow.form.pairs(allow) == [
        ("csrf", "t&1"),
        ("user", "anna"),
        ("scope", "a"),
        ("days", "90"),
        ("note", "hello"),
        ("act", "yes"),
    ]


@pytest.mark.parametrize(
    ("selector", "count"),
    [
        ("input", 5),
        ("input[name=user]", 1),
        ("button.primary", 1),
        ("button.big.primary[name='act']", 1),
        ('input[type="checkbox"][value^=a]', 1),
        ("#u, a", 2),
        ('button:has-text("allow")', 1),
        ("text=Get help", 1),
        ("[checked]", 1),
        ("#nowhere", 0),
    ],
)
def test_simple_selectors(selector: str, count: int) -> None:
    assert len(Page(HTML).find(selector)) == count


@pytest.mark.parametrize("selector", ["form > input", "xpath=//input", "input:nth-child(2)"])
def test_what_needs_a_browser_says_so(selector: str) -> None:
    with pytest.raises(NotPlain):
        Page(HTML).find(selector)


def test_text_leaves_scripts_out() -> None:
    page = Page(HTML)
    assert "var x" not in page.text
    assert "Allow it" in page.text
    assert page.title == "Sign in"


@given(st.text(max_size=400))
def test_any_text_is_a_page(text: str) -> None:
    page = Page(text)
    assert isinstance(page.text, str)
    assert all(form.pairs() is not None for form in page.forms)
