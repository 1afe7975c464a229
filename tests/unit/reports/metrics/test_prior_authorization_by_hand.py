"""Prior authorization figures held against a second computation, over requests nobody planned and over a generated record."""

from __future__ import annotations

import csv
import json
import statistics
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reports.metrics.pa_figures import Rules, figures
from reports.metrics.pa_output import Filing, as_json
from reports.metrics.pa_requests import Request, Setup, read
from synthetic_data.build import Specification, build, world_of
from synthetic_data.generating import guides_of
from synthetic_data.members import Makers
from synthetic_data.payer.authorization_eob import authorization_eob
from synthetic_data.payer.authorizations import Authorization, authorizations_of

ZONE = ZoneInfo("America/Los_Angeles")
COLUMNS = (
    "id", "unit", "class", "received", "determined", "outcome", "extended", "drug", "appeal_filed", "appeal_decided", "appeal_outcome",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Requests as a payer's table has them, and how they are asked."""

    rows: list[dict[str, str]]
    basis: str
    partials: str
    over: str
    strict: bool
    cut_off: date | None
    year: int = 2026


def row(
    unit: str, kind: str, received: datetime, minutes: int, outcome: str, extended: bool, drug: bool, appeal: str, later: int
) -> dict[str, str]:  # fmt: skip
    decided = outcome in ("approved", "denied", "partial")
    determined = received + timedelta(minutes=minutes)
    appealed = appeal if outcome in ("denied", "partial") else ""
    over = appealed in ("overturned", "upheld")
    return {
        "unit": unit, "class": kind, "received": received.isoformat(), "determined": determined.isoformat() if decided else "",
        "outcome": outcome, "extended": "yes" if extended else "no", "drug": "yes" if drug else "no",
        "appeal_filed": determined.isoformat() if appealed else "",
        "appeal_decided": (determined + timedelta(hours=later)).isoformat() if over else "", "appeal_outcome": appealed,
    }  # fmt: skip


EDGES = (datetime(2026, 1, 1, 8, tzinfo=UTC), datetime(2026, 3, 8, 10, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC),
         datetime(2027, 1, 1, 8, tzinfo=UTC))  # fmt: skip
ROWS = st.builds(
    row,
    st.sampled_from(["u", "u", "v"]),
    st.sampled_from(["standard", "standard", "expedited"]),
    st.builds(
        lambda edge, minutes: edge + timedelta(minutes=minutes), st.sampled_from(EDGES), st.integers(-6000, 6000)
    ),
    st.integers(0, 40_000),
    st.sampled_from(["approved", "approved", "denied", "denied", "partial", "withdrawn", "pending", "duplicate"]),
    st.booleans(),
    st.sampled_from([False] * 6 + [True]),
    st.sampled_from(["", "", "overturned", "upheld", "pending", "dismissed"]),
    st.integers(0, 3000),
)
CASES = st.builds(
    Case,
    st.lists(ROWS, min_size=1, max_size=25),
    st.sampled_from(["received", "decided"]),
    st.sampled_from(["mcpar", "template"]),
    st.sampled_from(["requests", "appeals"]),
    st.booleans(),
    st.sampled_from([None, date(2026, 12, 31), date(2027, 1, 15)]),
)


def rounded(value: Fraction | None) -> str:
    if value is None:
        return "not applicable"
    exact = Decimal(value.numerator * 10**30 // value.denominator).scaleb(-30)
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def share(part: int, whole: int) -> str:
    return rounded(Fraction(part * 100, whole)) if whole else "not applicable"


def by_hand(case: Case) -> list[dict[str, Any]]:
    """The published figures, straight from section 6 of the rule's facts."""
    units = []
    for unit in sorted({one["unit"] for one in case.rows}):
        mine = [one for one in case.rows if one["unit"] == unit and one["drug"] == "no"]
        basis = "received" if case.basis == "received" else "determined"
        mine = [
            one for one in mine if one[basis] and datetime.fromisoformat(one[basis]).astimezone(ZONE).year == case.year
        ]
        told: dict[str, Any] = {"id": unit}
        whole = 0
        for kind, name, seconds in (("standard", "days", 86400), ("expedited", "hours", 3600)):
            asked = [one for one in mine if one["class"] == kind]
            done = [one for one in asked if one["outcome"] in ("approved", "denied", "partial")]
            count = {name: sum(one["outcome"] == name for one in done) for name in ("approved", "denied", "partial")}
            approved, denied = count["approved"], count["denied"]
            if kind == "standard" and case.partials == "mcpar":
                denied += count["partial"]
            elif kind == "standard":
                approved += count["partial"]
            denominator = len(asked) if case.strict else len(done)
            whole += denominator
            last = case.cut_off or date(case.year + 1, 3, 1) - timedelta(days=1)
            appeals = [one for one in done if one["appeal_outcome"] in ("overturned", "upheld")
                       and datetime.fromisoformat(one["appeal_decided"]).astimezone(ZONE).date() <= last]  # fmt: skip
            won = sum(one["appeal_outcome"] == "overturned" for one in appeals)
            times = [
                Fraction(int((datetime.fromisoformat(one["determined"]) - datetime.fromisoformat(one["received"])).total_seconds()), seconds)
                for one in done
            ]  # fmt: skip
            told[kind] = {
                "determined": len(done), "approved": approved, "denied": denied, "partial": count["partial"],
                "approved_percent": share(approved, denominator), "denied_percent": share(denied, denominator),
                "approved_after_appeal_percent": share(won, len(appeals) if case.over == "appeals" else denominator),
                f"mean_{name}": rounded(sum(times, Fraction(0)) / len(times) if times else None),
                f"median_{name}": rounded(Fraction(statistics.median(times)) if times else None),
            }  # fmt: skip
        counts = ("approved", "partial") if case.partials == "template" else ("approved",)
        extended = sum(one["extended"] == "yes" and one["outcome"] in counts for one in mine)
        told["extended_and_approved_percent"] = share(extended, whole)
        units.append(told)
    return units


def write(case: Case, kind: str, folder: Path) -> tuple[str, Setup]:
    """The rows as an input of a kind, and how to read it."""
    rows = [{"id": f"r{number}", **one} for number, one in enumerate(case.rows)]
    table = folder / "requests.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    if kind == "csv":
        return str(table), Setup()
    if kind == "ndjson":
        (folder / "requests.ndjson").write_text("".join(json.dumps(one) + "\n" for one in rows))
        return str(folder / "requests.ndjson"), Setup()
    import duckdb

    typed = (
        "select * replace (nullif(determined, '')::timestamptz as determined, received::timestamptz as received, "  # noqa: S608 - own file
        f"extended = 'yes' as extended) from read_csv('{table}', all_varchar=true)"
    )
    if kind == "parquet":
        with duckdb.connect() as con:
            con.sql(f"copy ({typed}) to '{folder}/requests.parquet' (format parquet)")
        return f"{folder}/requests.parquet", Setup()
    with duckdb.connect(f"{folder}/pa.duckdb") as con:
        con.sql(f"create table requests as {typed}")
    return f"duckdb://{folder}/pa.duckdb", Setup(table="requests")


@pytest.mark.parametrize(("kind", "examples"), [("csv", 60), ("ndjson", 20), ("parquet", 6), ("database", 6)])
def test_the_figures_agree_with_counting_by_hand(kind: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, phases=(Phase.explicit, Phase.generate))
    @given(CASES)
    def agrees(case: Case) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source, setup = write(case, kind, Path(folder))
            requests = read(source, setup)
        strict = case.strict and case.basis == "received"
        rules = Rules(2026, case.basis, case.partials, case.cut_off, case.over, strict)
        found = as_json(Filing(figures(requests, rules, setup), rules, setup, ()))
        assert found["reporting_units"] == by_hand(
            Case(case.rows, case.basis, case.partials, case.over, strict, case.cut_off)
        )

    agrees()


SPECIFICATION = Specification(
    members=240, seed=5, family="current", guides=guides_of("current", []), as_of=datetime(2026, 12, 20, tzinfo=UTC)
)


def facts(members: int) -> list[tuple[Authorization, dict[str, Any]]]:
    """What the generator knows of each authorization, and the EOB it shows."""
    world = world_of(SPECIFICATION)
    makers = Makers(world.seed, world.as_of, world.network)
    told = []
    for number in range(1, members + 1):
        member = makers.member(number, SPECIFICATION.members)
        told += [(one, authorization_eob(one, member, world)) for one in authorizations_of(member, world)]
    return told


def as_row(one: Authorization) -> dict[str, str]:
    appeal = one.appeal
    outcome = one.initial or {"queued": "pending"}.get(one.outcome, one.outcome)
    verdict = (
        ""
        if appeal is None
        else "pending"
        if appeal.decided is None
        else "overturned"
        if appeal.overturned
        else "upheld"
    )
    return {
        "unit": "Organization/org-payer", "class": "expedited" if one.expedited else "standard", "received": one.received.isoformat(),
        "determined": one.determined.isoformat() if one.determined else "", "outcome": outcome,
        "extended": "yes" if one.extension else "no", "drug": "no", "appeal_filed": appeal.received.isoformat() if appeal else "",
        "appeal_decided": appeal.decided.isoformat() if appeal and appeal.decided else "", "appeal_outcome": verdict,
    }  # fmt: skip


def test_generated_authorizations_give_the_figures_their_facts_give(tmp_path: Path) -> None:
    told = facts(240)
    file = tmp_path / "ExplanationOfBenefit.ndjson"
    file.write_text("".join(json.dumps(eob) + "\n" for _, eob in told))
    requests = read(str(tmp_path), Setup())
    assert len(requests) == len(told) > 40
    kinds = {(one.outcome, one.extended, one.appeal_outcome) for one in requests}
    assert {outcome for outcome, *_ in kinds} == {"approved", "denied", "partial", "withdrawn", "pending"}
    assert {appeal for *_, appeal in kinds} >= {"", "overturned", "upheld"}
    assert any(extended for _, extended, _ in kinds)
    compared = 0
    for year in (2024, 2025, 2026):
        for basis in ("received", "decided"):
            rules = Rules(year, basis)
            found = as_json(Filing(figures(requests, rules, Setup()), rules, Setup(), ()))["reporting_units"]
            expected = by_hand(Case([as_row(one) for one, _ in told], basis, "mcpar", "requests", False, None, year))
            assert found == expected, (year, basis)
            compared += found[0]["standard"]["determined"]
    assert compared > 20


def test_a_datasets_folder_is_an_input_as_it_stands(tmp_path: Path) -> None:
    small = Specification(
        members=16, seed=7, family="current", guides=guides_of("current", []), as_of=datetime(2026, 7, 1, tzinfo=UTC)
    )
    build(small, tmp_path)
    eobs = [json.loads(line) for line in (tmp_path / "ExplanationOfBenefit.ndjson").read_text().splitlines()]
    asked = {one["id"] for one in eobs if one["use"] == "preauthorization"}
    requests = read(str(tmp_path), Setup())
    assert {one.id for one in requests} == asked
    assert asked
    assert all(isinstance(one, Request) for one in requests)
