"""What the authorization server remembers: clients, codes, consents, tokens. Secrets and tokens only as SHA-256 digests.

A *consent* is one member's decision for one app; every code and token of that decision belongs to it, so that ending it ends
them all. `epoch` counts the changes that another worker must see on its next request (revocations, clients, faults, clock).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, fields, replace
from typing import Any

import orjson

from simulators.payer.database import Database, Row

MIGRATIONS = [
    """
    CREATE TABLE clients (client_id TEXT PRIMARY KEY, status TEXT NOT NULL, document TEXT NOT NULL);
    CREATE TABLE consents (
        id TEXT PRIMARY KEY, client_id TEXT NOT NULL, subject TEXT NOT NULL, patient TEXT, fhir_user TEXT, acts_for TEXT,
        relationship TEXT, rights_until REAL8, scope TEXT NOT NULL, sensitive TEXT NOT NULL, granted_at REAL8 NOT NULL,
        expires_at REAL8, revoked_at REAL8, revoked_by TEXT, last_access REAL8, auth_time REAL8);
    CREATE INDEX consents_subject ON consents (subject);
    CREATE INDEX consents_client ON consents (client_id);
    CREATE TABLE codes (
        digest TEXT PRIMARY KEY, consent TEXT NOT NULL, client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
        challenge TEXT, method TEXT, nonce TEXT, scope TEXT NOT NULL, requested TEXT NOT NULL, expires_at REAL8 NOT NULL, redeemed_at REAL8);
    CREATE TABLE tokens (
        digest TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, consent TEXT NOT NULL, client_id TEXT NOT NULL,
        scope TEXT NOT NULL, issued_at REAL8 NOT NULL, expires_at REAL8 NOT NULL, used_at REAL8, revoked_at REAL8);
    CREATE INDEX tokens_consent ON tokens (consent);
    CREATE TABLE assertions (digest TEXT PRIMARY KEY, expires_at REAL8 NOT NULL);
    CREATE TABLE sessions (
        digest TEXT PRIMARY KEY, audience TEXT NOT NULL, subject TEXT NOT NULL, csrf TEXT NOT NULL, auth_time REAL8 NOT NULL,
        seen_at REAL8 NOT NULL, detail TEXT NOT NULL);
    CREATE TABLE transactions (id TEXT PRIMARY KEY, detail TEXT NOT NULL, expires_at REAL8 NOT NULL);
    CREATE TABLE failures (name TEXT PRIMARY KEY, count INTEGER NOT NULL, locked_until REAL8 NOT NULL);
    CREATE TABLE mailbox (id IDENTITY, username TEXT NOT NULL, at REAL8 NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE accounts (
        audience TEXT NOT NULL, username TEXT NOT NULL, password TEXT NOT NULL, detail TEXT NOT NULL,
        PRIMARY KEY (audience, username));
    CREATE TABLE shared_state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE epochs (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
    INSERT INTO epochs (id, value) VALUES (1, 1)
    """
]


def digest(secret: str) -> str:
    """The stored form of a secret that is long and random by itself."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def fresh(size: int = 32) -> str:
    """A new unguessable value (RFC 6749 section 10.10), URL-safe."""
    return secrets.token_urlsafe(size)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered app."""

    client_id: str
    name: str
    type: str  # public | confidential-symmetric | confidential-asymmetric | backend-service
    status: str = "active"  # requested | active | suspended | denied | revoked
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    secret_digest: str = ""
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    auth_method: str = ""  # one token_endpoint_auth_method when the registration chose one
    registration_digest: str = ""
    owner: str = ""  # developer account
    contact: str = ""
    company: str = ""
    description: str = ""
    policy_uri: str = ""
    logo_uri: str = ""
    launch_uri: str = ""
    attestations: dict[str, str] = field(default_factory=dict)
    history: tuple[dict[str, Any], ...] = ()
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Consent:
    """One member's decision for one app."""

    id: str
    client_id: str
    subject: str
    patient: str | None
    fhir_user: str | None
    acts_for: str | None
    relationship: str | None
    rights_until: float | None
    scope: str
    sensitive: str
    granted_at: float
    expires_at: float | None
    revoked_at: float | None = None
    revoked_by: str | None = None
    last_access: float | None = None
    auth_time: float | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, as remembered."""

    digest: str
    consent: str
    client_id: str
    redirect_uri: str
    challenge: str | None
    method: str | None
    nonce: str | None
    scope: str
    requested: str
    expires_at: float
    redeemed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An access or refresh token, as remembered."""

    digest: str
    id: str
    kind: str  # access | refresh
    consent: str
    client_id: str
    scope: str
    issued_at: float
    expires_at: float
    used_at: float | None = None
    revoked_at: float | None = None


CLIENT_TUPLES = frozenset({"redirect_uris", "scopes", "grant_types", "history"})
CONSENT_COLUMNS = ", ".join(item.name for item in fields(Consent))
CODE_COLUMNS = ", ".join(item.name for item in fields(Code))
TOKEN_COLUMNS = ", ".join(item.name for item in fields(Token))


def _places(count: int) -> str:
    return ", ".join("?" * count)


class Ledger:
    """The tables of this room."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.migrate("authorization", MIGRATIONS)

    def epoch(self) -> int:
        """Grows whenever a worker must look again."""
        row = self.database.one("SELECT value FROM epochs WHERE id = 1")
        return int(row[0]) if row else 0

    def changed(self) -> None:
        """Tell every worker to look again before its next answer."""
        self.database.execute("UPDATE epochs SET value = value + 1 WHERE id = 1")

    # -- clients
    def client(self, client_id: str) -> Client | None:
        row = self.database.one("SELECT status, document FROM clients WHERE client_id = ?", (client_id,))
        return _client(row) if row else None

    def clients(self) -> list[Client]:
        """Every registration, oldest first."""
        found = [_client(row) for row in self.database.query("SELECT status, document FROM clients")]
        return sorted(found, key=lambda one: (one.created_at, one.client_id))

    def save_client(self, client: Client) -> None:
        document = {item.name: getattr(client, item.name) for item in fields(Client) if item.name != "status"}
        self.database.execute(
            "INSERT INTO clients (client_id, status, document) VALUES (?, ?, ?) ON CONFLICT (client_id) "
            "DO UPDATE SET status = excluded.status, document = excluded.document",
            (client.client_id, client.status, orjson.dumps(document).decode()),
        )
        self.changed()

    def delete_client(self, client_id: str) -> None:
        self.database.execute("DELETE FROM clients WHERE client_id = ?", (client_id,))
        self.changed()

    # -- consents
    def add_consent(self, consent: Consent) -> None:
        self._insert("consents", consent)

    def consent(self, id: str) -> Consent | None:
        row = self.database.one(f"SELECT {CONSENT_COLUMNS} FROM consents WHERE id = ?", (id,))  # noqa: S608 - constant
        return Consent(*row) if row else None

    def consents_of(self, subject: str) -> list[Consent]:
        """A member's decisions, newest first."""
        rows = self.database.query(
            f"SELECT {CONSENT_COLUMNS} FROM consents WHERE subject = ? ORDER BY granted_at DESC",  # noqa: S608
            (subject,),
        )
        return [Consent(*row) for row in rows]

    def consents_for(self, client_id: str) -> list[Consent]:
        """Every decision about one app, newest first."""
        rows = self.database.query(
            f"SELECT {CONSENT_COLUMNS} FROM consents WHERE client_id = ? ORDER BY granted_at DESC",  # noqa: S608
            (client_id,),
        )
        return [Consent(*row) for row in rows]

    def revoke_consent(self, id: str, by: str, now: float) -> None:
        """End a decision and every token of it."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE consents SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL", (now, by, id)
            )
            self.database.execute(
                "UPDATE tokens SET revoked_at = ? WHERE consent = ? AND revoked_at IS NULL", (now, id)
            )
            self.changed()

    def touched(self, consent: str, now: float) -> None:
        """An app just used this decision."""
        self.database.execute("UPDATE consents SET last_access = ? WHERE id = ?", (now, consent))

    # -- codes
    def add_code(self, code: Code) -> None:
        self._insert("codes", code)

    def code(self, text: str) -> Code | None:
        row = self.database.one(f"SELECT {CODE_COLUMNS} FROM codes WHERE digest = ?", (digest(text),))  # noqa: S608
        return Code(*row) if row else None

    def redeem(self, code: Code, now: float) -> bool:
        """Mark the code used; False when another request was first."""
        return (
            self.database.execute(
                "UPDATE codes SET redeemed_at = ? WHERE digest = ? AND redeemed_at IS NULL", (now, code.digest)
            )
            == 1
        )

    # -- tokens
    def add_tokens(self, *tokens: Token) -> None:
        for token in tokens:
            self._insert("tokens", token)

    def token(self, digest: str) -> Token | None:
        row = self.database.one(f"SELECT {TOKEN_COLUMNS} FROM tokens WHERE digest = ?", (digest,))  # noqa: S608
        return Token(*row) if row else None

    def use_refresh(self, token: Token, now: float) -> bool:
        """Mark a rotated refresh token used; False when another request was first."""
        return (
            self.database.execute(
                "UPDATE tokens SET used_at = ? WHERE digest = ? AND used_at IS NULL", (now, token.digest)
            )
            == 1
        )

    def revoke_token(self, token: Token, now: float) -> None:
        self.database.execute("UPDATE tokens SET revoked_at = ? WHERE digest = ?", (now, token.digest))
        self.changed()

    # -- assertions
    def first_use(self, identifier: str, expires_at: float, now: float) -> bool:
        """Remember a `jti`; False when it was used before."""
        self.database.execute("DELETE FROM assertions WHERE expires_at < ?", (now,))
        return (
            self.database.execute(
                "INSERT INTO assertions (digest, expires_at) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
                (digest(identifier), expires_at),
            )
            == 1
        )

    # -- launches from the member's pages
    def begin_launch(self, client_id: str, patient: str, until: float) -> str:
        """A launch of an app for one person; the value to hand over."""
        text = fresh()
        detail = orjson.dumps({"client_id": client_id, "patient": patient}).decode()
        self.database.execute(
            "INSERT INTO transactions (id, detail, expires_at) VALUES (?, ?, ?)",
            (digest(f"launch {text}"), detail, until),
        )
        return text

    def launch(self, text: str, now: float) -> dict[str, str] | None:
        """What a launch is for, while it lasts."""
        row = self.database.one(
            "SELECT detail FROM transactions WHERE id = ? AND expires_at > ?", (digest(f"launch {text}"), now)
        )
        found: dict[str, str] | None = orjson.loads(row[0]) if row else None
        return found

    # -- values shared between workers
    def shared(self, name: str) -> Any:
        """A value every worker sees, or None."""
        row = self.database.one("SELECT value FROM shared_state WHERE name = ?", (name,))
        return orjson.loads(row[0]) if row else None

    def share(self, name: str, value: Any) -> None:
        """Set a value every worker sees from its next request."""
        self.database.execute(
            "INSERT INTO shared_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, orjson.dumps(value).decode()),
        )
        self.changed()

    def drop_expired(self, before: float) -> None:
        """Drop codes, tokens, transactions, sessions, jtis and counts of failures that ended before an instant."""
        with self.database.transaction():
            for table, column in (
                ("codes", "expires_at"),
                ("tokens", "expires_at"),
                ("transactions", "expires_at"),
                ("assertions", "expires_at"),
                ("sessions", "seen_at"),
                ("failures", "locked_until"),
            ):
                self.database.execute(f"DELETE FROM {table} WHERE {column} < ?", (before,))  # noqa: S608 - constants

    def forget(self) -> None:
        """Back to the first day: everything but the signing keys, the accounts and what tells workers to look again."""
        with self.database.transaction():
            for table in (
                "clients",
                "consents",
                "codes",
                "tokens",
                "assertions",
                "sessions",
                "transactions",
                "failures",
                "mailbox",
            ):
                self.database.execute(f"DELETE FROM {table}")  # noqa: S608 - constant
            self.database.execute("DELETE FROM shared_state WHERE name LIKE 'used %'")
            self.changed()

    def _insert(self, table: str, record: Any) -> None:
        names = [item.name for item in fields(record)]
        self.database.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({_places(len(names))})",  # noqa: S608 - our own names
            tuple(getattr(record, name) for name in names),
        )


def _client(row: Row) -> Client:
    document = orjson.loads(row[1])
    known = {item.name for item in fields(Client)}
    values: dict[str, Any] = {
        key: tuple(value) if key in CLIENT_TUPLES else value for key, value in document.items() if key in known
    }
    return replace(Client(**values), status=row[0])
