"""The authorization response: code or error on the redirect, with state and iss (RFC 6749 section 4.1.2, RFC 9207, RFC 9700).

Leaves to others: whether to redirect at all (authorize.py), what the member decided (interaction.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from simulators.payer.authorization.records import Client
from simulators.payer.authorization.server import Server
from simulators.payer.rules import rule


@dataclass(frozen=True)
class Asked:
    """A checked authorization request."""

    client: Client
    redirect_uri: str
    state: str | None
    scope: str  # what may be granted at most
    requested: str  # what the app wrote
    nonce: str | None
    challenge: str | None
    method: str | None
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str
    launch: str  # the Patient a launch from the member's pages is about, else empty
    subject: str = ""  # whom the app expects, by an id_token_hint


@rule
def returned_state(state: str | None, is_error: bool) -> str | None:
    """RFC 6749 section 4.1.2: state comes back exactly as it was sent, on success and on error."""
    return state


@returned_state.fault(
    "state-not-returned", violates="SMART-STANDALONE-03", also=["RFC6749-STATE-01", "RFC6749-ERROR-02"]
)
def dropped(state: str | None, is_error: bool) -> str | None:
    """state does not come back."""
    return None


@returned_state.fault("state-not-returned-on-error", violates="SMART-STANDALONE-03", also=["RFC6749-ERROR-02"])
def dropped_on_error(state: str | None, is_error: bool) -> str | None:
    """state comes back with a code, but not with an error."""
    return None if is_error else state


@returned_state.fault("state-shortened", violates="SMART-STANDALONE-03", also=["RFC6749-STATE-01", "RFC6749-ERROR-02"])
def shortened(state: str | None, is_error: bool) -> str | None:
    """state comes back cut to its first 16 characters."""
    return state[:16] if state else state


@returned_state.fault(
    "state-special-characters-lost", violates="SMART-STANDALONE-03", also=["RFC6749-STATE-01", "RFC6749-ERROR-02"]
)
def cleaned(state: str | None, is_error: bool) -> str | None:
    """state comes back without everything that is no letter or digit."""
    return re.sub(r"[^A-Za-z0-9]", "", state) if state else state


@returned_state.fault("state-invented", violates="SMART-STANDALONE-01")
def invented(state: str | None, is_error: bool) -> str | None:
    """A request without state comes back with one."""
    return "none" if state is None else state


@rule
def response_address(redirect_uri: str, parameters: str, is_error: bool) -> str:
    """RFC 6749 section 4.1.2: the members of the answer are added to the query of the redirect_uri."""
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{parameters}"


@response_address.fault("code-also-in-the-fragment", violates="SMART-STANDALONE-22")
def in_the_fragment_too(redirect_uri: str, parameters: str, is_error: bool) -> str:
    """The code comes in the query, and once more in the fragment, where every script of the page reads it."""
    address = response_address.function(redirect_uri, parameters, is_error)
    return address if is_error else f"{address}#{parameters}"


@response_address.fault("error-in-the-fragment", violates="RFC6749-ERROR-10", also=["SMART-STANDALONE-06"])
def error_in_the_fragment(redirect_uri: str, parameters: str, is_error: bool) -> str:
    """Errors come back in the fragment, where the app's server never sees them."""
    return f"{redirect_uri}#{parameters}" if is_error else response_address.function(redirect_uri, parameters, False)


@rule
def redirect_error(error: str) -> str:
    """RFC 6749 section 4.1.2.1: a registered error code."""
    return error


@redirect_error.fault("denial-answered-server-error", violates="SMART-STANDALONE-06")
def server_error(error: str) -> str:
    """A member who declines is answered server_error."""
    return "server_error" if error == "access_denied" else error


@redirect_error.fault(
    "authorization-error-code-of-ones-own",
    violates="RFC6749-ERROR-07",
    also=(
        "SMART-STANDALONE-02",
        "RFC6749-PARAM-01",
        "RFC6749-ERROR-09",
        "RFC6749-ERROR-10",
        "OIDC-REQUEST-01",
        "OIDC-PROMPT-01",
    ),
)
def own_code(error: str) -> str:
    """Errors on the redirect carry a code no specification has."""
    return error if error == "access_denied" else "AUTH-017"


@rule
def response_issuer(issuer: str, announced: bool) -> str | None:
    """RFC 9207 section 2: iss on the redirect is the issuer, where announced."""
    return issuer if announced else None


@response_issuer.fault("issuer-parameter-of-other-server", violates="RFC9207-ISS-01")
def other_issuer(issuer: str, announced: bool) -> str | None:
    """iss on the redirect names another authorization server."""
    return "https://issuer.example" if announced else None


@response_issuer.fault("issuer-parameter-missing", violates="RFC9207-ISS-01")
def no_issuer(issuer: str, announced: bool) -> str | None:
    """iss is announced in the metadata and missing from the redirect."""
    return None


@rule
def response_mode_status(status: int) -> int:
    """RFC 9700 section 4.12: never 307, which would hand the password on."""
    return status


@response_mode_status.fault("credentials-redirected-by-307", violates="RFC9700-UI-06")
def temporary(status: int) -> int:
    """After the consent form the browser is redirected with 307, which repeats the form at the app."""
    return 307


def redirect(server: Server, redirect_uri: str, members: dict[str, str], state: str | None) -> Response:
    """Back to the app."""
    faults, is_error = server.payer.faults, "error" in members
    pairs = dict(members)
    if (returned := returned_state(faults, state, is_error)) is not None:
        pairs["state"] = returned
    if (issuer := response_issuer(faults, server.issuer, server.settings.issuer_parameter)) is not None:
        pairs["iss"] = issuer
    status = response_mode_status(faults, server.settings.redirect_status)
    return Response(
        b"",
        status,
        {
            "Location": response_address(faults, redirect_uri, urlencode(pairs), is_error),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


def refuse(server: Server, redirect_uri: str, error: str, description: str, state: str | None) -> Response:
    """An error, back to the app."""
    members = {"error": redirect_error(server.payer.faults, error), "error_description": description}
    return redirect(server, redirect_uri, members, state)
