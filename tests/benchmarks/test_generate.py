"""Generating members: members and resources a CPU second, and memory as the number of members grows.

The rate is quoted beside what writing the same resources as JSON alone costs in the same run, as machines differ.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from synthetic_data import clinical, payer
from synthetic_data.build import Specification, members_chunk, world_of
from synthetic_data.members import Makers
from synthetic_data.records import FAMILIES

SPECIFICATION = Specification(
    members=4000, seed=7, family="current", guides=FAMILIES["current"], as_of=datetime(2026, 7, 1, 7, tzinfo=UTC)
)
ONE_PROCESS = """
import resource, sys
from pathlib import Path
from synthetic_data.generating import run
run(members={members}, seed=7, out=Path({out!r}), family="current", guide=[], jobs=1, shard="1/1", scheduler=None,
    as_of="2026-07-01T00:00:00-07:00")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_members_a_second() -> None:
    """Members 200 to 499: made, rendered and serialised."""
    members_chunk(SPECIFICATION, 100, 110)
    started = time.process_time()
    resources = sum(
        sum(members_chunk(SPECIFICATION, first, first + 24).counts.values()) for first in range(200, 500, 25)
    )
    made = time.process_time() - started
    world = world_of(SPECIFICATION)
    makers = Makers(world.seed, world.as_of, world.network)
    sample = [
        one
        for number in range(200, 225)
        for member in [makers.member(number, 4000)]
        for one in (*clinical.render(member, world), *payer.render(member, world))
    ]
    started = time.process_time()
    for resource in sample:
        orjson.dumps(resource)
    writing = (time.process_time() - started) / len(sample)
    print(
        f"\n{300 / made:.0f} members and {resources / made:.0f} resources a CPU second, {resources / 300:.0f} resources a member; "
        f"{made / resources / writing:.1f} times the cost of serialising them alone"
    )
    assert resources / 300 > 100


def test_memory_is_flat_in_members(tmp_path: Path) -> None:
    """Peak memory of one process for few and for many members."""
    peaks = []
    for members in (250, 1000):
        text = ONE_PROCESS.format(members=members, out=str(tmp_path / str(members)))
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    print(f"\n250 members: {peaks[0]} MiB; 1,000 members: {peaks[1]} MiB")
    assert peaks[1] < 1.5 * peaks[0]
