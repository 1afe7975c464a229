"""Answers no server should give are findings at their place, and no request leaves the target's origin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.kit.outcomes import Inconclusive, NonConformance
from suites.record import spool
from suites.record.held import Record, follow

BASE = "https://payer.example/fhir"
Body = dict[str, Any]


@dataclass
class Scripted:
    """Stands in for the HTTP client: answers by a function of the URL, and keeps what was asked."""

    answer: Callable[[str], Body | bytes]
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, params: Any = (), headers: Any = None, token: str = "") -> Answer:
        pairs = params.items() if isinstance(params, dict) else params
        whole = url + ("?" if pairs else "") + "&".join(f"{name}={value}" for name, value in pairs)
        self.asked.append(whole)
        body = self.answer(whole)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Answer("GET", whole, 200, (("content-type", "application/fhir+json"),), raw, f"e{len(self.asked)}")


def searchset(*resources: Any, link: str = "", **more: Any) -> Body:
    links = [{"relation": "next", "url": link}] if link else []
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
        "entry": [{"resource": r} for r in resources],
        **more,
    }


def record(answer: Callable[[str], Body | bytes]) -> tuple[Record, Scripted]:
    http = Scripted(answer)
    return Record(FhirClient(http, BASE, "token"), "p"), http  # type: ignore[arg-type]


def observation(number: int) -> Body:
    return {"resourceType": "Observation", "id": f"o{number}"}


def test_a_next_link_to_another_host_is_a_finding_and_is_not_followed() -> None:
    one, http = record(lambda url: searchset(observation(1), link="https://elsewhere.example/fhir?page=2"))
    with pytest.raises(NonConformance, match="stays with the server"):
        list(follow(one.fhir, "Observation", ()))
    assert all(urlsplit(url).netloc == "payer.example" for url in http.asked)


@pytest.mark.parametrize("link", ["http://payer.example/fhir?page=2", "https://payer.example:8443/fhir?page=2"])
def test_another_scheme_or_port_is_another_origin(link: str) -> None:
    one, http = record(lambda url: searchset(observation(1), link=link))
    with pytest.raises(NonConformance, match="stays with the server"):
        list(follow(one.fhir, "Observation", ()))
    assert len(http.asked) == 1


def test_pages_in_a_circle_end() -> None:
    def circle(url: str) -> Body:
        page = int(dict(parse_qsl(urlsplit(url).query)).get("page", "1"))
        return searchset(observation(page), link=f"{BASE}/Observation?page={page % 3 + 1}")

    one, http = record(circle)
    with pytest.raises(NonConformance, match="never back"):
        list(follow(one.fhir, "Observation", ()))
    assert len(http.asked) < 6


def test_a_search_without_end_is_cut_off() -> None:
    def endless(url: str) -> Body:
        page = int(dict(parse_qsl(urlsplit(url).query)).get("page", "1"))
        return searchset(observation(page), link=f"{BASE}/Observation?page={page + 1}")

    one, _ = record(endless)
    with pytest.raises(NonConformance, match="ends"):
        list(follow(one.fhir, "Observation", ()))


def test_what_is_no_json_is_undecided_for_what_stands_on_it() -> None:
    one, _ = record(lambda url: b"{ not json")
    with pytest.raises(Inconclusive, match="must answer with JSON"):
        one.of("Observation")


def odd_entries() -> Iterator[Any]:
    yield {"resourceType": "OperationOutcome", "issue": []}
    yield {"resourceType": "Patient", "id": "p"}
    yield "a text"
    yield None
    yield ["a", "list"]
    yield {"resourceType": 7, "id": 9}


@pytest.mark.parametrize("odd", list(odd_entries()), ids=repr)
def test_odd_entries_are_passed_over_and_the_rest_is_kept(odd: Any) -> None:
    one, _ = record(lambda url: searchset(observation(1), odd, observation(2)))
    assert one.of("Observation").ids() == {"o1", "o2"}


@pytest.mark.parametrize("entry", [None, "text", 7, {"resource": {}}])
def test_entries_that_are_no_list_hold_nothing(entry: Any) -> None:
    one, _ = record(lambda url: {"resourceType": "Bundle", "type": "searchset", "entry": entry})
    assert one.of("Observation").count == 0


def test_a_record_past_the_limit_is_kept_on_disk_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    size, pages = 1000, 6
    room = spool.Budget(100_000)
    monkeypatch.setattr(spool, "budget", lambda: room)

    def large(url: str) -> Body:
        page = int(dict(parse_qsl(urlsplit(url).query)).get("page", "0"))
        link = f"{BASE}/Observation?page={page + 1}" if page + 1 < pages else ""
        return searchset(*(observation(page * size + number) for number in range(size)), link=link)

    one, _ = record(large)
    held = one.of("Observation")
    assert (held.count, room.left) == (pages * size, 100_000)
    assert [one["id"] for one, _ in held.resources()] == [f"o{number}" for number in range(pages * size)]
    some = [one["id"] for one, _ in held.as_sent(lambda resource: resource["id"].endswith("999"))]
    assert some == [f"o{number}" for number in range(999, pages * size, 1000)]


def test_numbers_are_judged_as_they_were_written() -> None:
    one, _ = record(
        lambda url: b'{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"X","v":1.50}}]}'
    )
    assert [str(sent["v"]) for sent, _ in one.of("X").as_sent()] == ["1.50"]


def test_pages_that_bring_nothing_new_are_cut_off_soon() -> None:
    def idle(url: str) -> Body:
        page = int(dict(parse_qsl(urlsplit(url).query)).get("page", "1"))
        return searchset(observation(1), link=f"{BASE}/Observation?page={page + 1}")

    one, http = record(idle)
    with pytest.raises(NonConformance, match="without anything new"):
        list(follow(one.fhir, "Observation", ()))
    assert len(http.asked) < 30


def test_a_record_of_many_small_pages_is_read_to_its_end() -> None:
    def small(url: str) -> Body:
        page = int(dict(parse_qsl(urlsplit(url).query)).get("page", "1"))
        return searchset(observation(page), link=f"{BASE}/Observation?page={page + 1}" if page < 700 else "")

    one, _ = record(small)
    assert one.of("Observation").count == 700
