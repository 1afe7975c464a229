"""An element of which a profile allows fewer types than the base does: of a choice, or of a resource inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.profiles.engine.children import RESOURCES
from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.items import Content
from suites.profiles.engine.place import Place
from suites.profiles.facts import Element

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run


def narrowed_types(engine: Engine, element: Element, was: Element, url: str) -> Content | None:
    """Fewer types than the base allows: of a choice, or of a resource inside."""
    allowed, before = {ref.code for ref in element.types}, {ref.code for ref in was.types}
    if not allowed or allowed == before or element.content_reference is not None:
        return None
    if before & RESOURCES:

        def resource_type(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            found = value.get("resourceType") if value.__class__ is dict else None
            if found.__class__ is str and not (allowed & set(engine.lineage(found))):
                run.add(
                    ERROR,
                    "type",
                    place,
                    f"must be {' or '.join(sorted(allowed))}, not {found}",
                    url,
                    " | ".join(sorted(allowed)),
                    found,
                )

        return resource_type
    if len(before) < 2:
        return None

    def choice_type(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if kind not in allowed:
            run.add(
                ERROR,
                "type",
                place,
                f"must be {' or '.join(sorted(allowed))}, not {kind}",
                url,
                " | ".join(sorted(allowed)),
                kind,
            )

    return choice_type
