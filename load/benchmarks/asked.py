"""What is asked of the payer's speed, beside what a run measured: one row a number, told by the machine and not by hand.

Leaves to others: measuring (payer.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from load.benchmarks.payer import Figure, Measured

READY, LOADED, READS, SEARCHES, TAIL, GROWTH, MEMORY = 2.0, 20_000, 10_000, 4_000, 5.0, 1.5, 200


def table(measured: Sequence[Measured], read: str, search: str) -> list[str]:
    """Markdown: the numbers asked for, the smallest and largest population that decide them, by store."""
    lines = ["## Asked and measured", "", "| what | asked | store | measured | |", "|---|---|---|--:|---|"]
    for store in dict.fromkeys(one.store for one in measured):
        these = sorted((one for one in measured if one.store == store), key=lambda one: one.members)
        lines += [
            f"| {what} | {asked} | {store} | {found} | {'met' if met else 'not met'} |"
            for what, asked, found, met in _rows(these, read, search)
        ]
    return [*lines, ""]


def _rows(these: list[Measured], read: str, search: str) -> Iterator[tuple[str, str, str, bool]]:
    least, most = these[0], these[-1]
    loaded = most.resources / most.loading
    yield f"ready, {least.members:,} members", f"≤ {READY:.0f} s", f"{least.ready:.1f} s", least.ready <= READY
    yield f"loading, {most.members:,} members", f"≥ {LOADED:,}/s", f"{loaded:,.0f}/s", loaded >= LOADED
    for name, asked in ((read, READS), (search, SEARCHES)):
        rate = _named(least, name).rate
        yield f"{name}, {least.members:,} members", f"≥ {asked:,}/s", f"{rate:,.0f}/s", rate >= asked
    tail = least.half.p99 / least.half.median
    yield f"p99 of a {search} at half its rate", f"≤ {TAIL:.0f} × median", f"{tail:.1f} ×", tail <= TAIL
    if most is not least:
        ratios = {row.name: _named(most, row.name).cost / row.cost for row in least.figures}
        name, growth = max(ratios.items(), key=lambda pair: pair[1])
        what = f"cost of a request, {least.members:,} to {most.members:,} members; the worst: {name}"
        yield what, f"≤ {GROWTH} ×", f"{growth:.2f} ×", growth <= GROWTH
    yield f"memory, {most.members:,} members", f"≤ {MEMORY} MiB", f"{most.memory:.0f} MiB", most.memory <= MEMORY


def _named(one: Measured, name: str) -> Figure:
    return next(row for row in one.figures if row.name == name)
