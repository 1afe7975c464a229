"""Targets that misbehave, one for each step of a run: a verdict or INCONCLUSIVE with the reason, the run goes on, the report is whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

import reports
from tests import miniatures
from tests.mutants.payer import RunningPayer, running

COMMAND = str(Path(sys.executable).with_name("patient-access"))
SCHEMA = json.loads((Path(reports.__file__).parent / "run.schema.json").read_text("utf-8"))

WRONG: dict[Callable[[BaseHTTPRequestHandler], None], tuple[int, str]] = {
    miniatures.html_with_200: (1, "HTML that is no JSON"),
    miniatures.invalid_json: (1, "that is no JSON"),
    miniatures.wrong_content_type: (1, "says Content-Type text/html"),
    miniatures.redirect_loop: (1, "answered 302"),
    miniatures.endless_body: (3, "larger than 4 MB"),
    miniatures.closes_mid_body: (3, "cut short"),
    miniatures.slow_drip: (3, "not complete after"),
    miniatures.hangs: (3, "no answer in time"),
    miniatures.duplicate_headers: (1, ""),
}


def certify(target: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`certify server` with one worker."""
    words = [COMMAND, "certify", "server", "--target", str(target), "--out", str(out), "--jobs", "1", *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)


def lines_of(run: Path) -> list[dict[str, object]]:
    """The lines of a run, valid against the schema."""
    lines = [json.loads(line) for line in run.read_text("utf-8").splitlines()]
    validator = Draft202012Validator(SCHEMA)
    for line in lines:
        problems = [problem.message for problem in validator.iter_errors(line)]
        assert problems == [], line
    return lines


@pytest.mark.parametrize("behaviour", WRONG, ids=lambda one: one.__name__)
def test_a_misbehaving_target_gets_a_whole_report(
    behaviour: Callable[[BaseHTTPRequestHandler], None], tmp_path: Path
) -> None:
    code, said = WRONG[behaviour]
    with miniatures.serving(behaviour) as base:
        done = certify(miniatures.target_file(tmp_path, base), tmp_path / "out", "--suite", "discovery")
    assert done.returncode == code, done.stderr[-2000:]
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    first = done.stderr.splitlines()[0] if said else ""
    assert not said or (first.startswith("patient-access: ") and base in first)
    if code == 1:
        lines = lines_of(tmp_path / "out" / "run.jsonl")
        assert [line["kind"] for line in lines[:1] + lines[-1:]] == ["header", "footer"]
        verdicts = {str(line["verdict"]) for line in lines if line["kind"] == "check"}
        assert "FAIL" in verdicts
        assert all(
            line["message"] for line in lines if line["kind"] == "check" and line["verdict"] in ("FAIL", "INCONCLUSIVE")
        )
    else:
        assert not (tmp_path / "out").exists(), "nothing half-written is left behind"


def test_a_target_that_refuses_the_connection_is_one_line_and_exit_3(tmp_path: Path) -> None:
    with miniatures.refusing() as base:
        done = certify(miniatures.target_file(tmp_path, base), tmp_path / "out")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be reached" in done.stderr
    assert base in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_target_that_goes_down_leaves_everything_undecided(tmp_path: Path) -> None:
    """It answers the first look, then never again: the run ends soon, every check is undecided with the reason."""
    seen: list[str] = []

    def once(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        if len(seen) > 1:
            handler.connection.close()
            return
        miniatures.html_with_200(handler)

    started = time.monotonic()
    with miniatures.serving(once) as base:
        done = certify(miniatures.target_file(tmp_path, base), tmp_path / "out")
    assert done.returncode == 3, done.stderr[-2000:]
    lines = lines_of(tmp_path / "out" / "run.jsonl")
    checks = [line for line in lines if line["kind"] == "check"]
    assert len(checks) > 300
    assert {line["verdict"] for line in checks} <= {"INCONCLUSIVE", "NOT_APPLICABLE"}
    assert all(
        "the connection" in str(line["message"])
        or "the answer breaks" in str(line["message"])
        or "stopped" in str(line["message"])
        for line in checks
        if line["verdict"] == "INCONCLUSIVE"
    )
    assert len(seen) < 300
    assert time.monotonic() - started < 120


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "Invalid value"),
        ('name = "x"\n[server]\nfhir_bas = "http://127.0.0.1/fhir"', "did you mean 'fhir_base'?"),
        ('name = "x"\n[server]\nfhir_base = "ftp://x"', "no absolute http(s) URL"),
        ('name = "x"\n[server]\nfhir_base = "http://127.0.0.1/fhir"\npayer_type = "medicare"', "server.payer_type"),
        ('[server]\nfhir_base = "http://127.0.0.1/fhir"', "'name' is missing"),
    ],
    ids=["not-toml", "unknown-key", "no-url", "unknown-payer-type", "no-name"],
)
def test_a_bad_target_file_is_one_line_and_exit_2(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "target.toml"
    path.write_text(text, encoding="utf-8")
    done = certify(path, tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--suite", "discovrey"), "did you mean 'discovery'?"),
        (("--requirement", "RFC6749-CODE-1"), "no requirement begins with 'RFC6749-CODE-1'"),
        (("--waivers", "nowhere.toml"), "nowhere.toml"),
        (("--resume", "nowhere/run.jsonl"), "there is no run to resume"),
    ],
    ids=["suite", "requirement", "waivers", "resume"],
)
def test_a_bad_option_is_told_with_the_nearest_name(option: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with miniatures.serving(miniatures.wrong_content_type) as base:
        done = certify(miniatures.target_file(tmp_path, base), tmp_path / "out", *option)
    assert done.returncode == 2, done.stderr[-1500:]
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def payer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPayer]:
    """The reference payer, for targets that are right but for one thing."""
    with running(tmp_path_factory.mktemp("payer")) as started:
        yield started


def checks_of(done: subprocess.CompletedProcess[str], out: Path) -> dict[str, dict[str, object]]:
    """The checks of a run that was written whole, by id."""
    assert "Traceback" not in done.stderr
    lines = lines_of(out / "run.jsonl")
    assert [line["kind"] for line in lines[:1] + lines[-1:]] == ["header", "footer"]
    return {str(line["check"]): line for line in lines if line["kind"] == "check"}


def test_a_changed_login_page_is_undecided_with_step_and_picture(payer: RunningPayer, tmp_path: Path) -> None:
    """The recipe's user name field is gone: what needs a launch says which step found nothing, the rest is judged."""
    text = payer.target.read_text("utf-8").replace("input[name=username]", "input[name=login-id]")
    (tmp_path / "target.toml").write_text(text, encoding="utf-8")
    wanted = (
        "--requirement",
        "SMART-STANDALONE-22",
        "--requirement",
        "RFC6749-CODE-01",
        "--requirement",
        "SMART-DISCOVERY-01",
    )
    done = certify(tmp_path / "target.toml", tmp_path / "out", *wanted)
    checks = checks_of(done, tmp_path / "out")
    assert done.returncode == 3
    stuck = [one for id, one in checks.items() if not id.startswith("discovery.")]
    assert len(stuck) > 5
    assert {one["verdict"] for one in stuck} == {"INCONCLUSIVE"}
    assert all("step 1 (fill input[name=login-id])" in str(one["message"]) for one in stuck)
    assert any("Sign in" in str(one["message"]) or "User" in str(one["message"]) for one in stuck)
    assert list((tmp_path / "out" / "evidence").glob("*.png")), "a picture of the page it was stuck on"
    assert checks["discovery.smart_configuration.smart_configuration_names_what_an_app_needs"]["verdict"] == "PASS"


@pytest.mark.parametrize("seconds", [86400, -86400], ids=["a-day-ahead", "a-day-behind"])
def test_a_wrong_clock_is_found_where_time_is_told(payer: RunningPayer, tmp_path: Path, seconds: int) -> None:
    """A server whose clock is a day off: its id_tokens tell, assertions made now are not taken, and nothing crashes."""
    clock = f"{payer.control}/clock"
    httpx.post(clock, json={"advance": seconds}, timeout=10, trust_env=False).raise_for_status()
    try:
        wanted = (
            "--requirement",
            "OIDC-IDTOKEN-06",
            "--requirement",
            "SMART2-ASYMMETRIC-03",
            "--requirement",
            "OIDC-AUTHTIME-01",
        )
        done = certify(payer.target, tmp_path / "out", *wanted)
    finally:
        httpx.post(clock, json={"reset": True}, timeout=10, trust_env=False).raise_for_status()
    checks = checks_of(done, tmp_path / "out")
    assert done.returncode == 1
    assert checks["openid.id_token.id_token_is_of_now"]["verdict"] == "FAIL"
    assert "iat must be now" in str(checks["openid.id_token.id_token_is_of_now"]["message"])
    assert checks["openid.id_token.max_age_brings_auth_time"]["verdict"] == "FAIL"
    # The control says that even a correct assertion is refused, so that no refusal counts.
    assertions = [one for id, one in checks.items() if "assertion_of_wrong_lifetime" in id]
    assert assertions
    assert {one["verdict"] for one in assertions} == {"INCONCLUSIVE"}
    assert all("a correct assertion is accepted" in str(one["message"]) for one in assertions)
