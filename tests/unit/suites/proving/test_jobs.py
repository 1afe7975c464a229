"""What is tried in which order, and what stays readable of a proof that is interrupted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from suites.proving.catalogue import REFERENCE, Fault, System
from suites.proving.jobs import TRIED, Board, Order, Task, found, tasks_of
from suites.proving.payer import CannotProve
from suites.proving.place import Judged
from suites.proving.verdicts import mutant
from tests.unit.suites.proving.made import fault, result

SYSTEMS = {name: System(name, kind, ()) for name, kind in ((REFERENCE, "reference"), ("odd", "variant"))}


def order(out: Path, *faults: Fault, whole: bool = False) -> Order:
    variants = [SYSTEMS["odd"]]
    return Order(faults, SYSTEMS[REFERENCE], SYSTEMS, variants, out, whole_reference=whole)


def board(out: Path, *faults: Fault) -> Board:
    asked = order(out, *faults)
    return Board(asked, tasks_of(asked), lambda *_: None)


def test_the_reference_comes_first_and_variants_last(tmp_path: Path) -> None:
    tasks = tasks_of(order(tmp_path, fault("f"), fault("g", on="dean"), fault("h"), whole=True))
    assert tasks[0].chapter
    named = [one.fault.id if one.fault else one.system for one in tasks if not one.chapter]
    assert set(named[:2]) == {"f", "h"}
    assert named[2:] == ["g", "odd"]


def test_a_variant_that_answers_late_is_begun_with(tmp_path: Path) -> None:
    asked = replace(order(tmp_path, fault("f")), variants=[SYSTEMS["odd"], System("late", "variant", (), waits=True)])
    assert [one.system for one in tasks_of(asked)] == ["late", REFERENCE, "odd"]


def test_a_job_stays_with_its_deployment_as_long_as_there_is_something_for_it(tmp_path: Path) -> None:
    shared = board(tmp_path, fault("f"), fault("g", on="dean"), fault("h", on="dean"))
    taken = [shared.take("dean") for _ in range(4)]
    assert [one.system for one in taken if one] == ["dean", "dean", REFERENCE, "odd"]
    assert shared.take("dean") is None


def test_what_was_tried_is_readable_at_once(tmp_path: Path) -> None:
    wrong = fault("f", "A")
    shared = board(tmp_path, wrong)
    shared.mutants["f"] = mutant(wrong, [result("c.a", "FAIL", "A"), result("c.b", "FAIL", "B")], {})
    shared.record(Task(REFERENCE, fault=wrong))
    shared.keep("odd", Judged((result("c.a", "PASS", "A"), result("d.a", "FAIL", "A")), "not done"), 2.0)
    shared.record(Task("odd", chapter="c"))
    first, second = map(json.loads, (tmp_path / TRIED).read_text(encoding="utf-8").splitlines())
    assert (first["id"], first["killed_by"], first["said"]) == ("f", ["c.a"], {"c.b": "said FAIL"})
    assert (second["system"], second["chapter"], second["checks"], second["red"]) == ("odd", "c", 1, [])
    assert (second["trouble"], second["verdict"]) == ("not done", "undecided")


def test_a_fault_nobody_tried_leaves_nothing_proved(tmp_path: Path) -> None:
    with pytest.raises(CannotProve, match="'f' was not tried"):
        found(board(tmp_path, fault("f")))
