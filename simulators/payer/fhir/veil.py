"""What a Provenance tells of records kept back: its targets are named only to who may see them.

A Provenance of nothing but records kept back is kept back itself. One that has other targets too goes out without those the request may
not see, and no search finds it by them: that an id exists is already an answer. Leaves to others: which records (privacy.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import orjson

from simulators.payer.stored import Candidate, Row

NOTED = "~veiled"  # beside the values of search parameters, whose names begin with no such sign


def noted(row: Row, labels: Mapping[str, str]) -> Row:
    """A Provenance on its way into the store, with what is known of those of its targets that have labels."""
    if not labels:
        return row
    if set(row.targets) <= set(labels):
        kinds = set(row.labels.split()).union(*(one.split() for one in labels.values()))
        return row._replace(labels=" ".join(sorted(kinds)))
    found = orjson.loads(row.found) | {NOTED: [[target, kinds] for target, kinds in labels.items()]}
    return row._replace(found=orjson.dumps(found))


def hidden(candidate: Candidate, opened: frozenset[str]) -> frozenset[str]:
    """The targets a request that may see these labels is not told."""
    veiled: Iterable[tuple[str, str]] = candidate.index.get(NOTED, ())
    return frozenset(target for target, kinds in veiled if not opened.issuperset(kinds.split()))


def over(candidate: Candidate, opened: frozenset[str]) -> Candidate:
    """The candidate as a request sees it."""
    if NOTED not in candidate.index:
        return candidate
    unseen = hidden(candidate, opened)
    kept = [target for target in candidate.index["target"] if target not in unseen]
    return replace(candidate, index={**candidate.index, "target": kept}) if unseen else candidate


def over_body(body: bytes, unseen: frozenset[str]) -> bytes:
    """The resource's bytes without those targets."""
    if not unseen:
        return body
    resource = orjson.loads(body)
    resource["target"] = [one for one in resource["target"] if one.get("reference") not in unseen]
    return orjson.dumps(resource)
