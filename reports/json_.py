"""A run as one JSON document: summary, header, requirements with their verdicts, results, footer.

Check results keep the shape of `run.schema.json`.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from reports.html.page import written_whole
from reports.html.view import requirement_rows
from reports.reader import Run
from reports.summary import summary


def write(run: Run, target: Path) -> None:
    """Write the run as one JSON document."""
    head = {
        "summary": summary(run),
        "header": run.header.as_line(),
        "requirements": [
            {"id": row.requirement.id, "verdict": row.verdict, "checks": [result.check for result in row.checks]}
            for row in requirement_rows(run)
        ],
        "footer": run.footer.as_line(),
    }
    with written_whole(target) as file:
        file.write(orjson.dumps(head, option=orjson.OPT_INDENT_2).decode().removesuffix("\n}"))
        file.write(',\n  "checks": [\n')
        for number, result in enumerate(run.results):
            file.write((",\n" if number else "") + "    " + orjson.dumps(result.as_line()).decode())
        file.write("\n  ]\n}\n")
