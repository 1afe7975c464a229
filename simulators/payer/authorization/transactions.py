"""What was asked and what has been done between two pages of one authorization, bound to the browser that began it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import orjson
from starlette.requests import Request

from simulators.payer.authorization.answers import Asked
from simulators.payer.authorization.records import Client, digest, same
from simulators.payer.authorization.server import Server
from simulators.payer.portals import sessions
from simulators.payer.rules import rule

TRANSACTION_LIFE = 900.0
PORTAL = Client("", "your member account", "public")  # who asks when a member signs in to their own pages


@dataclass
class Transaction:
    """What was asked and what has been done, between two pages."""

    id: str
    asked: Asked
    browser: str  # digest of the cookie of the browser that began
    csrf: str
    username: str = ""
    auth_time: float = 0.0
    done: list[str] = field(default_factory=list)  # password, factor, challenge, identifier
    mailed: str = ""
    mailed_at: float = 0.0
    answered: int = 0
    wrong: int = 0
    message: str = ""


@rule
def browser_began_it(began: str, here: str) -> bool:
    """RFC 9700 section 4.7: a consent page belongs to the browser that sent the request."""
    return same(began, here)


@browser_began_it.fault("consent-page-opens-in-any-browser", violates="RFC9700-UI-08")
def any_browser(began: str, here: str) -> bool:
    """The address of a consent page, sent to somebody else, goes on there as the member who signed in."""
    return True


def save(server: Server, transaction: Transaction) -> None:
    """Keep what has been done."""
    detail = {**asdict(transaction), "client_id": transaction.asked.client.client_id}
    detail["asked"] = {**asdict(transaction.asked), "client": None, "prompt": sorted(transaction.asked.prompt)}
    server.payer.database.execute(
        "INSERT INTO transactions (id, detail, expires_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET detail = excluded.detail",
        (digest(transaction.id), orjson.dumps(detail).decode(), server.payer.clock.timestamp() + TRANSACTION_LIFE),
    )


def find(server: Server, request: Request, id: str) -> Transaction | None:
    """The transaction of that id, if this browser began it and its time is not over."""
    row = server.payer.database.one(
        "SELECT detail FROM transactions WHERE id = ? AND expires_at > ?", (digest(id), server.payer.clock.timestamp())
    )
    if row is None:
        return None
    detail = orjson.loads(row[0])
    client_id = detail.pop("client_id")
    client = server.client(client_id) if client_id else PORTAL
    if client is None or not browser_began_it(
        server.payer.faults, detail["browser"], digest(sessions.browser(request))
    ):
        return None
    asked = detail.pop("asked")
    asked.update(client=client, prompt=frozenset(asked["prompt"]))
    return Transaction(**{**detail, "asked": Asked(**asked)})


def drop(server: Server, transaction: Transaction) -> None:
    """It is over."""
    server.payer.database.execute("DELETE FROM transactions WHERE id = ?", (digest(transaction.id),))
