"""`patient-access validate`: files, directories and streams of resources against FHIR R4 and the profiles of guides."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from suites.profiles.validation_jobs import Settings


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


def register(app: typer.Typer) -> None:
    """Add the command to the front door."""
    app.command("validate")(validate)


def validate(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files (.json, .ndjson), directories, or - for standard input."),
    ],
    profile: Annotated[
        list[str] | None,
        typer.Option(help="A profile every resource must conform to, beside those it claims.", metavar="URL"),
    ] = None,
    guide: Annotated[
        list[str] | None,
        typer.Option(
            help="A guide whose profiles are at hand, as in us-core@3.1.1; a generated dataset names its own.",
            metavar="NAME@VERSION",
        ),
    ] = None,
    package: Annotated[
        list[Path] | None, typer.Option(help="An official FHIR package nobody shipped.", metavar="TGZ")
    ] = None,
    format: Annotated[
        Format, typer.Option(help="text for people, json for one array, ndjson for a line a resource.")
    ] = Format.TEXT,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that judge at the same time.")] = 1,
    assume_profiles: Annotated[
        bool,
        typer.Option(
            "--assume-profiles", help="Judge a resource that claims no profile by the guides' profile for its type."
        ),
    ] = False,
    must_support: Annotated[
        bool, typer.Option("--must-support", help="Also print which must-support elements were seen, and where.")
    ] = False,
    terminology_server: Annotated[
        str | None, typer.Option(help="A FHIR terminology server to ask about codes no table decides.", metavar="URL")
    ] = None,
) -> None:
    """Validate FHIR R4 resources, offline. Exit 0: all valid; 1: errors found; 2: wrong usage; 3: nothing to validate."""
    from suites.profiles.documents import NoSuchDocument, check_paths, guides_of_datasets
    from suites.profiles.validation_jobs import Settings, WrongSettings, judged

    named = list(guide or ())
    if not named and not package:
        made_for = guides_of_datasets(paths)
        named = list(made_for)
        for index in dict.fromkeys(made_for.values()):
            guides = ", ".join(one for one in named if made_for[one] == index)
            typer.echo(f"judged by the guides that {index} names: {guides}", err=True)
    settings = Settings(
        tuple(named),
        tuple(str(p) for p in package or ()),
        tuple(profile or ()),
        terminology_server,
        assume_profiles,
        must_support,
    )
    try:
        check_paths(paths)
        settings.validator()
        found = _print(judged(paths, settings, jobs), format, settings)
    except (NoSuchDocument, WrongSettings) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from wrong
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(1) from None
    if not found["resources"]:
        typer.echo("nothing to validate: no .json or .ndjson document was found", err=True)
        raise typer.Exit(3)
    raise typer.Exit(1 if found["invalid"] else 0)


def _print(results: Any, form: Format, settings: Settings) -> Counter[str]:
    from suites.profiles.progress import Progress

    found: Counter[str] = Counter()
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        # Half a surrogate pair that a document holds can only be printed as an escape.
        out.reconfigure(encoding=None if form is Format.TEXT else "utf-8", errors="backslashreplace")
    opened = False
    with Progress() as progress:
        for result in results:
            if "coverage" in result:
                _print_coverage(result["coverage"], form, out, opened)
                opened = True
                continue
            found["resources"] += 1
            found["invalid"] += not result["valid"]
            if form is Format.NDJSON:
                out.write(json.dumps(result, ensure_ascii=False) + "\n")
            elif form is Format.JSON:
                out.write(("," if opened else "[") + "\n" + json.dumps(result, ensure_ascii=False))
            else:
                _print_text(result, out)
            opened = True
            progress.advance(found)
    if form is Format.JSON:
        out.write("\n]\n" if opened else "[]\n")
    out.flush()
    if form is Format.TEXT and found["resources"]:
        print(f"{found['resources'] - found['invalid']} of {found['resources']} resources are valid", file=sys.stderr)
    return found


def _print_text(result: dict[str, Any], out: Any) -> None:
    name = f"{result['resourceType'] or '?'}/{result['id'] or '?'}"
    out.write(f"{'valid  ' if result['valid'] else 'INVALID'} {result['source']} {name}\n")
    for issue in result["issues"]:
        place = f" (line {issue['line']})" if issue.get("line") else ""
        source = f" [{issue['profile']}]" if issue.get("profile") else ""
        out.write(f"    {issue['severity']}: {issue['path']}{place}: {issue['message']} ({issue['rule']}){source}\n")
    if result["not_checked"]:
        out.write(f"    not checked: {', '.join(result['not_checked'])}\n")


def _print_coverage(coverage: list[dict[str, Any]], form: Format, out: Any, opened: bool) -> None:
    if form is Format.NDJSON:
        out.writelines(json.dumps({"must_support": profile}, ensure_ascii=False) + "\n" for profile in coverage)
        return
    if form is Format.JSON:
        out.write(("," if opened else "[") + "\n" + json.dumps({"must_support": coverage}, ensure_ascii=False))
        return
    for profile in coverage:
        seen = sum(bool(element["seen_in"]) for element in profile["elements"])
        out.write(
            f"must support of {profile['profile']}: {seen} of {len(profile['elements'])} seen in {profile['resources']} resources\n"
        )
        for element in profile["elements"]:
            out.write(f"    {element['element']}: {', '.join(element['seen_in'][:3]) or 'NOT SEEN'}\n")
