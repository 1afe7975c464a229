"""Every class of USCDI is shown by some member: CONNEX-IV.A.d-*, SHM-STD-USCDI-V1, BELITSOFT-STEP-2-*, 42 CFR 431.60(b)(3).

A class that nobody at hand shows is a breach where the dataset's manifest says that the payer holds resources of its type, and undecided where no
manifest says what the payer holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from suites.completeness.classes import DataClass, first_shown, group, since
from suites.kit.outcomes import Inconclusive, findings, judged, not_applicable, trail
from suites.kit.target import Target
from suites.record.generation import manifest_totals
from suites.record.judge import Judge

WITH_USCDI_3 = ("us-core@6", "us-core@7", "us-core@8")


def are_shown(classes: Sequence[DataClass], judge: Judge, target: Target) -> None:
    """Each class is shown by a member at hand."""
    totals = manifest_totals(target)
    held = {type for counts in totals.values() for type, count in counts.items() if count}
    rows, unknown, count = [], [], 0
    with findings() as found:
        for one in classes:
            where, evidence = first_shown(judge, one)
            if not where and totals and one.type not in held:
                trail().notes.append(f"{one.name}: the payer holds no {one.type}")
                continue
            if not where and not totals:
                unknown.append(one.name)
                continue
            count += 1
            rows.append([one.name, one.type, where or "nobody"])
            found.check(
                where,
                f"a member shows {one.name}",
                expected=f"{one.type} with {one.element or one.url or ' or '.join(one.codes) or 'any content'}",
                found="none of any member at hand",
                path=one.type,
                evidence=evidence,
            )
    trail().tables["data_classes"] = {"columns": ["class", "type", "shown by"], "rows": rows}
    if unknown:
        raise Inconclusive(
            f"no member at hand shows {', '.join(unknown)}; name a [[member]] who has it, if the payer keeps it"
        )
    if not count:
        not_applicable("the payer holds nothing of these classes")
    judged(count, "data class")


@pytest.mark.requirement(
    "CONNEX-IV.A.d-USCDI-V1", "SHM-STD-USCDI-V1", "BELITSOFT-CONTENT-CLINICAL", "HEALTHSHARE-2.1-CONTENT"
)
def test_uscdi_v1(judges: Callable[[str], Judge], target: Target) -> None:
    """Every class of USCDI v1 that the payer maintains is shown."""
    are_shown(since("v1"), judges("fhir"), target)


@pytest.mark.requirement("CONNEX-IV.A.d-USCDI-V3", "USCORE-6.1-DELTA")
def test_uscdi_v3(judges: Callable[[str], Judge], target: Target) -> None:
    """The classes USCDI v3 added are shown, where the target claims a US Core that profiles them."""
    if not any(one.startswith(WITH_USCDI_3) for one in target.server.guides):
        not_applicable("the target claims no version of US Core that profiles USCDI v3 (6.1.0 or later)")
    are_shown(since("v3"), judges("fhir"), target)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("demographics", marks=pytest.mark.requirement("BELITSOFT-STEP-2-DEMOGRAPHICS")),
        pytest.param("problems", marks=pytest.mark.requirement("BELITSOFT-STEP-2-PROBLEMS")),
        pytest.param("planning", marks=pytest.mark.requirement("BELITSOFT-STEP-2-PLANNING")),
        pytest.param("medications", marks=pytest.mark.requirement("BELITSOFT-STEP-2-MEDICATIONS")),
        pytest.param("laboratory", marks=pytest.mark.requirement("BELITSOFT-STEP-2-LABS", "CMS9115-431.60-b3-LAB")),
        pytest.param("devices-procedures", marks=pytest.mark.requirement("BELITSOFT-STEP-2-DEVICES-PROCEDURES")),
        pytest.param("social-vitals", marks=pytest.mark.requirement("BELITSOFT-STEP-2-SOCIAL-VITALS")),
    ],
)
def test_classes_of_a_group(name: str, judges: Callable[[str], Judge], target: Target) -> None:
    """The classes of one group are shown: those of USCDI v1, and of v3 where the payer holds their resources."""
    newer = any(one.startswith(WITH_USCDI_3) for one in target.server.guides)
    are_shown([one for one in group(name) if newer or one.since == "v1"], judges("fhir"), target)
