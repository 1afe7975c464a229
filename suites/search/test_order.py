"""_sort and paging while data arrive: FHIR-SEARCH-08, FHIR-PAGING-03, -04 (FHIR R4 search, _sort; http, paging)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from suites.kit.app import App
from suites.kit.clock import TargetClock
from suites.kit.expectations import FHIR_JSON, expect_json
from suites.kit.fhir import FhirClient, matches, next_link
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.target import Client, Member, Target
from suites.record.cases import parameters
from suites.record.expressions import elements
from suites.record.generation import listed_types
from suites.record.held import follow
from suites.record.instants import Span
from suites.record.judge import Judge
from suites.record.matching import element_spans
from suites.record.samples import Several, several, told_in

MOST_TYPES = 4
NEAR = timedelta(seconds=20)  # before and after an arrival; no token expires between them
FORGED = "no-such-page-7f3a"
Query = tuple[tuple[str, str], ...]


def keys(judge: Judge, one: Several, name: str, returned: Sequence[dict[str, Any]]) -> list[Span]:
    """The times a sort by `name` goes by, in the order they came; what has none is left out."""
    definition = parameters(judge.guides, judge.guides[0], one.type)[name]
    found = []
    for resource in returned:
        spans = [span for element in elements(definition, resource) for span in element_spans(element)]
        if len(spans) == 1:  # by which of several times a resource is sorted is the server's choice
            found.append(spans[0])
    return found


def in_order(spans: Sequence[Span], descending: bool) -> bool:
    """Whether times go one way, by their beginnings or by their ends: which of them counts is the server's choice."""
    for edge in ([one.start for one in spans], [one.end for one in spans]):
        if edge == sorted(edge, reverse=descending):
            return True
    return False


@pytest.mark.requirement("FHIR-SEARCH-08")
@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
def test_sorted(judges: Callable[[str], Judge], descending: bool) -> None:
    """_sort puts the whole result in order, over all its pages."""
    judge, count = judges("fhir"), 0
    sign = "-" if descending else ""
    with findings() as found:
        for one in islice(several(judge), MOST_TYPES):
            known = parameters(judge.guides, judge.guides[0], one.type)
            for name in [n for n in ("_lastUpdated", "date") if n in known]:
                if len({span.start for span in keys(judge, one, name, one.resources())}) < 2:
                    continue  # one order is as good as another
                query = (*one.query, ("_sort", sign + name), ("_count", str(max(2, one.held.count // 3))))
                returned: list[dict[str, Any]] = []
                evidence, used = "", True
                for answer, bundle in follow(one.record.fhir, one.type, query):
                    if not evidence:
                        evidence, used = answer.evidence, any(key == "_sort" for key, _ in told_in(bundle))
                    returned += matches(bundle)
                if not used:
                    continue  # by its own words the server does not sort
                count += 1
                found.check(
                    in_order(keys(judge, one, name, returned), descending),
                    f"_sort={sign}{name} gives {'descending' if descending else 'ascending'} order",
                    expected=f"{one.held.count} {one.type} in order over all pages",
                    found="another order",
                    path=name,
                    evidence=evidence,
                )
                found.check(
                    {str(r.get("id")) for r in returned} == one.held.ids(),
                    "_sort changes the order and nothing else",
                    expected=f"{one.held.count} {one.type}",
                    found=len(returned),
                    evidence=evidence,
                )
    if not count:
        not_applicable(
            "the server says by its self links that it does not sort, or nothing at hand has an order to see"
        )
    judged(count, "sorted search")


def forged(link: str) -> str:
    """The link with the value of the parameter that says which page it is made up: the longest, or the last one of a page's name."""
    parts = urlsplit(link)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if not pairs:
        return urlunsplit(parts._replace(path=parts.path.rpartition("/")[0] + "/" + FORGED))
    named = [i for i, (key, _) in enumerate(pairs) if re.search(r"page|cursor|offset|token|state|skip", key, re.I)]
    chosen = named[-1] if named else max(range(len(pairs)), key=lambda i: len(pairs[i][1]))
    pairs[chosen] = (pairs[chosen][0], FORGED)
    return urlunsplit(parts._replace(query=urlencode(pairs)))


@pytest.mark.requirement("FHIR-PAGING-03")
def test_changed_page_links_are_refused(judges: Callable[[str], Judge]) -> None:
    """A page link whose page is made up is refused with a 4xx OperationOutcome."""
    for one in several(judges("fhir")):
        _answer, bundle = next(iter(follow(one.record.fhir, one.type, (*one.query, ("_count", "1")))))
        link = next_link(bundle)
        if not link:
            continue
        control(one.record.fhir.follow(link).status == 200, "the link as given leads to a page")
        refused = one.record.fhir.follow(forged(link))
        expect(
            400 <= refused.status < 500 and b"OperationOutcome" in refused.body,
            "a page link that was changed is refused",
            expected="a 4xx OperationOutcome",
            found=refused.status,
            evidence=refused.evidence,
        )
        judged(1, "changed link")
        return
    not_applicable("no search at hand comes in pages")


@pytest.mark.requirement("FHIR-PAGING-04")
@pytest.mark.exclusive("moves the target's clock while pages are read")
def test_pages_hold_while_data_arrive(
    manifest: dict[str, Any],
    target: Target,
    target_clock: TargetClock,
    http: Http,
    app_of: Callable[[Client], App],
    capability_statement: dict[str, Any],
) -> None:
    """What arrives between two pages changes neither what the pages hold nor their total."""
    listed = listed_types(capability_statement)
    coming: list[tuple[datetime, str, Member]] = sorted(
        (
            (datetime.fromisoformat(one["at"]), str(one["reference"]), member)
            for row in manifest.get("members", [])
            for member in target.member
            if member.patient == row["patient"]
            for one in row.get("arrives", [])
            if row.get("totals", {}).get(type := str(one["reference"]).partition("/")[0], 0) >= 4
            and (not listed or type in listed)
        ),
        key=lambda one: one[:2],
    )
    if not coming:
        not_applicable("the dataset has nothing that arrives later among several of its type")
    at, reference, member = coming[0]
    target_clock.stand_at(at - NEAR)
    grant = app_of(target.client[0]).fresh_grant(member)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.get(reference).status == 404, f"{reference} is not there before it arrives")
    type = reference.partition("/")[0]
    before = fhir.all(type, {"patient": grant.patient})
    control(len(before) >= 4, f"the member has several {type}", len(before))
    for query in paged(grant.patient, len(before)):
        target_clock.stand_at(at - NEAR)
        answer = fhir.search(type, query)
        bundle = expect_json(answer, 200, FHIR_JSON)
        control(next_link(bundle), f"{len(before)} {type} come in pages")
        target_clock.stand_at(at + NEAR)
        ids, totals = [str(r.get("id")) for r in matches(bundle)], {bundle.get("total")}
        for _ in range(len(before)):
            link = next_link(bundle)
            if not link:
                break
            bundle = expect_json(fhir.follow(link), 200, FHIR_JSON)
            ids += [str(r.get("id")) for r in matches(bundle)]
            totals.add(bundle.get("total"))
        wanted = {str(r.get("id")) for r in before}
        expect(len(ids) == len(set(ids)), "no match comes twice while data arrive", evidence=answer.evidence)
        expect(
            wanted <= set(ids),
            "no match is lost while data arrive",
            expected=f"{len(wanted)} {type}",
            found=f"without {', '.join(sorted(wanted - set(ids))[:3])}",
            evidence=answer.evidence,
        )
        expect(
            len(totals) == 1,
            "every page states the same total",
            found=sorted(map(str, totals)),
            evidence=answer.evidence,
        )
    judged(2, "paged search")


def paged(patient: str, count: int) -> list[Query]:
    """Two searches in pages: as the server orders them, and newest first, where an arrival would push the rest along."""
    size = ("_count", str(max(1, count // 3)))
    return [(("patient", patient), size), (("patient", patient), size, ("_sort", "-_lastUpdated"))]
