"""Validate resources against FHIR R4 and the profiles of guides, as a library.

    from suites.profiles import Validator

    validator = Validator(guides=["us-core@3.1.1", "carin-bb@2.0.0"])
    report = validator.validate(open("eob.json", "rb").read())
    for issue in report.issues:
        print(issue.severity, issue.path, issue.message)

A validator compiles what the resources it meets need, once; keep it. It is not for several threads at once: use one each.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suites.profiles.engine.engine import Engine
from suites.profiles.engine.findings import ERROR, WARNING, FirstPlaces, Issue
from suites.profiles.engine.place import root
from suites.profiles.engine.run import Run
from suites.profiles.registry import Registry
from suites.profiles.source import LARGEST_DOCUMENT, Problem, Source, parse


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one document.

    `not_checked` maps what no table at hand can decide (a code system, a value set, a profile) to the first place where it
    was wanted; it never makes a resource invalid.
    """

    resource_type: str | None
    id: str | None
    profiles: tuple[str, ...]
    issues: tuple[Issue, ...]
    not_checked: Mapping[str, str]
    source: Source | None = None

    @property
    def valid(self) -> bool:
        """No error was found."""
        return not any(issue.severity == ERROR for issue in self.issues)

    def errors(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.severity == ERROR)

    def located(self, severities: Sequence[str] = (ERROR, WARNING)) -> tuple[Issue, ...]:
        """The issues with line and column, for those of the severities named."""
        if self.source is None:
            return self.issues
        asked = [issue for issue in self.issues if issue.line is None and issue.severity in severities]
        if not asked:
            return self.issues
        found = dict(zip(map(id, asked), self.source.positions([issue.steps for issue in asked]), strict=True))
        placed = ((issue, found.get(id(issue))) for issue in self.issues)
        return tuple(
            issue if place is None else replace(issue, line=place[0], column=place[1]) for issue, place in placed
        )

    def as_json(self, source: str) -> dict[str, Any]:
        """The shape `patient-access validate --format ndjson` prints."""
        return {
            "source": source,
            "resourceType": self.resource_type,
            "id": self.id,
            "profiles": list(self.profiles),
            "valid": self.valid,
            "not_checked": sorted(self.not_checked),
            "issues": [issue.as_json() for issue in self.located((ERROR,))],
        }


class Validator:
    """Judges resources by the base specification, by the profiles they claim, and by those asked for.

    `guides` are named as in `us-core@3.1.1`; `packages` are official packages (.tgz) nobody shipped. With
    `assume_profiles`, a resource that claims no profile is judged by the guides' one profile for its type, where there is
    exactly one. `terminology_server` is asked about codes no table decides; its silence never fails a resource.
    """

    def __init__(
        self,
        guides: Sequence[str] = (),
        packages: Sequence[str | Path] = (),
        *,
        terminology_server: str | None = None,
        assume_profiles: bool = False,
        largest: int = LARGEST_DOCUMENT,
    ) -> None:
        self.registry = Registry(tuple(guides), tuple(Path(package) for package in packages))
        remote = None
        if terminology_server is not None:
            from suites.profiles.terminology_server import TerminologyServer

            remote = TerminologyServer(terminology_server).contains
        defaults = self._defaults() if assume_profiles else None
        self.engine = Engine(self.registry, remote, defaults)
        self._largest = largest

    def _defaults(self) -> dict[str, tuple[str, ...]]:
        """For each type the one profile the guides have for it; types with several are left to `meta.profile`."""
        found: dict[str, list[str]] = {}
        for header in self.registry.profiles():
            if header.kind == "resource" and header.derivation == "constraint" and not header.abstract:
                found.setdefault(header.type, []).append(header.url)
        return {name: tuple(urls) for name, urls in found.items() if len(set(urls)) == 1}

    def validate(self, document: bytes | str | dict[str, Any], profiles: Sequence[str] = ()) -> Report:
        """Judge one document: JSON text as it was sent, or a tree already parsed (then its text is not judged)."""
        # A document and what is made of it hold no cycles and go when they are let go of; a collector that a large document
        # sets off would walk through the tables again and again, for up to a fifth of the time.
        collecting = gc.isenabled()
        if collecting:
            gc.disable()
        try:
            return self._validate(document, profiles)
        finally:
            if collecting:
                gc.enable()

    def _validate(self, document: bytes | str | dict[str, Any], profiles: Sequence[str]) -> Report:
        if isinstance(document, dict):
            return self._report(self._judged(document, profiles), None, document)
        source = parse(document, self._largest)
        if source.tree is None and any(problem.fatal for problem in source.problems):
            return Report(None, None, (), tuple(map(_issue, source.problems)), {}, source)
        return self._report(self._judged(source.tree, profiles), source, source.tree)

    def _judged(self, tree: Any, profiles: Sequence[str]) -> Run:
        try:
            return self.engine.judge.document(tree, profiles)
        except RecursionError:
            run = Run(self.engine, {})
            run.add(ERROR, "too-deep", root("Resource"), "the resource is nested too deep to be judged")
        except Exception as wrong:
            # A flaw of ours that one resource brings out must not keep the others from being judged; it is told as such.
            run = Run(self.engine, {})
            run.add(
                ERROR,
                "not-judged",
                root("Resource"),
                f"the validator failed on this resource ({type(wrong).__name__}: {str(wrong)[:200]})",
            )
        return run

    def _report(self, run: Run, source: Source | None, tree: Any) -> Report:
        resource = tree if isinstance(tree, dict) else {}
        name, identity = resource.get("resourceType"), resource.get("id")
        issues = run.findings.told()
        if source is not None and source.problems:
            issues = [*map(_issue, source.problems), *issues]
        return Report(
            name if isinstance(name, str) else None,
            identity if isinstance(identity, str) else None,
            tuple(run.profiles.get("", ())),
            tuple(issues),
            FirstPlaces(run.findings.not_checked),
            source,
        )


def _issue(problem: Problem) -> Issue:
    return Issue(
        WARNING if problem.warning else ERROR,
        problem.rule,
        "",
        problem.message,
        line=problem.line,
        column=problem.column,
    )
