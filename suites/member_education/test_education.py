"""What members can read before they share: CMS9115-431.60-g*, DEAN-*, CONNEX-IV.A.j-* (42 CFR 431.60(g), formerly (f)).

Words prove that a subject is there; whether it is in plain language is for the reviewer (the catalogue says what to look at).
"""

from __future__ import annotations

import pytest

from suites.kit.http import Http
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.page_reading import Visit, visit
from suites.kit.target import Target

OCR = (r"office for civil rights", r"\bOCR\b")
FTC = (r"federal trade commission", r"\bFTC\b")


@pytest.fixture(scope="module")
def first_visit(http: Http, target: Target) -> Visit:
    """The page on choosing an app, as a visitor finds it."""
    if not target.server.education_url:
        not_applicable("the target file names no education_url")
    return visit(http, target.server.education_url)


@pytest.fixture(scope="module")
def education(first_visit: Visit) -> Visit:
    """The page, open."""
    control(
        first_visit.answer.status == 200 and not first_visit.page.find("input[type=password]"),
        "the page opens for anyone",
        first_visit.answer.status,
    )
    return first_visit


def expect_subjects(education: Visit, subjects: dict[str, tuple[str, ...]]) -> None:
    """Every subject is on the page, said in one of several ways."""
    judged(len(subjects))
    with findings() as found:
        for subject, ways in subjects.items():
            found.check(
                education.says(*ways),
                f"the page must speak of {subject}",
                expected=" or ".join(ways),
                evidence=education.answer.evidence,
            )


@pytest.mark.requirement("CMS9115-431.60-g1", "DEAN-PAGE-PUBLIC-01")
def test_page_opens_for_anyone(first_visit: Visit) -> None:
    """Current and former members read the page without an account."""
    answer = first_visit.answer
    expect(
        answer.status == 200,
        "the page must open for anyone",
        expected="status 200",
        found=answer.status,
        evidence=answer.evidence,
    )
    expect(
        not first_visit.page.find("input[type=password]"),
        "no login may stand before the page",
        found=first_visit.url,
        evidence=answer.evidence,
    )
    expect(
        len(first_visit.text) > 400,
        "the page must hold information",
        found=f"{len(first_visit.text)} characters",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("CMS9115-431.60-g1", "DEAN-READ-POLICY-01", "CONNEX-IV.A.j-STEPS")
def test_page_gives_privacy_steps(education: Visit) -> None:
    """Steps to protect one's privacy and security are named, reading the app's policy among them."""
    expect_subjects(
        education,
        {
            "steps to protect privacy": (r"protect (your|one's) (privacy|information)", r"steps .*privacy"),
            "reading the app's privacy policy": (r"privacy (policy|notice)",),
            "a good password or lock": (r"password", r"lock your phone"),
        },
    )


@pytest.mark.requirement("CMS9115-431.60-g1", "DEAN-CONSIDER-USE-01")
def test_page_helps_selecting_an_app(education: Visit) -> None:
    """Questions on sale, disclosure, purposes and limits of use help to select an app."""
    expect_subjects(
        education,
        {
            "sale of data": (r"\bsell",),
            "disclosure to others": (r"disclos", r"share .*(third|others)"),
            "purposes of use": (r"what does it use", r"purpose"),
            "limiting use": (r"limit how", r"limit .*use"),
        },
    )


@pytest.mark.requirement("DEAN-CONSIDER-TERMINATE-01")
def test_page_helps_ending_access(education: Visit) -> None:
    """Questions on ending access and on deletion are there."""
    expect_subjects(
        education,
        {
            "ending access": (r"end (its|the app's)? ?access", r"stop sharing", r"terminat", r"revoke"),
            "deletion": (r"delet",),
        },
    )


@pytest.mark.requirement("DEAN-CONSIDER-PRACTICE-01", "CONNEX-IV.A.j-APPSEC")
def test_page_helps_judging_practices(education: Visit) -> None:
    """Questions on changes of policy, device data and security are there."""
    expect_subjects(
        education,
        {"changes of the policy": (r"chang",), "data of the device": (r"location", r"device"), "security": (r"secur",)},
    )


@pytest.mark.requirement("DEAN-CONSIDER-RIGHTS-01")
def test_page_helps_judging_rights(education: Visit) -> None:
    """Questions on family members, access and correction, and complaints are there."""
    expect_subjects(
        education,
        {
            "effects on others": (r"family", r"others"),
            "access and correction": (r"correct",),
            "complaints": (r"complain",),
        },
    )


@pytest.mark.requirement("CMS9115-431.60-g1")
def test_page_tells_of_secondary_uses(education: Visit) -> None:
    """Secondary uses of data by apps are explained."""
    expect_subjects(education, {"secondary uses": (r"advertis", r"research", r"secondary use", r"other purposes")})


@pytest.mark.requirement("CMS9115-431.60-g2", "CONNEX-IV.A.j-HIPAA")
def test_page_tells_who_must_follow_hipaa(education: Visit) -> None:
    """Who is and who is not covered by HIPAA is explained: plans and doctors are, most apps are not."""
    expect_subjects(
        education,
        {
            "covered entities": (
                r"(health plans?|doctors|providers|hospitals).{0,120}(must follow|covered)",
                r"covered entit",
            ),
            "apps that are not": (r"(most apps|apps).{0,120}(need not|not (be )?covered|are not|do not have to)",),
            "HIPAA by name": (r"HIPAA",),
        },
    )


@pytest.mark.requirement("CMS9115-431.60-g2", "DEAN-OCR-01", "CONNEX-IV.A.j-OCR-FTC")
def test_page_gives_the_way_to_ocr(education: Visit) -> None:
    """The Office for Civil Rights, what it oversees and how to complain to it are there."""
    expect_subjects(
        education,
        {"the Office for Civil Rights": OCR, "its complaint form": (r"hhs[.]gov",), "a complaint": (r"complain",)},
    )


@pytest.mark.requirement("CMS9115-431.60-g2", "DEAN-FTC-01", "CONNEX-IV.A.j-COMPLAINT")
def test_page_gives_the_way_to_the_ftc(education: Visit) -> None:
    """The Federal Trade Commission, what it oversees and how to complain to it, by phone and web, are there."""
    expect_subjects(
        education,
        {
            "the Federal Trade Commission": FTC,
            "its complaint form": (r"reportfraud[.]ftc[.]gov", r"ftc[.]gov"),
            "its phone": (r"1?-?877-?382-?4357", r"877.{0,3}FTC"),
        },
    )


@pytest.mark.requirement("DEAN-NOPROTECT-01", "CONNEX-IV.A.i")
def test_page_warns_of_the_limits_of_protection(education: Visit) -> None:
    """Once an app holds the data the payer cannot protect them, and choosing the app is the member's own business."""
    expect_subjects(
        education,
        {
            "the end of the payer's protection": (r"cannot protect", r"no longer protect", r"not (be )?protected"),
            "the member's own responsibility": (r"up to you", r"your (own )?responsib", r"choosing .*app"),
        },
    )


@pytest.mark.requirement("DEAN-BENEFITS-01")
def test_page_tells_of_benefits(education: Visit) -> None:
    """Plain examples of what apps can do are there."""
    expect_subjects(
        education,
        {
            "combined records": (r"in one place", r"combin", r"several doctors"),
            "conditions or prescriptions": (r"prescription", r"chronic", r"medication"),
        },
    )


@pytest.mark.requirement("DEAN-DEVLINK-01")
def test_page_links_to_developer_information(education: Visit, target: Target) -> None:
    """The page links to the information for developers."""
    links = [
        (url, text)
        for url, text in education.links
        if "develop" in (url + text).lower() or url.rstrip("/") == target.server.documentation_url.rstrip("/")
    ]
    expect(
        links,
        "the page must link to the API information for developers",
        found=f"{len(education.links)} links, none of them",
        evidence=education.answer.evidence,
    )


@pytest.mark.requirement("DEAN-APP-GALLERY-01")
def test_gallery_is_no_closed_list(http: Http, education: Visit) -> None:
    """Where an app gallery is linked, it opens and says that other apps may be used too."""
    gallery = next((url for url, text in education.links if "gallery" in (url + text).lower()), "")
    if not gallery:
        not_applicable("the page links to no app gallery")
    opened = visit(http, gallery)
    expect(
        opened.answer.status == 200,
        "the gallery must open",
        found=opened.answer.status,
        evidence=opened.answer.evidence,
    )
    expect(
        opened.says(r"any (other )?app", r"other apps?", r"sample"),
        "the gallery must say that it is no closed list",
        found=opened.text[:160],
        evidence=opened.answer.evidence,
    )


@pytest.mark.requirement("CONNEX-VII-HANDBOOK")
def test_page_is_there_in_spanish(http: Http, education: Visit) -> None:
    """The page is offered in Spanish too, where English and Spanish are the threshold languages."""
    spanish = next((url for url, text in education.links if "español" in text.lower() or "spanish" in text.lower()), "")
    buttons = [one for one in education.page.elements if one.tag == "button" and "español" in one.text.lower()]
    expect(
        spanish or buttons,
        "the page must be offered in Spanish",
        found="no link to Español",
        evidence=education.answer.evidence,
    )
    if spanish:
        opened = visit(http, spanish)
        expect(
            opened.says(r"\binformación\b", r"\bsalud\b"),
            "the Spanish page must be in Spanish",
            found=opened.text[:160],
            evidence=opened.answer.evidence,
        )
