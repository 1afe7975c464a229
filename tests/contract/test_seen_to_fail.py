"""Every check of a SHALL was seen to fail, or says why none of our faults can make it: docs/seen-to-fail.json and suites/proving/never_red.toml.

The first is what `patient-access prove` found of each fault, kept by `patient-access proof PROOF --seen docs/seen-to-fail.json`; the second
holds the reasons, and what is still open: lists that only shrink.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

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
def failed(seen: dict[str, list[str]]) -> set[str]:
    """The checks some fault turned red."""
    return {check for checks in seen.values() for check in checks}


@pytest.fixture(scope="module")
def binding() -> dict[str, tuple[str, ...]]:
    """Every check of a SHALL, with what it decides, the requirement that decides its level first."""
    entries = catalogue.load()
    return {
        name: entries.with_umbrellas(ids)
        for path in sorted(traceability.SUITES.glob("*/**/test_*.py"))
        for name, ids in traceability.cited(path)
        if entries[ids[0]].binding
    }


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """never_red.toml."""
    return tomllib.loads(REASONS.read_text(encoding="utf-8"))


def test_every_fault_was_seen_to_be_caught(seen: dict[str, list[str]], written: dict[str, Any]) -> None:
    declared, open_ones = set(faults.ids()), set(written["open"]["faults"])
    assert sorted(declared - seen.keys() - open_ones) == [], f"faults nobody has proved: {HOW}"
    assert sorted(seen.keys() - declared) == [], "faults that are no more: take them out of docs/seen-to-fail.json"
    assert sorted(id for id, checks in seen.items() if not checks) == [], "faults that nothing caught"
    assert sorted(open_ones & seen.keys() | open_ones - declared) == [], (
        "no longer open: take them out of never_red.toml"
    )


def test_every_check_in_the_file_is_there(failed: set[str]) -> None:
    there = {name for path in traceability.SUITES.glob("*/**/test_*.py") for name, _ in traceability.cited(path)}
    assert sorted(failed - there) == [], f"checks that are no more, by this name: {HOW}"


def test_every_check_of_a_shall_was_seen_to_fail_or_says_why_not(
    failed: set[str], binding: dict[str, tuple[str, ...]], written: dict[str, Any]
) -> None:
    entries = catalogue.load()
    # What a fault that is still open may turn red is open with it.
    waiting = {
        requirement
        for one in faults.declarations()
        if one.id in written["open"]["faults"]
        for requirement in one.requirements
    }
    silent = {
        check
        for check, decides in binding.items()
        if check not in failed and not entries[decides[0]].no_fault and not waiting & set(decides)
    }
    excused = {one["check"] for one in written.get("never", ())} | set(written["open"]["checks"])
    assert sorted(silent - excused) == [], (
        "checks nobody has seen to fail: declare a fault, or write the reason into never_red.toml"
    )


def test_a_reason_is_a_sentence_and_of_a_check_that_is_there_and_never_failed(
    failed: set[str], binding: dict[str, tuple[str, ...]], written: dict[str, Any]
) -> None:
    reasons = {one["check"]: one["reason"] for one in written.get("never", ())}
    named = {*reasons, *written["open"]["checks"]}
    assert sorted(named - binding.keys()) == [], "no check of a SHALL is called so"
    assert sorted(named & failed) == [], "seen to fail by now: take it out of never_red.toml"
    assert sorted(reasons.keys() & set(written["open"]["checks"])) == []
    assert [check for check, reason in reasons.items() if len(reason.split()) < 6] == []
