"""A FHIR server this project did not write, loaded with our directory over HTTP and judged: its findings are those reviewed by hand.

fhirsnake comes from PyPI into a virtual environment of its own, so the test needs an index to install from and is skipped without one.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

COMMAND = str(Path(sys.executable).with_name("patient-access"))
EXPECTED = Path(__file__).parents[1] / "expected" / "fhirsnake.toml"
SERVER = "fhirsnake==1.1.0"
TYPES = (
    "Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService", "OrganizationAffiliation", "InsurancePlan", "Endpoint",
)  # fmt: skip
TARGET = """
name = "fhirsnake"
[server]
fhir_base = "{base}"
directory_base = "{base}"
payer_type = "medicaid-managed-care"
rating_period_start = 2026-07-01
guides = ["us-core@3.1.1", "plan-net@1.1.0"]
smart = "2.0.0"
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the foreign server."""
    folder = tmp_path_factory.mktemp("foreign")
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, timeout=120, check=False)
    found = folder / "bin" / "python"
    installed = subprocess.run(
        [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SERVER],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if made.returncode or installed.returncode:
        pytest.skip(f"{SERVER} cannot be installed here: {installed.stderr.strip()[-200:]}")
    return found


@pytest.fixture(scope="module")
def base(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running server, empty."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "resources").mkdir()
    program = next(python.parents[1].glob("lib/*/site-packages/fhirsnake"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [str(python), "-m", "uvicorn", "main:app", "--app-dir", str(program), "--port", str(port)]
    child = subprocess.Popen(
        [*words, "--log-level", "error"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(address, timeout=2, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        child.terminate()
        child.wait(timeout=20)


def test_findings_are_those_reviewed(base: str, tmp_path: Path) -> None:
    words = [
        COMMAND,
        "generate",
        "--members",
        "2",
        "--seed",
        "7",
        "--out",
        str(tmp_path / "data"),
        "--family",
        "current",
    ]
    assert subprocess.run(words, capture_output=True, timeout=120, check=False).returncode == 0
    with httpx.Client(base_url=base, trust_env=False, timeout=10) as client:
        for type in TYPES:
            for line in (tmp_path / "data" / f"{type}.ndjson").read_text("utf-8").splitlines():
                if type == "InsurancePlan" and "/plannet-" not in line:
                    continue  # the formulary's plans are no part of a directory
                client.put(f"/{type}/{json.loads(line)['id']}", content=line).raise_for_status()
    target = tmp_path / "target.toml"
    target.write_text(TARGET.format(base=base), encoding="utf-8")
    words = [
        COMMAND,
        "certify",
        "server",
        "--target",
        str(target),
        "--suite",
        "plan_net",
        "--out",
        str(tmp_path / "run"),
        "--jobs",
        "1",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 1, done.stderr[-2000:]

    lines = [json.loads(line) for line in (tmp_path / "run" / "run.jsonl").read_text("utf-8").splitlines()]
    checks = [line for line in lines if line["kind"] == "check"]
    expected = tomllib.loads(EXPECTED.read_text("utf-8"))
    failed = {one["check"].partition("[")[0] for one in checks if one["verdict"] == "FAIL"}
    undecided = {one["check"].partition("[")[0] for one in checks if one["verdict"] == "INCONCLUSIVE"}
    assert failed == {one["check"] for one in expected["finding"]}
    assert undecided == {one["check"] for one in expected["undecided"]}
    assert not [one["message"] for one in checks if "the check itself failed" in one["message"]]
    assert sum(one["verdict"] == "PASS" for one in checks) > 30
