"""How checks say what they found: expectations, controls, counts, findings gathered over many things."""

from __future__ import annotations

import pytest

from reports.model import Finding
from suites.kit.outcomes import (
    MOST_KINDS,
    Findings,
    Inconclusive,
    NonConformance,
    NotApplicable,
    NotPermitted,
    TargetUnreachable,
    control,
    describe,
    expect,
    fail,
    findings,
    judged,
    not_applicable,
    not_permitted,
    rung,
    shorten,
    start_trail,
    trail,
)


def test_a_finding_is_described_with_all_it_has() -> None:
    assert describe(Finding("m")) == "m"
    assert describe(Finding("m", "e", "f", "p")) == "m; expected e; found f (at p)"


def test_a_breach_tells_three_findings_and_counts_the_rest() -> None:
    four = NonConformance(*(Finding(name) for name in "abcd"), cause="why")
    assert str(four) == "a; b; c; and 1 more"
    assert (len(four.findings), four.cause) == (4, "why")
    assert str(NonConformance(*(Finding(name) for name in "abc"))) == "a; b; c"


def test_long_values_are_shortened_and_say_how_long_they_were() -> None:
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 300 + "… (301 characters)"
    assert shorten("abcdef", 3) == "abc… (6 characters)"
    assert shorten(7) == "7"
    long = NonConformance(Finding("m" * 600))
    assert str(long) == "m" * 500 + "… (600 characters)"


def test_an_expectation_points_at_its_evidence_or_the_last_seen() -> None:
    start_trail().saw("main/1", "main/2")
    expect(True, "never told")
    with pytest.raises(NonConformance) as raised:
        expect(False, "m", expected=200, found="f" * 400, path="p", cause="c")
    (finding,) = raised.value.findings
    assert (finding.message, finding.expected, finding.path, finding.evidence) == ("m", "200", "p", ("main/2",))
    assert finding.found.endswith("(400 characters)")
    assert raised.value.cause == "c"
    with pytest.raises(NonConformance) as raised:
        fail("m", evidence="main/9")
    assert raised.value.findings[0].evidence == ("main/9",)


def test_without_evidence_a_finding_points_nowhere() -> None:
    start_trail()
    with pytest.raises(NonConformance) as raised:
        fail("m")
    assert raised.value.findings[0].evidence == ()


def test_a_failed_control_is_undecided_and_says_what_came() -> None:
    control(1, "it works")
    with pytest.raises(Inconclusive, match=r"^the control failed: it works$"):
        control(0, "it works")
    with pytest.raises(Inconclusive, match=r"^the control failed: it works; found 403$"):
        control(False, "it works", 403)


def test_nothing_judged_decides_nothing() -> None:
    start_trail()
    judged(2, "claim")
    judged(3)
    assert trail().judged == 5
    with pytest.raises(Inconclusive, match="no claim was found"):
        judged(0, "claim")
    with pytest.raises(Inconclusive, match="no instance was found"):
        judged(-1)


def test_a_broken_rung_is_undecided_for_what_stands_on_it() -> None:
    with rung("the key set"):
        pass
    with pytest.raises(Inconclusive, match=r"^the key set is not there to build on: m$"), rung("the key set"):
        fail("m")
    with pytest.raises(TargetUnreachable), rung("the key set"):
        raise TargetUnreachable("gone")


def test_reasons_not_to_judge_are_kept_apart() -> None:
    with pytest.raises(NotApplicable, match="no guide"):
        not_applicable("no guide")
    with pytest.raises(NotPermitted, match="not asked"):
        not_permitted("not asked")


def test_equal_findings_are_told_once_with_their_number_and_three_pieces_of_evidence() -> None:
    start_trail()

    def gather() -> None:
        with findings("a proxy") as found:
            assert found.check(True, "never told") is True
            for number in range(5):
                details = {"found": f"f{number}", "path": f"p{number}", "evidence": f"main/{number}"}
                assert found.check(0, "m", expected="e", **details) is False
            found.add("m", expected="other")
            found.add("n", evidence="main/1")
            found.add("n", evidence="main/1")

    with pytest.raises(NonConformance) as raised:
        gather()
    first, second, third = raised.value.findings
    assert (first.message, first.found, first.path, first.count) == ("m", "f0", "p0", 5)
    assert first.evidence == ("main/0", "main/1", "main/2")
    assert (second.expected, second.count, second.evidence) == ("other", 1, ())
    assert (third.message, third.count, third.evidence) == ("n", 2, ("main/1",))
    assert raised.value.cause == "a proxy"


def test_no_findings_are_no_breach() -> None:
    with findings() as found:
        found.check(True, "m")
    assert found.merged() == []


def test_a_trail_keeps_what_was_seen_once_and_in_order() -> None:
    start_trail(deadline=5.0).saw("b", "a", "", "b")
    assert (trail().evidence, trail().deadline) == (["b", "a"], 5.0)
    assert start_trail().evidence == []


def test_a_million_equal_findings_are_one_and_findings_of_many_kinds_are_bounded() -> None:
    found = Findings()
    for number in range(50_000):
        found.add("no fullUrl", path=f"Bundle.entry[{number}]", evidence=f"e{number}")
    (same,) = found.merged()
    assert (same.count, same.path, same.evidence) == (50_000, "Bundle.entry[0]", ("e0", "e1", "e2"))
    for number in range(5_000):
        found.add(f"breach {number}")
    merged = found.merged()
    assert len(merged) == MOST_KINDS + 1
    assert sum(one.count for one in merged) == 55_000
