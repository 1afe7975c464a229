"""`patient-access profiles`: compile an official package to tables, list what is at hand."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

profiles = typer.Typer(
    name="profiles",
    help="The profile tables: which guides are at hand, and how to add one.",
    no_args_is_help=True,
)


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    app.add_typer(profiles)


@profiles.command("compile")
def compile_command(
    packages: Annotated[list[Path], typer.Argument(metavar="PACKAGE.tgz...", help="official FHIR packages")],
    out: Annotated[
        Path | None, typer.Option("--out", help="folder for the guide's tables; without it, where validate finds them")
    ] = None,
) -> None:
    """Make profile tables from official packages: facts only, one element a line."""
    from suites.profiles.compile import compile_file
    from suites.profiles.compiler.packages import BadPackage

    refused = 0
    for path in packages:
        try:
            if out is None:
                from suites.profiles.brought import compiled
                from suites.profiles.guide_tables import GuideTables

                folder = compiled([path])[0]
                about = GuideTables(folder).about
                counts, reasons = dict(about["counts"]), list(about["refused"])
            else:
                made = compile_file(path)
                folder, counts, reasons = made.write(out), made.counts, list(made.refused)
        except BadPackage as wrong:
            print(f"patient-access: {wrong}", file=sys.stderr)
            raise typer.Exit(2) from None
        except OSError as wrong:
            print(f"patient-access: {wrong.filename or out}: {wrong.strerror or wrong}", file=sys.stderr)
            raise typer.Exit(2) from None
        for reason in reasons:
            print(f"patient-access: left out {reason}", file=sys.stderr)
        refused += len(reasons)
        counted = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number)
        print(f"{folder}: {counted or 'nothing to judge by'}")
    if refused:
        raise typer.Exit(1)


@profiles.command("list")
def list_command(
    format: Annotated[Format, typer.Option("--format", help="text, or everything as JSON")] = Format.text,
    guide: Annotated[list[str] | None, typer.Option("--guide", help="only this guide; may be repeated")] = None,
    package: Annotated[list[Path] | None, typer.Option("--package", help="a package beside those shipped")] = None,
) -> None:
    """The guides at hand: their profiles, value sets, and what nothing here can decide."""
    from suites.profiles.compiler.packages import BadPackage
    from suites.profiles.guides import UnknownGuide
    from suites.profiles.inventory import chosen, described

    try:
        found = [described(tables) for tables in chosen(guide or (), package or ())]
    except (UnknownGuide, BadPackage) as wrong:
        print(f"patient-access: {wrong}", file=sys.stderr)
        raise typer.Exit(2) from None
    if format is Format.json:
        import orjson

        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    for entry in found:
        print(_line(entry))


def _line(entry: dict[str, Any]) -> str:
    counted = f"{len(entry['profiles']):4} profiles {len(entry['extensions']):4} extensions {entry['value_sets']:5} value sets"
    open_sets = f"{entry['undecidable_value_sets']} undecidable" if entry["undecidable_value_sets"] else ""
    return f"{entry['guide']:18} {entry['package']:40} {entry['version']:8} {counted}  {open_sets}".rstrip()
