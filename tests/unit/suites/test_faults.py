"""Faults read from the payer's source as text, and what is wrong with a source before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from suites.kit import faults

GOOD = '''
@rule
def may_redeem(code):
    """A rule."""

@may_redeem.fault("replay", violates="A", also=("B", "C"))
def accept(code):
    """Wrong."""

def handler(payer):
    return may_redeem(payer.faults, 1)
'''


def source(folder: Path, text: str) -> Path:
    (folder / "codes.py").write_text(text, encoding="utf-8")
    return folder


def test_a_fault_is_read_with_everything_it_breaks(tmp_path: Path) -> None:
    (found,) = faults.declarations(source(tmp_path, GOOD))
    assert (found.id, found.rule, found.requirements, found.place) == (
        "replay",
        "may_redeem",
        ("A", "B", "C"),
        "codes.py:6",
    )
    assert faults.declared(tmp_path) == {"A": ["replay"], "B": ["replay"], "C": ["replay"]}
    assert faults.wrong({"A", "B", "C"}, tmp_path) == []


def test_faults_of_a_module_share_a_list_of_what_they_break(tmp_path: Path) -> None:
    text = 'SHARED = ("B", "C")\n' + GOOD.replace('also=("B", "C")', 'also=(*SHARED, "D")')
    (found,) = faults.declarations(source(tmp_path, text))
    assert set(found.requirements) == {"A", "B", "C", "D"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            GOOD + '\n@may_redeem.fault("replay", violates="A")\ndef again(code):\n    """Wrong."""\n',
            "2 faults are called 'replay'",
        ),
        (GOOD.replace('violates="A", also=("B", "C")', "also=()"), "violates no requirement"),
        (GOOD.replace('violates="A"', 'violates="AA"'), "violates 'AA', which is no requirement; did you mean 'A'?"),
        (GOOD.replace('also=("B", "C")', 'also=("Z",)'), "violates 'Z', which is no requirement"),
        (GOOD.partition("def handler")[0], "rule 'may_redeem' (codes.py:3) is never asked"),
    ],
)
def test_a_source_that_proves_nothing_is_seen_before_anything_runs(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in one for one in faults.wrong({"A", "B", "C"}, source(tmp_path, text)))


def test_a_rule_that_is_handed_on_or_bound_is_asked(tmp_path: Path) -> None:
    text = GOOD.replace("may_redeem(payer.faults, 1)", "[may_redeem.under(payer.faults)]")
    assert faults.never_asked(source(tmp_path, text)) == []


def test_the_payers_own_source_proves_something() -> None:
    from suites.kit import catalogue

    assert faults.wrong(frozenset(catalogue.load())) == []
    assert len(faults.ids()) >= 250
