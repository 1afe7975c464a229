"""Pages of a search: opaque `next` links that anyone may keep and only the same authorization may follow (FHIR R4 paging).

A link carries the query as understood, the moment and the last arrival of the first page, and the last entry shown, encrypted: the
number of the last arrival would tell how much the payer holds, and when something came that the app may not see. So pages are stable
while resources arrive: no match twice, none lost, the same total throughout.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import zlib
from dataclasses import dataclass
from functools import lru_cache

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simulators.payer.context import Grant
from simulators.payer.errors import FhirError
from simulators.payer.fhir.requests import Parameters
from simulators.payer.rules import rule

_LONGEST_TOKEN = 12_000
_NONCE = 12


@dataclass(frozen=True)
class Page:
    """Where a search goes on."""

    base: str  # name of the FHIR base
    type: str
    parameters: Parameters
    moment: int
    newest: int
    start: int  # how many matches were shown before
    last: int  # the number of the last one shown
    holder: str  # which authorization may follow


def holder_of(grant: Grant | None) -> str:
    """The authorization a page belongs to; it outlives a refreshed token."""
    return "" if grant is None else _holder(grant.client_id, grant.subject, grant.patient)


@lru_cache(maxsize=4096)
def _holder(client_id: str, subject: str, patient: str | None) -> str:
    return hashlib.sha256(f"{client_id}\0{subject}\0{patient}".encode()).hexdigest()[:16]


def seal(page: Page, key: bytes) -> str:
    """The opaque form of a page."""
    payload = _packed(
        orjson.dumps(
            [page.base, page.type, page.parameters, page.moment, page.newest, page.start, page.last, page.holder]
        )
    )
    nonce = os.urandom(_NONCE)
    return base64.urlsafe_b64encode(nonce + _cipher(key).encrypt(nonce, payload, None)).decode().rstrip("=")


@lru_cache(maxsize=4096)
def unseal(token: str, key: bytes) -> Page:
    """The page a link stands for; a forged or cut link is refused."""
    try:
        if len(token) > _LONGEST_TOKEN:
            raise ValueError("too long")
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        payload = _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        base, type_name, parameters, moment, newest, start, last, holder = orjson.loads(_unpacked(payload))
    except (ValueError, InvalidTag, binascii.Error, zlib.error) as error:
        raise _unknown() from error
    return Page(
        base, type_name, tuple((name, value) for name, value in parameters), moment, newest, start, last, holder
    )


@rule
def opened(token: str, key: bytes) -> Page:
    """A page link that was changed is refused."""
    return unseal(token, key)


@opened.fault("changed-page-links-crash-the-server", violates="FHIR-PAGING-03")
def opened_or_crash(token: str, key: bytes) -> Page:
    """A page link that was changed is answered 500."""
    try:
        return unseal(token, key)
    except FhirError as error:
        raise FhirError(500, "exception", "the page cannot be read") from error


@rule
def frozen_at(moment: int, newest: int, now: int) -> tuple[int, int | None]:
    """Later pages show what had arrived when the first one was taken: its moment, and its last arrival."""
    return moment, newest


@frozen_at.fault("arrivals-shift-the-pages", violates="FHIR-PAGING-04")
def moving(moment: int, newest: int, now: int) -> tuple[int, int | None]:
    """What arrives between two pages changes the total and the pages that follow."""
    return now, None


@rule
def page_may_be_followed(page_holder: str, holder: str) -> None:
    """A page link serves the authorization it was given to and answers others as if it did not exist."""
    if page_holder != holder:
        raise _unknown()


@page_may_be_followed.fault("page-links-work-for-every-token", violates="FHIR-PAGING-02")
def anyone(page_holder: str, holder: str) -> None:
    """A next link given to one member's app works with another member's token."""


@rule
def next_start(start: int, shown: int) -> int:
    """The following page begins right after what was shown."""
    return start + shown


@next_start.fault("pages-repeat-an-entry", violates="FHIR-PAGING-01")
def repeating(start: int, shown: int) -> int:
    """Each page begins with the last entry of the page before."""
    return start + max(shown - 1, 1)


@next_start.fault("pages-lose-an-entry", violates="FHIR-PAGING-01")
def losing(start: int, shown: int) -> int:
    """One match between two pages is on neither."""
    return start + shown + 1


def _packed(payload: bytes) -> bytes:
    """Short pages as they are, long ones compressed: a link should fit every address bar."""
    return b"0" + payload if len(payload) < 600 else b"1" + zlib.compress(payload, 1)


def _unpacked(packed: bytes) -> bytes:
    return packed[1:] if packed[:1] == b"0" else zlib.decompress(packed[1:])


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _unknown() -> FhirError:
    return FhirError(
        400,
        "invalid",
        "_page: this page link is not known, or not given to this app; search again",
        expression=("_page",),
    )
