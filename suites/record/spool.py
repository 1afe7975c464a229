"""Where a worker keeps what it fetched: bytes on disk without bound, parsed resources in memory up to one budget for all of them.

So that a record of any size, and any number of records, is judged in bounded memory.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any

import orjson

KEPT_BYTES = 64 * 1024 * 1024  # of pages whose resources stay parsed; beyond, they are read from disk again

Resource = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Where one page's bytes lie, its evidence, and how many resources on it count."""

    offset: int
    length: int
    evidence: str
    matches: int


@dataclass
class Budget:
    """Bytes of pages whose resources may still be kept parsed."""

    left: int = KEPT_BYTES

    def take(self, size: int) -> bool:
        """Whether so much more may be kept; what is taken is gone until given back."""
        fits = size <= self.left
        self.left -= size if fits else 0
        return fits

    def give_back(self, size: int) -> None:
        """What is no longer kept."""
        self.left += size


@cache
def file() -> IO[bytes]:
    """The one file of this worker: anonymous and unlinked, so that a member's data leave no trace when it ends, however it ends."""
    return tempfile.TemporaryFile(prefix="held-")


@cache
def budget() -> Budget:
    """The budget of this worker."""
    return Budget()


@dataclass(repr=False)
class Pages:
    """Pages of one search, in order; `choose` says which resources of a page count."""

    choose: Callable[[Resource], Iterator[Resource]]
    pages: list[Page] = field(default_factory=list)
    count: int = 0
    kept: list[tuple[Resource, str]] = field(default_factory=list)
    taken: int = 0  # bytes of the budget
    whole: bool = True  # whether everything is kept

    def add(self, body: bytes, bundle: Resource, evidence: str) -> None:
        """Keep one page, as the bytes that came and as the bundle parsed from them."""
        place = file()
        offset = place.seek(0, 2)
        place.write(body)
        found = list(self.choose(bundle))
        self.pages.append(Page(offset, len(body), evidence, len(found)))
        self.count += len(found)
        if self.whole and budget().take(len(body)):
            self.taken += len(body)
            self.kept += [(one, evidence) for one in found]
        elif self.whole:
            self.forget()

    def forget(self) -> None:
        """Keep nothing parsed from now on."""
        budget().give_back(self.taken)
        self.kept, self.taken, self.whole = [], 0, False

    def bodies(self) -> Iterator[tuple[Page, bytes]]:
        """Each page with its bytes."""
        place = file()
        for page in self.pages:
            place.seek(page.offset)
            yield page, place.read(page.length)

    def __iter__(self) -> Iterator[Resource]:
        return (one for one, _ in self.resources())

    def __len__(self) -> int:
        return self.count

    def resources(self) -> Iterator[tuple[Resource, str]]:
        """Each resource with the evidence of the page it came on."""
        if self.whole:
            yield from self.kept
            return
        for page, body in self.bodies():
            yield from ((one, page.evidence) for one in self.choose(read(body)))


def read(body: bytes) -> Resource:
    """A page that was read once before, by the stricter reader where that will do."""
    try:
        return dict(orjson.loads(body))
    except orjson.JSONDecodeError:
        return dict(json.loads(body))
