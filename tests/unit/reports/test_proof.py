"""proof.json: what is read, what is refused, and what its page and its line say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports import proof
from reports.reader import BadRun

MUTANT = {
    "id": "code-replay-accepted", "violates": "RFC6749-CODE-01", "also": [], "rule": "authorization.codes.may_redeem", "area": "authorization",
    "on": "reference", "text": "A code already exchanged is exchanged <again>.", "state": "killed", "killed": True, "killed_by": ["tokens.codes.a"],
    "declared": [], "collateral": [], "undecided": [], "checks": 76, "seconds": 2.9, "message": "status 200 came", "why": "",
}  # fmt: skip
SYSTEM = {
    "name": "reference", "kind": "reference", "about": "", "verdict": "green", "trouble": "", "sampled": False, "checks": 2, "counts": {"PASS": 2},
    "red": [], "undecided": [], "noted": [], "waived": [], "seconds": 1.0,
}  # fmt: skip


def content(**changed: Any) -> dict[str, Any]:
    """A proof of one killed fault."""
    return {
        "format": 1,
        "made": "2026-11-27T20:00:00Z",
        "seconds": 12.5,
        "versions": {"python": "3.11.7"},
        "how": {"mode": "chapter", "jobs": 2, "members": 24, "whole_reference": True},
        "exit_code": 0,
        "score": {
            "mutants": 1, "killed": 1, "survived": 0, "undecided": 0, "with_collateral": 0,
            "areas": {"authorization": {"mutants": 1, "killed": 1}},
        },
        "reference": SYSTEM,
        "variants": [],
        "mutants": [MUTANT],
        "checks": {"functions": 2, "seen_to_fail": {"tokens.codes.a": 1}, "never_seen_to_fail": ["tokens.codes.b"]},
    } | changed  # fmt: skip


def write(folder: Path, document: object) -> Path:
    path = folder / "proof.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_proof_is_read_from_its_file_or_its_folder(tmp_path: Path) -> None:
    path = write(tmp_path, content())
    assert proof.read(path) == proof.read(tmp_path) == content()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "is not of type 'object'"),
        ({}, "is a required property"),
        (content(format=2), "format"),
        (content(mutants=[MUTANT | {"state": "dead"}]), "mutants.0.state"),
        (content(mutants=[{k: v for k, v in MUTANT.items() if k != "violates"}]), "'violates' is a required property"),
        (content(surprise=1), "'surprise' was unexpected"),
    ],
)
def test_what_is_no_proof_is_refused_in_one_line(tmp_path: Path, document: object, said: str) -> None:
    with pytest.raises(BadRun, match=said) as refused:
        proof.read(write(tmp_path, document))
    assert "\n" not in str(refused.value)


def test_no_file_and_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="No such file"):
        proof.read(tmp_path / "proof.json")
    (tmp_path / "proof.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadRun, match="is not JSON"):
        proof.read(tmp_path)


def test_the_line_says_how_much_was_caught_and_whether_it_was_all() -> None:
    assert proof.line(content()) == (
        "1 of 1 planted faults caught, 0 false alarms on 1 conforming servers, 0 faults with undeclared collateral"
    )
    part = content(how={"mode": "chapter", "jobs": 2, "members": 24, "whole_reference": False})
    assert "(a part of the faults)" in proof.line(part)


def test_false_alarms_are_counted_over_all_conforming_servers() -> None:
    said = {"check": "tokens.codes.a", "requirements": ["A"], "message": "no"}
    red = SYSTEM | {"name": "slow", "kind": "variant", "verdict": "red", "red": [said, said]}
    assert proof.summary(content(variants=[red])) == {
        "made": "2026-11-27T20:00:00Z", "mutants": 1, "killed": 1, "with_collateral": 0, "systems": 2, "false_alarms": 2, "whole": True,
    }  # fmt: skip


def test_the_page_tells_every_fault_and_escapes_what_servers_said(tmp_path: Path) -> None:
    survivor = MUTANT | {
        "id": "late-code",
        "state": "survived",
        "killed": False,
        "killed_by": [],
        "why": "checks of A: 1 PASS",
    }
    target = tmp_path / "proof.html"
    proof.write_page(content(mutants=[MUTANT, survivor]), target)
    page = target.read_text(encoding="utf-8")
    assert "code-replay-accepted" in page
    assert "late-code" in page
    assert "checks of A: 1 PASS" in page
    assert "&lt;again&gt;" in page
    assert "<again>" not in page
    assert "tokens.codes.b" in page


def test_a_page_without_reference_or_faults_is_drawn(tmp_path: Path) -> None:
    nothing = {"mutants": 0, "killed": 0, "survived": 0, "undecided": 0, "with_collateral": 0, "areas": {}}
    proof.write_page(content(reference=None, mutants=[], score=nothing), tmp_path / "p.html")
    assert "nothing tried" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_what_was_seen_to_fail_is_kept_by_fault_without_cases() -> None:
    caught = {
        **MUTANT,
        "killed_by": ["tokens.codes.a[1]", "tokens.codes.a[2]"],
        "declared": ["launch.b"],
        "collateral": ["x.y"],
    }
    lived = {**MUTANT, "id": "lives", "killed": False, "killed_by": [], "declared": ["launch.b"]}
    found = proof.seen(content(mutants=[caught, lived]), {"lives": ["old.check"], "another": ["c.d"]})
    assert found == {"another": ["c.d"], "code-replay-accepted": ["launch.b", "tokens.codes.a"], "lives": []}


def test_a_part_of_a_proof_leaves_what_it_did_not_try_and_the_whole_leaves_nothing_old(tmp_path: Path) -> None:
    kept = tmp_path / "seen.json"
    kept.write_text('{"gone-by-now": ["a.b"]}', encoding="utf-8")
    part = content(how=content()["how"] | {"whole_reference": False})
    proof.write_seen(part, kept)
    assert set(json.loads(kept.read_text(encoding="utf-8"))) == {"gone-by-now", MUTANT["id"]}
    proof.write_seen(content(), kept)
    assert json.loads(kept.read_text(encoding="utf-8")) == {MUTANT["id"]: ["tokens.codes.a"]}
