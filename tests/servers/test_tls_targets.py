"""Targets over TLS: the payer behind a proxy that terminates it, with an authority of the owner's, and every bad certificate and version."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_through_a_proxy import free_port
from tests.mutants.payer import COMMAND, running
from tests.tls_ends import HERE, Authority, authority, self_signed, speaking, tls_end

SECURE = {"Strict-Transport-Security": "max-age=31536000"}
CURRENT, OLD = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1


@dataclass(frozen=True)
class Behind:
    """A payer that calls itself by the address of a good TLS end before it."""

    folder: Path
    authority: Authority
    port: int
    target: str
    address: str

    def certify(
        self, place: Path, address: str, *options: str, trusted: bool = True
    ) -> tuple[int, list[dict[str, Any]], str]:
        """Judge the payer at one of its ends: exit code, checks, what was said."""
        text = self.target.replace(self.address, address)
        if trusted:
            text += f'\n[network]\nca_file = "{self.authority.file}"\n'
        (place / "target.toml").write_text(text, encoding="utf-8")
        words = [COMMAND, "certify", "server", "--target", str(place / "target.toml"), "--jobs", "1"]
        done = subprocess.run(
            [*words, "--out", str(place / "run"), *options], capture_output=True, text=True, timeout=300, check=False
        )
        assert "Traceback" not in done.stderr
        lines = [json.loads(line) for line in (place / "run" / "run.jsonl").read_text("utf-8").splitlines()]
        assert (lines[0]["kind"], lines[-1]["kind"]) == ("header", "footer")
        return done.returncode, [line for line in lines if line["kind"] == "check"], done.stderr


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("tls")
    issuer, port, front = authority(folder), free_port(), free_port()
    good = speaking(issuer.issue(folder, "good"), CURRENT)
    with (
        tls_end(front, good, (HERE, port), SECURE) as address,
        running(folder, "--port", str(port), "--public-url", address) as payer,
    ):
        yield Behind(folder, issuer, port, payer.target.read_text("utf-8"), address)


def verdicts(checks: list[dict[str, Any]], name: str) -> list[tuple[str, str]]:
    """Verdict and message of the checks whose id holds a name."""
    return [(one["verdict"], one["message"]) for one in checks if name in one["check"]]


def test_a_payer_behind_tls_is_judged_whole_with_the_owners_authority(behind: Behind, tmp_path: Path) -> None:
    suites = [word for name in ("transport", "discovery", "launch", "revocation") for word in ("--suite", name)]
    code, checks, said = behind.certify(tmp_path, behind.address, *suites)
    red = [(one["check"], one["message"]) for one in checks if one["verdict"] in ("FAIL", "INCONCLUSIVE")]
    assert (code, red) == (0, []), said[-1500:]
    tls = [one["verdict"] for one in checks if one["check"].startswith("transport.tls")]
    assert tls.count("PASS") >= 7
    assert len(checks) > 80


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "certificate has expired"),
        ("self-signed", "self-signed certificate"),
        ("other-host", "IP address mismatch"),
        ("unknown-authority", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_certificate_is_a_finding_and_the_rest_is_undecided(
    behind: Behind, tmp_path: Path, kind: str, reason: str
) -> None:
    made = {
        "expired": lambda: behind.authority.issue(tmp_path, "expired", days=(-30, -1)),
        "self-signed": lambda: self_signed(tmp_path),
        "other-host": lambda: behind.authority.issue(tmp_path, "other-host", host="192.0.2.7"),
        "unknown-authority": lambda: behind.authority.issue(tmp_path, "unknown-authority"),
    }[kind]()
    with tls_end(0, speaking(made, CURRENT), (HERE, behind.port), SECURE) as address:
        code, checks, said = behind.certify(
            tmp_path, address, "--suite", "transport", "--suite", "discovery", trusted=kind != "unknown-authority"
        )
    assert code == 1
    assert reason in said.splitlines()[0]
    ((verdict, message),) = verdicts(checks, "certificate_is_good")
    assert verdict == "FAIL"
    assert reason in message
    discovery = [one for one in checks if one["chapter"] == "discovery"]
    assert discovery
    assert {one["verdict"] for one in discovery} == {"INCONCLUSIVE"}
    assert all(reason in one["message"] for one in discovery)


def test_a_certificate_about_to_expire_is_told(behind: Behind, tmp_path: Path) -> None:
    made = behind.authority.issue(tmp_path, "soon", days=(-80, 3))
    with tls_end(0, speaking(made, CURRENT), (HERE, behind.port), SECURE) as address:
        _, checks, _ = behind.certify(tmp_path, address, "--suite", "transport")
    ((verdict, message),) = verdicts(checks, "certificate_is_good")
    assert (verdict, "within two weeks" in message) == ("FAIL", True)


def test_tls_1_0_and_1_1_are_findings(behind: Behind, tmp_path: Path) -> None:
    made = behind.authority.issue(tmp_path, "old-versions")
    with tls_end(0, speaking(made, OLD), (HERE, behind.port), SECURE) as address:
        code, checks, _ = behind.certify(tmp_path, address, "--suite", "transport")
    assert code == 1
    assert [verdict for verdict, _ in verdicts(checks, "old_version_is_refused")] == ["FAIL", "FAIL"]
    assert [verdict for verdict, _ in verdicts(checks, "current_version_is_accepted")] == ["PASS", "PASS"]


def test_a_server_of_old_versions_only_fails(behind: Behind, tmp_path: Path) -> None:
    made = behind.authority.issue(tmp_path, "old-only")
    with tls_end(0, speaking(made, OLD, ssl.TLSVersion.TLSv1_1), (HERE, behind.port), SECURE) as address:
        words = [COMMAND, "certify", "server", "--target", str(tmp_path / "target.toml"), "--jobs", "1"]
        (tmp_path / "target.toml").write_text(
            behind.target.replace(behind.address, address) + f'\n[network]\nca_file = "{behind.authority.file}"\n',
            "utf-8",
        )
        done = subprocess.run(
            [*words, "--out", str(tmp_path / "run")], capture_output=True, text=True, timeout=120, check=False
        )
    # No version in common: to a client that keeps to TLS 1.2 such a server is not there.
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert "TLS" in done.stderr or "SSL" in done.stderr


def test_one_current_version_is_enough(behind: Behind, tmp_path: Path) -> None:
    made = behind.authority.issue(tmp_path, "newest-only")
    newest = ssl.TLSVersion.TLSv1_3
    with tls_end(0, speaking(made, newest), (HERE, behind.port), SECURE) as address:
        code, checks, said = behind.certify(tmp_path, address, "--suite", "transport", "--requirement", "USCORE-SEC-01")
    assert code == 0, said[-800:]
    assert [verdict for verdict, _ in verdicts(checks, "current_version_is_accepted")] == ["NOT_APPLICABLE", "PASS"]


def test_https_without_strict_transport_security_is_a_finding(behind: Behind, tmp_path: Path) -> None:
    made = behind.authority.issue(tmp_path, "without-hsts")
    with tls_end(0, speaking(made, CURRENT), (HERE, behind.port), {}) as address:
        code, checks, _ = behind.certify(tmp_path, address, "--suite", "transport", "--requirement", "CONNEX-V.B.2")
    assert code == 1
    ((verdict, _),) = verdicts(checks, "strict_transport_security")
    assert verdict == "FAIL"
