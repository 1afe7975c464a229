"""Draw the tables of docs/members.md anew: what members live with, beside the sources, and what they use.

    python -m tests.benchmarks.members_table [--members 5000] [--seed 7]

Members are drawn, not rendered: some hundred a second.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthetic_data.facts import count_facts
from synthetic_data.members import Makers
from synthetic_data.network import make_network
from synthetic_data.report import LINES, prevalences, utilisation
from tests.benchmarks.profiles_table import put

PAGE = Path("docs/members.md")
AS_OF = datetime(2026, 7, 1, 7, tzinfo=UTC)
"""The day of a dataset for which none is asked."""


def drawn(members: int, seed: int) -> Counter[str]:
    """Facts of the first members of a dataset, planted ones left out."""
    makers = Makers(seed, AS_OF, make_network(seed))
    facts: Counter[str] = Counter()
    for number in range(len(makers.planted) + 1, len(makers.planted) + members + 1):
        count_facts(makers.member(number, len(makers.planted) + members), facts)
    return facts


def prevalence_table(facts: Counter[str]) -> str:
    """Found percent by line, in brackets what the pathway's file asks for."""
    rows: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in prevalences(facts):
        row = rows[one["pathway"]]
        row.update(title=one["title"], ages="–".join(map(str, one["ages"])), source=one["source"])
        row[one["line_of_business"]] = f"{one['percent']:.1f} ({one['wanted_percent']:.1f})"
    lines = [
        "| condition | ages | county plan | Medicare Advantage | marketplace | source |",
        "|---|---|--:|--:|--:|---|",
    ]
    for row in rows.values():
        cells = " | ".join(row.get(line, "–") for line in LINES)
        lines.append(f"| {row['title']} | {row['ages']} | {cells} | {row['source']} |")
    return "\n".join(lines)


def utilisation_table(facts: Counter[str]) -> str:
    """Contacts, stays and fills a thousand member-years by line."""
    rows: dict[str, dict[str, float]] = defaultdict(dict)
    for one in utilisation(facts):
        rows[one["what"].replace("_", " ")][one["line_of_business"]] = one["per_1000_member_years"]
    first = next(iter(LINES))
    subjects = ("visits:", "stays:")
    ordered = sorted(
        rows, key=lambda what: (not what.startswith(subjects), what.split(":")[0], -rows[what].get(first, 0))
    )
    lines = ["| what | county plan | Medicare Advantage | marketplace |", "|---|--:|--:|--:|"]
    lines += [f"| {what} | {' | '.join(f'{rows[what].get(line, 0):,.0f}' for line in LINES)} |" for what in ordered]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    ask = parser.parse_args()
    facts = drawn(ask.members, ask.seed)
    of_lines = ", ".join(f"{facts[f'members||{line}']:,} {name}" for line, name in LINES.items())
    said = f"Measured on {ask.members:,} drawn members of seed {ask.seed}: {of_lines}."
    put(PAGE, "prevalence", f"{said}\n\n{prevalence_table(facts)}")
    put(PAGE, "utilisation", utilisation_table(facts))


if __name__ == "__main__":
    main()
