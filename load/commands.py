"""The `load` command: sign members in, hand the plan to Locust in a process of its own, say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    app.command("load")(load)


def load(
    target: Annotated[Path, typer.Option(help="Target file of the server under test.")],
    scenario: Annotated[str, typer.Option(help="Name in load/scenarios.toml: limit, steady, spike.")],
    out: Annotated[Path, typer.Option(help="Folder for load.json.")],
    tokens: Annotated[
        Path | None, typer.Option(help="JSON list of {member, patient, access_token}; else members sign in.")
    ] = None,
    members: Annotated[int, typer.Option(min=1, help="How many of the target's members sign in.")] = 3,
) -> None:
    """Drive members' journeys at speed, or prove the declared limit (Locust)."""
    from load.plan import BadPlan
    from load.run import LoadInterrupted, run_load

    try:
        outcome = run_load(target, scenario, out, tokens, members)
    except BadPlan as error:
        typer.echo(f"load: {error}", err=True)
        raise typer.Exit(2) from error
    except LoadInterrupted as error:
        typer.echo(f"load: {error}", err=True)
        raise typer.Exit(3) from error
    from load.outcome import EXIT

    for finding in outcome["findings"]:
        typer.echo(f"{finding['verdict']:<12} {finding['requirement']}  {finding['message']}")
        typer.echo(f"{'':<12} expected {finding['expected']}; found {finding['found']}")
    typer.echo(f"load: {outcome['scenario']}: {outcome['verdict']} ({out / 'load.json'})", err=True)
    raise typer.Exit(EXIT[outcome["verdict"]])
