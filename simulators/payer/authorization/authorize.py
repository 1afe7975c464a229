"""The authorization endpoint: a request from an app, checked before anyone signs in (RFC 6749 section 4.1.1, SMART, OIDC, RFC 9207).

A request whose client or redirect_uri cannot be trusted ends on a page; every other refusal goes back to the app with its state.
Leaves to others: signing in and consent (interaction.py), codes (codes.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import codes, interaction, parameters, prompting, scopes
from simulators.payer.authorization.answers import Asked, refuse
from simulators.payer.authorization.clients import client_is_served
from simulators.payer.authorization.errors import InvalidRequest, OAuthError, PageError
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Client
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.portals import rendering
from simulators.payer.rules import rule

LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:\d{1,5})?(/[^#]*)?")


@rule
def redirect_uri_matches(registered: Sequence[str], sent: str) -> bool:
    """RFC 9700 section 2.1: exact string comparison; for a loopback address any port (RFC 8252 section 7.3)."""
    if sent in registered:
        return True
    return any(_without_port(one) == _without_port(sent) is not None for one in registered)


def _without_port(uri: str) -> str | None:
    found = LOOPBACK.fullmatch(uri)
    return f"http://{found[1]}{found[3] or ''}" if found else None


@redirect_uri_matches.fault(
    "redirect-uri-compared-by-prefix", violates="RFC9700-REDIRECT-01", also=["SMART-STANDALONE-05"]
)
def by_prefix(registered: Sequence[str], sent: str) -> bool:
    """A redirect_uri that merely begins with a registered one is accepted."""
    return any(sent.startswith(one) for one in registered) or redirect_uri_matches.function(registered, sent)


@redirect_uri_matches.fault(
    "redirect-uri-compared-by-host", violates="RFC9700-REDIRECT-01", also=["SMART-STANDALONE-05"]
)
def by_host(registered: Sequence[str], sent: str) -> bool:
    """Any path on a registered host is accepted as redirect_uri."""
    return urlsplit(sent).hostname in {urlsplit(one).hostname for one in registered}


@redirect_uri_matches.fault("redirect-uri-query-ignored", violates="RFC9700-REDIRECT-01", also=["SMART-STANDALONE-05"])
def without_query(registered: Sequence[str], sent: str) -> bool:
    """A registered redirect_uri with a query added is accepted."""
    return redirect_uri_matches.function(registered, sent.partition("?")[0])


@redirect_uri_matches.fault("redirect-uri-case-ignored", violates="RFC9700-REDIRECT-01", also=["SMART-STANDALONE-05"])
def without_case(registered: Sequence[str], sent: str) -> bool:
    """A registered redirect_uri in other letters (upper, lower) is accepted."""
    return redirect_uri_matches.function([one.lower() for one in registered], sent.lower())


@redirect_uri_matches.fault(
    "redirect-uri-compared-by-suffix", violates="RFC9700-REDIRECT-01", also=["SMART-STANDALONE-05"]
)
def by_suffix(registered: Sequence[str], sent: str) -> bool:
    """A redirect_uri on a host that ends as a registered one does is accepted."""
    hosts = tuple(urlsplit(one).hostname or "-" for one in registered)
    return (urlsplit(sent).hostname or "").endswith(hosts) or redirect_uri_matches.function(registered, sent)


@redirect_uri_matches.fault(
    "any-redirect-uri-accepted", violates="SMART-STANDALONE-05", also=["RFC9700-REDIRECT-01", "RFC6749-ERROR-02"]
)
def anywhere(registered: Sequence[str], sent: str) -> bool:
    """Codes are sent to an address nobody registered."""
    return True


@rule
def may_redirect_error(client_known: bool, redirect_known: bool) -> bool:
    """RFC 6749 section 4.1.2.1: no redirect for a client or an address that cannot be trusted."""
    return client_known and redirect_known


@may_redirect_error.fault(
    "errors-redirected-to-unregistered-address",
    violates="RFC6749-ERROR-02",
    also=["RFC6749-ERROR-08", "RFC9700-REDIRECT-01", "RFC9700-REDIRECT-02", "HEALTHSHARE-2.1-REGISTERED"],
)
def open_redirector(client_known: bool, redirect_known: bool) -> bool:
    """A refused request is redirected to whatever address it names."""
    return True


@rule
def response_type_served(response_type: str | None) -> bool:
    """Code and nothing else; implicit is off (RFC 9700 section 2.1.2)."""
    return response_type == "code"


@response_type_served.fault("implicit-response-type-accepted", violates="RFC9700-GRANTS-01")
def implicit_too(response_type: str | None) -> bool:
    """response_type=token leads to login and consent instead of unsupported_response_type."""
    return response_type == "code" or "token" in (response_type or "").split()


@response_type_served.fault("unknown-response-type-accepted", violates="RFC6749-ERROR-07", also=["RFC6749-ERROR-02"])
def any_word(response_type: str | None) -> bool:
    """A response_type nobody knows is served as if it had asked for a code."""
    return bool(response_type) and "token" not in (response_type or "").split()


@response_type_served.fault("missing-response-type-accepted", violates="RFC6749-ERROR-07")
def none_needed(response_type: str | None) -> bool:
    """A request without response_type is served as if it had asked for a code."""
    return response_type in (None, "code")


@rule
def aud_is_ours(aud: str | None, base: str, required: bool) -> bool:
    """SMART: aud is the FHIR base address, with or without its last slash."""
    if aud is None:
        return not required
    return aud in (base, base + "/")


@aud_is_ours.fault("aud-of-other-server-accepted", violates="SMART-STANDALONE-02")
def any_aud(aud: str | None, base: str, required: bool) -> bool:
    """A request with the aud of another server is served."""
    return aud is not None or not required


@aud_is_ours.fault("aud-may-be-left-out", violates="SMART-STANDALONE-02", also=["SMART-STANDALONE-21"])
def no_aud(aud: str | None, base: str, required: bool) -> bool:
    """A request without aud is served."""
    return aud_is_ours.function(aud, base, False)


@aud_is_ours.fault("aud-compared-by-prefix", violates="SMART-STANDALONE-02")
def aud_prefix(aud: str | None, base: str, required: bool) -> bool:
    """An aud that merely begins with the FHIR base is served."""
    return (aud or "").startswith(base) or aud_is_ours.function(aud, base, required)


def check(server: Server, sent: Parameters) -> Asked | Response:
    """The request, checked; a redirect with the error where one may be sent; PageError where not."""
    faults, settings = server.payer.faults, server.settings
    client, redirect_uri = trusted(server, sent)
    state = sent.get("state")
    try:
        if repeated := parameters.repeated_parameters(faults, sent):
            raise OAuthError(f"{', '.join(sorted(repeated))} must not be repeated", error="invalid_request")
        if not response_type_served(faults, sent.get("response_type")):
            missing = sent.get("response_type") is None
            error = "invalid_request" if missing else "unsupported_response_type"
            raise OAuthError("response_type must be code", error=error)
        if "authorization_code" not in client.grant_types:
            raise OAuthError("this app is not registered for the authorization code flow", error="unauthorized_client")
        if request_object_refused(faults, "request" in sent.values or "request_uri" in sent.values):
            which = "request_not_supported" if "request" in sent.values else "request_uri_not_supported"
            raise OAuthError("request objects are not supported", error=which)
        if sent.get("response_mode") not in (None, "query"):
            raise OAuthError("response_mode must be query", error="invalid_request")
        if state is None and settings.state == "required":
            raise OAuthError("state is missing", error="invalid_request")
        if not aud_is_ours(faults, sent.get("aud"), server.fhir_base, settings.aud == "required"):
            raise OAuthError("aud must be the address of the FHIR server", error="invalid_request")
        if trouble := codes.challenge_trouble(
            faults, sent.get("code_challenge"), sent.get("code_challenge_method"), settings.pkce
        ):
            raise OAuthError(trouble, error="invalid_request")
        return _asked(server, client, redirect_uri, state, sent)
    except OAuthError as refused:
        return refuse(server, redirect_uri, refused.error, refused.description, state)


def trusted(server: Server, sent: Parameters) -> tuple[Client, str]:
    """The client and the address to redirect to, both known; PageError otherwise."""
    faults = server.payer.faults
    client = server.client(sent.get("client_id") or "") if "client_id" not in sent.repeated else None
    address = sent.get("redirect_uri") if "redirect_uri" not in sent.repeated else None
    if client is not None and address is None and len(client.redirect_uris) == 1 and "redirect_uri" not in sent.values:
        raise PageError("redirect_missing")
    known = client is not None and address is not None and redirect_uri_matches(faults, client.redirect_uris, address)
    if known and client is not None and address is not None:
        if not client_is_served(faults, client.status):
            raise PageError("client_not_served", 403)
        return client, address
    if address and re.match(r"https?://", address) and may_redirect_error(faults, client is not None, known):
        raise Astray(address, sent.get("state"))
    raise PageError("client_unknown" if client is None else "redirect_unknown")


class Astray(Exception):
    """An error goes where it should not; only a fault raises this."""

    def __init__(self, address: str, state: str | None) -> None:
        super().__init__(address)
        self.address, self.state = address, state


def _asked(server: Server, client: Client, redirect_uri: str, state: str | None, sent: Parameters) -> Asked:
    requested = sent.get("scope") or ""
    if requested and not scopes.well_formed(requested):
        raise OAuthError("scope is not a list of scope strings separated by single spaces", error="invalid_scope")
    granted = scopes.grantable(server.payer.faults, requested, client.scopes, server.payer.deployment)
    if not granted:
        raise OAuthError("none of the scopes asked for can be granted", error="invalid_scope")
    prompt = prompting.values_of(sent.get("prompt"))
    max_age = sent.get("max_age")
    if max_age is not None and not (max_age.isascii() and max_age.isdigit() and len(max_age) < 10):
        raise OAuthError("max_age must be a number of seconds", error="invalid_request")
    launch = launched_for(server, client, sent.get("launch")) if "launch" in granted else ""
    absent = server.settings.pkce == "absent"
    return Asked(
        client, redirect_uri, state, " ".join(granted), requested, sent.get("nonce"),
        None if absent else sent.get("code_challenge"), None if absent else sent.get("code_challenge_method"),
        prompt, int(max_age) if max_age is not None else None, (sent.get("login_hint") or "")[:100], launch,
        prompting.hinted_subject(server, sent.get("id_token_hint")),
    )  # fmt: skip


@rule
def authorize_methods(listed: Sequence[str]) -> tuple[str, ...]:
    """SMART 2.0: where authorize-post is listed, the authorization request may be a form."""
    return tuple(listed)


@authorize_methods.fault("authorization-by-post-refused", violates="SMART2-AUTHZ-POST-01")
def only_get(listed: Sequence[str]) -> tuple[str, ...]:
    """authorize-post is listed, and an authorization request by POST is answered 405."""
    return ("GET",)


@rule
def request_object_refused(sent: bool) -> bool:
    """OIDC Core section 6.1: a server without request objects says so; it does not read past them."""
    return sent


@request_object_refused.fault("request-object-ignored", violates="OIDC-REQUEST-01")
def read_past(sent: bool) -> bool:
    """A request object is ignored, although what it says may differ from the parameters beside it."""
    return False


@rule
def launch_is_for(client_id: str, launched: str) -> bool:
    """SMART EHR launch: a launch belongs to the app it was begun for."""
    return client_id == launched


def launched_for(server: Server, client: Client, launch: str | None) -> str:
    """The Patient a launch from the member's pages is about; invalid_request when it is none of this app's."""
    found = server.ledger.launch(launch or "", server.payer.clock.timestamp())
    if found is None or not launch_is_for(server.payer.faults, client.client_id, found["client_id"]):
        raise OAuthError("launch is missing, over, or another app's", error="invalid_request")
    return str(found["patient"])


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The authorization endpoint, by GET and, where listed, by form POST."""
    server = of(payer)
    methods = ["GET", "POST"] if server.settings.authorize_by_post else ["GET"]

    async def authorize(request: Request) -> Response:
        server.refresh()
        try:
            if request.method not in authorize_methods(payer.faults, methods):
                raise InvalidRequest("not by this method", status=405)
            if request.method == "POST":
                kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
                if kind != "application/x-www-form-urlencoded":
                    raise InvalidRequest("the body must be application/x-www-form-urlencoded")
                sent = parameters.parse(await parameters.body(request, payer.deployment.limits.largest_body_bytes))
            else:
                sent = parameters.parse(request.scope["query_string"])
            asked = check(server, sent)
        except PageError as refused:
            return rendering.page(payer, request, "error.html", refused.status, reason=refused.reason)
        except InvalidRequest as refused:
            return rendering.page(payer, request, "error.html", refused.status, reason="request_malformed")
        except Astray as astray:
            return refuse(server, astray.address, "unauthorized_client", "unknown client or address", astray.state)
        if isinstance(asked, Response):
            return asked
        return interaction.begin(server, request, asked)

    return [Route(payer.deployment.endpoints.authorize, authorize, methods=methods)]
