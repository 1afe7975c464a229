"""Known breaches as data: what a waivers file may say, which checks it speaks of, and what becomes of their results."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from reports.model import CheckResult, Finding, Verdict
from suites.kit import waivers
from suites.kit.outcomes import BadTarget
from suites.kit.waivers import Waiver

UNTIL = date(2027, 1, 31)
TABLE = {"waiver": {"reason": "fixed in release 9", "until": "2027-01-31"}}


def breach(check: str = "tokens.codes.replay", verdict: Verdict = Verdict.FAIL) -> CheckResult:
    return CheckResult(
        check,
        "A code works once.",
        "tokens",
        ("RFC6749-CODE-01", "OTHER-01"),
        "SHALL",
        verdict,
        "it worked twice",
        tables={"t": 1},
    )


def by_check(check: str = "tokens.codes.replay", **more: object) -> Waiver:
    return replace(Waiver("fixed in release 9", UNTIL, check=check), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("waiver", "covered"),
    [
        (by_check(), True),
        (by_check("tokens.codes"), True),
        (by_check("tokens"), True),
        (by_check("tokens.code"), False),  # a beginning of a name is no part of it
        (by_check("codes.replay"), False),
        (Waiver("r", UNTIL, requirement="RFC6749-CODE-01"), True),
        (Waiver("r", UNTIL, requirement="OTHER-01"), False),  # the first requirement is the one the check decides
        (Waiver("r", UNTIL), False),
    ],
)
def test_a_waiver_speaks_of_a_check_a_part_of_the_suite_or_a_requirement(waiver: Waiver, covered: bool) -> None:
    assert waiver.covers(breach()) is covered


def test_a_waiver_of_a_check_speaks_of_each_of_its_cases() -> None:
    assert by_check().covers(breach("tokens.codes.replay[twice]"))
    assert not by_check().covers(breach("tokens.codes.replays"))


def test_a_live_waiver_takes_the_breach_out_of_the_verdict_and_leaves_it_to_be_seen() -> None:
    assert waivers.apply(breach(), [by_check("launch"), by_check()], UNTIL) == replace(
        breach(),
        verdict=Verdict.SKIPPED,
        message="waived until 2027-01-31: fixed in release 9. The finding: it worked twice",
        tables={"t": 1, **TABLE},
    )


def test_a_dead_waiver_is_said_and_waives_nothing() -> None:
    assert waivers.apply(breach(), [by_check()], date(2027, 2, 1)) == replace(
        breach(),
        message="the waiver ended on 2027-01-31: fixed in release 9. it worked twice",
        tables={"t": 1, **TABLE},
    )


def test_a_breach_that_was_expected_and_does_not_come_fails() -> None:
    passed = breach(verdict=Verdict.PASS)
    finding = Finding(
        "a breach was expected here and did not come; take the waiver out", "fixed in release 9", "the check passed"
    )
    assert waivers.apply(passed, [by_check(expected=True)], UNTIL) == replace(
        passed, verdict=Verdict.FAIL, message=finding.message, findings=(finding,), tables={"t": 1, **TABLE}
    )
    assert waivers.apply(passed, [by_check()], UNTIL) is passed


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.SKIPPED, Verdict.NOT_APPLICABLE])
def test_what_is_not_decided_needs_no_waiver(verdict: Verdict) -> None:
    undecided = breach(verdict=verdict)
    assert waivers.apply(undecided, [by_check(expected=True)], UNTIL) is undecided


def test_a_result_nobody_waived_is_as_it_was() -> None:
    assert waivers.apply(breach(), [], UNTIL) == breach()


def written(folder: Path, text: str) -> Path:
    path = folder / "waivers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_in_its_order_with_every_key(tmp_path: Path) -> None:
    text = """
[[waiver]]
check = "tokens.é"
reason = "known"
until = 2027-01-31
[[waiver]]
requirement = "A-01"
reason = "other"
until = 2027-02-01
expected = true
"""
    assert waivers.load(written(tmp_path, text)) == [
        Waiver("known", UNTIL, check="tokens.é"),
        Waiver("other", date(2027, 2, 1), requirement="A-01", expected=True),
    ]
    assert waivers.load(written(tmp_path, "")) == []


GOOD = 'reason = "r"\nuntil = 2027-01-31\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'[[waiver]]\ncheck = "a"\n{GOOD}[[waiver]]\nreson = "x"\n',
            "waiver 2: unknown key 'reson'; did you mean 'reason'?",
        ),
        ('[[waiver]]\nzzzzzz = "x"\n', "waiver 1: unknown key 'zzzzzz'"),
        ('[[waiver]]\ncheck = "a"\nuntil = 2027-01-31\n', "waiver 1 needs a reason and a last day: until = 2027-01-31"),
        ('[[waiver]]\ncheck = "a"\nreason = "r"\n', "waiver 1 needs a reason and a last day: until = 2027-01-31"),
        ('[[waiver]]\ncheck = "a"\nreason = "r"\nuntil = "2027-01-31"\n', "waiver 1 needs a reason and a last day"),
        (f"[[waiver]]\n{GOOD}", "waiver 1 names either a check or a requirement"),
        (f'[[waiver]]\ncheck = "a"\nrequirement = "b"\n{GOOD}', "waiver 1 names either a check or a requirement"),
        ("]", "waivers.toml: "),
    ],
)
def test_a_file_that_says_too_little_or_too_much_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadTarget) as refused:
        waivers.load(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match=r"none\.toml"):
        waivers.load(tmp_path / "none.toml")


def test_a_waiver_of_a_check_speaks_of_all_its_cases_and_of_no_other_check() -> None:
    assert by_check().covers(breach("tokens.codes.replay[public]"))
    assert not by_check().covers(breach("tokens.codes.replayed"))
