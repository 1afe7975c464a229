"""What the report says, worked out before any markup: requirements by document and paragraph, findings, coverage, gaps."""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.html import load
from reports.html.coverage import Table, tables
from reports.html.page import ORDER
from reports.model import BINDING, CheckResult, Requirement, Verdict, overall, run_verdict
from reports.reader import Run

CITATION = re.compile(r"^(\d+ CFR )(\d+\.\d+)((?:\([A-Za-z0-9]+\))*)")


@dataclass(frozen=True)
class RequirementRow:
    """A requirement with the checks of this run that judged it, worst first."""

    requirement: Requirement
    verdict: str  # a verdict's name, or REVIEW, NOT_TESTED, NO_CHECK when nothing here decides it
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True)
class Paragraph:
    """Requirements that cite one paragraph of a rule; guides and specifications have one without a citation."""

    citation: str
    title: str
    rows: tuple[RequirementRow, ...]


@dataclass(frozen=True)
class Document:
    """One source document with its requirements."""

    id: str
    key: str  # short, for the filter
    title: str
    paragraphs: tuple[Paragraph, ...]
    counts: Counter[str]
    verdict: str
    size: int
    decided: int  # requirements that passed or failed


@dataclass(frozen=True)
class Family:
    """Documents of one kind, in the order reviewers read them."""

    id: str
    title: str
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class Chapter:
    """The checks of one chapter."""

    name: str
    results: tuple[CheckResult, ...]
    counts: Counter[str]


@dataclass(frozen=True)
class View:
    """Everything the report template asks for."""

    run: Run
    verdict: Verdict
    headline: str
    counts: Counter[str]
    binding: Counter[str]
    requirement_counts: Counter[str]
    families: tuple[Family, ...]
    findings: tuple[CheckResult, ...]
    chapters: tuple[Chapter, ...]
    tables: tuple[Table, ...]
    reviews: tuple[RequirementRow, ...]
    not_tested: tuple[RequirementRow, ...]
    not_checked: tuple[tuple[str, tuple[CheckResult, ...]], ...]
    requirement: dict[str, Requirement] = field(repr=False)
    documents_of: dict[str, str] = field(repr=False)  # check → keys of the documents it judges, for the filter


def build(run: Run) -> View:
    """Work out the view of a run."""
    pushed = load.results(run)
    rows = requirement_rows(run, pushed)
    families = _families(rows)
    in_documents: dict[str, set[str]] = defaultdict(set)
    for family in families:
        for document in family.documents:
            for paragraph in document.paragraphs:
                for row in paragraph.rows:
                    in_documents[row.requirement.id].add(document.key)
    verdict = run_verdict([*run.results, *pushed])
    binding = Counter(result.verdict.name for result in run.results if result.level in BINDING and not result.waived)
    not_checked: dict[str, list[CheckResult]] = defaultdict(list)
    for result in run.results:
        for system in result.not_checked:
            not_checked[system].append(result)
    return View(
        run=run,
        verdict=verdict,
        headline=_headline(run_verdict(run.results), binding, run) + _of_load(pushed),
        counts=Counter(result.verdict.name for result in run.results),
        binding=binding,
        requirement_counts=Counter(row.verdict for row in rows),
        families=families,
        findings=tuple(
            sorted(
                (result for result in run.results if result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)),
                key=lambda result: (-result.verdict, result.level not in BINDING, result.chapter, result.check),
            )
        ),
        chapters=_chapters(run.results),
        tables=tables(run.results, run.header.target),
        reviews=tuple(row for row in rows if row.requirement.review),
        not_tested=tuple(row for row in rows if row.requirement.not_tested),
        not_checked=tuple(sorted((system, tuple(results)) for system, results in not_checked.items())),
        requirement={row.requirement.id: row.requirement for row in rows},
        documents_of={
            result.check: " ".join(sorted({one for id in result.requirements for one in in_documents.get(id, ())}))
            for result in run.results
        },
    )


def requirement_rows(run: Run, more: Iterable[CheckResult] = ()) -> tuple[RequirementRow, ...]:
    """Every requirement of the run's catalogue, and any a check names beyond it, with its checks and verdict."""
    checks: dict[str, list[CheckResult]] = defaultdict(list)
    for result in (*run.results, *more):
        for id in result.requirements:
            checks[id].append(result)
    catalogue = {requirement.id: requirement for requirement in run.header.requirements}
    for id in checks.keys() - catalogue.keys():
        catalogue[id] = Requirement(id, "", "", "(not in the catalogue of this run)", "")
    rows = []
    for requirement in catalogue.values():
        judged = sorted(checks.get(requirement.id, ()), key=lambda result: (-result.verdict, result.check))
        rows.append(RequirementRow(requirement, requirement_verdict(requirement, judged), tuple(judged)))
    return tuple(rows)


def requirement_verdict(requirement: Requirement, checks: Iterable[CheckResult]) -> str:
    """The heaviest verdict of its checks, or why there is none."""
    verdicts = [result.verdict for result in checks]
    if verdicts:
        same = set(verdicts) == {Verdict.NOT_APPLICABLE}
        return Verdict.NOT_APPLICABLE.name if same else overall(verdicts).name
    if requirement.review:
        return "REVIEW"
    return "NOT_TESTED" if requirement.not_tested else "NO_CHECK"


def _headline(verdict: Verdict, binding: Counter[str], run: Run) -> str:
    total = sum(binding.values())
    kind = "SHALL checks" if total else "checks"
    counts = binding if total else Counter(result.verdict.name for result in run.results)
    total = total or len(run.results)
    if verdict is Verdict.FAIL:
        return f"{counts['FAIL']:,} of {total:,} {kind} failed"
    if verdict is Verdict.INCONCLUSIVE:
        undecided = counts["INCONCLUSIVE"]
        return (
            f"Nothing failed, but {undecided:,} of {total:,} {kind} could not be decided"
            if undecided
            else f"None of {total:,} {kind} applied, so nothing was decided"
        )
    if verdict is Verdict.SKIPPED:
        return f"Nothing failed, but {counts['SKIPPED']:,} of {total:,} {kind} were skipped"
    return f"All {total - counts['NOT_APPLICABLE']:,} {kind} that apply were decided and passed"


def _of_load(pushed: Iterable[CheckResult]) -> str:
    """What load adds to the headline: nothing when it passed or was not asked for."""
    failed = sum(result.verdict is Verdict.FAIL for result in pushed)
    return f"; {failed} finding{'s' if failed > 1 else ''} of the load scenarios failed" if failed else ""


@functools.cache
def _grouping() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("documents.toml").read_text(encoding="utf-8"))


def chapter_title(name: str) -> str:
    """A chapter's name as people write it."""
    known: dict[str, str] = _grouping()["chapters"]
    return known.get(name) or name.replace("_", " ").capitalize()


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which 2 comes before 10."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", text) if part
    )


def _families(rows: Iterable[RequirementRow]) -> tuple[Family, ...]:
    by_document: dict[str, list[RequirementRow]] = defaultdict(list)
    keys = itertools.count(1)
    for row in rows:
        by_document[row.requirement.document or "Other sources"].append(row)
    return tuple(
        Family(id, title, tuple(_document(name, by_document[name], f"d{next(keys)}") for name in names))
        for id, title, names in _grouped(by_document)
    )


def families_of(documents: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Titles of families with their documents, in the order reviewers read them."""
    for _, title, names in _grouped(documents):
        yield title, names


def _grouped(documents: Iterable[str]) -> Iterator[tuple[str, str, list[str]]]:
    left = sorted(documents)
    for family in _grouping()["family"]:
        names = []
        for prefix in family["prefixes"]:
            names += [name for name in left if name.startswith(prefix)]
            left = [name for name in left if not name.startswith(prefix)]
        if names:
            yield family["id"], family["title"], names
    if left:
        yield "other", "Other sources", left


def _document(title: str, rows: list[RequirementRow], key: str) -> Document:
    paragraphs: dict[str, list[RequirementRow]] = defaultdict(list)
    cited = sum(bool(CITATION.match(row.requirement.source)) for row in rows) * 2 > len(rows)
    for row in rows:
        paragraphs[_citation(row.requirement.source) if cited else ""].append(row)
    counts = Counter(row.verdict for row in rows)
    decided = [
        Verdict[row.verdict] for row in rows if row.verdict in Verdict.__members__ and row.verdict != "NOT_APPLICABLE"
    ]
    return Document(
        id=re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"),
        key=key,
        title=title,
        paragraphs=tuple(
            Paragraph(
                citation,
                _grouping()["paragraphs"].get(citation, ""),
                tuple(
                    sorted(members, key=lambda row: (natural(row.requirement.source.split(";")[0]), row.requirement.id))
                ),
            )
            for citation, members in sorted(paragraphs.items(), key=lambda item: (item[0] == "Other", natural(item[0])))
        ),
        counts=counts,
        verdict=_document_verdict(decided, counts),
        size=len(rows),
        decided=counts["PASS"] + counts["FAIL"],
    )


def _document_verdict(decided: list[Verdict], counts: Counter[str]) -> str:
    """The heaviest verdict; a pass is one only when no requirement of the document was left without a check."""
    if not decided:
        return next(name for name in reversed(ORDER) if counts[name])
    heaviest = overall(decided)
    return "PARTLY" if heaviest is Verdict.PASS and counts["NO_CHECK"] else heaviest.name


def _citation(source: str) -> str:
    """The paragraph a source cites first, cut at its first letter: "42 CFR 431.60(b)" of "42 CFR 431.60(b)(1); …"."""
    found = CITATION.match(source)
    if not found:
        return "Other"
    first = re.match(r"\([A-Za-z0-9]+\)", found[3])
    return f"{found[1]}{found[2]}{first[0] if first else ''}"


def _chapters(results: Iterable[CheckResult]) -> tuple[Chapter, ...]:
    by_name: dict[str, list[CheckResult]] = defaultdict(list)
    for result in results:
        by_name[result.chapter or "other"].append(result)
    return tuple(
        Chapter(
            chapter_title(name),
            tuple(sorted(members, key=lambda result: result.check)),
            Counter(one.verdict.name for one in members),
        )
        for name, members in sorted(by_name.items())
    )
