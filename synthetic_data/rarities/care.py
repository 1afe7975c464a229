"""Care beyond the ordinary: devices, dentists, crises, stays, strangers to the network, and records in states other than most."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from synthetic_data.chart import SNOMED
from synthetic_data.notes import note_text
from synthetic_data.pathways import all_pathways
from synthetic_data.rarities.rare import Rare
from synthetic_data.records import (
    Allergy,
    Code,
    DentalLine,
    DentalVisit,
    Diagnosis,
    ImplantedDevice,
    MedicationCourse,
    Service,
    Visit,
)
from synthetic_data.stays import admit
from synthetic_data.yaml_tables import table


def device(rare: Rare) -> None:
    """Implanted devices: a nerve stimulator and a pacemaker."""
    chart = rare.chart
    for name, row in table("codes/prevention.yaml")["devices"].items():
        made = chart.at(chart.begins - timedelta(days=120), 9)
        identifier = chart.new_id("dev")
        lot, serial = f"LOT{len(identifier)}{name[:3].upper()}", f"SN-{identifier}"
        carrier = f"(01){row['di']}(11){made:%y%m%d}(17){made.year + 8 - 2000}0101(10){lot}(21){serial}"
        chart.devices.append(
            ImplantedDevice(
                id=identifier,
                kind=Code(SNOMED, *row["type"]),
                text=row["text"],
                udi_carrier=carrier,
                udi_device=row["di"],
                manufactured=made,
                expires=made.replace(year=made.year + 8),
                lot=lot,
                serial=serial,
                distinct=f"DIN-{identifier}",
                implanted=chart.begins,
            )
        )


def over_the_counter(rare: Rare) -> None:
    """A drug the member says they take."""
    visit = rare.visit(rare.chart.ends - timedelta(days=75))
    rare.chart.medications.append(_self_reported(rare.chart.new_id("med"), visit))


def dental(rare: Rare) -> None:
    """Dental care with tooth, surfaces and area."""
    chart = rare.chart
    office = chart.organization(rare.random, "dental")
    dentist = chart.clinician(rare.random, office, ["dentist"])
    codes = table("codes/prevention.yaml")["dental"]
    for back in (330, 150, 20):
        chart.dental.append(
            DentalVisit(
                id=chart.new_id("den"),
                when=chart.at(chart.ends - timedelta(days=back), 10),
                clinician=dentist.id,
                organization=office.id,
                location=dentist.site,
                lines=(
                    DentalLine(code=codes[0], tooth=None, surfaces=(), quadrant=None),
                    DentalLine(code=codes[1], tooth="2", surfaces=("M", "O"), quadrant=None),
                    DentalLine(code=codes[2], tooth=None, surfaces=(), quadrant="10"),
                ),
            )
        )


def emergency(rare: Rare) -> None:
    """A crisis visit with a diagnosis of its own, so that emergency is a class and encounter diagnosis a category of somebody's."""
    chart = rare.chart
    thoughts, day = chart.new_id("cond"), chart.ends - timedelta(days=200)
    place = chart.organization(rare.random, "crisis")
    visit = chart.visit(rare.random, "crisis", day, "wellness", place, (thoughts,))
    chart.diagnoses.append(
        Diagnosis(
            id=thoughts,
            pathway="wellness",
            icd10=Code("http://hl7.org/fhir/sid/icd-10-cm", "R45.851", "Suicidal ideations"),
            snomed=Code(SNOMED, "6471006", "Suicidal thoughts"),
            text="Suicidal ideations",
            onset=visit.start.date(),
            recorded=visit.start + timedelta(minutes=20),
            abatement=visit.start.date() + timedelta(days=14),
            severity=None,
            clinical_status="resolved",
            category="encounter-diagnosis",
            visit=visit.id,
        )
    )


def stays(rare: Rare) -> None:
    """An involuntary stay in a psychiatric hospital and crisis stabilization, each with its ride and its claims."""
    chart = rare.chart
    diagnosis = next((one for one in chart.diagnoses if not one.part2), None)
    if diagnosis is None:
        return
    pathway = next(one for one in all_pathways() if one.key == "major_depression")
    for kind, back in (("inpatient_psychiatric", 300), ("crisis_stabilization", 240)):
        row = {"kind": kind, "involuntary": 1.0}
        longest = timedelta(days=table("codes/services.yaml")["stays"][kind]["days"][1])
        days = (chart.ends - timedelta(days=back - later) for later in range(40))
        day = next((one for one in days if chart.clear_for_stay(one, one + longest)), None)
        if day is None:
            continue
        admit(chart, rare.random, pathway, row, day, chart.ends, (diagnosis.id,))
        if chart.authorizations and chart.authorizations[-1].subject == chart.admissions[-1].id:
            chart.authorizations[-1] = replace(chart.authorizations[-1], wish="approved")


def out_of_network(rare: Rare) -> None:
    """Therapy with somebody outside the network."""
    elsewhere = next((one for one in rare.chart.providers.network.organizations if not one.in_network), None)
    if elsewhere is not None:
        for back in (160, 130, 100):
            day = rare.chart.ends - timedelta(days=back)
            diagnoses = tuple(one.id for one in rare.chart.diagnoses[:1])
            rare.chart.visit(rare.random, "psychotherapy", day, "wellness", elsewhere, diagnoses)


def other_states(rare: Rare) -> None:
    """Records in other states than most: what was resolved, replaced, withdrawn, not done, not ready, put on hold."""
    chart, random = rare.chart, rare.random
    visit = rare.visit(chart.ends - timedelta(days=25))
    missed = rare.visit(chart.ends - timedelta(days=18))
    chart.visits[-1] = replace(missed, status="cancelled", billable=False)
    old = chart.document("history", visit, note_text(random, "history", "Preventive visit", 0.1))
    chart.documents[-1] = replace(old, status="superseded")
    chart.order_laboratory(random, "lipids", visit, None, 0, False)
    chart.labs[-1] = replace(chart.labs[-1], status="preliminary")
    chart.measure("smoking", visit, Code(SNOMED, "266919005", "Never smoked tobacco"), status="entered-in-error")
    chart.services.append(
        Service(
            id=chart.new_id("proc"),
            kind="depression_screening",
            start=visit.start,
            end=visit.start,
            visit=visit.id,
            clinician=visit.clinician,
            organization=visit.organization,
            reason=None,
            status="not-done",
        )
    )
    chart.medications.append(replace(_self_reported(chart.new_id("med"), visit), status="on-hold"))
    chart.allergies.append(
        Allergy(
            id=chart.new_id("all"),
            substance=Code(SNOMED, "102263004", "Eggs"),
            category="food",
            reaction=Code(SNOMED, "126485001", "Urticaria"),
            severity="mild",
            onset=None,
            recorded=visit.end,
            clinical_status="resolved",
        )
    )
    for place, course in enumerate(chart.medications):
        if course.fills:  # put aside at the counter and never fetched
            fills = (*course.fills[:-1], replace(course.fills[-1], status="cancelled"))
            chart.medications[place] = replace(course, fills=fills)
            break
    if chart.assessments:
        chart.assessments[-1] = replace(chart.assessments[-1], status="amended")
    if chart.devices:
        chart.devices[-1] = replace(chart.devices[-1], status="inactive")


def _self_reported(identifier: str, visit: Visit) -> MedicationCourse:
    return MedicationCourse(
        id=identifier,
        drug="acetaminophen",
        pathway="wellness",
        start=visit.start,
        end=None,
        status="active",
        stop_reason=None,
        visit=visit.id,
        prescriber=visit.clinician,
        diagnosis=None,
        days_supply=30,
        refills=0,
        fills=(),
        self_reported=True,
    )
