"""What goes with records under 42 CFR Part 2 when a member's consent discloses them: the notice and the consent itself (42 CFR 2.32).

The token response carries both; every answer of the FHIR API under such a grant links to the consent, which the app reads with its
token as a FHIR Consent. Leaves to others: what was consented to (consenting.py), which records it opens (fhir/privacy.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import access, cors
from simulators.payer.authorization.errors import NO_STORE, json_response
from simulators.payer.authorization.records import Client, Consent
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Grant, Payer
from simulators.payer.errors import Unauthorized

SUBSTANCE_USE = "substance-use"
# 42 CFR 2.32(a)(2), the short statement in its wording since 2024.
STATEMENT = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
REGULATION = "https://www.ecfr.gov/current/title-42/part-2"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def covers(sensitive: Sequence[str] | frozenset[str]) -> bool:
    """Whether a decision discloses records under Part 2."""
    return SUBSTANCE_USE in sensitive


def address(server: Server) -> str:
    """Where an app reads the consent behind its token."""
    return f"{server.endpoint('authorize')}/consent"


def members_of(server: Server, client: Client, consent: Consent) -> dict[str, Any]:
    """The members of a token response that go with such a decision; none for any other."""
    if not covers(consent.sensitive.split()):
        return {}
    told = {"statement": STATEMENT, "scope_of_consent": account(server, client, consent), "consent": address(server)}
    return {"part2_disclosure": told}


def account(server: Server, client: Client, consent: Consent) -> str:
    """What the member agreed to, in one sentence (42 CFR 2.32(b))."""
    until = f"until {_day(consent.expires_at)}" if consent.expires_at else "until the member withdraws it"
    return (
        f"By consent of {_day(consent.granted_at)}, {server.payer.deployment.payer.name} discloses records of substance use disorder "
        f"treatment of Patient/{consent.patient} to {client.name} at the member's request, {until}, as far as the scopes granted reach."
    )


def document(server: Server, client: Client, consent: Consent) -> dict[str, Any]:
    """The decision as a FHIR R4 Consent."""
    facts = server.payer.deployment.payer
    period = {
        "start": _instant(consent.granted_at),
        **({"end": _instant(consent.expires_at)} if consent.expires_at else {}),
    }
    labels = [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"},
        {"system": ACT_CODE, "code": "42CFRPart2", "display": "42 CFR Part2"},
    ]
    return {
        "resourceType": "Consent",
        "id": consent.id,
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{_escaped(account(server, client, consent))}</p><p>{STATEMENT}</p></div>',
        },
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{consent.patient}"},
        "dateTime": _instant(consent.granted_at),
        "performer": [{"reference": consent.fhir_user or f"Patient/{consent.patient}"}],
        "organization": [{"display": facts.name}],
        "policy": [{"authority": "https://www.hhs.gov", "uri": REGULATION}],
        "provision": {
            "type": "permit",
            "period": period,
            "actor": [
                {
                    "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
                    "reference": {"display": client.name},
                }
            ],
            "securityLabel": labels,
            "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "PATRQT"}],
        },
    }  # fmt: skip


def link_for(server: Server, grant: Grant | None) -> tuple[bytes, bytes] | None:
    """The header that goes with every answer under such a grant."""
    if grant is None or not covers(grant.sensitive):
        return None
    return (
        b"link",
        f'<{address(server)}>; rel="describedby"; type="application/fhir+json"; title="{STATEMENT}"'.encode(),
    )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The consent behind a token, for the app that bears it."""
    server = of(payer)

    async def consent_of_token(request: Request) -> Response:
        server.refresh()
        headers = cors.headers(payer, request)
        if request.method == "OPTIONS":
            return cors.preflight(payer, request, "GET")
        try:
            grant = access.authenticate(payer, request.scope["headers"])
        except Unauthorized as refused:
            extra = {name.decode(): value.decode("latin-1") for name, value in refused.headers}
            return json_response({"error": "invalid_token"}, refused.status, {**headers, **extra})
        client, consent = server.client(grant.client_id), server.ledger.consent(grant.consent_id)
        if client is None or consent is None or not covers(grant.sensitive):
            return json_response({"error": "not_found"}, 404, headers)
        body = orjson.dumps(document(server, client, consent))
        return Response(body, 200, {**NO_STORE, **headers}, "application/fhir+json")

    path = f"{payer.deployment.endpoints.authorize}/consent"
    return [Route(path, consent_of_token, methods=["GET", "OPTIONS"])]
