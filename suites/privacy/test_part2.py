"""Substance-use records are shown with the member's consent and leave no trace without it: PART2-* (42 CFR 2.12, 2.13, 2.23, 2.31)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from suites.kit.fhir import entries, mode_of
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.privacy.conftest import TYPES, Sights, is_labelled
from suites.record.held import follow, references
from suites.record.matching import reference_parts

pytestmark = pytest.mark.together
MOST_READS = 60
REFUSED = (403, 404, 410)


def resources_of(answer: Answer) -> Iterator[dict[str, Any]]:
    """The resources an answer shows."""
    body = answer.object() if answer.status == 200 else {}
    if body.get("resourceType") == "Bundle":
        yield from (one["resource"] for one in entries(body) if isinstance(one.get("resource"), dict))
    elif body.get("resourceType") not in (None, "OperationOutcome"):
        yield body


def name_of(resource: dict[str, Any]) -> str:
    """`Type/id`."""
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def spread(names: list[str], most: int) -> list[str]:
    """Some of many names, of every type in turn."""
    by_type: dict[str, list[str]] = {}
    for one in sorted(names):
        by_type.setdefault(one.partition("/")[0], []).append(one)
    turns = [one for row in zip_longest_of(list(by_type.values())) for one in row]
    return list(islice(turns, most))


def zip_longest_of(lists: list[list[str]]) -> Iterator[list[str]]:
    """The first of each list, then the second of each, to the end of the longest."""
    for index in range(max(map(len, lists), default=0)):
        yield [one[index] for one in lists if index < len(one)]


@pytest.mark.requirement("PART2-2.23-PATIENT")
def test_agreed_records_are_shown(sights: Sights) -> None:
    """Substance-use records the member agreed to share are shown to the app."""
    expect(
        sights.labelled,
        "records under Part 2 are shown to the app the member shares them with",
        expected="labelled resources of a member the data were planted for",
        found="none",
    )
    judged(len(sights.labelled), "labelled resource")


@pytest.mark.requirement("PART2-2.31-CONSENT", "CONNEX-I-PRIVACY", "USCORE-SEC-03")
def test_withheld_records_are_not_read(sights: Sights, hidden: dict[str, dict[str, Any]]) -> None:
    """Without consent such a record is not read, nor its versions, nor its history."""
    control(
        sights.withheld.read(f"Patient/{sights.withheld.patient}").status == 200,
        "the app without consent reads the Patient",
    )
    count = 0
    with findings() as found:
        for name in spread(list(hidden), MOST_READS):
            version = str((hidden[name].get("meta") or {}).get("versionId", "1"))
            for place in (name, f"{name}/_history/{version}", f"{name}/_history"):
                answer = sights.withheld.fhir.get(place)
                shown = [one for one in resources_of(answer) if name_of(one) == name]
                count += 1
                found.check(
                    not shown and (answer.status in REFUSED or place != name),
                    "a record kept back is not read",
                    expected="403, 404 or 410",
                    found=f"{answer.status} for {place}",
                    evidence=answer.evidence,
                )
    judged(count, "request")


@pytest.mark.requirement("PART2-2.31-CONSENT", "CONNEX-I-PRIVACY", "USCORE-SEC-03")
@pytest.mark.parametrize("type", TYPES)
def test_withheld_records_are_not_found(sights: Sights, hidden: dict[str, dict[str, Any]], type: str) -> None:
    """Without consent such a record is in no search, no include, no count."""
    if type not in set(sights.types()):
        not_applicable(f"this server does not search {type}")
    fhir, patient, count = sights.withheld.fhir, sights.withheld.patient, 0
    mine = sorted(one for one in hidden if one.startswith(f"{type}/"))
    seen = sights.withheld.of(type)
    some = ",".join(one.partition("/")[2] for one in mine[:10])
    searches: list[tuple[str, tuple[tuple[str, str], ...]]] = [
        (type, (("patient", patient),)),
        (type, (("patient", patient), ("_include", "*"))),
        (type, (("patient", patient), ("_revinclude", "Provenance:target"))),
        ("Patient", (("_id", patient), ("_revinclude", f"{type}:patient"))),
    ]
    if some:
        searches += [(type, (("_id", some),)), (type, (("patient", patient), ("_id", some)))]
        searches.append(("Provenance", (("target", mine[0]),)))
    with findings() as found:
        for searched, query in searches:
            answer = fhir.search(searched, query)
            count += 1
            shown = [name_of(one) for one in resources_of(answer) if name_of(one) in hidden or is_labelled(one)]
            found.check(
                not shown,
                "a record kept back is in no search",
                expected="nothing that is labelled",
                found=f"{len(shown)}: {', '.join(shown[:3])}",
                path=searched + "?" + "&".join(name for name, _ in query),
                evidence=answer.evidence,
            )
        for counting in (("_summary", "count"), ("_total", "accurate")):
            answer = fhir.search(type, (("patient", patient), counting))
            total = answer.object().get("total") if answer.status == 200 else None
            count += 1
            found.check(
                total is None or total == seen.count,
                "a total does not count what is kept back",
                expected=seen.count,
                found=total,
                path=f"{type}?{'='.join(counting)}",
                evidence=answer.evidence,
            )
    judged(count, "search")


@pytest.mark.requirement("PART2-SEGMENT")
def test_what_is_kept_back_is_labelled(sights: Sights) -> None:
    """All that an app sees only with consent carries a label that tells it apart."""
    count = 0
    with findings() as found:
        for type in sights.types():
            without = sights.withheld.of(type).ids()
            for resource, evidence in sights.given.of(type).resources():
                if str(resource.get("id")) in without:
                    continue
                count += 1
                found.check(
                    is_labelled(resource),
                    "a record kept back without consent is labelled where it is shown",
                    expected="meta.security of 42 CFR Part 2 or substance use",
                    found=name_of(resource),
                    path="meta.security",
                    evidence=evidence,
                )
    judged(count, "record shown only with consent")


@pytest.mark.requirement("PART2-2.31-CONSENT", "PART2-SEGMENT")
def test_nothing_refers_to_withheld_records(sights: Sights, hidden: dict[str, dict[str, Any]]) -> None:
    """No claim line, supporting information, provenance or other element that is shown points to a record kept back."""
    count = 0
    with findings() as found:
        for type in sights.types():
            for resource, evidence in sights.withheld.of(type).resources():
                count += 1
                told = {"/".join(reference_parts(one)) for one in references(resource)} & hidden.keys()
                found.check(
                    not told,
                    "nothing that is shown points to a record kept back",
                    found=f"{name_of(resource)} to {', '.join(sorted(told)[:3])}",
                    path=type,
                    evidence=evidence,
                )
        for resource, evidence in sights.withheld.by_revinclude("Provenance", "target").resources():
            count += 1
            told = {"/".join(reference_parts(one)) for one in references(resource)} & hidden.keys()
            found.check(
                not told and not is_labelled(resource),
                "no provenance tells of a record kept back",
                found=f"{name_of(resource)} of {', '.join(sorted(told)[:3]) or 'its own label'}",
                path="Provenance.target",
                evidence=evidence,
            )
    judged(count, "resource shown")


@pytest.mark.requirement("PART2-SEGMENT")
def test_withheld_looks_like_absent(sights: Sights, hidden: dict[str, dict[str, Any]]) -> None:
    """A record kept back is answered as one that does not exist, so that asking tells nothing."""
    count = 0
    with findings() as found:
        for name in spread(list(hidden), 12):
            type, _, id = name.partition("/")
            absent = id[:-1] + ("0" if id[-1:] != "0" else "1") + "z"
            kept, nobody = sights.withheld.fhir.get(name), sights.withheld.fhir.get(f"{type}/{absent}")
            if kept.status == 200:
                continue  # that it is shown is PART2-2.31-CONSENT's to find
            count += 1
            found.check(
                kept.status == nobody.status and kept.text.replace(id, "") == nobody.text.replace(absent, ""),
                "a record kept back is answered like one that does not exist",
                expected=f"{nobody.status} {nobody.text[:120]}",
                found=f"{kept.status} {kept.text[:120]}",
                path=type,
                evidence=kept.evidence,
            )
    control(count, "a record kept back is not read, so that its answer can be compared")
    judged(count, "pair of reads")


@pytest.mark.requirement("PART2-SEGMENT")
def test_pages_have_no_gaps(sights: Sights) -> None:
    """Every page but the last is full: no place is left where a record was taken out."""
    count = 0
    with findings() as found:
        for type in sights.types():
            held, without = sights.given.of(type).count, sights.withheld.of(type).count
            if held == without or without < 3:
                continue
            size = max(1, min(10, without // 3))
            query = (("patient", sights.withheld.patient), ("_count", str(size)))
            shown = [
                (len([one for one in entries(bundle) if mode_of(one) != "include"]), answer)
                for answer, bundle in follow(sights.withheld.fhir, type, query)
            ]
            count += 1
            short = [(many, answer) for many, answer in shown[:-1] if many != size]
            found.check(
                not short,
                "a page is not shorter for what was taken out of it",
                expected=f"{size} {type} on every page but the last",
                found=f"{len(short)} shorter pages, the first with {short[0][0] if short else 0}",
                path=type,
                evidence=short[0][1].evidence if short else "",
            )
    judged(count, "type with records kept back")
