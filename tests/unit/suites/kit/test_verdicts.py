"""How a check's end becomes a verdict, how verdicts become an exit code, waivers, the circuit breaker."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from reports.model import CheckResult, Exchange, Finding, Verdict
from suites.kit import waivers
from suites.kit.outcomes import (
    Inconclusive,
    NonConformance,
    NotApplicable,
    NotPermitted,
    TargetUnreachable,
    Trail,
    control,
    expect,
    findings,
    judged,
    rung,
    start_trail,
    trail,
)
from suites.kit.target import load
from suites.kit.verdicts import Check, End, binding, counts, crashed, exit_code, result, summary
from suites.kit.workbench import OPENS_AFTER, open_workbench
from tests import miniatures

CHECK = Check("tokens.codes.replay", "A code works once.", "tokens", ("RFC6749-CODE-01",), "SHALL")


def made(error: BaseException | None, phase: str = "call", level: str = "SHALL") -> CheckResult:
    return result(replace(CHECK, level=level), [End("setup", None), End(phase, error)], Trail(), {}, 0.1)


@pytest.mark.parametrize(
    ("error", "phase", "verdict"),
    [
        (None, "call", Verdict.PASS),
        (NonConformance(Finding("wrong")), "call", Verdict.FAIL),
        (NonConformance(Finding("wrong")), "setup", Verdict.INCONCLUSIVE),
        (Inconclusive("control"), "call", Verdict.INCONCLUSIVE),
        (TargetUnreachable("gone"), "setup", Verdict.INCONCLUSIVE),
        (NotApplicable("no"), "call", Verdict.NOT_APPLICABLE),
        (NotPermitted("no"), "call", Verdict.SKIPPED),
        (KeyError("oops"), "call", Verdict.INCONCLUSIVE),
        (AssertionError("plain"), "call", Verdict.INCONCLUSIVE),
    ],
)
def test_the_end_of_a_check_is_its_verdict(error: BaseException | None, phase: str, verdict: Verdict) -> None:
    assert made(error, phase).verdict is verdict


def test_a_crash_of_ours_is_never_a_finding() -> None:
    crashed = made(ZeroDivisionError("division by zero"))
    assert crashed.findings == ()
    assert "the check itself failed" in crashed.message


def exchange(id: str, path: str, kind: str = "http") -> Exchange:
    return Exchange(id=id, kind=kind, method="GET", url=f"https://payer.example/{path}")


def full_trail() -> Trail:
    return Trail(
        evidence=["w-1", "w-2"],
        judged=4,
        not_checked={"urn:b", "urn:a"},
        notes=["a note", "another"],
        member="first",
        tables={"t": {"rows": []}},
    )


EXCHANGES = {one.id: one for one in (exchange("w-1", "first"), exchange("w-2", "second"), exchange("w-3", "third"))}


def test_a_pass_is_told_whole() -> None:
    assert result(CHECK, [End("setup", None), End("call", None)], full_trail(), EXCHANGES, 1.23456) == CheckResult(
        check="tokens.codes.replay",
        title="A code works once.",
        chapter="tokens",
        requirements=("RFC6749-CODE-01",),
        level="SHALL",
        verdict=Verdict.PASS,
        message="a note; another",
        judged=4,
        not_checked=("urn:a", "urn:b"),
        evidence=("w-1", "w-2"),
        curl="curl -i https://payer.example/second",  # the last exchange, when nothing points to another
        member="first",
        seconds=1.235,
        tables={"t": {"rows": []}},
    )


def test_a_breach_is_told_with_the_evidence_its_findings_point_to() -> None:
    finding = Finding("wrong", "this", "that", evidence=("w-9", "w-3"))
    ends = [
        End("setup", None),
        End("call", NonConformance(finding, cause="one cause")),
        End("teardown", KeyError("late")),
    ]
    told = result(CHECK, ends, full_trail(), EXCHANGES, 0.1)
    assert (told.verdict, told.findings, told.cause) == (Verdict.FAIL, (finding,), "one cause")
    assert told.message == "wrong; expected this; found that"
    assert told.evidence == ("w-1", "w-2", "w-9", "w-3")
    assert told.curl == "curl -i https://payer.example/third"  # an exchange that was not kept is passed over
    assert told.judged == 4


def test_what_no_shell_can_repeat_is_passed_over_for_what_it_can() -> None:
    clicked = {"w-1": exchange("w-1", "first"), "w-2": exchange("w-2", "page", kind="browser")}
    assert result(CHECK, [End("call", None)], full_trail(), clicked, 0.1).curl == "curl -i https://payer.example/first"
    assert result(CHECK, [End("call", None)], Trail(), EXCHANGES, 0.1).curl == ""


@pytest.mark.parametrize(
    ("error", "judged"),
    [
        (None, 1),
        (NonConformance(Finding("x")), 1),
        (Inconclusive("x"), 0),
        (NotApplicable("x"), 0),
        (NotPermitted("x"), 0),
    ],
)
def test_what_is_decided_was_judged_over_one_thing_at_least(error: BaseException | None, judged: int) -> None:
    assert made(error).judged == judged


@pytest.mark.parametrize(
    "error", [Inconclusive("why"), NotApplicable("why"), NotPermitted("why"), pytest.skip.Exception("why")]
)
def test_what_is_not_decided_says_why_and_finds_nothing(error: BaseException) -> None:
    told = made(error)
    assert (told.message, told.findings, told.cause) == ("why", (), "")
    assert told.verdict is not Verdict.PASS


def test_a_broken_rung_says_what_is_missing_and_accuses_nobody() -> None:
    told = made(NonConformance(Finding("no key set"), cause="keys"), "setup")
    assert (told.message, told.findings, told.cause) == ("what this check builds on is not there: no key set", (), "")


def test_pytests_own_skip_is_a_skip() -> None:
    assert made(pytest.skip.Exception("later")).verdict is Verdict.SKIPPED


def test_a_crash_says_where_in_the_suites_it_was_and_not_more_than_fits() -> None:
    elsewhere = ValueError("x" * 400)
    assert crashed(elsewhere) == "the check itself failed: ValueError: " + "x" * 300
    try:
        result(CHECK, [End("call", KeyError("k"))], None, {}, 0.1)  # type: ignore[arg-type]
    except AttributeError as error:
        inside = crashed(error)
    assert inside.startswith("the check itself failed at verdicts.py:")
    assert ": AttributeError: " in inside


def test_the_binding_results_are_shalls_that_nobody_waived() -> None:
    shall, must_not, should = made(None), made(None, level="SHALL NOT"), made(None, level="SHOULD")
    waived = replace(shall, verdict=Verdict.SKIPPED, tables={"waiver": {"reason": "known"}})
    assert binding([shall, must_not, should, waived]) == [shall, must_not]


def test_a_summary_counts_every_verdict() -> None:
    ends = [
        None,
        NonConformance(Finding("x")),
        Inconclusive("x"),
        NotPermitted("x"),
        NotApplicable("x"),
        NotApplicable("y"),
    ]
    results = [made(one) for one in ends]
    results.append(replace(made(None), requirements=("RFC6749-CODE-01", "RFC6749-CODE-02")))
    assert counts(results) == {"FAIL": 1, "INCONCLUSIVE": 1, "SKIPPED": 1, "PASS": 2, "NOT_APPLICABLE": 2}
    assert list(counts([])) == ["FAIL", "INCONCLUSIVE", "SKIPPED", "PASS", "NOT_APPLICABLE"]
    assert summary(results) == {
        "verdict": "FAIL", "checks": 7, "passed": 2, "failed": 1, "inconclusive": 1, "skipped": 1, "not_applicable": 2, "requirements": 2,
    }  # fmt: skip


def test_a_summary_speaks_of_recommendations_where_nothing_binds() -> None:
    assert summary([made(NonConformance(Finding("x")), level="SHOULD")])["verdict"] == "FAIL"
    assert summary([made(None), made(NonConformance(Finding("x")), level="SHOULD")])["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], 3),
        ([made(None)], 0),
        ([made(None), made(NonConformance(Finding("x")))], 1),
        ([made(None), made(Inconclusive("x"))], 3),
        ([made(None), made(NotPermitted("x"))], 3),
        ([made(None), made(NotApplicable("x"))], 0),
        ([made(NotApplicable("x"))], 3),
        ([made(None), made(NonConformance(Finding("x")), level="SHOULD")], 0),
        ([made(Inconclusive("x")), made(NonConformance(Finding("x")))], 1),
    ],
)
def test_exit_codes_come_from_the_shalls(results: list[CheckResult], code: int) -> None:
    assert exit_code(results) == code


def test_the_summary_counts_requirements_decided() -> None:
    assert summary([made(None), made(Inconclusive("x"))])["requirements"] == 1


def test_expectations_raise_what_they_should() -> None:
    start_trail()
    expect(True, "fine")
    with pytest.raises(NonConformance, match="expected 1; found 2"):
        expect(False, "no", expected=1, found=2)
    with pytest.raises(Inconclusive, match="the control failed"):
        control(False, "the thing is there")
    with pytest.raises(Inconclusive, match="nothing to judge"):
        judged(0, "claim")
    judged(3)
    assert trail().judged == 3
    with pytest.raises(Inconclusive, match="is not there to build on"), rung("a rung"):
        expect(False, "broken")


def test_findings_are_told_together_and_counted() -> None:
    def several() -> None:
        with findings() as found:
            for number in range(5):
                found.add("the same thing", path=f"entry[{number}]")
            found.check(True, "not this")
            found.check(False, "another")

    with pytest.raises(NonConformance) as raised:
        several()
    assert [(one.message, one.count) for one in raised.value.findings] == [("the same thing", 5), ("another", 1)]


def test_waivers_cover_until_their_last_day(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(
        '[[waiver]]\ncheck = "tokens.codes"\nreason = "fixed in release 9"\nuntil = 2027-01-31\n', encoding="utf-8"
    )
    listed = waivers.load(path)
    breach = made(NonConformance(Finding("wrong")))
    live = waivers.apply(breach, listed, date(2027, 1, 31))
    assert (live.verdict, live.waived) == (Verdict.SKIPPED, True)
    assert "fixed in release 9" in live.message
    assert exit_code([live, made(None)]) == 0
    dead = waivers.apply(breach, listed, date(2027, 2, 1))
    assert dead.verdict is Verdict.FAIL
    assert "ended on 2027-01-31" in dead.message


def test_the_circuit_opens_when_nobody_answers_and_closes_when_the_target_is_back(tmp_path: Path) -> None:
    with miniatures.serving(miniatures.html_with_200) as base:
        target = load(miniatures.target_file(tmp_path, base))
        bench = open_workbench(target, None, 0, 1, 7)
        bench.http.unreachable_in_a_row = OPENS_AFTER
        bench.check_circuit()
        assert bench.http.unreachable_in_a_row == 0
    bench.http.unreachable_in_a_row = OPENS_AFTER
    bench._probed = -1e9
    with pytest.raises(TargetUnreachable, match="stopped answering"):
        bench.check_circuit()
    bench.close()
