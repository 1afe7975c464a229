"""How much the suite that judged is proved: the tile of the summary, and a section with what the proof left open.

A run's header may keep the numbers; `proof.json` (`patient-access prove`) tells each fault. Of that file only what is shown here is needed:
`mutants` with `id`, `violates`, `killed`, `killed_by`, `collateral`, and `reference` and `variants` with `name` and `red`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reports.html.blocks import Block, Part
from reports.reader import BadRun


def read(path: Path) -> dict[str, Any]:
    """A proof.json; BadRun where it tells no fault."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        mutants = told["mutants"]
        for mutant in mutants:
            if not isinstance(mutant["id"], str) or not isinstance(mutant["killed"], bool | None):
                raise TypeError(f"a mutant needs an id and whether it was killed: {str(mutant)[:80]}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadRun(f"{path}: cannot be read as a proof: {error}") from None
    return dict(told)


def score(told: Mapping[str, Any]) -> dict[str, str] | None:
    """The kill score in words; None where nothing is told."""
    mutants, killed = told.get("mutants"), told.get("killed")
    if isinstance(mutants, list):
        killed, mutants = sum(bool(mutant.get("killed")) for mutant in mutants), len(mutants)
    if not isinstance(mutants, int) or not isinstance(killed, int) or mutants == 0:
        return None
    text = f"{100 * killed / mutants:.1f} % of planted faults turned a check red"
    alarms, systems = told.get("false_alarms"), told.get("systems")
    if alarms is None and "reference" in told:
        conforming = _systems(told)
        alarms, systems = sum(len(one.get("red", ())) for one in conforming), len(conforming)
    if isinstance(alarms, int) and systems:
        text += f"; {alarms:,} false alarms on {systems:,} conforming servers"
    return {"score": f"{killed:,} of {mutants:,}", "text": text}


def part(told: Mapping[str, Any]) -> Part | None:
    """The section: what the suite did not catch first, every fault folded; nothing where faults are not told one by one."""
    if not isinstance(told.get("mutants"), list) or not told["mutants"]:
        return None
    lead = (
        "Each fault is one way of breaking a requirement, planted in the reference payer; the suite that judged this run was "
        "seen to catch it, or was not. Conforming servers, odd ones among them, must stay green."
    )
    return Part("proof", "How the suite is proved", lead, tuple(_blocks(told)))


def _blocks(told: Mapping[str, Any]) -> Iterator[Block]:
    mutants = told["mutants"]
    lost = tuple((one["id"], one.get("violates", ""), one.get("why", "")) for one in mutants if not one["killed"])
    if lost:
        columns = ("fault", "requirement", "why")
        yield Block("table", title=f"Not caught: {len(lost):,} of {len(mutants):,} faults", columns=columns, rows=lost)
    stray = tuple(
        (one["id"], one.get("violates", ""), _few(one["collateral"])) for one in mutants if one.get("collateral")
    )
    if stray:
        columns = ("fault", "requirement", "checks that failed without being declared")
        yield Block("table", title=f"Undeclared collateral: {len(stray):,} faults", columns=columns, rows=stray)
    red = tuple((str(one.get("name", "reference")), _few(one["red"])) for one in _systems(told) if one.get("red"))
    if red:
        yield Block("table", title="False alarms", columns=("conforming server", "checks that failed"), rows=red)
    if not (lost or stray or red):
        yield Block(
            "text",
            text="Every planted fault was caught by a check of its requirement, and nothing else was called wrong.",
        )
    every = tuple(
        (
            one["id"],
            one.get("violates", ""),
            "caught" if one["killed"] else "not caught",
            _few(one.get("killed_by") or ()),
        )
        for one in mutants
    )
    four = ("fault", "requirement", "state", "caught by")
    yield Block("table", title=f"All {len(mutants):,} faults", columns=four, rows=every, folded=True)


def _systems(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [told.get("reference"), *(told.get("variants") or ())]
    return [one for one in found if isinstance(one, Mapping)]


def _few(checks: Any, most: int = 3) -> str:
    named = [str(one.get("check", one)) if isinstance(one, Mapping) else str(one) for one in checks]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")
