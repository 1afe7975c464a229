"""Access tokens of members without judging anything: for load, demonstrations and a developer's own curl line.

Members sign in as in a run (login recipe, first registration of the target file). The tokens go to a file only its owner can read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from suites.kit.app import App
from suites.kit.outcomes import BadTarget, control
from suites.kit.target import Target
from suites.kit.workbench import open_workbench
from suites.protocol import urls


def sign_in(target: Target, members: int, visible: bool = False) -> list[dict[str, Any]]:
    """`{member, patient, access_token, scope, expires_in}` of the first members; Inconclusive where one cannot sign in."""
    if not target.client or not target.member:
        raise BadTarget(f"{target.name}: signing in needs a [[client]] and a [[member]]")
    bench = open_workbench(target, None, 0, 1, 7, visible)
    try:
        answer = bench.http.get(urls.smart_configuration(target.server.fhir_base))
        control(answer.status == 200, "the SMART configuration is served", answer.status)
        app = App(target, target.client[0], bench.http, bench.browser, bench.forms, answer.object(), bench.rng)
        tokens = []
        for member in target.member[:members]:
            grant = app.fresh_grant(member)
            tokens.append(
                {
                    "member": member.label,
                    "patient": grant.patient,
                    "access_token": grant.access_token,
                    "scope": grant.scope,
                    "expires_in": grant.body.get("expires_in"),
                }
            )
        return tokens
    finally:
        bench.close()


def write(tokens: list[dict[str, Any]], path: Path) -> None:
    """Write the file whole, readable by its owner only."""
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(tokens, file, indent=1)
    part.replace(path)
