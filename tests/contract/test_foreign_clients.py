"""Clients we did not write complete the launch: SMART's Python client, SMART's JavaScript client in a page, an OpenID relying party.

Each against `reference` and two of the payers of the founding documents. The JavaScript client comes from npm, once, into build/npm.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from suites.kit.browser import chromium_path
from tests.unit.payer.running import PASSWORD, REDIRECT, App, Running, dataset, running, s256

DEPLOYMENTS = ("reference", "healthshare", "shared_health")
PACKAGE, ARCHIVE = "fhirclient@2.6.3", "fhirclient-2.6.3.tgz"
SCRIPT = Path("build/npm/fhir-client.min.js")


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def at(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(dataset(tmp_path_factory.mktemp("dataset")), request.param) as found:
        yield found


def client_of(at: Running) -> dict[str, Any]:
    return at.clients.get("public") or at.clients["confidential-symmetric"]


def walk(at: Running, address: str) -> str:
    """A member signs in and allows; the address the browser is sent back to."""
    app = App(at, client_of(at)["name"])
    page = app.next_page(app.http.get(address))
    page = app.next_page(app.post(page, username="member1", password=PASSWORD))
    return app.decide(page).headers["location"]


def test_the_python_smart_client_launches_and_reads_the_patient(at: Running) -> None:
    from fhirclient.client import FHIRClient
    from fhirclient.models.patient import Patient

    client = client_of(at)
    settings = {
        "app_id": client["client_id"], "app_secret": client.get("client_secret"), "api_base": at.fhir + "/", "redirect_uri": REDIRECT,
        "scope": client["scopes"],
    }  # fmt: skip
    smart = FHIRClient(settings=settings)
    assert not smart.ready
    assert smart.prepare() is False
    smart.handle_callback(walk(at, smart.authorize_url))
    assert smart.ready
    assert smart.patient_id == "m1"
    assert Patient.read("m1", smart.server).name[0].family


def test_an_openid_relying_party_verifies_who_signed_in(at: Running) -> None:
    from simple_openid_connect.client import OpenidClient
    from simple_openid_connect.data import TokenSuccessResponse

    client, verifier = client_of(at), "v" * 60
    issuer = at.payer.url(at.payer.deployment.endpoints.issuer)
    party = OpenidClient.from_issuer_url(
        issuer, REDIRECT, client["client_id"], client.get("client_secret"), scope="openid fhirUser"
    )
    address = party.authorization_code_flow.start_authentication(
        state="s-1", nonce="n-2", code_challenge=s256(verifier), code_challenge_method="S256"
    )
    app = App(at, client["name"])
    page = app.next_page(app.http.get(f"{address}&{urlencode({'aud': at.fhir})}"))
    page = app.next_page(app.post(page, username="member1", password=PASSWORD))
    back = app.decide(page).headers["location"]
    found = party.authorization_code_flow.handle_authentication_result(
        back, state="s-1", code_verifier=verifier, code_challenge=s256(verifier), code_challenge_method="S256"
    )
    assert isinstance(found, TokenSuccessResponse)
    token = party.decode_id_token(found.id_token, nonce="n-2")
    assert token.iss == issuer
    userinfo = party.fetch_userinfo(found.access_token)
    assert userinfo.sub == token.sub


# -- the JavaScript client --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def script() -> bytes:
    """SMART's JavaScript client, from npm."""
    if not SCRIPT.is_file():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed, so SMART's JavaScript client cannot be fetched")
        SCRIPT.parent.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["npm", "pack", PACKAGE], cwd=SCRIPT.parent, check=True, capture_output=True, timeout=90)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm could not fetch {PACKAGE}")
        with tarfile.open(SCRIPT.parent / ARCHIVE) as archive:
            member = archive.extractfile("package/build/fhir-client.min.js")
            assert member is not None
            SCRIPT.write_bytes(member.read())
    return SCRIPT.read_bytes()


LAUNCH = """<!doctype html><title>launch</title><script src="/fhir-client.js"></script>
<script>FHIR.oauth2.authorize(%s).catch(error => document.title = "failed: " + error.message);</script>"""
HOME = """<!doctype html><title>waiting</title><script src="/fhir-client.js"></script>
<script>FHIR.oauth2.ready().then(client => client.patient.read()).then(patient => document.title = "patient " + patient.id)
.catch(error => document.title = "failed: " + error.message);</script>"""


@pytest.fixture
def site(at: Running, script: bytes) -> Iterator[str]:
    """An app that is two pages and SMART's script, on an origin of its own."""
    import json

    client = client_of(at)
    settings = {"iss": at.fhir, "clientId": client["client_id"], "scope": client["scopes"], "redirectUri": "/callback"}
    if "client_secret" in client:
        settings["clientSecret"] = client["client_secret"]
    pages = {"/": (LAUNCH % json.dumps(settings)).encode(), "/callback": HOME.encode(), "/fhir-client.js": script}

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(urlsplit(self.path).path)
            self.send_response(200 if body else 404)
            self.send_header("content-type", "text/javascript" if self.path.endswith(".js") else "text/html")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *values: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.browser
def test_the_javascript_smart_client_launches_in_a_page(at: Running, site: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()
        page.set_default_timeout(15_000)
        page.goto(site)
        page.fill("input[name=username]", "member1")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[name=sign-in]")
        page.click("button[value=allow]")
        expect(page).to_have_title("patient m1", timeout=15_000)
        browser.close()


def test_the_foreign_clients_saw_a_payer_that_names_its_endpoints(at: Running) -> None:
    found = httpx.get(f"{at.fhir}/.well-known/smart-configuration").json()
    assert found["token_endpoint"] == at.at("token")
