"""Access logs made by hand, and the usage metric once more in plain Python to hold the queries against."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reports.metrics.mapping import DEFAULT, Mapping
from reports.metrics.sources import open_log
from reports.metrics.usage import Switches, Usage, usage

EXAMPLE = Path("examples/usage-2026")
COLUMNS = ("row", "at", "member", "app", "app_kind", "channel", "unit", "status", "resources", "interaction")


def delivery(at: str, member: str = "m1", app: str = "x", **other: Any) -> dict[str, Any]:
    """A row of the default shape that counts unless told otherwise."""
    return {
        "row": f"{member}-{app}-{at}", "at": at, "member": member, "app": app, "app_kind": "third-party",
        "channel": "patient-access", "unit": "u1", "status": 200, "resources": 3, "interaction": "search", **other,
    }  # fmt: skip


def write_log(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows as NDJSON."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def by_hand(
    rows: Iterable[dict[str, Any]], mode: str, idle: timedelta, zone: str, year: int, same_app: bool
) -> tuple[int, int]:
    """U1 and U2 of one unit, one delivery after the other."""
    local = ZoneInfo(zone)
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in rows:
        at = datetime.fromisoformat(row["at"]).astimezone(UTC)
        if at.astimezone(local).year == year:
            times[row["member"], row["app"]].append(at)
    transfers: dict[str, list[int]] = defaultdict(list)
    for (member, _), found in times.items():
        found.sort()
        if mode == "request":
            count = len(found)
        elif mode == "app-day":
            count = len({at.astimezone(local).date() for at in found})
        else:
            count = 1 + sum(later - earlier >= idle for earlier, later in itertools.pairwise(found))
        transfers[member].append(count)
    repeat = sum((max(counts) if same_app else sum(counts)) >= 2 for counts in transfers.values())
    return len(transfers), repeat


NOW = datetime(2027, 6, 1, tzinfo=UTC)


def count(
    path: Path, mapping: Mapping = DEFAULT, year: int = 2026, at: datetime | None = NOW, **switches: Any
) -> Usage:
    return usage(open_log(str(path), mapping), year, Switches(**switches), at=at)


def pair(found: Usage) -> tuple[int, int]:
    return found.total.members, found.total.members_repeat
