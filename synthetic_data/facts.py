"""Counts of what members live with and use, for the report; planted members are left out, as they stand for nothing but themselves."""

from __future__ import annotations

from collections import Counter

from synthetic_data.pathways import all_pathways
from synthetic_data.people.demographics import years_between
from synthetic_data.records import Member

AGE_BANDS = ((0, 5), (6, 12), (13, 17), (18, 25), (26, 44), (45, 64), (65, 120))


def count_facts(member: Member, facts: Counter[str]) -> None:
    """Add one member; keys are `subject|detail|line of business`."""
    if member.planted_for:
        facts["planted||"] += 1
        return
    line = member.line_of_business
    person = member.person
    start = min(span.start for span in member.coverages)
    end = max(span.end or span.start for span in member.coverages)
    facts[f"members||{line}"] += 1
    facts[f"days enrolled||{line}"] += max(0, (end - start).days)
    facts[f"gender|{person.gender}|{line}"] += 1
    facts[f"race or ethnicity|{person.race_text}|{line}"] += 1
    facts[f"language|{person.language.display}|{line}"] += 1
    age = years_between(person.birth_date, end)
    band = next(f"{low}-{high}" for low, high in AGE_BANDS if low <= age <= high)
    facts[f"age|{band}|{line}"] += 1
    lived_with = {one.pathway for one in member.diagnoses}
    for pathway in all_pathways():
        if pathway.ages[0] <= age <= pathway.ages[1] and pathway.sex in (None, person.gender):
            facts[f"eligible|{pathway.key}|{line}"] += 1
            facts[f"pathway|{pathway.key}|{line}"] += pathway.key in lived_with
    for visit in member.visits:
        facts[f"visits|{visit.kind}|{line}"] += 1
    for admission in member.admissions:
        facts[f"stays|{admission.kind}|{line}"] += 1
        if admission.involuntary:
            facts[f"stays|involuntary|{line}"] += 1
    facts[f"telehealth visits||{line}"] += sum(visit.telehealth for visit in member.visits)
    facts[f"prescriptions filled||{line}"] += sum(len(course.fills) for course in member.medications)
    facts[f"assessments||{line}"] += len(member.assessments)
