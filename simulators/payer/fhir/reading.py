"""Read, vread and history of one resource (FHIR R4 http).

Leaves to others: what the token reaches (compartment.py), the form of the answer (responses.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from simulators.payer.errors import FhirError
from simulators.payer.fhir import veil
from simulators.payer.fhir.bundles import Links
from simulators.payer.fhir.compartment import Reach, unknown
from simulators.payer.fhir.dates import text_of
from simulators.payer.fhir.privacy import labels_of
from simulators.payer.fhir.requests import Request
from simulators.payer.fhir.responses import Response, require_unchanged, unchanged_since, validators
from simulators.payer.rules import rule
from simulators.payer.store import Store
from simulators.payer.stored import Stored


def gone(type_name: str, id: str) -> FhirError:
    """A deleted resource is answered 410. No app deletes anything here, so getting it wrong would show to nobody: no fault."""
    return FhirError(410, "deleted", f"{type_name}/{id} was deleted")


@rule
def not_known(type_name: str, id: str, exists: bool) -> FhirError:
    """What does not exist and what is out of reach are answered alike: 404."""
    return unknown(type_name, id)


@not_known.fault("foreign-resource-told-from-absent", violates="FHIR-COMPARTMENT-02")
def told_apart(type_name: str, id: str, exists: bool) -> FhirError:
    """Another member's resource is refused with 403 while an unknown id is 404, so that ids can be probed."""
    return FhirError(403, "forbidden", f"{type_name}/{id} is another member's") if exists else unknown(type_name, id)


@not_known.fault("unknown-resource-is-answered-empty", violates="FHIR-READ-01")
def empty(type_name: str, id: str, exists: bool) -> FhirError:
    """Reading an id that does not exist is answered 400 instead of 404."""
    return FhirError(400, "invalid", f"{type_name}/{id} cannot be read")


def sees(store: Store, reach: Reach, stored: Stored) -> bool:
    """Whether a stored resource exists for this request, v2 scope conditions included."""
    if not reach.reads(stored):
        return False
    narrowed = reach.narrowed(stored.type)
    return narrowed is None or all(narrowed(candidate) for candidate in store.candidates([stored.rid]))


def found(store: Store, reach: Reach, type_name: str, id: str) -> Stored:
    """The resource in its current state, or the refusal."""
    reach.require(type_name, "r")
    stored = store.read(type_name, id)
    if stored is None or not sees(store, reach, stored):
        raise not_known(reach.active, type_name, id, stored is not None)
    return stored


def read(store: Store, reach: Reach, request: Request, type_name: str, id: str) -> Response:
    """The current version."""
    stored = found(store, reach, type_name, id)
    if stored.deleted:
        raise gone(type_name, id)
    body = veil.over_body(stored.body, _unseen(store, reach, stored))
    return _version(reach, request, stored.version, stored.updated, body)


def _unseen(store: Store, reach: Reach, stored: Stored) -> frozenset[str]:
    if stored.type != "Provenance":
        return frozenset()
    return frozenset().union(*(veil.hidden(candidate, reach.opened) for candidate in store.candidates([stored.rid])))


def _earlier(store: Store, reach: Reach, stored: Stored) -> Iterator[tuple[int, int, bool, bytes]]:
    """The earlier versions, without those that were kept back when they were the current one."""
    for version, updated, deleted, body in store.versions(stored.type, stored.id):
        if reach.opened.issuperset(labels_of(orjson.loads(body)).split()):
            yield version, updated, deleted, body


@rule
def version_asked(version: str, current: int) -> str:
    """vread shows the version asked for, or none."""
    return version


@version_asked.fault("every-version-is-the-current-one", violates="FHIR-READ-04")
def current_version(version: str, current: int) -> str:
    """vread shows the current version whichever was asked for, also one that never was."""
    return str(current)


@rule
def resource_read(body: bytes) -> bytes:
    """A read answers the resource that was asked for."""
    return body


@resource_read.fault("read-answers-another-id", violates="FHIR-READ-06", also=("FHIR-READ-04",))
def other_id(body: bytes) -> bytes:
    """The resource a read answers has another id than the address."""
    return body.replace(b'"id":"', b'"id":"other-', 1)


def vread(store: Store, reach: Reach, request: Request, type_name: str, id: str, version: str) -> Response:
    """One version."""
    stored = found(store, reach, type_name, id)
    version = version_asked(reach.active, version, stored.version)
    if version == str(stored.version):
        if stored.deleted:
            raise gone(type_name, id)
        body = veil.over_body(stored.body, _unseen(store, reach, stored))
        return _version(reach, request, stored.version, stored.updated, body)
    for number, updated, deleted, body in _earlier(store, reach, stored):
        if version == str(number) and not deleted:
            return _version(reach, request, number, updated, veil.over_body(body, _unseen(store, reach, stored)))
    raise FhirError(404, "not-found", f"{type_name}/{id} has no version {version!r}")


@rule
def history_follows_read() -> bool:
    """The history of a resource is for whom the resource is."""
    return True


@history_follows_read.fault("history-opens-other-records", violates="FHIR-COMPARTMENT-06")
def history_for_all() -> bool:
    """The history of another member's resource is shown."""
    return False


def history(store: Store, reach: Reach, type_name: str, id: str) -> tuple[list[bytes], int]:
    """The entries of a history Bundle, newest first, and how many."""
    anyones = None if history_follows_read(reach.active) else store.read(type_name, id)
    stored = anyones or found(store, reach, type_name, id)
    url = f"{reach.base.url}/{type_name}/{id}"
    versions = [(stored.version, stored.updated, stored.deleted, stored.body), *_earlier(store, reach, stored)]
    unseen = _unseen(store, reach, stored)
    first = min(version for version, *_ in versions)
    entries = []
    for version, updated, deleted, body in versions:
        method = "DELETE" if deleted else "POST" if version == first else "PUT"
        status = "204" if deleted else "201" if version == first else "200"
        resource = b"" if deleted else b'"resource":' + veil.over_body(body, unseen) + b","
        entries.append(
            b'{"fullUrl":"%b",%b"request":{"method":"%b","url":"%b"},"response":{"status":"%b","etag":"W/\\"%d\\"","lastModified":"%b"}}'
            % (
                url.encode(), resource, method.encode(),
                (type_name if method == "POST" else f"{type_name}/{id}").encode(), status.encode(), version, text_of(updated).encode(),
            )
        )  # fmt: skip
    return entries, len(entries)


def history_bundle(entries: list[bytes], links: Links) -> bytes:
    """A history Bundle's bytes."""
    start = (
        b'{"resourceType":"Bundle","type":"history","total":%d,"link":[{"relation":"self","url":"%b"}],"entry":['
        % (
            len(entries),
            links.self.encode(),
        )
    )
    return start + b",".join(entries) + b"]}"


@rule
def validators_of(version: int, updated: int) -> tuple[tuple[bytes, bytes], ...]:
    """A read carries the version as ETag and its time as Last-Modified."""
    return validators(version, updated)


@validators_of.fault("read-has-no-etag", violates="FHIR-READ-03")
def no_etag(version: int, updated: int) -> tuple[tuple[bytes, bytes], ...]:
    """A read comes without ETag."""
    return validators(version, updated)[1:]


@validators_of.fault("read-has-another-versions-etag", violates="FHIR-READ-03")
def wrong_etag(version: int, updated: int) -> tuple[tuple[bytes, bytes], ...]:
    """The ETag of a read is of another version than meta.versionId."""
    return validators(version + 1, updated)


def _version(reach: Reach, request: Request, version: int, updated: int, body: bytes) -> Response:
    require_unchanged(request, version, updated)
    headers = validators_of(reach.active, version, updated)
    if unchanged_since(reach.active, request, version, updated):
        return Response(304, b"", headers)
    return Response(200, resource_read(reach.active, body), headers)
