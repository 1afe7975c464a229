"""A PostgreSQL server of the tests' own: a fresh cluster on a free loopback port, gone with the session.

Debian's package (or any with initdb and postgres on PATH) serves; where there is none the tests that need it are skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoPostgresql(Exception):
    """No PostgreSQL can be run here; the message says why."""


def program(name: str) -> str:
    """Where a program of PostgreSQL is."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        raise NoPostgresql(f"{name} is not installed (Debian: apt-get install postgresql)")
    return found


def unprivileged() -> str | None:
    """Whom to run the server as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise NoPostgresql("the tests run as root and there is no other user to run PostgreSQL as")


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server with an empty database."""
    initdb, postgres = program("initdb"), program("postgres")
    user = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="payer-postgresql-"))
    process = None
    try:
        if user is not None:
            shutil.chown(folder, user)
        made = subprocess.run(
            [initdb, "-D", str(folder / "data"), "-U", "payer", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            user=user, capture_output=True, text=True, cwd=folder,
        )  # fmt: skip
        if made.returncode:
            raise NoPostgresql(f"initdb failed: {made.stderr.strip()[-300:]}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 50,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [postgres, "-D", str(folder / "data"), *options], user=user, stdout=log, stderr=log, cwd=folder
            )
        await_port(port, process, folder / "log")
        yield f"postgresql://payer@127.0.0.1:{port}/postgres"
    finally:
        if process is not None:
            process.terminate()
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server takes connections and queries."""
    import psycopg

    for _ in range(200):
        if process.poll() is not None:
            raise NoPostgresql(f"postgres ended: {log.read_text('utf-8', 'replace')[-300:]}")
        try:
            psycopg.connect(f"postgresql://payer@127.0.0.1:{port}/postgres", connect_timeout=1).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise NoPostgresql("postgres did not begin to answer within 20 seconds")
