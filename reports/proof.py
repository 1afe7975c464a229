"""`proof.json`, as `patient-access prove` writes it: read, held to its schema, told in one line, drawn as a page.

The line is what the first page of every report shows: how many planted faults the suite that judged is known to catch.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reports.html.blocks import Block, Part, write_document
from reports.reader import BadRun

SCHEMA = Path(__file__).with_name("proof.schema.json")
WORDS = {"green": "green", "red": "red", "undecided": "not decided"}


@functools.cache
def schema() -> dict[str, Any]:
    """The published schema."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


def read(path: Path) -> dict[str, Any]:
    """The content of a proof.json (or of the folder that holds one); BadRun says in one line why it is none."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    path = path / "proof.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRun(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadRun(f"{path}: is not JSON: {error}") from None
    wrong = best_match(Draft202012Validator(schema()).iter_errors(content))
    if wrong is not None:
        where = ".".join(map(str, wrong.absolute_path)) or "the whole"
        raise BadRun(f"{path}: is no proof.json of format 1: {where}: {wrong.message[:200]}")
    return dict(content)


def summary(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's header keeps of it: `{made, mutants, killed, variants, false_alarms, with_collateral, whole}`."""
    systems = [one for one in (content["reference"], *content["variants"]) if one is not None]
    return {
        "made": content["made"],
        "mutants": content["score"]["mutants"],
        "killed": content["score"]["killed"],
        "with_collateral": content["score"]["with_collateral"],
        "systems": len(systems),
        "false_alarms": sum(len(one["red"]) for one in systems),
        "whole": bool(content["how"]["whole_reference"]),
    }


def line(content: Mapping[str, Any]) -> str:
    """One line for people."""
    told = summary(content)
    part = "" if told["whole"] else " (a part of the faults)"
    return (
        f"{told['killed']:,} of {told['mutants']:,} planted faults caught{part}, {told['false_alarms']} false alarms on "
        f"{told['systems']} conforming servers, {told['with_collateral']} faults with undeclared collateral"
    )


def seen(content: Mapping[str, Any], known: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """By fault, the checks (cases aside) that were seen to fail by it: `known` with what this proof found of the faults it tried.

    Only checks that decide a requirement the fault is declared to break count; a fault that nothing caught has an empty list.
    """
    found = {
        one["id"]: sorted({check.partition("[")[0] for check in (*one["killed_by"], *one["declared"])})
        if one["killed"]
        else []
        for one in content["mutants"]
    }
    return dict(sorted({**known, **found}.items()))


def write_seen(content: Mapping[str, Any], target: Path) -> None:
    """Bring a file of what was seen to fail (docs/proof.md) up to date; faults this proof did not try stay as they are, unless it tried all."""
    known: dict[str, list[str]] = {}
    if target.exists() and not content["how"]["whole_reference"]:
        known = json.loads(target.read_text(encoding="utf-8"))
    part = target.with_name(target.name + ".part")
    part.write_text(json.dumps(seen(content, known), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(target)


def write_page(content: Mapping[str, Any], target: Path) -> None:
    """proof.html: the score, what is wrong, then every fault with the checks that caught it; one file, no network."""
    write_document(
        target,
        "Proof of the suite",
        "CMS Patient Access API conformance",
        f"What the checks are known to catch; made {content['made'].replace('T', ' ').replace('Z', ' UTC')}",
        list(_parts(content)),
    )


def _parts(content: Mapping[str, Any]) -> Iterator[Part]:
    yield Part("summary", "Summary", line(content) + ".", tuple(_summary(content)))
    wrong = tuple(_wrong(content))
    lead = "Faults no check of their requirement saw, checks that failed without being declared, and conforming servers called wrong."
    nothing = Block("text", text="Nothing: every declared fault was caught, and nothing else was called wrong.")
    yield Part("wrong", "What is wrong with the suite", lead, wrong or (nothing,))
    systems = [one for one in (content["reference"], *content["variants"]) if one is not None]
    if systems:
        yield Part(
            "systems",
            "Conforming servers",
            "Servers without a fault, among them odd but legal ones: the suite must stay green.",
            tuple(_systems(systems)),
        )
    for number, area in enumerate(content["score"]["areas"], 1):
        members = [one for one in content["mutants"] if one["area"] == area]
        if members:
            yield Part(f"area-{number}", f"Faults: {area}", _counted(members), (_faults(members, area),))
    yield Part("checks", "Checks", "Which checks have been seen to fail.", tuple(_checks(content["checks"])))


def _summary(content: Mapping[str, Any]) -> Iterator[Block]:
    score, how = content["score"], content["how"]
    told = summary(content)
    percent = f"{100 * score['killed'] / score['mutants']:.1f} %" if score["mutants"] else "nothing tried"
    yield Block(
        "tiles",
        rows=(
            ("Faults caught", f"{score['killed']:,} of {score['mutants']:,}", percent),
            ("Survived", f"{score['survived']:,}", "no check of their requirement failed"),
            ("Undecided", f"{score['undecided']:,}", "the harness could not finish"),
            ("Undeclared collateral", f"{score['with_collateral']:,}", "faults under which other checks failed too"),
            ("False alarms", f"{told['false_alarms']:,}", f"on {told['systems']} conforming servers"),
        ),
    )
    mode = "the whole suite" if how["mode"] == "full" else "the checks of its requirements and their chapter"
    yield Block(
        "facts",
        rows=(
            ("Each fault was judged by", mode),
            ("Members of the payer", str(how["members"])),
            ("Payers side by side", str(how["jobs"])),
            ("Took", f"{content['seconds']:.0f} s"),
            *((name, version) for name, version in content["versions"].items()),
        ),
    )
    rows = tuple((area, one["mutants"], one["killed"]) for area, one in score["areas"].items())
    yield Block("table", title="By area", columns=("area", "faults", "caught"), rows=rows)


def _wrong(content: Mapping[str, Any]) -> Iterator[Block]:
    lost = tuple(
        (one["id"], one["state"], one["violates"], one["text"], one["why"])
        for one in content["mutants"]
        if not one["killed"]
    )
    if lost:
        yield Block(
            "table", title="Not caught", columns=("fault", "state", "requirement", "what it does", "why"), rows=lost
        )
    stray = tuple(
        (one["id"], one["violates"], ", ".join(one["collateral"])) for one in content["mutants"] if one["collateral"]
    )
    if stray:
        yield Block(
            "table",
            title="Undeclared collateral",
            columns=("fault", "requirement", "checks that failed too"),
            rows=stray,
        )


def _systems(systems: list[dict[str, Any]]) -> Iterator[Block]:
    rows = tuple(
        (
            one["name"], one["kind"], one["about"], WORDS[one["verdict"]], one["checks"], len(one["red"]), len(one["undecided"]), len(one["waived"]),
        )
        for one in systems
    )  # fmt: skip
    columns = ("server", "kind", "what is odd", "verdict", "checks", "red", "undecided", "explained")
    yield Block("table", title="Servers", columns=columns, rows=rows)
    said = tuple(
        (one["name"], kind, each["check"], each["message"])
        for one in systems
        for kind in ("red", "undecided")
        for each in one[kind]
    )
    if said:
        yield Block(
            "table", title="What the suite said of them", columns=("server", "verdict", "check", "message"), rows=said
        )


def _counted(members: list[dict[str, Any]]) -> str:
    return f"{sum(one['killed'] for one in members):,} of {len(members):,} caught."


def _faults(members: list[dict[str, Any]], title: str) -> Block:
    rows = tuple(
        (
            one["id"],
            one["text"],
            one["violates"],
            one["state"],
            _several(one["killed_by"]),
            one["message"],
        )
        for one in members
    )
    columns = ("fault", "what it does", "requirement", "state", "caught by", "what the check said")
    return Block("table", title=title, columns=columns, rows=rows)


def _several(checks: list[str]) -> str:
    shown = ", ".join(checks[:3])
    return shown + (f" and {len(checks) - 3} more" if len(checks) > 3 else "")


def _checks(checks: Mapping[str, Any]) -> Iterator[Block]:
    seen = tuple(sorted(checks["seen_to_fail"].items(), key=lambda one: (-one[1], one[0])))
    if seen:
        yield Block("table", title="Seen to fail", columns=("check", "faults"), rows=seen)
    never = tuple((one,) for one in checks["never_seen_to_fail"])
    if never:
        yield Block("table", title="Never seen to fail here", columns=("check",), rows=never)
