"""`target init URL`: the draft is a target file but for what only the owner knows."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from suites.kit.target import load
from tests import miniatures

COMMAND = str(Path(sys.executable).with_name("patient-access"))


def smart_server(handler: BaseHTTPRequestHandler) -> None:
    """Discovery documents of a SMART 2 server with US Core and CARIN."""
    base = f"http://{handler.headers['Host']}"
    if handler.path.endswith("/.well-known/smart-configuration"):
        document: dict[str, object] = {
            "authorization_endpoint": f"{base}/a",
            "token_endpoint": f"{base}/t",
            "grant_types_supported": ["authorization_code"],
            "scopes_supported": ["openid", "launch/patient", "patient/*.rs"],
            "capabilities": ["launch-standalone", "client-public", "client-confidential-symmetric"],
        }
    elif handler.path.endswith("/metadata"):
        profiles = ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0"]
        document = {
            "resourceType": "CapabilityStatement",
            "implementation": {"description": 'A "quoted" payer'},
            "implementationGuide": ["http://hl7.org/fhir/us/carin-bb/ImplementationGuide/hl7.fhir.us.carin-bb|2.0.0"],
            "rest": [{"mode": "server", "resource": [{"type": "Patient", "supportedProfile": profiles}]}],
        }
    else:
        miniatures.send(handler, b"{}", status=404)
        return
    miniatures.send(handler, json.dumps(document).encode())


def init(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "target", "init", *words], capture_output=True, text=True, timeout=60, check=False)


def test_a_draft_reads_as_a_target_file(tmp_path: Path) -> None:
    with miniatures.serving(smart_server) as base:
        done = init(f"{base}/fhir/metadata", "-o", str(tmp_path / "target.toml"))
        assert done.returncode == 0, done.stderr
        again = init(f"{base}/fhir", "-o", str(tmp_path / "target.toml"))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    secrets = {"CLIENT_SECRET": "s", "FIRST_PASSWORD": "p", "SECOND_PASSWORD": "q"}
    target = load(tmp_path / "target.toml", secrets)
    assert target.name == 'A "quoted" payer'
    assert target.server.fhir_base == f"{base}/fhir"
    assert target.server.guides == ("carin-bb@2.0.0", "us-core@6.1.0")
    assert target.server.smart == "2.0.0"
    assert [client.type for client in target.client] == ["public", "confidential-symmetric"]
    assert target.client[0].scopes == "launch/patient openid patient/*.rs"
    assert target.member[0].password == "p"
    assert "FILL IN" in (tmp_path / "target.toml").read_text("utf-8")


def test_what_is_no_fhir_server_is_told_in_one_line(tmp_path: Path) -> None:
    with miniatures.serving(miniatures.html_with_200) as base:
        done = init(f"{base}/fhir")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is it the FHIR base?" in done.stderr
    with miniatures.refusing() as base:
        gone = init(f"{base}/fhir")
    assert gone.returncode == 3
    assert len(gone.stderr.strip().splitlines()) == 1
    assert init("payer.example/fhir").returncode == 2
