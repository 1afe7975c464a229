"""Renders a run as `report.html`: the view, the evidence, the run's other parts, one template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from reports.digests import file_digest
from reports.html import charts, evidence, parts, proving
from reports.html.blocks import Part
from reports.html.page import ORDER, write_page
from reports.html.view import View, build
from reports.reader import Run, run_file

LISTED = 6  # checks named under a requirement before they are counted instead
DETAILED = 150  # findings told at length; later ones are shortened so that the file stays small
SHOWN = 5  # findings of a check shown at once; the rest of those told are folded
TOLD = 600  # findings told at all; the rest are rows among the checks
LEAN = 2_000  # checks from which on rows of what passed leave out their evidence
TARGET_FACTS = {
    "fhir_base": "FHIR base",
    "directory_base": "Directory base",
    "formulary_base": "Formulary base",
    "payer_type": "Payer type",
    "rating_period_start": "Rating period from",
    "guides": "Guides claimed",
    "smart": "SMART App Launch",
    "time_zone": "Time zone",
}


@dataclass(frozen=True)
class Section:
    """An entry of the table of contents."""

    id: str
    title: str
    count: int | None = None


def write(run: Run, target: Path, proof: Path | None = None) -> None:
    """Write the report of a run, and its side folder of evidence when one is needed; `proof` is a proof.json of the suite."""
    view = build(run)
    shelf = evidence.collect(run.folder, run.results, target)
    proved = parts.proof(run, proof)
    of_proof = proving.part(proved)
    others = (*parts.read(run), *([of_proof] if of_proof else []))
    decided = ("PASS", "FAIL")
    write_page(
        "report.html",
        target,
        run=run,
        view=view,
        target=_Defaults(run.header.target),
        target_facts=_facts(run.header.target),
        proof=proving.score(proved),
        digest=file_digest(run_file(run.folder)),
        shelf=shelf,
        parts=others,
        decisions=parts.decisions(run.folder),
        sections=_sections(view, shelf, others),
        order=ORDER,
        listed=LISTED,
        detailed=DETAILED,
        told=TOLD,
        shown=SHOWN,
        told_checks={result.check for result in view.findings[:TOLD]},
        lean=len(run.results) > LEAN,
        judged=sum(result.judged for result in run.results),
        binding_total=sum(view.binding.values()),
        decided_requirements=sum(view.requirement_counts[name] for name in decided),
        verdict_bar=charts.verdict_bar,
    )


class _Defaults(dict[str, Any]):
    """A mapping whose unknown names are empty, for facts a target may leave out."""

    def __missing__(self, name: str) -> str:
        return ""


def _facts(target: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Scalar and list facts of the target under names for people, known ones first; tables are left out."""
    facts = [(TARGET_FACTS[name], target[name]) for name in TARGET_FACTS if target.get(name)]
    for name, value in target.items():
        if (
            name not in TARGET_FACTS
            and name != "name"
            and isinstance(value, str | int | float | bool | date)
            and value != ""
        ):
            facts.append((name.replace("_", " ").capitalize(), value))
    return [
        (name, [str(one) for one in value] if isinstance(value, list | tuple) else str(value)) for name, value in facts
    ]


def _sections(view: View, shelf: evidence.Shelf, others: tuple[Part, ...]) -> list[Section]:
    requirements = sum(view.requirement_counts.values())
    wanted = [
        Section("summary", "Summary"),
        Section("regulation", "By regulation", requirements),
        Section("findings", "Findings", len(view.findings)),
        Section("coverage", "Coverage", len(view.tables)) if view.tables else None,
        Section("checks", "All checks", len(view.run.results)),
        Section("review", "Review items", len(view.reviews)) if view.reviews else None,
        *(Section(part.id, part.title) for part in others),
        Section("not-checked", "Not checked", len(view.not_checked)) if view.not_checked else None,
        Section("not-tested", "Not tested", len(view.not_tested)) if view.not_tested else None,
        Section("evidence", "Evidence", len(shelf.inside)) if shelf.inside else None,
        Section("reading", "How to read"),
    ]
    return [section for section in wanted if section is not None]
