"""Data in transit: USCORE-SEC-01, CONNEX-V.B.2, HIPAA-164.312-e (TLS 1.2 or later; NIST SP 800-52r2; RFC 9325).

A server on this machine over plain http is exempt: no network carries its data.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from suites.kit.http import Http, tls_context
from suites.kit.outcomes import (
    Inconclusive,
    NonConformance,
    TargetUnreachable,
    control,
    expect,
    findings,
    judged,
    not_applicable,
)
from suites.kit.target import Network, Target
from suites.protocol import urls

OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
NEW = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
SECONDS = 8.0
SOON = 14 * 86400  # a certificate that expires within two weeks is worth a note
MEMBERS = (
    "authorization_endpoint",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
)


@pytest.fixture(scope="module")
def places(target: Target, request: pytest.FixtureRequest) -> list[tuple[str, int]]:
    """Every host and port the payer's interfaces are at, over https; those of the target file alone where discovery cannot be read."""
    try:
        smart_configuration: dict[str, Any] = request.getfixturevalue("smart_configuration")
    except (Inconclusive, NonConformance):
        smart_configuration = {}
    named = [
        target.server.fhir_base,
        target.server.directory_base,
        target.server.formulary_base,
        target.server.portal_url,
    ]
    named += [str(smart_configuration[name]) for name in MEMBERS if name in smart_configuration]
    found = dict.fromkeys(
        (part.hostname or "", part.port or 443) for part in map(urlsplit, filter(None, named)) if part.scheme == "https"
    )
    if not found:
        reason = "every interface is on this machine over plain http; no network carries its data"
        if all(urls.is_loopback(url) for url in filter(None, named)):
            not_applicable(reason)
        expect(
            False,
            "the payer's interfaces must be served over https",
            found=", ".join(dict.fromkeys(filter(None, named))),
        )
    return list(found)


def shake_hands(place: tuple[str, int], context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS connection to a host and port."""
    try:
        plain = socket.create_connection(place, timeout=SECONDS)
    except OSError as wrong:
        raise TargetUnreachable(f"{place[0]}:{place[1]}: {wrong}") from None
    return context.wrap_socket(plain, server_hostname=place[0])


def only(version: ssl.TLSVersion, network: Network) -> ssl.SSLContext:
    """A context that speaks one version; certificates are judged elsewhere."""
    context = tls_context(network)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        if version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED if version < ssl.TLSVersion.TLSv1_2 else version
        context.maximum_version = version
    except (ValueError, ssl.SSLError) as wrong:
        raise Inconclusive(f"the TLS library of this machine cannot offer this version: {wrong}") from None
    return context


@pytest.mark.requirement("USCORE-SEC-01", "CONNEX-V.B.2", "HIPAA-164.312-e")
def test_interfaces_are_served_over_https(target: Target, smart_configuration: dict[str, Any]) -> None:
    """Every interface the target file or discovery names is an https address; plain http only on this machine."""
    server = target.server
    named = [url for url in (server.fhir_base, server.directory_base, server.formulary_base, server.portal_url) if url]
    named += [str(smart_configuration[name]) for name in MEMBERS if name in smart_configuration]
    judged(len(named), "address")
    if all(urls.is_loopback(url) for url in named) and not any(url.startswith("https") for url in named):
        not_applicable("every interface is on this machine over plain http; no network carries its data")
    with findings() as found:
        for url in named:
            found.check(urls.is_secure_or_loopback(url), "an interface must be served over https", found=url)


@pytest.mark.requirement("USCORE-SEC-01", "HIPAA-164.312-e")
@pytest.mark.parametrize("version", list(NEW))
def test_current_version_is_accepted(places: list[tuple[str, int]], target: Target, version: str) -> None:
    """TLS 1.2 or TLS 1.3 is accepted everywhere; a server may leave one of the two out."""
    refused: list[str] = []
    for place in places:
        try:
            shake_hands(place, only(NEW[version], target.network)).close()
        except (ssl.SSLError, ConnectionResetError) as wrong:
            refused.append(f"{place[0]}:{place[1]}: {wrong}")
    judged(len(places))
    if refused:
        other = next(one for one in NEW if one != version)
        for place in places:
            with contextlib.suppress(ssl.SSLError, ConnectionResetError):
                shake_hands(place, only(NEW[other], target.network)).close()
                continue
            expect(False, "TLS 1.2 or TLS 1.3 must be accepted", found="; ".join(refused))
        not_applicable(f"{version} is not offered, which {other} makes up for: {refused[0]}")


@pytest.mark.requirement("USCORE-SEC-01", "HIPAA-164.312-e")
@pytest.mark.parametrize("version", list(OLD))
def test_old_version_is_refused(places: list[tuple[str, int]], target: Target, version: str) -> None:
    """TLS below 1.2 is refused everywhere, where TLS 1.2 or later is accepted."""
    judged(len(places))
    for place in places:
        shake_hands(place, tls_context_unverified(target.network)).close()
        try:
            connection = shake_hands(place, only(OLD[version], target.network))
        except (ssl.SSLError, ConnectionResetError, OSError) as wrong:
            if "no protocols available" in str(wrong).lower() or (
                "unsupported protocol" in str(wrong).lower() and "alert" not in str(wrong).lower()
            ):
                raise Inconclusive(f"the TLS library of this machine cannot offer {version}: {wrong}") from None
            continue
        spoken = connection.version()
        connection.close()
        expect(False, f"{version} must be refused", found=f"{place[0]}:{place[1]} spoke {spoken}")


def tls_context_unverified(network: Network) -> ssl.SSLContext:
    """Any current version, any certificate."""
    context = tls_context(network)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.requirement("USCORE-SEC-01", "CONNEX-V.B.2")
def test_certificate_is_good(places: list[tuple[str, int]], target: Target) -> None:
    """Each certificate is trusted, names its host and has not expired."""
    judged(len(places))
    with findings() as found:
        for place in places:
            try:
                connection = shake_hands(place, tls_context(target.network))
            except ssl.SSLCertVerificationError as wrong:
                found.add("the certificate must be good", found=wrong.verify_message, path=f"{place[0]}:{place[1]}")
                continue
            except (ssl.SSLError, OSError) as wrong:
                raise Inconclusive(f"{place[0]}:{place[1]}: no TLS connection: {wrong}") from None
            certificate = connection.getpeercert() or {}
            connection.close()
            until = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 2100 GMT")))
            found.check(
                until > time.time() + SOON,
                "the certificate should not expire within two weeks",
                found=certificate.get("notAfter"),
                path=f"{place[0]}:{place[1]}",
            )


@pytest.mark.requirement("USCORE-SEC-01", "CONNEX-V.B.2")
def test_plain_http_serves_nothing(http: Http, target: Target, places: list[tuple[str, int]]) -> None:
    """The FHIR base over plain http on port 80 serves no data: no answer, a redirect to https, or a refusal."""
    parts = urlsplit(target.server.fhir_base)
    control((parts.hostname or "", parts.port or 443) in places, "the FHIR base is served over https")
    try:
        answer = http.get(f"http://{parts.hostname}{parts.path}/metadata", headers={"Accept": "application/fhir+json"})
    except TargetUnreachable:
        return
    location = answer.header("location")
    expect(
        answer.status >= 400 or (answer.status in (301, 302, 307, 308) and location.startswith("https://")),
        "plain http must serve nothing",
        expected="no answer, a redirect to https, or a refusal",
        found=f"status {answer.status}",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("CONNEX-V.B.2")
def test_strict_transport_security_is_sent(http: Http, target: Target, places: list[tuple[str, int]]) -> None:
    """Pages and interfaces over https tell browsers to stay there (RFC 6797)."""
    answer = http.get(urls.below(target.server.fhir_base, "metadata"))
    header = answer.header("strict-transport-security")
    age = next((part.strip()[8:] for part in header.lower().split(";") if part.strip().startswith("max-age=")), "0")
    expect(
        age.strip('"').isdigit() and int(age.strip('"')) > 0,
        "Strict-Transport-Security must be sent over https",
        found=header or "nothing",
        evidence=answer.evidence,
    )
