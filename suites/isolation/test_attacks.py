"""Another member's record asked for in every way there is, by seeded combination: FHIR R4 compartments; 42 CFR 431.60(a); 45 CFR 164.312(a).

Two members' tokens are at hand. What one member's own token found is the control; asked for with the other's token, nothing of it may come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from suites.isolation.attacks import Attack, attacks
from suites.isolation.hunt import Hunt, parsed, prey_of, quiet_http
from suites.kit.app import App
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, judged, not_applicable
from suites.kit.target import Client, Target
from suites.protocol import urls
from suites.record.generation import MOST_MEMBERS, reading_members
from suites.record.held import Record

pytestmark = [pytest.mark.together, pytest.mark.requirement("FHIR-COMPARTMENT-01", "CONNEX-V.B.4", "HIPAA-164.312-a")]
WAYS = 6


@pytest.fixture(scope="session")
def hunt(http: Http, target: Target, app_of: Callable[[Client], App]) -> Iterator[Hunt]:
    """A hunter with a small record, and as prey the member with most kinds of resources."""
    members = reading_members(target)[:MOST_MEMBERS]
    control(len(members) > 1 and target.client, "the target file names two [[member]]s and a [[client]]")
    clients = [one for one in target.client if one.type != "confidential-asymmetric"] or list(target.client)
    hunter, base = members[0], target.server.fhir_base
    tokens = [app_of(one).grant(hunter) for one in clients]
    others = app_of(clients[0]).grant(members[-1])
    record = Record(FhirClient(http, base, tokens[0].access_token), tokens[0].patient, hunter.label)
    prey = Record(FhirClient(http, base, others.access_token), others.patient, members[-1].label)
    quiet = quiet_http(http)
    yield Hunt(
        prey_of(prey, record),
        tuple(FhirClient(quiet, base, one.access_token) for one in tokens),
        record.fhir,
        hunter.label,
    )
    quiet.close()


@pytest.fixture
def requests(request: pytest.FixtureRequest) -> int:
    """How many requests one way of asking gets."""
    return max(1, int(request.config.getoption("--isolation-requests")) // WAYS + 1)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of the run."""
    return int(request.config.getoption("--seed"))


@pytest.mark.requirement("FHIR-COMPARTMENT-06")
def test_read_and_history(hunt: Hunt, requests: int, seed: int) -> None:
    """Read, version read and history open nothing of another member."""
    hunt.run(attacks("read", hunt.prey, requests, seed))


@pytest.mark.requirement("FHIR-COMPARTMENT-04", "FHIR-COMPARTMENT-06")
def test_searches(hunt: Hunt, requests: int, seed: int) -> None:
    """Searches by id, identifier and patient, by GET and POST, find nothing of another member."""
    hunt.run(attacks("search", hunt.prey, requests, seed))


@pytest.mark.requirement("FHIR-COMPARTMENT-05", "FHIR-COMPARTMENT-03")
def test_chains(hunt: Hunt, requests: int, seed: int) -> None:
    """Chained and reverse chained conditions find nothing of another member."""
    hunt.run(attacks("chain", hunt.prey, requests, seed))


@pytest.mark.requirement("FHIR-COMPARTMENT-03")
def test_includes_and_everything(hunt: Hunt, requests: int, seed: int) -> None:
    """Includes, reverse includes and $everything bring nothing of another member."""
    hunt.run(attacks("include", hunt.prey, requests, seed))


@pytest.mark.requirement("FHIR-COMPARTMENT-05")
def test_totals(hunt: Hunt, requests: int, seed: int) -> None:
    """Totals do not tell how much another member has."""
    hunt.run(attacks("total", hunt.prey, requests, seed))


def test_disguises(hunt: Hunt, requests: int, seed: int) -> None:
    """Other case, encoding or paths open nothing of another member."""
    hunt.run(attacks("disguise", hunt.prey, requests, seed))


@pytest.mark.requirement("FHIR-PAGING-02")
def test_page_links(hunt: Hunt) -> None:
    """A page link given to one member's app gives another member's app nothing."""
    if not hunt.prey.next_links:
        not_applicable("no search of the other member has a second page")
    hunt.run(Attack("page link", "Bundle", link) for link in hunt.prey.next_links)


def test_documents(hunt: Hunt) -> None:
    """Addresses of another member's documents give nothing."""
    own = [one for one in hunt.prey.documents if "://" not in one or urls.origin(one) == urls.origin(hunt.prey.base)]
    if not own:
        not_applicable("no document of the other member lies at an address of its own")
    hunt.run(Attack("document", "Binary", one) for one in own)


@pytest.mark.requirement("FHIR-COMPARTMENT-02")
def test_foreign_and_absent_look_alike(hunt: Hunt) -> None:
    """Another member's resource and one that never was are answered alike."""
    count, seen = 0, set()
    for one in hunt.prey.known:
        if one.type in seen:
            continue
        seen.add(one.type)
        foreign, absent = hunt.spoken.read(one.type, one.id), hunt.spoken.read(one.type, "no-such-id-7f3a")
        count += 1
        expect(
            foreign.status == absent.status,
            "another member's resource and an unknown id are answered with the same status",
            expected=absent.status,
            found=foreign.status,
            path=one.type,
            evidence=foreign.evidence,
        )
        said = foreign.text.replace(one.id, "…"), absent.text.replace("no-such-id-7f3a", "…")
        expect(
            parsed(foreign) is None or len(said[0]) == len(said[1]),
            "another member's resource and an unknown id are answered in the same words",
            expected=said[1][:200],
            found=said[0][:200],
            path=one.type,
            evidence=foreign.evidence,
        )
    judged(count, "type")
