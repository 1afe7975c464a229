"""CarePlan, CareTeam and Goal: care planned together."""

from __future__ import annotations

from synthetic_data.clinical.sheet import (
    HL7,
    LOINC,
    SNOMED,
    Json,
    Sheet,
    concept,
    concept_of,
    instant,
    narrative,
    period,
    quantity,
    ref,
)
from synthetic_data.records import LABELS_PART2, CareEpisode, Goal

CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
KINDS_OF_PLAN = {"adhd": ("74155-3", "ADHD action plan")}
ACHIEVEMENTS = {"achieved": "Achieved", "improving": "Improving", "no-progress": "No Progress"}


def plans(sheet: Sheet) -> None:
    """Every episode of care with its team and goals."""
    for episode in sheet.member.episodes:
        labels = LABELS_PART2 if episode.part2 else ()
        for goal in episode.goals:
            sheet.add(_goal(sheet, goal, episode, labels))
        sheet.add(_team(sheet, episode, labels))
        sheet.add(_plan(sheet, episode, labels))


def _kind_of_plan(episode: CareEpisode) -> list[Json]:
    """What kind of plan it is, where LOINC has a document of that name."""
    return [concept(LOINC, *KINDS_OF_PLAN[episode.pathway])] if episode.pathway in KINDS_OF_PLAN else []


def _plan(sheet: Sheet, episode: CareEpisode, labels: tuple[tuple[str, str, str], ...]) -> Json:
    resource: Json = {
        "resourceType": "CarePlan",
        "id": episode.id,
        "meta": sheet.meta(episode.start, "us-core-careplan", labels=labels),
        "text": narrative(episode.title + ".", episode.text),
        "status": "active" if episode.end is None else "completed",
        "intent": "plan",
        "category": [concept(CATEGORY, "assess-plan", "Assessment and Plan of Treatment"), *_kind_of_plan(episode)],
        "title": episode.title,
        "description": episode.text,
        "subject": sheet.subject,
        "period": period(episode.start, episode.end),
        "created": instant(episode.start),
        "author": ref("Practitioner", episode.author),
        "careTeam": [ref("CareTeam", f"{episode.id}-team")],
        "addresses": [ref("Condition", one) for one in episode.diagnoses],
    }
    if episode.goals:
        resource["goal"] = [ref("Goal", one.id) for one in episode.goals]
    return resource


def _team(sheet: Sheet, episode: CareEpisode, labels: tuple[tuple[str, str, str], ...]) -> Json:
    participants: list[Json] = []
    for identifier in episode.team:
        clinician = sheet.world.network.clinician_of[identifier]
        participants.append({"role": [concept_of(clinician.role)], "member": ref("Practitioner", identifier)})
    participants.append({"role": [concept(SNOMED, "116154003", "Patient")], "member": sheet.subject})
    organization = concept(SNOMED, "224930009", "Services")
    participants.append({"role": [organization], "member": ref("Organization", episode.organization)})
    if sheet.us_core_6 and sheet.member.delegates:
        caregiver = concept(SNOMED, "133932002", "Caregiver")
        participants.append({"role": [caregiver], "member": ref("RelatedPerson", sheet.member.delegates[0].id)})
    return {
        "resourceType": "CareTeam",
        "id": f"{episode.id}-team",
        "meta": sheet.meta(episode.start, "us-core-careteam", labels=labels),
        "status": "active" if episode.end is None else "inactive",
        "name": f"Care team: {episode.title.removeprefix('Treatment plan: ')}",
        "subject": sheet.subject,
        "period": period(episode.start, episode.end),
        "participant": participants,
        "managingOrganization": [ref("Organization", episode.organization)],
    }


def _goal(sheet: Sheet, goal: Goal, episode: CareEpisode, labels: tuple[tuple[str, str, str], ...]) -> Json:
    target: Json = {}
    if goal.measure is not None:
        target["measure"] = concept_of(goal.measure)
        if goal.target is not None:
            target["detailQuantity"] = {**quantity(goal.target, "{score}"), "comparator": "<"}
    target["dueDate"] = goal.target_date.isoformat()
    resource: Json = {
        "resourceType": "Goal",
        "id": goal.id,
        "meta": sheet.meta(episode.start, "us-core-goal", labels=labels),
        "lifecycleStatus": goal.status,
        "achievementStatus": concept(f"{HL7}goal-achievement", goal.achievement, ACHIEVEMENTS[goal.achievement]),
        "description": {**concept_of(goal.finding), "text": goal.text} if goal.finding else {"text": goal.text},
        "subject": sheet.subject,
        "startDate": goal.start.isoformat(),
        "target": [target],
        "expressedBy": sheet.subject,
    }
    if goal.addresses is not None:
        resource["addresses"] = [ref("Condition", goal.addresses)]
    return resource
