"""Redirect URIs are compared exactly: RFC9700-REDIRECT-*, SMART-STANDALONE-05, RFC6749-ERROR-08 (vectors/redirect_uri.toml)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from suites.kit import vectors
from suites.kit.app import App
from suites.kit.landing import Landing
from suites.kit.outcomes import control, expect
from suites.kit.target import Member
from suites.protocol import urls

_, VECTORS = vectors.load(Path(__file__).parent / "vectors" / "redirect_uri.toml")
REFUSED = [one for one in VECTORS if one.want != "granted"]


def variant(uri: str, template: str) -> str:
    """A redirect URI made from the parts of the registered one."""
    parts = urlsplit(uri)
    path = parts.path or "/"
    port = (parts.port or (443 if parts.scheme == "https" else 80)) + 1
    last = path[-1]
    return template.format(
        uri=uri.rstrip("/"),
        origin=urls.origin(uri),
        scheme=parts.scheme,
        other_scheme="http" if parts.scheme == "https" else "https",
        host=parts.netloc,
        host_name=parts.hostname or "",
        path=path,
        path_upper=path.upper(),
        path_encoded=path[:-1] + f"%{ord(last):02X}",
        other_port=port,
    )


def expect_not_redirected(landing: Landing, sent: str) -> None:
    """Nothing goes to an address that is not registered: neither a code nor an error."""
    expect(
        not landing.redirected,
        "the browser must not be sent to an unregistered redirect_uri",
        expected="a page of the server that says so",
        found=f"{landing.described} to {landing.url.partition('?')[0]}",
        evidence=landing.evidence[-1],
    )
    expect(
        400 <= landing.status < 500,
        "an unregistered redirect_uri must be refused by the server, on a page with an error status",
        expected="status 400, or another 4xx",
        found=landing.described,
        path=sent,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("RFC9700-REDIRECT-01", "SMART-STANDALONE-05")
@pytest.mark.parametrize("vector", REFUSED, ids=[one.id for one in REFUSED])
def test_unregistered_redirect_uri_is_refused(app: App, member: Member, vector: vectors.Vector) -> None:
    """A redirect_uri that differs in one thing from the registered one is refused on a page, never redirected to."""
    registered = app.client.redirect_uri
    sent = variant(registered, vector.sends)
    control(sent != registered, "the spoiled URI differs from the registered one", sent)
    good = app.authorize(member)
    control(
        good.landing.redirected and good.landing.value("code"),
        "the registered redirect_uri is granted",
        good.landing.described,
    )
    landing = app.authorize(member, may_refuse=True, redirect_uri=sent).landing
    if vector.id == "other-port" and urls.is_loopback(registered) and landing.redirected:
        return  # RFC 8252 section 7.3 allows an app on the member's machine any port.
    expect_not_redirected(landing, sent)


@pytest.mark.requirement("RFC6749-ERROR-08", "RFC6749-ERROR-02")
def test_missing_redirect_uri_is_not_redirected(app: App, member: Member) -> None:
    """A request without redirect_uri is refused on a page, or answered at the one registered address (RFC 6749 section 3.1.2.3)."""
    landing = app.authorize(member, may_refuse=True, drop=["redirect_uri"]).landing
    expect(
        not landing.redirected or landing.url.startswith(app.client.redirect_uri),
        "without redirect_uri nothing may go to an address that is not registered",
        expected=f"a page, or {app.client.redirect_uri}",
        found=landing.url.partition("?")[0],
        evidence=landing.evidence[-1],
    )
    expect(
        landing.redirected or 400 <= landing.status < 500,
        "without redirect_uri the request is refused with an error status, or answered where the client is registered",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("RFC9700-REDIRECT-02", "RFC6749-ERROR-02")
def test_errors_are_not_sent_to_unregistered_addresses(app: App, member: Member) -> None:
    """A request wrong in two ways, one of them the redirect_uri, is not redirected: that would be an open redirector."""
    landing = app.authorize(
        member,
        may_refuse=True,
        redirect_uri="https://attacker.example/collect",
        change={"response_type": "nonsense", "scope": "nonsense"},
    ).landing
    expect_not_redirected(landing, "https://attacker.example/collect")
    control(app.authorize(member).landing.value("code"), "the registered redirect_uri is granted")


@pytest.mark.requirement("RFC6749-ERROR-08", "RFC6749-ERROR-02")
def test_unknown_client_is_not_redirected(app: App, member: Member) -> None:
    """An unknown client_id is answered on a page of the server, never by a redirect."""
    control(app.authorize(member).landing.value("code"), "the known client is granted")
    landing = app.authorize(member, may_refuse=True, change={"client_id": "nobody-registered-this"}).landing
    expect_not_redirected(landing, app.client.redirect_uri)


@pytest.mark.requirement("RFC6749-ERROR-08", "RFC6749-ERROR-02")
def test_missing_client_is_not_redirected(app: App, member: Member) -> None:
    """A request without client_id is answered on a page of the server, never by a redirect."""
    landing = app.authorize(member, may_refuse=True, drop=["client_id"]).landing
    expect_not_redirected(landing, app.client.redirect_uri)
    control(app.authorize(member).landing.value("code"), "the same request with client_id is granted")


@pytest.mark.requirement("RFC9700-REDIRECT-01")
def test_redirect_uri_of_another_client_is_refused(app: App, another_app: App, member: Member) -> None:
    """The redirect URI another client registered is not this client's."""
    foreign = another_app.client.redirect_uri
    if foreign == app.client.redirect_uri:
        foreign = urls.with_query(foreign, [("of", "another-client")])
    landing = app.authorize(member, may_refuse=True, redirect_uri=foreign).landing
    control(app.authorize(member).landing.value("code"), "its own redirect_uri is granted")
    if (
        urls.is_loopback(foreign)
        and landing.redirected
        and urlsplit(foreign)._replace(netloc="") == urlsplit(app.client.redirect_uri)._replace(netloc="")
    ):
        return  # RFC 8252 section 7.3: only the port differs.
    expect_not_redirected(landing, foreign)
