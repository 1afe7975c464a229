"""Accounts of developers and administrators: scrypt digests, lock-out, the first administrator's password.

The first administrator is made at the first start; its password comes from PATIENT_ACCESS_ADMINISTRATOR_PASSWORD or is made up and
told on the control interface only. Leaves to others: members (people.py), sessions (sessions.py).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import Any

import orjson

from simulators.payer.context import Payer
from simulators.payer.portals import people

ADMINISTRATOR = "administrator"
SHORTEST = 12


def protected(password: str, salt: bytes | None = None) -> str:
    """A password as it is stored: scrypt with a salt of its own."""
    salt = salt or secrets.token_bytes(16)
    return (
        f"{salt.hex()}${hashlib.scrypt(password.encode('utf-8', 'surrogatepass'), salt=salt, n=2**13, r=8, p=1).hex()}"
    )


NOBODY = protected("nobody has this password", b"0123456789abcdef")


def create(payer: Payer, audience: str, username: str, password: str, detail: dict[str, Any]) -> bool:
    """A new account; False when the name is taken."""
    return (
        payer.database.execute(
            "INSERT INTO accounts (audience, username, password, detail) VALUES (?, ?, ?, ?) ON CONFLICT (audience, username) DO NOTHING",
            (audience, username, protected(password), orjson.dumps(detail).decode()),
        )
        == 1
    )


def detail(payer: Payer, audience: str, username: str) -> dict[str, Any]:
    """What is known of an account."""
    row = payer.database.one("SELECT detail FROM accounts WHERE audience = ? AND username = ?", (audience, username))
    found: dict[str, Any] = orjson.loads(row[0]) if row else {}
    return found


def proved(payer: Payer, audience: str, username: str, password: str) -> str:
    """Empty when the password is right, else the text key of the refusal; an unknown name costs as much as a known one."""
    name = f"{audience} {username}"
    count, until = people.failures(payer, name)
    if people.locked(payer.faults, count, until, payer.clock.timestamp(), payer.deployment.login.failures_before_lock):
        return "signin_locked"
    row = payer.database.one("SELECT password FROM accounts WHERE audience = ? AND username = ?", (audience, username))
    stored = row[0] if row else NOBODY
    if not hmac.compare_digest(stored, protected(password[:1000], bytes.fromhex(stored.split("$")[0]))) or row is None:
        people.failed(payer, name)
        return "signin_failed"
    people.succeeded(payer, name)
    return ""


def administrator(payer: Payer) -> dict[str, str]:
    """The first administrator's name and password, made when there is none."""
    kept: dict[str, str] | None = payer.parts.get("administrator")
    if kept is None:
        password = os.environ.get("PATIENT_ACCESS_ADMINISTRATOR_PASSWORD") or secrets.token_urlsafe(15)
        payer.database.execute(
            "DELETE FROM accounts WHERE audience = ? AND username = ?", ("administrator", ADMINISTRATOR)
        )
        create(payer, "administrator", ADMINISTRATOR, password, {"name": "Administrator"})
        kept = payer.parts["administrator"] = {"username": ADMINISTRATOR, "password": password}
    return kept
