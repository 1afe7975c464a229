"""Guides that do not ship with us: packages a user gives, and those in the FHIR package cache (`~/.fhir/packages`).

They are compiled once and kept under the user's cache folder, named by the hash of the package and by the version of the
table format; where that folder cannot be written, they are kept for this process only.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from suites.profiles.compile import FORMAT, Compiled, compile_package
from suites.profiles.compiler.packages import BadPackage, Package, read_package, read_package_folder, sha256_of
from suites.profiles.guide_tables import GuideTables
from suites.profiles.guides import GuideName


def cache_folder() -> Path:
    """Where compiled tables are kept: `PATIENT_ACCESS_CACHE`, else the user's cache folder."""
    stated = os.environ.get("PATIENT_ACCESS_CACHE")
    if stated:
        return Path(stated)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "patient-access" / "tables"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patient-access" / "tables"


def compiled(packages: Sequence[Path]) -> list[Path]:
    """Folders of tables of the packages, in the order given; one that another depends on is compiled before it."""
    folders: dict[Path, Path] = {}
    waiting: dict[Path, Package] = {}
    for path in packages:
        kept = _kept(_sha256(path))
        if kept is None:
            waiting[path] = read_package(path)
        else:
            folders[path] = kept
    while waiting:
        names = {GuideName(p.name, p.version) for p in waiting.values()}
        ready = [
            path
            for path, package in waiting.items()
            if not any(
                GuideName(n, v) in names - {GuideName(package.name, package.version)}
                for n, v in package.dependencies.items()
            )
        ]
        for path in ready or list(waiting):
            others = [GuideTables(folder) for folder in folders.values()]
            folders[path] = _keep(compile_package(waiting.pop(path), others))
    return [folders[path] for path in packages]


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as failed:
        raise BadPackage(f"{path}: {failed.strerror or failed}") from None


_underway: set[GuideName] = set()


@lru_cache(maxsize=64)
def from_package_cache(name: GuideName, folder: Path) -> Path | None:
    """The folder of tables of a package that lies unpacked in `folder`; None where it is not readable."""
    if name in _underway:
        return None
    seen = hashlib.sha256(
        "\n".join(f"{p.name} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in sorted(folder.glob("*.json"))).encode()
    ).hexdigest()
    kept = _kept(seen)
    if kept is not None:
        return kept
    _underway.add(name)
    try:
        made = compile_package(read_package_folder(folder))
    except BadPackage as wrong:
        print(f"patient-access: {wrong}; left out", file=sys.stderr)
        return None
    finally:
        _underway.discard(name)
    return _keep(made, seen)


def _place(parent: Path, sha256: str) -> Path:
    return parent / f"{sha256[:32]}-{FORMAT}"


def _kept(sha256: str) -> Path | None:
    parent = _place(cache_folder(), sha256)
    try:
        return next((folder for folder in parent.iterdir() if (folder / "guide.json").is_file()), None)
    except OSError:
        return None


def _keep(made: Compiled, key: str | None = None) -> Path:
    place = key or made.sha256
    try:
        return made.write(_place(cache_folder(), place))
    except OSError:
        return made.write(_place(_for_this_process(), place))


@lru_cache(maxsize=1)
def _for_this_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="patient-access-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
