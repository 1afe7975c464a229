"""The control interface: faults, clock, members, apps, mail, logs, keys, reset; on a port of its own, loopback only.

For tests, proofs and demos. What it changes is written where every worker looks before its next answer. The administrator's pages are
on this port too, so that their origin is never the members'. Leaves to others: what a fault does (the rules).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.payer import onboarding
from simulators.payer.authorization.errors import InvalidRequest
from simulators.payer.authorization.records import Client
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.portals import people
from simulators.payer.protection import guard, journal
from simulators.payer.rules import CATALOG, UnknownFault, load_catalog, select

LARGEST_BODY = 262_144
LONGEST_STEP = 3.2e9  # a hundred years, in seconds
FIRST_YEAR, LAST_YEAR = 1971, 2200
Handler = Callable[[Request], Awaitable[Any]]


class BadControl(Exception):
    """A request to the control interface that makes no sense; 400 with what was wrong."""


def create_control(payer: Payer) -> guard.AsgiApp:
    """The application of the second port."""
    load_catalog()
    interface = Interface(payer)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/health", interface.health),
        ("GET", "/faults", interface.faults),
        ("PUT", "/faults", interface.set_faults),
        ("GET", "/clock", interface.clock),
        ("POST", "/clock", interface.set_clock),
        ("GET", "/members", interface.members),
        ("GET", "/apps", interface.apps),
        ("POST", "/apps", interface.add_app),
        ("PATCH", "/apps/{client_id}", interface.change_app),
        ("GET", "/mailbox/{username}", interface.mailbox),
        ("GET", "/logs/audit", interface.audit),
        ("GET", "/logs/usage", interface.usage),
        ("GET", "/administrator", interface.administrator),
        ("POST", "/keys/rotate", interface.rotate_keys),
        ("POST", "/reset", interface.reset),
    ]
    from simulators.payer.portals import administrator, rendering

    operations = [Route(path, _answering(payer, handler), methods=[method]) for method, path, handler in table]

    async def malformed(request: Request, refused: Exception) -> Response:
        status = refused.status if isinstance(refused, InvalidRequest) else 400
        return rendering.page(payer, request, "error.html", status, english=True, reason="request_malformed")

    application = Starlette(
        routes=[*operations, *administrator.routes(payer), *rendering.routes(payer)],
        exception_handlers={InvalidRequest: malformed},
    )
    return guard.pages_only(payer, application)


def _answering(payer: Payer, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if "origin" in request.headers:  # no page of another origin drives the payer
            return Response(
                b'{"error":"the control interface does not answer web pages"}', 403, media_type="application/json"
            )
        of(payer).refresh()
        try:
            found = await handler(request)
        except (BadControl, UnknownFault) as trouble:
            return Response(orjson.dumps({"error": str(trouble)}), 400, media_type="application/json")
        except KeyError as missing:
            return Response(orjson.dumps({"error": f"no {missing.args[0]}"}), 404, media_type="application/json")
        if isinstance(found, Response):
            return found
        return Response(orjson.dumps(found), 200, media_type="application/json")

    return answer


async def _object(request: Request) -> dict[str, Any]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise BadControl(f"the body is larger than {LARGEST_BODY} bytes")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as trouble:
        raise BadControl(f"the body is not JSON: {trouble}") from trouble
    if not isinstance(found, dict):
        raise BadControl("the body is not a JSON object")
    return found


def _lines(records: list[dict[str, Any]]) -> Response:
    return Response(b"".join(orjson.dumps(record) + b"\n" for record in records), media_type="application/x-ndjson")


class Interface:
    """The operations, one a method."""

    def __init__(self, payer: Payer) -> None:
        self.payer, self.server = payer, of(payer)
        self.journal = journal.of(payer)

    async def health(self, request: Request) -> Any:
        counts = self.payer.store.counts() if self.payer.store is not None else {}
        return {
            "status": "ok",
            "deployment": self.payer.deployment.name,
            "public_url": self.payer.public_url,
            "resources": counts,
        }

    async def faults(self, request: Request) -> Any:
        catalogue = [
            {
                "id": one.id,
                "rule": one.rule,
                "violates": one.violates,
                "also": sorted(one.also),
                "on": one.on,
                "text": one.text,
            }
            for one in sorted(CATALOG.values(), key=lambda fault: fault.id)
        ]
        return {"catalogue": catalogue, "active": sorted(self.payer.faults)}

    async def set_faults(self, request: Request) -> Any:
        wanted = (await _object(request)).get("active")
        if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
            raise BadControl('send {"active": [fault id or prefix, …]}')
        self.payer.faults = select(wanted)
        self.server.ledger.share("faults", sorted(self.payer.faults))
        return {"active": sorted(self.payer.faults)}

    async def clock(self, request: Request) -> Any:
        clock = self.payer.clock
        return {
            "now": clock.now().isoformat(),
            "frozen": clock.state()["frozen"] is not None,
            "furthest": clock.furthest.isoformat(),
        }

    async def set_clock(self, request: Request) -> Any:
        sent, clock = await _object(request), self.payer.clock
        if len(sent) != 1:
            raise BadControl('send one of {"freeze": instant}, {"advance": seconds}, {"resume": true}, {"reset": true}')
        ((what, value),) = sent.items()
        if what == "freeze":
            clock.freeze(_instant(value))
        elif what == "advance" and _is_number(value) and abs(value) < LONGEST_STEP:
            if not FIRST_YEAR <= (clock.now() + timedelta(seconds=value)).year <= LAST_YEAR:
                raise BadControl(f"the clock stands between the years {FIRST_YEAR} and {LAST_YEAR}")
            clock.advance(timedelta(seconds=value))
        elif what == "resume" and value is True:
            clock.resume()
        elif what == "reset" and value is True:
            clock.reset()
        else:
            raise BadControl(f"cannot {what} the clock by {value!r}")
        self.server.ledger.share("clock", clock.state())
        return await self.clock(request)

    async def members(self, request: Request) -> Any:
        return self.payer.manifest.get("members", [])

    async def apps(self, request: Request) -> Any:
        return [_app(client) for client in self.server.ledger.clients()]

    async def add_app(self, request: Request) -> Any:
        try:
            return onboarding.add_app(self.payer, await _object(request))
        except ValueError as trouble:
            raise BadControl(str(trouble)) from trouble

    async def change_app(self, request: Request) -> Any:
        client = self.server.ledger.client(request.path_params["client_id"])
        status = (await _object(request)).get("status")
        if client is None:
            raise KeyError("such app")
        if status not in ("requested", "active", "suspended", "denied", "revoked"):
            raise BadControl("status is one of requested, active, suspended, denied, revoked")
        changed = replace(client, status=status)
        self.server.ledger.save_client(changed)
        self.journal.audit("control", status, client_id=client.client_id)
        return _app(changed)

    async def mailbox(self, request: Request) -> Any:
        return people.mailbox(self.payer, request.path_params["username"])

    async def audit(self, request: Request) -> Any:
        return _lines(self.journal.audit_lines()[::-1])

    async def usage(self, request: Request) -> Any:
        return _lines(self.journal.usage_lines())

    async def administrator(self, request: Request) -> Any:
        from simulators.payer.portals import accounts

        return accounts.administrator(self.payer)

    async def rotate_keys(self, request: Request) -> Any:
        kid = self.server.keys.rotate()
        self.server.ledger.changed()
        self.journal.audit("control", "rotate keys", outcome=kid)
        return {"kid": kid}

    async def reset(self, request: Request) -> Any:
        for begin_again in self.payer.on_reset:
            begin_again()
        return {"status": "reset"}


def _app(client: Client) -> dict[str, Any]:
    hidden = {"secret_digest", "registration_digest"}
    return {name: value for name, value in asdict(client).items() if name not in hidden}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instant(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadControl(f"{value!r} is not an instant with a time zone, such as 2026-07-01T08:00:00-07:00")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadControl(f"the clock stands between the years {FIRST_YEAR} and {LAST_YEAR}")
    return found
