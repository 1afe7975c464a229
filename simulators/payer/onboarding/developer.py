"""Developers' pages: documentation, account, Request Authorization, status, credentials shown once, rotation.

Leaves to others: what the documentation says (documentation.py), what metadata is acceptable (metadata.py), the decision (review.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import parameters
from simulators.payer.authorization.errors import InvalidRequest
from simulators.payer.authorization.interaction import numbered
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Client, fresh
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.onboarding import documentation, metadata, review
from simulators.payer.onboarding.metadata import BadMetadata
from simulators.payer.portals import accounts, rendering, sessions
from simulators.payer.portals.sessions import Session
from simulators.payer.protection import journal, limits
from simulators.payer.rules import rule

ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s]{2,60}")
FORM_COOKIE = "pa_form"
METHOD_OF = {
    "public": "none",
    "confidential-symmetric": "",
    "confidential-asymmetric": "private_key_jwt",
    "backend-service": "private_key_jwt",
}


@rule
def request_trouble(sent: dict[str, str], attestations: Sequence[str], part2: bool) -> list[str]:
    """The fields of Request Authorization: each is needed, each attestation ticked, the notice acknowledged; names of what is missing."""
    missing = [
        name
        for name in ("contact", "company", "name", "redirect_uris", "description", "policy_uri")
        if not sent.get(name, "").strip()
    ]
    missing += [f"attest_{name}" for name in attestations if not sent.get(f"attest_{name}", "").strip()]
    if part2 and not sent.get("part2"):
        missing.append("part2")
    return missing


@request_trouble.fault("app-registered-without-part-2-acknowledgement", violates="SHM-PART2-ACK-01")
def no_acknowledgement(sent: dict[str, str], attestations: Sequence[str], part2: bool) -> list[str]:
    """An app is registered although the notice on 42 CFR Part 2 was not acknowledged."""
    return request_trouble.function(sent, attestations, False)


@request_trouble.fault("app-registered-without-attestations", violates="CONNEX-V.A.4.b.i")
def no_attestations(sent: dict[str, str], attestations: Sequence[str], part2: bool) -> list[str]:
    """An app is registered without a word on its security and privacy."""
    return request_trouble.function(sent, (), part2)


@rule
def owner_only(client: Client, developer: str) -> bool:
    """A developer sees and changes their own apps."""
    return client.owner == developer


@owner_only.fault("app-of-other-developer-shown", violates="RFC7592-MANAGE-01")
def anyone(client: Client, developer: str) -> bool:
    """A developer opens the page of another developer's app, by its id, and can make it a new secret."""
    return True


class DeveloperPages:
    """The pages of one payer."""

    def __init__(self, payer: Payer) -> None:
        self.payer, self.server = payer, of(payer)
        self.home = payer.deployment.endpoints.documentation

    def to(self, path: str) -> Response:
        return RedirectResponse(self.payer.url(self.home + path), 303, {"Cache-Control": "no-store"})

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        session = values.pop("session", None) or self.session(request)
        return rendering.page(
            self.payer, request, template, status, session=session, home=self.home, english=True, **values
        )

    def session(self, request: Request) -> Session | None:
        return sessions.current(self.payer, request, "developer")

    async def form(self, request: Request) -> Parameters:
        raw = await parameters.body(request, self.payer.deployment.limits.largest_body_bytes)
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise InvalidRequest("not a form")
        form = parameters.parse(numbered(raw, (b"scopes",)))
        if form.repeated:
            raise InvalidRequest("a field came twice")
        return form

    # -- documentation
    async def documentation(self, request: Request) -> Response:
        self.server.refresh()
        if not documentation.documentation_is_open(self.payer.faults) and self.session(request) is None:
            return self.to("/sign-in")
        return self.page(request, "documentation.html", document=documentation.document(self.server))

    async def twin(self, request: Request) -> Response:
        self.server.refresh()
        if not documentation.documentation_is_open(self.payer.faults) and self.session(request) is None:
            return Response(b'{"error":"sign in first"}', 401, media_type="application/json")
        body = orjson.dumps(documentation.document(self.server), option=orjson.OPT_INDENT_2)
        return Response(body, 200, {"Access-Control-Allow-Origin": "*"}, "application/json")

    # -- account
    def account_page(self, request: Request, which: str, message: str = "", status: int = 200) -> Response:
        token = request.cookies.get(FORM_COOKIE) or fresh()
        answer = self.page(
            request, f"developer_{which}.html", status, message=message, form_token=token, shortest=accounts.SHORTEST
        )
        sessions.set_cookie(self.payer, answer, FORM_COOKIE, token)
        return answer

    async def sign_up_page(self, request: Request) -> Response:
        return self.account_page(request, "sign_up")

    async def sign_in_page(self, request: Request) -> Response:
        return self.account_page(request, "sign_in")

    def form_came_from(self, request: Request, form: Parameters) -> bool:
        expected = request.cookies.get(FORM_COOKIE, "")
        return bool(expected) and sessions.form_is_ours(self.payer.faults, expected, form.get("form_token") or "")

    async def sign_up(self, request: Request) -> Response:
        form = await self.form(request)
        name, password = (form.get("username") or "").strip().lower(), form.get("password") or ""
        if not self.form_came_from(request, form):
            return self.account_page(request, "sign_up", "The form was too old. Try again.", 403)
        declared, address = self.payer.deployment.limits, request.client.host if request.client else "unknown"
        limits.take(self.payer, "sign-up", declared.registrations, declared.registrations_per_seconds, "", address)
        if not ADDRESS.fullmatch(name):
            return self.account_page(request, "sign_up", "That is not an e-mail address.", 400)
        if not accounts.SHORTEST <= len(password) <= 1000:
            return self.account_page(
                request, "sign_up", f"The password needs at least {accounts.SHORTEST} characters.", 400
            )
        if not accounts.create(self.payer, "developer", name, password, {"company": (form.get("company") or "")[:200]}):
            return self.account_page(request, "sign_up", "There is an account with this address already. Sign in.", 409)
        journal.of(self.payer).audit(name, "open developer account")
        return self.signed_in(request, name)

    async def sign_in(self, request: Request) -> Response:
        form = await self.form(request)
        if not self.form_came_from(request, form):
            return self.account_page(request, "sign_in", "The form was too old. Try again.", 403)
        declared = self.payer.deployment.limits
        address = request.client.host if request.client else "unknown"
        limits.take(self.payer, "sign-in", declared.logins, declared.logins_per_seconds, "", address)
        name = (form.get("username") or "").strip().lower()
        if trouble := accounts.proved(self.payer, "developer", name, form.get("password") or ""):
            return self.account_page(request, "sign_in", rendering.texts()["en"][trouble], 401)
        return self.signed_in(request, name)

    def signed_in(self, request: Request, name: str) -> Response:
        response = self.to("/apps")
        sessions.begin(self.payer, request, response, "developer", name)
        return response

    async def sign_out(self, request: Request) -> Response:
        session, form = self.session(request), await self.form(request)
        response = self.to("")
        if session is not None and sessions.ours(self.payer, session, form.get("form_token") or ""):
            sessions.end(self.payer, session, response)
        return response

    # -- apps
    async def apps(self, request: Request) -> Response:
        session = self.session(request)
        if session is None:
            return self.to("/sign-in")
        mine = [client for client in self.server.ledger.clients() if client.owner == session.subject]
        return self.page(request, "developer_apps.html", session=session, apps=mine)

    def request_page(
        self, request: Request, session: Session | None, sent: dict[str, str], problems: list[str], status: int = 200
    ) -> Response:
        server, token = self.server.settings, session.csrf if session else request.cookies.get(FORM_COOKIE) or fresh()
        kinds = [kind for kind in server.client_types if kind != "backend-service"]
        scopes = [*server.scopes, *(one.scope for one in server.sensitive_scopes)]
        answer = self.page(
            request, "developer_request.html", status, session=session, form_token=token, sent=sent, problems=problems, kinds=kinds,
            scopes=[one for one in scopes if not one.startswith("system/")], onboarding=self.payer.deployment.onboarding,
            part2=documentation.part2_notice(self.payer.faults, self.payer.deployment.onboarding.part2_acknowledgement),
            action=f"{self.home}/apps/new" if session else f"{self.home}/request",
        )  # fmt: skip
        if session is None:
            sessions.set_cookie(self.payer, answer, FORM_COOKIE, token)
        return answer

    async def new_app_page(self, request: Request) -> Response:
        session = self.session(request)
        return self.to("/sign-in") if session is None else self.request_page(request, session, {}, [])

    async def mail_page(self, request: Request) -> Response:
        return self.request_page(request, None, {}, [])

    async def new_app(self, request: Request) -> Response:
        session = self.session(request)
        if session is None:
            return self.to("/sign-in")
        form = await self.form(request)
        if not sessions.ours(self.payer, session, form.get("form_token") or ""):
            return self.page(request, "error.html", 403, reason="form_not_ours")
        return self.take_request(request, session, form)

    async def mailed_request(self, request: Request) -> Response:
        form = await self.form(request)
        if not self.form_came_from(request, form):
            return self.page(request, "error.html", 403, reason="form_not_ours")
        return self.take_request(request, None, form)

    def take_request(self, request: Request, session: Session | None, form: Parameters) -> Response:
        payer, onboarding = self.payer, self.payer.deployment.onboarding
        declared, address = payer.deployment.limits, request.client.host if request.client else "unknown"
        limits.take(payer, "register", declared.registrations, declared.registrations_per_seconds, "", address)
        sent = dict(form.values)
        chosen = [value for name, value in sent.items() if name.startswith("scopes.")]
        problems = [
            f"missing_{name}"
            for name in request_trouble(payer.faults, sent, onboarding.attestations, onboarding.part2_acknowledgement)
        ]
        if sent.get("contact") and not ADDRESS.fullmatch(sent["contact"].strip()):
            problems.append("contact_address")
        if not chosen:
            problems.append("missing_scopes")
        try:
            asked = (
                metadata.checked(self.as_metadata(sent, chosen), payer.deployment, payer.faults)
                if not problems
                else None
            )
        except BadMetadata as bad:
            problems, asked = [bad.description], None
        if asked is None:
            return self.request_page(
                request, session, {**sent, **{f"chosen {one}": "1" for one in chosen}}, problems, 400
            )
        status = "active" if onboarding.approval == "automatic" else "requested"
        client = metadata.client_of(
            replace(asked, auth_method=""), fresh(12), status=status, owner=session.subject if session else "", company=sent["company"].strip()[:200],
            description=sent["description"].strip()[:2000], attestations={name: sent.get(f"attest_{name}", "").strip()[:500] for name in onboarding.attestations},
            created_at=payer.clock.timestamp(),
        )  # fmt: skip
        self.server.ledger.save_client(client)
        journal.of(payer).audit(
            client.owner or client.contact,
            "request authorization",
            client_id=client.client_id,
            outcome=status,
            name=client.name,
        )
        if session is None:
            return self.page(request, "developer_sent.html", client=client)
        return self.to(f"/apps/{client.client_id}")

    def as_metadata(self, sent: dict[str, str], chosen: list[str]) -> dict[str, Any]:
        """The form as RFC 7591 metadata, so that form and program are held to the same."""
        kind = sent.get("type", "")
        document: dict[str, Any] = {
            "client_name": sent["name"][:200],
            "redirect_uris": sent["redirect_uris"].split(),
            "grant_types": [
                one for one in ("authorization_code", "refresh_token") if one in self.server.settings.grants
            ],
            "token_endpoint_auth_method": METHOD_OF.get(kind, "unknown")
            or f"client_secret_{self.server.settings.secret_by[0]}",
            "scope": " ".join(chosen),
            "contacts": [sent["contact"].strip()],
            "policy_uri": sent["policy_uri"].strip(),
        }
        if kind == "confidential-asymmetric":
            document["jwks_uri"] = sent.get("jwks_uri", "").strip()
        return document

    async def app(self, request: Request) -> Response:
        session, client = self.session(request), self.server.ledger.client(request.path_params["client_id"])
        if session is None:
            return self.to("/sign-in")
        if client is None or not owner_only(self.payer.faults, client, session.subject):
            return self.page(request, "error.html", 404, reason="not_found")
        return self.app_page(request, session, client, "")

    def app_page(self, request: Request, session: Session, client: Client, secret: str) -> Response:
        given = review.settings(self.payer, client) if client.status == "active" else {}
        return self.page(request, "developer_app.html", session=session, client=client, settings=given, secret=secret)

    async def secret(self, request: Request) -> Response:
        session, client = self.session(request), self.server.ledger.client(request.path_params["client_id"])
        form = await self.form(request)
        if session is None:
            return self.to("/sign-in")
        if client is None or not owner_only(self.payer.faults, client, session.subject):
            return self.page(request, "error.html", 404, reason="not_found")
        if not sessions.ours(self.payer, session, form.get("form_token") or ""):
            return self.page(request, "error.html", 403, reason="form_not_ours")
        if client.status != "active" or client.type != "confidential-symmetric":
            return self.page(request, "error.html", 409, reason="not_found")
        return self.app_page(request, session, client, review.new_secret(self.payer, client))


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The developers' pages of this deployment."""
    pages, home = DeveloperPages(payer), payer.deployment.endpoints.documentation
    if not home:
        return []

    def answered(handler: Any) -> Any:
        async def answer(request: Request) -> Response:
            pages.server.refresh()
            try:
                found: Response = await handler(request)
            except InvalidRequest as refused:
                return pages.page(request, "error.html", refused.status, reason="request_malformed")
            except limits.TooMany as too_many:
                status, headers = limits.answer_headers(payer.faults, too_many.seconds)
                found = pages.page(request, "error.html", status, reason="too_many")
                found.headers.update(headers)
            return found

        return answer

    table: list[tuple[str, str, Any]] = [("GET", "", pages.documentation), ("GET", "/api.json", pages.twin)]
    if payer.deployment.onboarding.by_email:
        table += [("GET", "/request", pages.mail_page), ("POST", "/request", pages.mailed_request)]
    elif payer.deployment.onboarding.form:
        table += [
            ("GET", "/sign-up", pages.sign_up_page), ("POST", "/sign-up", pages.sign_up), ("GET", "/sign-in", pages.sign_in_page),
            ("POST", "/sign-in", pages.sign_in), ("POST", "/sign-out", pages.sign_out), ("GET", "/apps", pages.apps),
            ("GET", "/apps/new", pages.new_app_page), ("POST", "/apps/new", pages.new_app), ("GET", "/apps/{client_id}", pages.app),
            ("POST", "/apps/{client_id}/secret", pages.secret),
        ]  # fmt: skip
    return [Route(home + path, answered(handler), methods=[method]) for method, path, handler in table]
