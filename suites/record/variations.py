"""The ways of asking that must come to the same, or to nothing: forms of values, prefixes, methods, pages (FHIR R4 search).

Each function decides one case of a guide over the judge's records.
"""

from __future__ import annotations

from suites.kit.outcomes import (
    Inconclusive,
    NonConformance,
    control,
    expect,
    findings,
    judged,
    not_applicable,
    rung,
    trail,
)
from suites.record.cases import Case
from suites.record.expressions import elements
from suites.record.held import Record, follow
from suites.record.judge import Judge, Query, Sample
from suites.record.matching import token_pairs
from suites.record.values import ESCAPED

PREFIXES = ("gt", "ge", "lt", "le")
NOBODYS = "no-such-value-7f3a"
NOBODYS_SYSTEM = "http://nobody.example/no-such-system"


def comparators(judge: Judge, case: Case) -> None:
    """gt, ge, lt and le split a member's resources as their dates do, at a value that lies among them."""
    dates = [name for name in case.names if judge.parameter(case, name).type == "date"]
    if not dates:
        raise Inconclusive(f"{case.type} has no date among {' and '.join(case.names)}")
    samples = judge.samples(case)[:1]
    with findings() as found:
        for sample in samples:
            for prefix in PREFIXES:
                query = with_prefix(sample.query, dates[-1], prefix)
                returned, answers = judge.ask(sample.record, case.type, query)
                judge.sound(case, query, returned, answers[0].evidence, found)
                judge.complete(
                    case, Sample(sample.record, query, sample.resource, ""), returned, answers[0].evidence, found
                )
    judged(len(samples) * len(PREFIXES), "search")


def with_prefix(query: Query, name: str, prefix: str) -> Query:
    """The query with a prefix before one parameter's value."""
    return tuple((key, prefix + value if key == name else value) for key, value in query)


def with_system(judge: Judge, case: Case) -> None:
    """`system|code` finds what `code` finds, of that system."""
    tokens = [name for name in case.names if judge.parameter(case, name).type == "token" and not name.startswith("_")]
    control(tokens, f"a token is among {' and '.join(case.names)}")
    judge.search(case, with_system=True)
    of_another_system(judge, case, tokens)


def of_another_system(judge: Judge, case: Case, tokens: list[str]) -> None:
    """A code asked for under a system it is not of finds nothing."""
    for sample in judge.samples(case, with_system=True)[:1]:
        for name in tokens:
            query = tuple(
                (key, f"{NOBODYS_SYSTEM}|{value.partition('|')[2]}" if key == name else value)
                for key, value in sample.query
            )
            if query != sample.query and all("|" in value for key, value in sample.query if key == name):
                with rung("the answer to a search that nothing answers"):  # its shape is FHIR-SEARCH-17's
                    judge.ask(sample.record, case.type, query)
                judge.nothing(case, query, sample.record)


def several_values(judge: Judge, case: Case) -> None:
    """Values joined by a comma find what either finds."""
    name = case.names[-1]
    for record, held in judge.held(case):
        values = distinct(judge, case, name, [one for one, _ in held.resources()])
        if len(values) < 2:
            continue
        rest: Query = (
            (("patient", record.patient),) if record.patient and not case.shared and case.type != "Patient" else ()
        )
        query = (*rest, (name, ",".join(values[:3])))
        returned, answers = judge.ask(record, case.type, query)
        with findings() as found:
            judge.sound(case, query, returned, answers[0].evidence, found)
            judge.complete(case, Sample(record, query, {}, ""), returned, answers[0].evidence, found)
        judged(len(values[:3]), "value")
        return
    not_applicable(f"no record at hand has {case.type} with two different values of {name}")


def distinct(judge: Judge, case: Case, name: str, resources: list[dict[str, object]]) -> list[str]:
    """Different codes of a token parameter in a record, as search values."""
    definition = judge.parameter(case, name)
    found: dict[str, None] = {}
    for resource in resources:
        for element in elements(definition, resource):
            for _, code in token_pairs(element):
                found.setdefault(code.translate(ESCAPED))
    return list(found)


def by_post(judge: Judge, case: Case) -> None:
    """A search by POST to _search gives what GET gives (FHIR R4 search, http)."""
    record, query = unfiltered(judge, case)
    judge.same_results(case, query, query, record, "GET and POST", post=True)
    narrowed = one_of_several(judge, case, record, query)
    if narrowed:  # a form that is not read at all gives the whole record, too
        judge.same_results(case, narrowed, narrowed, record, "GET and POST", post=True)


def one_of_several(judge: Judge, case: Case, record: Record, query: Query) -> Query:
    """A search that gives one resource where the record has several; empty where the server has no such search."""
    held = judge.of(record, case.type, case.shared)
    for resource, _ in held.resources() if held.count > 1 else ():
        narrowed = (*query, ("_id", str(resource.get("id"))))
        try:
            returned, _ = judge.ask(record, case.type, narrowed)
        except (Inconclusive, NonConformance):
            return ()  # which searches must work is judged by checks of their own
        return narrowed if len(returned) == 1 else ()
    return ()


def patient_forms(judge: Judge, case: Case) -> None:
    """`patient=ID`, `patient=Patient/ID` and the Patient's absolute address are the same search."""
    record, query = unfiltered(judge, case)
    if not query or query[0][0] != "patient":
        raise Inconclusive(f"{case.type} is not searched by patient")
    judge.same_results(
        case, query, (("patient", f"Patient/{record.patient}"),), record, "patient=ID and patient=Patient/ID"
    )
    address = f"{record.fhir.base.rstrip('/')}/Patient/{record.patient}"
    judge.same_results(case, query, (("patient", address),), record, "patient=ID and the Patient's address")


def unfiltered(judge: Judge, case: Case) -> tuple[Record, Query]:
    """A record with resources of the case's type, and the search that gave them."""
    for record, held in judge.held(case):
        if held.pages:
            return record, held.query
    raise Inconclusive(f"no search at hand gives any {case.type}")


def nothing(judge: Judge, case: Case) -> None:
    """A value nobody has, an impossible date, finds nothing."""
    definition = judge.parameter(case, case.names[-1])
    record, query = unfiltered(judge, case)
    value = {
        "date": "2199-12-31",
        "reference": f"{(definition.targets or ('Patient',))[0]}/{NOBODYS}",
        "quantity": "9999999",
        "number": "9999999",
    }.get(definition.type, NOBODYS)
    if definition.type == "uri":
        value = "urn:uuid:00000000-0000-4000-8000-000000000000"
    if definition.code == "patient":
        return  # another member's record is the affair of isolation
    judge.nothing(case, (*query, (definition.code, value)), record)


def follow_to_the_end(judge: Judge, case: Case) -> None:
    """The unfiltered search of each record, page after page, judged by itself: a breach of paging is a FAIL here."""
    for record in judge.records:
        query: Query = (("patient", record.patient),) if record.patient and not case.shared else ()
        if case.type == "Patient" and record.patient:
            query = (("_id", record.patient),)
        if record.fhir.search(case.type, query).status == 200:
            following = follow(record.fhir, case.type, query)
            with rung(f"the first page of {case.type}"):  # what is wrong with a page itself is no breach of paging
                next(following, None)
            for _ in following:
                pass


def pages(judge: Judge, case: Case) -> None:
    """Small pages together are the whole, each resource once, in one order (FHIR R4 search, paging)."""
    try:
        record, held = max(judge.held(case), key=lambda pair: pair[1].count)
    except Inconclusive:
        follow_to_the_end(judge, case)  # pages that go round in circles are what there is nothing to build on for
        raise
    if held.count < 3 or not held.pages:
        not_applicable(f"no record at hand has three {case.type} to page through")
    size = max(1, min(10, held.count // 3))
    query = (*held.query, ("_count", str(size)))
    returned, answers = judge.ask(record, case.type, query)
    ids = [str(one.get("id")) for one in returned if one.get("resourceType") == case.type]
    evidence = answers[-1].evidence
    trail().notes.append(f"{len(answers)} pages of {size}")
    expect(
        len(answers) > 1,
        f"_count={size} over {held.count} {case.type} comes in pages",
        found="one page",
        evidence=evidence,
    )
    twice = sorted({one for one in ids if ids.count(one) > 1}) if len(ids) < 2000 else []
    expect(len(set(ids)) == len(ids), "no resource comes on two pages", found=", ".join(twice[:5]), evidence=evidence)
    lost = sorted(held.ids() - set(ids))
    expect(
        not lost,
        "the pages together hold everything",
        expected=f"{held.count} {case.type}",
        found=f"without {', '.join(lost[:5])}",
        evidence=evidence,
    )
    judged(len(ids), case.type)
