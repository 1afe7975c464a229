"""The command of this room: `patient-access prove`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from suites.proving.jobs import Order
    from suites.proving.verdicts import Proof


class Format(StrEnum):
    """How the result is printed."""

    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the front door."""
    app.command()(prove)


def prove(
    out: Annotated[Path, typer.Option("--out", help="folder for proof.json, proof.html and what was made on the way")],
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="only these faults, by id or its beginning; may be repeated")
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option("--variant", help="only these variants or deployments, by name; may be repeated")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="the whole suite against every fault, variant and deployment; takes hours")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=32, help="payers judged side by side")] = 2,
    members: Annotated[int, typer.Option("--members", min=12, max=200, help="members of the payer")] = 36,
    expected: Annotated[
        Path | None,
        typer.Option("--expected", help="folder of known findings, one waivers file a deployment (docs/proof.md)"),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="how the result is printed")] = Format.text,
) -> None:
    """Show that the suite catches what it claims to: reference and variants green, every declared fault red."""
    import time

    from suites.kit.catalogue import BadCatalogue
    from suites.proving.catalogue import BadCatalogueOfFaults, UnknownName
    from suites.proving.jobs import prove as carry_out
    from suites.proving.payer import CannotProve
    from suites.proving.planning import Request, plan
    from suites.proving.progress import Progress

    begun = time.monotonic()
    request = Request(tuple(fault or ()), tuple(variant or ()), out, jobs, members, full, expected)
    try:
        order = plan(request)
        with Progress() as progress:
            proof = carry_out(order, progress.done, progress.total)
    except (UnknownName, BadCatalogueOfFaults, BadCatalogue) as wrong:
        print(f"patient-access: {wrong}", file=sys.stderr)
        raise typer.Exit(2) from None
    except CannotProve as undecided:
        print(f"patient-access: {undecided}", file=sys.stderr)
        raise typer.Exit(3) from None
    except OSError as wrong:
        print(f"patient-access: {wrong.filename or out}: {wrong.strerror or wrong}", file=sys.stderr)
        raise typer.Exit(2) from None
    _write(proof, order, time.monotonic() - begun, format)
    raise typer.Exit(proof.exit_code())


def _write(proof: Proof, order: Order, seconds: float, format: Format) -> None:
    import json
    import resource
    import subprocess

    from suites.proving import document
    from suites.proving.payer import command

    how = {
        "mode": "full" if order.full else "chapter",
        "jobs": order.jobs,
        "members": order.members,
        "whole_reference": order.whole_reference,
        # Every payer, bench and fork has ended by now, so what they used is known.
        "cpu_seconds": round(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), 1),
    }
    content = document.document(proof, seconds=seconds, how=how)
    path = order.out / "proof.json"
    document.write(path, content)
    # Pages are the reports' business: asked for as a user would.
    drawn = subprocess.run(command("proof", str(path)), capture_output=True, text=True, timeout=120, check=False)
    if drawn.returncode:
        print(f"patient-access: proof.html was not written: {drawn.stderr.strip()[-300:]}", file=sys.stderr)
    if format is Format.json:
        print(json.dumps(content, indent=1, ensure_ascii=False))
        return
    for line in lines(content):
        print(line)
    print(path)


def lines(content: dict[str, Any]) -> list[str]:
    """The result for people: what is wrong first, then the score."""
    said = []
    for system in [content["reference"], *content["variants"]]:
        if system is None:
            continue
        said.append(f"{system['kind']} {system['name']}: {system['verdict']}, {system['checks']} checks")
        said += [
            f"  {kind.upper()} {one['check']}: {one['message'][:200]}"
            for kind in ("red", "undecided")
            for one in system[kind]
        ]
        if system["trouble"]:
            said.append(f"  {system['trouble']}")
    for one in content["mutants"]:
        if not one["killed"]:
            said.append(f"{one['state']} {one['id']} [{one['violates']}]: {one['why']}")
        if one["collateral"]:
            said.append(f"collateral of {one['id']} [{one['violates']}]: {', '.join(one['collateral'][:6])}")
    score = content["score"]
    said.append(
        f"{score['killed']} of {score['mutants']} faults killed, {score['survived']} survived, {score['undecided']} undecided, "
        f"{score['with_collateral']} with undeclared collateral, in {content['seconds']:.0f} s"
    )
    return said
