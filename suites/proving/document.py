"""`proof.json`: what one `prove` found, as others read it (shape: reports/proof.schema.json, docs/proof.md)."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suites.proving.catalogue import AREAS
from suites.proving.place import Result
from suites.proving.verdicts import KILLED, SURVIVED, UNDECIDED, Health, Mutant, Proof

FORMAT = 1


def document(proof: Proof, *, seconds: float, how: Mapping[str, Any]) -> dict[str, Any]:
    """The whole file. `how` says what was asked: mode, members, jobs, the faults chosen."""
    return {
        "format": FORMAT,
        "made": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(seconds, 1),
        "versions": {
            "patient-access-conformance": importlib.metadata.version("patient-access-conformance"),
            "python": platform.python_version(),
        },
        "how": dict(how),
        "exit_code": proof.exit_code(),
        "score": score(proof.mutants),
        "reference": health(proof.reference) if proof.reference else None,
        "variants": [health(one) for one in proof.variants],
        "mutants": [mutant(one) for one in proof.mutants],
        "checks": checks(proof),
    }


def score(mutants: list[Mutant]) -> dict[str, Any]:
    """How many faults were killed, in all and by area."""
    states = Counter(one.state for one in mutants)
    areas = {
        area: {
            "mutants": sum(one.fault.area == area for one in mutants),
            "killed": sum(one.fault.area == area and one.killed for one in mutants),
        }
        for area in AREAS
    }
    return {
        "mutants": len(mutants),
        "killed": states[KILLED],
        "survived": states[SURVIVED],
        "undecided": states[UNDECIDED],
        "with_collateral": sum(bool(one.collateral) for one in mutants),
        "areas": areas,
    }


def health(one: Health) -> dict[str, Any]:
    """The reference, a variant or a deployment without a fault."""
    counted = Counter(result.verdict for result in one.results)
    return {
        "name": one.system.name,
        "kind": one.system.kind,
        "about": one.system.about,
        "verdict": one.verdict,
        "trouble": one.trouble,
        "sampled": one.sampled,
        "checks": len(one.results),
        "counts": dict(sorted(counted.items())),
        "red": [_said(result) for result in one.of("FAIL")],
        "undecided": [_said(result) for result in one.of("INCONCLUSIVE")],
        "noted": [_said(result) for result in one.noted],
        "waived": [_said(result) for result in one.waived],
        "seconds": round(one.seconds, 1),
    }


def _said(result: Result) -> dict[str, Any]:
    return {"check": result.check, "requirements": sorted(result.requirements), "message": result.message}


def mutant(one: Mutant) -> dict[str, Any]:
    """One fault and what became of it."""
    return {
        "id": one.fault.id,
        "violates": one.fault.violates,
        "also": sorted(one.fault.also),
        "rule": one.fault.rule,
        "area": one.fault.area,
        "on": one.fault.on,
        "text": one.fault.text,
        "state": one.state,
        "killed": one.killed,
        "killed_by": list(one.killed_by),
        "declared": list(one.declared),
        "collateral": list(one.collateral),
        "undecided": list(one.undecided),
        "checks": one.checks,
        "seconds": one.seconds,
        "message": one.message,
        "said": dict(one.said),
        "why": one.why,
    }


def checks(proof: Proof) -> dict[str, Any]:
    """Of the checks the reference was judged by: those some fault turned red, by function, and those none did."""
    killers = Counter(function(id) for one in proof.mutants for id in {*one.killed_by, *one.declared, *one.collateral})
    known = sorted({function(one.check) for one in proof.reference.results}) if proof.reference else []
    return {
        "functions": len(known),
        "seen_to_fail": dict(sorted(killers.items())),
        "never_seen_to_fail": [one for one in known if one not in killers],
    }


def function(check: str) -> str:
    """A check without its case."""
    return check.partition("[")[0]


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
