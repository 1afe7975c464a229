"""Target files, tokens, scenarios and tallies of load."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.journeys.limit import seconds_to_wait
from load.outcome import thresholds_met
from load.plan import BadPlan, Plan, phases_of, scenarios
from load.recorder import Recorder, Tally, bucket, milliseconds_of, percentile
from load.run import read_tokens, run_load
from load.target import is_loopback, read_target


def test_load_is_sent_to_this_machine_or_where_permitted(tmp_path: Path) -> None:
    target = tmp_path / "target.toml"
    target.write_text('[server]\nfhir_base = "https://payer.example/fhir"\n')
    with pytest.raises(BadPlan, match="permitted"):
        read_target(target)
    target.write_text('[server]\nfhir_base = "https://payer.example/fhir/"\n[permitted]\nload = true\n')
    assert read_target(target).fhir_base == "https://payer.example/fhir"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:80/x", True),
        ("http://[::1]:80", True),
        ("http://localhost", True),
        ("http://localhost.payer.example", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.payer.example", False),
    ],
)
def test_loopback_is_told_from_look_alikes(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.mark.parametrize("text", ["", "[server]", "[server]\nfhir_base = 3", "server = 1", "\x00", "[limits"])
def test_an_unusable_target_is_named(tmp_path: Path, text: str) -> None:
    target = tmp_path / "target.toml"
    target.write_text(text)
    with pytest.raises(BadPlan, match=r"target\.toml"):
        read_target(target)


def test_an_unknown_scenario_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadPlan, match="did you mean 'spike'"):
        run_load(tmp_path / "none.toml", "spikes", tmp_path, None, 1)


def test_every_scenario_has_a_text_a_journey_and_bounded_phases() -> None:
    assert {"limit", "steady", "spike"} <= set(scenarios())
    for name, scenario in scenarios().items():
        assert scenario["text"], name
        assert scenario["journey"] in ("limit", "read_record"), name
        assert sum(phase.seconds for phase in phases_of(scenario)) <= 120, name


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '[{"patient": "a"}]'])
def test_a_token_file_without_tokens_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(BadPlan, match=r"tokens\.json"):
        read_tokens(path)


@given(st.lists(st.floats(min_value=0.01, max_value=1e6), min_size=1, max_size=200))
def test_percentiles_are_within_five_percent(values: list[float]) -> None:
    buckets = Counter(bucket(value) for value in values)
    for share in (0.5, 0.95, 0.99):
        exact = sorted(values)[math.ceil(len(values) * share) - 1]
        assert percentile(buckets, share) == pytest.approx(exact, rel=0.06, abs=0.01)


@given(st.floats(min_value=0.02, max_value=1e6))
def test_a_bucket_holds_its_latency(value: float) -> None:
    assert milliseconds_of(bucket(value)) == pytest.approx(value, rel=0.06)


def test_what_workers_took_adds_up_at_the_master() -> None:
    worker, master = Recorder(), Recorder()
    worker.add("even", 1, 10.0, 200)
    worker.add("even", 1, 20.0, 429)
    worker.add("even", 2, 30.0, 500, "Patient: 500")
    taken = worker.take()
    assert worker.take() == {"phases": [], "seconds": []}
    master.give(taken)
    master.give(taken)
    tally = master.phases["even"]
    assert (tally.requests, tally.refused, tally.failures) == (6, 2, 2)
    assert tally.reasons == {"Patient: 500": 2}
    assert master.seconds[1].requests == 4
    assert isinstance(master.seconds[2], Tally)


@pytest.mark.parametrize(("value", "least"), [("3", 3.0), ("0", 0.0), ("Wed, 01 Jan 2000 00:00:00 GMT", 0.0)])
def test_retry_after_is_read_in_both_forms(value: str, least: float) -> None:
    assert seconds_to_wait(value) >= least


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "٣", "99999999999"])
def test_a_broken_retry_after_is_no_wait(value: str) -> None:
    assert seconds_to_wait(value) == -1.0


def pushed(requests: int, seconds: float, asked: list[tuple[int, int]], failure: str = "") -> list[tuple[str, str]]:
    """Verdicts over seconds of (answered 200, refused) under a declared limit."""
    recorder = Recorder()
    for second, (answered, refused) in enumerate(asked):
        for status, count in ((200, answered), (429, refused)):
            for _ in range(count):
                recorder.add("even", second, 5.0, 0 if failure else status, failure)
    plan = Plan("steady", "read_record", "t", "http://x", (), (), {"error_rate": 0.0}, requests, seconds)
    return [(one.verdict, one.found) for one in thresholds_met(plan, recorder)]


def test_a_refusal_above_the_declared_limit_is_no_error() -> None:
    above = pushed(10, 2, [(8, 0), (2, 6), (0, 4)])
    assert above[0] == ("PASS", "0.00% (0 of 20); 10 more were refused above the declared limit")
    assert pushed(100, 2, [(8, 0), (2, 6)])[0][0] == "FAIL"
    assert pushed(0, 0, [(8, 0), (2, 6)])[0][0] == "FAIL"  # where none is declared every refusal counts


def test_a_server_that_never_answers_decides_nothing() -> None:
    assert pushed(0, 0, [(5, 0)], "Patient: connection refused") == [("INCONCLUSIVE", "Patient: connection refused")]
    assert pushed(0, 0, [(5, 0)], "Patient: 500")[0][0] == "FAIL"


def judged(phases: dict[str, list[tuple[float, int]]]) -> list[tuple[str, str]]:
    """Verdicts over (milliseconds, status) by phase, against a p95 of 100 ms and a recovery within twice."""
    recorder = Recorder()
    for second, (phase, answers) in enumerate(phases.items()):
        for milliseconds, status in answers:
            recorder.add(phase, second, milliseconds, status)
    thresholds = {"p95_ms": 100, "recovery_ratio": 2.0}
    plan = Plan("spike", "read_record", "t", "http://x", (), (), thresholds, 1, 1)
    return [(one.verdict, one.found) for one in thresholds_met(plan, recorder)]


def test_quick_refusals_do_not_make_a_slow_server_look_quick() -> None:
    before, refusals = [(10.0, 200)] * 5, [(1.0, 429)] * 95
    assert [verdict for verdict, _ in judged({"before": before, "after": before})] == ["PASS", "PASS"]
    slow = judged({"before": before, "after": [(400.0, 200)] * 5 + refusals})
    assert [verdict for verdict, _ in slow] == ["FAIL", "FAIL"]
    nothing = judged({"before": refusals, "after": refusals})
    assert [verdict for verdict, _ in nothing] == ["INCONCLUSIVE", "INCONCLUSIVE"]
