"""Ways of asking for another member's record: an attack is a request, made from what is known of the prey, with the hunter's token.

Pure: attacks are made by seeded combination of a way and one of the prey's resources, and `leaked` judges what came back. Known are ids, identifiers,
page links and document addresses, as an app of the other member, or somebody reading over a shoulder, would know them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

Params = tuple[tuple[str, str], ...]
OWNERS = ("patient", "subject", "beneficiary")


@dataclass(frozen=True)
class Known:
    """One resource of the prey's, as far as an attacker knows it."""

    type: str
    id: str
    version: str = "1"
    identifier: str = ""


@dataclass(frozen=True)
class Prey:
    """What is known of the other member. `own` counts the hunter's own resources by type, so that these are no leak."""

    patient: str
    hunter: str
    base: str
    known: tuple[Known, ...]
    family: str = ""
    next_links: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    own: dict[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> frozenset[str]:
        """`Type/id` of everything known."""
        return frozenset(f"{one.type}/{one.id}" for one in self.known)


@dataclass(frozen=True)
class Attack:
    """One request."""

    way: str
    type: str
    path: str
    params: Params = ()
    post: bool = False
    counts: bool = False  # whether a total above zero tells of the prey


Way = Callable[[Prey, Known], Iterator[tuple[str, Params]]]


def patient_parameter(type: str) -> str:
    """The search parameter that names the patient."""
    return "_id" if type == "Patient" else "patient"


def reading(prey: Prey, one: Known) -> Iterator[tuple[str, Params]]:
    """Read, version read, histories."""
    yield f"{one.type}/{one.id}", ()
    yield f"{one.type}/{one.id}/_history/{one.version}", ()
    yield f"{one.type}/{one.id}/_history/1", ()
    yield f"{one.type}/{one.id}/_history", ()
    yield f"{one.type}/_history", (("_count", "50"),)
    yield f"{one.type}/{one.id}", (("_elements", "id,meta"),)
    yield f"{one.type}/{one.id}", (("_summary", "true"),)


def searching(prey: Prey, one: Known) -> Iterator[tuple[str, Params]]:
    """By id, identifier and every form of the patient, alone and beside the hunter's own."""
    name = patient_parameter(one.type)
    yield one.type, (("_id", one.id),)
    yield one.type, ((name, prey.hunter), ("_id", one.id))
    yield one.type, ((name, prey.patient),)
    yield one.type, ((name, f"{prey.hunter},{prey.patient}"),)
    yield one.type, ((name, prey.patient), (name, prey.hunter))
    if one.identifier:
        yield one.type, (("identifier", one.identifier),)
        yield one.type, (("identifier", one.identifier.partition("|")[2]),)
    if name == "patient":
        yield one.type, (("patient", f"Patient/{prey.patient}"),)
        yield one.type, (("patient", f"{prey.base}/Patient/{prey.patient}"),)
        yield one.type, (("patient:Patient", prey.patient),)
        yield one.type, (("subject", f"Patient/{prey.patient}"),)


def chaining(prey: Prey, one: Known) -> Iterator[tuple[str, Params]]:
    """Conditions over what a search reaches through references."""
    if one.type == "Patient":
        yield "Patient", (("family", prey.family or prey.patient), ("_id", prey.patient))
        return
    yield one.type, (("patient._id", prey.patient),)
    yield one.type, (("patient:Patient._id", prey.patient),)
    yield one.type, (("patient.family", prey.family or prey.patient),)
    yield one.type, (("patient", prey.hunter), ("patient._id", prey.patient))
    yield "Patient", ((f"_has:{one.type}:patient:_id", one.id),)
    yield "Patient", (("_id", prey.patient), (f"_has:{one.type}:patient:_id", one.id))


def including(prey: Prey, one: Known) -> Iterator[tuple[str, Params]]:
    """Includes, reverse includes and operations on the patient."""
    yield one.type, (("_id", one.id), ("_include", "*"))
    yield one.type, ((patient_parameter(one.type), prey.patient), ("_revinclude", "Provenance:target"))
    yield "Patient", (("_id", prey.patient), ("_revinclude", f"{one.type}:patient"))
    yield "Provenance", (("target", f"{one.type}/{one.id}"),)
    yield f"Patient/{prey.patient}/$everything", (("_type", one.type),)
    yield f"Patient/{prey.hunter}/$everything", (("_type", one.type), ("_count", "50"))
    yield "Patient/$everything", (("patient", prey.patient),)
    yield f"Patient/{prey.patient}/{one.type}", ()


def counting(prey: Prey, one: Known) -> Iterator[tuple[str, Params]]:
    """Totals."""
    name = patient_parameter(one.type)
    yield one.type, ((name, prey.patient), ("_summary", "count"))
    yield one.type, ((name, prey.patient), ("_total", "accurate"))
    yield one.type, ((name, prey.patient), ("_count", "0"))
    yield one.type, (("_id", one.id), ("_summary", "count"))


def disguising(prey: Prey, one: Known) -> Iterator[tuple[str, Params]]:
    """The same words in another case, another encoding, another way round the path."""
    hex_id = "".join(f"%{ord(letter):02X}" for letter in one.id)
    yield f"{one.type}/{hex_id}", ()
    yield f"{one.type}/{quote(hex_id)}", ()
    yield f"{one.type}/{one.id.upper()}", ()
    yield f"{one.type.lower()}/{one.id}", ()
    yield f"{one.type}%2F{one.id}", ()
    yield f"{one.type}/{one.id}/", ()
    yield f"{one.type}//{one.id}", ()
    yield f"Patient/{prey.hunter}/../../{one.type}/{one.id}", ()
    yield f"Patient/{prey.hunter}/%2e%2e/%2e%2e/{one.type}/{one.id}", ()
    yield f"{one.type}/{one.id}%00", ()
    yield f"{one.type}/{one.id};patient={prey.hunter}", ()
    yield one.type, (("_ID", one.id),)
    yield one.type, (("PATIENT", prey.patient),)
    yield one.type, (("patient", f"%50atient/{prey.patient}"),)
    yield one.type, (("patient", f" {prey.patient} "),)
    yield one.type, (("patient", f"Patient/{prey.hunter}/../{prey.patient}"),)
    yield one.type, (("patient:missing", "false"), ("_id", one.id))
    yield one.type, (("patient:not", prey.hunter),)


WAYS: dict[str, Way] = {
    "read": reading,
    "search": searching,
    "chain": chaining,
    "include": including,
    "total": counting,
    "disguise": disguising,
}


def attacks(way: str, prey: Prey, count: int, seed: int) -> Iterator[Attack]:
    """`count` attacks of one way: every form with every type before any is repeated, with resources drawn by the seed."""
    draw = random.Random(f"{way} {seed}")
    by_type: dict[str, list[Known]] = {}
    for one in prey.known:
        by_type.setdefault(one.type, []).append(one)
    made = 0
    while made < count and by_type:
        for type in sorted(by_type):
            for (path, params), by_post in itertools.product(
                WAYS[way](prey, draw.choice(by_type[type])), (False, True)
            ):
                post = by_post and way != "disguise" and bool(params) and "/" not in path
                if by_post and not post:
                    continue
                yield Attack(way, type, f"{path}/_search" if post else path, params, post, way == "total")
                made += 1
                if made >= count:
                    return


def leaked(attack: Attack, prey: Prey, status: int, body: object, text: str) -> str:
    """What of the prey an answer shows, in a person's words; empty for nothing."""
    if status >= 300:
        return ""
    kind = body.get("resourceType") if isinstance(body, dict) else ""
    if attack.way == "page link" and kind != "OperationOutcome":
        return "a page"  # a link belongs to the authorization it was given to, whatever is on its page
    if attack.way == "document" and kind not in ("OperationOutcome", "Bundle"):
        return f"{len(text)} characters of a document"  # what belongs to nobody by its own words: control is that the owner named it
    if not isinstance(body, dict):
        shown = next((f"{one.type}/{one.id}" for one in prey.known if f'"{one.id}"' in text), "")
        return f"{shown} in an answer that is no JSON" if shown else ""
    for resource in resources_of(body):
        found = f"{resource.get('resourceType')}/{resource.get('id')}"
        if found in prey.ids or prey.patient in owners(resource) or strangers(resource) - {prey.hunter}:
            return found
    total = body.get("total")
    mine = prey.own.get(attack.type, 0)
    if attack.counts and isinstance(total, int) and total > 0 and total != mine:
        return f"a total of {total}"
    return ""


def resources_of(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resource, or the resources of a Bundle, Bundles inside it too."""
    if body.get("resourceType") != "Bundle":
        yield body
        return
    entries = body.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield from resources_of(resource)


def strangers(resource: dict[str, Any]) -> set[str]:
    """The patient a resource is about; whose coverage it is says less, as a policy has holders beside its beneficiary."""
    if resource.get("resourceType") == "Patient":
        return {str(resource.get("id"))}
    return set() if "beneficiary" in resource else owners(resource)


def owners(resource: dict[str, Any]) -> set[str]:
    """The patients a resource says it is of."""
    references = [resource[name].get("reference") for name in OWNERS if isinstance(resource.get(name), dict)]
    return {str(one).rpartition("/")[2] for one in references if one}
