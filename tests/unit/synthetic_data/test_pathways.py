"""Pathway files: those that ship are sound, and a broken one is refused with its file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from synthetic_data.pathways import CARE, all_pathways, read_pathway
from synthetic_data.yaml_tables import TableError

GOOD = yaml.safe_load((CARE / "major_depression.yaml").read_bytes())


def written(folder: Path, content: Any) -> Path:
    path = folder / "broken.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def changed(*path: str | int, value: Any) -> Any:
    content = yaml.safe_load(yaml.safe_dump(GOOD))
    node = content
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return content


def test_every_condition_of_the_plan_has_a_pathway() -> None:
    assert {pathway.key for pathway in all_pathways()} >= {
        "major_depression",
        "generalised_anxiety",
        "ptsd",
        "bipolar",
        "schizophrenia",
        "adhd",
        "eating_disorder",
        "opioid_use",
        "alcohol_use",
        "stimulant_use",
        "tobacco_use",
        "co_occurring",
        "perinatal_depression",
        "child_adolescent",
        "hypertension",
        "diabetes",
        "asthma",
    }


@pytest.mark.parametrize("pathway", all_pathways(), ids=lambda one: one.key)
def test_every_state_can_be_reached_and_every_file_names_its_sources(pathway: Any) -> None:
    reached = {pathway.start.name}
    waiting = [pathway.start]
    while waiting:
        for name in waiting.pop().next.values:
            if name not in reached:
                reached.add(name)
                waiting.append(pathway.states[name])
    assert reached == set(pathway.states)
    assert len(pathway.source) > 40


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed("states", "acute", "next", value={"nowhere": 1.0}), "states.acute.next: unknown state 'nowhere'"),
        (changed("states", "acute", "next", value={"crisis": 0.4}), "states.acute.next: the probabilities sum to 0.4"),
        (changed("start", value="begin"), "start: unknown state 'begin'"),
        (
            changed("states", "acute", "visits", 0, "kind", value="tea"),
            "states.acute.visits.0.kind: unknown kind 'tea'",
        ),
        (
            changed("states", "acute", "assessments", 0, "instrument", value="phq-99"),
            "states.acute.assessments.0.instrument: unknown instrument 'phq-99'",
        ),
        (
            changed("states", "acute", "medications", 0, "any_of", value={"unobtainium": 1}),
            "states.acute.medications.0.any_of: unknown drug 'unobtainium'",
        ),
        (
            changed("states", "hospital", "stay", value={"kind": "hotel"}),
            "states.hospital.stay.kind: unknown stay 'hotel'",
        ),
        (changed("states", "acute", "days", value=[90, 10]), "states.acute.days: 90 is more than 10"),
        (changed("prevalence", "ages", value=[50, 20]), "prevalence.ages: from 50 to 20"),
        (changed("prevalence", "share", "bh", value=1.5), "prevalence.share.bh"),
        (changed("team", value=["wizard"]), "team.0: unknown profession 'wizard'"),
        (changed("surprise", value=1), "'surprise' was unexpected"),
    ],
)
def test_a_broken_pathway_is_refused_with_file_and_key(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(TableError) as refusal:
        read_pathway(written(tmp_path, content))
    assert "broken.yaml" in str(refusal.value)
    assert said in str(refusal.value)


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("pathway: x\n  title: [", encoding="utf-8")
    with pytest.raises(TableError, match="line 2"):
        read_pathway(path)
