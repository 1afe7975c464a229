"""Searches answered with Bundles no server should give: each is a finding at its place or undecided with the reason, in bounded time and memory.

The payer signs members in, then a front before it rewrites its searchsets. No request may leave the target's origin.
"""

from __future__ import annotations

import json
import resource as process
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.payer import RunningPayer
from tests.servers.front import Front, certify

Bundle = dict[str, Any]
SEARCHES = ("FHIR-SEARCH-01",)
MEGABYTES = 1024  # of memory a run may take at most, everything in it


def total_too_high(bundle: Bundle) -> None:
    """A total that is three more than there are."""
    bundle["total"] = int(bundle.get("total", 0)) + 3


def total_as_text(bundle: Bundle) -> None:
    """The total is a string."""
    bundle["total"] = str(bundle.get("total", 0))


def amounts_as_text(bundle: Bundle) -> None:
    """Amounts of money are strings."""
    for entry in bundle.get("entry", []):
        for total in entry["resource"].get("total", []):
            total["amount"]["value"] = str(total["amount"]["value"])


def links_in_a_circle(bundle: Bundle) -> None:
    """The next page is the page itself."""
    own = next((one["url"] for one in bundle.get("link", []) if one["relation"] == "self"), "")
    bundle["link"] = [{"relation": "self", "url": own}, {"relation": "next", "url": own}]


def outcome_among_matches(bundle: Bundle) -> None:
    """An OperationOutcome that says it matches."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "value"}]}
    bundle.setdefault("entry", []).append({"fullUrl": "urn:x", "resource": outcome, "search": {"mode": "match"}})


def another_type_among_matches(bundle: Bundle) -> None:
    """A resource of a type nobody asked for."""
    stranger = {"resourceType": "Basic", "id": "b", "code": {"text": "x"}}
    bundle.setdefault("entry", []).append({"fullUrl": "urn:x", "resource": stranger, "search": {"mode": "match"}})


def entries_of_nothing(bundle: Bundle) -> None:
    """Entries that are text, numbers, null, or objects without a resource."""
    bundle["entry"] = [*bundle.get("entry", []), "text", 7, None, [], {}, {"resource": "text", "search": "match"}]


def entry_is_an_object(bundle: Bundle) -> None:
    """The entries are an object."""
    bundle["entry"] = {"0": "x"}


def a_million_entries(bundle: Bundle) -> None:
    """More entries than a page of any record has."""
    bundle["entry"] = [{"a": 1}] * 1_000_001


def twenty_thousand_entries(bundle: Bundle) -> None:
    """Many entries, none of which says what it is."""
    bundle["entry"] = [{"a": 1}] * 20_000


@dataclass(frozen=True)
class Wanted:
    """Which requirements are judged, what the messages must say, under which verdict."""

    requirements: tuple[str, ...]
    said: str
    verdict: str = "FAIL"
    place: str = ""  # where findings must be


WANTED: dict[Callable[[Bundle], None], Wanted] = {
    total_too_high: Wanted(("FHIR-SEARCH-09",), "total"),
    total_as_text: Wanted(("FHIR-SEARCH-09",), "total"),
    amounts_as_text: Wanted(("CARIN-AMOUNTS-01", "CARIN-AMOUNTS-02"), "", place="total"),
    links_in_a_circle: Wanted(("CMS9115-431.60-a",), "never back"),
    outcome_among_matches: Wanted(SEARCHES, "says mode outcome", place="Bundle.entry["),
    another_type_among_matches: Wanted(SEARCHES, "of the type asked for", place="Bundle.entry["),
    entries_of_nothing: Wanted(SEARCHES, "an entry is an object", place="Bundle.entry["),
    entry_is_an_object: Wanted(SEARCHES, "Bundle.entry is a list", place="Bundle.entry"),
    a_million_entries: Wanted(SEARCHES, "are not read at once", "INCONCLUSIVE"),
    twenty_thousand_entries: Wanted(SEARCHES, "has search.mode", place="Bundle.entry[0]"),
}


def spoiling(change: Callable[[Bundle], None]) -> Callable[[Front, bytes], None]:
    """A front's way of rewriting what is a searchset and passing on what is not."""

    def spoil(front: Front, content: bytes) -> None:
        try:
            bundle = json.loads(content)
        except ValueError:
            bundle = {}
        if bundle.get("resourceType") == "Bundle":
            change(bundle)
            content = json.dumps(bundle, separators=(",", ":")).encode()
        front.head(200 if bundle else 404, Content_Length=str(len(content)))
        front.wfile.write(content)

    return spoil


@pytest.mark.parametrize("change", WANTED, ids=lambda one: one.__name__)
def test_a_bundle_no_server_should_give_is_told_at_its_place(
    rewritten: tuple[RunningPayer, type[Front]], change: Callable[[Bundle], None], tmp_path: Path
) -> None:
    payer, handler = rewritten
    handler.spoil = staticmethod(spoiling(change))  # type: ignore[assignment]
    wanted = WANTED[change]
    code, results, said = certify(
        payer, tmp_path, "search", "patient_data", "claims_accounting", only=wanted.requirements, seconds=60
    )
    told = [one for one in results if one["verdict"] == wanted.verdict and wanted.said in str(one["message"])]
    assert told, [(one["check"], one["verdict"], one["message"]) for one in results] or said[-2000:]
    if wanted.place:
        places = [str(finding["path"]) for one in told for finding in one["findings"]]  # type: ignore[attr-defined]
        assert any(wanted.place in one for one in places), places
    assert code == (1 if wanted.verdict == "FAIL" else 3)
    assert [one["check"] for one in results if "the check itself failed" in str(one["message"])] == []
    assert process.getrusage(process.RUSAGE_CHILDREN).ru_maxrss < MEGABYTES * 1024


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[bytes]]]:
    """A host beside the target, and what was sent to it."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            try:
                caller, _ = listener.accept()
            except TimeoutError:
                continue
            heard.append(caller.recv(200))
            caller.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir/Observation?page=2", heard
    stop.set()
    thread.join()
    listener.close()


def test_a_next_link_to_another_host_is_a_breach_and_nobody_goes_there(
    rewritten: tuple[RunningPayer, type[Front]], elsewhere: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    payer, handler = rewritten
    address, heard = elsewhere

    def leads_away(bundle: Bundle) -> None:
        kept = [one for one in bundle.get("link", []) if one["relation"] != "next"]
        bundle["link"] = [*kept, {"relation": "next", "url": address}]

    handler.spoil = staticmethod(spoiling(leads_away))  # type: ignore[assignment]
    code, results, said = certify(payer, tmp_path, "search", "patient_data", only=("CMS9115-431.60-a",), seconds=60)
    told = [str(one["message"]) for one in results if "stays with the server" in str(one["message"])]
    assert told, [(one["check"], one["verdict"], one["message"]) for one in results] or said[-2000:]
    assert code in (1, 3)
    assert heard == []
