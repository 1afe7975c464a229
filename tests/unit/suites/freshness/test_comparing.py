"""Two looks at a record: which new claims were late, what is gone, what changed in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from suites.freshness import comparing
from suites.freshness.comparing import When, when
from suites.kit import snapshot
from suites.kit.outcomes import BadTarget
from suites.kit.snapshot import Seen, Snapshot

ZONE = ZoneInfo("America/Los_Angeles")
BASE = "https://payer.example/fhir"
FRIDAY = "2026-07-10T15:00:00-07:00"  # its claims are due when Tuesday 2026-07-14 begins


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def claim(**more: str) -> Seen:
    return replace(Seen(adjudicated=FRIDAY, use="claim", status="active", content="c"), **more)


@pytest.mark.parametrize(
    ("seen", "before", "after", "wanted"),
    [
        (claim(), "2026-07-09", "2026-07-13T23:59", When.in_time),
        (claim(), "2026-07-14", "2026-07-20", When.late),
        (claim(), "2026-07-13T23:59", "2026-07-14T00:01", When.undecided),
        (claim(updated="2026-07-13T23:00:00-07:00"), "2026-07-09", "2026-07-20", When.in_time),
        (claim(updated="2026-07-15T08:00:00-07:00", version="1"), "2026-07-09", "2026-07-20", When.late),
        (claim(updated="2026-07-15T08:00:00-07:00", version="2"), "2026-07-09", "2026-07-20", When.undecided),
        (claim(adjudicated="2026-07-10"), "2026-07-14", "2026-07-20", When.late),
        (claim(adjudicated="2026-07"), "2026-07-14", "2026-07-20", When.undecided),
        (claim(adjudicated=""), "2026-07-14", "2026-07-20", When.undecided),
        # The third of July 2026 is the observed holiday: what was adjudicated on the second is due on the seventh.
        (claim(adjudicated="2026-07-02T09:00:00-07:00"), "2026-07-06T12:00", "2026-07-06T20:00", When.in_time),
        (claim(adjudicated="2026-07-02T09:00:00-07:00"), "2026-07-07", "2026-07-08", When.late),
    ],
)
def test_two_looks_decide_about_a_new_claim(seen: Seen, before: str, after: str, wanted: When) -> None:
    assert when(seen, at(before), at(after), ZONE)[0] is wanted


def looks(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> tuple[Snapshot, Snapshot]:
    before, after = Snapshot(BASE, at("2026-07-01"), "s"), Snapshot(BASE, at("2026-07-20"), "s")
    before.see("first", "ExplanationOfBenefit", old)
    after.see("first", "ExplanationOfBenefit", new)
    return before, after


def eob(id: str, updated: str = "2026-06-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    own = {"resourceType": "ExplanationOfBenefit", "id": id, "status": "active", "use": "claim", "created": FRIDAY}
    return {**own, "meta": {"lastUpdated": updated, "versionId": "1"}, **more}


def test_only_new_claims_are_new() -> None:
    before, after = looks([eob("a")], [eob("a"), eob("b"), eob("c", use="preauthorization")])
    assert len(list(comparing.new_claims(before, after))) == 1


def test_what_is_gone_is_found_unless_it_may_go() -> None:
    kept = [eob("a")]
    may_go = [eob("b", status="entered-in-error"), eob("c", use="preauthorization")]
    (pair,) = comparing.pairs(*looks([*kept, *may_go, eob("d", status="cancelled")], kept))
    assert [one.status for one in comparing.gone(pair)] == ["cancelled"]


@pytest.mark.parametrize(
    ("new", "fine"),
    [
        (eob("a", disposition="other"), False),
        (eob("a", disposition="other", updated="2026-05-01T00:00:00Z"), False),
        (eob("a", updated="2026-05-01T00:00:00Z"), False),
        (eob("a", disposition="other", updated="2026-06-02T00:00:00Z"), True),
        (eob("a", updated="2026-06-02T00:00:00Z"), True),
        (eob("a", disposition="other", meta={}), False),
    ],
)
def test_a_change_moves_last_updated(new: dict[str, Any], fine: bool) -> None:
    (pair,) = comparing.pairs(*looks([eob("a")], [new]))
    assert [comparing.moved_on(old, now, ZONE) for old, now in comparing.changed(pair)] == [fine]


def test_another_narrative_or_order_of_elements_is_no_change() -> None:
    (pair,) = comparing.pairs(*looks([eob("a")], [dict(reversed(eob("a", text={"div": "<div/>"}).items()))]))
    assert comparing.changed(pair) == []


def test_a_type_or_member_one_run_lacks_is_not_compared() -> None:
    before, after = looks([eob("a")], [])
    after.members["second"] = after.members.pop("first")
    assert list(comparing.pairs(before, after)) == []


def test_a_snapshot_tells_nothing_of_what_a_resource_says(tmp_path: Path) -> None:
    seen = Snapshot(BASE, at("2026-07-01"), "s")
    person = {"resourceType": "Patient", "id": "mrn-4711", "name": [{"family": "Rossi"}], "birthDate": "1980-02-29"}
    labelled = {"resourceType": "Patient", "id": "x", "meta": {"security": [{"code": "R"}]}}
    seen.see("first", "Patient", [person, labelled])
    seen.write(tmp_path)
    text = (tmp_path / snapshot.NAME).read_text("utf-8")
    assert not [word for word in ("mrn-4711", "Rossi", "1980") if word in text]
    assert len(seen.members["first"]["Patient"]) == 1
    assert snapshot.of_target(tmp_path, BASE + "/") == seen


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no snapshot"),
        ("[]", "no snapshot"),
        (json.dumps({"format": 9}), "format 9"),
        (json.dumps({"format": 1, "taken": "today", "members": {}}), "no snapshot"),
        (json.dumps({"format": 1, "taken": "2026-07-01", "salt": "", "fhir_base": BASE, "members": {}}), "offset"),
        (json.dumps({"format": 1, "taken": "2026-07-01T00:00:00Z", "salt": "", "fhir_base": "https://other.example", "members": {}}), "other.example"),
    ],
)  # fmt: skip
def test_what_is_no_snapshot_of_the_target_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "snapshot.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadTarget, match=said):
        snapshot.of_target(tmp_path, BASE)
    with pytest.raises(BadTarget, match="earlier run"):
        snapshot.of_target(tmp_path / "nowhere", BASE)
