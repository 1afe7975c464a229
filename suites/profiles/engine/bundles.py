"""Rules of Bundles and of contained resources that no table states (FHIR R4 bundle.html, references.html#contained)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR, Resource
from suites.profiles.engine.place import Place, Step
from suites.profiles.engine.references import RELATIVE

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

_ENTRY = Step("entry", "entry", "Bundle.entry", "BackboneElement")
_RESOURCE = Step("resource", "resource", "Bundle.entry.resource", "Resource")
_RESTFUL_URL = re.compile(r"(https?://.+)/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")
_FREE_FULL_URL = frozenset({"searchset", "transaction", "transaction-response", "batch", "batch-response"})


class BundleIndex:
    """Finds the entries of one Bundle by what references say."""

    __slots__ = ("_by_id", "_by_url", "_place", "json")

    def __init__(self, json: dict[str, Any], place: Place) -> None:
        self.json = json
        self._place = place
        self._by_url: dict[str, int] | None = None
        self._by_id: dict[str, int] = {}

    def _index(self) -> dict[str, int]:
        if self._by_url is None:
            self._by_url = {}
            for number, entry in enumerate(entries(self.json)):
                url, resource = entry.get("fullUrl"), entry.get("resource")
                if isinstance(url, str):
                    self._by_url.setdefault(url, number)
                if isinstance(resource, dict) and isinstance(resource.get("id"), str):
                    self._by_id.setdefault(f"{resource.get('resourceType')}/{resource['id']}", number)
        return self._by_url

    def full_url_of(self, resource: Resource) -> str | None:
        here: Place | None = resource.place
        while here is not None:
            if (
                here[1].key == "resource"
                and here[0] is not None
                and here[0][1].key == "entry"
                and here[0][0] is self._place
            ):
                entry = entries(self.json)[here[0][2] or 0]
                url = entry.get("fullUrl")
                return url if isinstance(url, str) else None
            here = here[0]
        return None

    def resolve(self, reference: str, asker: Resource) -> Resource | None:
        by_url = self._index()
        bare = reference.partition("#")[0].partition("/_history/")[0]
        number = by_url.get(bare)
        if number is None:
            relative = RELATIVE.fullmatch(bare)
            if relative is None:
                return None
            base = _RESTFUL_URL.fullmatch(self.full_url_of(asker) or "")
            if base is not None:
                number = by_url.get(f"{base.group(1)}/{bare}")
            if number is None:
                number = self._by_id.get(bare)
        if number is None:
            return None
        json = entries(self.json)[number].get("resource")
        if not isinstance(json, dict) or not isinstance(json.get("resourceType"), str):
            return None
        place = ((self._place, _ENTRY, number), _RESOURCE, None)
        return Resource(json, json["resourceType"], place, None, self)


def entries(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    listed = bundle.get("entry")
    return [one if isinstance(one, dict) else {} for one in listed] if isinstance(listed, list) else []


def judge_bundle(bundle: dict[str, Any], place: Place, run: Run) -> None:
    """fullUrl agrees with the resource's type and id; search results have ids; documents and messages begin as they must."""
    kind = bundle.get("type")
    seen: set[tuple[str, str]] = set()
    _judge_links(bundle, place, run)
    for number, entry in enumerate(entries(bundle)):
        here = (place, _ENTRY, number)
        resource, url = entry.get("resource"), entry.get("fullUrl")
        if (
            kind == "searchset"
            and isinstance(resource, dict)
            and "id" not in resource
            and resource.get("resourceType") not in ("OperationOutcome", None)
        ):
            run.add(ERROR, "bundle-search-id", (here, _RESOURCE, None), "a search result must have an id")
        if isinstance(url, str):
            version = _meta_version(resource)
            if (url, version) in seen and kind != "history":
                run.add(
                    ERROR,
                    "bdl-7",
                    place,
                    f"fullUrl '{url[:100]}' is there more than once for the same version",
                    found=url,
                )
            seen.add((url, version))
        if number == 0 and kind in ("document", "message"):
            wanted = "Composition" if kind == "document" else "MessageHeader"
            if not isinstance(resource, dict) or resource.get("resourceType") != wanted:
                run.add(ERROR, "bundle-first", here, f"the first entry of a {kind} must be a {wanted}")
        if isinstance(url, str) and isinstance(resource, dict):
            _judge_full_url(url, resource, here, run)


def _meta_version(resource: Any) -> str:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId", "")) if isinstance(meta, dict) else ""


_LINK = Step("link", "link", "Bundle.link", "BackboneElement")
_RELATION = Step("relation", "relation", "Bundle.link.relation", "string")
_ONCE = frozenset({"self", "first", "previous", "prev", "next", "last"})


def _judge_links(bundle: dict[str, Any], place: Place, run: Run) -> None:
    """Links of paging stand once each."""
    links = bundle.get("link")
    seen: set[str] = set()
    for number, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, dict) else None
        if isinstance(relation, str) and relation in _ONCE:
            if relation in seen:
                run.add(
                    ERROR,
                    "bundle-link-repeated",
                    ((place, _LINK, number), _RELATION, None),
                    f"the link '{relation}' can occur only once",
                    found=relation,
                )
            seen.add(relation)


def _judge_full_url(url: str, resource: dict[str, Any], place: Place, run: Run) -> None:
    if ":" not in url:
        if url:
            run.add(ERROR, "bundle-full-url", place, f"fullUrl must be absolute, and '{url[:100]}' is not")
        return
    identity, kind = resource.get("id"), resource.get("resourceType")
    if not isinstance(kind, str) or _RESTFUL_URL.fullmatch(url) is None:
        return
    if not run.engine.is_resource(url.split("/_history/")[0].split("/")[-2]):
        return
    if not isinstance(identity, str) or not identity:
        run.add(
            ERROR, "bundle-full-url-id", place, f"fullUrl '{url[:100]}' is a RESTful one, but the resource has no id"
        )
    elif not url.split("/_history/")[0].endswith(f"/{kind}/{identity}"):
        run.add(
            ERROR,
            "bundle-full-url-id",
            place,
            f"fullUrl '{url[:100]}' is a RESTful one, so it must end with /{kind}/{identity}",
            expected=f"/{kind}/{identity}",
        )


def judge_contained(resource: dict[str, Any], place: Place, step: Step, run: Run) -> None:
    """Contained resources: an id, once; referenced from the resource, or referring to it (dom-3)."""
    listed = resource.get("contained")
    if not isinstance(listed, list):
        return
    told = set(_local_references(resource, skip_contained=True))
    among = [set(_local_references(one, skip_contained=False)) if isinstance(one, dict) else set() for one in listed]
    mentioned = Counter(reference for references in among for reference in references)
    seen: set[str] = set()
    for index, one in enumerate(listed):
        here = (place, step, index)
        if (
            not isinstance(one, dict)
            or not isinstance(one.get("resourceType"), str)
            or not run.engine.is_resource(one["resourceType"])
        ):
            continue
        identity = one.get("id")
        if not isinstance(identity, str) or not identity:
            run.add(ERROR, "contained-id", here, "a contained resource must have an id")
        elif identity in seen:
            run.add(ERROR, "contained-id-repeated", here, f"another contained resource has the id '{identity}'")
        seen.add(str(identity))
        wanted = f"#{identity}"
        others = mentioned[wanted] > (wanted in among[index])
        if wanted not in told and not others and "#" not in among[index]:
            run.add(
                ERROR,
                "dom-3",
                here,
                f"the contained resource '{identity}' is not referenced from the resource, nor does it refer to it",
            )


def _local_references(value: Any, *, skip_contained: bool) -> Iterator[str]:
    """Every `#…` that a reference, a canonical or a uri says."""
    waiting: list[Any] = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            for key, held in here.items():
                if skip_contained and key == "contained" and here is value:
                    continue
                waiting.append(held)
        elif isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, str) and here.startswith("#"):
            yield here
