"""How fast the reference payer is: `python -m load.benchmarks.payer --out docs/benchmarks-payer.md`.

For each store and number of members: how long loading takes, how soon a loaded payer is ready, then a fixed mix of requests by wrk,
one after the other, with one worker, and the memory that worker has then. Each table names the machine; only ratios
within one table mean something elsewhere. Leaves to others: the payer itself (`patient-access serve`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from load.benchmarks import asked, population
from load.plan import BadPlan
from load.run import LoadInterrupted, sign_in

# Name, path below the FHIR base, connections, who asks: members' apps with their tokens, each for its own member and noted in the usage log; a
# backend service for members spread over all, as many in a small population as in a large one; or one for so many that hardly anything it asks
# for is remembered (where there are as many).
MIX = (
    ("capability statement", "metadata", 4, "apps"),
    ("read by id", "Patient/MEMBER", 16, "apps"),
    ("20-entry search", "Practitioner?_count=20", 8, "apps"),
    ("observations by category and date", "Observation?patient=MEMBER&category=survey&date=ge2018-01-01", 8, "apps"),
    ("claims with their includes", "ExplanationOfBenefit?patient=MEMBER&_include=ExplanationOfBenefit:*", 8, "apps"),
    ("whole record", "Patient/MEMBER/$everything?_count=50", 4, "apps"),
    ("read by id, any member", "Patient/MEMBER", 8, "backend"),
    ("observations, any member", "Observation?patient=MEMBER&category=survey&date=ge2018-01-01", 8, "backend"),
    (
        "claims with their includes, any member",
        "ExplanationOfBenefit?patient=MEMBER&_include=ExplanationOfBenefit:*",
        8,
        "backend",
    ),
    ("observations, 20,000 members", "Observation?patient=MEMBER&category=survey&date=ge2018-01-01", 8, "crowd"),
)
GUIDES = ("--family", "current", "--guide", "us-core@3.1.1")  # those of the deployment the payer is served by
READ, SEARCH = "read by id", "20-entry search"
ANY_MEMBERS, CROWD = 1_000, 20_000
_SCRIPT = Path(__file__).with_name("mix.lua")


class CannotMeasure(Exception):
    """Something a measurement needs is missing; the message says what."""


@dataclass(frozen=True)
class Figure:
    """One kind of request measured."""

    name: str
    rate: float
    median: float
    p95: float
    p99: float
    errors: int
    cost: float  # microseconds of processor time the server spent on one request
    connections: int


@dataclass(frozen=True)
class Measured:
    """One store with one number of members."""

    store: str
    members: int
    resources: int
    loading: float  # seconds
    ready: float  # seconds
    memory: float  # MiB of the worker, without the pages of the database file it shares with the system
    figures: tuple[Figure, ...]
    half: Figure  # the search of SEARCH again, at half the rate it reached
    load: float  # of the machine, at the end
    loading_cost: float  # seconds of processor time, of the processes that read the dataset too
    ready_cost: float


def measure(store: str, members: int, template: Path, folder: Path, seconds: int) -> Measured:
    """Load, start again, and run the mix."""
    dataset = folder / f"members-{members}"
    resources = members * sum(population.PER_MEMBER.values())
    if not dataset.exists():
        population.write(template, members, dataset)
    database = str(folder / f"{members}.sqlite") if store == "sqlite" else _new_database(store)
    with _served(dataset, database, folder) as (_, process, loading):
        loading_cost = _processor_time(process.pid)
    with _served(dataset, database, folder) as (url, process, ready):
        ready_cost = _processor_time(process.pid)
        bearers = {"apps": _apps(folder), "backend": _backend(folder, url, members, ANY_MEMBERS)}
        if members >= CROWD:
            bearers["crowd"] = _backend(folder, url, members, CROWD)
        figures = tuple(
            _wrk(url, process.pid, name, path, connections, bearers[who], seconds)
            for name, path, connections, who in MIX
            if who in bearers
        )
        half = _at_half(url, process.pid, next(one for one in figures if one.name == SEARCH), bearers["apps"], seconds)
        memory = _resident(process.pid)
    return Measured(
        "sqlite3" if store == "sqlite" else "PostgreSQL",
        members,
        resources,
        loading,
        ready,
        memory,
        figures,
        half,
        os.getloadavg()[0],
        loading_cost,
        ready_cost,
    )


@contextmanager
def _served(dataset: Path, database: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str], float]]:
    """A payer on a free port, its process, and how long it took to say that it is ready."""
    deployment = folder / "unlimited.toml"
    deployment.write_text(
        'name = "unlimited"\n[limits]\nrequests = 1000000000\nper_seconds = 1\ntoken_requests = 1000000\ntoken_per_seconds = 1\n',
        "utf-8",
    )
    command = [
        sys.executable, "-m", "patient_access", "serve", "--dataset", str(dataset), "--deployment", str(deployment), "--port", "0",
        "--database", database, "--write-target", str(folder / "target.toml"),
    ]  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url.startswith("http"):
            raise CannotMeasure(f"the payer did not start: {' '.join(command)}")
        yield url, process, time.monotonic() - started
    finally:
        process.terminate()
        process.wait(120)


def _apps(folder: Path) -> Path:
    """A file of members with the tokens of their apps."""
    try:
        found = sign_in(folder / "target.toml", population.SIGNING_IN, folder / "tokens.json")
    except (LoadInterrupted, BadPlan) as error:
        raise CannotMeasure(str(error)) from error
    return _written(folder / "apps.txt", ((token.patient, token.access_token) for token in found))


def _backend(folder: Path, url: str, members: int, asked_for: int) -> Path:
    """A file of members spread over all with the token of the backend service."""
    token = _token(folder / "target.toml", url)
    chosen = random.Random(7).sample(range(members), min(members, asked_for))
    return _written(folder / f"backend-{asked_for}.txt", ((population.copied_id(number), token) for number in chosen))


def _written(path: Path, pairs: Iterable[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{member} {token}\n" for member, token in pairs), "utf-8")
    return path


def _token(target: Path, url: str) -> str:
    """A backend service's access token (SMART Backend Services)."""
    from joserfc import jwt
    from joserfc.jwk import ECKey, RSAKey

    clients = tomllib.loads(target.read_text("utf-8"))["client"]
    client = next(one for one in clients if one["name"] == "backend-service")
    stored = json.loads(Path(client["private_key_file"]).read_text("utf-8"))
    key = (ECKey if stored["kty"] == "EC" else RSAKey).import_key(stored)
    endpoints = httpx.get(f"{url}/fhir/.well-known/smart-configuration").json()
    claims = {
        "iss": client["client_id"], "sub": client["client_id"], "aud": endpoints["token_endpoint"], "jti": str(uuid.uuid4()),
        "exp": int(time.time()) + 240,
    }  # fmt: skip
    algorithm = {"P-256": "ES256", "P-384": "ES384"}.get(stored.get("crv", ""), "RS384")
    header = {"alg": algorithm, "typ": "JWT"} | ({"kid": stored["kid"]} if "kid" in stored else {})
    assertion = jwt.encode(header, claims, key, algorithms=[algorithm])
    answer = httpx.post(
        endpoints["token_endpoint"],
        data={
            "grant_type": "client_credentials", "scope": "system/*.read", "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        },
    )  # fmt: skip
    if answer.status_code != 200:
        raise CannotMeasure(f"no token for the backend service: {answer.status_code} {answer.text}")
    return str(answer.json()["access_token"])


def _wrk(
    url: str, server: int, name: str, path: str, connections: int, bearers: Path, seconds: int, rest: float = 0.0
) -> Figure:
    for duration in (1, seconds):  # the first run warms up
        command = ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "10s", "-s", str(_SCRIPT), url]
        before = _processor_time(server)
        arguments = ["--", f"/fhir/{path}", str(bearers), f"{rest:.3f}"]
        ran = subprocess.run([*command, *arguments], capture_output=True, text=True)
    line = next((line for line in ran.stdout.splitlines() if line.startswith("RESULT")), "")
    if not line:
        raise CannotMeasure(f"wrk told nothing: {ran.stderr or ran.stdout}")
    rate, median, p95, p99, errors = line.split()[1:]
    spent = (_processor_time(server) - before) / max(1.0, float(rate) * seconds) * 1e6
    return Figure(name, float(rate), float(median), float(p95), float(p99), int(errors), spent, connections)


def _at_half(url: str, server: int, full: Figure, bearers: Path, seconds: int) -> Figure:
    """A request of the mix at half the rate it reached: its connections rest between requests."""
    path = next(path for name, path, _, _ in MIX if name == full.name)
    between = full.connections / (full.rate / 2) * 1000  # milliseconds from one request of a connection to its next
    rest = max(0.0, between - full.median / 2)
    return _wrk(url, server, f"{full.name}, half the rate", path, full.connections, bearers, seconds, rest)


def _processor_time(pid: int) -> float:
    """Seconds a process and those it has waited for have had of the machine's cores."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024


def _new_database(server: str) -> str:
    import psycopg

    name = f"benchmark_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    return server.rsplit("/", 1)[0] + f"/{name}"


def report(measured: list[Measured], seconds: int) -> str:
    """The table as it is committed."""
    lines = [
        "# Benchmarks of the reference payer",
        "",
        f"Made by `python -m load.benchmarks.payer {' '.join(sys.argv[1:])}`; not edited by hand. One worker, requests by wrk from the same",
        f"machine, {seconds} seconds a row. The server is the one people start: tokens verified, limits counted, every delivery in the usage log on",
        f"disk before it is answered. Apps of {population.SIGNING_IN} members ask for their own data; \"any member\" is asked by a backend service. Members are",
        f"copies of 20 generated ones under ids of their own, with {sum(population.PER_MEMBER.values())} resources each: what counts here is their number.",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}: on a machine that does other things too (its load",
        "average stands with each table, as does the time a request takes of the server's core), compare rows, not machines.",
        "",
    ]  # fmt: skip
    for one in measured:
        lines += section(one)
    return "\n".join(lines + asked.table(measured, READ, SEARCH))


def section(one: Measured) -> list[str]:
    """One store with one number of members."""
    filling = one.loading - one.ready
    # Of a small dataset the start is most of the loading, and the rest is noise.
    alone = f"; {one.resources / filling:,.0f}/s without the time a start takes" if filling > one.ready else ""
    return [
        f"## {one.store}, {one.members:,} members",
        "",
        f"{one.resources:,} resources of members; loaded in {one.loading:.1f} s ({one.resources / one.loading:,.0f}/s, start included{alone}), "
        f"{one.loading_cost:.1f} s of processor time; "
        f"a loaded payer is ready in {one.ready:.1f} s, {one.ready_cost:.1f} s of processor time; {one.memory:.0f} MiB after the mix. "
        f"At {one.half.rate:,.0f} searches a second the p99 is {one.half.p99 / one.half.median:.1f} times the median. Load average {one.load:.1f}.",
        "",
        "| request | connections | per second | server µs a request | p50 ms | p95 ms | p99 ms | errors |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {row.name} | {row.connections} | {row.rate:,.0f} | {row.cost:,.0f} | {row.median:.2f} | {row.p95:.2f} | {row.p99:.2f} | {row.errors} |"
            for row in (*one.figures, one.half)
        ),
        "",
    ]  # fmt: skip


def main() -> int:
    """Measure what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument(
        "--postgresql", default="", help="address of a server one may make databases on; sqlite3 alone without it"
    )
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("benchmark: wrk is not installed (Debian: apt-get install wrk)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="payer-benchmark-") as name:
        folder = Path(name)
        generate = [
            sys.executable,
            "-m",
            "patient_access",
            "generate",
            "--members",
            "20",
            "--seed",
            "7",
            *GUIDES,
        ]
        subprocess.run([*generate, "--out", str(folder / "template")], check=True, capture_output=True)
        measured = []
        try:
            for store in ("sqlite", options.postgresql) if options.postgresql else ("sqlite",):
                for members in options.members:
                    measured.append(measure(store, members, folder / "template", folder, options.seconds))
                    print("\n".join(section(measured[-1])), file=sys.stderr)
        except CannotMeasure as error:
            print(f"benchmark: {error}", file=sys.stderr)
            return 3
    text = report(measured, options.seconds)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
