"""Searches from parameters to the bytes of a page: understood, carried out, cut into pages, shaped, put into a Bundle.

Leaves to others: each of these steps (query.py, search.py, paging.py, shaping.py, includes.py, bundles.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from urllib.parse import quote, urlencode

from simulators.payer.context import Payer
from simulators.payer.errors import FhirError
from simulators.payer.fhir import everything, served, veil
from simulators.payer.fhir.bundles import Entry, Links, searchset
from simulators.payer.fhir.compartment import Reach
from simulators.payer.fhir.dates import text_of
from simulators.payer.fhir.includes import along
from simulators.payer.fhir.paging import Page, frozen_at, holder_of, next_start, page_may_be_followed, seal
from simulators.payer.fhir.query import Query, parse
from simulators.payer.fhir.requests import Parameters
from simulators.payer.fhir.responses import Response
from simulators.payer.fhir.search import World, execute
from simulators.payer.fhir.shaping import shaped
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate


@rule
def page_size(asked: int | None, usual: int, most: int) -> int:
    """How many matches a page holds: what was asked for, up to what the server gives."""
    return min(asked, most) if asked is not None else usual


@page_size.fault("count-is-ignored", violates="FHIR-SEARCH-04")
def usual_size(asked: int | None, usual: int, most: int) -> int:
    """`_count` changes nothing."""
    return usual


@page_size.fault("count-is-exceeded", violates="FHIR-SEARCH-04")
def one_more(asked: int | None, usual: int, most: int) -> int:
    """A page holds one match more than `_count` allows."""
    return min(asked, most) + 1 if asked else usual


@rule
def understood_parameters(understood: Parameters) -> Parameters:
    """The self link repeats the parameters the search was done with, none that were ignored."""
    return understood


@understood_parameters.fault("self-link-leaves-out-the-query", violates="FHIR-SEARCH-11")
def no_parameters(understood: Parameters) -> Parameters:
    """The self link of a search does not tell its parameters."""
    return ()


@rule
def matches_counted(found: int, everywhere: Callable[[], int]) -> int:
    """The total is of what the token reaches."""
    return found


@matches_counted.fault("totals-count-other-members", violates="FHIR-COMPARTMENT-05")
def everybody_counted(found: int, everywhere: Callable[[], int]) -> int:
    """Bundle.total counts the resources of all members."""
    return everywhere()


@rule
def nothing_found() -> None:
    """A search without matches is answered with an empty searchset."""


@nothing_found.fault("empty-search-is-answered-404", violates="FHIR-SEARCH-17")
def not_found() -> None:
    """A search without matches is answered 404."""
    raise FhirError(404, "not-found", "nothing matches")


@rule
def entries_shown(entries: list[Entry]) -> list[Entry]:
    """Each match and each included resource is on the page once."""
    return entries


@entries_shown.fault("matches-are-shown-twice", violates="FHIR-SEARCH-18")
def shown_twice(entries: list[Entry]) -> list[Entry]:
    """The first match of a page is on it twice."""
    return [*entries, *entries[:1]]


@entries_shown.fault(
    "first-match-is-left-out",
    violates="USCORE-SEARCH-01",
    also=(
        "CARIN-SEARCH-01",
        "FHIR-INCLUDE-01",
        "FHIR-PAGING-01",
        "FHIR-SEARCH-01",
        "FHIR-SEARCH-04",
        "PDEX-PROVENANCE-02",
        "PDEX-SEARCH-01",
        "PLANNET-SEARCH-03",
        "USCORE-PROVENANCE-01",
        "USCORE-SEARCH-02",
        "USDF-SEARCH-02",
    ),
)
def but_the_first(entries: list[Entry]) -> list[Entry]:
    """A page of a search begins with the second match."""
    return entries[1:]


class Searching:
    """Answers searches on any base."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self.store = payer.store
        self._key: bytes = b""

    @property
    def key(self) -> bytes:
        """What page links are signed with; all processes of a payer share it, and a new dataset makes old links void."""
        if not self._key:
            with self.store.database.transaction():
                found = self.store.fact("page-key")
                if not found:
                    found = secrets.token_hex(16)
                    self.store.remember("page-key", found)
            self._key = bytes.fromhex(found)
        return self._key

    def first_page(self, reach: Reach, type_name: str, parameters: Parameters, *, strict: bool) -> Response:
        """The first page of a search."""
        reach.require(type_name, "s")
        query = _parsed(reach.base.catalog, type_name, parameters, strict, reach.active)
        link = _self_link(reach.base.url, type_name, understood_parameters(reach.active, self._as_searched(query)))
        return self._page(reach, query, 0, 0, link, link)

    def _as_searched(self, query: Query) -> Parameters:
        """The parameters as used: a `_count` above what the server gives is told as what it gives (FHIR R4 3.1.1.4.5)."""
        most = self.payer.deployment.fhir.max_page_size
        if query.count is None or query.count <= most:
            return query.understood
        return tuple((name, str(most) if name == "_count" else value) for name, value in query.understood)

    def follow(self, reach: Reach, page: Page, token: str) -> Response:
        """The page a next link leads to."""
        page_may_be_followed(reach.active, page.holder, holder_of(reach.grant))
        if page.base != reach.base.name:
            page_may_be_followed(frozenset(), page.holder, "another base")
        if page.type == everything.TYPE:
            query = Query(everything.TYPE, understood=page.parameters)
        else:
            reach.require(page.type, "s")
            query = _parsed(reach.base.catalog, page.type, page.parameters, False, reach.active)
        moment, newest = frozen_at(reach.active, page.moment, page.newest, reach.now)
        frozen = replace(reach, now=moment, newest=newest)
        first = _self_link(reach.base.url, page.type, self._as_searched(query))
        response = self._page(frozen, query, page.start, page.last, f"{reach.base.url}?_page={token}", first)
        response.of_type = "Patient" if page.type == everything.TYPE else page.type
        return response

    def everything(self, reach: Reach, patient: str, parameters: Parameters) -> Response:
        """The first page of Patient/$everything."""
        asked = tuple((name, value) for name, value in parameters if name not in ("_format", "_page", "_patient"))
        link = _self_link(reach.base.url, f"Patient/{patient}/{everything.TYPE}", asked)
        return self._page(reach, Query(everything.TYPE, understood=(*asked, ("_patient", patient))), 0, 0, link, link)

    def _page(self, reach: Reach, query: Query, start: int, last: int, self_link: str, first_link: str) -> Response:
        fhir = self.payer.deployment.fhir
        world = World(self.store, reach)
        if query.type == everything.TYPE:
            patient = dict(query.understood)["_patient"]
            asked = everything.parse(patient, query.understood)
            query = replace(query, count=asked.count)
            found = everything.record(world, asked)
        else:
            found = execute(world, query)
        if fhir.reorder_entries and not query.sort:
            found = found[::-1]
        if not found:
            nothing_found(reach.active)
        everywhere = partial(self._everywhere, query.type)
        counted = matches_counted(reach.active, len(found), everywhere)
        total = counted if query.total != "none" and (fhir.bundle_total or query.total) else None
        moment = text_of(reach.now)
        if query.summary == "count" or query.count == 0:
            links = Links(self_link, "", first_link)
            return Response(200, searchset(reach.active, reach.base.url, (), counted, links, moment))
        size = page_size(reach.active, query.count, fhir.page_size, fhir.max_page_size)
        start = _position(found, start, last, moved=bool(query.sort) or fhir.reorder_entries)
        matches = found[start : start + size]
        others = along(world, matches, query.includes, query.revincludes)
        entries = entries_shown(reach.active, self._entries(reach, query, matches, others))
        following = ""
        if start + size < len(found):
            shown = next_start(reach.active, start, len(matches))
            page = Page(
                reach.base.name, query.type, query.understood, reach.now,
                reach.newest if reach.newest is not None else self.store.newest(), shown,
                found[min(shown, len(found)) - 1].rid, holder_of(reach.grant),
            )  # fmt: skip
            following = f"{reach.base.url}?_page={seal(page, self.key)}"
        links = Links(self_link, following, first_link)
        body = searchset(reach.active, reach.base.url, entries, total, links, moment)
        return Response(200, body, resources=len(entries))

    def _everywhere(self, type_name: str) -> int:
        return self.store.counts().get(type_name, 0)

    def _entries(self, reach: Reach, query: Query, matches: list[Candidate], others: list[Candidate]) -> list[Entry]:
        candidates = matches + others
        stored = self.store.bodies([candidate.rid for candidate in candidates])
        for place, candidate in enumerate(candidates):
            if veil.NOTED in candidate.index:
                stored[place] = veil.over_body(stored[place], veil.hidden(candidate, reach.opened))
        bodies = served.bodies(self.payer, reach.base, stored)
        if query.elements or query.summary in ("true", "text", "data"):
            several = len(matches)
            bodies[:several] = [shaped(reach.active, body, query.summary, query.elements) for body in bodies[:several]]
        return [
            Entry(candidate.type, candidate.id, "match" if place < len(matches) else "include", body)
            for place, (candidate, body) in enumerate(zip(candidates, bodies, strict=True))
        ]


def _position(found: list[Candidate], start: int, last: int, *, moved: bool) -> int:
    """Where a page begins: right after the last match shown, wherever that is by now."""
    if not start:
        return 0
    if start <= len(found) and found[start - 1].rid == last:
        return start
    for place, candidate in enumerate(found):
        if candidate.rid == last:
            return place + 1
        if not moved and candidate.rid > last:
            return place
    return start


@lru_cache(maxsize=1024)
def _parsed(catalog: object, type_name: str, parameters: Parameters, strict: bool, active: frozenset[str]) -> Query:
    return parse(catalog, type_name, parameters, strict=strict, active=active)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _self_link(url: str, type_name: str, parameters: Parameters) -> str:
    query = urlencode(parameters, quote_via=quote, safe=":,|$/*")
    return f"{url}/{type_name}?{query}" if query else f"{url}/{type_name}"
