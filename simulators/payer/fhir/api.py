"""The FHIR APIs as one ASGI application: which base a path is under, what is asked of it, and every answer in its form.

Leaves to others: who may (authorization/access.py, compartment.py), what exists (store.py), each interaction (reading.py,
searching.py, everything.py, bulk.py).
"""

from __future__ import annotations

import logging
import re

import orjson

from simulators.payer.context import Grant, Payer
from simulators.payer.errors import FhirError, ProtocolError
from simulators.payer.fhir import bulk, outcomes, reading, served
from simulators.payer.fhir.access import Access
from simulators.payer.fhir.bases import Base, bases_of
from simulators.payer.fhir.bundles import Links
from simulators.payer.fhir.capability import statement, statement_told
from simulators.payer.fhir.compartment import Reach
from simulators.payer.fhir.dates import text_of
from simulators.payer.fhir.paging import opened
from simulators.payer.fhir.query import WHOLE, shape_asked
from simulators.payer.fhir.requests import (
    AsgiScope,
    Receive,
    Request,
    Send,
    form_body,
    parameters_of,
    read_request,
    unread,
    with_token_of_address,
)
from simulators.payer.fhir.responses import FHIR_JSON, Response, require_format, send_response
from simulators.payer.fhir.searching import Searching
from simulators.payer.fhir.shaping import shaped
from simulators.payer.protection import journal
from simulators.payer.rules import rule

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_READS = ("GET", "HEAD")
# Whatever else a page wants to send does no harm: nothing but these is looked at.
_HEADERS_TAKEN = b"authorization, accept, content-type, prefer, if-none-match, if-modified-since, if-match"
_HEADER_NAMES = re.compile(rb"[a-z0-9\-]{1,64}(, ?[a-z0-9\-]{1,64}){0,20}")
_log = logging.getLogger(__name__)


@rule
def unsupported_method(method: str, allowed: str) -> FhirError:
    """A method a place does not have is answered 405 with Allow."""
    return FhirError(405, "not-supported", f"{method} is not supported here", headers=((b"allow", allowed.encode()),))


@unsupported_method.fault("method-refusal-has-no-allow", violates="FHIR-ERRORS-03")
def no_allow(method: str, allowed: str) -> FhirError:
    """405 comes without the Allow header."""
    return FhirError(405, "not-supported", f"{method} is not supported here")


@rule
def reads(method: str) -> bool:
    """GET reads, and HEAD does without the body."""
    return method in _READS


@reads.fault("head-is-not-supported", violates="FHIR-READ-05")
def only_get(method: str) -> bool:
    """HEAD is answered 405 where GET is answered."""
    return method == "GET"


@rule
def write_refused(method: str) -> bool:
    """A payer's API for members' apps reads only."""
    return True


@write_refused.fault("writes-are-accepted", violates="FHIR-READONLY-01")
def write_accepted(method: str) -> bool:
    """A create, update or delete with a token that only reads is answered as done."""
    return False


@rule
def token_demanded(base: Base) -> bool:
    """Member data wants a token; the directory (42 CFR 431.70) and the formulary are open."""
    return not base.is_open


@token_demanded.fault(
    "directory-demands-a-token",
    violates="CMS9115-431.70",
    also=(
        "BELITSOFT-PROVIDER-DIRECTORY",
        "CMS9115-438.242-b6",
        "PLANNET-SEARCH-01",
        "SHM-ENDPOINT-PLAN-NET-01",
        "SHM-ENDPOINT-PLAN-NET-02",
        "SHM-ENDPOINT-PLAN-NET-03",
        "SHM-ENDPOINT-PLAN-NET-04",
        "SHM-ENDPOINT-PLAN-NET-05",
        "SHM-ENDPOINT-PLAN-NET-06",
        "SHM-ENDPOINT-PLAN-NET-07",
        "SHM-ENDPOINT-PLAN-NET-08",
    ),
)
def closed_directory(base: Base) -> bool:
    """The provider directory asks for a token."""
    return not base.is_open or base.name == "directory"


@token_demanded.fault(
    "formulary-demands-a-token",
    violates="CMS9115-422.119-b2",
    also=("CMS9115-431.60-b4", "SHM-ENDPOINT-MEDICATIONKNOWLEDGE"),
)
def closed_formulary(base: Base) -> bool:
    """The drug formulary asks for a token."""
    return not base.is_open or base.name == "formulary"


class FhirApi:
    """Serves every path under the FHIR bases of the deployment."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self.bases = bases_of(payer.deployment, payer.public_url)
        self.access = Access(payer)
        self.searching = Searching(payer)
        self.bulk = bulk.Bulk(payer)
        self.journal = journal.of(payer)
        self._started = text_of(int(payer.clock.timestamp()) * 1000)
        self._statements: dict[tuple[str, frozenset[str]], bytes] = {}
        # The longest path first, so that a base below another one is found.
        self._by_path = tuple(sorted(self.bases, key=lambda base: -len(base.path)))

    def base_of(self, path: str) -> Base | None:
        """The base a path is under; well-known documents below a base belong to the authorization server."""
        for base in self._by_path:
            if path.startswith(base.path) and (len(path) == len(base.path) or path[len(base.path)] == "/"):
                return None if "/.well-known/" in path else base
        return None

    def _grant(self, request: Request) -> Grant:
        headers = with_token_of_address(self.payer.faults, request.raw_headers, request.query)
        return self.payer.authenticate(headers)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        base = self.base_of(scope["path"])
        assert base is not None
        await self.answer(base, scope, receive, send)

    async def answer(self, base: Base, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """One request under a base."""
        active = self.payer.faults
        grant: Grant | None = None
        request: Request | None = None
        try:
            request = read_request(scope, base.path)
            if request.method == "OPTIONS":
                response = _preflight(request)
            elif request.path == "metadata":
                response = self._metadata(base, request)
            else:
                grant = self._grant(request) if token_demanded(active, base) else None
                response = await self._answer(self.access.reach(base, grant), request, receive)
            await self._note(grant, request, response)
        except ProtocolError as error:
            status, content_type, body = outcomes.refusal_as_told(active, error, outcomes.of(error))
            response = Response(status, body, error.headers, content_type)
            if request is None:
                request = unread(scope)
            await self._note(grant, request, response)
        except Exception:
            _log.exception("%s %s", scope["method"], scope["path"])
            failure = FhirError(500, "exception", "the server failed; the failure was noted")
            response = Response(500, outcomes.of(failure), (), FHIR_JSON)
        await send_response(request or unread(scope), response, send, active)

    async def _note(self, grant: Grant | None, request: Request, response: Response) -> None:
        """Into the usage log, if anything was delivered to a member's app; done when the line is kept."""
        if grant is None or request.method == "HEAD":
            return
        type_name, _, rest = request.path.partition("/")
        is_read = rest and rest != "_search" and "/" not in rest
        interaction = f"{'read' if is_read else 'search'} {response.of_type or type_name}"
        kept = self.journal.delivered(grant, response.status, response.resources, interaction)
        if kept is not None:
            await kept

    async def _answer(self, reach: Reach, request: Request, receive: Receive) -> Response:
        base, parts = reach.base, request.path.split("/")
        parameters = () if not request.query else parameters_of(request.query)
        if parts[0] != bulk.PATH:  # a file of an export is NDJSON, and its client says that it accepts that
            require_format(self.payer.faults, request, parameters)
        if request.method == "POST" and parts[-1] == "_search" and len(parts) == 2:
            parameters += parameters_of(await form_body(self.payer.faults, request, receive))
            return self._search(reach, request, parts[0], parameters)
        exported = self._export(reach, request, parts, parameters)
        if exported is not None:
            return exported
        if not reads(self.payer.faults, request.method):
            return self._write(base, request, parts)
        return self._get(reach, request, parts, parameters)

    def _export(
        self, reach: Reach, request: Request, parts: list[str], parameters: tuple[tuple[str, str], ...]
    ) -> Response | None:
        if not self.payer.deployment.fhir.bulk or reach.base.is_open:
            return None
        match parts:
            case [bulk.PATH, *_]:
                return self.bulk.answer(reach, request, parts)
            case ["Patient", "$export"] if request.method in _READS:
                return self.bulk.kick_off(reach, request, "", parameters)
            case ["Group", group, "$export"] if request.method in _READS and "Group" in reach.base.types:
                return self.bulk.kick_off(reach, request, group, parameters)
        return None

    def _get(
        self, reach: Reach, request: Request, parts: list[str], parameters: tuple[tuple[str, str], ...]
    ) -> Response:
        type_name = parts[0]
        if type_name not in reach.base.types:
            if parts == [""] and any(name == "_page" for name, _ in parameters):
                return self._search(reach, request, "", parameters)
            raise _nothing_at(request)
        store = self.payer.store
        match parts:
            case [_]:
                return self._search(reach, request, type_name, parameters)
            case [_, "_search"]:
                raise unsupported_method(self.payer.faults, request.method, "POST, OPTIONS")
            case [_, id]:
                _require_id(type_name, id)
                return self._served(reach, reading.read(store, reach, request, type_name, id), shape_asked(parameters))
            case ["Patient", id, "$everything"] if self.payer.deployment.fhir.everything and not reach.base.is_open:
                reading.found(store, reach, "Patient", id)
                return self.searching.everything(reach, id, parameters)
            case [_, id, "_history"]:
                _require_id(type_name, id)
                entries, _ = reading.history(store, reach, type_name, id)
                body = reading.history_bundle(entries, Links(f"{reach.base.url}/{request.path}", "", ""))
                return Response(200, body, resources=len(entries))
            case [_, id, "_history", version]:
                _require_id(type_name, id)
                found = reading.vread(store, reach, request, type_name, id, version)
                return self._served(reach, found, shape_asked(parameters))
        raise _nothing_at(request)

    def _served(self, reach: Reach, response: Response, shape: tuple[str, tuple[str, ...]]) -> Response:
        if response.status != 200:
            return response
        (response.body,) = served.bodies(self.payer, reach.base, [response.body])
        if shape != WHOLE:
            response.body = shaped(reach.active, response.body, *shape)
        response.resources = 1
        return response

    def _search(
        self, reach: Reach, request: Request, type_name: str, parameters: tuple[tuple[str, str], ...]
    ) -> Response:
        token = next((value for name, value in parameters if name == "_page"), "")
        if token:
            page = opened(self.payer.faults, token, self.searching.key)
            return self.searching.follow(reach, page, token)
        if type_name not in reach.base.types:
            raise _nothing_at(request)
        strict = "handling=strict" in request.header(b"prefer").replace(" ", "").lower()
        return self.searching.first_page(reach, type_name, parameters, strict=strict)

    def _metadata(self, base: Base, request: Request) -> Response:
        if request.method not in _READS:
            raise unsupported_method(self.payer.faults, request.method, "GET, HEAD, OPTIONS")
        parameters = parameters_of(request.query)
        require_format(self.payer.faults, request, parameters)
        if any(name == "mode" and value not in ("full", "normative") for name, value in parameters):
            raise FhirError(400, "not-supported", "mode: only the CapabilityStatement is offered", expression=("mode",))
        key = (base.name, self.payer.faults)
        if key not in self._statements:
            told = statement_told(self.payer.faults, statement(self.payer, base, self._started))
            self._statements[key] = orjson.dumps(told)
        return Response(200, self._statements[key])

    def _write(self, base: Base, request: Request, parts: list[str]) -> Response:
        if parts[0] not in base.types and parts != [""]:
            raise _nothing_at(request)
        if not write_refused(self.payer.faults, request.method):
            return Response(
                {"POST": 201, "DELETE": 204}.get(request.method, 200),
                b'{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}',
            )
        allowed = "POST, OPTIONS" if parts[-1] == "_search" else "GET, HEAD, OPTIONS"
        raise unsupported_method(self.payer.faults, request.method, allowed)


def _preflight(request: Request) -> Response:
    """OPTIONS, also as a browser asks before it lets a page of another origin send a request (Fetch, CORS preflight)."""
    asked = request.headers.get(b"access-control-request-headers", b"").lower()
    others = asked if _HEADER_NAMES.fullmatch(asked) else b""
    headers = (
        (b"allow", b"GET, HEAD, POST, OPTIONS"),
        (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
        (b"access-control-allow-headers", _HEADERS_TAKEN + (b", " + others if others else b"")),
        (b"access-control-max-age", b"86400"),
    )
    return Response(204, b"", headers if b"origin" in request.headers else headers[:1])


def _require_id(type_name: str, id: str) -> None:
    if not _ID.fullmatch(id):
        raise FhirError(404, "not-found", f"{type_name}/… has no such id: ids are letters, digits, - and . up to 64")


def _nothing_at(request: Request) -> FhirError:
    return FhirError(
        404,
        "not-found",
        f"nothing is served at {request.path!r}"
        if request.path
        else "nothing is served at the base itself; see metadata",
    )
