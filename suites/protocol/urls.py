"""URLs of SMART and OAuth: well-known places, authorization requests, redirects taken apart. Order and duplicates are kept."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

Pairs = tuple[tuple[str, str], ...]


def below(base: str, path: str) -> str:
    """A path below a base URL, whatever its trailing slash."""
    return base.rstrip("/") + "/" + path.lstrip("/")


def smart_configuration(fhir_base: str) -> str:
    """Where a FHIR base publishes its SMART metadata: appended to the base, path and all (SMART, conformance)."""
    return below(fhir_base, ".well-known/smart-configuration")


def openid_configuration(issuer: str) -> str:
    """Where an issuer publishes its OpenID metadata: appended to the issuer (OpenID Connect Discovery section 4)."""
    return below(issuer, ".well-known/openid-configuration")


def authorization_server_metadata(issuer: str) -> str:
    """Where an issuer publishes OAuth metadata: inserted before the path (RFC 8414 section 3)."""
    parts = urlsplit(issuer)
    return urlunsplit(
        (parts.scheme, parts.netloc, "/.well-known/oauth-authorization-server" + parts.path.rstrip("/"), "", "")
    )


def with_query(url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A URL with parameters added to whatever query it has (RFC 6749 section 3.1 keeps the endpoint's own query)."""
    parts = urlsplit(url)
    query = "&".join(piece for piece in (parts.query, urlencode(list(pairs), quote_via=quote)) if piece)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def query_pairs(url: str) -> Pairs:
    """The query parameters of a URL as sent, blanks and duplicates included."""
    return tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def fragment_pairs(url: str) -> Pairs:
    """The parameters in a URL's fragment, where implicit answers would travel."""
    return tuple(parse_qsl(urlsplit(url).fragment, keep_blank_values=True))


def origin(url: str) -> str:
    """Scheme, host and port of a URL (RFC 6454)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def goes_to(url: str, redirect_uri: str) -> bool:
    """Whether a URL is a redirect URI with answer parameters added: same scheme, host, port and path, own query kept."""
    got, registered = urlsplit(url), urlsplit(redirect_uri)
    same_place = (got.scheme, got.netloc.lower(), got.path or "/") == (
        registered.scheme,
        registered.netloc.lower(),
        registered.path or "/",
    )
    return same_place and set(query_pairs(redirect_uri)) <= set(query_pairs(url))


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine: 127.0.0.0/8, ::1 or localhost."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_absolute(url: object) -> bool:
    """Whether a value is an absolute http(s) URL with a host."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def is_secure_or_loopback(url: str) -> bool:
    """https, or http to this machine, which no network carries."""
    return is_absolute(url) and (urlsplit(url).scheme == "https" or is_loopback(url))
