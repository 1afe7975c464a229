"""Renders the clinical side of a member as US Core 3.1.1 or 6.1.0, and what members share."""

from __future__ import annotations

from typing import Any

from synthetic_data.clinical import (
    assessments,
    documents,
    drugs,
    encounters,
    laboratory,
    medications,
    observations,
    patients,
    plans,
    prevention,
    provenance,
)
from synthetic_data.clinical.sheet import Sheet
from synthetic_data.records import Member, World


def render(member: Member, world: World) -> list[dict[str, Any]]:
    """All clinical resources of one member, in a fixed order."""
    sheet = Sheet(member, world)
    patients.patient(sheet)
    patients.related_persons(sheet)
    encounters.encounters(sheet)
    encounters.conditions(sheet)
    encounters.procedures(sheet)
    patients.social_facts(sheet)
    observations.measurements(sheet)
    assessments.assessments(sheet)
    laboratory.laboratory(sheet)
    medications.medications(sheet)
    documents.documents(sheet)
    plans.plans(sheet)
    prevention.immunizations(sheet)
    prevention.allergies(sheet)
    prevention.devices(sheet)
    prevention.referrals(sheet)
    provenance.provenance(sheet)
    return sheet.resources


def shared(world: World) -> list[dict[str, Any]]:
    """What belongs to no member on the clinical side: drugs given at clinics."""
    return drugs.drugs(world)
