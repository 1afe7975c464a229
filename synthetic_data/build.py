"""Composes a dataset: shared resources, then member after member, in chunks that any process or machine can make.

A chunk depends on the specification and its member numbers alone, and chunks are written in order; so one job, many jobs, a
Dask cluster and shards put side by side all give the same bytes. Memory holds a few chunks, however many members there are.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from synthetic_data import clinical, payer
from synthetic_data.dataset import DatasetWriter
from synthetic_data.facts import count_facts
from synthetic_data.manifest import CODE_LISTS, member_entry
from synthetic_data.members import Makers
from synthetic_data.network import make_network
from synthetic_data.records import Guides, World

CHUNK = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a dataset is made from; equal specifications give equal bytes."""

    members: int
    seed: int
    family: str
    guides: Guides
    as_of: datetime
    shard: tuple[int, int] = (1, 1)

    @property
    def numbers(self) -> range:
        """The members of this shard, by number."""
        index, count = self.shard
        return range((index - 1) * self.members // count + 1, index * self.members // count + 1)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some members, rendered."""

    lines: dict[str, bytes]
    counts: dict[str, int]
    profiles: dict[str, int]
    facts: dict[str, int]
    entries: list[bytes]


def build(
    specification: Specification,
    out: Path,
    *,
    jobs: int = 1,
    executor: AbstractContextManager[Executor] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Make the dataset in `out`; gives the manifest's header with counts by type, profile and condition."""
    totals: dict[str, Counter[str]] = {"counts": Counter(), "profiles": Counter(), "facts": Counter()}
    with DatasetWriter(out) as writer:
        if specification.shard[0] == 1:
            _write(writer, shared_chunk(specification), totals)
        for chunk in _chunks(specification, jobs, executor):
            _write(writer, chunk, totals)
            progress(len(chunk.entries))
        header = header_of(specification, totals["counts"])
        writer.finish(header)
    return {
        **header,
        "profiles": dict(sorted(totals["profiles"].items())),
        "facts": dict(sorted(totals["facts"].items())),
    }


def header_of(specification: Specification, counts: Counter[str]) -> dict[str, Any]:
    """The manifest without its members."""
    world = world_of(specification)
    owner = world.network.payer
    return {
        "generator": generator_version(),
        "seed": specification.seed,
        "family": specification.family,
        "guides": asdict(specification.guides),
        "members_requested": specification.members,
        "shard": list(specification.shard),
        "as_of": specification.as_of.isoformat(),
        "counts": dict(sorted(counts.items())),
        "code_lists": CODE_LISTS,
        "payer": {"organization": owner.id, "name": owner.name, "npi": owner.npi},
    }


def generator_version() -> str:
    """The version of this project."""
    try:
        return version("patient-access-conformance")
    except PackageNotFoundError:
        return "0.0.0"


@lru_cache(maxsize=2)
def world_of(specification: Specification) -> World:
    """What the members of a specification share."""
    return World(
        seed=specification.seed,
        as_of=specification.as_of,
        family=specification.family,
        guides=specification.guides,
        network=make_network(specification.seed),
    )


@lru_cache(maxsize=2)
def _makers(specification: Specification) -> Makers:
    world = world_of(specification)
    return Makers(world.seed, world.as_of, world.network)


def shared_chunk(specification: Specification) -> Chunk:
    """What belongs to no member: organizations, clinicians, the directory, the formulary."""
    world = world_of(specification)
    return _chunk([*clinical.shared(world), *payer.shared(world)], [], Counter())


def members_chunk(specification: Specification, first: int, last: int) -> Chunk:
    """Members `first` to `last`, rendered; the collector rests, as plain records and dicts make no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _members_chunk(specification, first, last)
    finally:
        if collecting:
            gc.enable()


def _members_chunk(specification: Specification, first: int, last: int) -> Chunk:
    world = world_of(specification)
    makers = _makers(specification)
    resources: list[dict[str, Any]] = []
    entries = []
    facts: Counter[str] = Counter()
    for number in range(first, last + 1):
        member = makers.member(number, specification.members)
        own = [*clinical.render(member, world), *payer.render(member, world)]
        resources += own
        entries.append(orjson.dumps(member_entry(member, own, world)))
        count_facts(member, facts)
    return _chunk(resources, entries, facts)


def _chunk(resources: list[dict[str, Any]], entries: list[bytes], facts: Counter[str]) -> Chunk:
    lines: dict[str, list[bytes]] = {}
    profiles: Counter[str] = Counter()
    for resource in resources:
        lines.setdefault(resource["resourceType"], []).append(orjson.dumps(resource, option=orjson.OPT_APPEND_NEWLINE))
        for profile in resource["meta"].get("profile", ()):
            profiles[profile] += 1
    return Chunk(
        lines={name: b"".join(some) for name, some in lines.items()},
        counts={name: len(some) for name, some in lines.items()},
        profiles=dict(profiles),
        facts=dict(facts),
        entries=entries,
    )


def _write(writer: DatasetWriter, chunk: Chunk, totals: dict[str, Counter[str]]) -> None:
    writer.append(chunk.lines)
    writer.append_members(chunk.entries)
    totals["counts"].update(chunk.counts)
    totals["profiles"].update(chunk.profiles)
    totals["facts"].update(chunk.facts)


def _chunks(
    specification: Specification, jobs: int, executor: AbstractContextManager[Executor] | None
) -> Iterator[Chunk]:
    """Chunks in order; with an executor a few are under way at once and none waits for memory."""
    numbers = specification.numbers
    spans = [(first, min(first + CHUNK - 1, numbers[-1])) for first in numbers[::CHUNK]] if numbers else []
    if executor is None and jobs == 1:
        for first, last in spans:
            yield members_chunk(specification, first, last)
        return
    waiting: deque[Future[Chunk]] = deque()
    with executor or ProcessPoolExecutor(max_workers=jobs) as pool:
        for first, last in spans:
            waiting.append(pool.submit(members_chunk, specification, first, last))
            if len(waiting) > 4 * max(jobs, 2):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
