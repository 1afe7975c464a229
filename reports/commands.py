"""Commands of this room for the front door: `report`, `package`, `compare`, `history`, `traceability`, `proof` and `metrics`."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reports.reader import Run


class Format(enum.StrEnum):
    """What a run can be rendered as."""

    html = "html"
    pdf = "pdf"
    junit = "junit"
    json = "json"
    csv = "csv"
    sarif = "sarif"
    testreport = "testreport"
    summary = "summary"
    package = "package"


FILE_NAMES = {
    Format.html: "report.html",
    Format.pdf: "report.pdf",
    Format.junit: "junit.xml",
    Format.json: "report.json",
    Format.csv: "report.csv",
    Format.sarif: "report.sarif",
    Format.testreport: "testreport.json",
    Format.summary: "summary.json",
    Format.package: "evidence.zip",
}


class PageFormat(enum.StrEnum):
    """What a comparison is written as."""

    text = "text"
    json = "json"
    html = "html"


class HistoryFormat(enum.StrEnum):
    """What a history is written as."""

    json = "json"
    html = "html"


class MatrixFormat(enum.StrEnum):
    """What the requirement matrix is written as."""

    md = "md"
    csv = "csv"
    json = "json"
    html = "html"


RunArgument = Annotated[Path, typer.Argument(help="the folder of a run, or its run.jsonl")]


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


def report_command(
    run: RunArgument,
    format: Annotated[Format, typer.Option("--format", help="what to render")] = Format.html,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="the file to write; by the format if left out")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="the Ed25519 key that signs a package; without it one is made for it")
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(help="a proof.json of the suite, for the report (html, pdf); else the run folder's own"),
    ] = None,
) -> None:
    """Render a run: the report a reviewer reads, or a format a tool reads."""
    from reports.reader import BadRun, load

    target = output or Path(FILE_NAMES[format])
    with refusals():
        loaded = load(run)
        if proof is not None and format not in (Format.html, Format.pdf):
            raise BadRun(f"--proof is for html and pdf, not {format.value}")
        if format is Format.package:
            _package(loaded, target, key)
        elif format is Format.html:
            from reports.html import report

            report.write(loaded, target, proof)
        elif format is Format.pdf:
            from reports import pdf

            pdf.write(loaded, target, proof)
        else:
            _render(loaded, format, target)
    print(target)


def _render(run: Run, format: Format, output: Path) -> None:
    if format is Format.junit:
        from reports.junit import write
    elif format is Format.json:
        from reports.json_ import write
    elif format is Format.csv:
        from reports.csv_ import write
    elif format is Format.sarif:
        from reports.sarif import write
    elif format is Format.testreport:
        from reports.testreport import write
    else:
        from reports.summary import write
    write(run, output)


def _package(run: Run, output: Path, key: Path | None) -> None:
    from reports import package

    package.write(run, output, package.load_key(key) if key else None)
    if key is None:
        print(
            "patient-access: signed with a key made for this package: it proves wholeness, not who made it",
            file=sys.stderr,
        )


def verify_command(
    file: Annotated[Path, typer.Argument(help="an evidence package")],
    public_key: Annotated[Path | None, typer.Option(help="the PEM public key it must be signed with")] = None,
) -> None:
    """Check an evidence package: signature, hash chain, every file, and the run inside. Exit 1 when it was changed."""
    from reports.package import BadPackage, verify

    try:
        manifest = verify(file, public_key)
    except BadPackage as error:
        print(f"patient-access: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    signer = f"with {public_key}" if public_key else f"with the key it carries, {manifest['public_key']}"
    print(f"{file}: whole; {len(manifest['files'])} files, chain ends {manifest['head'][:16]}…, signed {signer}")


def key_command(output: Annotated[Path, typer.Option("-o", "--output", help="the private key to write")]) -> None:
    """Make a signing key for evidence packages; the public half is written beside it."""
    from reports.package import write_key

    with refusals():
        print(write_key(output))


def compare_command(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="the earlier run")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="the later run")],
    format: Annotated[PageFormat, typer.Option("--format")] = PageFormat.text,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="the file to write")] = None,
) -> None:
    """What changed between two runs; exit 1 when there are new failures."""
    from reports import compare
    from reports.reader import BadRun, load

    with refusals():
        runs = load(first), load(second)
        found = compare.compare(*runs)
        if output is not None:
            compare.write(found, runs, "json" if format is PageFormat.json else "html", output)
        elif format is not PageFormat.text:
            raise BadRun(f"--format {format.value} needs a file: -o FILE")
    print(compare.as_text(found))
    if found.new_failures:
        raise typer.Exit(1)


def history_command(
    folder: Annotated[Path, typer.Argument(help="a folder of runs")],
    format: Annotated[HistoryFormat, typer.Option("--format")] = HistoryFormat.html,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="the file to write; history.html if left out")
    ] = None,
) -> None:
    """A folder of runs over time: trend lines, and what changed from run to run."""
    from reports import history

    with refusals():
        found = history.history(folder)
        target = output or Path(f"history.{format.value}")
        history.write(found, format.value, target)
    for name, reason in found.unreadable:
        print(f"patient-access: {name}: left out: {reason}", file=sys.stderr)
    print(target)


def traceability_command(
    catalogue: Annotated[str, typer.Argument(help="what `requirements --format json` printed; - for standard input")],
    format: Annotated[MatrixFormat, typer.Option("--format")] = MatrixFormat.html,
    run: Annotated[Path | None, typer.Option(help="a run whose verdicts are told")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="the file to write; traceability.KIND if left out")
    ] = None,
) -> None:
    """The requirement matrix: requirement, source paragraph, checks, faults, last verdict."""
    from reports import matrix
    from reports.reader import load

    with refusals():
        target = output or Path(f"traceability.{format.value}")
        matrix.write(matrix.read(catalogue, load(run) if run else None), format.value, target)
    print(target)


def proof_command(
    file: Annotated[Path, typer.Argument(help="proof.json, or the folder `prove` wrote it to")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="the page to write; proof.html beside the file if left out")
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option("--seen", help="a file of what was seen to fail, brought up to date instead (docs/proof.md)"),
    ] = None,
) -> None:
    """The proof of the suite as a page: every planted fault with the checks that caught it."""
    from reports import proof

    with refusals():
        content = proof.read(file)
        if seen is not None:
            proof.write_seen(content, seen)
            print(seen)
            return
        target = output or (file if file.is_dir() else file.parent) / "proof.html"
        proof.write_page(content, target)
    print(target)


def register(app: typer.Typer) -> None:
    """Add this room's commands to the front door."""
    from reports.metrics.commands import metrics

    app.command("report")(report_command)
    app.command("compare")(compare_command)
    app.command("history")(history_command)
    app.command("traceability")(traceability_command)
    app.command("proof")(proof_command)
    package = typer.Typer(no_args_is_help=True, help="Evidence packages: `report RUN --format package` makes one.")
    package.command("verify")(verify_command)
    package.command("key")(key_command)
    app.add_typer(package, name="package")
    app.add_typer(metrics, name="metrics")
