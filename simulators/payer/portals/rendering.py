"""Templates, texts and languages of the pages.

The language is the one asked for by `?lang=`, else the one chosen before (a cookie), else the browser's, else English. Texts live in
`texts/*.toml`, one file a language with the same keys. Leaves to others: what a page shows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.payer.context import Payer
from simulators.payer.rules import rule

HERE = Path(__file__).parent
LANGUAGES = {"en": "English", "es": "Español"}
COOKIE = "pa_language"


@lru_cache(maxsize=1)
def texts() -> dict[str, dict[str, str]]:
    """Every text of every language."""
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted((HERE / "texts").glob("*.toml"))}


@pass_context
def _text(context: Context, key: str, **values: object) -> str:
    text = texts()[context["language"]][key]
    return text.format(**values) if values else text


def _rows(first: Iterable[object], records: Sequence[dict[str, Any]], names: Sequence[str]) -> list[list[str]]:
    """The cells of a table: the first column, then the named members of each record; lists as words."""
    return [
        [str(head), *(", ".join(value) if isinstance(value := record[name], list) else str(value) for name in names)]
        for head, record in zip(first, records, strict=True)
    ]


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template environment: everything escaped, nothing undefined."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals["t"] = _text
    made.filters["zip_with"] = _rows
    return made


@rule
def languages_offered(languages: Sequence[str]) -> Sequence[str]:
    """Pages for members are there in every threshold language (42 CFR 438.10(d))."""
    return languages


@languages_offered.fault("member-pages-in-english-only", violates="CONNEX-VII-HANDBOOK")
def english_only(languages: Sequence[str]) -> Sequence[str]:
    """Pages for members are in English, and offer no other language."""
    return ("en",)


def language(request: Request, offered: Sequence[str]) -> str:
    """The language a page is written in."""
    wanted = [request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")]
    wanted += [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((one for one in wanted if one in offered), offered[0] if offered else "en")


def moment(payer: Payer, seconds: float | None) -> str:
    """An instant as the payer's people read it."""
    if seconds is None:
        return "–"
    return (
        datetime.fromtimestamp(seconds, UTC)
        .astimezone(ZoneInfo(payer.deployment.payer.time_zone))
        .strftime("%Y-%m-%d %H:%M")
    )


def page(
    payer: Payer, request: Request, template: str, status: int = 200, *, english: bool = False, **values: Any
) -> Response:
    """A page in the reader's language; developers' and administrators' pages are in English."""
    deployment = payer.deployment
    offered = () if english else languages_offered(payer.faults, deployment.portals.languages)
    chosen = language(request, offered)
    answer = HTMLResponse(
        environment()
        .get_template(template)
        .render(
            language=chosen, languages={code: LANGUAGES[code] for code in offered}, deployment=deployment,
            payer_name=deployment.payer.name, endpoints=deployment.endpoints, here=request.url.path, query=_other_query(request, values.get("transaction")),
            moment=lambda seconds: moment(payer, seconds), **values,
        ),
        status,
    )  # fmt: skip
    asked = request.query_params.get("lang")
    if asked is not None and asked in offered:
        answer.set_cookie(
            COOKIE,
            asked,
            max_age=31_536_000,
            path="/",
            httponly=True,
            samesite="lax",
            secure=payer.public_url.startswith("https:"),
        )
    return answer


def _other_query(request: Request, transaction: Any) -> list[tuple[str, str]]:
    """What a change of language keeps of the address: nothing an app or a stranger wrote; a page that answers a form has it in its values."""
    if transaction is not None:
        return [("transaction", transaction.id)]
    return [(name, value) for name, value in request.query_params.multi_items() if name == "transaction"]


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The style sheet."""

    async def style(request: Request) -> Response:
        return FileResponse(
            HERE / "static" / "payer.css", media_type="text/css", headers={"Cache-Control": "max-age=3600"}
        )

    return [Route("/static/payer.css", style, methods=["GET"])]
