"""The front door: wires the commands of the rooms into `patient-access`, and the rooms into one demonstration.

Each room has a `commands` module with `register(app)`; heavy imports happen inside the commands, so that `--help` is quick.
Exit codes: 0 every selected SHALL decided and passed; 1 a breach; 2 wrong usage or configuration; 3 undecided, unreachable,
or nothing ran.
"""

from __future__ import annotations

import importlib
import io
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

ROOMS = ("synthetic_data", "simulators", "suites", "load", "reports")

app = typer.Typer(
    name="patient-access",
    help="Prove that a CMS Patient Access API, or an app that uses one, does what the rules say.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def demo(
    members: Annotated[int, typer.Option(min=2, help="How many synthetic members the payer has.")] = 50,
    out: Annotated[Path, typer.Option(help="Folder for members, run, evidence and reports.")] = Path("build/demo"),
) -> None:
    """Make members, start the reference payer, judge it in a browser, probe its limit, write the reports."""
    from demonstration import demonstrate

    raise typer.Exit(demonstrate(members, out))


for room in ROOMS:
    importlib.import_module(f"{room}.commands").register(app)


def main() -> None:
    """Run the command line; Ctrl-C ends with 130 and no traceback, and a request to end stops every child first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character shows its number instead
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
