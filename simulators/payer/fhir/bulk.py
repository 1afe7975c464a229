"""Bulk Data export for backend services: kick-off, status, files, deletion (FHIR Bulk Data Access 2.0.0).

Patient and Group level, `Prefer: respond-async`, `_type`, `_since`, `_outputFormat`. A job remembers what was asked and the moment
it was asked at; files are read from the store as they are fetched, so that a job takes no room. Sensitive records stay out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from simulators.payer.context import Payer
from simulators.payer.errors import FhirError, Forbidden
from simulators.payer.fhir import dates, served, veil
from simulators.payer.fhir.compartment import Reach
from simulators.payer.fhir.matching import invalid
from simulators.payer.fhir.requests import Parameters, Request
from simulators.payer.fhir.responses import Response
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate

PATH = "bulk"
_TABLES = (
    """
    CREATE TABLE bulk_job (id TEXT PRIMARY KEY, client_id TEXT NOT NULL, url TEXT NOT NULL, moment BIGINT NOT NULL,
        types TEXT NOT NULL, since BIGINT NOT NULL, patients TEXT NOT NULL)
    """,
)
_FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
_WORKING = 1000  # milliseconds a job is reported as in progress
_EXPIRES = 24 * 3_600_000


@dataclass(frozen=True)
class Job:
    """One export."""

    id: str
    client_id: str
    url: str
    moment: int
    types: tuple[str, ...]
    since: int
    patients: str  # ids separated by spaces for a group; empty means all


@rule
def export_permitted(everybody: bool) -> bool:
    """Only a backend service with system scopes exports; a member's app does not."""
    return everybody


@export_permitted.fault("export-opens-to-members-apps", violates="FHIR-BULK-02")
def everyone(everybody: bool) -> bool:
    """A member's token starts an export of all members."""
    return True


@rule
def exported(candidates: list[Candidate]) -> list[Candidate]:
    """Every resource once."""
    return candidates


@exported.fault("export-leaves-out-the-last-resource", violates="FHIR-BULK-01")
def incomplete(candidates: list[Candidate]) -> list[Candidate]:
    """The file of each type lacks its last resource."""
    return candidates[:-1]


@exported.fault("export-repeats-resources", violates="FHIR-BULK-01")
def repeated(candidates: list[Candidate]) -> list[Candidate]:
    """The file of each type holds its first resource twice."""
    return [*candidates, *candidates[:1]]


class Bulk:
    """The export jobs of a payer."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self.store = payer.store
        payer.database.migrate("bulk", _TABLES)

    def kick_off(self, reach: Reach, request: Request, group: str, parameters: Parameters) -> Response:
        """Begin an export of all patients or of a group."""
        self._require(reach)
        if "respond-async" not in request.header(b"prefer"):
            raise FhirError(
                400, "invalid", "an export is asynchronous: send Prefer: respond-async", expression=("Prefer",)
            )
        types, since = self._asked(reach, parameters)
        patients = self._members(reach, group) if group else ""
        job = Job(
            secrets.token_urlsafe(18),
            _client(reach),
            f"{reach.base.url}/{request.path}",
            reach.now,
            types,
            since,
            patients,
        )
        self.payer.database.execute(
            "INSERT INTO bulk_job (id, client_id, url, moment, types, since, patients) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job.id, job.client_id, job.url, job.moment, " ".join(job.types), job.since, job.patients),
        )
        location = f"{reach.base.url}/{PATH}/{job.id}"
        return Response(202, b"", ((b"content-location", location.encode()),))

    def answer(self, reach: Reach, request: Request, parts: list[str]) -> Response:
        """Status, a file, or deletion of a job."""
        self._require(reach)
        job = self._job(reach, parts[1] if len(parts) > 1 else "")
        match request.method, parts[2:]:
            case "DELETE", []:
                self.payer.database.execute("DELETE FROM bulk_job WHERE id = ?", (job.id,))
                return Response(202, b"")
            case (("GET" | "HEAD"), []):
                return self._status(reach, job)
            case (("GET" | "HEAD"), [file]):
                return self._file(reach, job, file)
        raise FhirError(
            405, "not-supported", f"{request.method} is not supported here", headers=((b"allow", b"GET, HEAD, DELETE"),)
        )

    def _require(self, reach: Reach) -> None:
        if not export_permitted(reach.active, reach.everybody):
            raise Forbidden("an export needs a backend service with system scopes")

    def _asked(self, reach: Reach, parameters: Parameters) -> tuple[tuple[str, ...], int]:
        types = tuple(name for name in sorted(reach.base.types) if reach.everybody is False or reach.permits(name, "r"))
        since = 0
        for name, value in parameters:
            match name:
                case "_outputFormat" if value not in _FORMATS:
                    raise invalid(name, f"{value!r} is not served; ask for application/fhir+ndjson")
                case "_type":
                    asked = [part for part in value.split(",") if part]
                    unknown = [part for part in asked if part not in reach.base.types]
                    if unknown:
                        raise invalid(name, f"{', '.join(unknown)}: not served here")
                    types = tuple(part for part in dict.fromkeys(asked) if part in types)
                case "_since":
                    try:
                        since = dates.range_of(value)[0]
                    except dates.NotADate as error:
                        raise invalid(name, f"{value!r} is not an instant") from error
        return types, since

    def _members(self, reach: Reach, group: str) -> str:
        stored = self.store.read("Group", group)
        if stored is None or stored.deleted:
            raise FhirError(404, "not-found", f"Group/{group} is not known")
        members = orjson.loads(stored.body).get("member", ())
        return " ".join(member["entity"]["reference"].rpartition("/")[2] for member in members) or "-"

    def _job(self, reach: Reach, id: str) -> Job:
        row = self.payer.database.one(
            "SELECT id, client_id, url, moment, types, since, patients FROM bulk_job WHERE id = ? AND client_id = ?",
            (id, _client(reach)),
        )
        if row is None or reach.now > row[3] + _EXPIRES:
            raise FhirError(404, "not-found", "this export is not known, was deleted or has expired")
        return Job(row[0], row[1], row[2], row[3], tuple(row[4].split()), row[5], row[6])

    def _status(self, reach: Reach, job: Job) -> Response:
        if reach.now < job.moment + _WORKING:
            return Response(202, b"", ((b"x-progress", b"in progress"), (b"retry-after", b"1")))
        output = []
        for type_name in job.types:
            count = sum(1 for _ in self._resources(reach, job, type_name))
            if count:
                url = f"{reach.base.url}/{PATH}/{job.id}/{type_name}.ndjson"
                output.append({"type": type_name, "url": url, "count": count})
        manifest = {
            "transactionTime": dates.text_of(job.moment), "request": job.url, "requiresAccessToken": True, "output": output, "error": [],
        }  # fmt: skip
        expires = dates.text_of(job.moment + _EXPIRES)
        return Response(200, orjson.dumps(manifest), ((b"x-expires", expires.encode()),), b"application/json")

    def _file(self, reach: Reach, job: Job, file: str) -> Response:
        type_name, dot, ending = file.partition(".")
        if ending != "ndjson" or not dot or type_name not in job.types:
            raise FhirError(404, "not-found", "this export has no such file")
        if reach.everybody:
            reach.require(type_name, "r")  # by the token that fetches, whatever began the export
        return Response(200, b"", (), b"application/fhir+ndjson", self._lines(reach, job, type_name))

    def _lines(self, reach: Reach, job: Job, type_name: str) -> Iterator[bytes]:
        batch: list[Candidate] = []
        for candidate in self._resources(reach, job, type_name):
            batch.append(candidate)
            if len(batch) == 500:
                yield self._text(reach, batch)
                batch = []
        if batch:
            yield self._text(reach, batch)

    def _text(self, reach: Reach, batch: list[Candidate]) -> bytes:
        stored = self.store.bodies([candidate.rid for candidate in batch])
        told = [
            veil.over_body(body, veil.hidden(candidate, frozenset()))
            for candidate, body in zip(batch, stored, strict=True)
        ]
        return b"".join(body + b"\n" for body in served.bodies(self.payer, reach.base, told))

    def _resources(self, reach: Reach, job: Job, type_name: str) -> Iterator[Candidate]:
        wanted, narrowed = frozenset(job.patients.split()), reach.narrowed(type_name)
        after = 0
        while True:
            some = self.store.every(type_name, after)
            if not some:
                return
            after = some[-1].rid
            kept = [
                one
                for one in some
                if one.apis & reach.base.bit and one.visible <= job.moment and not one.labels and one.updated >= job.since
                and (not wanted or not one.patient or one.patient in wanted) and (narrowed is None or narrowed(one))
            ]  # fmt: skip
            last = len(some) < 1000
            yield from exported(reach.active, kept) if last else kept
            if last:
                return


def _asked_at(reach: Reach, request: Request) -> str:
    return f"{reach.base.url}/{request.path}" + (f"?{request.query}" if request.query else "")


def _client(reach: Reach) -> str:
    return reach.grant.client_id if reach.grant is not None else ""
