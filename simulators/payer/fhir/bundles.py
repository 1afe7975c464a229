"""Searchset Bundles spliced from stored bytes: resources are never parsed on their way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from simulators.payer.rules import rule


class Entry(NamedTuple):
    """One entry on its way into a Bundle."""

    type: str
    id: str
    mode: str  # match | include
    body: bytes


class Links(NamedTuple):
    """The links of a page; an empty next means that this is the last one."""

    self: str
    next: str
    first: str


@rule
def bundle_facts(total: int | None, shown: int) -> int | None:
    """The total of a searchset is the number of all matches on all pages, or is left out."""
    return total


@bundle_facts.fault("total-counts-the-page", violates="FHIR-SEARCH-09")
def total_of_page(total: int | None, shown: int) -> int | None:
    """Bundle.total is the number of entries on this page."""
    return shown


@bundle_facts.fault("total-is-one-more", violates="FHIR-SEARCH-09")
def total_off(total: int | None, shown: int) -> int | None:
    """Bundle.total is one more than all pages hold."""
    return None if total is None else total + 1


@rule
def search_mode(mode: str) -> str:
    """Matches say match, what came along says include."""
    return mode


@search_mode.fault("included-resources-say-match", violates="FHIR-SEARCH-10")
def always_match(mode: str) -> str:
    """Resources that were only included are marked as matches."""
    return "match"


@rule
def full_url(base: str, type_name: str, id: str) -> str:
    """The address the resource can be read at."""
    return f"{base}/{type_name}/{id}"


@full_url.fault("full-url-is-of-another-resource", violates="FHIR-SEARCH-01")
def wrong_full_url(base: str, type_name: str, id: str) -> str:
    """fullUrl ends with another id than the resource it stands beside."""
    return f"{base}/{type_name}/{id}0"


@full_url.fault("full-url-is-missing", violates="FHIR-SEARCH-01")
def no_full_url(base: str, type_name: str, id: str) -> str:
    """Entries of a searchset have no fullUrl."""
    return ""


@rule
def bundle_type() -> str:
    """What a search answers."""
    return "searchset"


@bundle_type.fault("search-answers-a-collection", violates="FHIR-SEARCH-01")
def collection() -> str:
    """The Bundle of a search says type collection."""
    return "collection"


@rule
def links_told(links: Links) -> Links:
    """The links of a page: self as understood, next while there is more."""
    return links


@links_told.fault("self-link-is-missing", violates="FHIR-SEARCH-11")
def no_self(links: Links) -> Links:
    """The Bundle of a search has no self link."""
    return links._replace(self="")


@links_told.fault("next-link-is-missing", violates="FHIR-PAGING-01", also=("PDEX-MUSTSUPPORT-01",))
def no_next(links: Links) -> Links:
    """The first page ends without a next link although there are more matches."""
    return links._replace(next="")


@links_told.fault("last-page-links-to-the-first", violates="FHIR-PAGING-01")
def endless(links: Links) -> Links:
    """The last page has a next link that begins all over again."""
    return links if links.next else links._replace(next=links.first)


def searchset(
    active: frozenset[str], base: str, entries: Sequence[Entry], total: int | None, links: Links, moment: str
) -> bytes:
    """The Bundle's bytes."""
    url_of, mode_of = full_url.under(active), search_mode.under(active)
    links = links_told(active, links)
    total = bundle_facts(active, total, len(entries))
    parts = [b'{"resourceType":"Bundle","type":"%b","timestamp":"%b"' % (bundle_type(active).encode(), moment.encode())]
    if total is not None:
        parts.append(b',"total":%d' % total)
    told = [(name, url) for name, url in (("self", links.self), ("next", links.next)) if url]
    parts.append(b',"link":' + orjson.dumps([{"relation": name, "url": url} for name, url in told]))
    if entries:
        ends = {mode: b',"search":{"mode":"%b"}}' % mode_of(mode).encode() for mode in ("match", "include")}
        told_entries = []
        for type_name, id, mode, body in entries:
            address = url_of(base, type_name, id)
            start = b'{"fullUrl":"%b","resource":' % address.encode() if address else b'{"resource":'
            told_entries.append(start + body + ends[mode])
        parts += (b',"entry":[', b",".join(told_entries), b"]")
    parts.append(b"}")
    return b"".join(parts)
