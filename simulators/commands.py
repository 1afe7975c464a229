"""Commands of this room for the front door: `patient-access serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    app.command("serve", help="Run the reference payer until Ctrl-C.")(serve)


def serve(
    dataset: Annotated[
        Path | None, typer.Option(help="Folder made by `patient-access generate`.", show_default=False)
    ] = None,
    deployment: Annotated[str, typer.Option(help="Name of a deployment or variant, or a TOML file.")] = "reference",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Public port; 0 takes a free one.")] = 8080,
    control_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the control interface, loopback only.", show_default=False),
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(help="Fault id or prefix to switch on; repeat for more.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve.")] = 1,
    database: Annotated[str, typer.Option(help="File, or postgresql://…; in memory when not given.")] = "",
    redis: Annotated[str, typer.Option(help="redis://… for limits shared by machines.")] = "",
    public_url: Annotated[str, typer.Option(help="What the payer calls itself behind a proxy.")] = "",
    write_target: Annotated[
        Path | None, typer.Option(help="Write the target file of this payer here.", show_default=False)
    ] = None,
) -> None:
    """Run the reference payer until Ctrl-C."""
    from simulators.payer import serving

    if dataset is None:
        print(
            "serve: no dataset: run `patient-access generate` first and give its folder with --dataset", file=sys.stderr
        )
        raise typer.Exit(2)
    settings = serving.Settings(
        dataset=dataset, deployment=deployment, port=port, control_port=control_port, faults=tuple(fault or ()), workers=workers,
        database=database, redis=redis, public_url=public_url, write_target=write_target,
    )  # fmt: skip
    try:
        serving.serve(settings, lambda line: print(line, flush=True))
    except serving.CannotServe as error:
        print(f"serve: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
