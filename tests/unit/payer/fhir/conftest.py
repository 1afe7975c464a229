"""The FHIR API over the tiny dataset, in memory, with tokens that are what they grant: `m1` or `m1 patient/Observation.rs`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from simulators.payer.clock import Clock
from simulators.payer.context import Grant, Payer, RawHeaders, Scope
from simulators.payer.database import open_database
from simulators.payer.deployment import Deployment, load
from simulators.payer.errors import Unauthorized
from simulators.payer.fhir.api import FhirApi
from simulators.payer.fhir.loading import ensure_loaded, read_manifest
from simulators.payer.store import Store
from tests.postgresql import NoPostgresql, server
from tests.unit.payer.fhir import tiny

NOW = datetime(2026, 7, 2, 12, tzinfo=UTC)
PUBLIC = "http://payer.example"


def scope_of(text: str) -> Scope:
    level, _, rest = text.partition("/")
    resource, _, letters = rest.partition(".")
    letters, _, query = letters.partition("?")
    constraints = (
        tuple((name, value) for name, _, value in (part.partition("=") for part in query.split("&"))) if query else ()
    )
    return Scope(level, resource, frozenset({"read": "rs"}.get(letters, letters)), constraints, text)


def authenticate(headers: RawHeaders) -> Grant:
    """`m1` is a token of that member's app for everything; `m1+substance-use` with the member's consent; `*` a backend's."""
    value = dict(headers).get(b"authorization", b"").decode()
    if not value:
        raise Unauthorized("a token is needed", error="")
    who, _, scopes = value.removeprefix("Bearer ").partition(" ")
    patient, _, sensitive = who.partition("+")
    if patient == "unknown":
        raise Unauthorized("the access token is not known")
    everybody = patient == "*"
    parsed = tuple(map(scope_of, scopes.split() or ["system/*.read" if everybody else "patient/*.read"]))
    return Grant(
        token_id=value, client_id="app", subject=patient, patient=None if everybody else patient, fhir_user=None, scopes=parsed,
        expires_at=NOW.timestamp() + 600, sensitive=frozenset({sensitive} - {""}),
    )  # fmt: skip


class Api:
    """A client of the payer's FHIR API within the process."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self._app = FhirApi(payer)

    def send(
        self, method: str, path: str, token: str | None = "m1", *, base: str = "/fhir", **options: Any
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        url = path if path.startswith("http") else f"{PUBLIC}{base}/{path}"
        request = httpx.Request(method, url, headers=headers, **options)
        status, found, body = asyncio.run(self._exchange(request))
        return httpx.Response(status, headers=found, content=body, request=request)

    async def _exchange(self, request: httpx.Request) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """One request as a server would put it to the application."""
        scope = {
            "type": "http", "method": request.method, "path": unquote(request.url.path), "query_string": request.url.query,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "headers": [(name.lower(), value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"],
        }  # fmt: skip
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": request.read(), "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return sent[0]["status"], sent[0]["headers"], b"".join(message["body"] for message in sent[1:])

    def get(self, path: str, token: str | None = "m1", **options: Any) -> httpx.Response:
        return self.send("GET", path, token, **options)

    def ids(self, path: str, token: str | None = "m1", **options: Any) -> list[str]:
        """The ids of all matches, page by page."""
        found, url = [], path
        while url:
            response = self.get(url, token, **options)
            assert response.status_code == 200, response.text
            bundle = response.json()
            found += [
                entry["resource"]["id"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"
            ]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        return found


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def make_payer(dataset: Path) -> Iterator[Callable[..., Payer]]:
    opened = []

    def make(deployment: Deployment | None = None, database: str = ":memory:") -> Payer:
        deployment = deployment or load("reference")
        store = Store(open_database(database))
        opened.append(store)
        ensure_loaded(store, dataset, deployment)
        clock = Clock()
        clock.freeze(NOW)
        return Payer(
            deployment, clock, store.database, store, read_manifest(dataset), PUBLIC, authenticate=authenticate
        )

    yield make
    for store in opened:
        store.database.close()


@pytest.fixture(scope="session")
def payer(make_payer: Callable[..., Payer]) -> Payer:
    return make_payer()


@pytest.fixture
def api(payer: Payer) -> Iterator[Api]:
    yield Api(payer)
    payer.faults = frozenset()


@pytest.fixture
def fhir_settings(make_payer: Callable[..., Payer]) -> Callable[..., Api]:
    """An API whose deployment differs in some FHIR settings."""

    def make(**changes: Any) -> Api:
        reference = load("reference")
        return Api(make_payer(replace(reference, fhir=replace(reference.fhir, **changes))))

    return make


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server of this session's own."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(server())
        except NoPostgresql as reason:
            pytest.skip(f"PostgreSQL: {reason}")
        yield url


@pytest.fixture(scope="module")
def postgresql_url(postgresql: str) -> str:
    """An empty database on it."""
    import psycopg

    name = f"payer_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    return postgresql.rsplit("/", 1)[0] + f"/{name}"
