"""Commands of this room for the front door: `report` and `metrics`."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer


class Format(enum.StrEnum):
    """What a run can be rendered as."""

    html = "html"
    junit = "junit"
    json = "json"
    csv = "csv"
    summary = "summary"


@contextmanager
def refusals() -> Iterator[None]:
    """What people give us that is not usable: one line on stderr, exit 2."""
    from reports.reader import BadRun

    try:
        yield
    except BadRun as error:
        print(f"patient-access: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except OSError as error:
        print(f"patient-access: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(2) from None


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    from reports.metrics.commands import metrics

    app.add_typer(metrics, name="metrics")

    @app.command()
    def report(
        run: Annotated[Path, typer.Argument(help="the folder of a run, or its run.jsonl")],
        format: Annotated[Format, typer.Option("--format", help="what to render")] = Format.html,
        output: Annotated[Path, typer.Option("-o", "--output", help="the file to write")] = Path("report.html"),
    ) -> None:
        """Render a run: the report a reviewer reads, or a format a tool reads."""
        from reports import csv_, json_, junit, summary
        from reports.html import report as html
        from reports.reader import load

        writers = {
            Format.html: html.write,
            Format.junit: junit.write,
            Format.json: json_.write,
            Format.csv: csv_.write,
            Format.summary: summary.write,
        }
        with refusals():
            writers[format](load(run), output)
        print(output)
