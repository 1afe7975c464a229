"""The same figures from every back end: the expressions are written once."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from reports.metrics import BadInput
from reports.metrics.mapping import load
from reports.metrics.sources import Log, fitting, open_log
from reports.metrics.usage import Switches, usage
from reports.metrics.usage_audit import trail
from tests.postgresql import NoPostgresql, server
from tests.unit.reports.metrics.logs import EXAMPLE

NOW = datetime(2027, 6, 1, tzinfo=UTC)
EVERY_SWITCH = [
    Switches(mode=mode, same_app_only=same, count_own_app=own)
    for mode, same, own in (
        ("sync", False, False),
        ("app-day", True, False),
        ("request", False, True),
        ("sync", True, True),
    )
]
MAPPING = load(EXAMPLE / "mapping.toml")


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLE / "access-log.ndjson").read_text().splitlines()]


def same_everywhere(log: Log) -> None:
    """Figures, exclusions and audit trail equal those of DuckDB."""
    duck = open_log(str(EXAMPLE), MAPPING)
    for switches in EVERY_SWITCH:
        assert usage(log, 2026, switches, at=NOW) == usage(duck, 2026, switches, at=NOW), switches
    months = Switches(by_month=True)
    assert usage(log, 2026, months, at=NOW).months == usage(duck, 2026, months, at=NOW).months
    assert sorted(map(str, trail(log, 2026, Switches(), at=NOW))) == sorted(
        map(str, trail(duck, 2026, Switches(), at=NOW))
    )


@pytest.mark.postgres
def test_postgresql_gives_the_same_figures_where_the_log_is() -> None:
    import psycopg

    try:
        running = server()
        address = running.__enter__()
    except NoPostgresql as reason:
        pytest.skip(str(reason))
    try:
        with psycopg.connect(address) as connection:
            connection.execute(
                "create table access_log (row text, at timestamptz, member text, app text, app_kind text, channel text, unit text, "
                "status integer, resources integer, interaction text)"
            )
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into access_log values (%(row)s, %(at)s, %(member)s, %(app)s, %(app_kind)s, %(channel)s, %(unit)s, "
                    "%(status)s, %(resources)s, %(interaction)s)",
                    rows(),
                )
        log = open_log(address, replace(MAPPING, format="database", table="public.access_log"))
        try:
            same_everywhere(log)
        finally:
            log.con.disconnect()
        with pytest.raises(BadInput, match="table 'none' cannot be opened"):
            open_log(address, replace(MAPPING, table="none"))
        with pytest.raises(BadInput, match="needs table"):
            open_log(address, MAPPING)
    finally:
        running.__exit__(None, None, None)


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="PySpark is an extra (pip install '.[spark]')")
def test_spark_gives_the_same_figures(tmp_path: Path) -> None:
    import ibis
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        con = ibis.pyspark.connect(session)
        con.create_view("access_log", con.read_json(str(EXAMPLE / "access-log.ndjson")), overwrite=True)
        table = con.table("access_log")
        same_everywhere(Log(con, table, fitting(table, MAPPING, "spark"), "spark"))
    finally:
        session.stop()


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    """An HTTP server with one answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/logs/usage"
    finally:
        running.shutdown()
        running.server_close()


def test_a_usage_log_is_fetched_over_http() -> None:
    with serving(200, (EXAMPLE / "access-log.ndjson").read_bytes()) as address:
        same_everywhere(open_log(address, replace(MAPPING, files="")))
    with serving(404, b"") as address, pytest.raises(BadInput, match="answered 404"):
        open_log(address, MAPPING)
    with pytest.raises(BadInput, match="ConnectError"):
        open_log(address, MAPPING)
