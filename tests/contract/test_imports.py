"""The import contracts of the rooms bite: a deliberate wrong import is reported."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("synthetic_data", "simulators", "suites", "reports", "load")

WRONG = {
    "suites read the server's code": ("suites/kit/wrong.py", "import simulators.payer.rules\n"),
    "the server reads the answers": ("simulators/payer/wrong.py", "import suites.protocol\n"),
    "members know the payer": ("synthetic_data/wrong.py", "import simulators.payer.clock\n"),
    "reports know the judges": ("reports/wrong.py", "import suites.kit\n"),
    "an app shares code with the payer": ("simulators/apps/wrong.py", "import simulators.payer.clock\n"),
    "load knows the payer": ("load/wrong.py", "import simulators.payer.clock\n"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for room in ROOMS:
        shutil.copytree(
            ROOT / room,
            folder / room,
            ignore=lambda d, names: [n for n in names if not (Path(d, n).is_dir() or n.endswith(".py"))],
        )
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # The copy must be what is linted, so it stands first on the path.
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(tool), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_the_tree_keeps_its_contracts(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize(("place", "text"), WRONG.values(), ids=WRONG)
def test_a_wrong_import_is_reported(copy: Path, place: str, text: str) -> None:
    wrong = copy / place
    wrong.write_text(text)
    try:
        done = lint(copy)
    finally:
        wrong.unlink()
    assert done.returncode != 0
    assert place.removesuffix(".py").replace("/", ".") in done.stdout
