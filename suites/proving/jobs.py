"""Trying everything: several places side by side, each taking the next thing to try until nothing is left.

Order: the reference by chapters, then what its results are a control for. A place is kept as long as things are left to try on its
deployment. What goes wrong with one place ends the proof, and every child with it.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from suites.proving import document, selection
from suites.proving.catalogue import REFERENCE, Fault, System
from suites.proving.payer import CannotProve, make_dataset
from suites.proving.place import CHECK_SECONDS, VARIANT_SECONDS, Judged, Place, Result, opened
from suites.proving.verdicts import Health, Mutant, Proof, came_to_nothing, mutant

SEED = 7
MUTANT_SECONDS, SYSTEM_SECONDS, FULL_SECONDS = 300.0, 1800.0, 7200.0  # a busy machine must not decide
LATE = 60.0  # how much longer than a fault a variant takes that answers late


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    faults: Sequence[Fault]
    reference: System
    systems: Mapping[str, System]  # by name: whatever a fault may want to be tried on
    variants: Sequence[System]
    out: Path
    members: int = 36  # planted ones and a few more
    jobs: int = 2
    full: bool = False
    whole_reference: bool = True  # every check of the reference, not only those the faults need
    expected: Path | None = None  # a folder of waivers, DEPLOYMENT.toml


@dataclass(frozen=True)
class Task:
    """One thing to try on one deployment: a fault, a part of the suite without one, or the whole."""

    system: str
    fault: Fault | None = None
    chapter: str = ""
    weight: float = 1.0

    @property
    def title(self) -> str:
        """For the line of progress."""
        return self.fault.id if self.fault else f"{self.system} {self.chapter}".strip()


Progress = Callable[[Task, float, str], None]  # what was tried, seconds it took, what is wrong with it
TRIED = "tried.jsonl"  # below the proof's folder: a line as soon as a thing has been tried, so that an interrupted proof leaves what it found


@dataclass
class Board:
    """What is left, what was found; shared by the jobs."""

    order: Order
    tasks: list[Task]
    progress: Progress
    lock: threading.Lock = field(default_factory=threading.Lock)
    control: dict[str, dict[str, Result]] = field(default_factory=dict)  # by system, by check: without a fault
    seconds: dict[str, float] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    mutants: dict[str, Mutant] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    drivers: set[str] = field(default_factory=set)  # checks that drove a browser
    stopped: BaseException | None = None

    def stop(self, why: BaseException) -> None:
        """Nothing more is tried, and what is being judged ends at once."""
        with self.lock:
            self.stopped = self.stopped or why
            for place in self.places:
                place.interrupt()

    def take(self, system: str) -> Task | None:
        """The next thing, of this system as long as there is one."""
        with self.lock:
            if self.stopped is not None or not self.tasks:
                return None
            mine = next((one for one in self.tasks if one.system == system), self.tasks[0])
            self.tasks.remove(mine)
            return mine

    def said(self, task: Task) -> str:
        """What is wrong with what was tried, in a line, for whoever watches."""
        found = self.mutants.get(task.fault.id) if task.fault else None
        if found is None:
            return ""
        collateral = f"; also red: {', '.join(found.collateral[:4])}" if found.collateral else ""
        if found.killed:
            return f"{found.fault.id} [{found.fault.violates}] killed{collateral}" if collateral else ""
        return f"{found.fault.id} [{found.fault.violates}] {found.state}: {found.why}{collateral}"

    def record(self, task: Task) -> None:
        """A line of `tried.jsonl`: a mutant as proof.json has it, or what a part of the suite said of a system without a fault."""
        with self.lock:
            if task.fault is not None:
                line = document.mutant(self.mutants[task.fault.id])
            else:
                line = {"system": task.system, "chapter": task.chapter} | document.health(
                    self.health(task.system, task.chapter, not (task.chapter or self.order.full))
                )
            with (self.order.out / TRIED).open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(line, ensure_ascii=False) + "\n")

    def health(self, name: str, chapter: str = "", sampled: bool = False) -> Health:
        """What is known of a system without a fault, or of one chapter of it."""
        known = self.control.get(name, {}).values()
        results = tuple(one for one in known if not chapter or one.check.startswith(f"{chapter}."))
        system, trouble = self.order.systems[name], self.troubles.get(name, "")
        return Health(system, results, trouble, self.seconds.get(name, 0.0), sampled)

    def verdicts(self, system: str) -> dict[str, str]:
        """Each check's verdict without a fault, as far as known."""
        with self.lock:
            return {id: one.verdict for id, one in self.control.get(system, {}).items()}

    def browsing(self) -> frozenset[str]:
        """The checks known to drive a browser, under a fault or without one."""
        with self.lock:
            return frozenset(self.drivers)

    def watch(self, results: Iterable[Result]) -> None:
        """Remember which checks drove a browser."""
        with self.lock:
            self.drivers.update(one.check for one in results if one.browser)

    def keep(self, system: str, judged: Judged, seconds: float) -> None:
        """Results without a fault."""
        self.watch(judged.results)
        with self.lock:
            self.control.setdefault(system, {}).update({one.check: one for one in judged.results})
            self.seconds[system] = self.seconds.get(system, 0.0) + seconds
            if judged.trouble:
                self.troubles[system] = judged.trouble


def prove(order: Order, progress: Progress, total: Callable[[float], None]) -> Proof:
    """Try everything that was ordered; CannotProve where a payer or a bench cannot be had."""
    board = Board(order, tasks_of(order), progress)
    (order.out / TRIED).unlink(missing_ok=True)
    total(sum(one.weight for one in board.tasks))
    threads = [
        threading.Thread(target=_work, args=(board, number), name=f"job-{number}", daemon=True)
        for number in range(order.jobs)
    ]
    try:
        for one in threads:
            one.start()
        while any(one.is_alive() for one in threads):
            for one in threads:
                one.join(0.2)  # in pieces, so that an interrupt is seen
    except BaseException as interrupt:
        board.stop(interrupt)
        for one in threads:
            one.join(20)
        raise
    if board.stopped is not None:
        raise board.stopped
    return found(board)


def tasks_of(order: Order) -> list[Task]:
    """What there is to do: the controls first, then the faults, shuffled so that what is done tells how long the rest will take.

    A variant that answers late comes before all: at the end everybody would wait for it, now others use the processor meanwhile.
    """
    tasks = [Task(one.name, weight=LATE) for one in order.variants if one.waits]
    if order.whole_reference:
        tasks += [Task(REFERENCE, chapter=name, weight=weight) for name, weight in chapters()]
    faults = sorted(order.faults, key=lambda one: one.id)
    random.Random(SEED).shuffle(faults)
    tasks += [Task(one.on, fault=one) for one in sorted(faults, key=lambda one: (one.on != REFERENCE, one.on))]
    return tasks + [Task(one.name, weight=12.0) for one in order.variants if not one.waits]


def chapters() -> list[tuple[str, float]]:
    """The chapters of the suite, those with generated checks first, which take longest."""
    names = sorted(one.parent.name for one in (Path(__file__).parent.parent).glob("*/test_searches.py"))
    others = {one.parent.name for one in (Path(__file__).parent.parent).glob("*/test_*.py")} - set(names)
    return [(name, 4.0) for name in names] + [(name, 1.0) for name in sorted(others)]


def _work(board: Board, number: int) -> None:
    """One job: open a place for the next thing, stay as long as there is more for it."""
    task = board.take("")
    try:
        while task is not None:
            task = _stay(board, task, number)
    except BaseException as trouble:
        board.stop(trouble)


def _stay(board: Board, task: Task, number: int) -> Task | None:
    order, name = board.order, task.system
    system = order.systems[name]
    waivers = order.expected / f"{name}.toml" if order.expected else None
    with ExitStack() as stack:
        with board.lock:  # two jobs must not make the same members at once
            data = make_dataset(order.out / "members", system.guides, order.members)
        folder = order.out / "places" / f"{number}-{name}"
        place = stack.enter_context(
            opened(
                folder,
                data,
                name,
                waivers if waivers and waivers.exists() else None,
                order.full,
                VARIANT_SECONDS if system.kind == "variant" else CHECK_SECONDS,
            )
        )
        with board.lock:
            board.places.append(place)
        stack.callback(board.places.remove, place)
        next_task: Task | None = task
        while next_task is not None and next_task.system == name:
            begun = time.monotonic()
            _try(board, place, next_task)
            board.record(next_task)
            board.progress(next_task, time.monotonic() - begun, board.said(next_task))
            next_task = board.take(name)
    return next_task


def _try(board: Board, place: Place, task: Task) -> None:
    if task.fault is not None:
        _mutate(board, place, task.fault)
        return
    begun = time.monotonic()
    if task.chapter:
        checks = [one.id for one in place.checks.values() if one.chapter == task.chapter]
    else:
        checks = list(selection.for_variant(place.checks, board.order.full))
    judged = place.judge([], checks, FULL_SECONDS if board.order.full else SYSTEM_SECONDS)
    board.keep(task.system, judged, time.monotonic() - begun)


def _mutate(board: Board, place: Place, fault: Fault) -> None:
    """Judge one fault; what it needs as a control and nobody has judged without it is judged first."""
    chosen = selection.for_fault(fault, place.checks, board.browsing(), board.order.full)
    if not any(fault.violates in place.checks[id].requirements for id in chosen.first):
        with board.lock:
            board.mutants[fault.id] = mutant(fault, (), {})  # nobody claims it: there is nothing to ask
        return
    seconds = FULL_SECONDS if board.order.full else MUTANT_SECONDS
    begun = time.monotonic()
    judged = _against(board, place, fault, chosen.first, seconds)
    verdict = mutant(fault, judged.results, board.verdicts(fault.on), judged.trouble, time.monotonic() - begun)
    if not verdict.killed and (judged.trouble or came_to_nothing(fault, judged.results)):
        # Once more: an answer that did not come in time says more about a busy machine than about the suite.
        judged = _against(board, place, fault, chosen.first, seconds)
        verdict = mutant(fault, judged.results, board.verdicts(fault.on), judged.trouble, time.monotonic() - begun)
    if not verdict.killed and chosen.second and not judged.trouble:
        more = _against(board, place, fault, chosen.second, seconds)
        results = (*judged.results, *more.results)
        verdict = mutant(fault, results, board.verdicts(fault.on), more.trouble, time.monotonic() - begun)
    with board.lock:
        board.mutants[fault.id] = verdict


def _against(board: Board, place: Place, fault: Fault, checks: Iterable[str], seconds: float) -> Judged:
    """The checks under the fault; those that say anything but PASS are seen without it too."""
    judged = place.judge([fault.id], checks, seconds)
    board.watch(judged.results)
    unknown = [
        one.check for one in judged.results if one.verdict == "FAIL" and one.check not in board.verdicts(fault.on)
    ]
    if unknown:
        begun = time.monotonic()
        board.keep(fault.on, place.judge([], unknown, seconds), time.monotonic() - begun)
    return judged


def found(board: Board) -> Proof:
    """What was found, in the order it was asked for."""
    order = board.order

    reference = board.health(REFERENCE, sampled=not order.whole_reference)
    proof = Proof(reference if reference.results or order.whole_reference else None)
    proof.variants = [board.health(one.name, sampled=not order.full) for one in order.variants]
    for fault in order.faults:
        if fault.id in board.mutants:
            proof.mutants.append(board.mutants[fault.id])
        else:
            raise CannotProve(f"fault {fault.id!r} was not tried")
    return proof
