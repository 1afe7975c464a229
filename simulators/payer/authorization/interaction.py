"""From a checked authorization request to the member's decision: sign in, prove it, choose the person and the data, allow or deny.

Each step is a page of its own and a POST that answers 303; what was done so far is kept on the server under a transaction bound to the
browser that began it. Leaves to others: the request (authorize.py), credentials (portals/people.py), codes (codes.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import answers, consenting, granting, parameters, prompting
from simulators.payer.authorization.answers import Asked
from simulators.payer.authorization.clients import client_is_served
from simulators.payer.authorization.errors import InvalidRequest
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Consent, digest, fresh
from simulators.payer.authorization.server import Server, of
from simulators.payer.authorization.transactions import PORTAL, Transaction, drop, find, save
from simulators.payer.context import Payer
from simulators.payer.portals import people, rendering, sessions
from simulators.payer.portals.people import Member
from simulators.payer.protection import journal, limits
from simulators.payer.rules import rule

BROWSER_COOKIE = "pa_browser"


@rule
def code_needs_decision(allowed: bool) -> bool:
    """A code is issued only after the member allowed it."""
    return not allowed


@code_needs_decision.fault(
    "code-issued-without-consent", violates="HEALTHSHARE-2.1.1-AUTH-CODE-ISSUE", also=["DEAN-PERMISSION-01"]
)
def no_decision(allowed: bool) -> bool:
    """After sign-in the app gets its code; nobody is asked."""
    return False


@rule
def denial_is_denied(allowed: bool) -> bool:
    """A member who declines gives nothing away (SMART: access_denied)."""
    return allowed


@denial_is_denied.fault("denial-answered-with-a-code", violates="SMART-STANDALONE-06", also=["DEAN-PERMISSION-01"])
def denied_all_the_same(allowed: bool) -> bool:
    """The member declines and the app gets a code."""
    return True


def begin(server: Server, request: Request, asked: Asked) -> Response:
    """A checked request: to the first page, or straight back when no page may be shown."""
    payer = server.payer
    session = sessions.current(payer, request, "member")
    if session is not None and not prompting.is_hinted(server, asked, session.subject):
        session = None
    age = payer.clock.timestamp() - session.auth_time if session else 0.0
    asks_sign_in = prompting.must_sign_in(payer.faults, session is not None, asked.prompt, age, asked.max_age)
    if "none" in asked.prompt:
        standing = prompting.standing_consent(server, asked, session)
        more = payer.deployment.login.unique_client_identifier
        found = prompting.prompt_none_answer(payer.faults, not asks_sign_in, more, standing is not None)
        if found == prompting.GRANTED and standing is not None:
            return granting.grant(server, asked, standing, "consent stands")
        if found != prompting.PAGE:
            return answers.refuse(
                server, asked.redirect_uri, found, "no page may be shown, and one is needed", asked.state
            )
    cookie = sessions.browser(request) or fresh()
    transaction = Transaction(fresh(), asked, digest(cookie), fresh())
    if session is not None and not asks_sign_in:
        transaction.username, transaction.auth_time = session.subject, session.auth_time
        transaction.done = ["password", "factor", "challenge"]
    save(server, transaction)
    response = RedirectResponse(_address(payer, transaction, request), 303, {"Cache-Control": "no-store"})
    sessions.set_cookie(payer, response, BROWSER_COOKIE, cookie)
    return response


def begin_portal(server: Server, request: Request) -> Response:
    """A member signs in to their own pages: the same steps, without an app."""
    home = server.payer.url(server.payer.deployment.endpoints.member)
    asked = Asked(PORTAL, f"{home}/apps", None, "", "", None, None, None, frozenset({"login"}), None, "", "")
    return begin(server, request, asked)


def _address(payer: Payer, transaction: Transaction, request: Request) -> str:
    asked = request.query_params.get("ui_locales", "")[:2]
    tail = f"&lang={asked}" if asked in payer.deployment.portals.languages else ""
    return f"{payer.url(payer.deployment.endpoints.authorize)}/continue?transaction={transaction.id}{tail}"


def next_step(payer: Payer, transaction: Transaction, member: Member | None) -> str:
    """The page that comes next."""
    login, done = payer.deployment.login, transaction.done
    if "password" not in done or member is None:
        return "sign_in"
    if "factor" not in done and people.second_factor_needed(payer.faults, login.second_factor):
        return "factor"
    if "challenge" not in done and login.challenge_questions and member.answers:
        return "challenge"
    if transaction.asked.client is PORTAL:
        return "portal"
    if "identifier" not in done and login.unique_client_identifier:
        return "identifier"
    return "consent"


def show(server: Server, request: Request, transaction: Transaction, status: int = 200) -> Response:
    """The page of the next step."""
    payer, member = server.payer, people.members(server.payer).get(transaction.username)
    step = next_step(payer, transaction, member)
    values: dict[str, Any] = {
        "transaction": transaction,
        "client": transaction.asked.client,
        "message": transaction.message,
    }
    if step == "factor" and member is not None:
        _mail_code(payer, transaction, member)
        values["factors"] = payer.deployment.login.second_factor
    elif step == "challenge" and member is not None:
        values["question"] = _questions(payer, member)[transaction.answered]
    elif step == "portal":
        return RedirectResponse(transaction.asked.redirect_uri, 303, {"Cache-Control": "no-store"})
    elif step == "consent" and member is not None:
        if not code_needs_decision(payer.faults, False):
            return _allow(server, request, transaction, member, consenting.everything(payer, transaction.asked, member))
        values.update(consenting.offer(payer, transaction.asked, member))
    transaction.message = ""
    save(server, transaction)
    return rendering.page(payer, request, f"{step}.html", status, **values)


def _mail_code(payer: Payer, transaction: Transaction, member: Member) -> None:
    now = payer.clock.timestamp()
    if "mail" not in payer.deployment.login.second_factor or (
        transaction.mailed and now - transaction.mailed_at < people.CODE_LIFE
    ):
        return
    transaction.mailed, transaction.mailed_at = people.new_code(), now
    people.send_mail(
        payer, member.username, "Your sign-in code", f"Your code is {transaction.mailed}. It is good for ten minutes."
    )


# -- steps ----------------------------------------------------------------------------------------------------------------------


def _sign_in(server: Server, transaction: Transaction, form: Parameters, address: str) -> Member | None:
    payer = server.payer
    declared = payer.deployment.limits
    limits.take(payer, "sign-in", declared.logins, declared.logins_per_seconds, "", address)
    username, password = form.get("username") or "", form.get("password") or ""
    count, until = people.failures(payer, username)
    if people.locked(payer.faults, count, until, payer.clock.timestamp(), payer.deployment.login.failures_before_lock):
        transaction.message = "signin_locked"
        return None
    member = people.members(payer).get(username)
    right = people.password_is_right(payer.faults, member.password if member else "\0nobody", password)
    if member is None or not right:
        people.failed(payer, username)
        journal.of(payer).audit(
            username[:100], "sign in", client_id=transaction.asked.client.client_id, outcome="refused"
        )
        transaction.message = people.sign_in_refusal(payer.faults, member is not None)
        return None
    people.succeeded(payer, username)
    journal.of(payer).audit(username, "sign in", client_id=transaction.asked.client.client_id)
    transaction.username, transaction.auth_time = username, payer.clock.timestamp()
    transaction.done = ["password"]
    return member


def _factor(server: Server, transaction: Transaction, form: Parameters, member: Member) -> bool:
    payer, now, sent = server.payer, server.payer.clock.timestamp(), (form.get("one_time_code") or "").replace(" ", "")
    expected: tuple[str, ...] = ()
    if "totp" in payer.deployment.login.second_factor:
        expected += people.totp_codes(member, now)
    if transaction.mailed and now - transaction.mailed_at < people.CODE_LIFE:
        expected += (transaction.mailed,)
    used = tuple(code for code, at in _used_codes(payer, member.username) if now - at < people.CODE_LIFE)
    if not people.one_time_code_is_right(payer.faults, expected, sent, used):
        return False
    payer.database.execute(
        "INSERT INTO shared_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (f"used {member.username}", orjson.dumps([*((code, now) for code in used), (sent, now)]).decode()),
    )
    return True


def _used_codes(payer: Payer, username: str) -> list[tuple[str, float]]:
    row = payer.database.one("SELECT value FROM shared_state WHERE name = ?", (f"used {username}",))
    return [(code, at) for code, at in orjson.loads(row[0])] if row else []


def _questions(payer: Payer, member: Member) -> list[str]:
    return list(member.answers)[: payer.deployment.login.challenge_questions]


def _challenge(payer: Payer, transaction: Transaction, form: Parameters, member: Member) -> bool:
    question = _questions(payer, member)[transaction.answered]
    right = people.answer_is_right(payer.faults, member.answers[question], form.get("answer") or "")
    transaction.answered += right
    return right


def proceed(server: Server, request: Request, transaction: Transaction, form: Parameters) -> Response:
    """Take the form of the page that was shown."""
    payer = server.payer
    member = people.members(payer).get(transaction.username)
    step = next_step(payer, transaction, member)
    address = request.client.host if request.client else "unknown"
    if step == "consent" and member is not None and form.get("decision"):
        if not denial_is_denied(payer.faults, form.get("decision") == "allow"):
            drop(server, transaction)
            asked = transaction.asked
            journal.of(payer).audit(member.username, "decline", client_id=asked.client.client_id)
            return answers.refuse(server, asked.redirect_uri, "access_denied", "the member declined", asked.state)
        chosen = consenting.chosen(payer, transaction.asked, member, form, _all(form, "category"), _all(form, "scope"))
        if chosen is None:
            transaction.message = "consent_person_unknown"
            save(server, transaction)
            return show(server, request, transaction, 403)
        return _allow(server, request, transaction, member, chosen)
    before = (list(transaction.done), transaction.answered)
    if step == "sign_in" and form.get("username") is not None:
        member = _sign_in(server, transaction, form, address)
    elif step != "sign_in" and member is not None and step != "consent":
        _prove(server, transaction, form, member, step)
    failed = (transaction.done, transaction.answered) == before
    if failed and step != "sign_in" and transaction.wrong >= payer.deployment.login.failures_before_lock:
        transaction.username, transaction.done, transaction.wrong, transaction.answered = "", [], 0, 0
        transaction.message = "signin_again"
    if step == "sign_in" and not failed:
        # Whoever knew this address before the password was given does not know it any more (RFC 9700 section 4.15, fixation).
        drop(server, transaction)
        transaction.id, transaction.csrf = fresh(), fresh()
    save(server, transaction)
    if failed:
        return show(server, request, transaction, 400 if step != "sign_in" else 401)
    if step == "sign_in" and not prompting.is_hinted(server, transaction.asked, transaction.username):
        drop(server, transaction)
        return answers.refuse(
            server,
            transaction.asked.redirect_uri,
            "login_required",
            "another member signed in",
            transaction.asked.state,
        )
    response = RedirectResponse(_address(payer, transaction, request), 303, {"Cache-Control": "no-store"})
    after = next_step(payer, transaction, member)
    if after == "portal":
        drop(server, transaction)
        response = RedirectResponse(transaction.asked.redirect_uri, 303, {"Cache-Control": "no-store"})
    if after in ("portal", "consent", "identifier"):
        sessions.begin(payer, request, response, "member", transaction.username)
    return response


def _prove(server: Server, transaction: Transaction, form: Parameters, member: Member, step: str) -> None:
    payer = server.payer
    passed = {
        "factor": lambda: _factor(server, transaction, form, member),
        "challenge": lambda: _challenge(payer, transaction, form, member),
        "identifier": lambda: people.identifier_is_right(
            payer.faults, member.unique_client_identifier, form.get("unique_client_identifier") or ""
        ),
    }[step]()
    if passed:
        if step != "challenge" or transaction.answered >= len(_questions(payer, member)):
            transaction.done.append(step)
    else:
        transaction.wrong += 1
        transaction.message = f"{step}_failed"
        people.failed(payer, member.username)


def _all(form: Parameters, name: str) -> frozenset[str]:
    return frozenset(value for key, value in form.values.items() if key == name or key.startswith(f"{name}."))


def _allow(
    server: Server, request: Request, transaction: Transaction, member: Member, chosen: consenting.Choice
) -> Response:
    payer, asked, now = server.payer, transaction.asked, server.payer.clock.timestamp()
    drop(server, transaction)
    if not client_is_served(payer.faults, asked.client.status):
        return rendering.page(payer, request, "error.html", 403, reason="client_not_served")
    acting = chosen.patient is not None and chosen.patient != member.patient
    related = people.related_person(payer, member, chosen.patient) if acting and chosen.patient else None
    consent = Consent(
        id=fresh(12), client_id=asked.client.client_id, subject=member.username, patient=chosen.patient,
        fhir_user=f"RelatedPerson/{related}" if acting and related else f"Patient/{member.patient}",
        acts_for=chosen.patient if acting else None,
        relationship=chosen.relationship if acting else None,
        rights_until=people.rights_end(payer, member, chosen.patient) if acting and chosen.patient else None,
        scope=" ".join(chosen.scopes), sensitive=" ".join(sorted(chosen.sensitive)), granted_at=now,
        expires_at=now + chosen.days * 86_400 if chosen.days else None, auth_time=transaction.auth_time,
    )  # fmt: skip
    return granting.grant(server, asked, consent, "consent")


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The pages between the request and the decision."""
    server = of(payer)

    async def page(request: Request) -> Response:
        server.refresh()
        transaction = find(server, request, request.query_params.get("transaction", ""))
        if transaction is None:
            return rendering.page(payer, request, "error.html", 400, reason="transaction_over")
        return show(server, request, transaction)

    async def submit(request: Request) -> Response:
        server.refresh()
        try:
            kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind != "application/x-www-form-urlencoded":
                raise InvalidRequest("not a form")
            raw = await parameters.body(request, payer.deployment.limits.largest_body_bytes)
            form = parameters.parse(numbered(raw, (b"category", b"scope")))
        except InvalidRequest as refused:
            return rendering.page(payer, request, "error.html", refused.status, reason="request_malformed")
        transaction = find(server, request, form.get("transaction") or "")
        if transaction is None:
            return rendering.page(payer, request, "error.html", 400, reason="transaction_over")
        if form.repeated or not sessions.form_is_ours(payer.faults, transaction.csrf, form.get("form_token") or ""):
            return rendering.page(payer, request, "error.html", 403, reason="form_not_ours")
        try:
            return proceed(server, request, transaction, form)
        except limits.TooMany as too_many:
            answer = rendering.page(payer, request, "error.html", 429, reason="too_many")
            status, headers = limits.answer_headers(payer.faults, too_many.seconds)
            answer.status_code = status
            answer.headers.update(headers)
            return answer

    path = f"{payer.deployment.endpoints.authorize}/continue"
    return [Route(path, page, methods=["GET"]), Route(path, submit, methods=["POST"])]


def numbered(raw: bytes, names: tuple[bytes, ...]) -> bytes:
    """Check boxes of one name, told apart, because nothing else of a form may come twice."""
    pieces = raw.split(b"&")
    for place, piece in enumerate(pieces):
        name, equals, value = piece.partition(b"=")
        if equals and name in names:
            pieces[place] = b"%b.%d=%b" % (name, place, value)
    return b"&".join(pieces)
