"""Many documents, judged by one process or several, results in order and memory bounded.

Documents are handed out in small batches and at most a few batches ahead of what was printed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from suites.profiles.documents import Document, documents
from suites.profiles.guides import UnknownGuide
from suites.profiles.must_support import Coverage
from suites.profiles.source import LARGEST_DOCUMENT
from suites.profiles.validator import Validator

if TYPE_CHECKING:
    from concurrent.futures import Future

BATCH = 32
AHEAD = 4

Result = dict[str, Any]


class WrongSettings(Exception):
    """A guide, package or profile that cannot be had."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to judge by; small enough to hand to every process."""

    guides: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    terminology_server: str | None = None
    assume_profiles: bool = False
    must_support: bool = False

    def validator(self) -> Validator:
        try:
            validator = Validator(
                self.guides,
                self.packages,
                terminology_server=self.terminology_server,
                assume_profiles=self.assume_profiles,
            )
        except (UnknownGuide, OSError, ValueError) as wrong:
            raise WrongSettings(str(wrong)) from wrong
        for url in self.profiles:
            if validator.registry.structure(url) is None:
                raise WrongSettings(
                    f"profile {url} is not in the guides at hand; name its guide with --guide, or its package with --package"
                )
        return validator


class _Worker:
    """One process's validator and, when asked for, its coverage."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.validator = settings.validator()
        self.coverage = Coverage(self.validator.engine) if settings.must_support else None

    def judge(self, document: Document) -> Result:
        report = self.validator.validate(document.content, self.settings.profiles)
        if self.coverage is not None and report.source is not None and isinstance(report.source.tree, dict):
            self.coverage.add(report.source.tree, report.profiles)
        return report.as_json(document.source)


_worker: _Worker | None = None


def _start(settings: Settings) -> None:
    global _worker
    _worker = _Worker(settings)


def _judge_batch(batch: list[Document]) -> tuple[list[Result], Any]:
    assert _worker is not None
    results = [_worker.judge(document) for document in batch]
    return results, _worker.coverage.take() if _worker.coverage is not None else None


def judged(paths: Iterable[str], settings: Settings, jobs: int) -> Iterator[Result]:
    """The result of every document, in order; last, with must-support asked for, `{"coverage": …}`."""
    queue = documents(paths, LARGEST_DOCUMENT)
    if jobs == 1:
        worker = _Worker(settings)
        for document in queue:
            yield worker.judge(document)
        if worker.coverage is not None:
            yield {"coverage": worker.coverage.as_json()}
        return
    # Loaded only here: one process, the usual case, starts without them.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    total = Coverage(settings.validator().engine) if settings.must_support else None
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork"), initializer=_start, initargs=(settings,)) as pool:
        waiting: deque[Future[tuple[list[Result], Any]]] = deque()
        while batch := list(islice(queue, BATCH)):
            waiting.append(pool.submit(_judge_batch, batch))
            if len(waiting) >= jobs * AHEAD:
                yield from _results(waiting.popleft(), total)
        while waiting:
            yield from _results(waiting.popleft(), total)
    if total is not None:
        yield {"coverage": total.as_json()}


def _results(done: Future[tuple[list[Result], Any]], total: Coverage | None) -> list[Result]:
    results, seen = done.result()
    if total is not None and seen is not None:
        total.merge(seen)
    return results
