"""Parsers of the authorization server under any input: scopes, parameters, Basic headers, redirect addresses, assertions."""

from __future__ import annotations

import base64
import inspect
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulators.payer.authorization import assertions, authorize, clients, codes, consenting, parameters, scopes
from simulators.payer.authorization.errors import InvalidClient, InvalidRequest
from simulators.payer.deployment import load
from simulators.payer.onboarding import metadata
from simulators.payer.rules import RULES, load_catalog

NONE: frozenset[str] = frozenset()
LETTERS = some.sets(some.sampled_from("cruds"), min_size=1).map(
    lambda found: "".join(one for one in "cruds" if one in found)
)
TYPES = some.sampled_from(["*", "Patient", "Observation", "ExplanationOfBenefit"])
LEVELS = some.sampled_from(["patient", "user", "system"])
DATA = some.builds("{}/{}.{}".format, LEVELS, TYPES, LETTERS)


@given(some.text(max_size=60))
def test_any_text_is_a_data_scope_or_is_not(text: str) -> None:
    found = scopes.data_scope(text)
    assert found is None or found.text == text


@given(DATA, DATA)
def test_covering_is_a_partial_order(one: str, other: str) -> None:
    first, second = scopes.data_scope(one), scopes.data_scope(other)
    assert first is not None
    assert second is not None
    assert scopes.covers(first, first)
    if scopes.covers(first, second) and scopes.covers(second, first):
        assert (first.level, first.resource, first.permissions) == (second.level, second.resource, second.permissions)


@given(
    some.lists(
        DATA | some.sampled_from(["openid", "fhirUser", "launch/patient", "offline_access", "nonsense"]), max_size=8
    )
)
def test_nothing_is_granted_that_reaches_further_than_what_was_asked(asked: list[str]) -> None:
    deployment = load("reference")
    granted = scopes.grantable(NONE, " ".join(asked), deployment.authorization.scopes, deployment)
    wanted = [found for one in asked if (found := scopes.data_scope(one))]
    for one in granted:
        data = scopes.data_scope(one)
        assert one in asked if data is None else any(scopes.covers(each, data) for each in wanted)
        assert data is None or data.permissions <= frozenset("rs")


@given(some.sets(some.sampled_from(["claims", "clinical", "demographics"])))
def test_what_is_kept_back_is_in_no_scope_that_remains(refused: set[str]) -> None:
    deployment = load("reference")
    kept = scopes.scopes_after_choice(
        NONE, ["openid", "patient/*.rs", "patient/Coverage.read"], frozenset(refused), deployment.fhir.resource_types
    )
    hidden = {name for category in refused for name in scopes.CATEGORY_TYPES[category]}
    assert not {scope.resource for scope in scopes.parsed(" ".join(kept))} & (hidden | ({"*"} if hidden else set()))


@given(some.binary(max_size=300))
def test_any_bytes_are_parameters_or_invalid_request(raw: bytes) -> None:
    try:
        found = parameters.parse(raw)
    except InvalidRequest:
        return
    assert all(isinstance(value, str) for value in found.values.values())


@given(
    some.dictionaries(
        some.text("abcdef", min_size=1, max_size=9),
        some.text(max_size=40).filter(
            lambda text: not parameters.CONTROL_CHARACTERS.search(text) and max(text, default="a") < "\ud800"
        ),
        max_size=9,
    )
)
def test_parameters_come_back_as_they_were_sent(sent: dict[str, str]) -> None:
    assert dict(parameters.parse(urlencode(sent).encode()).values) == sent


@given(
    some.text(min_size=1, max_size=40).filter(lambda text: max(text) < "\ud800"),
    some.text(max_size=40).filter(lambda text: max(text, default="a") < "\ud800"),
)
def test_basic_credentials_come_back_as_they_were_sent(name: str, secret: str) -> None:
    header = "Basic " + base64.b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()
    assert clients.basic_credentials(header) == (name, secret)


@given(some.text(max_size=80))
def test_any_header_is_credentials_or_invalid_client(header: str) -> None:
    try:
        clients.basic_credentials(header)
    except InvalidClient:
        return


@given(some.text(max_size=200))
def test_any_text_is_an_assertion_or_invalid_client(text: str) -> None:
    try:
        header, claims = assertions.parts(text)
    except InvalidClient:
        return
    assert isinstance(header, dict)
    assert isinstance(claims, dict)


@given(some.text(max_size=80))
def test_an_address_matches_only_itself_or_its_own_port(sent: str) -> None:
    registered = ("https://app.example/callback", "http://127.0.0.1/callback")
    if authorize.redirect_uri_matches(NONE, registered, sent):
        assert sent in registered or (sent.startswith("http://127.0.0.1:") and sent.endswith("/callback"))


@given(some.text(max_size=80))
def test_no_address_is_registered_that_is_not_https_loopback_or_the_apps_scheme(sent: str) -> None:
    if metadata.redirect_uri_acceptable(NONE, sent):
        assert "#" not in sent
        assert sent.split(":", 1)[0].lower() not in ("javascript", "data", "file", "vbscript", "about", "blob")


@pytest.mark.parametrize(
    ("uri", "acceptable"),
    [
        ("https://app.example/cb", True), ("http://127.0.0.1:9/cb", True), ("http://[::1]/cb", True), ("com.example.app:/cb", True),
        ("https://app.example/cb?tenant=1", True), ("http://app.example/cb", False), ("https://app.example/*", False), ("app:/cb", False),
        ("https:///cb", False), ("https://app.example\\@evil.example/", False), ("https://app.example/ cb", False), ("", False),
    ],
)  # fmt: skip
def test_what_may_be_registered(uri: str, acceptable: bool) -> None:
    assert metadata.redirect_uri_acceptable(NONE, uri) is acceptable


@given(some.text(max_size=140))
def test_a_verifier_proves_its_own_challenge_only(verifier: str) -> None:
    challenge = codes.s256("a" * 43)
    assert codes.verifier_proves(NONE, challenge, verifier) is (verifier == "a" * 43)


def test_substance_use_is_never_ticked_beforehand() -> None:
    assert consenting.SUBSTANCE_USE not in consenting.ticked_beforehand(NONE, ("claims", consenting.SUBSTANCE_USE))


def test_every_fault_is_asked_as_its_rule_is() -> None:
    load_catalog()
    for rule in RULES.values():
        wanted = list(inspect.signature(rule.function).parameters)
        for fault in rule.faults.values():
            assert list(inspect.signature(fault.function).parameters) == wanted, fault.id
