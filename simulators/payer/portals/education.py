"""Pages for anyone: how to choose an app (42 CFR 431.60(g)), and the gallery of registered apps. No account needed."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.portals import member, rendering, sessions
from simulators.payer.rules import rule

QUESTIONS = (
    "sale", "disclose", "use", "limit", "end", "delete", "change", "device", "security", "others", "correct", "complaint",
)  # fmt: skip


@rule
def education_sections() -> tuple[str, ...]:
    """42 CFR 431.60(g): privacy steps, how to select an app, who is covered by HIPAA, OCR and FTC and how to complain to each."""
    return ("uses", "risks", "steps", "questions", "hipaa", "complaints", "sud", "developers")


@education_sections.fault(
    "education-without-complaint-routes",
    violates="CMS9115-431.60-g2",
    also=["DEAN-FTC-01", "DEAN-OCR-01", "CONNEX-IV.A.j-COMPLAINT", "CONNEX-IV.A.j-OCR-FTC"],
)
def no_complaints() -> tuple[str, ...]:
    """The member page does not say how to complain to OCR and the FTC."""
    return tuple(one for one in education_sections.function() if one != "complaints")


@education_sections.fault(
    "education-without-privacy-steps", violates="CMS9115-431.60-g1", also=["DEAN-READ-POLICY-01", "CONNEX-IV.A.j-STEPS"]
)
def no_steps() -> tuple[str, ...]:
    """The member page gives no steps to protect one's privacy."""
    return tuple(one for one in education_sections.function() if one != "steps")


@education_sections.fault(
    "education-without-hipaa", violates="CMS9115-431.60-g2", also=["CONNEX-IV.A.j-HIPAA", "DEAN-NOPROTECT-01"]
)
def no_hipaa() -> tuple[str, ...]:
    """The member page does not say who is covered by HIPAA and who is not."""
    return tuple(one for one in education_sections.function() if one not in ("hipaa", "risks"))


@education_sections.fault(
    "education-without-questions",
    violates="CMS9115-431.60-g1",
    also=["DEAN-CONSIDER-USE-01", "DEAN-CONSIDER-TERMINATE-01", "DEAN-CONSIDER-RIGHTS-01", "CONNEX-IV.A.j-APPSEC"],
)
def no_questions() -> tuple[str, ...]:
    """The member page gives no help in selecting an app."""
    return tuple(one for one in education_sections.function() if one != "questions")


@education_sections.fault("education-without-developer-link", violates="DEAN-DEVLINK-01")
def no_developers() -> tuple[str, ...]:
    """The member page does not link to the information for developers."""
    return tuple(one for one in education_sections.function() if one != "developers")


@education_sections.fault("education-without-warning", violates="DEAN-NOPROTECT-01", also=["CONNEX-IV.A.i"])
def no_risks() -> tuple[str, ...]:
    """The member page does not say that the payer cannot protect what an app holds."""
    return tuple(one for one in education_sections.function() if one != "risks")


@rule
def education_is_open() -> bool:
    """Current and former members read it: no account."""
    return True


@education_is_open.fault("education-behind-login", violates="CMS9115-431.60-g1", also=["DEAN-PAGE-PUBLIC-01"])
def closed() -> bool:
    """The member page on choosing an app opens only after signing in."""
    return False


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The public pages for members, where the deployment has them."""
    endpoints, portals, server = payer.deployment.endpoints, payer.deployment.portals, of(payer)

    async def education(request: Request) -> Response:
        server.refresh()
        session = sessions.current(payer, request, "member")
        if session is None and not education_is_open(payer.faults):
            return RedirectResponse(payer.url(f"{endpoints.member}/sign-in"), 303)
        return rendering.page(
            payer, request, "education.html", session=session, navigation=member.navigation(payer, session is not None),
            sections=education_sections(payer.faults), questions=QUESTIONS,
        )  # fmt: skip

    async def gallery(request: Request) -> Response:
        server.refresh()
        session = sessions.current(payer, request, "member")
        apps = [
            client
            for client in server.ledger.clients()
            if client.status == "active" and client.type != "backend-service" and client.policy_uri
        ]
        return rendering.page(
            payer,
            request,
            "gallery.html",
            session=session,
            navigation=member.navigation(payer, session is not None),
            apps=apps[:200],
        )

    found: list[BaseRoute] = []
    if portals.education and endpoints.education:
        found.append(Route(endpoints.education, education, methods=["GET"]))
    if portals.gallery and endpoints.gallery:
        found.append(Route(endpoints.gallery, gallery, methods=["GET"]))
    return found
