"""The public documentation of the API, made from the deployment so that it cannot lie (42 CFR 431.60(d)): a page and its machine-readable twin.

What (d)(1) to (d)(3) name is here: syntax, parameters with their types, what comes back, exceptions and what they return, components and
configuration an app needs, and how an app registers. Open to anyone. Leaves to others: registration itself (developer.py).
"""

from __future__ import annotations

from typing import Any

from simulators.payer.authorization import discovery
from simulators.payer.authorization.server import Server
from simulators.payer.deployment import Deployment
from simulators.payer.fhir.bases import bases_of
from simulators.payer.onboarding.documented import AUTHORIZE, FHIR_ERRORS, FIELDS, OAUTH_ERRORS, TOKEN, TOKEN_RESPONSE
from simulators.payer.rules import rule


@rule
def sections(deployment: Deployment) -> tuple[str, ...]:
    """42 CFR 431.60(d)(1)-(3): what public documentation must state."""
    return (
        "endpoints",
        "authorization",
        "parameters",
        "returns",
        "exceptions",
        "components",
        "registration",
        "guides",
        "limits",
        "support",
    )


def _without(deployment: Deployment, *names: str) -> tuple[str, ...]:
    return tuple(one for one in sections.function(deployment) if one not in names)


@sections.fault("documentation-without-exceptions", violates="CMS9115-431.60-d1-EXCEPTIONS")
def no_exceptions(deployment: Deployment) -> tuple[str, ...]:
    """The documentation says nothing of errors and what they return."""
    return _without(deployment, "exceptions")


@sections.fault("documentation-without-parameters", violates="CMS9115-431.60-d1-PARAMS")
def no_parameters(deployment: Deployment) -> tuple[str, ...]:
    """The documentation lists no parameters and no data types."""
    return _without(deployment, "parameters")


@sections.fault("documentation-without-returns", violates="CMS9115-431.60-d1-RETURNS")
def no_returns(deployment: Deployment) -> tuple[str, ...]:
    """The documentation does not say what comes back."""
    return _without(deployment, "returns")


@sections.fault("documentation-without-components", violates="CMS9115-431.60-d2")
def no_components(deployment: Deployment) -> tuple[str, ...]:
    """The documentation does not say what software and configuration an app needs."""
    return _without(deployment, "components")


@sections.fault("documentation-without-registration", violates="CMS9115-431.60-d3")
def no_registration(deployment: Deployment) -> tuple[str, ...]:
    """The documentation does not say how an app registers."""
    return _without(deployment, "registration")


@sections.fault("documentation-without-guides", violates="SHM-DOC-PROFILES-01")
def no_guides(deployment: Deployment) -> tuple[str, ...]:
    """The documentation names no implementation guides and versions."""
    return _without(deployment, "guides")


@sections.fault("documentation-without-endpoints", violates="CMS9115-431.60-d1-SYNTAX")
def no_endpoints(deployment: Deployment) -> tuple[str, ...]:
    """The documentation does not give the addresses and functions of the API."""
    return _without(deployment, "endpoints")


@rule
def documentation_is_open() -> bool:
    """42 CFR 431.60(d): open to anyone: no account, no fee, no e-mail for a copy."""
    return True


@documentation_is_open.fault(
    "documentation-behind-login", violates="CMS9115-431.60-d-PUBLIC", also=["SHM-DOC-PUBLIC-01"]
)
def needs_account() -> bool:
    """The documentation opens only to developers with an account."""
    return False


@rule
def documented_endpoint(name: str, address: str) -> str:
    """An address in the documentation is the one the server answers at."""
    return address


@documented_endpoint.fault("documentation-names-other-token-endpoint", violates="CMS9115-431.60-d1-SYNTAX")
def outdated(name: str, address: str) -> str:
    """The documentation names a token endpoint that is not there."""
    return address + "/v1" if name == "token" else address


@rule
def address_of_data(home: str) -> str:
    """Links of the documentation lead where they say."""
    return f"{home}/api.json"


@address_of_data.fault("documentation-links-lead-nowhere", violates="BELITSOFT-STEP-2-LINKS")
def moved(home: str) -> str:
    """The documentation links to a machine-readable form that is not there."""
    return f"{home}/v1/api.json"


@rule
def part2_notice(acknowledged: bool) -> bool:
    """Developers are told that data may be protected by 42 CFR Part 2."""
    return acknowledged


@part2_notice.fault("developers-not-told-of-part-2", violates="SHM-PART2-NOTICE-01")
def untold(acknowledged: bool) -> bool:
    """The documentation and the registration form do not mention 42 CFR Part 2."""
    return False


def document(server: Server) -> dict[str, Any]:
    """Everything the page says, by section."""
    payer = server.payer
    deployment, faults = payer.deployment, payer.faults
    makers = {
        "endpoints": _endpoints, "authorization": _authorization, "parameters": _parameters, "returns": _returns,
        "exceptions": _exceptions, "components": _components, "registration": _registration, "guides": _guides,
        "limits": _limits, "support": _support,
    }  # fmt: skip
    found: dict[str, Any] = {
        "title": f"Patient Access API of {deployment.payer.name}",
        "fhir_version": "4.0.1",
        "payer_type": deployment.payer.type,
        "as_data": address_of_data(faults, server.endpoint("documentation")),
    }
    found.update({name: makers[name](server) for name in sections(faults, deployment)})
    if part2_notice(faults, deployment.onboarding.part2_acknowledgement):
        found["part2_notice"] = (
            "Data of this API may include records protected by 42 CFR Part 2. 42 CFR part 2 prohibits unauthorized use or disclosure of "
            "these records. By registering an app you acknowledge this notice."
        )
    return found


def _endpoints(server: Server) -> list[dict[str, str]]:
    payer = server.payer
    named = [
        ("fhir", "GET, POST (search)", "members' data; needs an access token"),
        ("directory", "GET", "provider directory; open, no token"),
        ("formulary", "GET", "drug formulary; open, no token"),
        (
            "authorize",
            "GET, POST" if server.settings.authorize_by_post else "GET",
            "authorization: sign-in and consent in the browser",
        ),
        ("token", "POST", "tokens"),
        ("introspect", "POST", "whether a token is active; confidential clients"),
        ("revoke", "POST", "give a token back"),
        ("userinfo", "GET, POST", "who signed in"),
        ("register", "POST", "dynamic registration"),
        ("jwks", "GET", "public keys that sign id_tokens"),
    ]
    offered = {"register": payer.deployment.onboarding.dynamic}
    found = [
        {
            "name": name,
            "method": method,
            "address": documented_endpoint(payer.faults, name, server.endpoint(name)),
            "purpose": purpose,
        }
        for name, method, purpose in named
        if server.endpoint(name) and offered.get(name, True)
    ]
    base = server.fhir_base
    found.append(
        {
            "name": "smart-configuration",
            "method": "GET",
            "address": base + discovery.WELL_KNOWN_SMART,
            "purpose": "discovery",
        }
    )
    found.append({"name": "metadata", "method": "GET", "address": f"{base}/metadata", "purpose": "CapabilityStatement"})
    return found


def _authorization(server: Server) -> dict[str, Any]:
    settings = server.settings
    words = {"state": settings.state, "aud": settings.aud, "pkce": settings.pkce}
    return {
        "smart_app_launch": settings.smart,
        "grants": list(settings.grants),
        "client_authentication": [
            *discovery.token_auth_methods(server),
            *(["none (public apps)"] if "public" in settings.client_types else []),
        ],
        "scopes": [*settings.scopes, *(one.scope for one in settings.sensitive_scopes)],
        "access_token_seconds": settings.access_minutes * 60,
        "refresh_token_days": settings.refresh_days,
        "request": [
            {"name": name, "use": words.get(use, use), "type": kind, "meaning": meaning}
            for name, use, kind, meaning in AUTHORIZE
            if not (use == "pkce" and settings.pkce == "absent")
        ],
        "token_request": [
            {"name": name, "use": use, "type": kind, "meaning": meaning} for name, use, kind, meaning in TOKEN
        ],
    }


def _parameters(server: Server) -> list[dict[str, Any]]:
    found = []
    for base in bases_of(server.payer.deployment, server.payer.public_url):
        for type_name in sorted(base.types):
            known = base.catalog.of(type_name)
            found.append(
                {
                    "base": base.name, "resource": type_name, "interactions": ["read", "search-type"],
                    "parameters": [{"name": name, "type": known[name].kind} for name in sorted(known)],
                }
            )  # fmt: skip
    return found


def _returns(server: Server) -> dict[str, Any]:
    optional = {"expires_in"} if not server.settings.optional_members else set()
    return {
        "read": {
            "content_type": "application/fhir+json",
            "body": "the resource, of the type asked for, with meta.lastUpdated and meta.profile",
        },
        "search": {
            "content_type": "application/fhir+json",
            "body": "Bundle of type searchset: total (integer), link (self, next), entry (fullUrl, resource, search.mode)",
            "page_size": server.payer.deployment.fhir.page_size,
        },
        "token": [
            {"name": name, "type": kind, "meaning": meaning}
            for name, kind, meaning in TOKEN_RESPONSE
            if name not in optional
        ],
    }


def _exceptions(server: Server) -> dict[str, Any]:
    return {
        "fhir": {
            "body": "OperationOutcome: issue.severity, issue.code, issue.diagnostics",
            "errors": [{"status": status, "code": code, "when": when} for status, code, when in FHIR_ERRORS],
        },
        "oauth": {
            "body": "JSON object: error (string), error_description (string)",
            "errors": [
                {"error": error, "status": status, "when": when, "do": do} for error, status, when, do in OAUTH_ERRORS
            ],
        },
    }


def _components(server: Server) -> list[str]:
    needed = [
        "an HTTPS client with TLS 1.2 or later",
        "a FHIR R4 (4.0.1) JSON parser that ignores unknown extensions",
        "an OAuth 2.0 client for the authorization code flow"
        + (" with PKCE (S256)" if server.settings.pkce != "absent" else ""),
        "the member's system browser; sign-in pages refuse to be framed",
        "a JWT library for RS256 and the keys of the JWKS, to check the id_token",
        f"the FHIR base address {server.fhir_base}, from which everything else is discovered",
    ]
    if "confidential-asymmetric" in server.settings.client_types:
        needed.append("for apps with a key: signing by RS384 or ES384, and a JWKS we can fetch or hold")
    return needed


def _registration(server: Server) -> dict[str, Any]:
    deployment = server.payer.deployment
    onboarding, home = deployment.onboarding, server.endpoint("documentation")
    steps = ["Read this page; no account is needed."]
    if onboarding.by_email:
        steps.append(
            f"Write to {deployment.payer.developer_email}, or send the form {home}/request, with the fields below."
        )
    elif onboarding.form:
        steps += [f"Open a developer account: {home}/sign-up.", f"Fill in Request Authorization: {home}/apps/new."]
    if onboarding.dynamic:
        steps.append(f"Or register by program (RFC 7591): POST {server.endpoint('register')}.")
    steps.append(
        "Requests are reviewed against the criteria below, the same for all."
        if onboarding.approval == "review"
        else "Requests are granted at once."
    )
    steps.append(
        "You receive: " + ", ".join(onboarding.hands_over) + ", and for apps with a secret the secret, shown once."
    )
    return {
        "steps": steps,
        "fields": [{"name": name, "meaning": meaning, "required": required} for name, meaning, required in FIELDS],
        "attestations": list(onboarding.attestations),
        "kinds_of_client": list(server.settings.client_types),
        "criteria": [
            {"id": one.id, "title": one.title, "evidence": one.evidence, "ground": one.ground}
            for one in onboarding.criteria
        ],
        "suspension": "Access may be suspended while suspicious or non-compliant behaviour is investigated. Every investigation ends in "
        "reinstatement or revocation, recorded with its reason. A suspended app is answered invalid_client and 401.",
    }


def _guides(server: Server) -> list[dict[str, Any]]:
    bases = bases_of(server.payer.deployment, server.payer.public_url)
    homeless = [one for one in server.payer.deployment.fhir.guides if not any(one in base.guides for base in bases)]
    return [
        {
            "base": base.name, "address": base.url, "resources": sorted(base.types),
            # A guide whose own API this payer does not have is served with the members' data.
            "guides": [*base.guides, *(homeless if base.name == "member" else ())],
        }
        for base in bases
    ]  # fmt: skip


def _limits(server: Server) -> dict[str, Any]:
    declared = server.payer.deployment.limits
    return {
        "fhir": {"requests": declared.requests, "per_seconds": declared.per_seconds, "counted_by": "app"},
        "token": {"requests": declared.token_requests, "per_seconds": declared.token_per_seconds, "counted_by": "app"},
        "past_it": "429 with Retry-After",
    }


def _support(server: Server) -> dict[str, str]:
    facts = server.payer.deployment.payer
    return {"developers": facts.developer_email, "members": "members ask the makers of their app first"}
