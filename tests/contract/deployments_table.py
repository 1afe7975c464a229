"""docs/deployments.md, made from the deployments' TOML, the catalogue and the evidence file: `python -m tests.contract.deployments_table`."""

from __future__ import annotations

import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from simulators.payer import deployment as deployments
from simulators.payer.deployment import Deployment

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "deployments.md"
EVIDENCE = Path(__file__).with_name("deployment_evidence.toml")
COLUMNS = ("reference", "connex", "healthshare", "dean", "shared_health", "legacy", "current")
DOCUMENTS = {"connex": "connex", "healthshare": "healthshare", "dean": "dean", "shared_health": "shared_health"}
REVIEWED = ("document-review", "data-audit", "report")
SKIPPED = {"payer.developer_email", "payer.member_email", "payer.staff_email", "onboarding.criteria"}


def evidence() -> dict[str, dict[str, str]]:
    """Tests, reasons for review, and tests of settings."""
    return tomllib.loads(EVIDENCE.read_text("utf-8"))


def longest(table: dict[str, str], id: str) -> str:
    """The entry whose key is the longest beginning of an id."""
    found = [key for key in table if id.startswith(key)]
    return table[max(found, key=len)] if found else ""


def catalogue(name: str) -> dict[str, dict[str, Any]]:
    """The requirements read out of one founding document."""
    return tomllib.loads((ROOT / "suites" / "requirements" / f"{name}.toml").read_text("utf-8"))


def shown_by(id: str, entry: dict[str, Any], known: dict[str, dict[str, str]]) -> str:
    """The link to the test that shows a requirement at the payer its document describes, or why people look at it."""
    test, reason = longest(known["tests"], id), longest(known["review"], id)
    reviewed = entry.get("verified_by") in REVIEWED
    if test and not (reason and len(reason) > 0 and _closer(known, id)):
        return link(test)
    return f"review: {reason}" if reason else "review" if reviewed else ""


def _closer(known: dict[str, dict[str, str]], id: str) -> bool:
    lengths = [
        max((len(key) for key in known[table] if id.startswith(key)), default=0) for table in ("review", "tests")
    ]
    return lengths[0] > lengths[1]


def link(test: str) -> str:
    """A test as a link from docs/."""
    path, _, name = test.partition("::")
    return f"[{name or path.removeprefix('tests/')}](../{path})"


def cell(value: str, deployment: str, setting: str, known: dict[str, dict[str, str]], *, bold: bool = False) -> str:
    """A setting of one deployment, linked to the test that shows it there."""
    path, _, name = longest(known["settings"], setting).partition("::")
    shown = f'[{value}](../{path} "{name}[{deployment}]")'
    return f"**{shown}**" if bold else shown


def told(value: object) -> str:
    """A setting as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        if value and is_dataclass(value[0]):
            return ", ".join(str(getattr(one, "scope", getattr(one, "id", one))) for one in value)
        return f"{len(value)} of them" if len(value) > 8 else ", ".join(map(str, value)) or "–"
    return str(value).replace("|", "\\|") or "–"


def settings(chosen: Deployment) -> dict[str, str]:
    """Every setting of a deployment by its name."""
    found: dict[str, str] = {}
    for group in fields(chosen):
        table = getattr(chosen, group.name)
        if is_dataclass(table) and not isinstance(table, type):
            for item in fields(table):
                found[f"{group.name}.{item.name}"] = told(getattr(table, item.name))
    return {name: value for name, value in found.items() if name not in SKIPPED}


def others(name: str) -> tuple[str, ...]:
    """The other deployments, in their order."""
    return tuple(one for one in COLUMNS if one != name)


def page() -> str:
    """The whole document."""
    known = evidence()
    lines = [
        "# Deployments",
        "",
        "How the reference payer can be set up, made from `simulators/payer/deployments/*.toml` and `variants/*.toml` by",
        "`python -m tests.contract.deployments_table`; a test fails when it is stale. What a file does not state has the value of `reference`.",
        "",
        "## Settings",
        "",
        "Every cell links to the test that shows it on the wire of that deployment (its title names it). A value that differs from",
        "`reference` is bold; – is nothing.",
        "",
        "| setting | " + " | ".join(COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    loaded = {name: settings(deployments.load(name)) for name in COLUMNS}
    for name, reference in loaded["reference"].items():
        values = {column: loaded[column][name] for column in COLUMNS}
        cells = [cell(value, column, name, known, bold=value != reference) for column, value in values.items()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    lines += [
        "",
        "## Variants",
        "",
        "Odd but legal; checks stay green against each.",
        "",
        "| variant | what is odd | setting |",
        "|---|---|---|",
    ]
    for name in deployments.variants():
        chosen = deployments.load(name)
        different = [
            f"`{key} = {value}`" for key, value in settings(chosen).items() if value != loaded["reference"][key]
        ]
        lines.append(f"| {name} | {chosen.about} | {', '.join(different)} |")
    for name, document in DOCUMENTS.items():
        lines += [
            "",
            f"## What the document behind `{name}` says",
            "",
            f"`{name}` links to the test that shows the statement there, or says why people look at it. Where a setting carries the statement, the",
            "other columns show that setting and link to its test; elsewhere – means that this document does not speak of them.",
            "",
            "| requirement | what it says | " + " | ".join((name, *others(name))) + " |",
            "|---" * (len(COLUMNS) + 2) + "|",
        ]
        for id, entry in catalogue(document).items():
            setting = longest(known["rows"], id)
            rest = [cell(loaded[one][setting], one, setting, known) if setting else "–" for one in others(name)]
            lines.append(f"| {id} | {entry['text']} | {shown_by(id, entry, known)} | " + " | ".join(rest) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
