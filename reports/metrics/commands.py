"""The commands `metrics usage`, `metrics prior-authorization` and `metrics utilisation`."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


class Mode(enum.StrEnum):
    """What a transfer is."""

    sync = "sync"
    app_day = "app-day"
    request = "request"


class Basis(enum.StrEnum):
    """By which time a request belongs to the year."""

    received = "received"
    decided = "decided"


class Partials(enum.StrEnum):
    """What a partial approval counts as."""

    mcpar = "mcpar"
    template = "template"


class AppealsOver(enum.StrEnum):
    """The denominator of "approved after appeal"."""

    requests = "requests"
    appeals = "appeals"


class Format(enum.StrEnum):
    """What figures are written as."""

    json = "json"
    csv = "csv"
    html = "html"


class PriorFormat(enum.StrEnum):
    """What prior authorization figures are written as."""

    json = "json"
    csv = "csv"
    html = "html"
    mcpar = "mcpar"


metrics = typer.Typer(no_args_is_help=True, help="CMS-0057-F figures from access logs and prior authorization records.")

Input = Annotated[
    str, typer.Option("--input", help="a file, a folder (with mapping.toml), an http address, or a database URL")
]
MappingFile = Annotated[Path | None, typer.Option("--mapping", help="how the input tells what the metric asks (TOML)")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="the file to write; without it JSON and CSV go to stdout")
]
YearOption = Annotated[int, typer.Option("--year", min=2016, max=2100, help="the calendar year reported on")]


@contextmanager
def refusals() -> Iterator[None]:
    """Bad input is one line and exit 2; a figure that would be a guess is refused with its problems listed and exit 3."""
    from reports.metrics import BadInput, Refused

    try:
        yield
    except BadInput as error:
        print(f"patient-access: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except Refused as refused:
        print("patient-access: no figures: these rows could change them and cannot be decided", file=sys.stderr)
        for name, count, rows in refused.problems:
            print(f"  {count:,} × {name}", file=sys.stderr)
            for row in rows:
                print(f"      {row}", file=sys.stderr)
            if count > len(rows):
                print(f"      and {count - len(rows):,} more", file=sys.stderr)
        raise typer.Exit(3) from None
    except OSError as error:
        print(f"patient-access: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _needs_file(format: str, output: Path | None) -> None:
    from reports.metrics import BadInput

    if format == "html" and output is None:
        raise BadInput("--format html needs a file: -o FILE")


@metrics.command("usage")
def usage_command(
    input: Input,
    year: YearOption,
    mode: Annotated[Mode, typer.Option(help="what a transfer is")] = Mode.sync,
    idle_minutes: Annotated[int, typer.Option(min=1, help="the gap that ends a transfer in sync mode")] = 30,
    same_app_only: Annotated[bool, typer.Option("--same-app-only", help="repeat means twice by one app")] = False,
    count_own_app: Annotated[
        bool, typer.Option("--count-own-app", help="count the payer's own branded app too")
    ] = False,
    by_month: Annotated[bool, typer.Option("--by-month", help="the twelve months too")] = False,
    leave_out_problems: Annotated[
        bool, typer.Option("--leave-out-problems", help="leave rows out that cannot be decided, and say how many")
    ] = False,
    suppress_below: Annotated[
        int, typer.Option(min=0, help="hide counts under this in a published copy; 0 hides none")
    ] = 0,
    time_zone: Annotated[str, typer.Option(help="the payer's zone, instead of the mapping's")] = "",
    mapping: MappingFile = None,
    audit: Annotated[Path | None, typer.Option(help="write the rows behind every figure to this CSV")] = None,
    compare: Annotated[Path | None, typer.Option(help="the payer's own figures, to be held against these")] = None,
    format: Annotated[Format, typer.Option("--format")] = Format.json,
    output: Output = None,
) -> None:
    """Members whose data went to an app of their choice, and those with more than one transfer (431.60(f))."""
    with refusals():
        from reports.metrics import mapping as mappings
        from reports.metrics import usage_audit, usage_output
        from reports.metrics.sources import find_mapping, open_log
        from reports.metrics.usage import Switches, usage

        _needs_file(format, output)
        log = open_log(input, mappings.load(find_mapping(input, mapping)))
        switches = Switches(mode.value, idle_minutes, same_app_only, count_own_app, leave_out_problems, by_month)
        found = usage(log, year, switches, time_zone)
        if mode is Mode.request:
            print(
                "patient-access: request mode is an upper bound; it is not to be published as the figure",
                file=sys.stderr,
            )
        for name, count in found.left_out.items():
            print(f"patient-access: {count:,} rows left out: {name}", file=sys.stderr)
        told = ", ".join(f"{count:,} × {name}" for name, count in found.excluded.items()) or "none"
        print(
            f"patient-access: {found.deliveries:,} deliveries counted; rows that do not count: {told}", file=sys.stderr
        )
        if found.unfinished:
            print(
                f"patient-access: {year} is not over by this machine's clock; times until the filing's day are believed. "
                "Say drawn_at in the mapping to have later ones refused",
                file=sys.stderr,
            )
        if audit is not None:
            usage_audit.write_trail(audit, usage_audit.trail(log, year, switches, time_zone))
        print(usage_output.write(found, format.value, output, suppress_below))
        if compare is not None:
            differing = usage_audit.differences(found, compare)
            for one in differing:
                print(
                    f"patient-access: {one.id} {one.name}: stated {one.stated}, recomputed {one.computed}",
                    file=sys.stderr,
                )
            if differing:
                raise typer.Exit(1)


@metrics.command("prior-authorization")
def prior_authorization_command(
    input: Input,
    year: YearOption,
    basis: Annotated[Basis, typer.Option(help="requests received, or decided, in the year")] = Basis.received,
    partials: Annotated[
        Partials, typer.Option(help="a partial approval counts as denied (mcpar) or approved (template)")
    ] = Partials.mcpar,
    appeal_cut_off: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="appeals decided later do not count; default the last day of February"),
    ] = None,
    appeals_over: Annotated[
        AppealsOver, typer.Option(help="the denominator of approved after appeal")
    ] = AppealsOver.requests,
    strict: Annotated[
        bool, typer.Option("--strict", help="keep requests without a determination in the denominator")
    ] = False,
    mapping: MappingFile = None,
    late: Annotated[Path | None, typer.Option(help="write requests past their decision limit to this CSV")] = None,
    format: Annotated[PriorFormat, typer.Option("--format")] = PriorFormat.json,
    output: Output = None,
) -> None:
    """The public prior authorization metrics (438.210(f) and its parallels)."""
    with refusals():
        from reports.metrics import pa_figures, pa_output, pa_requests, pa_sources
        from reports.metrics.events import now
        from reports.metrics.sources import find_mapping

        _needs_file(format, output)
        setup = pa_requests.load_setup(find_mapping(input, mapping))
        cut_off = appeal_cut_off.date() if appeal_cut_off else None
        rules = pa_figures.Rules(year, basis.value, partials.value, cut_off, appeals_over.value, strict)
        drawn = setup.drawn_at or pa_sources.drawn_at(input)
        # A request of the year may be determined in the next, and its appeal be decided then too.
        until = drawn or max(now(), datetime(year + 2, 1, 1, tzinfo=setup.where))
        requests = pa_requests.read(input, setup, until)
        filing = pa_output.Filing(pa_figures.figures(requests, rules, setup), rules, setup, pa_requests.items(setup))
        cases = pa_figures.late(requests, rules, setup, drawn or now())
        if cases:
            told = f"{len(cases):,} requests past their decision limit"
            print(f"patient-access: {told}" + ("" if late else "; --late FILE lists them"), file=sys.stderr)
        if late is not None:
            pa_output.write_late(late, cases)
        for unit in filing.units:
            for why, count in unit.reconciliation.items():
                print(f"patient-access: {unit.id}: not in these figures: {count:,} × {why}", file=sys.stderr)
        print(pa_output.write(filing, format.value, output))
        if any(unit.expedited.hours_unknown for unit in filing.units):
            days = [one.id for one in requests if one.expedited and one.days is not None and not one.drug]
            print(
                f"patient-access: {len(days):,} expedited requests are told by the day, so hours are not decided: "
                + ", ".join(days[:20]),
                file=sys.stderr,
            )
            raise typer.Exit(3)


@metrics.command("utilisation")
def utilisation_command(
    input: Annotated[Path, typer.Option("--input", help="the log of counties' requests (CSV)")],
    time_zone: Annotated[str, typer.Option(help="whose days are counted")] = "America/Los_Angeles",
    calendar: Annotated[str, typer.Option(help="holidays that are no business days, such as US or US-CA")] = "US",
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="judge open requests as of this day")
    ] = None,
    format: Annotated[Format, typer.Option("--format")] = Format.json,
    output: Output = None,
) -> None:
    """Counties' requests for utilisation data: due dates, deliveries, and what is late; exit 1 when any is."""
    with refusals():
        from reports.metrics import utilisation
        from reports.metrics.events import now
        from reports.metrics.zone import zone

        where = zone(time_zone)
        at = as_of.replace(tzinfo=where) if as_of else now()
        found = utilisation.records(input, where, calendar, at)
        print(utilisation.write(found, format.value, output))
        if any(record.state in ("late", "overdue") for record in found):
            raise typer.Exit(1)
