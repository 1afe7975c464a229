"""What all tests share: one folder of datasets a run, and long modules first, so that the workers end together."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests.made import FOLDER

HERE = Path(__file__).parent
# Modules that judge servers, drive browsers or ask thousands of questions, longest first; a module stays on one worker (--dist loadfile).
LONGEST = (
    "servers/test_deployments.py",
    "servers/test_faulty_servers.py",
    "mutants/test_prove.py",
    "mutants/test_authorization_faults.py",
    "contract/test_bad_targets.py",
    "unit/payer/fhir/test_capability_is_true.py",
    "unit/payer/fhir/test_faults_are_seen.py",
    "contract/test_demonstration.py",
    "contract/test_through_a_proxy.py",
    "unit/payer/portals/test_developers_and_administrators.py",
    "unit/payer/portals/test_member_journeys.py",
    "contract/test_login_recipes.py",
    "unit/payer/authorization/test_every_endpoint_under_attack.py",
    "mutants/test_first_light.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """The folder is made before workers are started, who find its name in their environment, and goes with the run."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background jobs ignore interrupts, and so would every child that a test interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    missing = [one for one in LONGEST if not (HERE / one).exists()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: LONGEST names {', '.join(missing)}, which is not there")
    if FOLDER not in os.environ:
        folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="patient-access-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first; the order of the others, and within modules, stays."""
    rank = {HERE / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))
