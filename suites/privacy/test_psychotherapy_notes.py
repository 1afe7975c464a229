"""Psychotherapy notes kept apart from the record are not served: 45 CFR 164.524(a)(1)(i), 164.501."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.outcomes import Inconclusive, control, findings, judged, not_applicable
from suites.record.held import Record
from suites.record.judge import Judge

pytestmark = [pytest.mark.together, pytest.mark.requirement("HIPAA-164.524-PSYCHNOTES")]
NOTES = "PSYTHPN"
TYPE = "DocumentReference"
MOST_READS = 40


@pytest.fixture(scope="session")
def withheld(manifest: dict[str, Any], judges: Callable[[str], Judge]) -> list[tuple[Record, str]]:
    """What the data keep back of each member at hand, by the dataset's manifest."""
    kept = {str(one.get("patient")): one.get("withheld") or [] for one in manifest.get("members", [])}
    found = [(record, str(one)) for record in judges("fhir").records for one in kept.get(record.patient, [])]
    if not found:
        not_applicable("the dataset keeps nothing back of the members at hand")
    for record in {id(record): record for record, _ in found}.values():
        control(record.read(f"Patient/{record.patient}").status == 200, "the member's token reads their own Patient")
    return found


def test_notes_are_not_read(withheld: list[tuple[Record, str]]) -> None:
    """A note kept back is not there for the member's app when asked for by id."""
    with findings() as found:
        for record, reference in withheld[:MOST_READS]:
            answer = record.read(reference)
            found.check(
                answer.status in (403, 404, 410),
                "a note kept back is not read",
                expected="403, 404 or 410",
                found=f"{answer.status} for {reference}",
                evidence=answer.evidence,
            )
    judged(len(withheld[:MOST_READS]), "note kept back")


def test_notes_are_not_found(withheld: list[tuple[Record, str]], needs_type: Callable[[str], None]) -> None:
    """A note kept back is in no search, and in no total."""
    needs_type(TYPE)
    count = 0
    with findings() as found:
        for record in {id(record): record for record, _ in withheld}.values():
            mine = {reference for holder, reference in withheld if holder is record}
            held = record.of(TYPE)
            shown = sorted(mine & {f"{TYPE}/{one}" for one in held.ids()})
            found.check(not shown, "a note kept back is in no search", found=", ".join(shown[:5]), path=TYPE)
            answer = record.fhir.search(TYPE, {"patient": record.patient, "_summary": "count"})
            total = answer.object().get("total") if answer.status == 200 else None
            found.check(
                total is None or total <= held.count,
                "a total does not count what is kept back",
                expected=held.count,
                found=total,
                path=TYPE,
                evidence=answer.evidence,
            )
            count += len(mine)
    judged(count, "note kept back")


def test_no_resource_is_labelled_as_a_note(judges: Callable[[str], Judge], needs_type: Callable[[str], None]) -> None:
    """Nothing that is served carries the label of psychotherapy notes."""
    needs_type(TYPE)
    count = 0
    with findings() as found:
        for record in judges("fhir").records:
            try:
                held = record.of(TYPE)
            except Inconclusive:
                continue
            for resource, evidence in held.resources():
                count += 1
                labels = (resource.get("meta") or {}).get("security") or []
                found.check(
                    NOTES not in [one.get("code") for one in labels if isinstance(one, dict)],
                    "what is labelled as psychotherapy notes is not served",
                    found=f"{TYPE}/{resource.get('id')}",
                    path="meta.security",
                    evidence=evidence,
                )
    judged(count, TYPE)
