"""Documentation anyone can read, with what the rule requires in it: CMS9115-431.60-d* (42 CFR 431.60(d) and its parallels).

Words prove that a subject is there; whether it is explained well is for the reviewer (the catalogue says what to look at).
"""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.http import Http
from suites.kit.outcomes import NonConformance, Undecided, control, expect, findings, judged, not_applicable, trail
from suites.kit.page_reading import GATES, Visit, same_site, visit
from suites.kit.target import Target

PAGES = 12  # pages of the same site read besides the first


@pytest.fixture(scope="module")
def first_page(http: Http, target: Target) -> Visit:
    """The page developers are pointed to."""
    if not target.server.documentation_url:
        not_applicable("the target file names no documentation_url")
    return visit(http, target.server.documentation_url)


@pytest.fixture(scope="module")
def documentation(http: Http, first_page: Visit) -> list[Visit]:
    """The documentation: its first page and the pages of the same folder it links to."""
    control(first_page.answer.status == 200, "the documentation is reachable", first_page.answer.status)
    control(not first_page.page.find("input[type=password]"), "no login stands before the documentation")
    folder = first_page.url.rstrip("/")
    below = [url for url in same_site(first_page) if url.startswith(folder) and url.rstrip("/") != folder]
    return [first_page, *(visit(http, url) for url in below[:PAGES])]


def says(documentation: list[Visit], *ways: str) -> bool:
    """Whether any page says something in any of several ways."""
    return any(page.says(*ways) for page in documentation)


@pytest.mark.requirement("CMS9115-431.60-d-PUBLIC", "SHM-DOC-PUBLIC-01")
def test_documentation_opens_for_anyone(first_page: Visit, target: Target) -> None:
    """The documentation opens without an account: status 200, no login page in the way."""
    answer = first_page.answer
    expect(
        answer.status == 200,
        "the documentation must open for anyone",
        expected="status 200",
        found=answer.status,
        evidence=answer.evidence,
    )
    password = first_page.page.find("input[type=password]")
    expect(
        not password,
        "no login may stand before the documentation",
        found=f"a password field at {first_page.url}",
        evidence=answer.evidence,
    )
    expect(
        len(first_page.text) > 300,
        "the page must hold documentation",
        found=f"{len(first_page.text)} characters of text",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("CMS9115-431.60-d-PUBLIC")
def test_documentation_asks_for_nothing_first(first_page: Visit) -> None:
    """No fee, account, e-mail address or consent to marketing is asked before the documentation is read."""
    gate = GATES.search(first_page.text)
    expect(
        not gate,
        "nothing may be asked before reading",
        found=gate[0] if gate else "",
        evidence=first_page.answer.evidence,
    )
    asked = first_page.page.find("input[type=email][required]")
    expect(
        not asked,
        "no e-mail address may be asked for",
        found="a required e-mail field",
        evidence=first_page.answer.evidence,
    )


@pytest.mark.requirement("CMS9115-431.60-d-PUBLIC")
def test_documentation_reads_without_scripts(first_page: Visit) -> None:
    """The text is in the page itself: it reads without running scripts."""
    expect(
        first_page.says("token", "authorization", "OAuth"),
        "the page must read without scripts",
        found=first_page.text[:120],
        evidence=first_page.answer.evidence,
    )


@pytest.mark.requirement("CMS9115-431.60-d1-SYNTAX")
def test_documentation_gives_the_addresses(
    documentation: list[Visit], smart_configuration: dict[str, Any], target: Target
) -> None:
    """The FHIR base and the authorization and token endpoints stand in the documentation, equal to what discovery says."""
    wanted = {
        "the FHIR base": target.server.fhir_base.rstrip("/"),
        "the authorization endpoint": str(smart_configuration["authorization_endpoint"]),
        "the token endpoint": str(smart_configuration["token_endpoint"]),
    }
    everything = " ".join(page.text + " ".join(url for url, _ in page.links) for page in documentation) + " "
    judged(len(wanted))
    with findings() as found:
        for what, url in wanted.items():
            # As a whole word, so that a longer address is not taken for it.
            there = any(
                f"{url}{end}" in everything
                for end in (" ", "/ ", ",", ".", ")", ";", '"', "'", "/metadata", "/Patient")
            )
            found.check(
                there, f"the documentation must give {what}", expected=url, evidence=documentation[0].answer.evidence
            )


@pytest.mark.requirement("CMS9115-431.60-d1-SYNTAX")
def test_documentation_names_the_functions(documentation: list[Visit]) -> None:
    """Read and search, metadata, authorize and token are named."""
    with findings() as found:
        for what, ways in {
            "reading a resource": (r"\bread\b", r"GET .*\{?id"),
            "searching": (r"\bsearch", r"\bquery"),
            "the CapabilityStatement": (r"metadata", r"CapabilityStatement"),
            "authorization": (r"authoriz",),
            "tokens": (r"token",),
        }.items():
            found.check(
                says(documentation, *ways),
                f"the documentation must name {what}",
                evidence=documentation[0].answer.evidence,
            )


@pytest.mark.requirement("CMS9115-431.60-d1-PARAMS")
def test_documentation_lists_parameters(documentation: list[Visit]) -> None:
    """Required and optional parameters stand there with data types: those of authorization, token request and search."""
    with findings() as found:
        for name in ("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "grant_type", "code"):
            found.check(
                says(documentation, rf"\b{name}\b"),
                f"the parameter {name} must be documented",
                evidence=documentation[0].answer.evidence,
            )
        found.check(
            says(documentation, r"\brequired\b", r"\bmandatory\b"), "which parameters are required must be said"
        )
        found.check(says(documentation, r"\boptional\b"), "which parameters are optional must be said")
        found.check(
            says(documentation, r"\bstring\b", r"\btoken\b.*\bdate\b"), "the data types of parameters must be said"
        )
        typed = r"\b(patient|_id|date|service-date|_lastUpdated)\b\W{0,12}(reference|token|date)\b"
        found.check(says(documentation, typed), "search parameters must be documented with their types")


@pytest.mark.requirement("CMS9115-431.60-d1-RETURNS")
def test_documentation_says_what_comes_back(documentation: list[Visit], request: pytest.FixtureRequest) -> None:
    """Return variables and their structures stand there: the token response and the Bundle."""
    returned = ["access_token", "patient", "Bundle"]
    try:
        # What a server may leave out (RFC 6749 section 5.1) need not be documented where it does.
        returned += [name for name in ("expires_in",) if name in request.getfixturevalue("grant").body]
    except (Undecided, NonConformance):
        trail().notes.append("nobody could sign in, so that the documentation was not held to a real token response")
    with findings() as found:
        for name in returned:
            found.check(
                says(documentation, rf"\b{name}\b"),
                f"{name} must be documented as what comes back",
                evidence=documentation[0].answer.evidence,
            )


@pytest.mark.requirement("CMS9115-431.60-d1-EXCEPTIONS")
def test_documentation_says_what_goes_wrong(documentation: list[Visit]) -> None:
    """Exceptions and what they return stand there: OAuth error codes, HTTP statuses, OperationOutcome."""
    with findings() as found:
        for what, ways in {
            "invalid_grant": (r"invalid_grant",),
            "invalid_client": (r"invalid_client",),
            "OperationOutcome": (r"OperationOutcome",),
            "status 401": (r"\b401\b",),
            "status 404": (r"\b404\b",),
            "status 429": (r"\b429\b", r"too many requests"),
        }.items():
            found.check(
                says(documentation, *ways),
                f"the documentation must tell of {what}",
                evidence=documentation[0].answer.evidence,
            )


@pytest.mark.requirement("CMS9115-431.60-d2")
def test_documentation_says_what_an_app_needs(documentation: list[Visit]) -> None:
    """Software components and configuration an app needs stand there."""
    with findings() as found:
        for what, ways in {
            "TLS": (r"\bTLS\b", r"https"),
            "OAuth 2.0": (r"OAuth",),
            "a FHIR client or JSON": (r"JSON", r"FHIR client"),
            "what an app needs": (
                r"what (an app|apps|you|your app) needs?",
                r"(software|technical) (components?|requirements?)",
                r"components? and configuration",
                r"prerequisites?",
            ),
        }.items():
            found.check(
                says(documentation, *ways),
                f"the documentation must tell of {what}",
                evidence=documentation[0].answer.evidence,
            )


@pytest.mark.requirement("CMS9115-431.60-d3")
def test_documentation_says_how_to_register(documentation: list[Visit]) -> None:
    """The way to register an app and what is asked for stand there."""
    with findings() as found:
        found.check(
            says(
                documentation,
                r"how (an|to|your) .*regist",
                r"regist(er|ration)\b.*\bapp",
                r"app\b.*\bregist(er|ration)",
            ),
            "how an app registers must be said",
        )
        found.check(
            says(documentation, r"redirect(_| )ur[il]|callback"),
            "what a registration supplies must be said: redirect URIs",
        )
        found.check(says(documentation, r"contact"), "what a registration supplies must be said: a contact")


@pytest.mark.requirement("SHM-PART2-NOTICE-01")
def test_documentation_tells_of_part_2(documentation: list[Visit]) -> None:
    """Developers are told that records may be protected by 42 CFR Part 2, which substance-use treatment is."""
    expect(
        says(
            documentation,
            r"(protected by|covered by|subject to) 42 CFR,? part 2\b",
            r"42 CFR,? part 2 (prohibits|restricts|protects|applies)",
        ),
        "the documentation must tell developers of 42 CFR Part 2",
        expected="42 CFR Part 2",
        evidence=documentation[0].answer.evidence,
    )


@pytest.mark.requirement("SHM-DOC-PROFILES-01")
def test_documentation_names_guides_and_versions(documentation: list[Visit], target: Target) -> None:
    """Each guide the target claims is named with its version."""
    if not target.server.guides:
        not_applicable("the target file claims no guides")
    names = {
        "us-core": r"US[ -]Core",
        "carin-bb": r"CARIN",
        "pdex": r"PDex|Payer Data Exchange",
        "hrex": r"HRex",
        "plan-net": r"Plan[ -]?Net",
        "formulary": r"Formulary",
        "pas": r"\bPAS\b|Prior Authorization Support",
    }
    judged(len(target.server.guides))
    with findings() as found:
        for guide in target.server.guides:
            name, _, version = guide.partition("@")
            found.check(
                says(documentation, names.get(name, name)),
                f"the documentation must name {name}",
                evidence=documentation[0].answer.evidence,
            )
            if version:
                found.check(
                    says(documentation, rf"\b{version.replace('.', '[.]')}\b"),
                    f"the documentation must say version {version} of {name}",
                    evidence=documentation[0].answer.evidence,
                )


@pytest.mark.requirement("BELITSOFT-STEP-2-LINKS", "SHM-DOC-PUBLIC-01")
def test_links_of_the_documentation_open(http: Http, first_page: Visit) -> None:
    """Every link of the documentation that stays on its site opens: no 404, no 5xx."""
    links = same_site(first_page)[:40]
    judged(len(links), "link")
    with findings() as found:
        for url in links:
            answer = http.get(url, headers={"Accept": "*/*"})
            found.check(
                answer.status not in (404, 410) and answer.status < 500,
                "a link of the documentation must open",
                found=answer.status,
                path=url,
                evidence=answer.evidence,
            )
