"""Signing keys: made on the first start, kept in a file only its owner reads, rolled over by command (RFC 7517).

The newest generation signs; earlier ones stay published, so that tokens signed by them still verify, until they are dropped.
id_tokens are RS256, JWT access tokens ES256. A payer whose database lives in memory keeps its keys there too.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from simulators.payer.context import Payer
from simulators.payer.database import Database
from simulators.payer.rules import rule

GENERATIONS_PUBLISHED = 3
FILE = "signing-keys.json"
AnyKey = RSAKey | ECKey | OctKey | OKPKey


def _generation() -> list[dict[str, Any]]:
    made = []
    for key, algorithm in (
        (RSAKey.generate_key(2048, private=True), "RS256"),
        (ECKey.generate_key("P-256", private=True), "ES256"),
    ):
        document = dict(key.as_dict(private=True))
        made.append({**document, "kid": key.thumbprint()[:16], "use": "sig", "alg": algorithm})
    return made


class KeyRing:
    """The keys of one payer, newest generation first."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.generations: list[list[dict[str, Any]]] = []
        self._read_at = 0
        self.load()

    def load(self) -> None:
        """Read the file again when another process changed it; make it when there is none."""
        if self.folder is None:
            self.generations = self.generations or [_generation()]
            return self._prepare()
        path = self.folder / FILE
        try:
            stamp = path.stat().st_mtime_ns
            if stamp == self._read_at:
                return None
            self.generations = orjson.loads(path.read_bytes())
            self._read_at = stamp
        except FileNotFoundError:
            self._write([_generation()], first=True)
        return self._prepare()

    def rotate(self) -> str:
        """A new generation signs from now on; the id of its RS256 key."""
        self.load()
        kept = [_generation(), *self.generations][:GENERATIONS_PUBLISHED]
        if self.folder is None:
            self.generations = kept
            self._prepare()
        else:
            self._write(kept, first=False)
        return str(self.generations[0][0]["kid"])

    def signing(self, algorithm: str) -> tuple[AnyKey, str]:
        """The private key that signs now, and its id."""
        return self._signing[algorithm]

    def public(self) -> list[dict[str, Any]]:
        """The published keys, without their private parts."""
        return self._public

    def key_set(self) -> KeySet:
        """The published keys, to verify by."""
        return self._key_set

    def _prepare(self) -> None:
        self._signing = {item["alg"]: (_key(item), str(item["kid"])) for item in self.generations[0]}
        private = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
        self._public = [
            {name: value for name, value in item.items() if name not in private}
            for generation in self.generations
            for item in generation
        ]
        self._key_set = KeySet.import_key_set({"keys": self._public})

    def _write(self, generations: list[list[dict[str, Any]]], *, first: bool) -> None:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=FILE)  # mkstemp makes it 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(generations))
        path = self.folder / FILE
        try:
            if first:
                os.link(name, path)  # fails when another worker was first, whose keys then count
            else:
                os.replace(name, path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink(missing_ok=True)
        self.generations = orjson.loads(path.read_bytes())
        self._read_at = path.stat().st_mtime_ns
        self._prepare()


def _key(document: dict[str, Any]) -> AnyKey:
    return RSAKey.import_key(document) if document["kty"] == "RSA" else ECKey.import_key(document)


def folder_of(database: Database) -> Path | None:
    """Where the keys of a payer live: beside its database file, in the state folder for PostgreSQL, nowhere for memory."""
    if database.dialect == "sqlite":
        row = database.one("PRAGMA database_list")
        return Path(row[2]).with_suffix(".keys") if row and row[2] else None
    row = database.one("SELECT current_database(), oid::text FROM pg_database WHERE datname = current_database()")
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    name = hashlib.sha256(repr(row).encode()).hexdigest()[:16]
    return state / "patient-access" / name


@rule
def published_keys(public: list[dict[str, Any]]) -> dict[str, Any]:
    """OpenID Connect Core section 10.1.1: the JWKS holds every key that signed something still valid."""
    return {"keys": public}


@published_keys.fault("jwks-empty", violates="OIDC-DISCOVERY-03")
def no_keys(public: list[dict[str, Any]]) -> dict[str, Any]:
    """The JWKS is an empty list."""
    return {"keys": []}


@published_keys.fault("jwks-without-the-signing-key", violates="OIDC-IDTOKEN-08", also=["OIDC-IDTOKEN-01"])
def older_keys(public: list[dict[str, Any]]) -> dict[str, Any]:
    """The JWKS holds a key, but not the one that signs."""
    return {
        "keys": [
            # Another modulus of the same length: its first digit stays.
            {**key, "kid": f"{key['kid']}-previous", "n": key["n"][0] + key["n"][:0:-1]}
            for key in public
            if key["kty"] == "RSA"
        ]
    }


def ring_of(payer: Payer) -> KeyRing:
    """The keys of this payer."""
    ring: KeyRing | None = payer.parts.get("keys")
    if ring is None:
        ring = payer.parts["keys"] = KeyRing(folder_of(payer.database))
    return ring
