"""The pytest side of generated checks: a check marked `generated(guide, kind, expectation)` runs once for each case.

    @pytest.mark.requirement("USCORE-SEARCH-01")
    @pytest.mark.generated("us-core", "search", "SHALL")
    def test_search(case, judge):
        \"\"\"A required search finds exactly what answers it.\"\"\"
        judge.search(case)

Fixtures: `case`, and `judge` with the records of the case's interface. Where the target claims no version of the guide the check runs
once and is not applicable.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import pytest

from suites.kit.app import App
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer, Http
from suites.kit.outcomes import Inconclusive, NonConformance, control, not_applicable
from suites.kit.plugin import SESSION
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench
from suites.profiles.guides import UnknownGuide, parse_guide
from suites.record.cases import Case, cases
from suites.record.held import Record
from suites.record.judge import Judge

MOST_MEMBERS = 6  # judged throughout, where --members-judged says nothing else
MOST_FURTHER = 40  # opened one by one where the first have nothing to show
GENERATED = "generated(guide, kind, expectation): runs once for each thing of this kind the guide asks of servers"
ALWAYS = ("Patient", "ExplanationOfBenefit", "Coverage")  # asked for by US Core, by rule, by CARIN
NONE = Case("", "", "none")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", GENERATED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--members-judged."""
    parser.getgroup("patient access").addoption(
        "--members-judged",
        type=int,
        default=MOST_MEMBERS,
        metavar="N",
        help=f"members whose records are judged throughout ({MOST_MEMBERS}); others are opened where these have nothing to show",
    )


def claimed_guides(target: Target, name: str) -> tuple[str, ...]:
    """The versions of one guide that a target claims."""
    return tuple(one for one in target.server.guides if parse_guide(one).short.partition("@")[0] == name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One check for each case of the versions claimed."""
    marker = metafunc.definition.get_closest_marker("generated")
    if marker is None:
        return
    guide, kind, expectation = marker.args
    session = metafunc.config.stash.get(SESSION, None)
    found: list[Case] = []
    if session is not None:
        target = session.target
        try:
            for one in claimed_guides(target, guide):
                found += cases(target.server.guides, one, kind, expectation)
        except UnknownGuide as unknown:
            raise pytest.UsageError(f"target {target.name}: {unknown}") from None
    metafunc.parametrize("case", found or [NONE], ids=[one.id for one in found] or ["none"], scope="function")


def reading_members(target: Target, most: int = MOST_MEMBERS) -> list[Member]:
    """The members whose records are judged: those with most types of resources as the manifest counts them, small records first,
    then those further ones that are opened only when needed.

    Without a manifest: those planted for most, then the order of the file.
    """
    totals = manifest_totals(target)
    ranked = sorted(
        target.member,
        key=lambda one: (
            -len(totals.get(one.patient, ())),
            sum(totals.get(one.patient, {}).values()),
            -len(one.planted_for),
        ),
    )
    chosen = sorted(ranked[:most], key=lambda one: sum(totals.get(one.patient, {}).values()))
    return [*chosen, *ranked[most:MOST_FURTHER]]


def manifest_totals(target: Target) -> dict[str, dict[str, int]]:
    """How many resources of each type each member has, where the target file names a dataset manifest."""
    if target.dataset.manifest is None:
        return {}
    try:
        members = orjson.loads(target.dataset.manifest.read_bytes())["members"]
        return {str(one["patient"]): dict(one["totals"]) for one in members}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a check of its own says that the manifest cannot be read


def arrivals_of_claims(target: Target) -> dict[str, list[datetime]]:
    """When claims arrive after the dataset's day, by patient, as its manifest says."""
    if target.dataset.manifest is None:
        return {}
    try:
        rows = orjson.loads(target.dataset.manifest.read_bytes())["members"]
        found = {
            str(row["patient"]): sorted(
                datetime.fromisoformat(one["at"])
                for one in row["arrives"]
                if str(one["reference"]).startswith("ExplanationOfBenefit/")
            )
            for row in rows
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a check of its own says that the manifest cannot be read
    return {patient: times for patient, times in found.items() if times}


@pytest.fixture(scope="session")
def member_record(
    workbench: Workbench, http: Http, target: Target, app_of: Callable[[Any], App]
) -> Callable[[Member], Record]:
    """A member's record, opened with the member's own token."""

    def opened(member: Member) -> Record:
        grant = app_of(target.client[0]).grant(member)
        return Record(FhirClient(http, target.server.fhir_base, grant.access_token), grant.patient, member.label)

    return opened


@pytest.fixture(scope="session")
def judges(request: pytest.FixtureRequest, http: Http, target: Target) -> Callable[[str], Judge]:
    """The judge of an interface (fhir, directory, formulary), with its records and answers so far.

    Signing in is asked for only where members' records are: an open interface is judged where nothing else is.
    """
    made: dict[str, Judge] = {}

    def of(base: str) -> Judge:
        if base not in made and base == "fhir":
            control(target.client and target.member, "the target file names a [[client]] and a [[member]]")
            most = request.config.getoption("--members-judged")
            members = reading_members(target, most)
            member_record: Callable[[Member], Record] = request.getfixturevalue("member_record")
            records = tuple(member_record(one) for one in members[:most])
            made[base] = Judge(records, target.server.guides, map(member_record, members[most:]))
        elif base not in made:
            own = str(getattr(target.server, f"{base}_base"))
            # Without an interface of its own it is part of the members' interface, and read as a member's app reads it.
            shut = not own and target.client and target.member
            token = a_members_token(request, target) if shut else ""
            fhir = FhirClient(http, own or target.server.fhir_base, token)
            made[base] = Judge((Record(fhir),), target.server.guides)
        return made[base]

    return of


def a_members_token(request: pytest.FixtureRequest, target: Target) -> str:
    """The access token of this worker's first member."""
    app_of: Callable[[Any], App] = request.getfixturevalue("app_of")
    return app_of(target.client[0]).grant(request.getfixturevalue("member")).access_token


@pytest.fixture(scope="session")
def data_as_of(target: Target, capability_statement_answer: Answer) -> datetime:
    """The day a target's data are of: the dataset's own, where the target file names its manifest, else the target's present."""
    path = target.dataset.manifest
    try:
        if path is not None:
            return datetime.fromisoformat(str(orjson.loads(path.read_bytes())["as_of"]))
        return parsedate_to_datetime(capability_statement_answer.header("date")).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError):
        return datetime.now(UTC)


@pytest.fixture
def judge(case: Case, judges: Callable[[str], Judge], request: pytest.FixtureRequest) -> Judge:
    """The judge of the case's interface."""
    if case is NONE:
        not_applicable("the target claims no guide that asks for this")
    if left_to_the_server(case) and case.type not in (listed := types_listed(request) or (case.type,)):
        not_applicable(
            f"the CapabilityStatement lists no {case.type} among its {len(listed)} types: US Core asks for Patient and leaves the others to the "
            "server; whether the payer holds such data is judged by completeness"
        )
    return judges(case.base)


def left_to_the_server(case: Case) -> bool:
    """Whether a guide leaves it to the server to support a type: US Core asks for Patient and one more, and PDex builds on US Core."""
    return case.guide.partition("@")[0] in ("us-core", "pdex") and case.type not in ALWAYS


@pytest.fixture
def needs_type(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Ends a check where the CapabilityStatement does not list the type it is about."""

    def ask(type: str) -> None:
        listed = types_listed(request)
        if listed and type not in listed:
            not_applicable(f"the CapabilityStatement lists no {type} among its {len(listed)} types")

    return ask


def types_listed(request: pytest.FixtureRequest) -> set[str]:
    """The resource types the target's CapabilityStatement lists; none where it cannot be read, which a check of its own tells."""
    try:
        statement = request.getfixturevalue("capability_statement")
    except (Inconclusive, NonConformance):
        return set()
    return listed_types(statement)


def listed_types(statement: dict[str, Any]) -> set[str]:
    """The resource types a CapabilityStatement lists."""
    rest = statement.get("rest")
    held = [one.get("resource") for one in rest if isinstance(one, dict)] if isinstance(rest, list) else []
    return {
        str(one.get("type")) for listed in held if isinstance(listed, list) for one in listed if isinstance(one, dict)
    }
