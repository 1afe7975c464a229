"""Commands of this room for the front door: `patient-access serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    app.command("serve", help="Run the reference payer until Ctrl-C.")(serve)
    keys = typer.Typer(name="keys", help="The payer's signing keys.", no_args_is_help=True)
    keys.command("rotate", help="Sign with new keys from now on; earlier ones stay published.")(rotate_keys)
    app.add_typer(keys)


def serve(
    dataset: Annotated[
        Path | None, typer.Option(help="Folder made by `patient-access generate`.", show_default=False)
    ] = None,
    deployment: Annotated[
        str,
        typer.Option(
            help="Name of a deployment or variant, or a TOML file; without it, the one the dataset's guides are of."
        ),
    ] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Public port; 0 takes a free one.")] = 8080,
    control_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the control interface, loopback only.", show_default=False),
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(help="Fault id or prefix to switch on; repeat for more.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve.")] = 1,
    database: Annotated[str, typer.Option(help="File, or postgresql://…; in memory when not given.")] = "",
    redis: Annotated[
        str, typer.Option(help="redis://… for limits shared by several machines (workers of one share them anyway).")
    ] = "",
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


def rotate_keys(
    database: Annotated[
        str, typer.Option(help="Database of the payer whose keys to roll over: a file, or postgresql://…")
    ],
) -> None:
    """Sign with new keys from now on; a running payer sees them at its next request."""
    from simulators.payer.authorization.keys import KeyRing, folder_of
    from simulators.payer.authorization.records import Ledger
    from simulators.payer.database import DatabaseUnusable, open_database

    try:
        opened = open_database(database)
        folder = folder_of(opened)
        if folder is None:
            raise DatabaseUnusable(
                f"database {database!r} is in memory: its keys live and die with the payer that serves it"
            )
        kid = KeyRing(folder).rotate()
        Ledger(opened).changed()
        opened.close()
    except DatabaseUnusable as error:
        print(f"keys rotate: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    print(kid)
