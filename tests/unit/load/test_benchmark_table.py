"""The benchmark's table of what is asked says met only where the measured number meets it."""

from __future__ import annotations

from dataclasses import replace

from load.benchmarks.asked import table
from load.benchmarks.payer import READ, SEARCH, Figure, Measured


def measured(members: int, read_cost: float) -> Measured:
    read = Figure(READ, 10_000.0, 1.0, 2.0, 3.0, 0, read_cost, 8)
    search = Figure(SEARCH, 3_999.0, 2.0, 4.0, 6.0, 0, 200.0, 8)
    return Measured(
        store="sqlite3", members=members, resources=members * 8, loading=members * 8 / 20_000, ready=1.0, memory=201.0,
        figures=(read, search), half=replace(search, p99=10.0), load=0.1, loading_cost=1.0, ready_cost=0.5,
    )  # fmt: skip


def test_a_number_is_met_when_it_was_measured() -> None:
    lines = table([measured(1_000, 60.0), measured(100_000, 91.0)], READ, SEARCH)
    verdicts = {line.split("|")[1].strip(): line.split("|")[4:6] for line in lines if line.startswith("| ")}
    assert {what: (found.strip(), met.strip()) for what, (found, met) in verdicts.items() if what != "what"} == {
        "ready, 1,000 members": ("1.0 s", "met"),
        "loading, 100,000 members": ("20,000/s", "met"),
        "read by id, 1,000 members": ("10,000/s", "met"),
        "20-entry search, 1,000 members": ("3,999/s", "not met"),
        "p99 of a 20-entry search at half its rate": ("5.0 ×", "met"),
        "cost of a request, 1,000 to 100,000 members; the worst: read by id": ("1.52 ×", "not met"),
        "memory, 100,000 members": ("201 MiB", "not met"),
    }
