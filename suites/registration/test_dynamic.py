"""Dynamic client registration, where offered: RFC7591-DCR-*, RFC7592-MANAGE-01 (RFC 7591, RFC 7592). Registers throw-away clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from suites.kit.app import App, basic
from suites.kit.expectations import expect_json, expect_oauth_error, expect_status
from suites.kit.http import Answer, Http
from suites.kit.outcomes import control, expect, findings, not_applicable, not_permitted
from suites.kit.target import Member, Target

CALLBACK = "https://conformance.example.org/callback"


class Registrar:
    """The registration endpoint."""

    def __init__(self, http: Http, endpoint: str) -> None:
        self.http, self.endpoint = http, endpoint
        self.made: list[dict[str, Any]] = []

    def __call__(self, **changed: Any) -> Answer:
        """Register a throw-away app; None leaves a member out."""
        document = {
            "client_name": "Conformance throw-away app",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "launch/patient patient/*.read offline_access openid fhirUser",
            "contacts": ["conformance@example.org"],
            "policy_uri": "https://conformance.example.org/privacy",
            **changed,
        }
        answer = self.http.post_json(
            self.endpoint, {name: value for name, value in document.items() if value is not None}
        )
        if answer.status in (200, 201) and answer.media_type == "application/json":
            self.made.append(answer.object())
        return answer

    def clean_up(self) -> None:
        """Take the throw-away apps back, where the server manages registrations."""
        for one in self.made:
            if one.get("registration_client_uri") and one.get("registration_access_token"):
                self.http.send(
                    "DELETE", str(one["registration_client_uri"]), token=str(one["registration_access_token"])
                )
        self.made.clear()


@pytest.fixture(scope="module")
def register(
    http: Http, smart_configuration: Mapping[str, Any], openid_configuration: Mapping[str, Any], target: Target
) -> Iterator[Registrar]:
    """The registration endpoint, where the server names one and the target file permits to use it."""
    endpoint = smart_configuration.get("registration_endpoint") or openid_configuration.get("registration_endpoint")
    if not endpoint:
        not_applicable("the server names no registration_endpoint")
    if not target.permitted.registration:
        not_permitted("it registers throw-away apps; set permitted.registration = true")
    registrar = Registrar(http, str(endpoint))
    yield registrar
    registrar.clean_up()


def expect_refusal(answer: Answer, *errors: str) -> None:
    """400 with a registered error code in JSON (RFC 7591 section 3.2.2)."""
    expect_status(answer, 400, "a bad registration must be refused")
    error = answer.object().get("error")
    expect(
        error in errors,
        "the refusal must carry its registered error code",
        expected=" or ".join(errors),
        found=error or "none",
        evidence=answer.evidence,
    )


def accepted(register: Registrar) -> None:
    """The control: a correct registration is accepted."""
    control(register().status in (200, 201), "a correct registration is accepted")


@pytest.mark.requirement("RFC7591-DCR-01")
def test_registration_is_answered_201(register: Registrar) -> None:
    """A registration is answered 201 with JSON and no caching."""
    answer = register()
    expect_json(answer, 201)
    expect(
        "no-store" in answer.header("cache-control").lower(),
        "credentials must not be cached",
        found=answer.header("cache-control") or "nothing",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("RFC7591-DCR-01")
def test_registration_is_told_as_registered(register: Registrar) -> None:
    """client_id, client_secret with its expiry, and the metadata as registered are in the answer."""
    answer = register()
    control(answer.status in (200, 201), "the registration is accepted", answer.status)
    body = answer.object()
    with findings() as found:
        for name in ("client_id", "client_secret"):
            found.check(isinstance(body.get(name), str) and body[name], f"{name} must be handed out", path=name)
        found.check(
            "client_secret_expires_at" in body,
            "client_secret_expires_at must come with a secret",
            path="client_secret_expires_at",
        )
        found.check(
            body.get("redirect_uris") == [CALLBACK],
            "redirect_uris must be told as registered",
            expected=[CALLBACK],
            found=body.get("redirect_uris", "nothing"),
            path="redirect_uris",
        )
        found.check(
            body.get("client_name") == "Conformance throw-away app",
            "client_name must be told as registered",
            found=body.get("client_name", "nothing"),
            path="client_name",
        )
        found.check(
            "authorization_code" in (body.get("grant_types") or ["authorization_code"]),
            "grant_types must be told",
            found=body.get("grant_types"),
            path="grant_types",
        )


@pytest.mark.requirement("HEALTHSHARE-2.1.1-CLIENT-ID", "RFC7591-DCR-01")
def test_every_registration_has_its_own_id(register: Registrar) -> None:
    """Two registrations of the same app have different client_ids and secrets."""
    one, other = register().object(), register().object()
    control("client_id" in one and "client_id" in other, "both registrations are accepted", sorted(one))
    expect(one["client_id"] != other["client_id"], "every registration has its own client_id", found=one["client_id"])
    expect(
        one.get("client_secret") != other.get("client_secret") or "client_secret" not in one,
        "every registration has its own secret",
    )


@pytest.mark.requirement("RFC7591-DCR-02")
@pytest.mark.parametrize(
    "uri",
    [
        "https://conformance.example.org/cb#part",
        "http://conformance.example.org/cb",
        "javascript:alert(1)",
        "/callback",
        "https://*.example.org/cb",
        "",
    ],
    ids=["fragment", "plain-http", "javascript", "relative", "wildcard", "empty"],
)
def test_bad_redirect_uri_is_refused(register: Registrar, uri: str) -> None:
    """A redirect URI that cannot be trusted is refused with invalid_redirect_uri."""
    accepted(register)
    expect_refusal(register(redirect_uris=[uri]), "invalid_redirect_uri", "invalid_client_metadata")


@pytest.mark.requirement("RFC7591-DCR-02")
@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uris": None},
        {"grant_types": ["password"]},
        {"token_endpoint_auth_method": "made-up"},
        {"redirect_uris": "https://one.example/cb"},
        {"client_name": 7},
    ],
    ids=["no-redirect-uri", "password-grant", "unknown-method", "uri-no-list", "name-no-string"],
)
def test_bad_metadata_are_refused(register: Registrar, changed: dict[str, Any]) -> None:
    """Metadata the server cannot register are refused with invalid_client_metadata."""
    accepted(register)
    expect_refusal(register(**changed), "invalid_client_metadata", "invalid_redirect_uri")


@pytest.mark.requirement("RFC7591-DCR-02")
def test_body_that_is_no_json_is_refused(register: Registrar, http: Http) -> None:
    """A body that is no JSON is refused with 400, not with 500."""
    accepted(register)
    answer = http.send(
        "POST", register.endpoint, headers={"Content-Type": "application/json"}, body=b'{"redirect_uris": ['
    )
    expect_status(answer, 400, "a broken registration must be refused")


@pytest.mark.requirement("RFC7592-MANAGE-01")
def test_registration_is_managed_with_its_own_token_only(register: Registrar, http: Http) -> None:
    """A registration is read with its own access token, and refused to another registration's."""
    mine, others = register().object(), register().object()
    if "registration_client_uri" not in mine:
        not_applicable("the server does not manage registrations (RFC 7592)")
    url = str(mine["registration_client_uri"])
    control(
        http.get(url, token=str(mine["registration_access_token"])).status == 200,
        "its own token reads the registration",
    )
    answer = http.get(url, token=str(others["registration_access_token"]))
    expect_status(answer, (401, 403), "another registration's token must be refused")
    expect_status(http.get(url), (401, 403), "no token must be refused")


@pytest.mark.requirement("HEALTHSHARE-2.1-REGISTERED")
def test_unregistered_app_gets_nothing(app: App, member: Member) -> None:
    """An app that never registered is answered on a page, without redirect and without a code."""
    control(app.authorize(member).landing.value("code"), "a registered app gets a code")
    landing = app.authorize(member, may_refuse=True, change={"client_id": "never-registered"}).landing
    expect(
        not landing.redirected and 400 <= landing.status < 500,
        "an unregistered app must be refused on a page",
        expected="a page with status 400",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("RFC7592-MANAGE-02")
def test_deleted_registration_is_gone(register: Registrar, http: Http, app: App) -> None:
    """After a registration is deleted its management address and its credentials are refused."""
    mine = register().object()
    if "registration_client_uri" not in mine:
        not_applicable("the server does not manage registrations (RFC 7592)")
    url, token = str(mine["registration_client_uri"]), str(mine["registration_access_token"])
    control(http.get(url, token=token).status == 200, "its own token reads the registration")
    form = {"grant_type": "authorization_code", "code": "invented", "redirect_uri": CALLBACK}
    header = {"Authorization": basic(str(mine["client_id"]), str(mine.get("client_secret", "")))}
    before = http.post_form(app.token_endpoint, form, headers=header)
    control(before.status == 400, "its credentials are taken before, the invented code is not", before.status)
    deleted = http.send("DELETE", url, token=token)
    if deleted.status in (403, 405):
        not_applicable("the server does not let apps delete their registration")
    expect_status(deleted, 204, "a deletion must be answered 204")
    register.made.remove(mine)
    expect_status(http.get(url, token=token), (401, 403, 404), "a deleted registration must not be read")
    after = http.post_form(app.token_endpoint, form, headers=header)
    expect_oauth_error(after, (400, 401), "invalid_client")
