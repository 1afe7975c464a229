"""Vital signs by their LOINC code (FHIR R4 observation-vitalsigns.html): such an Observation must follow the profile of its sign."""

from __future__ import annotations

from typing import Any

_LOINC = "http://loinc.org"
_PROFILE = "http://hl7.org/fhir/StructureDefinition/"
_BY_CODE = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "59408-5": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "8306-3": "bodyheight",
    "8287-5": "headcircum",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
    "8480-6": "bp",
    "8462-4": "bp",
}


def vital_signs_profiles(observation: dict[str, Any]) -> list[str]:
    """The FHIR vital signs profiles that an Observation's LOINC codes call for."""
    code = observation.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    found: list[str] = []
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == _LOINC and isinstance(coding.get("code"), str):
            name = _BY_CODE.get(coding["code"])
            if name is not None and _PROFILE + name not in found:
                found.append(_PROFILE + name)
    return found
