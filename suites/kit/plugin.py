"""The pytest plugin: what makes a test a check.

Every check cites its requirement by `@pytest.mark.requirement("ID", …)`; the first decides the level. Collection stops when one does
not, or names an unknown id. A check's chapter is its folder, and also a marker: `pytest suites --target target.toml -m launch`.
Verdicts, not pytest's outcomes, make the exit code (verdicts.py). Under xdist each worker has its own browser and members.
"""

from __future__ import annotations

import difflib
import gc
import time
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reports.model import CheckResult, Verdict
from suites.kit import catalogue, run_writer, snapshot, waivers
from suites.kit.app import Attempt, Grant
from suites.kit.http import Answer
from suites.kit.outcomes import BadTarget, Inconclusive, NonConformance, start_trail, trail
from suites.kit.target import Target
from suites.kit.target import load as load_target
from suites.kit.verdicts import Check, End, counts, exit_code, result
from suites.kit.workbench import Workbench, open_workbench

SUITES = Path(__file__).parent.parent
CHAPTERS = tuple(sorted({one.parent.name for one in SUITES.glob("*/test_*.py")}))  # a chapter is a folder of checks
MARKERS = (
    "requirement(*ids): the catalogue entries this check decides; the first is its own",
    "together: the checks of this module build on one launch and stay on one worker",
    "exclusive(reason): moves the target's clock or spends its limits, so it runs after all others and alone",
)
STYLES = {
    Verdict.PASS: ("passed", ".", ("PASS", {"green": True})),
    Verdict.FAIL: ("failed", "F", ("FAIL", {"red": True})),
    Verdict.INCONCLUSIVE: ("inconclusive", "I", ("INCONCLUSIVE", {"yellow": True})),
    Verdict.SKIPPED: ("not permitted", "s", ("SKIPPED", {"yellow": True})),
    Verdict.NOT_APPLICABLE: ("not applicable", "n", ("NOT_APPLICABLE", {"cyan": True})),
}
# Records are trees without cycles, millions of objects of them: the collector's usual pace looked them through for a third of a run's time.
COLLECTED_AFTER = (50_000, 20, 20)
CHECK = pytest.StashKey[Check]()
ENDS = pytest.StashKey[list[End]]()
STARTED = pytest.StashKey[float]()
SESSION = pytest.StashKey["Session"]()


class Session:
    """State of one process of a run: a worker's workbench, or the controller's writer, or both without xdist."""

    def __init__(self, config: pytest.Config, target: Target) -> None:
        self.target = target
        given = getattr(config, "workerinput", {})
        self.is_worker = bool(given)
        self.worker = int(str(given.get("workerid", "gw0"))[2:])
        self.workers = int(given.get("workercount", 1))
        self.folder, self.file = run_place(config)
        self.seed = int(config.getoption("--seed"))
        self.visible = bool(config.getoption("--visible"))
        self.check_seconds = float(config.getoption("--check-seconds"))
        run_seconds = float(config.getoption("--run-seconds"))
        self.run_deadline = time.monotonic() + run_seconds if run_seconds else 0.0
        self.waivers = waivers.load(Path(config.getoption("--waivers"))) if config.getoption("--waivers") else []
        since = config.getoption("--since")
        self.since = snapshot.of_target(Path(since), target.server.fhir_base) if since else None
        resumed, appended = config.getoption("--resume"), config.getoption("--append")
        self.earlier = [one for one in run_writer.read_results(Path(resumed)) if _decided(one)] if resumed else []
        self.earlier += run_writer.read_results(Path(appended)) if appended else []
        self.parts_before = [run_writer.read_times(Path(one)) for one in (resumed, appended) if one]
        self.results: list[CheckResult] = list(self.earlier)
        self.writer: run_writer.RunWriter | None = None
        self._workbench: Workbench | None = None

    @property
    def workbench(self) -> Workbench:
        """This worker's tools, made when first needed."""
        if self._workbench is None:
            self._workbench = open_workbench(
                self.target, self.folder, self.worker, self.workers, self.seed, self.visible
            )
        return self._workbench

    def close(self) -> None:
        """Stop what was started."""
        if self._workbench is not None:
            self._workbench.close()
            self._workbench = None


def _decided(one: CheckResult) -> bool:
    return one.verdict is not Verdict.INCONCLUSIVE


def run_place(config: pytest.Config) -> tuple[Path | None, Path | None]:
    """Folder of the evidence and path of the run file, as the options say."""
    if config.getoption("--run-dir"):
        folder = Path(config.getoption("--run-dir"))
        return folder, folder / "run.jsonl"
    name = config.getoption("--run-file") or config.getoption("--resume")
    return (Path(name).parent, Path(name)) if name else (None, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run."""
    group = parser.getgroup("patient access", "judging a Patient Access server")
    group.addoption("--target", metavar="FILE", help="the target file: what to judge (docs/architecture.md, Target)")
    group.addoption("--run-dir", metavar="DIR", help="write run.jsonl, summary.json and evidence/ here")
    group.addoption("--run-file", metavar="FILE", help="write the run to this file, evidence/ beside it")
    group.addoption(
        "--requirement", action="append", default=[], metavar="PREFIX", help="only checks of these requirements"
    )
    group.addoption("--suite", action="append", default=[], metavar="NAME", help="only these chapters")
    group.addoption("--resume", metavar="RUN", help="take over what an earlier run decided, judge the rest")
    group.addoption("--append", metavar="RUN", help="keep everything an earlier run has, judge only what it has not")
    group.addoption("--waivers", metavar="FILE", help="known breaches, each with a reason and a last day")
    group.addoption("--since", metavar="RUN", help="compare with the snapshot an earlier run kept in its folder")
    group.addoption("--visible", action="store_true", help="show the browser")
    group.addoption("--check-seconds", default="60", metavar="N", help="time limit of one check (60)")
    group.addoption("--run-seconds", default="0", metavar="N", help="time limit of the whole run (none)")
    group.addoption("--seed", default="7", metavar="N", help="of states, nonces and verifiers (7)")


def pytest_configure(config: pytest.Config) -> None:
    """Register markers, read the target, start the writer."""
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.import_plugin("suites.kit.sharing")
    for marker in (*MARKERS, *(f"{chapter}: the {chapter} chapter" for chapter in CHAPTERS)):
        config.addinivalue_line("markers", marker)
    if not config.getoption("--target"):
        return
    try:
        target = load_target(Path(config.getoption("--target")))
        session = Session(config, target)
        catalogue.load().matching(config.getoption("--requirement"))
        for name in config.getoption("--suite"):
            _known_chapter(name)
    except (BadTarget, catalogue.BadCatalogue, Inconclusive) as wrong:
        raise pytest.UsageError(str(wrong)) from None
    config.stash[SESSION] = session
    gc.set_threshold(*COLLECTED_AFTER)
    if not session.is_worker and session.file is not None and not config.getoption("collectonly"):
        entries = catalogue.load()
        selected = (*config.getoption("--suite"), *config.getoption("--requirement"))
        requirements = [entry.for_report() for entry in entries.values() if not entry.retired]
        session.writer = run_writer.RunWriter(session.file, target, session.seed, requirements, selected)
        session.writer.take_over(session.earlier)
        for started, seconds in session.parts_before:
            session.writer.go_on_from(started, seconds)


def _known_chapter(name: str) -> None:
    if name not in CHAPTERS:
        near = difflib.get_close_matches(name, CHAPTERS, n=1, cutoff=0.0)
        raise BadTarget(f"no chapter is called {name!r}; did you mean {near[0]!r}?")


def declared(item: pytest.Function) -> Check:
    """A test as a check; UsageError when it does not say what it decides."""
    entries = catalogue.load()
    path = item.path.relative_to(SUITES)
    cited: list[str] = []
    # The nearest marker first, so that a module's common requirement does not become a check's own.
    for marker in item.iter_markers("requirement"):
        cited += [id for id in marker.args if id not in cited]
    name = item.nodeid.rpartition("::")[2].removeprefix("test_")
    id = ".".join((*path.parent.parts, path.stem.removeprefix("test_"), name))
    if not cited:
        raise pytest.UsageError(f"{path}::{item.name} cites no requirement: add @pytest.mark.requirement(ID)")
    for one in cited:
        if one not in entries:
            raise pytest.UsageError(f"{path}::{item.name} cites {one!r}, which is no requirement{entries.hint(one)}")
    title = (item.function.__doc__ or "").strip().splitlines()
    if not title:
        raise pytest.UsageError(f"{path}::{item.name} needs a docstring: one line for a person")
    return Check(id, title[0], path.parts[0], entries.with_umbrellas(cited), entries[cited[0]].level)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read what each check declares, keep what was asked for, put exclusive checks last."""
    checks = [item for item in items if isinstance(item, pytest.Function) and item.path.is_relative_to(SUITES)]
    if not checks:
        return
    session = config.stash.get(SESSION, None)
    if session is None and not config.getoption("collectonly"):
        raise pytest.UsageError(
            "checks need a server to judge: --target FILE (patient-access target init URL drafts one)"
        )
    requirements = catalogue.load().matching(config.getoption("--requirement"))
    suites = set(config.getoption("--suite"))
    earlier = {one.check for one in session.earlier} if session else set()
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        if item not in checks or not isinstance(item, pytest.Function):
            kept.append(item)
            continue
        check = item.stash[CHECK] = declared(item)
        item.add_marker(check.chapter)
        wanted = (not requirements or requirements & set(check.requirements)) and (
            not suites or check.chapter in suites
        )
        alone = item.get_closest_marker("exclusive") is not None and session is not None and session.workers > 1
        (kept if wanted and not alone and check.id not in earlier else dropped).append(item)
    kept.sort(key=lambda item: item.get_closest_marker("exclusive") is not None)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start a check: a new trail, its deadline, and the circuit breaker."""
    session = item.config.stash.get(SESSION, None)
    if CHECK not in item.stash or session is None:
        return
    item.stash[STARTED] = time.monotonic()
    start_trail(time.monotonic() + session.check_seconds)
    if session.run_deadline and time.monotonic() > session.run_deadline:
        raise Inconclusive("the time limit of the whole run was reached before this check")
    session.workbench.check_circuit()


def pytest_runtest_call(item: pytest.Item) -> None:
    """What the fixtures bring counts as seen: the exchange a check judges may have happened for an earlier one."""
    if CHECK in item.stash:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Answer):
                trail().saw(value.evidence)
            elif isinstance(value, Grant):
                trail().saw(value.answer.evidence)
            elif isinstance(value, Attempt):
                trail().saw(*value.landing.evidence[-1:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Turn the end of each phase into the check's result, carried by its last report."""
    report = yield
    if CHECK not in item.stash:
        return report
    error = call.excinfo.value if call.excinfo else None
    ends = item.stash.setdefault(ENDS, [])
    ends.append(End(call.when, error))
    session = item.config.stash[SESSION]
    if error is not None:
        report.longrepr = (str(error) if isinstance(error, NonConformance) else f"{type(error).__name__}: {error}")[
            :2000
        ]
    if call.when == "teardown":
        seconds = time.monotonic() - item.stash.get(STARTED, time.monotonic())
        made = result(item.stash[CHECK], ends, trail(), session.workbench.recorder.exchanges, seconds)
        made = _masked(made, session)
        made = waivers.apply(made, session.waivers, datetime.now(UTC).date())
        report.check_result = made.as_line()
        report.outcome = "passed"
        report.longrepr = made.message[:2000] or None if made.verdict is not Verdict.PASS else None
    else:
        # Only the last report of a check is counted; see pytest_report_teststatus.
        report.outcome = "passed" if error is None else "failed"
        report.under_way = True
    return report


def _masked(made: CheckResult, session: Session) -> CheckResult:
    """Messages quote answers; what they quote is masked like the evidence."""
    text = session.workbench.recorder.masker.text
    findings = tuple(
        replace(one, message=text(one.message), expected=text(one.expected), found=text(one.found), path=text(one.path))
        for one in made.findings
    )
    return replace(made, message=text(made.message), findings=findings)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any, config: pytest.Config) -> Any:
    """Show verdicts instead of pytest's outcomes."""
    line = getattr(report, "check_result", None)
    if line is not None:
        return STYLES[Verdict[line["verdict"]]]
    if getattr(report, "under_way", False):
        return "", "", ""
    return None


class Collector:
    """On the controller: gathers results as reports arrive, writes the run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @property
    def session(self) -> Session | None:
        """The run's state, when a target was given."""
        return self.config.stash.get(SESSION, None)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One phase of one check is over."""
        line = getattr(report, "check_result", None)
        if line is None or self.session is None or self.session.is_worker:
            return
        one = run_writer.from_line({name: value for name, value in line.items() if name != "kind"})
        self.session.results.append(one)
        if self.session.writer is not None:
            self.session.writer.add(one)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin gathering."""
    if SESSION in session.config.stash:
        session.config.pluginmanager.register(Collector(session.config), "patient-access-collector")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the worker; on the controller finish the run and take the exit code from the verdicts."""
    ours = session.config.stash.get(SESSION, None)
    if ours is None:
        return
    ours.close()
    if ours.is_worker or session.config.getoption("collectonly"):
        return
    stopped = "" if int(exitstatus) in (0, 1, 5) else f"pytest ended with status {int(exitstatus)}"
    if ours.writer is not None:
        ours.writer.finish(stopped)
    if int(exitstatus) in (0, 1, 5):
        session.exitstatus = exit_code(ours.results)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what failed and why, then the counts."""
    ours = config.stash.get(SESSION, None)
    if ours is None or not ours.results:
        return
    for one in sorted(ours.results, key=lambda each: each.check):
        if one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            terminalreporter.write_line(f"{one.verdict.name} {one.check} [{one.requirements[0]}] {one.message[:400]}")
    counted = ", ".join(f"{number} {name}" for name, number in counts(ours.results).items() if number)
    terminalreporter.write_line(f"{len(ours.results)} checks: {counted}")
