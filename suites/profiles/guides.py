"""Names of guides: `us-core@3.1.1`, `hl7.fhir.us.core@3.1.1`, `hl7.fhir.us.core#3.1.1`."""

from __future__ import annotations

from dataclasses import dataclass

PACKAGE_OF = {
    "us-core": "hl7.fhir.us.core",
    "carin-bb": "hl7.fhir.us.carin-bb",
    "pdex": "hl7.fhir.us.davinci-pdex",
    "hrex": "hl7.fhir.us.davinci-hrex",
    "plan-net": "hl7.fhir.us.davinci-pdex-plan-net",
    "formulary": "hl7.fhir.us.davinci-drug-formulary",
    "pas": "hl7.fhir.us.davinci-pas",
    "r4": "hl7.fhir.r4.core",
    "extensions": "hl7.fhir.uv.extensions.r4",
    "terminology": "hl7.terminology",
    "smart": "hl7.fhir.uv.smart-app-launch",
    "bulkdata": "hl7.fhir.uv.bulkdata",
}
SHORT_NAME_OF = {package: short for short, package in PACKAGE_OF.items()}


class UnknownGuide(ValueError):
    """A guide that is neither shipped, nor among the packages given, nor in the FHIR package cache."""


@dataclass(frozen=True, slots=True, order=True)
class GuideName:
    """One version of one package."""

    package: str
    version: str

    @property
    def short(self) -> str:
        """How people and issues name it: `us-core@3.1.1`."""
        return f"{SHORT_NAME_OF.get(self.package, self.package)}@{self.version}"

    @property
    def folder(self) -> str:
        """The name of its folder of tables."""
        return f"{SHORT_NAME_OF.get(self.package, self.package)}-{self.version}"

    def __str__(self) -> str:
        return self.short


def parse_guide(text: str) -> GuideName:
    """Read `NAME@VERSION` or `PACKAGE#VERSION`; the name may be the short one or the package id."""
    name, separator, version = text.strip().replace("#", "@").partition("@")
    if not (name and separator and version) or "/" in text or "\\" in text:
        raise UnknownGuide(f"{text!r} does not name a guide: write NAME@VERSION, as in us-core@3.1.1")
    return GuideName(PACKAGE_OF.get(name, name), version)
