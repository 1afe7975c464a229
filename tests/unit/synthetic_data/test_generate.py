"""`patient-access generate` and the dataset folder: impossible wishes are refused in a sentence, nothing is left half made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from patient_access import app
from synthetic_data import build as building
from synthetic_data.dataset import DatasetError, DatasetWriter, open_dataset, read_resources, resource_types

RUNNER = CliRunner()


def generate(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["generate", *arguments])
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--family", "currant"), "did you mean current?"),
        (("--guide", "us-core@9.9.9"), "us-core is made in versions 3.1.1, 6.1.0"),
        (("--guide", "us-cor@3.1.1"), "did you mean us-core?"),
        (("--shard", "3/2"), "I goes from 1 to N"),
        (("--shard", "two"), "--shard is written I/N"),
        (("--shard", "1/9"), "3 members cannot be cut into 9 parts"),
        (("--as-of", "yesterday"), "--as-of is an instant"),
        (("--as-of", "2026-07-01T00:00:00"), "give the offset too"),
        (("--as-of", "1999-07-01T00:00:00-07:00"), "2020 to 2060"),
    ],
)
def test_an_impossible_wish_is_refused_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, stderr = generate("--members", "3", "--seed", "1", "--out", str(tmp_path / "data"), *arguments)
    assert code == 2
    assert said in stderr
    assert not (tmp_path / "data").exists()


def test_no_members_are_refused(tmp_path: Path) -> None:
    assert generate("--members", "0", "--seed", "1", "--out", str(tmp_path / "data"))[0] == 2


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    code, stderr = generate("--members", "3", "--seed", "1", "--out", str(tmp_path / "photos"))
    assert code == 2
    assert "not a dataset" in stderr
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"meow"


def test_a_dataset_of_another_format_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "manifest.json").write_bytes(orjson.dumps({"format": 99}))
    code, stderr = generate("--members", "3", "--seed", "1", "--out", str(tmp_path / "old"))
    assert code == 2
    assert "format 99" in stderr
    with pytest.raises(DatasetError, match="format 99"):
        open_dataset(tmp_path / "old")


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    code, stderr = generate("--members", "3", "--seed", "1", "--out", str(tmp_path / "data"))
    assert code == 2
    assert "is a file" in stderr


def test_a_dataset_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "data"
    assert generate("--members", "5", "--seed", "1", "--out", str(out))[0] == 0
    (out / "Leftover.ndjson").write_text("{}\n")
    assert generate("--members", "3", "--seed", "2", "--out", str(out), "--family", "legacy")[0] == 0
    assert "Leftover" not in resource_types(out)
    manifest = open_dataset(out)
    assert (manifest["seed"], manifest["family"], len(manifest["members"])) == (2, "legacy", 3)
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_full_disk_leaves_the_old_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "data"
    assert generate("--members", "3", "--seed", "1", "--out", str(out))[0] == 0
    before = (out / "manifest.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DatasetWriter, "append", full)
    code, stderr = generate("--members", "3", "--seed", "2", "--out", str(out))
    assert code == 2
    assert "No space left on device; nothing was left behind" in stderr
    assert (out / "manifest.json").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_move_that_fails_puts_the_old_dataset_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "data"
    assert generate("--members", "3", "--seed", "1", "--out", str(out))[0] == 0
    before = (out / "manifest.json").read_bytes()
    moved = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if ".partial-" in self.name:
            raise OSError(13, "Permission denied")
        return moved(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    assert generate("--members", "3", "--seed", "2", "--out", str(out))[0] == 2
    assert (out / "manifest.json").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_one_guide_can_be_exchanged(tmp_path: Path) -> None:
    out = tmp_path / "data"
    assert generate("--members", "3", "--seed", "1", "--out", str(out), "--guide", "carin-bb@1.1.0")[0] == 0
    assert open_dataset(out)["guides"]["carin_bb"] == "1.1.0"
    patient = next(read_resources(out, "Patient"))
    assert any(profile.endswith("C4BB-Patient|1.1.0") for profile in patient["meta"]["profile"])


def test_memory_does_not_grow_with_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks are made, written and let go one by one."""
    held = []
    made = building.members_chunk

    def counting(*arguments: object) -> object:
        held.append(arguments[1:])
        return made(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "members_chunk", counting)
    monkeypatch.setattr(building, "CHUNK", 2)
    assert generate("--members", "7", "--seed", "1", "--out", str(tmp_path / "data"))[0] == 0
    assert held == [(1, 2), (3, 4), (5, 6), (7, 7)]


def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """No file may grow beyond 64 KiB: writing fails in the middle, as it does on a full disk, and so does closing."""
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    call = f"sys.argv = ['', 'generate', '--members', '2', '--seed', '7', '--out', {str(tmp_path / 'data')!r}]; "
    program = limited + ignore + call + "from patient_access import main; main()"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said.returncode == 2, said.stderr
    assert "could not be written: File too large; nothing was left behind" in said.stderr
    assert "Traceback" not in said.stderr
    assert not list(tmp_path.iterdir())
