"""Run as a process: for each fault of an order on stdin, switch it on, run the suites, switch it off. See payer.py."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import httpx
import pytest

import suites
from suites.kit import traceability

SUITES = Path(suites.__file__).parent


def places(requirements: list[str]) -> list[str]:
    """The modules that hold checks of some requirements, so that nothing else is collected."""
    if requirements == ["*"]:
        return [str(SUITES)]
    deciding = traceability.checks()
    modules = {tuple(check.split(".")[:2]) for one in requirements for check in deciding.get(one, ())}
    return [str(SUITES / chapter / f"test_{module}.py") for chapter, module in sorted(modules)]


def main() -> int:
    """Judge each mutant in turn; exit 0 when every run was written."""
    order = json.load(sys.stdin)
    control = httpx.Client(base_url=order["control"], timeout=20, trust_env=False)
    for fault, requirements in order["wanted"]:
        control.post("/reset").raise_for_status()
        control.put("/faults", json={"active": [fault] if fault else []}).raise_for_status()
        out = Path(order["out"]) / (fault or "reference")
        words = ["-c", str(SUITES / "pytest.ini"), "--rootdir", str(SUITES), "-q", "--no-header", "--tb=no"]
        words += ["--target", order["target"], "--run-dir", str(out), *order["options"]]
        for one in requirements:
            if one != "*":
                words += ["--requirement", one]
        status = int(pytest.main([*words, *places(requirements)]))
        if status not in (0, 1, 3):
            print(f"{fault}: pytest ended with {status}", file=sys.stderr)
            return 1
    control.put("/faults", json={"active": []}).raise_for_status()
    return 0


if __name__ == "__main__":
    sys.exit(main())
