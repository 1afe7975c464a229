"""A payer as running processes: everything opened, the sockets bound, workers started and stopped.

Every way to start badly ends in `CannotServe` with one line: an unreadable dataset, a port in use, an unknown deployment or fault,
a database out of reach. Leaves to others: composition (app.py).
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from simulators.payer import fitting, target_file
from simulators.payer.app import create_app, create_control_app
from simulators.payer.clock import Clock
from simulators.payer.connections import Protocol
from simulators.payer.context import Payer
from simulators.payer.database import DatabaseUnusable, open_database
from simulators.payer.deployment import BadDeployment, Deployment, load
from simulators.payer.fhir.loading import BadDataset, ensure_loaded, fill_new_file, read_manifest
from simulators.payer.fhir.parameters import UnknownGuide
from simulators.payer.protection.counting import Counts, counts_for
from simulators.payer.protection.limits import use_counts
from simulators.payer.rules import UnknownFault, select
from simulators.payer.store import Store

BACKLOG = 512


class CannotServe(Exception):
    """The payer cannot start; the message is the one line that says why."""


@dataclass(frozen=True)
class Settings:
    """What `patient-access serve` was asked for."""

    dataset: Path
    deployment: str = ""  # empty: the one the dataset was made for
    host: str = "127.0.0.1"
    port: int = 8080
    control_port: int | None = None
    faults: tuple[str, ...] = ()
    workers: int = 1
    database: str = ""
    redis: str = ""
    public_url: str = ""
    write_target: Path | None = None


def open_payer(settings: Settings, public_url: str, deployment: Deployment, counts: Counts | None = None) -> Payer:
    """A payer over its database, filled from the dataset where it is not yet."""
    try:
        manifest = read_manifest(settings.dataset)
        fill_new_file(settings.database, settings.dataset, deployment)
        database = open_database(settings.database or ":memory:")
        store = Store(database)
        ensure_loaded(store, settings.dataset, deployment)
        active = select(settings.faults)
    except (BadDataset, DatabaseUnusable, UnknownFault, UnknownGuide) as error:
        raise CannotServe(str(error)) from error
    payer = Payer(deployment, Clock(), database, store, manifest, public_url, active)
    if counts is not None:
        use_counts(payer, counts)
    return payer


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, or the line that says who may have it."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit it: head and body go out as two segments, and waiting for the first one's ACK costs 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotServe(
            f"port {port} on {host} cannot be used: {error.strerror}; choose another with --port or --control-port"
        ) from error
    listening.setblocking(False)
    listening.set_inheritable(True)
    return listening


def deployment_of(name: str, dataset: Path) -> Deployment:
    """The deployment of that name or file, or the one a dataset was made for; says on stderr where they do not fit."""
    try:
        found = load(name) if name else None
        manifest = read_manifest(dataset)
    except (BadDeployment, BadDataset) as error:
        raise CannotServe(str(error)) from error
    found = found or fitting.deployment_for(manifest)
    if said := fitting.warning(found, manifest):
        print(f"serve: {said}", file=sys.stderr, flush=True)
    return found


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until told to stop (SIGINT or SIGTERM); `ready` is called once with the public address."""
    deployment = deployment_of(settings.deployment, settings.dataset)
    public = bind(settings.host, settings.port)
    control = bind("127.0.0.1", settings.control_port) if settings.control_port is not None else None
    host, port = public.getsockname()[:2]
    url = (settings.public_url or f"http://{host}:{port}").rstrip("/")
    counts = counts_for(settings.redis, settings.workers)
    payer = open_payer(settings, url, deployment, counts)
    application = create_app(payer)
    children = [] if settings.workers == 1 else _fork(settings, url, deployment, public, counts)
    try:
        servers = [] if children else [_server(application)]
        sockets = [] if children else [public]
        if control is not None:
            servers.append(_server(create_control_app(payer)))
            sockets.append(control)
        if settings.write_target is not None:
            control_url = "http://{}:{}".format(*control.getsockname()[:2]) if control is not None else ""
            _write_target(payer, settings, settings.write_target, control_url)
        gc.freeze()  # what a start made stays to the end: collections need not look at it again, request after request
        ready(url)
        _run_to_the_end(servers, sockets, children)
    finally:
        _stop(children)
        payer.database.close()


def _write_target(payer: Payer, settings: Settings, path: Path, control_url: str) -> None:
    """The sockets listen by now: who finds the file may send requests at once."""
    try:
        target_file.write(payer, path, settings.dataset / "manifest.json", control_url)
    except OSError as error:
        raise CannotServe(f"{path} cannot be written: {error.strerror}") from error


def _run_to_the_end(servers: list[uvicorn.Server], sockets: list[socket.socket], children: list[int]) -> None:
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        runner.run(_run(servers, sockets, children))


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """The fast loop where it exists."""
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


def _server(application: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        application,
        http=Protocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        ws="none",
        h11_max_incomplete_event_size=65_536,
    )
    return uvicorn.Server(config)


async def _run(servers: list[uvicorn.Server], sockets: list[socket.socket], children: list[int]) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    running = [asyncio.ensure_future(_serve_quietly(server, one)) for server, one in zip(servers, sockets, strict=True)]
    waiting = asyncio.ensure_future(stopping.wait())
    if children:
        await waiting
    else:
        await asyncio.wait([waiting, *running], return_when=asyncio.FIRST_COMPLETED)
    stop()
    await asyncio.gather(*running)
    waiting.cancel()


async def _serve_quietly(server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve without taking over the process's signals: they are handled once, here, for all servers."""
    await server._serve([listening])


def _fork(settings: Settings, url: str, deployment: Deployment, public: socket.socket, counts: Counts) -> list[int]:
    """Start the workers on the shared socket; each serves until told to stop and never returns."""
    if not settings.database or settings.database == ":memory:":
        raise CannotServe("--workers needs a database that processes can share: give --database FILE or postgresql://…")
    children = []
    for _ in range(settings.workers):
        child = os.fork()
        if child:
            children.append(child)
            continue
        try:
            worker = open_payer(settings, url, deployment, counts)
            gc.freeze()
            _run_to_the_end([_server(create_app(worker))], [public], [])
            worker.database.close()
        finally:
            # Not through the interpreter's end: it would close the parent's database connection under it.
            os._exit(0)
    return children


def _stop(children: list[int]) -> None:
    for child in children:
        try:
            os.kill(child, signal.SIGTERM)
        except ProcessLookupError:
            continue
    for child in children:
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            continue
