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
    """The link to the test that shows a requirement, or why people look at it."""
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
        "A value that differs from `reference` is bold. Each row names the test that shows what the setting does.",
        "",
        "| setting | " + " | ".join(COLUMNS) + " | shown by |",
        "|---" * (len(COLUMNS) + 2) + "|",
    ]
    loaded = {name: settings(deployments.load(name)) for name in COLUMNS}
    for name, reference in loaded["reference"].items():
        values = [loaded[column][name] for column in COLUMNS]
        cells = [value if value == reference else f"**{value}**" for value in values]
        lines.append(f"| `{name}` | " + " | ".join(cells) + f" | {link(longest(known['settings'], name))} |")
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
            "| requirement | what it says | shown by |",
            "|---|---|---|",
        ]
        for id, entry in catalogue(document).items():
            lines.append(f"| {id} | {entry['text']} | {shown_by(id, entry, known)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
