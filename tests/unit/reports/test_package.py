"""The evidence package: whole when untouched, refused by name after any change."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patient_access import app
from reports.package import BadPackage, load_key, make_key, verify, without_secrets, write, write_key
from reports.reader import BadRun, load
from tests.unit.reports.runs import HEADER, RESULTS, write_run


@pytest.fixture
def package(tmp_path: Path) -> Path:
    run = write_run(tmp_path / "run")
    (run / "review.toml").write_text("")
    write(load(run), tmp_path / "evidence.zip")
    return tmp_path / "evidence.zip"


def changed(package: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The package with its files changed and zipped again."""
    with zipfile.ZipFile(package) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    spoiled = package.with_name("spoiled.zip")
    with zipfile.ZipFile(spoiled, "w") as new:
        for name, content in files.items():
            new.writestr(name, content)
    return spoiled


def test_a_package_holds_report_run_evidence_catalogue_target_and_versions(package: Path) -> None:
    manifest = verify(package)
    names = [entry["path"] for entry in manifest["files"]]
    assert names == [
        "catalogue.json", "report.html", "target.json", "versions.json", "run/run.jsonl", "run/evidence/main.jsonl", "run/review.toml",
    ]  # fmt: skip
    with zipfile.ZipFile(package) as opened:
        assert opened.read("run/run.jsonl") == (package.parent / "run" / "run.jsonl").read_bytes()


def test_equal_runs_and_keys_make_equal_bytes(tmp_path: Path) -> None:
    run, key = load(write_run(tmp_path / "run")), make_key()
    for name in ("a.zip", "b.zip"):
        write(run, tmp_path / name, key)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files.update({"run/run.jsonl": files["run/run.jsonl"].replace(b'"FAIL"', b'"PASS"')}), "not those that were signed"),
        (lambda files: files.update({"manifest.json": files["manifest.json"].replace(b"reference", b"reverence")}), "signature does not fit"),
        (lambda files: files.update({"extra.txt": b"x"}), "extra.txt: is in the package but not in the manifest"),
        (lambda files: files.pop("report.html"), "report.html: is in the manifest but not in the package"),
        (lambda files: files.pop("manifest.sig"), "holds no manifest.sig"),
        (lambda files: files.update({"manifest.sig": b"!"}), "cannot be read"),
        (lambda files: files.update({"manifest.json": b"[]"}), "cannot be read"),
    ],
)  # fmt: skip
def test_any_change_is_refused_by_name(package: Path, change: Callable[[dict[str, bytes]], None], message: str) -> None:
    with pytest.raises(BadPackage, match=message):
        verify(changed(package, change))


def test_one_byte_of_any_file_is_refused(package: Path) -> None:
    with zipfile.ZipFile(package) as opened:
        names = opened.namelist()
    for name in names:
        for at in (0, -1):

            def spoil(files: dict[str, bytes], name: str = name, at: int = at) -> None:
                data = bytearray(files[name] or b"\0")
                data[at] ^= 1
                files[name] = bytes(data)

            with pytest.raises(BadPackage, match=r"manifest|signature" if name.startswith("manifest") else name):
                verify(changed(package, spoil))


def test_a_resigned_package_is_refused_when_the_signer_is_known(tmp_path: Path) -> None:
    run = load(write_run(tmp_path / "run"))
    public = write_key(tmp_path / "ours.pem")
    assert (tmp_path / "ours.pem").stat().st_mode & 0o077 == 0
    write(run, tmp_path / "ours.zip", load_key(tmp_path / "ours.pem"))
    write(run, tmp_path / "theirs.zip")
    assert verify(tmp_path / "ours.zip", public)["format"] == 1
    with pytest.raises(BadPackage, match="signed with another key"):
        verify(tmp_path / "theirs.zip", public)


def test_a_chain_that_does_not_follow_is_refused(package: Path) -> None:
    def reorder(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        manifest["files"].reverse()
        files["manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(BadPackage, match="signature does not fit"):
        verify(changed(package, reorder))


def test_what_is_no_package_is_one_line_and_exit_1(tmp_path: Path, package: Path) -> None:
    (tmp_path / "x.zip").write_text("no zip")
    done = CliRunner().invoke(app, ["package", "verify", str(tmp_path / "x.zip")])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "is no whole ZIP" in done.stderr
    half = tmp_path / "half.zip"
    half.write_bytes(package.read_bytes()[:2000])
    with pytest.raises(BadPackage):
        verify(half)
    with pytest.raises(BadPackage, match="No such file"):
        verify(tmp_path / "none.zip")


def test_secrets_stay_out_of_the_target() -> None:
    target = {
        "name": "x",
        "client": [{"client_id": "a", "client_secret": "b"}],
        "member": {"password": "c", "totp_seed": "d"},
    }
    assert without_secrets(target) == {"name": "x", "client": [{"client_id": "a"}], "member": {}}


def test_a_symlink_in_the_evidence_folder_is_not_followed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (tmp_path / "outside.txt").write_text("not of this run")
    (run / "evidence" / "link.txt").symlink_to(tmp_path / "outside.txt")
    write(load(run), tmp_path / "evidence.zip")
    assert "run/evidence/link.txt" not in zipfile.ZipFile(tmp_path / "evidence.zip").namelist()


def test_the_commands_make_a_key_and_a_package_and_verify_it(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "run", RESULTS, replace(HEADER, target={**HEADER.target, "client_secret": "hidden-value"})
    )
    invoke = CliRunner().invoke
    assert invoke(app, ["package", "key", "-o", str(tmp_path / "k.pem")]).exit_code == 0
    assert invoke(app, ["package", "key", "-o", str(tmp_path / "k.pem")]).exit_code == 2
    made = invoke(
        app,
        ["report", str(run), "--format", "package", "--key", str(tmp_path / "k.pem"), "-o", str(tmp_path / "e.zip")],
    )
    assert made.exit_code == 0, made.stderr
    done = invoke(app, ["package", "verify", str(tmp_path / "e.zip"), "--public-key", str(tmp_path / "k.pub.pem")])
    assert (done.exit_code, "whole; " in done.stdout) == (0, True)
    assert b"hidden-value" not in zipfile.ZipFile(tmp_path / "e.zip").read("target.json")
    shutil.copy(tmp_path / "k.pub.pem", tmp_path / "wrong.pem")
    with pytest.raises(BadRun, match="cannot be read as an unencrypted PEM"):
        load_key(tmp_path / "wrong.pem")
