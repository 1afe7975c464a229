"""`metrics usage` over a year of a large payer's access log in Parquet: seconds, rows a second and peak memory.

ROWS in the environment sets the size (100 million when unset). The log is made first, by a seedless formula, so that the same
rows come out everywhere: syncs of twelve requests, a twelfth of them metadata, some refused, two million members, forty apps.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb

ROWS = int(os.environ.get("ROWS", "100000000"))
YEAR_SECONDS = 365 * 24 * 3600
LOG = """
select
  make_timestamptz(1735718400000000 + (sync * $step + 2 * number)::bigint * 1000000) as "at",
  'm' || lpad((hash(sync * 7919) % 2000000)::varchar, 7, '0') as member,
  'app-' || (hash(sync * 104729) % 40)::varchar as app,
  'plan-' || (hash(sync * 7919) % 2000000 % 25)::varchar as unit,
  (case when number = 5 and sync % 10 = 0 then 403 else 200 end)::smallint as status,
  (case when number = 0 then 0 else 10 end)::smallint as resources,
  case when number = 0 then 'metadata' when number % 4 = 3 then 'page' else 'search' end as interaction
from (select range // 12 as sync, range % 12 as number from range($rows))
"""


def test_a_year_of_a_large_payer(tmp_path_factory: object) -> None:
    folder = Path(os.environ.get("BENCH_FOLDER", "build/bench"))
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"access-log-{ROWS}.parquet"
    if not log.exists():
        with duckdb.connect(config={"memory_limit": "2GB"}) as con:
            con.sql("set preserve_insertion_order = false")
            step = YEAR_SECONDS / (ROWS / 12)
            made = con.sql(LOG.replace("$step", f"{step:.9f}").replace("$rows", str(ROWS)))
            made.write_parquet(str(log), compression="zstd")
    command = [
        sys.executable,
        "-m",
        "patient_access",
        "metrics",
        "usage",
        "--input",
        str(log),
        "--year",
        "2025",
        "--time-zone",
        "America/Los_Angeles",
    ]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak, cpu = used.ru_maxrss / 1024 / 1024, used.ru_utime + used.ru_stime
    total = json.loads(done.stdout)["total"]
    assert 0 < total["members_repeat"] <= total["members"] <= 2_000_000
    print(
        f"\nmetrics usage: {ROWS:,} rows ({log.stat().st_size / 1e9:.2f} GB) in {seconds:.1f} s, {ROWS / seconds / 1e6:.2f} million rows/s, {cpu:.0f} s of processor time, peak {peak:.2f} GiB, {total}"
    )
