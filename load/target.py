"""What load needs of a target file: the FHIR base, the declared limit and whether load is permitted.

The whole contract is judged where suites read it; here unknown keys are passed over, wrong values refused.
"""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from load.plan import BadPlan


@dataclass(frozen=True)
class LoadTarget:
    """The server to be pushed."""

    name: str
    fhir_base: str
    limit_requests: int
    limit_seconds: float


def is_loopback(url: str) -> bool:
    """True when the host of a URL can only be this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_target(path: Path) -> LoadTarget:
    """Read a target file; raises BadPlan where load cannot or may not be sent."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlan(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPlan(f"{path}: is not TOML: {error}") from error
    server = raw.get("server")
    base = server.get("fhir_base") if isinstance(server, dict) else None
    if not isinstance(base, str) or urlsplit(base).scheme not in ("http", "https"):
        raise BadPlan(f"{path}: [server] fhir_base must be an http or https URL")
    if not is_loopback(base) and raw.get("permitted", {}).get("load") is not True:
        raise BadPlan(
            f"{path}: {base} is not on this machine and [permitted] load is not true; load is sent nowhere else"
        )
    limits = raw.get("limits", {})
    requests, seconds = limits.get("requests", 0), limits.get("per_seconds", 0)
    if not isinstance(requests, int) or not isinstance(seconds, int | float) or requests < 0 or seconds < 0:
        raise BadPlan(f"{path}: [limits] requests and per_seconds must be numbers from 0 up")
    return LoadTarget(str(raw.get("name", "target")), base.rstrip("/"), requests, float(seconds))
