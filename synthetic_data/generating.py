"""`patient-access generate`: checks what was asked for, shows progress, and says in one line what was made.

Exit codes: 0 made; 2 impossible arguments, a bad table, or a place that cannot be written.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from synthetic_data.build import Specification, build
from synthetic_data.dataset import DatasetError
from synthetic_data.records import FAMILIES, Guides
from synthetic_data.yaml_tables import TableError

GUIDE_FIELDS = {
    "us-core": ("us_core", ("3.1.1", "6.1.0")),
    "carin-bb": ("carin_bb", ("1.0.0", "1.1.0", "2.0.0")),
    "pdex": ("pdex", ("1.0.0", "2.0.0")),
    "plan-net": ("plan_net", ("1.0.0", "1.1.0")),
    "formulary": ("formulary", ("1.0.1", "1.1.0", "2.0.0", "2.0.1")),
}


class WrongArguments(Exception):
    """An argument that cannot be honoured; the message says what would do."""


def run(
    *,
    members: int,
    seed: int,
    out: Path,
    family: str,
    guide: list[str],
    jobs: int,
    shard: str,
    scheduler: str | None,
    as_of: str,
    report: bool = False,
) -> int:
    """Make the dataset; the exit code."""
    try:
        specification = Specification(
            members=members,
            seed=seed,
            family=family,
            guides=guides_of(family, guide),
            as_of=moment(as_of),
            shard=shard_of(shard, members),
        )
        started = time.perf_counter()
        with progress_bar(len(specification.numbers)) as advance:
            made = build(
                specification,
                out,
                jobs=jobs,
                executor=dask_executor(scheduler) if scheduler else None,
                progress=advance,
            )
        if report:
            from synthetic_data.report import write_report

            print(write_report(specification, out, made, jobs))
    except (WrongArguments, DatasetError, TableError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    seconds = time.perf_counter() - started
    resources = sum(made["counts"].values())
    print(
        f"{out}: {len(specification.numbers)} members, {resources} resources of {len(made['counts'])} types, "
        f"seed {seed}, {family} ({seconds:.1f} s)",
        file=sys.stderr,
    )
    return 0


def guides_of(family: str, overrides: list[str]) -> Guides:
    """The guide versions of a family, with single ones exchanged."""
    if family not in FAMILIES:
        raise WrongArguments(f"unknown family {family!r}{nearest(family, FAMILIES)}; known are {', '.join(FAMILIES)}")
    guides = FAMILIES[family]
    for text in overrides:
        name, _, version = text.partition("@")
        if name not in GUIDE_FIELDS:
            raise WrongArguments(
                f"unknown guide {name!r}{nearest(name, GUIDE_FIELDS)}; known are {', '.join(GUIDE_FIELDS)}"
            )
        field, versions = GUIDE_FIELDS[name]
        if version not in versions:
            raise WrongArguments(
                f"{name} is made in versions {', '.join(versions)}, not {version or 'without a version'!r}"
            )
        guides = replace(guides, **{field: version})
    return guides


def nearest(text: str, options: Any) -> str:
    """A hint at the nearest known name."""
    close = get_close_matches(text, list(options), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def shard_of(text: str, members: int) -> tuple[int, int]:
    """`I/N` as numbers."""
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if match is None:
        raise WrongArguments(f"--shard is written I/N, as in 2/8, not {text!r}")
    index, count = int(match[1]), int(match[2])
    if not 1 <= index <= count:
        raise WrongArguments(f"--shard {text}: I goes from 1 to N")
    if count > members:
        raise WrongArguments(f"--shard {text}: {members} members cannot be cut into {count} parts")
    return index, count


def moment(text: str) -> datetime:
    """An instant with its offset."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongArguments(f"--as-of is an instant such as 2026-07-01T00:00:00-07:00, not {text!r}") from error
    if parsed.tzinfo is None:
        raise WrongArguments(f"--as-of {text}: give the offset too, as in {text}-07:00")
    if not 2020 <= parsed.year <= 2060:
        raise WrongArguments(f"--as-of {text}: the tables hold for 2020 to 2060")
    return parsed


@contextmanager
def progress_bar(members: int) -> Iterator[Callable[[int], None]]:
    """A progress bar with rate and remaining time on stderr, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("members"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("members", total=members, rate="")
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            rate = done / max(time.perf_counter() - started, 1e-6)
            progress.update(task, advance=count, rate=f"{rate:.0f}/s")

        yield advance


def dask_executor(address: str) -> AbstractContextManager[Executor]:
    """An executor on a Dask cluster; the extra `dask` brings what it needs."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise WrongArguments("--scheduler needs the extra: pip install 'patient-access-conformance[dask]'") from error
    try:
        client = distributed.Client(address, timeout="10s")
    except (OSError, TimeoutError, ValueError) as error:
        raise WrongArguments(f"no Dask scheduler answers at {address}: {error}") from error
    return cast(AbstractContextManager[Executor], client.get_executor(pure=False))
