"""Commands of this room for the front door: `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    app.command()(generate)


def generate(
    members: Annotated[int, typer.Option(help="How many members.", min=1, max=99_999_999)],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.")],
    out: Annotated[Path, typer.Option(help="The folder to make; a dataset already there is replaced whole.")],
    family: Annotated[str, typer.Option(help="Guide versions: legacy or current.")] = "current",
    guide: Annotated[
        list[str] | None, typer.Option(help="Another version of one guide, as in carin-bb@1.0.0; may be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes at once.", min=1, max=256)] = 1,
    shard: Annotated[str, typer.Option(help="Make part I of N alone, as in 2/8.")] = "1/1",
    scheduler: Annotated[str | None, typer.Option(help="Run on the Dask scheduler at this address.")] = None,
    as_of: Annotated[str, typer.Option(help="The moment the dataset shows.")] = "2026-07-01T00:00:00-07:00",
    report: Annotated[
        bool, typer.Option(help="Print what was made as JSON, and write OUT.report.json and OUT.report.html beside it.")
    ] = False,
) -> None:
    """Make synthetic members, their care and their claims as FHIR NDJSON with a manifest."""
    from synthetic_data.generating import run

    raise typer.Exit(
        run(
            members=members,
            seed=seed,
            out=out,
            family=family,
            guide=guide or [],
            jobs=jobs,
            shard=shard,
            scheduler=scheduler,
            as_of=as_of,
            report=report,
        )
    )
