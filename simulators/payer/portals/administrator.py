"""Administrators' pages, on the control port: another origin than the members', with a sign-in of their own.

Requests against the published criteria, suspension and its end, client identifiers for county staff, usage, audit with the daily review,
alerts, utilisation data. Leaves to others: the decision (onboarding/review.py), the logs (protection/journal.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import parameters
from simulators.payer.authorization.errors import InvalidRequest
from simulators.payer.authorization.interaction import numbered
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Client, fresh
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.onboarding import review
from simulators.payer.onboarding.review import BadDecision, Decision
from simulators.payer.portals import accounts, people, rendering, sessions
from simulators.payer.portals.sessions import Session
from simulators.payer.protection import journal, limits
from simulators.payer.rules import rule

HOME = "/admin"
FORM_COOKIE = "pa_admin_form"
UTILISATION_DAYS = 7
TROUBLES = {
    "review_missing": "An app is approved when every criterion is met; tick each one you have verified.",
    "review_nothing_missing": "An app is denied only for a published criterion it does not meet; leave that one unticked.",
    "review_reason": "Write down the reason.",
    "review_state": "This step is not possible in the app's state.",
}


@rule
def audit_may_be_seen(signed_in: bool) -> bool:
    """The logs are for administrators."""
    return signed_in


@audit_may_be_seen.fault("administrator-pages-open-to-anyone", violates="HIPAA-164.312-a")
def open_to_anyone(signed_in: bool) -> bool:
    """The administrator's log pages open without signing in."""
    return True


def due_day(asked: date, business_days: int) -> date:
    """So many business days later; weekends and federal holidays do not count."""
    closed, day = holidays.country_holidays("US", years=(asked.year, asked.year + 1)), asked
    while business_days:
        day += timedelta(days=1)
        business_days -= day.weekday() < 5 and day not in closed
    return day


class AdministratorPages:
    """The pages of one payer."""

    def __init__(self, payer: Payer) -> None:
        self.payer, self.server, self.journal = payer, of(payer), journal.of(payer)
        accounts.administrator(payer)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        session = values.pop("session", None) or self.session(request)
        return rendering.page(self.payer, request, template, status, english=True, session=session, home=HOME, **values)

    def session(self, request: Request) -> Session | None:
        return sessions.current(self.payer, request, "administrator")

    def to(self, path: str) -> Response:
        return RedirectResponse(HOME + path, 303, {"Cache-Control": "no-store"})

    async def form(self, request: Request) -> Parameters:
        raw = await parameters.body(request, self.payer.deployment.limits.largest_body_bytes)
        return parameters.parse(numbered(raw, (b"met",)))

    # -- signing in
    async def front(self, request: Request) -> Response:
        return self.to("/apps")

    def sign_in_page(self, request: Request, message: str = "", status: int = 200) -> Response:
        token = request.cookies.get(FORM_COOKIE) or fresh()
        answer = self.page(request, "admin_sign_in.html", status, message=message, form_token=token)
        sessions.set_cookie(self.payer, answer, FORM_COOKIE, token)
        return answer

    async def sign_in_form(self, request: Request) -> Response:
        return self.sign_in_page(request)

    async def sign_in(self, request: Request) -> Response:
        form, expected = await self.form(request), request.cookies.get(FORM_COOKIE, "")
        if not expected or not sessions.form_is_ours(self.payer.faults, expected, form.get("form_token") or ""):
            return self.sign_in_page(request, "The form was too old. Try again.", 403)
        name = form.get("username") or ""
        if trouble := accounts.proved(self.payer, "administrator", name, form.get("password") or ""):
            self.journal.audit(name[:100], "sign in", outcome="refused")
            return self.sign_in_page(request, rendering.texts()["en"][trouble], 401)
        self.journal.audit(name, "sign in")
        response = self.to("/apps")
        sessions.begin(self.payer, request, response, "administrator", name)
        return response

    async def sign_out(self, request: Request, session: Session, form: Parameters) -> Response:
        response = self.to("/sign-in")
        sessions.end(self.payer, session, response)
        return response

    # -- apps
    async def apps(self, request: Request) -> Response:
        order = {"requested": 0, "suspended": 1, "active": 2}
        found = sorted(self.server.ledger.clients(), key=lambda one: (order.get(one.status, 3), -one.created_at))
        return self.page(request, "admin_apps.html", apps=found)

    def app_page(self, request: Request, client: Client, message: str = "", status: int = 200) -> Response:
        criteria = review.criteria_of(self.payer.faults, self.payer.deployment.onboarding.criteria, client)
        consents = self.server.ledger.consents_for(client.client_id)
        live = sum(one.revoked_at is None for one in consents)
        steps = [step for step, (before, _) in review.STEPS.items() if client.status in before]
        return self.page(
            request,
            "admin_app.html",
            status,
            client=client,
            criteria=criteria,
            message=message,
            live=live,
            total=len(consents),
            steps=steps,
        )

    async def app(self, request: Request) -> Response:
        client = self.server.ledger.client(request.path_params["client_id"])
        return self.app_page(request, client) if client else self.page(request, "error.html", 404, reason="not_found")

    async def decide(self, request: Request, session: Session, form: Parameters) -> Response:
        client = self.server.ledger.client(request.path_params["client_id"])
        if client is None:
            return self.page(request, "error.html", 404, reason="not_found")
        met = frozenset(value for name, value in form.values.items() if name.startswith("met."))
        try:
            review.decide(
                self.payer, client, Decision(form.get("step") or "", form.get("reason") or "", met), session.subject
            )
        except BadDecision as refused:
            return self.app_page(request, client, TROUBLES[str(refused)], 409)
        return self.to(f"/apps/{client.client_id}")

    # -- people
    async def identifiers(self, request: Request) -> Response:
        wanted = request.query_params.get("member", "").strip()[:100]
        member = people.members(self.payer).get(wanted) or people.by_patient(self.payer, wanted)
        if member is not None:
            session = self.session(request)
            self.journal.audit(
                session.subject if session else "anyone", "look up client identifier", subject=member.patient
            )
        return self.page(request, "admin_identifiers.html", wanted=wanted, member=member)

    # -- logs
    async def usage(self, request: Request) -> Response:
        self.journal.write()
        rows = self.payer.database.query(
            "SELECT client_id, COUNT(*), SUM(resources), COUNT(DISTINCT patient), MAX(at) FROM deliveries GROUP BY client_id ORDER BY 2 DESC"
        )
        names = {client.client_id: client.name for client in self.server.ledger.clients()}
        found = [(names.get(row[0], row[0]), *row[1:]) for row in rows]
        return self.page(request, "admin_usage.html", rows=found)

    async def audit(self, request: Request) -> Response:
        wanted = request.query_params.get("text", "").strip()[:100]
        reviews = self.payer.database.query("SELECT day, who, at, note FROM reviews ORDER BY id DESC LIMIT 14")
        today = people.today(self.payer).isoformat()
        return self.page(
            request, "admin_audit.html", lines=self.journal.audit_lines(text=wanted, most=200), wanted=wanted, reviews=reviews, today=today,
            reviewed=any(row[0] == today for row in reviews),
        )  # fmt: skip

    async def sign_review(self, request: Request, session: Session, form: Parameters) -> Response:
        self.payer.database.execute(
            "INSERT INTO reviews (day, who, at, note) VALUES (?, ?, ?, ?)",
            (
                people.today(self.payer).isoformat(),
                session.subject,
                self.payer.clock.timestamp(),
                (form.get("note") or "")[:2000],
            ),
        )
        self.journal.audit(session.subject, "daily review", outcome="signed")
        return self.to("/audit")

    async def alerts(self, request: Request) -> Response:
        return self.page(request, "admin_alerts.html", refusals=limits.refusals(self.payer)[:200])

    # -- utilisation data for counties
    async def utilisation(self, request: Request) -> Response:
        rows = self.payer.database.query(
            "SELECT id, county, month, requested_at, due, answered_at FROM utilisation ORDER BY id DESC LIMIT 100"
        )
        return self.page(request, "admin_utilisation.html", rows=rows, days=UTILISATION_DAYS, message="")

    async def ask_utilisation(self, request: Request, session: Session, form: Parameters) -> Response:
        county, month = (form.get("county") or "").strip()[:100], form.get("month") or ""
        try:
            datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        except ValueError:
            return self.page(
                request,
                "admin_utilisation.html",
                400,
                rows=[],
                days=UTILISATION_DAYS,
                message="Give the month as 2026-07.",
            )
        due = due_day(people.today(self.payer), UTILISATION_DAYS).isoformat()
        self.payer.database.execute(
            "INSERT INTO utilisation (county, month, requested_at, due) VALUES (?, ?, ?, ?)",
            (county or "county", month, self.payer.clock.timestamp(), due),
        )
        self.journal.audit(session.subject, "utilisation request", subject=county, month=month, due=due)
        return self.to("/utilisation")

    async def answer_utilisation(self, request: Request) -> Response:
        number = min(int(request.path_params["id"]), 2**31 - 1)  # what a database's integer holds
        row = self.payer.database.one("SELECT month, county FROM utilisation WHERE id = ?", (number,))
        if row is None:
            return self.page(request, "error.html", 404, reason="not_found")
        self.payer.database.execute(
            "UPDATE utilisation SET answered_at = ? WHERE id = ? AND answered_at IS NULL",
            (self.payer.clock.timestamp(), number),
        )
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["month", "reporting_unit", "app", "requests", "resources", "members", "members_repeat"])
        writer.writerows(self.monthly(row[0]))
        headers = {
            "Content-Disposition": f'attachment; filename="utilisation-{row[0]}.csv"',
            "Cache-Control": "no-store",
        }
        return Response(text.getvalue(), 200, headers, "text/csv")

    def monthly(self, month: str) -> list[list[Any]]:
        """Counts by app in a month of the payer's calendar; no member is named."""
        zone, start = ZoneInfo(self.payer.deployment.payer.time_zone), datetime.strptime(month, "%Y-%m")
        begin = start.replace(tzinfo=zone)
        end = (start.replace(day=28) + timedelta(days=4)).replace(day=1, tzinfo=zone)
        self.journal.write()
        rows = self.payer.database.query(
            "SELECT reporting_unit, client_id, patient, COUNT(*), SUM(resources) FROM deliveries WHERE at >= ? AND at < ? "
            "GROUP BY reporting_unit, client_id, patient",
            (begin.timestamp(), end.timestamp()),
        )
        table: dict[tuple[str, str], list[int]] = {}
        for unit, client, _, times, resources in rows:
            entry = table.setdefault((unit, client), [0, 0, 0, 0])
            for place, value in enumerate((times, resources, 1, int(times > 1))):
                entry[place] += int(value)
        return [[month, unit, client, *counts] for (unit, client), counts in sorted(table.items())]


Page = Callable[[Request], Awaitable[Response]]
Act = Callable[[Request, Session, Parameters], Awaitable[Response]]


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The administrators' pages."""
    pages = AdministratorPages(payer)

    def shown(handler: Page) -> Page:
        async def answer(request: Request) -> Response:
            pages.server.refresh()
            if not audit_may_be_seen(payer.faults, pages.session(request) is not None):
                return pages.to("/sign-in")
            return await handler(request)

        return answer

    def done(handler: Act) -> Page:
        async def answer(request: Request) -> Response:
            pages.server.refresh()
            session = pages.session(request)
            if session is None:
                return pages.to("/sign-in")
            try:
                form = await pages.form(request)
            except InvalidRequest as refused:
                return pages.page(request, "error.html", refused.status, reason="request_malformed")
            if not sessions.ours(payer, session, form.get("form_token") or ""):
                return pages.page(request, "error.html", 403, reason="form_not_ours")
            return await handler(request, session, form)

        return answer

    views: list[tuple[str, Page]] = [
        ("", pages.front), ("/apps", pages.apps), ("/apps/{client_id}", pages.app), ("/identifiers", pages.identifiers), ("/usage", pages.usage),
        ("/audit", pages.audit), ("/alerts", pages.alerts), ("/utilisation", pages.utilisation), ("/utilisation/{id:int}.csv", pages.answer_utilisation),
    ]  # fmt: skip
    acts: list[tuple[str, Act]] = [
        ("/sign-out", pages.sign_out), ("/apps/{client_id}/decide", pages.decide), ("/audit", pages.sign_review), ("/utilisation", pages.ask_utilisation),
    ]  # fmt: skip
    return [
        Route(f"{HOME}/sign-in", pages.sign_in_form, methods=["GET"]),
        Route(f"{HOME}/sign-in", pages.sign_in, methods=["POST"]),
        *(Route(HOME + path, shown(handler), methods=["GET"]) for path, handler in views),
        *(Route(HOME + path, done(handler), methods=["POST"]) for path, handler in acts),
    ]
