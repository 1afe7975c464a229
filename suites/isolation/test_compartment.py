"""One member's token never opens another member's record: FHIR-COMPARTMENT-01 (FHIR R4 compartments, 42 CFR 431.60, HIPAA)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from suites.kit.app import App, Attempt, Grant
from suites.kit.expectations import expect_operation_outcome
from suites.kit.fhir import FhirClient, entries, resource_of
from suites.kit.forms import Journey
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.page_forms import Element
from suites.kit.portal import login_steps
from suites.kit.recipe import APPROVE_ALL
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench

pytestmark = pytest.mark.requirement("FHIR-COMPARTMENT-01")


def expect_nothing_of(answer: Answer, patient: str) -> None:
    """A refusal with an OperationOutcome, or an empty searchset: nothing of the other member."""
    if answer.status == 200:
        bundle = answer.object()
        owned = [one for one in entries(bundle) if resource_of(one).get("resourceType") != "OperationOutcome"]
        expect(
            not owned and bundle.get("resourceType") == "Bundle",
            "nothing of another member may be found",
            expected="no entries, or 403 or 404",
            found=f"{len(owned)} entries",
            evidence=answer.evidence,
        )
    else:
        expect_operation_outcome(answer, (401, 403, 404), "another member's record must be refused")
    expect(
        f"Patient/{patient}" not in answer.text.replace(answer.url, "")
        or answer.status != 200
        or not answer.object().get("entry"),
        "the answer must not point to the other member",
        evidence=answer.evidence,
    )


@pytest.fixture
def own_record(fhir: FhirClient, grant: Grant) -> None:
    """The control: the token reads the record it was given for."""
    control(fhir.read("Patient", grant.patient).status == 200, "the token reads its own patient")


def test_other_patient_is_not_read(fhir: FhirClient, grant: Grant, own_record: None, other_member: Member) -> None:
    """Reading another member's Patient is refused with 403 or 404, and looks like absence."""
    control(other_member.patient != grant.patient, "the other member is another one")
    answer = fhir.read("Patient", other_member.patient)
    expect_operation_outcome(answer, (403, 404), "another member's Patient must be refused")


@pytest.mark.parametrize("resource", ["Coverage", "ExplanationOfBenefit", "Condition", "Encounter", "Observation"])
def test_search_for_other_patient_finds_nothing(
    fhir: FhirClient,
    grant: Grant,
    own_record: None,
    other_member: Member,
    needs_type: Callable[[str], None],
    resource: str,
) -> None:
    """A search that names another patient is refused or finds nothing, where the same search finds the own record."""
    needs_type(resource)
    own = fhir.search(resource, {"patient": grant.patient})
    control(own.status == 200, f"the same search for the own patient is answered: {resource}", own.status)
    expect_nothing_of(fhir.search(resource, {"patient": other_member.patient}), other_member.patient)


def test_patient_search_by_id_finds_only_the_own(
    fhir: FhirClient, grant: Grant, own_record: None, other_member: Member
) -> None:
    """Patient?_id=… of another member is refused or finds nothing."""
    expect_nothing_of(fhir.search("Patient", {"_id": other_member.patient}), other_member.patient)


def test_unlimited_search_stays_in_the_record(
    fhir: FhirClient, grant: Grant, own_record: None, other_member: Member
) -> None:
    """A search without a patient parameter is refused, or finds the own record only."""
    answer = fhir.search("Patient", {"_count": "50"})
    if answer.status != 200:
        expect_operation_outcome(answer, (400, 403), "a search without a patient must be refused or limited")
        return
    ids = [resource_of(one).get("id") for one in entries(answer.object())]
    control(grant.patient in ids, "the own Patient is found", ids)
    expect(
        set(ids) == {grant.patient},
        "only the own Patient may be found",
        expected=grant.patient,
        found=f"{len(set(ids))} patients",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("CONNEX-V.B.4", "HEALTHSHARE-2.1.1-RESOURCE-OWNER")
def test_person_not_offered_cannot_be_chosen(
    workbench: Workbench, app: App, member: Member, other_member: Member, target: Target
) -> None:
    """A consent form forged to name another member's record gives no access to it."""
    choose = next((step for step in target.login.step if step.do == "choose"), None)
    name = re.search(r"name=['\"]?([\w.-]+)", choose.at) if choose else None
    approve = next((step for step in target.login.step if step.do == "approve"), None)
    if not target.login.plain_forms or name is None or approve is None:
        not_applicable("the login recipe has no choose step to forge, or needs a browser")
    request, verifier = app.request()
    journey = Journey(workbench.http, request, member.identity(), APPROVE_ALL, {})
    control(app.authorize(member).landing.value("code"), "the unforged consent is granted")
    journey.cookies = {host: dict(held) for host, held in workbench.forms.sessions.get(member.username, {}).items()}
    journey.open("GET", request.url)
    journey.follow_what_is_asked(login_steps(workbench))
    buttons = journey.page.find(approve.at)
    control(buttons and buttons[0].form is not None, "the consent page shows its approving button")
    form = buttons[0].form
    assert form is not None
    for element in [one for one in form.controls if one.name == name[1]]:
        form.controls.remove(element)
    form.controls.append(Element("input", {"name": name[1], "type": "hidden"}, form, value=other_member.patient))
    landing = journey.finish(lambda: journey.press(buttons[0]))
    if not landing.value("code"):
        return
    attempt = Attempt(request, landing, verifier)
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    expect(
        grant.body.get("patient") != other_member.patient,
        "nobody's record may be chosen who was not offered",
        expected=member.patient,
        found=grant.body.get("patient"),
        evidence=grant.answer.evidence,
    )
