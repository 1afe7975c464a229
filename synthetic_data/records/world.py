"""What members share: the payer's network, the guide versions, the moment a dataset shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from synthetic_data.records.values import Address, Code, LineOfBusiness, Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place where care is given; rendered as Location/ID."""

    id: str
    name: str
    address: Address
    phone: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOrganization:
    """An organization that gives care (or the payer itself); rendered as Organization/ID.

    `kind`: payer | clinic | hospital | residential | opioid-treatment | crisis | laboratory | pharmacy | dental | primary-care.
    """

    id: str
    npi: str
    tax_id: str
    clia: str
    name: str
    kind: str
    line_of_business: tuple[LineOfBusiness, ...]
    sites: tuple[Site, ...]
    phone: str
    email: str
    in_network: bool = True

    @property
    def site(self) -> Site:
        """Its first site."""
        return self.sites[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinician:
    """A practitioner; rendered as Practitioner/ID and PractitionerRole/ID-role."""

    id: str
    npi: str
    name: Name
    gender: str
    profession: str
    role: Code
    specialty: Code
    organization: str
    site: str
    phone: str
    email: str
    languages: tuple[Code, ...]
    prescriber: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The payer, the providers and the pharmacies of one dataset; depends on the seed alone."""

    payer: ProviderOrganization
    other_payers: tuple[ProviderOrganization, ...]
    organizations: tuple[ProviderOrganization, ...]
    clinicians: tuple[Clinician, ...]
    organization_of: dict[str, ProviderOrganization] = field(repr=False)
    clinician_of: dict[str, Clinician] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Guides:
    """The guide versions to render."""

    us_core: str
    carin_bb: str
    pdex: str
    plan_net: str
    formulary: str


FAMILIES: dict[str, Guides] = {
    "legacy": Guides(us_core="3.1.1", carin_bb="1.0.0", pdex="1.0.0", plan_net="1.0.0", formulary="1.1.0"),
    "current": Guides(us_core="6.1.0", carin_bb="2.0.0", pdex="2.0.0", plan_net="1.1.0", formulary="2.0.1"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is the same for all members of a dataset: the seed, the moment it shows, the guides, the network."""

    seed: int
    as_of: datetime
    family: str
    guides: Guides
    network: Network
