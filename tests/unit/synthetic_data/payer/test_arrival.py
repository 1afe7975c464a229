"""Claims that arrive after the dataset's moment, and what came with a request for authorization."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from synthetic_data.payer import render
from synthetic_data.records import Assessment, Visit
from tests.unit.synthetic_data.payer.sample import AS_OF, member, moment, world


def told(received: datetime) -> tuple[list[dict[str, object]], Visit]:
    """What a member has who saw somebody the day before, and the payer heard of it at a moment."""
    person = member(1)
    visit = replace(
        person.visits[0],
        id="m00001-enc-99",
        start=AS_OF - timedelta(days=1, hours=2),
        end=AS_OF - timedelta(days=1, hours=1),
        received=received,
    )
    return render(replace(person, visits=(*person.visits, visit)), world()), visit


def test_a_visit_told_a_minute_ago_is_a_claim_of_the_minute() -> None:
    received = AS_OF - timedelta(minutes=1)
    resources, _ = told(received)
    claim = next(each for each in resources if each["id"] == "m00001-eob-enc-99")
    assert claim["created"] == received.isoformat(timespec="seconds")


def test_what_arrives_later_is_named_by_no_origin_that_is_there_already() -> None:
    resources, _ = told(AS_OF + timedelta(hours=5))
    later = {
        f"{each['resourceType']}/{each['id']}"
        for each in resources
        if datetime.fromisoformat(each["meta"]["lastUpdated"]) > AS_OF  # type: ignore[index]
    }
    assert "ExplanationOfBenefit/m00001-eob-enc-99" in later
    for each in resources:
        if each["resourceType"] != "Provenance" or f"Provenance/{each['id']}" in later:
            continue
        targets = {target["reference"] for target in each["target"]}  # type: ignore[attr-defined, index]
        assert not targets & later


def test_a_claim_that_would_come_weeks_later_is_not_known() -> None:
    resources, _ = told(AS_OF + timedelta(days=40))
    assert "m00001-eob-enc-99" not in {each["id"] for each in resources}


def assessed(identifier: str, day: date, *, part2: bool = False) -> Assessment:
    """An answered instrument."""
    return Assessment(
        id=identifier,
        instrument="phq-9",
        when=moment(day),
        visit=None,
        clinician=None,
        answers=(),
        total=0,
        part2=part2,
    )


def test_a_request_names_the_newest_assessment_before_it_and_none_that_is_protected_further() -> None:
    person = member(1)
    need = replace(person.authorizations[0], part2=False, diagnosis=person.diagnoses[0].id, wish="approved")
    before = need.requested.date() - timedelta(days=20)
    asked = replace(
        person,
        authorizations=(need,),
        assessments=(
            assessed("m00001-asm-1", before),
            assessed("m00001-asm-2", before + timedelta(days=5)),
            assessed("m00001-asm-3", before + timedelta(days=6), part2=True),
            assessed("m00001-asm-4", before + timedelta(days=60)),
        ),
    )
    resource = next(each for each in render(asked, world()) if each.get("use") == "preauthorization")
    sent = [each["valueReference"]["reference"] for each in resource["supportingInfo"] if "valueReference" in each]
    assert sent == ["QuestionnaireResponse/m00001-asm-2-answers"]
