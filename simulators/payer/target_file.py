"""The target file of a running payer, for `serve --write-target`: everything a judge needs to be told, nothing more.

Shape: docs/architecture.md, Target. Secrets of the test apps and passwords of synthetic members stand in it, so only the owner may read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from simulators.payer import onboarding, portals
from simulators.payer.context import Payer

MOST_MEMBERS = 40


def write(payer: Payer, path: Path, manifest: Path, control_url: str) -> None:
    """Write the file whole or not at all; it appears when the payer answers."""
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(toml(content(payer, manifest, control_url)))
    part.replace(path)


def content(payer: Payer, manifest: Path, control_url: str) -> dict[str, Any]:
    """The target as nested tables."""
    deployment = payer.deployment
    places, facts = deployment.endpoints, deployment.payer
    server: dict[str, Any] = {"fhir_base": payer.url(places.fhir)}
    for key, path, offered in (
        ("directory_base", places.directory, deployment.fhir.directory_types),
        ("formulary_base", places.formulary, deployment.fhir.formulary_types),
        ("documentation_url", places.documentation, True),
        ("education_url", places.education, deployment.portals.education),
        ("portal_url", places.member, deployment.portals.member),
    ):
        if offered and path:
            server[key] = payer.url(path)
    server |= {
        "payer_type": facts.type,
        "rating_period_start": facts.rating_period_start,
        "guides": list(deployment.fhir.guides),
        "smart": deployment.authorization.smart,
        "time_zone": facts.time_zone,
    }
    table: dict[str, Any] = {
        "name": deployment.name,
        "server": server,
        "client": onboarding.test_clients(payer),
        "member": [member_entry(payer, one) for one in chosen(payer.manifest["members"])],
        "dataset": {"manifest": str(manifest.resolve())},
        "login": {
            "plain_forms": True,
            "step": portals.login_recipe(deployment),
            "category": [{"name": name, "types": types} for name, types in portals.category_types(deployment).items()],
        },
        "limits": {"requests": deployment.limits.requests, "per_seconds": deployment.limits.per_seconds},
        "permitted": {"load": True, "negative_logins": True, "registration": deployment.onboarding.dynamic},
    }
    if deployment.portals.member and places.member:
        table["portal"] = {"step": portals.ending_recipe()}
    if control_url:
        table["control"] = {"url": control_url}
    return table


def chosen(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Members to judge with: those planted for something first, then those with most to show."""
    ranked = sorted(members, key=lambda one: (not one.get("planted_for"), -sum(one.get("totals", {}).values())))
    return ranked[:MOST_MEMBERS]


def member_entry(payer: Payer, member: Mapping[str, Any]) -> dict[str, Any]:
    """One member as the judges know them."""
    entry = {
        "label": member["patient"],
        "username": member["username"],
        "password": member["password"],
        "patient": member["patient"],
        "planted_for": list(member.get("planted_for", ())),
        "answers": portals.answers_for(payer.deployment, dict(member)),
    }
    if member.get("totp_seed"):
        entry["totp_seed"] = member["totp_seed"]
    return entry


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """A nested table as TOML: plain keys first, then tables, then arrays of tables."""
    plain, tables = [], []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and key != "answers":
            tables.append(f"\n[{name}]\n{toml(value, f'{name}.')}")
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            tables += [f"\n[[{name}]]\n{toml(one, f'{name}.')}" for one in value]
        else:
            plain.append(f"{key} = {literal(value)}\n")
    return "".join([*plain, *tables])


def literal(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{string(str(key))} = {literal(one)}" for key, one in value.items()) + " }"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value) if isinstance(value, int | float) else string(str(value))


def string(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the delete character, which JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
