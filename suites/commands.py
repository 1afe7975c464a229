"""Commands of this room for the front door: `certify server`, `requirements`, `target init`, and those of the profile engine."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

certify = typer.Typer(name="certify", help="Judge a server or an app against the catalogue.", no_args_is_help=True)
target = typer.Typer(name="target", help="The target file: what is under test.", no_args_is_help=True)


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    app.add_typer(certify)
    app.add_typer(target)
    app.command()(requirements)
    for module in (
        "suites.proving.commands",
        "suites.profiles.commands",
        "suites.profiles.validate_command",
        "suites.app_certification.commands",
    ):
        if importlib.util.find_spec(module.rpartition(".")[0]) and importlib.util.find_spec(module):
            importlib.import_module(module).register(app)


@contextmanager
def _one_line() -> Iterator[None]:
    """Configuration errors are one line on stderr and exit code 2."""
    from suites.kit.catalogue import BadCatalogue
    from suites.kit.outcomes import BadTarget, Inconclusive

    try:
        yield
    except (BadTarget, BadCatalogue) as wrong:
        print(f"patient-access: {wrong}", file=sys.stderr)
        raise typer.Exit(2) from None
    except Inconclusive as wrong:
        print(f"patient-access: {wrong}", file=sys.stderr)
        raise typer.Exit(3) from None
    except OSError as wrong:
        print(f"patient-access: {wrong.filename or 'output'}: {wrong.strerror or wrong}", file=sys.stderr)
        raise typer.Exit(2) from None


@certify.command("server")
def certify_server(
    target_file: Annotated[Path, typer.Option("--target", help="the target file; `target init URL` drafts one")],
    out: Annotated[Path, typer.Option("--out", help="folder for run.jsonl, summary.json and evidence/")],
    suite: Annotated[list[str] | None, typer.Option("--suite", help="only this chapter; may be repeated")] = None,
    requirement: Annotated[
        list[str] | None, typer.Option("--requirement", help="only these requirements, by id or its beginning")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, max=32, help="workers, each with its own browser and members")
    ] = 2,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="take over what this run.jsonl decided, judge the rest")
    ] = None,
    since: Annotated[
        Path | None, typer.Option("--since", help="compare with what this earlier run saw: its folder or snapshot.json")
    ] = None,
    waivers: Annotated[Path | None, typer.Option("--waivers", help="known breaches with reason and last day")] = None,
    visible: Annotated[bool, typer.Option("--visible", help="show the browser")] = False,
    seed: Annotated[int, typer.Option("--seed", help="of states, nonces and verifiers")] = 7,
    check_seconds: Annotated[float, typer.Option("--check-seconds", help="time limit of one check")] = 60.0,
    run_seconds: Annotated[float, typer.Option("--run-seconds", help="time limit of the whole run; 0 for none")] = 0.0,
    format: Annotated[Format, typer.Option("--format", help="how the result is printed")] = Format.text,
) -> None:
    """Judge a Patient Access server: sign in, launch, attack, read; write a run for `report`."""
    from suites.kit.certify import Order, run

    order = Order(
        target=target_file,
        out=out,
        suites=tuple(suite or ()),
        requirements=tuple(requirement or ()),
        jobs=jobs,
        waivers=waivers,
        resume=resume,
        since=since,
        visible=visible,
        seed=seed,
        check_seconds=check_seconds,
        run_seconds=run_seconds,
    )
    with _one_line():
        code = run(order)
    summary = out / "summary.json"
    if code in (0, 1, 3) and summary.exists():
        _print_summary(summary, out, format)
    raise typer.Exit(code)


def _print_summary(path: Path, out: Path, format: Format) -> None:
    import json

    text = path.read_text(encoding="utf-8")
    if format is Format.json:
        print(text, end="")
        return
    summary = json.loads(text)
    counted = ", ".join(
        f"{summary[name]} {name.replace('_', ' ')}"
        for name in ("passed", "failed", "inconclusive", "skipped", "not_applicable")
    )
    print(
        f"{summary['verdict']}: {summary['checks']} checks, {counted}; {summary['requirements']} requirements decided"
    )
    print(f"{out / 'run.jsonl'}    patient-access report {out} -o report.html renders it")


def requirements(
    format: Annotated[Format, typer.Option("--format", help="text, or everything as JSON")] = Format.text,
) -> None:
    """The requirement catalogue: what is automated, reviewed or not tested, and by which checks."""
    import json

    from suites.kit import faults, traceability

    with _one_line():
        matrix = traceability.matrix(faults.declared())
    if format is Format.json:
        print(json.dumps(matrix, indent=1, ensure_ascii=False))
        return
    for row in matrix["entries"]:
        if row["checks"]:
            behind = f"{len(row['checks'])} checks, {len(row['faults'])} faults"
            behind += f"; no fault: {row['no_fault']}" if row["no_fault"] else ""
        else:
            behind = row["review"] or row["not_tested"]
        print(f"{row['id']:38} {row['level']:10} {row['status']:10} {behind[:120]}")
    counted = ", ".join(
        f"{matrix[name]} {name.replace('_', ' ')}" for name in ("automated", "review", "not_tested", "open")
    )
    print(f"{matrix['total']} requirements: {counted}")
    print(
        f"automated SHALLs without a fault: {len(matrix['excused'])} with a written reason, {matrix['without_fault']} without"
    )


@target.command("init")
def target_init(
    url: Annotated[str, typer.Argument(help="the FHIR base of the server")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="write the draft here instead of printing it")
    ] = None,
) -> None:
    """Draft a target file from what a server says about itself."""
    from suites.kit.draft_target import draft

    with _one_line():
        text = draft(url)
        if output is None:
            print(text, end="")
            return
        if output.exists():
            print(f"patient-access: {output} is there already; remove it or choose another name", file=sys.stderr)
            raise typer.Exit(2)
        output.write_text(text, encoding="utf-8")
    print(f"patient-access: wrote {output}; fill in what is marked FILL IN", file=sys.stderr)


@target.command("tokens")
def target_tokens(
    target_file: Annotated[Path, typer.Option("--target", help="the target file")],
    out: Annotated[Path, typer.Option("--out", help="JSON file for the tokens, readable by you only")],
    members: Annotated[int, typer.Option("--members", min=1, help="how many of its members sign in")] = 1,
    visible: Annotated[bool, typer.Option("--visible", help="show the browser")] = False,
) -> None:
    """Sign members in and keep their access tokens, for load or for a request of your own."""
    from suites.kit import sign_in
    from suites.kit.target import load

    with _one_line():
        tokens = sign_in.sign_in(load(target_file), members, visible)
        sign_in.write(tokens, out)
    print(f"patient-access: {len(tokens)} members signed in ({out})", file=sys.stderr)
