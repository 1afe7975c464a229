"""Where an authorization request ended: what came back, and where on the redirect it stood."""

from __future__ import annotations

import pytest

from suites.kit.landing import Landing

APP = "https://app.example/callback"


def landed(tail: str, redirected: bool = True) -> Landing:
    return Landing(
        APP + tail, redirected, ("w-1",), status=0 if redirected else 400, page="" if redirected else "No.  Not\nso."
    )


def test_parameters_are_those_of_the_query() -> None:
    landing = landed("?error=invalid_scope&state=a&state=b#error=access_denied")
    assert landing.values("state") == ["a", "b"]
    assert landing.value("error") == landing.error == "invalid_scope"
    assert landing.value("code") == ""


def test_an_error_in_the_fragment_is_an_error_in_the_wrong_place() -> None:
    landing = landed("#error=invalid_scope&state=a")
    assert landing.values("error") == []
    assert (landing.error, landing.wherever("state")) == ("invalid_scope", ["a"])


def test_a_page_of_the_server_brings_nothing_back() -> None:
    landing = landed("?error=invalid_scope#error=x", redirected=False)
    assert (landing.parameters, landing.error, landing.wherever("error")) == ((), "", [])
    assert landing.described == "a page with status 400: 'No. Not so.'"


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ("?code=secret&state=a", "a redirect with code=…, state=a"),
        ("", "a redirect with no parameters"),
        ("#error=x&state=a", "a redirect with error=x, state=a in the fragment"),
        ("#access_token=secret&id_token=secret", "a redirect with access_token=…, id_token=… in the fragment"),
        ("?state=a#access_token=secret", "a redirect with state=a"),
    ],
)
def test_what_is_told_of_it_has_no_secret(tail: str, said: str) -> None:
    assert landed(tail).described == said
