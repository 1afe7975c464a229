"""Entries of a capability table to `Capability` facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suites.profiles.facts import Capability, CapabilityOperation, CapabilityResource, CapabilitySearch, Expected


def _expected(lines: Any) -> tuple[Expected, ...]:
    return tuple((line[0], line[1] if len(line) > 1 else None) for line in lines)


def _operations(lines: Any) -> tuple[CapabilityOperation, ...]:
    return tuple(CapabilityOperation(name, definition, expectation) for name, definition, expectation in lines)


def _resource(line: Mapping[str, Any]) -> CapabilityResource:
    return CapabilityResource(
        type=line["type"],
        expectation=line.get("expectation"),
        profile=line.get("profile"),
        profiles=_expected(line.get("profiles", ())),
        interactions=_expected(line.get("interactions", ())),
        search_parameters=tuple(CapabilitySearch(*search) for search in line.get("search", ())),
        combinations=tuple((tuple(names), expectation) for names, expectation in line.get("combinations", ())),
        includes=_expected(line.get("includes", ())),
        revincludes=_expected(line.get("revincludes", ())),
        operations=_operations(line.get("operations", ())),
        reference_policies=_expected(line.get("referencePolicies", ())),
    )


def read_capability(url: str, entry: Mapping[str, Any], guide: str) -> Capability:
    """One CapabilityStatement of a guide."""
    return Capability(
        url=url,
        guide=guide,
        mode=entry["mode"],
        formats=_expected(entry.get("formats", ())),
        resources={line["type"]: _resource(line) for line in entry.get("resources", ())},
        interactions=_expected(entry.get("interactions", ())),
        operations=_operations(entry.get("operations", ())),
    )
