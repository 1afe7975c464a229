"""Every check of a SHALL was seen to fail, or says why none of our faults can make it: docs/seen-to-fail.json and suites/proving/never_red.toml.

The file is what `patient-access prove` found of each fault, kept by `patient-access proof PROOF --seen docs/seen-to-fail.json`.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

import suites.proving
from suites.kit import catalogue, faults, traceability

SEEN = Path("docs/seen-to-fail.json")
REASONS = Path(suites.proving.__file__).with_name("never_red.toml")
HOW = "run `patient-access prove --fault ID --out build/mine` and `patient-access proof build/mine --seen docs/seen-to-fail.json`"


@pytest.fixture(scope="module")
def seen() -> dict[str, list[str]]:
    """By fault, the checks it turned red."""
    return dict(json.loads(SEEN.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def binding() -> dict[str, str]:
    """Every check of a SHALL, with the requirement that decides its level."""
    entries = catalogue.load()
    return {
        name: ids[0]
        for path in sorted(traceability.SUITES.glob("*/**/test_*.py"))
        for name, ids in traceability.cited(path)
        if entries[ids[0]].binding
    }


@pytest.fixture(scope="module")
def reasons() -> dict[str, str]:
    """The checks nothing turns red, with the written reason."""
    return {one["check"]: one["reason"] for one in tomllib.loads(REASONS.read_text(encoding="utf-8")).get("never", ())}


def test_every_fault_was_seen_to_be_caught(seen: dict[str, list[str]]) -> None:
    declared = set(faults.ids())
    assert sorted(declared - seen.keys()) == [], f"faults nobody has proved: {HOW}"
    assert sorted(seen.keys() - declared) == [], "faults that are no more: take them out of docs/seen-to-fail.json"
    assert sorted(id for id, checks in seen.items() if not checks) == [], "faults that nothing caught"


def test_every_check_of_a_shall_was_seen_to_fail_or_says_why_not(
    seen: dict[str, list[str]], binding: dict[str, str], reasons: dict[str, str]
) -> None:
    failed = {check for checks in seen.values() for check in checks}
    entries = catalogue.load()
    silent = {check for check, requirement in binding.items() if not entries[requirement].no_fault}
    assert sorted(silent - failed - reasons.keys()) == [], (
        "checks nobody has seen to fail: declare a fault, or a reason"
    )


def test_a_reason_is_a_sentence_and_of_a_check_that_is_there_and_never_failed(
    seen: dict[str, list[str]], binding: dict[str, str], reasons: dict[str, str]
) -> None:
    failed = {check for checks in seen.values() for check in checks}
    assert sorted(reasons.keys() - binding.keys()) == []
    assert sorted(reasons.keys() & failed) == [], "seen to fail by now: the reason is out of date"
    assert [check for check, reason in reasons.items() if len(reason.split()) < 6] == []
