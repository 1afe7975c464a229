"""A payer on real sockets over the tiny dataset, and an app that walks through its pages as a browser would, without one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn

from simulators.payer import onboarding
from simulators.payer.app import create_app, create_control_app
from simulators.payer.clock import Clock
from simulators.payer.context import Payer
from simulators.payer.database import open_database
from simulators.payer.deployment import Deployment, load
from simulators.payer.fhir.loading import ensure_loaded, read_manifest
from simulators.payer.store import Store
from tests.unit.payer.fhir import tiny

REDIRECT = "http://127.0.0.1:8765/callback"
CONTEXT = httpx.create_ssl_context()  # reading the machine's certificates takes longer than most tests
PASSWORD = "correct horse battery staple"
ANSWERS = {"First pet?": "Rex", "First street?": "Elm Street"}
EVERYTHING = ("claims", "clinical", "demographics", "substance-use")


def dataset(folder: Path) -> Path:
    """The tiny dataset; member1 is called Ana and may act for member3, her child, and has answers to two questions."""
    tiny.write(folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for entry, name in zip(manifest["members"], ("Ana Alvarez", "Ben Brook", "Cleo Alvarez"), strict=True):
        entry.update(name=name, answers=dict(ANSWERS), totp_seed="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    manifest["members"][0]["acts_for"] = [{"patient": "m3", "relationship": "parent", "until": None}]
    manifest["members"][2]["birth_date"] = "2012-03-04"
    path.write_text(json.dumps(manifest))
    return folder


def _listening() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    return found


def _run(application: Any, listening: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    return server, thread


@dataclass
class Running:
    """A payer that answers."""

    payer: Payer
    control: str
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.payer.public_url

    @property
    def fhir(self) -> str:
        return self.payer.url(self.payer.deployment.endpoints.fhir)

    def at(self, endpoint: str) -> str:
        """Absolute address of an endpoint of the deployment."""
        return self.payer.url(getattr(self.payer.deployment.endpoints, endpoint))

    def faults(self, *ids: str) -> None:
        httpx.put(f"{self.control}/faults", json={"active": list(ids)}, verify=CONTEXT).raise_for_status()

    def clock(self, **change: Any) -> None:
        httpx.post(f"{self.control}/clock", json=change, verify=CONTEXT).raise_for_status()


@contextmanager
def running(
    folder: Path, deployment: Deployment | str = "reference", database: str = ":memory:", redis: str = ""
) -> Iterator[Running]:
    """A payer with its control interface and its test apps."""
    public, control = _listening(), _listening()
    opened = open_database(database)
    store, chosen = Store(opened), load(deployment) if isinstance(deployment, str) else deployment
    ensure_loaded(store, folder, chosen)
    address = "http://127.0.0.1:{}".format
    payer = Payer(chosen, Clock(), opened, store, read_manifest(folder), address(public.getsockname()[1]))
    payer.parts["redis_url"] = redis
    servers = [_run(create_app(payer), public), _run(create_control_app(payer), control)]
    found = Running(payer, address(control.getsockname()[1]))
    found.clients = {entry["name"]: entry for entry in onboarding.test_clients(payer)}
    try:
        yield found
    finally:
        for server, thread in servers:
            server.should_exit = server.force_exit = True
            thread.join(5)
        opened.close()


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)"\s+value="([^"]*)"', page))


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


class App:
    """One app and one browser at a payer."""

    def __init__(self, at: Running, client: str = "public") -> None:
        self.at, self.client = at, at.clients[client]
        self.http = httpx.Client(timeout=20, verify=CONTEXT)
        self.verifier = secrets.token_urlsafe(32)
        self.state = secrets.token_urlsafe(12)

    def request(self, **changed: Any) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        sent = {
            "response_type": "code", "client_id": self.client["client_id"], "redirect_uri": REDIRECT, "scope": self.client["scopes"],
            "state": self.state, "aud": self.at.fhir, "code_challenge": s256(self.verifier), "code_challenge_method": "S256", "nonce": "n-1",
            **changed,
        }  # fmt: skip
        return {name: value for name, value in sent.items() if value is not None}

    def authorize(self, **changed: Any) -> httpx.Response:
        return self.http.get(self.at.at("authorize"), params=self.request(**changed))

    def post(self, page: httpx.Response, **fields: Any) -> httpx.Response:
        """Send the form of a page."""
        return self.http.post(f"{self.at.at('authorize')}/continue", data={**hidden_fields(page.text), **fields})

    def next_page(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, (answer.status_code, answer.text[-800:])
        return self.http.get(answer.headers["location"])

    def sign_in(self, member: str = "member1", password: str = PASSWORD, **changed: Any) -> httpx.Response:
        """From the authorization request to the page after the password."""
        page = self.next_page(self.authorize(**changed))
        if 'name="username"' not in page.text:  # signed in already, in this browser
            return page
        return self.next_page(self.post(page, username=member, password=password))

    def decide(self, page: httpx.Response, decision: str = "allow", **fields: Any) -> httpx.Response:
        """Send the consent form, everything ticked unless said otherwise."""
        scopes = re.findall(r'name="scope"\s+value="([^"]+)"', page.text)
        return self.post(page, **{"category": list(EVERYTHING), "scope": scopes, "decision": decision, **fields})

    def code(self, member: str = "member1", fields: dict[str, Any] | None = None, **changed: Any) -> str:
        """A code, by all the pages."""
        answer = self.decide(self.sign_in(member, **changed), **(fields or {}))
        assert answer.status_code in (302, 303), (answer.status_code, answer.text[-800:])
        return query_of(answer.headers["location"])["code"]

    def token_request(self, **fields: Any) -> httpx.Response:
        """A request to the token endpoint with this app's authentication; None leaves a field out."""
        sent = {name: value for name, value in fields.items() if value is not None}
        auth = (self.client["client_id"], self.client["client_secret"]) if "client_secret" in self.client else None
        if auth is None:
            sent.setdefault("client_id", self.client["client_id"])
        return self.http.post(self.at.at("token"), data=sent, auth=auth)

    def redeem(self, issued: str, /, **changed: Any) -> httpx.Response:
        sent = {
            "grant_type": "authorization_code",
            "code": issued,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
            **changed,
        }
        return self.token_request(**sent)

    def tokens(self, member: str = "member1", fields: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
        """A whole launch."""
        answer = self.redeem(self.code(member, fields, **changed))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def refresh(self, token: str, **changed: Any) -> httpx.Response:
        return self.token_request(grant_type="refresh_token", refresh_token=token, **changed)

    def read(self, token: str, path: str = "Patient/m1") -> httpx.Response:
        return self.http.get(f"{self.at.fhir}/{path}", headers={"Authorization": f"Bearer {token}"})
