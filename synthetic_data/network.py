"""The payer and its providers: organizations with sites, clinicians with roles, made from the seed alone.

The list is `codes/providers.yaml`. Members, claims and the provider directory all speak of these.
"""

from __future__ import annotations

from synthetic_data.npi import npi
from synthetic_data.people.names import Names
from synthetic_data.records import Address, Clinician, Code, LineOfBusiness, Name, Network, ProviderOrganization, Site
from synthetic_data.seeds import digits, stream
from synthetic_data.yaml_tables import table

TAXONOMY = "http://nucc.org/provider-taxonomy"


def make_network(seed: int) -> Network:
    """Everybody who may give care in a dataset of this seed."""
    listed = table("codes/providers.yaml")
    serial = int(digits(seed, 4, "npi")) * 1000
    payer = _organization(seed, {**listed["payers"]["bh"], "kind": "payer", "line": ["bh", "ma", "qhp"]}, serial)
    others = tuple(
        _organization(seed, {**row, "kind": "payer", "line": []}, serial + 1 + number)
        for number, row in enumerate(listed["other_payers"])
    )
    organizations = tuple(
        _organization(seed, row, serial + 10 + number) for number, row in enumerate(listed["organizations"])
    )
    clinicians: list[Clinician] = []
    for organization, row in zip(organizations, listed["organizations"], strict=True):
        for profession, count in row["staff"].items():
            for _ in range(count):
                clinicians.append(
                    _clinician(seed, len(clinicians), profession, listed["professions"], organization, serial)
                )
    return Network(
        payer=payer,
        other_payers=others,
        organizations=organizations,
        clinicians=tuple(clinicians),
        organization_of={one.id: one for one in (payer, *others, *organizations)},
        clinician_of={one.id: one for one in clinicians},
    )


def _organization(seed: int, row: dict[str, object], serial: int) -> ProviderOrganization:
    identifier = str(row["id"])
    random = stream(seed, "organization", identifier)
    people = table("people/tables.yaml")
    state = str(row["state"])
    cities = row.get("cities") or [row["city"]]
    assert isinstance(cities, list)
    sites = []
    for number, city in enumerate(cities, start=1):
        place = next(one for one in people["places"][state] if one["city"] == city)
        street = (
            f"{random.randrange(100, 9900)} {random.choice(people['streets'])} {random.choice(people['street_kinds'])}"
        )
        address = Address(
            line=(street, f"Suite {random.randrange(100, 400)}"),
            city=place["city"],
            county=place["county"],
            state=state,
            postal_code=place["postal_code"],
        )
        sites.append(
            Site(
                id=f"loc-{identifier.removeprefix('org-')}-{number}",
                name=f"{row['name']}, {city}",
                address=address,
                phone=f"{place['area']}-555-01{random.randrange(100):02d}",
                latitude=round(place["latitude"] + random.uniform(-0.02, 0.02), 4),
                longitude=round(place["longitude"] + random.uniform(-0.02, 0.02), 4),
            )
        )
    lines = row["line"]
    assert isinstance(lines, list)
    line_of_business: tuple[LineOfBusiness, ...] = tuple(lines)
    domain = identifier.removeprefix("org-")
    return ProviderOrganization(
        id=identifier,
        npi=npi(serial),
        tax_id=f"00-{digits(seed, 7, 'tax', identifier)}",
        clia=f"99D{digits(seed, 7, 'clia', identifier)}" if row["kind"] in {"laboratory", "hospital"} else "",
        name=str(row["name"]),
        kind=str(row["kind"]),
        line_of_business=line_of_business,
        sites=tuple(sites),
        phone=sites[0].phone,
        email=f"office@{domain}.example",
        in_network=bool(row.get("in_network", True)),
    )


def _clinician(
    seed: int,
    number: int,
    profession: str,
    professions: dict[str, dict[str, str]],
    organization: ProviderOrganization,
    serial: int,
) -> Clinician:
    random = stream(seed, "clinician", number)
    row = professions[profession]
    gender = "female" if random.random() < 0.62 else "male"
    names = Names.of("es_MX" if random.random() < 0.2 else "en_US")
    name = Name(
        family=names.family(random),
        given=(names.given(random, gender), names.given(random, gender)[0]),
        prefix=(row["prefix"],) if "prefix" in row else (),
        suffix=(row["suffix"],) if "suffix" in row else (),
    )
    site = organization.sites[number % len(organization.sites)]
    code = Code(TAXONOMY, row["taxonomy"], row["text"])
    identifier = f"prac-{number + 1:03d}"
    spanish = (Code("urn:ietf:bcp:47", "es", "Spanish"),) if random.random() < 0.3 else ()
    return Clinician(
        id=identifier,
        npi=npi(serial + 100 + number),
        name=name,
        gender=gender,
        profession=profession,
        role=code,
        specialty=code,
        organization=organization.id,
        site=site.id,
        phone=site.phone,
        email=f"{identifier}@{organization.email.split('@')[1]}",
        languages=(Code("urn:ietf:bcp:47", "en", "English"), *spanish),
        prescriber=bool(row.get("prescriber", False)),
    )
