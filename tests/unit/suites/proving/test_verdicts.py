"""What results under a fault mean, and what the whole amounts to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suites.proving.catalogue import System
from suites.proving.verdicts import KILLED, SURVIVED, UNDECIDED, Health, Mutant, Proof, came_to_nothing, mutant
from tests.unit.suites.proving.made import fault, result

REFERENCE = System("reference", "reference", ())


def test_a_fault_is_killed_by_a_failing_check_of_the_requirement_it_violates() -> None:
    found = mutant(fault(), [result("c.a", "FAIL", "A"), result("c.b", "PASS", "A")], {"c.a": "PASS"})
    assert (found.state, found.killed_by, found.collateral) == (KILLED, ("c.a",), ())
    assert found.message == "said FAIL"


def test_a_failing_check_of_another_requirement_is_collateral_and_kills_nothing() -> None:
    found = mutant(fault(), [result("c.a", "PASS", "A"), result("c.b", "FAIL", "B")], {"c.b": "PASS"})
    assert (found.state, found.collateral) == (SURVIVED, ("c.b",))
    assert found.why == "checks of A: 1 PASS"


def test_what_also_names_is_declared_and_kills_nothing() -> None:
    results = [result("c.a", "PASS", "A"), result("c.b", "FAIL", "B", "X")]
    found = mutant(fault(also=["X"]), results, {"c.b": "PASS"})
    assert (found.state, found.declared, found.collateral) == (SURVIVED, ("c.b",), ())


@pytest.mark.parametrize("without", ["FAIL", "INCONCLUSIVE"])
def test_a_check_that_is_not_green_without_the_fault_proves_nothing(without: str) -> None:
    found = mutant(fault(), [result("c.a", "FAIL", "A")], {"c.a": without})
    assert found.state == SURVIVED
    assert "red without the fault too" in found.why


def test_a_check_that_does_not_apply_without_the_fault_may_kill() -> None:
    assert mutant(fault(), [result("c.a", "FAIL", "A")], {"c.a": "NOT_APPLICABLE"}).killed


def test_a_survivor_says_what_its_checks_came_to() -> None:
    found = mutant(fault(), [result("c.a", "INCONCLUSIVE", "A"), result("c.b", "PASS", "B")], {})
    assert found.why == "checks of A: 1 INCONCLUSIVE; said INCONCLUSIVE"
    assert found.undecided == ("c.a",)
    assert mutant(fault(), [result("c.b", "PASS", "B")], {}).why == "no check decides A"


def test_a_mutant_is_told_whole() -> None:
    wrong = fault(also=["X"])
    results = [
        result("c.a", "FAIL", "A"),
        result("c.b", "FAIL", "B"),
        result("c.x", "FAIL", "X"),
        result("c.c", "INCONCLUSIVE", "B"),
        result("c.d", "PASS", "A"),
    ]
    assert mutant(wrong, results, {"c.a": "PASS"}, "late", 1.23456) == Mutant(
        wrong, KILLED, ("c.a",), ("c.x",), ("c.b",), ("c.c",), 5, 1.23, "said FAIL", {"c.b": "said FAIL"}, ""
    )
    assert mutant(wrong, [result("c.d", "PASS", "A")], {}) == Mutant(
        wrong, SURVIVED, checks=1, why="checks of A: 1 PASS"
    )


def test_a_survivor_counts_every_verdict_and_quotes_the_first_that_says_something() -> None:
    ends = ["PASS", "PASS", "INCONCLUSIVE", "SKIPPED", "NOT_APPLICABLE", "FAIL"]
    results = [result(f"c.{number}", verdict, "A") for number, verdict in enumerate(ends)]
    found = mutant(fault(), results, {"c.5": "FAIL"})
    assert found.why == (
        "checks of A: 2 PASS, 1 INCONCLUSIVE, 1 SKIPPED, 1 NOT_APPLICABLE, 1 FAIL; what fails is red without the fault too"
    )
    long = replace(result("c.a", "INCONCLUSIVE", "A"), message="x" * 301)
    assert mutant(fault(), [long], {}).why == "checks of A: 1 INCONCLUSIVE; " + "x" * 300


@pytest.mark.parametrize(
    ("verdict", "requirement", "nothing"),
    [("INCONCLUSIVE", "A", True), ("INCONCLUSIVE", "B", False), ("PASS", "A", False)],
)
def test_a_fault_whose_own_checks_were_not_decided_is_worth_another_try(
    verdict: str, requirement: str, nothing: bool
) -> None:
    assert came_to_nothing(fault(), [result("c.a", verdict, requirement)]) is nothing


def test_trouble_leaves_a_fault_undecided_unless_it_was_killed_before() -> None:
    assert mutant(fault(), [result("c.a", "PASS", "A")], {}, "not done after 120 s").state == UNDECIDED
    assert mutant(fault(), [result("c.a", "FAIL", "A")], {"c.a": "PASS"}, "not done after 120 s").killed


def test_a_conforming_server_is_red_by_shalls_only() -> None:
    should = result("c.b", "FAIL", "B", level="SHOULD")
    health = Health(REFERENCE, (result("c.a", "PASS", "A"), should))
    assert health.verdict == "green"
    assert health.noted == [should]
    assert Health(REFERENCE, (result("c.a", "FAIL", "A"),)).verdict == "red"


def test_a_conforming_server_is_undecided_when_nothing_was_decided() -> None:
    assert Health(REFERENCE, ()).verdict == "undecided"
    assert Health(REFERENCE, (result("c.a", "NOT_APPLICABLE", "A"),)).verdict == "undecided"
    assert Health(REFERENCE, (result("c.a", "PASS", "A"), result("c.b", "INCONCLUSIVE", "B"))).verdict == "undecided"
    assert Health(REFERENCE, (result("c.a", "PASS", "A"),), trouble="crashed").verdict == "undecided"


def test_a_known_finding_is_no_false_alarm() -> None:
    known = result("c.a", "SKIPPED", "A", waived=True)
    health = Health(REFERENCE, (known, result("c.b", "PASS", "B")))
    assert (health.verdict, health.waived) == ("green", [known])


GREEN = Health(REFERENCE, (result("c.a", "PASS", "A"),))
RED = Health(REFERENCE, (result("c.a", "FAIL", "A"),))
DEAD = Mutant(fault(), KILLED, ("c.a",))


@pytest.mark.parametrize(
    ("proof", "code"),
    [
        (Proof(GREEN, [], [DEAD]), 0),
        (Proof(None, [GREEN], []), 0),
        (Proof(RED, [], [DEAD]), 1),
        (Proof(GREEN, [RED], [DEAD]), 1),
        (Proof(GREEN, [], [DEAD, Mutant(fault("g"), SURVIVED)]), 1),
        (Proof(GREEN, [], [Mutant(fault(), KILLED, ("c.a",), collateral=("c.b",))]), 1),
        (Proof(GREEN, [], [DEAD, Mutant(fault("g"), UNDECIDED)]), 3),
        (Proof(GREEN, [Health(REFERENCE, ())], [DEAD]), 3),
        (Proof(GREEN, [], []), 3),
        (Proof(RED, [], [Mutant(fault(), UNDECIDED)]), 1),
    ],
)
def test_the_exit_code_takes_a_breach_of_ours_before_what_is_undecided(proof: Proof, code: int) -> None:
    assert proof.exit_code() == code
