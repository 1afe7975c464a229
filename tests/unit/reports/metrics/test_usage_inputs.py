"""What usage logs may look like: CSV, Parquet, NDJSON, AuditEvents, mappings, memberships, and what is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from patient_access import app
from reports.metrics import BadInput, Refused
from reports.metrics.mapping import Mapping, load
from reports.metrics.sources import open_log
from reports.metrics.usage import Figure, Switches, usage
from tests.unit.reports.metrics.logs import COLUMNS, EXAMPLE, NOW, count, delivery, pair, write_log


@pytest.mark.parametrize("row", ["x,y,z,1,2,3,4,5,6,7,8,9,10,11,12", "short,row", '"never closed'])
def test_a_csv_that_breaks_off_is_one_line_and_exit_2(tmp_path: Path, row: str) -> None:
    plain = delivery("2026-03-01T09:00:00Z")
    line = ",".join(str(plain[name]) for name in COLUMNS)
    text = ",".join(COLUMNS) + "\n" + f"{line}\n" * 3000 + f"{row}\n" + f"{line}\n" * 30000
    (tmp_path / "log.csv").write_text(text)
    done = CliRunner().invoke(app, ["metrics", "usage", "--input", str(tmp_path / "log.csv"), "--year", "2026"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_lines_that_are_no_json_are_named(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.ndjson", [delivery("2026-03-01T09:00:00Z")])
    log.write_text(log.read_text() + '{"row": "cut\n')
    with pytest.raises(Refused) as refused:
        count(log)
    assert refused.value.problems[0][2] == ("log.ndjson:2 (not a JSON object)",)


def test_csv_files_of_a_folder_are_joined_by_their_columns_names(tmp_path: Path) -> None:
    head = "at,member,app,unit,status,resources"
    (tmp_path / "1.csv").write_text(f"{head}\n2026-03-01T09:00:00Z,a,x,u,200,1\n")
    (tmp_path / "2.csv").write_text(
        "member,at,app,status,unit,resources,app_kind\nb,2026-03-01T09:00:00Z,x,200,u,1,test\n"
    )
    assert pair(count(tmp_path)) == (1, 0)


def test_local_times_need_a_zone_and_an_hour_that_happens_once(tmp_path: Path) -> None:
    mapping = Mapping(log_time_zone="America/Los_Angeles")
    rows = [delivery("2026-07-01T09:00:00"), delivery("2026-07-01T16:10:00Z")]  # ten minutes apart
    assert pair(count(write_log(tmp_path / "log.ndjson", rows), mapping)) == (1, 0)
    for doubtful in ("2026-11-01T01:30:00", "2026-03-08T02:30:00"):
        log = write_log(tmp_path / "log.ndjson", [delivery(doubtful)])
        with pytest.raises(Refused, match="happened twice or never"):
            count(log, mapping)


def test_units_may_come_from_a_file_of_memberships(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(
        "member,unit,from,until\nm1,a,2026-01-01,2026-06-01\nm1,b,2026-06-01,\nm2,a,,\nm2,b,,\n"
    )
    mapping = Mapping(units="units.csv", folder=tmp_path)
    rows = [
        delivery("2026-05-31T23:00:00-07:00", "m1"), delivery("2026-06-01T01:00:00-07:00", "m1"), delivery("2026-03-01T09:00:00Z", "m2"),
    ]  # fmt: skip
    found = count(write_log(tmp_path / "log.ndjson", rows), mapping)
    assert found.units == (Figure("a", 2, 0), Figure("b", 2, 0))
    assert pair(found) == (2, 1)
    with pytest.raises(Refused, match="no reporting unit"):
        count(write_log(tmp_path / "log.ndjson", [*rows, delivery("2026-03-01T09:00:00Z", "stranger")]), mapping)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ("member,unit,from,until\nm1,a,2026-01-01,2026-06-02\nm1,a,2026-06-01,\n", "twice at the same time"),
        ("member,unit,from,until\nm1,a,2026-06-01,2026-01-01\n", "an end after its beginning"),
        ("member,unit,from,until\nm1,a,soon,\n", "units.csv:2"),
        ("member,unit\nm1,a\n", "needs the columns"),
    ],
)
def test_memberships_that_overlap_or_make_no_sense_are_refused(tmp_path: Path, units: str, message: str) -> None:
    (tmp_path / "units.csv").write_text(units)
    log = write_log(tmp_path / "log.ndjson", [delivery("2026-03-01T09:00:00Z")])
    with pytest.raises(BadInput, match=message):
        count(log, Mapping(units="units.csv", folder=tmp_path))


def test_a_member_id_of_two_persons_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("member,person\nm1,A\nm1,B\n")
    log = write_log(tmp_path / "log.ndjson", [delivery("2026-03-01T09:00:00Z")])
    with pytest.raises(BadInput, match=r"ids.csv:3: member m1 is two persons"):
        count(log, Mapping(identities="ids.csv", folder=tmp_path))


def test_two_ids_of_one_person_in_one_sync_are_one_transfer(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("member,person\nm1,A\nm2,A\n")
    rows = [delivery(f"2026-03-01T09:{minute:02d}:00Z", f"m{1 + minute % 2}") for minute in range(0, 50, 10)]
    assert pair(count(write_log(tmp_path / "log.ndjson", rows), Mapping(identities="ids.csv", folder=tmp_path))) == (
        1,
        0,
    )


def test_csv_and_parquet_give_the_same_figures_by_a_mapping_file(tmp_path: Path) -> None:
    mapping_text = 'identities = "identities.csv"\nsynthetic_members = ["S-0001"]\n[columns]\n' + "".join(
        f'{name} = "their_{name}"\n' for name in COLUMNS
    )
    for kind in ("csv", "parquet"):
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "identities.csv").write_bytes((EXAMPLE / "identities.csv").read_bytes())
        rows = duckdb.read_json(str(EXAMPLE / "access-log.ndjson")).project(
            ", ".join(f'"{name}" as their_{name}' for name in COLUMNS)
        )
        if kind == "csv":
            rows.write_csv(str(folder / "log.csv"), header=True)
        else:
            rows.write_parquet(str(folder / "log.parquet"))
        # DuckDB reads the times as timestamps without offset; the mapping says whose clock they are.
        (folder / "mapping.toml").write_text(f'log_time_zone = "UTC"\nfiles = "log.{kind}"\n' + mapping_text)
        found = usage(open_log(str(folder), load(folder / "mapping.toml")), 2026, Switches(), at=NOW)
        assert pair(found) == (7, 4), kind


def test_fhir_audit_events_give_the_same_figures(tmp_path: Path) -> None:
    purposes = {"patient-access": "PATRQT", "provider-access": "TREAT", "payer-to-payer": "HPAYMT"}
    outcomes = {2: "0", 3: "4", 4: "4", 5: "8"}
    with (tmp_path / "audit.ndjson").open("w") as file:
        for line in (EXAMPLE / "access-log.ndjson").read_text().splitlines():
            row = json.loads(line)
            event = {
                "resourceType": "AuditEvent", "id": row["row"], "recorded": row["at"], "outcome": outcomes[row["status"] // 100],
                "subtype": [{"code": row["interaction"]}], "source": {"site": row["unit"]},
                "purposeOfEvent": [{"coding": [{"code": purposes[row["channel"]]}]}],
                "agent": [{"requestor": True, "type": {"coding": [{"code": row["app_kind"]}]}, "who": {"identifier": {"value": row["app"]}}}],
                "entity": [
                    {"role": {"code": "1"}, "what": {"reference": f"Patient/{row['member']}"}},
                    {"role": {"code": "4"}, "detail": [{"type": "count", "valueString": str(row["resources"])}]},
                ],
            }  # fmt: skip
            file.write(json.dumps(event) + "\n")
    (tmp_path / "ids.csv").write_bytes((EXAMPLE / "identities.csv").read_bytes())
    mapping = Mapping(
        format="audit-event", files="audit.ndjson", identities="ids.csv", synthetic_members=("S-0001",), folder=tmp_path
    )
    assert pair(count(tmp_path, mapping)) == (7, 4)


def test_a_line_that_is_no_audit_event_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit.ndjson").write_text('{"resourceType":"Patient"}\n')
    with pytest.raises(BadInput, match=r"audit.ndjson:1: not an AuditEvent"):
        count(tmp_path / "audit.ndjson", Mapping(format="audit-event"))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("colums = 1\n", "did you mean 'columns'"),
        ('[columns]\nmembr = "x"\n', "did you mean 'member'"),
        ('format = "xml"\n', "one of ndjson"),
        ("[[", "cannot be read"),
        ("drawn_at = 2027-01-15T00:00:00", "with an offset"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(tmp_path: Path, mapping: str, message: str) -> None:
    (tmp_path / "mapping.toml").write_text(mapping)
    with pytest.raises(BadInput, match=message):
        load(tmp_path / "mapping.toml")


def test_a_log_without_a_needed_column_is_refused_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("at,member,app,status,unit\n2026-03-01T09:00:00Z,m,x,200,u\n")
    with pytest.raises(BadInput, match="no column 'resources'"):
        count(tmp_path / "log.csv")
    assert pair(count(tmp_path / "log.csv", Mapping(constants={"resources": 1}))) == (1, 0)


def test_ndjson_that_does_not_say_how_much_was_delivered_is_refused_too(tmp_path: Path) -> None:
    row = delivery("2026-03-01T09:00:00Z")
    thin = {name: row[name] for name in ("at", "member", "app", "unit", "status")}
    log = write_log(tmp_path / "log.ndjson", [thin])
    with pytest.raises(BadInput, match="no column 'resources'"):
        count(log)
    # Without a word on channel and kind of app a delivery is the member's own, by a third-party app.
    assert pair(count(log, Mapping(constants={"resources": 1}))) == (1, 0)
    assert pair(count(write_log(log, [{**row, "channel": None, "app_kind": None}]))) == (1, 0)
    with pytest.raises(BadInput, match="none of the columns"):
        count(write_log(log, [{"x": 1}]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.ndjson", "<html>", "is not NDJSON"),
        ("log.txt", "x", "cannot tell its format"),
        ("log.parquet", "PAR", "cannot be read as parquet"),
    ],
)
def test_what_is_no_log_is_one_line_and_exit_2(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    done = CliRunner().invoke(app, ["metrics", "usage", "--input", str(tmp_path / name), "--year", "2026"])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
