"""report.html says what the run says, stands alone, and stays small."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patient_access import app
from reports.html import evidence as shelves
from reports.html.coverage import tables
from reports.html.page import slug
from reports.html.report import write
from reports.html.view import build, natural
from reports.model import CheckResult, Verdict
from reports.reader import BadRun, load
from tests.unit.reports.runs import HEADER, RESULTS, evidence, many_results, write_run


@pytest.fixture
def page(tmp_path: Path) -> str:
    write(load(write_run(tmp_path / "run")), tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


class Links(HTMLParser):
    """Collects ids, local links and anything that would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.local: set[str] = set()
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        target = found.get("href", "") or found.get("src", "")
        if target.startswith("#"):
            self.local.add(target[1:])
        elif target and not target.startswith("data:") and tag != "a":
            self.fetched.append(target)


def test_verdict_citation_expected_found_and_evidence_are_told(page: str) -> None:
    text = re.sub(r"<[^>]+>", " ", page)
    for said in (
        "1 of 4 SHALL checks failed",
        "42 CFR 431.60(b)",
        "RFC 6749 section 4.1.2",
        "HTTP 400 with error=invalid_grant",
        "HTTP 200 with an access_token",
        "the server does not mark codes as used",
        "118 of 120",
        "not before 2027-07-01 for this rating period",
        "http://www.ama-assn.org/go/cpt",
        "a person reads the education page",
        "retention cannot be seen from outside",
        "main/3",
    ):
        assert said in text, said


def test_the_page_fetches_nothing_and_every_link_arrives(page: str) -> None:
    links = Links(page)
    assert links.fetched == []
    assert len(links.ids) == len(set(links.ids))
    assert {link for link in links.local if not link.startswith("?")} <= set(links.ids)


def test_what_a_server_answers_stays_text(page: str) -> None:
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror" in page
    assert "script-src &#39;sha256-" in page


def test_requirements_are_told_by_family_document_and_paragraph(tmp_path: Path) -> None:
    view = build(load(write_run(tmp_path / "run")))
    assert [family.id for family in view.families] == ["regulation", "guides", "rfc"]
    nine = view.families[0].documents[0]
    assert [paragraph.citation for paragraph in nine.paragraphs] == ["42 CFR 431.60(b)", "42 CFR 431.60(g)"]
    assert nine.paragraphs[0].title == "Accessible content"
    assert [row.verdict for paragraph in nine.paragraphs for row in paragraph.rows] == ["PASS", "REVIEW"]
    assert [table.id for table in view.tables] == ["must_support", "leak_matrix"]


def test_coverage_tables_of_any_shape_are_joined_and_shown(tmp_path: Path) -> None:
    elements = [{"element": "Patient.name", "seen_in": ["Patient/1"]}, {"element": "Patient.telecom", "seen_in": []}]
    told: list[dict[str, object]] = [
        {"must_support": {"profile": "http://x/us-core-patient", "resources": 5, "elements": elements}},
        {"must_support": {"profile": "http://x/us-core-goal", "resources": 2, "elements": elements[:1]}},
        {"odd": {"asked": 3, "rows": [{"a": 1}, {"b": [2]}]}},
        {"plain": {"fhir": "4.0.1"}},
    ]
    results = [replace(RESULTS[0], check=f"c.{n}", tables=tables) for n, tables in enumerate(told)]
    run = load(write_run(tmp_path / "run", results))
    shown = {table.id: (table.columns, table.rows) for table in build(run).tables}
    assert shown["must_support"] == (
        ("profile", "resources", "elements", "shown", "never shown"),
        (("us-core-patient", 5, 2, 1, "Patient.telecom"), ("us-core-goal", 2, 1, 1, "")),
    )
    assert shown["odd"] == (("asked", "a", "b"), ((3, 1, ""), (3, "", "[2]")))
    assert shown["plain"] == (("name", "value"), (("fhir", "4.0.1"),))
    write(run, tmp_path / "report.html")
    assert "us-core-goal" in (tmp_path / "report.html").read_text()


def test_a_requirement_the_catalogue_lacks_is_shown_and_marked(tmp_path: Path) -> None:
    odd = replace(RESULTS[0], requirements=("NOT-IN-CATALOGUE",))
    view = build(load(write_run(tmp_path / "run", [odd])))
    assert [family.id for family in view.families][-1] == "other"
    assert view.requirement["NOT-IN-CATALOGUE"].text == "(not in the catalogue of this run)"


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ([Verdict.PASS, Verdict.NOT_APPLICABLE], "All 1 SHALL checks that apply were decided and passed"),
        ([Verdict.PASS, Verdict.SKIPPED], "Nothing failed, but 1 of 2 SHALL checks were skipped"),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], "Nothing failed, but 1 of 2 SHALL checks could not be decided"),
        ([Verdict.NOT_APPLICABLE], "None of 1 SHALL checks applied, so nothing was decided"),
    ],
)
def test_the_headline_never_calls_undecided_a_pass(tmp_path: Path, verdicts: list[Verdict], headline: str) -> None:
    results = [replace(RESULTS[0], check=f"c.{n}", verdict=verdict) for n, verdict in enumerate(verdicts)]
    assert build(load(write_run(tmp_path / "run", results))).headline == headline


def test_a_document_with_requirements_nobody_judged_is_no_pass(tmp_path: Path) -> None:
    more = replace(HEADER.requirements[4], id="SMART-PKCE-02")
    header = replace(HEADER, requirements=(*HEADER.requirements, more))
    verdicts = {
        document.title: document.verdict
        for family in build(load(write_run(tmp_path / "run", RESULTS, header))).families
        for document in family.documents
    }
    assert verdicts["SMART App Launch 2.0.0 and 2.2.0"] == "PARTLY"
    assert verdicts["US Core 3.1.1 and 6.1.0"] == "PASS"


def test_a_failed_recommendation_does_not_fail_the_run(tmp_path: Path) -> None:
    results = [RESULTS[0], replace(RESULTS[1], level="SHOULD")]
    assert build(load(write_run(tmp_path / "run", results))).verdict is Verdict.PASS


def test_a_waived_breach_is_out_of_the_verdict(tmp_path: Path) -> None:
    waiver = {"waiver": {"reason": "vendor fix due", "until": "2027-01-31"}}
    results = [RESULTS[0], replace(RESULTS[1], verdict=Verdict.SKIPPED, tables=waiver)]
    assert build(load(write_run(tmp_path / "run", results))).verdict is Verdict.PASS


def test_five_thousand_results_and_twenty_megabytes_of_evidence_stay_under_five(tmp_path: Path) -> None:
    results = [replace(result, evidence=(f"main/{n + 1}",)) for n, result in enumerate(many_results(5000))]
    run = write_run(tmp_path / "run", results, HEADER, evidence(5000, "x" * 4000))
    assert (run / "evidence" / "main.jsonl").stat().st_size > 20_000_000
    write(load(run), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    side = tmp_path / "report-evidence"
    assert len(list(side.iterdir())) == 51
    links = set(re.findall(r'href="report-evidence/([^"#]+)#([^"]+)"', (tmp_path / "report.html").read_text()))
    assert links
    name, anchor = sorted(links)[0]
    assert f'id="{anchor}"' in (side / name).read_text()


def test_even_five_thousand_long_failures_stay_under_five_megabytes(tmp_path: Path) -> None:
    long = replace(RESULTS[1], title="A code is refused the second time, " * 3, message="y" * 5000)
    results = [replace(long, check=f"c{n % 9}.{n}", evidence=(f"main/{n + 1}",)) for n in range(5000)]
    write(load(write_run(tmp_path / "run", results, HEADER, evidence(5000, "x" * 4000))), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_evidence_is_forgotten_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[int] = []

    def streamed(folder: Path) -> Iterator[object]:
        for number, exchange in enumerate(evidence(400)):
            alive.append(number)
            yield exchange

    monkeypatch.setattr(shelves, "exchanges", streamed)
    monkeypatch.setattr(shelves, "FOR_FINDINGS", 20_000)
    results = [replace(RESULTS[1], check=f"c.{n}", evidence=(f"main/{n}",)) for n in range(1, 401)]
    shelf = shelves.collect(tmp_path, results, tmp_path / "report.html")
    assert len(alive) == 800  # once to choose, once for the side pages
    assert sum(map(len, shelf.inside.values())) <= 20_000
    assert shelf.total == 400


def test_memory_does_not_grow_with_evidence(tmp_path: Path) -> None:
    peaks = []
    for count in (200, 4000):
        results = [replace(RESULTS[1], evidence=tuple(f"main/{n}" for n in range(1, 101)))]
        run = load(write_run(tmp_path / str(count), results, HEADER, evidence(count, "x" * 2000)))
        tracemalloc.start()
        write(run, tmp_path / f"{count}.html")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.25


def test_load_findings_are_filed_under_their_requirement(tmp_path: Path) -> None:
    limit = replace(HEADER.requirements[4], id="RFC6585-429-01", document="RFC 6585")
    header = replace(HEADER, requirements=(*HEADER.requirements, limit))
    run = write_run(tmp_path / "run", [RESULTS[0]], header)
    for verdict, headline in (("PASS", "passed"), ("FAIL", "1 finding of the load scenarios failed")):
        finding = {
            "requirement": "RFC6585-429-01",
            "verdict": verdict,
            "message": "Above the limit requests are refused",
        }
        (run / "load.json").write_text(
            json.dumps({"scenario": "limit", "seconds": 1, "findings": [finding, {"requirement": "UNKNOWN"}]})
        )
        view = build(load(run))
        assert (view.verdict.name, view.counts) == (verdict, {"PASS": 1})
        assert headline in view.headline
        write(load(run), tmp_path / "report.html")
        assert "Load: Above the limit requests are refused" in (tmp_path / "report.html").read_text()


def test_the_kill_score_comes_from_proof_json_where_the_header_has_none(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RESULTS, replace(HEADER, proof={}))
    (run / "proof.json").write_text('{"mutants": [{"id": "a", "killed": true}, {"id": "b", "killed": false}]}')
    write(load(run), tmp_path / "report.html")
    assert "1 of 2" in (tmp_path / "report.html").read_text()


def test_parts_appear_when_the_run_has_them(tmp_path: Path) -> None:
    waived = replace(
        RESULTS[1],
        check="w",
        verdict=Verdict.SKIPPED,
        tables={"waiver": {"reason": "vendor fix due", "until": "2027-01-31"}},
    )
    run = write_run(tmp_path / "run", [*RESULTS, waived])
    (run / "review.toml").write_text(
        '[[decision]]\nrequirement="CMS9115-431.60-g"\ndecision="accepted"\nby="A. Reviewer"\ndate=2026-07-02\nnote="read it"\n'
    )
    write(load(run), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert 'id="waivers"' in page
    assert "vendor fix due" in page
    assert 'id="table-waiver"' not in page
    assert "Accepted" in page
    assert "read it" in page
    assert 'id="metrics"' not in page


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("review.toml", '[[decision]]\nrequirement="X"\ndecision="maybe"\n', "accepted or rejected"),
        ("review.toml", "[[decision", "cannot be read"),
        ("load.json", "{", "cannot be read"),
    ],
)
def test_a_part_that_cannot_be_read_stops_the_report(tmp_path: Path, name: str, text: str, message: str) -> None:
    run = write_run(tmp_path / "run")
    (run / name).write_text(text)
    with pytest.raises(BadRun, match=message):
        write(load(run), tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_fragment_ids_keep_names_apart() -> None:
    assert slug("a.b_c-1") == "a.b_c-1"
    assert slug("a/b") != slug("a b")
    assert sorted(["a10", "a2"], key=natural) == ["a2", "a10"]


def generated(check: str, verdict: Verdict = Verdict.PASS, judged: int = 3) -> CheckResult:
    return replace(RESULTS[0], check=check, verdict=verdict, judged=judged, tables={})


def test_searches_uscdi_and_guides_are_read_off_the_generated_checks() -> None:
    results = [
        generated("us_core.searches.required_search[us-core@3.1.1-Condition-patient]"),
        generated("us_core.searches.required_search[us-core@3.1.1-Condition-patient+code]", Verdict.FAIL),
        generated("us_core.links.include[us-core@3.1.1-Condition-Condition:subject]", Verdict.NOT_APPLICABLE, 0),
        generated("us_core.profiles.profile[us-core@3.1.1-Condition-us-core-condition]", judged=9),
        generated(
            "us_core.profiles.profile[us-core@3.1.1-Observation-us-core-smokingstatus]", Verdict.NOT_APPLICABLE, 0
        ),
        generated("tokens.code.replay"),
    ]
    told = {table.id: table for table in tables(results, {"guides": ["us-core@3.1.1", "pdex@2.0.0"]})}
    (search,) = told["search"].rows
    assert search == ("us-core 3.1.1", "Condition", "1 of 2", "–", "not applicable", "–", 6, "FAIL")
    classes = {row[0]: row for row in told["uscdi"].rows}
    assert classes["Problems and health concerns"][3:] == (9, "1 of 1", "PASS")
    assert classes["Smoking status"][3:] == (0, "not applicable", "none seen")
    assert classes["Laboratory"][5] == "no profile in the guide claimed"
    assert [row[:3] + row[5:] for row in told["guide_versions"].rows] == [
        ("us-core", "3.1.1", "yes", 1, "FAIL"), ("pdex", "2.0.0", "yes", 0, "NO_CHECK"),
    ]  # fmt: skip
    assert tables([generated("tokens.code.replay")], {"guides": ["us-core@3.1.1"]}) == ()


def test_a_proof_given_beside_the_run_tells_what_was_not_caught(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    proof = tmp_path / "proof.json"
    mutants = [
        {
            "id": "code-replayed",
            "violates": "OAUTH-CODE-02",
            "killed": True,
            "killed_by": ["tokens.code.replay"],
            "collateral": [],
        },
        {
            "id": "quiet-fault",
            "violates": "OAUTH-CODE-02",
            "killed": False,
            "killed_by": [],
            "collateral": ["other.check"],
        },
    ]
    proof.write_text(json.dumps({"reference": {"name": "reference", "red": []}, "variants": [], "mutants": mutants}))
    report = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["report", str(run), "--proof", str(proof), "-o", str(report)])
    assert done.exit_code == 0, done.stderr
    text = report.read_text()
    for said in (
        "1 of 2",
        "50.0 %",
        "0 false alarms on 1 conforming servers",
        "Not caught: 1 of 2 faults",
        "quiet-fault",
        "other.check",
    ):
        assert said in text
    assert CliRunner().invoke(app, ["report", str(run), "--proof", str(proof), "--format", "csv"]).exit_code == 2
    proof.write_text('{"mutants": [{"id": "a"}]}')
    done = CliRunner().invoke(app, ["report", str(run), "--proof", str(proof), "-o", str(report)])
    assert (done.exit_code, "cannot be read as a proof" in done.stderr) == (2, True)
