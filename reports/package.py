"""The evidence package: everything a verdict stands on in one ZIP, with a hash chain and a signed manifest.

    report.html, report-evidence/…    the report, as rendered when the package was made
    run/run.jsonl, run/evidence/…     the run and its evidence, byte for byte, and the run's other files
    catalogue.json target.json versions.json
    manifest.json                     every file with size, SHA-256 and link of the chain
    manifest.sig                      Ed25519 signature of manifest.json's bytes, base64

Each link is the SHA-256 of the link before it, the file's name and the file's digest, so that neither a byte, a name nor an order
can change without the last link changing. A key made for one package proves that it is whole; one's own key proves who made it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from reports.html import report
from reports.reader import BadRun, Run, read

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP can hold; equal input, equal bytes
SECRET = re.compile(r"secret|password|private|passphrase|totp|token$|seed$", re.IGNORECASE)
PIECE = 1 << 20
LARGEST_MANIFEST = 64 << 20


class BadPackage(ValueError):
    """A package that is not whole or not signed as expected; the message says what differs."""


@dataclass(frozen=True)
class Entry:
    """A file of the package and its link in the chain."""

    path: str
    bytes: int
    sha256: str
    chain: str


def link(before: str, path: str, sha256: str) -> str:
    """The next link of the chain."""
    return hashlib.sha256(f"{before}\n{path}\n{sha256}".encode()).hexdigest()


def make_key() -> Ed25519PrivateKey:
    """A new signing key."""
    return Ed25519PrivateKey.generate()


def load_key(path: Path) -> Ed25519PrivateKey:
    """A signing key from a PEM file."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadRun(f"{path}: cannot be read as an unencrypted PEM private key: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadRun(f"{path}: is no Ed25519 key; `patient-access package key -o FILE` makes one")
    return key


def write_key(path: Path) -> Path:
    """Write a new signing key for its owner alone, and its public half beside it."""
    if path.exists():
        raise BadRun(f"{path}: is there already; a key is not overwritten")
    key = make_key()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = path.with_suffix(".pub.pem")
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def without_secrets(value: Any) -> Any:
    """A target without anything whose name speaks of a secret."""
    if isinstance(value, Mapping):
        return {name: without_secrets(part) for name, part in value.items() if not SECRET.search(str(name))}
    return [without_secrets(part) for part in value] if isinstance(value, list | tuple) else value


def write(run: Run, target: Path, key: Ed25519PrivateKey | None = None) -> None:
    """Write the package of a run."""
    key = key or make_key()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with tempfile.TemporaryDirectory(prefix="patient-access-") as folder:
        made = Path(folder)
        report.write(run, made / "report.html")
        for name, value in (
            ("catalogue.json", [asdict(requirement) for requirement in run.header.requirements]),
            ("target.json", without_secrets(run.header.target)),
            ("versions.json", {"versions": run.header.versions, "seed": run.header.seed, "proof": run.header.proof}),
        ):
            (made / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as package:
                entries = list(_add(package, _files(run, made)))
                public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
                manifest = {
                    "format": FORMAT,
                    "target": str(run.header.target.get("name", "")),
                    "started": run.header.started,
                    "finished": run.footer.finished,
                    "files": [asdict(entry) for entry in entries],
                    "head": entries[-1].chain,
                    "public_key": base64.b64encode(public).decode(),
                }
                told = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
                _put(package, MANIFEST, told)
                _put(package, SIGNATURE, base64.b64encode(key.sign(told)) + b"\n")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _files(run: Run, made: Path) -> Iterator[tuple[str, Path]]:
    """Names in the package and the files behind them: what was made, then what the run's own folder holds of a run."""
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        yield path.relative_to(made).as_posix(), path
    yield "run/run.jsonl", run.folder / "run.jsonl"
    named = [
        run.folder / name for name in ("summary.json", "review.toml", "load.json", "certificate.json", "proof.json")
    ]
    inside = [path for name in ("evidence", "metrics", "load") for path in (run.folder / name).rglob("*")]
    for path in sorted(path for path in (*named, *inside) if path.is_file() and not path.is_symlink()):
        yield f"run/{path.relative_to(run.folder).as_posix()}", path


def _add(package: zipfile.ZipFile, files: Iterator[tuple[str, Path]]) -> Iterator[Entry]:
    chain = ""
    for name, path in files:
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as source, package.open(_info(name), "w", force_zip64=True) as sink:
            while piece := source.read(PIECE):
                digest.update(piece)
                size += len(piece)
                sink.write(piece)
        chain = link(chain, name, digest.hexdigest())
        yield Entry(name, size, digest.hexdigest(), chain)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _put(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    package.writestr(_info(name), content)


def verify(path: Path, public_key: Path | None = None) -> dict[str, Any]:
    """Check signature, chain, digests and the run inside; BadPackage says what differs, the manifest comes back otherwise."""
    try:
        with zipfile.ZipFile(path) as package:
            manifest, told = _signed_manifest(package, path, public_key)
            _check_files(package, manifest)
            _check_run(package)
    except BadPackage:
        raise
    except OSError as error:
        raise BadPackage(f"{path}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        # A damaged container fails in whichever way its damaged part does.
        raise BadPackage(f"{path}: is no whole ZIP: {error}") from None
    return {**manifest, "signed_bytes": len(told)}


def _signed_manifest(package: zipfile.ZipFile, path: Path, public_key: Path | None) -> tuple[dict[str, Any], bytes]:
    names = package.namelist()
    if len(names) != len(set(names)):
        raise BadPackage(f"{path}: holds two files of one name")
    for needed in (MANIFEST, SIGNATURE):
        if needed not in names:
            raise BadPackage(f"{path}: holds no {needed}; it is not an evidence package")
        if package.getinfo(needed).file_size > LARGEST_MANIFEST:
            raise BadPackage(f"{path}: its {needed} is larger than any we write")
    told = package.read(MANIFEST)
    try:
        manifest = json.loads(told)
        if manifest["format"] != FORMAT:
            raise BadPackage(f"{path}: format {manifest['format']!r}, but this version reads format {FORMAT}")
        inside = base64.b64decode(manifest["public_key"], validate=True)
        signed = package.read(SIGNATURE)
        signature = base64.b64decode(signed.strip(), validate=True)
        if signed != base64.b64encode(signature) + b"\n":
            raise BadPackage(f"{path}: {SIGNATURE} was changed")
        key = Ed25519PublicKey.from_public_bytes(inside)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, BadPackage):
            raise
        raise BadPackage(f"{path}: its manifest or signature cannot be read: {error!r}") from None
    if public_key is not None and _public_bytes(public_key) != inside:
        raise BadPackage(f"{path}: is signed with another key than {public_key}")
    try:
        key.verify(signature, told)
    except InvalidSignature:
        raise BadPackage(f"{path}: the signature does not fit the manifest; one of them was changed") from None
    return manifest, told


def _public_bytes(path: Path) -> bytes:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise BadPackage(f"{path}: cannot be read as a PEM public key: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadPackage(f"{path}: is no Ed25519 public key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _check_files(package: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    chain = ""
    listed = set()
    try:
        entries = [Entry(**entry) for entry in manifest["files"]]
    except (KeyError, TypeError) as error:
        raise BadPackage(f"the manifest's files cannot be read: {error!r}") from None
    for entry in entries:
        name = PurePosixPath(entry.path)
        if name.is_absolute() or ".." in name.parts:
            raise BadPackage(f"{entry.path}: leads out of the package")
        listed.add(entry.path)
        if entry.path not in package.namelist():
            raise BadPackage(f"{entry.path}: is in the manifest but not in the package")
        digest, size = hashlib.sha256(), 0
        with package.open(entry.path) as file:
            while (piece := file.read(PIECE)) and size <= entry.bytes:
                digest.update(piece)
                size += len(piece)
        if size != entry.bytes or digest.hexdigest() != entry.sha256:
            raise BadPackage(f"{entry.path}: its bytes are not those that were signed")
        chain = link(chain, entry.path, entry.sha256)
        if chain != entry.chain:
            raise BadPackage(f"{entry.path}: its link of the chain does not follow from the one before")
    if chain != manifest.get("head"):
        raise BadPackage("the last link of the chain is not the manifest's")
    if strangers := sorted(set(package.namelist()) - listed - {MANIFEST, SIGNATURE}):
        raise BadPackage(f"{strangers[0]}: is in the package but not in the manifest")


def _check_run(package: zipfile.ZipFile) -> None:
    with tempfile.TemporaryDirectory(prefix="patient-access-") as folder:
        if "run/run.jsonl" not in package.namelist():
            raise BadPackage("run/run.jsonl: is not in the package")
        copy = Path(package.extract("run/run.jsonl", folder))
        try:
            for _ in read(copy):
                pass
        except BadRun as error:
            raise BadPackage(str(error).replace(f"{folder}/", "")) from None
