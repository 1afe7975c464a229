"""Which deployment a dataset was made for: the guides its records claim are those the deployment names.

A payer that names US Core 3.1.1 over records of 6.1.0 serves records that do not conform to what it names. Leaves to others: what a
deployment is (deployment.py), what records claim (the generator, whose manifest says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators.payer import deployment as deployments
from simulators.payer.deployment import Deployment

PREFERRED = ("reference", "current", "legacy")  # what is served to whoever names no deployment


def guides_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Guide names and versions of a dataset, such as `us-core` to `3.1.1`."""
    told = manifest.get("guides")
    return (
        {str(name).replace("_", "-"): str(version) for name, version in told.items()} if isinstance(told, dict) else {}
    )


def differing(deployment: Deployment, manifest: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Guides of which the deployment names other versions than the dataset has: name to (named, found)."""
    named: dict[str, list[str]] = {}
    for guide in deployment.fhir.guides:
        name, _, version = guide.partition("@")
        named.setdefault(name, []).append(version)
    has = guides_of(manifest)
    return {
        name: (versions[0], has[name]) for name, versions in named.items() if name in has and has[name] not in versions
    }


def deployment_for(manifest: Mapping[str, Any]) -> Deployment:
    """The deployment whose guides a dataset has; `reference` where none fits."""
    for name in PREFERRED:
        found = deployments.load(name)
        if not differing(found, manifest):
            return found
    return deployments.load(PREFERRED[0])


def warning(deployment: Deployment, manifest: Mapping[str, Any]) -> str:
    """One line about guides that do not fit, with what to do; empty when all do."""
    found = differing(deployment, manifest)
    if not found:
        return ""
    wrong = ", ".join(f"{name} {has} (named: {named})" for name, (named, has) in found.items())
    options = " ".join(f"--guide {name}@{named}" for name, (named, _) in found.items())
    return (
        f"the dataset's records are of {wrong}; deployment {deployment.name!r} will look as if it did not conform. "
        f"Make it with {options}, or serve --deployment {deployment_for(manifest).name}"
    )
