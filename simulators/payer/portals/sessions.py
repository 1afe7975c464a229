"""Signed-in people: sessions in the database, their cookies, and the token each form carries against forged requests.

A session id is new at every sign-in (no fixation), ends after idle time and at sign-out, and is stored only as a digest. Cookies of
members, developers and administrators have different names and audiences: one never stands for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from simulators.payer.authorization.records import digest, fresh, same
from simulators.payer.context import Payer
from simulators.payer.rules import rule


@dataclass(frozen=True)
class Session:
    """One signed-in person in one browser."""

    digest: str
    audience: str  # member | developer | administrator
    subject: str
    csrf: str
    auth_time: float
    seen_at: float
    detail: dict[str, Any]


@rule
def session_is_live(seen_at: float, now: float, idle_seconds: float) -> bool:
    """45 CFR 164.312(a)(2)(iii): an idle session ends."""
    return now - seen_at < idle_seconds


@session_is_live.fault("portal-session-never-ends", violates="HIPAA-164.312-a")
def for_ever(seen_at: float, now: float, idle_seconds: float) -> bool:
    """A portal session left alone for a day is still signed in."""
    return True


@rule
def form_is_ours(expected: str, sent: str) -> bool:
    """A form is taken only with the token its page carried (no cross-site request forgery)."""
    return same(expected, sent)


@form_is_ours.fault("consent-without-form-token-accepted", violates="RFC9700-UI-07")
def any_form(expected: str, sent: str) -> bool:
    """The consent form is taken without the token its page carried."""
    return True


@rule
def session_id_at_sign_in(before: str, new: str) -> str:
    """A new session id at sign-in."""
    return new


@session_id_at_sign_in.fault("session-id-kept-through-sign-in", violates="RFC9700-UI-04")
def keep_id(before: str, new: str) -> str:
    """The session id someone planted before sign-in is the session id after it."""
    return before or new


@rule
def cookie_settings(secure: bool) -> dict[str, Any]:
    """Cookies of a session are out of reach of scripts and of other sites' requests."""
    return {"httponly": True, "samesite": "lax", "secure": secure, "path": "/"}


@cookie_settings.fault("session-cookie-readable-by-scripts", violates="RFC9700-UI-05")
def scripts_read(secure: bool) -> dict[str, Any]:
    """The session cookie is neither HttpOnly nor SameSite."""
    return {"httponly": False, "samesite": None, "secure": False, "path": "/"}


def cookie_name(audience: str) -> str:
    """The cookie of an audience."""
    return f"pa_{audience}"


def current(payer: Payer, request: Request, audience: str) -> Session | None:
    """The live session a request belongs to."""
    text = request.cookies.get(cookie_name(audience), "")
    if not text:
        return None
    row = payer.database.one(
        "SELECT digest, audience, subject, csrf, auth_time, seen_at, detail FROM sessions WHERE digest = ? AND audience = ?",
        (digest(text), audience),
    )
    if row is None:
        return None
    now = payer.clock.timestamp()
    if not session_is_live(payer.faults, row[5], now, payer.deployment.login.session_minutes * 60):
        payer.database.execute("DELETE FROM sessions WHERE digest = ?", (row[0],))
        return None
    if now - row[5] > 5:
        payer.database.execute("UPDATE sessions SET seen_at = ? WHERE digest = ?", (now, row[0]))
    return Session(row[0], row[1], row[2], row[3], row[4], row[5], orjson.loads(row[6]))


def begin(
    payer: Payer,
    request: Request,
    response: Response,
    audience: str,
    subject: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Sign a person in: a new session, its cookie on the response."""
    text = session_id_at_sign_in(payer.faults, request.cookies.get(cookie_name(audience), ""), fresh())
    now = payer.clock.timestamp()
    payer.database.execute("DELETE FROM sessions WHERE digest = ?", (digest(text),))
    payer.database.execute(
        "INSERT INTO sessions (digest, audience, subject, csrf, auth_time, seen_at, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (digest(text), audience, subject, fresh(), now, now, orjson.dumps(detail or {}).decode()),
    )
    set_cookie(payer, response, cookie_name(audience), text)


def end(payer: Payer, session: Session, response: Response) -> None:
    """Sign a person out."""
    payer.database.execute("DELETE FROM sessions WHERE digest = ?", (session.digest,))
    response.delete_cookie(cookie_name(session.audience), path="/")


def set_cookie(payer: Payer, response: Response, name: str, value: str) -> None:
    """A cookie that ends with the browser."""
    response.set_cookie(name, value, **cookie_settings(payer.faults, payer.public_url.startswith("https:")))


def browser(request: Request) -> str:
    """What binds a login in progress to one browser, before anyone signed in."""
    return request.cookies.get("pa_browser", "")


def ours(payer: Payer, session: Session, sent: str) -> bool:
    """Whether a form posted in this session carries its token."""
    return form_is_ours(payer.faults, session.csrf, sent)
