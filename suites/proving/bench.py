"""A warm bench: pytest with every check collected once, which then judges order after order, each in a process forked from it.

Loaded as a pytest plugin (`-p suites.proving.bench`) by jobs.py, which writes one order a line to it and reads one answer a line:

    order   {"checks": [check id, …], "out": FILE, "seconds": 60}
    answer  {"ready": [declared check, …]} once, then for each order {"status": N, "said": trouble, "cpu": seconds}

A fork begins where collection ended: Python, the catalogue and the profile tables are there, and nothing has been asked of the target yet,
so no order can see what an earlier one fetched. The fork writes its results to FILE and ends without the interpreter's farewell.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from reports.model import CheckResult, Verdict
from suites.kit.plugin import CHECK, SESSION, Session
from suites.profiles.guides import UnknownGuide
from suites.record import conforming
from suites.record.cases import cases

PIPES = "PATIENT_ACCESS_BENCH"  # "READ,WRITE": the numbers of the two pipes
SAID = 600  # characters of a message that are told
CRASHED, OVERDUE = 70, 75


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of running what was collected once, run what each order names."""
    read, write = map(int, os.environ[PIPES].split(","))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a fork under way is ended too
    with os.fdopen(read, "rb", buffering=0) as orders, os.fdopen(write, "wb", buffering=0) as answers:
        items = {item.stash[CHECK].id: item for item in session.items if CHECK in item.stash}
        warm(session)
        _tell(answers, {"ready": [declared(item) for item in items.values()]})
        # What is there now is shared with every fork; counting references to it would copy it page by page.
        gc.collect()
        gc.freeze()
        for line in _lines(orders):
            _tell(answers, serve(session, items, json.loads(line), orders))
    return True


def declared(item: pytest.Item) -> dict[str, Any]:
    """A check as those who choose need to know it."""
    check = item.stash[CHECK]
    cited = {id: None for marker in item.iter_markers("requirement") for id in marker.args}
    case = getattr(item, "callspec", None)
    return {
        "id": check.id,
        "chapter": check.chapter,
        "level": check.level,
        "requirements": list(check.requirements),
        "cited": list(cited),
        "type": getattr(case.params.get("case"), "type", "") if case else "",
        "generated": item.get_closest_marker("generated") is not None,
        "exclusive": item.get_closest_marker("exclusive") is not None,
    }


def warm(session: pytest.Session) -> None:
    """Compile what depends on the guides alone, so that no fork has to."""
    ours: Session = session.config.stash[SESSION]
    guides = ours.target.server.guides
    with contextlib.suppress(UnknownGuide, ValueError):
        engine = conforming.validator(guides)
        for guide in guides:
            for case in cases(guides, guide, "profile", "SHALL"):
                engine.validate({"resourceType": case.type}, profiles=[case.profile] if case.profile else [])


def serve(
    session: pytest.Session, items: dict[str, pytest.Item], order: dict[str, Any], orders: IO[bytes]
) -> dict[str, Any]:
    """Fork, wait for the end or the time limit; whoever orders going away ends it too."""
    begun = time.monotonic()
    ended, at_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        _in_the_fork(session, [items[id] for id in order["checks"] if id in items], Path(order["out"]))
    os.close(at_end)
    try:
        # The pipe closes when the fork ends; orders become readable meanwhile only when their writer is gone.
        ready, _, _ = select.select([ended, orders.fileno()], [], [], order["seconds"])
        if ended not in ready:
            _end(child)
            return {"status": OVERDUE, "said": f"not done after {time.monotonic() - begun:.0f} s"}
        _, how, used = os.wait4(child, 0)
        _sweep(child)
        status = os.waitstatus_to_exitcode(how)
        said = f"the process of the checks ended with {status}" if status else ""
        return {"status": status, "said": said, "cpu": round(used.ru_utime + used.ru_stime, 3)}
    except BaseException:
        _end(child)
        raise
    finally:
        os.close(ended)


def _in_the_fork(session: pytest.Session, chosen: list[pytest.Item], out: Path) -> None:
    """Run the chosen checks with fixtures of their own; never returns."""
    status = CRASHED
    try:
        os.setpgid(0, 0)  # so that a browser it starts can be ended with it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ours: Session = session.config.stash[SESSION]
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        # Evidence of other recorders (a burst's) is not here, and drove no browser.
        driven = {id for id, one in ours.workbench.recorder.exchanges.items() if one.kind == "browser"}
        lines = [told(one, not driven.isdisjoint(one.evidence)) for one in ours.results]
        part = out.with_name(out.name + ".part")
        part.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n", encoding="utf-8")
        part.replace(out)
        ours.close()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def told(one: CheckResult, browser: bool) -> dict[str, Any]:
    """A result as proving needs it; whether a browser was driven decides more than anything else what a check costs."""
    said = one.message[:SAID] if one.verdict is not Verdict.PASS else ""
    return {
        "check": one.check,
        "verdict": one.verdict.name,
        "requirements": list(one.requirements),
        "level": one.level,
        "message": said,
        "seconds": one.seconds,
        "browser": browser,
        "waived": one.waived,
    }


def _lines(orders: IO[bytes]) -> Iterator[bytes]:
    """Whole lines, without reading ahead: what is still in the pipe must stay visible to `select`."""
    held = bytearray()
    while piece := os.read(orders.fileno(), 1 << 16):
        held += piece
        while b"\n" in held:
            line, _, rest = bytes(held).partition(b"\n")
            held = bytearray(rest)
            yield line


def _tell(answers: IO[bytes], what: dict[str, Any]) -> None:
    data = json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    while data:
        data = data[answers.write(data) :]


def _end(child: int) -> None:
    _sweep(child)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


def _sweep(child: int) -> None:
    """Whatever the fork started ends with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
