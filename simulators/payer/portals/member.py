"""A member's own pages: connected apps with one-click ending, what was shared and when; signing in and out.

Signing in goes through the same steps as a launch. Leaves to others: consent (authorization/interaction.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import clients, disclosure, interaction, parameters, scopes
from simulators.payer.authorization.errors import InvalidRequest
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Consent
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.portals import people, rendering, sessions
from simulators.payer.portals.sessions import Session
from simulators.payer.protection import journal
from simulators.payer.rules import rule


@rule
def shown_to(consent: Consent, username: str) -> bool:
    """A member sees every app connected by them, and no other member's."""
    return consent.subject == username


@shown_to.fault("connected-app-not-listed", violates="CMS9115-REVOCATION", also=["DEAN-IDP-01"])
def hidden(consent: Consent, username: str) -> bool:
    """The list of connected apps leaves out those with access also while the member is away."""
    return consent.subject == username and "offline_access" not in consent.scope.split()


@rule
def ending_takes_effect() -> bool:
    """Ended access ends: tokens of the grant stop working at the next request."""
    return True


@ending_takes_effect.fault("member-revocation-without-effect", violates="CMS9115-REVOCATION")
def only_says_so() -> bool:
    """The page says that access has ended; the app goes on reading."""
    return False


@rule
def may_end(consent: Consent, username: str) -> bool:
    """A member ends access they gave themselves."""
    return consent.subject == username


@may_end.fault("access-ended-by-other-member", violates="HIPAA-164.312-a")
def anybody(consent: Consent, username: str) -> bool:
    """One member can end the access another gave, by its id."""
    return True


def navigation(payer: Payer, signed_in: bool) -> list[tuple[str, str]]:
    """Links of the member pages that this deployment has."""
    endpoints, portals = payer.deployment.endpoints, payer.deployment.portals
    links: list[tuple[str, str]] = []
    if portals.member and endpoints.member:
        links += [(f"{endpoints.member}/apps", "nav_apps")]
        links += [(f"{endpoints.member}/history", "nav_history")] if signed_in else []
    if portals.education and endpoints.education:
        links.append((endpoints.education, "nav_education"))
    if portals.gallery and endpoints.gallery:
        links.append((endpoints.gallery, "nav_gallery"))
    return links


def connected(payer: Payer, username: str) -> list[dict[str, Any]]:
    """The member's decisions as the page shows them."""
    server, now = of(payer), payer.clock.timestamp()
    found = []
    for consent in server.ledger.consents_of(username):
        client = server.client(consent.client_id)
        if not shown_to(payer.faults, consent, username) or client is None:
            continue
        expired = consent.expires_at is not None and consent.expires_at <= now
        person = people.by_patient(payer, consent.patient) if consent.patient else None
        found.append(
            {
                "id": consent.id, "name": client.name, "granted_at": consent.granted_at, "last_access": consent.last_access,
                "expires_at": consent.expires_at, "ended": consent.revoked_at or (consent.expires_at if expired else None),
                "person": person.name if person else "–", "may": _may(consent),
            }
        )  # fmt: skip
    return found


def _may(consent: Consent) -> list[tuple[str, str]]:
    held = scopes.parsed(consent.scope)
    lines = [("asks_everything", "")] if any(one.resource == "*" for one in held) else []
    if not lines and held:
        lines = [("asks_type", ", ".join(dict.fromkeys(one.resource for one in held)))]
    if disclosure.SUBSTANCE_USE in consent.sensitive.split():
        lines.append((f"category_{disclosure.SUBSTANCE_USE}", ""))
    return lines or [("asks_identity", "")]


def shared_days(payer: Payer, username: str) -> list[dict[str, Any]]:
    """What was delivered, by day and app, newest first."""
    journal.of(payer).write()
    rows = payer.database.query(
        "SELECT at, client_id, patient, resources, interaction FROM deliveries WHERE subject = ? ORDER BY id DESC LIMIT 50000",
        (username,),
    )
    zone, server = ZoneInfo(payer.deployment.payer.time_zone), of(payer)
    days: dict[tuple[str, str, str], dict[str, Any]] = {}
    for at, client_id, patient, resources, interaction_name in rows:
        day = datetime.fromtimestamp(at, UTC).astimezone(zone).date().isoformat()
        entry = days.setdefault((day, client_id, patient), {"times": 0, "resources": 0, "kinds": set()})
        entry["times"] += 1
        entry["resources"] += resources
        entry["kinds"].add(interaction_name.split(" ")[-1])
    found = []
    for (day, client_id, patient), entry in days.items():
        client, person = server.client(client_id), people.by_patient(payer, patient)
        kinds = ", ".join(sorted(entry["kinds"]))
        found.append(
            {
                "day": day,
                "app": client.name if client else client_id,
                "person": person.name if person else patient,
                **entry,
                "kinds": kinds,
            }
        )
    return found


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The member's pages, where the deployment has them."""
    home, server = payer.deployment.endpoints.member, of(payer)
    launches = payer.deployment.authorization.ehr_launch
    if not home or not payer.deployment.portals.member:
        return []

    def to(path: str) -> Response:
        return RedirectResponse(payer.url(home + path), 303, {"Cache-Control": "no-store"})

    async def front(request: Request) -> Response:
        return to("/apps")

    async def sign_in(request: Request) -> Response:
        return interaction.begin_portal(server, request)

    async def apps(request: Request) -> Response:
        server.refresh()
        session = sessions.current(payer, request, "member")
        if session is None:
            return to("/sign-in")
        member = people.members(payer).get(session.subject)
        return rendering.page(
            payer, request, "member_apps.html", session=session, navigation=navigation(payer, True), apps=connected(payer, session.subject),
            name=member.name if member else session.subject, done="ended" in request.query_params,
            openable=[one for one in server.ledger.clients() if one.launch_uri and one.status == "active"] if launches else [],
        )  # fmt: skip

    async def history(request: Request) -> Response:
        server.refresh()
        session = sessions.current(payer, request, "member")
        if session is None:
            return to("/sign-in")
        return rendering.page(
            payer,
            request,
            "member_history.html",
            session=session,
            navigation=navigation(payer, True),
            days=shared_days(payer, session.subject),
        )

    async def posted(request: Request) -> tuple[Session, Parameters] | Response:
        server.refresh()
        session = sessions.current(payer, request, "member")
        if session is None:
            return to("/sign-in")
        try:
            form = await parameters.form(request, frozenset(), payer.deployment.limits.largest_body_bytes)
        except InvalidRequest as refused:
            return rendering.page(payer, request, "error.html", refused.status, reason="request_malformed")
        if not sessions.ours(payer, session, form.get("form_token") or ""):
            return rendering.page(payer, request, "error.html", 403, reason="form_not_ours")
        return session, form

    async def end(request: Request) -> Response:
        taken = await posted(request)
        if isinstance(taken, Response):
            return taken
        session, _ = taken
        consent = server.ledger.consent(request.path_params["consent"])
        if consent is None or not may_end(payer.faults, consent, session.subject):
            return rendering.page(payer, request, "error.html", 404, reason="not_found")
        if ending_takes_effect(payer.faults):
            server.ledger.revoke_consent(consent.id, "member", payer.clock.timestamp())
        journal.of(payer).audit(session.subject, "revoke", subject=consent.patient or "", client_id=consent.client_id)
        return to("/apps?ended=1")

    async def open_app(request: Request) -> Response:
        """SMART EHR launch: the app is opened from here, for one person."""
        taken = await posted(request)
        if isinstance(taken, Response):
            return taken
        session, form = taken
        client, member = server.client(request.path_params["client"]), people.members(payer).get(session.subject)
        offered = [one[0] for one in people.persons(payer, member)] if member else []
        person = form.get("person") or (offered[0] if offered else "")
        if (
            client is None
            or not client.launch_uri
            or not clients.client_is_served(payer.faults, client.status)
            or person not in offered
        ):
            return rendering.page(payer, request, "error.html", 404, reason="not_found")
        launch = server.ledger.begin_launch(client.client_id, person, payer.clock.timestamp() + 300)
        joint = "&" if "?" in client.launch_uri else "?"
        address = f"{client.launch_uri}{joint}{urlencode({'iss': server.fhir_base, 'launch': launch})}"
        return Response(b"", 303, {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    async def sign_out(request: Request) -> Response:
        taken = await posted(request)
        if isinstance(taken, Response):
            return taken
        response = to("/sign-in")
        sessions.end(payer, taken[0], response)
        return response

    return [
        Route(home, front, methods=["GET"]),
        Route(f"{home}/sign-in", sign_in, methods=["GET"]),
        Route(f"{home}/apps", apps, methods=["GET"]),
        Route(f"{home}/history", history, methods=["GET"]),
        Route(f"{home}/apps/{{consent}}/end", end, methods=["POST"]),
        *([Route(f"{home}/apps/{{client}}/open", open_app, methods=["POST"])] if launches else []),
        Route(f"{home}/sign-out", sign_out, methods=["POST"]),
    ]
