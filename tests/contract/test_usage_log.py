"""The payer's usage log and the usage metric speak of the same things: members, apps, deliveries, reporting units."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from typer.testing import CliRunner

from patient_access import app as front_door
from reports.metrics.mapping import DEFAULT, NEEDED
from tests.unit.payer.running import App, dataset, running


def asked(control: str, year: int) -> list[str]:
    return ["metrics", "usage", "--input", f"{control}/logs/usage", "--year", str(year)]


def figures(control: str, year: int, *more: str) -> dict[str, int]:
    done = CliRunner().invoke(front_door, [*asked(control, year), *more])
    assert done.exit_code == 0, done.stderr
    total: dict[str, int] = json.loads(done.stdout)["total"]
    return total


def test_the_metric_reads_the_payers_own_log_without_a_mapping(tmp_path: Path) -> None:
    with running(dataset(tmp_path)) as payer:
        year = datetime.now(ZoneInfo("America/Los_Angeles")).year
        headers = {"Authorization": f"Bearer {App(payer).tokens()['access_token']}"}
        for _ in range(3):
            assert httpx.get(f"{payer.fhir}/Patient/m1", headers=headers).status_code == 200
        assert httpx.get(f"{payer.fhir}/Patient/none", headers=headers).status_code in (403, 404)
        lines = [json.loads(line) for line in httpx.get(f"{payer.control}/logs/usage").text.splitlines()]
        assert set(NEEDED) <= set(lines[0])
        assert set(lines[0]) - set(DEFAULT.columns) <= {"program", "consent"}
        assert figures(payer.control, year) == {"members": 1, "members_repeat": 0}
        # An hour later the same app comes again: a second transfer.
        payer.clock(advance=3600)
        headers = {"Authorization": f"Bearer {App(payer).tokens()['access_token']}"}
        assert httpx.get(f"{payer.fhir}/Patient/m1", headers=headers).status_code == 200
        # Put back, the clock still tells how far its log reaches: a log drawn then is in order, and one drawn now has a wrong clock.
        payer.clock(reset=True)
        clock = httpx.get(f"{payer.control}/clock").json()
        ahead = datetime.fromisoformat(clock["furthest"]) - datetime.fromisoformat(clock["now"])
        assert 3500 < ahead.total_seconds() <= 3600
        mapping = tmp_path / "usage-log.toml"
        mapping.write_text(f"drawn_at = {clock['now']}\n")
        told = CliRunner().invoke(front_door, [*asked(payer.control, year), "--mapping", str(mapping)])
        assert (told.exit_code, "lies in the future" in told.stderr) == (3, True)
        mapping.write_text(f"drawn_at = {clock['furthest']}\n")
        assert figures(payer.control, year, "--mapping", str(mapping)) == {"members": 1, "members_repeat": 1}
