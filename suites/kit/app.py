"""This project's app at one registration: makes authorization and token requests, correct unless a check spoils one thing.

`authorize` and the token calls take `change` (parameters set or replaced), `drop` (parameters left out) and `add` (appended, so
that a parameter is there twice). Client authentication follows the registration's type unless `auth` says otherwise.
"""

from __future__ import annotations

import base64
import json
import random
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from joserfc.jwk import ECKey, RSAKey

from suites.kit.browser import Browser
from suites.kit.forms import Forms
from suites.kit.http import Answer, Http
from suites.kit.landing import AuthorizationRequest, Landing
from suites.kit.listener import Listener
from suites.kit.outcomes import BadTarget, Inconclusive, NonConformance, control, expect, trail
from suites.kit.recipe import APPROVE_ALL, Choices
from suites.kit.target import Client, Member, Target
from suites.protocol import jwt, pkce, scopes, urls

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Attempt:
    """One authorization request and where it ended."""

    request: AuthorizationRequest
    landing: Landing
    verifier: str = field(repr=False)
    state: str = ""
    nonce: str = ""

    @property
    def code(self) -> str:
        """The authorization code that came back; Inconclusive without one."""
        if not self.landing.redirected or not self.landing.value("code"):
            raise Inconclusive(f"no authorization code came to work with: {self.landing.described}")
        return self.landing.value("code")


@dataclass
class Grant:
    """Tokens a member granted this app, with the answer they came in."""

    answer: Answer
    body: dict[str, Any]
    attempt: Attempt
    member: Member
    obtained: float = field(default_factory=time.monotonic)

    @property
    def access_token(self) -> str:
        """The access token; Inconclusive without one."""
        return self._member("access_token")

    @property
    def refresh_token(self) -> str:
        """The refresh token; Inconclusive without one."""
        return self._member("refresh_token")

    @property
    def id_token(self) -> str:
        """The id_token; Inconclusive without one."""
        return self._member("id_token")

    @property
    def patient(self) -> str:
        """The patient in context; Inconclusive without one."""
        return self._member("patient")

    @property
    def scope(self) -> str:
        """The granted scope: as stated, or as asked when the server does not state it (RFC 6749 section 5.1)."""
        return str(self.body.get("scope", self.attempt.request.value("scope")))

    @property
    def fresh(self) -> bool:
        """Whether the access token has most of a minute to live."""
        lifetime = self.body.get("expires_in")
        return not isinstance(lifetime, int | float) or time.monotonic() - self.obtained < lifetime - 45

    def _member(self, name: str) -> str:
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Inconclusive(f"the token response has no {name} to work with")
        return value


class App:
    """One registration in use."""

    def __init__(
        self,
        target: Target,
        client: Client,
        http: Http,
        browser: Browser,
        forms: Forms,
        configuration: Mapping[str, Any],
        rng: random.Random,
    ) -> None:
        self.target, self.client, self.http, self.rng = target, client, http, rng
        self.browser, self.forms = browser, forms
        self.authorization_endpoint = str(configuration["authorization_endpoint"])
        self.token_endpoint = str(configuration["token_endpoint"])
        self.grants: dict[tuple[str, str], Grant] = {}
        self.doubted = False  # a token request may have ended shared grants: a replay or reuse revokes more on some servers than on others
        http.recorder.masker.learn("client_secret", client.client_secret)

    def request(
        self,
        *,
        scope: str | None = None,
        change: Mapping[str, str] | None = None,
        drop: Iterable[str] = (),
        add: Iterable[tuple[str, str]] = (),
        method: str = "GET",
        redirect_uri: str | None = None,
        verifier: str | None = None,
    ) -> tuple[AuthorizationRequest, str]:
        """A correct standalone authorization request, spoiled as asked, and its code_verifier."""
        verifier = verifier or pkce.new_verifier(self.rng)
        uri = redirect_uri or self.client.redirect_uri
        parameters = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": uri,
            "scope": self.client.scopes if scope is None else scope,
            "state": f"{self.rng.getrandbits(128):032x}",
            "aud": self.target.server.fhir_base,
            "code_challenge": pkce.challenge_s256(verifier),
            "code_challenge_method": "S256",
        }
        if "openid" in scopes.split(parameters["scope"]):
            # A parameter of OpenID Connect: a server may refuse it where openid is not asked for.
            parameters["nonce"] = f"{self.rng.getrandbits(128):032x}"
        parameters.update(change or {})
        for name in drop:
            parameters.pop(name, None)
        pairs = (*parameters.items(), *add)
        return AuthorizationRequest(self.authorization_endpoint, pairs, uri, method), verifier

    def authorize(
        self,
        member: Member,
        *,
        choices: Choices = APPROVE_ALL,
        may_refuse: bool = False,
        in_browser: bool = False,
        listener: Listener | None = None,
        pictures: bool = False,
        fresh: bool = False,
        one_time_code: str = "",
        **spoiled: Any,
    ) -> Attempt:
        """Send a member through an authorization request; in Chromium where asked or where the pages need it, in a new session where `fresh`."""
        request, verifier = self.request(**spoiled)
        identity = member.identity(one_time_code)
        trail().member = trail().member or member.label
        if self.target.login.plain_forms and not in_browser and not self.browser.login.human:
            landing = self.forms.authorize(request, identity, choices, may_refuse=may_refuse, fresh=fresh)
        else:
            landing = self.browser.authorize(
                request,
                identity,
                choices,
                may_refuse=may_refuse,
                listener=listener,
                pictures=pictures,
                session=None if fresh else self._session(member),
            )
        return Attempt(request, landing, verifier, request.value("state"), request.value("nonce"))

    def _session(self, member: Member) -> dict[str, dict[str, str]]:
        """The cookies a member's browser holds for the authorization server."""
        session = self.forms.sessions.setdefault(member.username, {})
        session.setdefault(urlsplit(self.authorization_endpoint).netloc, {})
        return session

    def token(
        self,
        form: Mapping[str, str],
        *,
        auth: str = "",
        secret: str | None = None,
        assertion: str | None = None,
        change: Mapping[str, str] | None = None,
        drop: Iterable[str] = (),
        add: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A token request. `auth`: none, id (client_id alone), basic, post, both, assertion; empty for the registration's own."""
        self.doubted = True
        fields: dict[str, str] = dict(form)
        sent: dict[str, str] = dict(headers or {})
        self._authenticate(fields, sent, auth, secret, assertion)
        fields.update(change or {})
        for name in drop:
            fields.pop(name, None)
        return self.http.post_form(self.token_endpoint, [*fields.items(), *add], headers=sent)

    def _authenticate(
        self, fields: dict[str, str], headers: dict[str, str], auth: str, secret: str | None, assertion: str | None
    ) -> None:
        own = {"public": "id", "confidential-symmetric": "basic", "confidential-asymmetric": "assertion"}
        auth = auth or own[self.client.type]
        secret = self.client.client_secret if secret is None else secret
        if auth in ("id", "post", "both"):
            fields["client_id"] = self.client.client_id
        if auth in ("post", "both"):
            fields["client_secret"] = secret
        if auth in ("basic", "both"):
            headers["Authorization"] = basic(self.client.client_id, secret)
        if auth == "assertion":
            fields["client_assertion_type"] = ASSERTION_TYPE
            fields["client_assertion"] = self.assertion() if assertion is None else assertion

    def redeem(self, attempt: Attempt, **spoiled: Any) -> Answer:
        """Exchange a code."""
        form = {
            "grant_type": "authorization_code",
            "code": attempt.code,
            "redirect_uri": attempt.request.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        return self.token(form, **spoiled)

    def refresh(self, refresh_token: str, **spoiled: Any) -> Answer:
        """Use a refresh token."""
        return self.token({"grant_type": "refresh_token", "refresh_token": refresh_token}, **spoiled)

    def fresh_grant(self, member: Member, **how: Any) -> Grant:
        """A new grant for a check to spend; Inconclusive where it cannot be had."""
        attempt = self.authorize(member, **how)
        answer = self.redeem(attempt)
        return self.as_grant(answer, attempt, member)

    def as_grant(self, answer: Answer, attempt: Attempt, member: Member) -> Grant:
        """A token response as a grant; the control of everything that needs one."""
        control(
            answer.status == 200,
            "a correct token request is answered with 200",
            f"status {answer.status}: {answer.text[:200]}",
        )
        try:
            body = answer.object()
        except NonConformance as wrong:
            raise Inconclusive(str(wrong)) from None
        return Grant(answer, body, attempt, member)

    def grant(self, member: Member, scope: str | None = None) -> Grant:
        """A grant shared by the checks of this worker that only read with it; renewed before it expires."""
        key = (member.label, scope or "")
        held = self.grants.get(key)
        if held is not None and self.doubted and not self._opens(held):
            self.grants.clear()
            held = None
        self.doubted = False
        if held is None or not held.fresh:
            held = self.grants[key] = self.fresh_grant(member, scope=scope)
        trail().saw(held.answer.evidence)
        trail().member = trail().member or member.label
        return held

    def _opens(self, grant: Grant) -> bool:
        """Whether a shared grant still opens the interface; an answer that says nothing of the token leaves it as it is."""
        patient = str(grant.body.get("patient", ""))
        url = urls.below(self.target.server.fhir_base, f"Patient/{patient}")
        return self.http.get(url, headers={"Accept": "application/fhir+json"}, token=grant.access_token).status != 401

    def key(self) -> ECKey | RSAKey:
        """The registration's private key."""
        return private_key(self.client)

    @property
    def key_id(self) -> str:
        """The kid of the registered key: the target file's, else the key file's own."""
        return self.client.key_id or str(self.key().as_dict().get("kid", ""))

    @property
    def algorithm(self) -> str:
        """The algorithm assertions are signed with: the key file's own, else the target file's."""
        return str(self.key().as_dict().get("alg", self.client.algorithm))

    def assertion(self, *, key: Any = None, algorithm: str = "", **claims: Any) -> str:
        """A client assertion (RFC 7523 section 3); claims replace its own, None leaves one out."""
        now = int(time.time())
        own: dict[str, Any] = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.token_endpoint,
            "iat": now,
            "exp": now + 240,
            "jti": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
            **claims,
        }
        header = {"kid": self.key_id} if self.key_id else {}
        algorithm = algorithm or self.algorithm
        stated = {name: value for name, value in own.items() if value is not None}
        compact = jwt.sign(stated, key or self.key(), algorithm, **header)
        self.http.recorder.masker.learn("client_assertion", compact)
        return compact


def private_key(client: Client) -> ECKey | RSAKey:
    """The private key file of an asymmetric registration: PEM or JWK."""
    if client.private_key_file is None or not client.private_key_file.exists():
        raise BadTarget(f"client {client.name!r}: private_key_file {str(client.private_key_file)!r} does not exist")
    data = client.private_key_file.read_bytes()
    kind = RSAKey if client.algorithm[:2] in ("RS", "PS") else ECKey
    try:
        if data.lstrip()[:1] == b"{":
            return kind.import_key(json.loads(data))
        return kind.import_key(data)
    except (ValueError, TypeError, KeyError) as wrong:
        raise BadTarget(
            f"client {client.name!r}: {client.private_key_file} holds no key for {client.algorithm}: {wrong}"
        ) from None


def basic(client_id: str, secret: str) -> str:
    """An HTTP Basic header, both halves form-encoded first (RFC 6749 section 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")


def expect_code(attempt: Attempt) -> str:
    """A code came back to the app: judged, for the checks of that rung."""
    expect(
        attempt.landing.redirected and attempt.landing.value("code"),
        "an approved authorization request must come back to the app with a code",
        expected="a redirect to the redirect_uri with code",
        found=attempt.landing.described,
        evidence=attempt.landing.evidence[-1] if attempt.landing.evidence else "",
    )
    return attempt.landing.value("code")
