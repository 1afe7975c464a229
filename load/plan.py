"""What one load run is asked to do, handed to the Locust process as a JSON file.

Leaves to others: reading `target.toml` (target.py), the shapes of scenarios (scenarios.toml), signing members in (commands.py).
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLAN_VARIABLE = "PATIENT_ACCESS_LOAD_PLAN"


class BadPlan(ValueError):
    """A scenario, target or token file that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Phase:
    """A span of a scenario: how many members at once, how fast they arrive, for how many seconds."""

    name: str
    users: int
    spawn_rate: float
    seconds: float


@dataclass(frozen=True)
class Token:
    """One signed-in member: the bearer token and whose record it opens."""

    member: str
    patient: str
    access_token: str


@dataclass(frozen=True)
class Plan:
    """Everything the Locust process needs; no file but this one is read there."""

    scenario: str
    journey: str
    target: str
    fhir_base: str
    phases: tuple[Phase, ...]
    tokens: tuple[Token, ...]
    thresholds: dict[str, float]
    limit_requests: int = 0
    limit_seconds: float = 0.0
    out: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Store for the child; only the owner may read it, for it holds tokens."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(asdict(self), out)

    @staticmethod
    def read(path: Path) -> Plan:
        """The plan a parent process wrote."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["phases"] = tuple(Phase(**phase) for phase in raw["phases"])
        raw["tokens"] = tuple(Token(**token) for token in raw["tokens"])
        return Plan(**raw)


def scenarios() -> dict[str, dict[str, Any]]:
    """The scenarios a person may ask for, by name (load/scenarios.toml)."""
    with (HERE / "scenarios.toml").open("rb") as file:
        return tomllib.load(file)


def phases_of(scenario: dict[str, Any]) -> tuple[Phase, ...]:
    """The phases of one scenario as data gives them."""
    return tuple(Phase(**phase) for phase in scenario.get("phase", ()))
