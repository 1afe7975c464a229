"""Medication: the drugs that are given at a clinic, which prescriptions name by reference (US Core Medication)."""

from __future__ import annotations

from datetime import datetime

from synthetic_data.clinical.medications import drug_concept
from synthetic_data.clinical.sheet import US_CORE, Json, instant
from synthetic_data.records import World
from synthetic_data.yaml_tables import table


def drugs(world: World) -> list[Json]:
    """Every administered drug of `codes/drugs.yaml`."""
    updated = instant(datetime(world.as_of.year - 1, 1, 2, 9, tzinfo=world.as_of.tzinfo))
    return [
        {
            "resourceType": "Medication",
            "id": f"drug-{name.replace('_', '-')}",
            "meta": {"lastUpdated": updated, "profile": [f"{US_CORE}us-core-medication"]},
            "code": drug_concept(row),
            "status": "active",
            "form": {"text": row["form"]},
        }
        for name, row in table("codes/drugs.yaml").items()
        if row.get("administered")
    ]
