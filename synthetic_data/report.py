"""What was made: counts, prevalences beside their sources, utilisation, must-support coverage; as JSON and as a page.

Must-support is judged by `patient-access validate --must-support`, asked over its command line: this room knows nothing of profiles.
Leaves to others: the drawing of a member's years (`timeline.py`).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from synthetic_data.build import Specification, world_of
from synthetic_data.dataset import DatasetError, open_dataset
from synthetic_data.members import Makers
from synthetic_data.pathways import all_pathways
from synthetic_data.records import Member
from synthetic_data.timeline import draw_timeline
from synthetic_data.yaml_tables import table

LINES = {"bh": "county behavioural health", "ma": "Medicare Advantage", "qhp": "marketplace"}
SHOWN_MEMBER = "everything"


def write_report(specification: Specification, out: Path, made: dict[str, Any], jobs: int) -> str:
    """Write both forms beside the dataset; gives the JSON."""
    found = gather(specification, out, made, jobs)
    member = member_shown(specification)
    page = render_page(found, draw_timeline(member, specification.as_of.date()), member)
    text = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
    for suffix, content in ((".report.json", text + "\n"), (".report.html", page)):
        path = out.with_name(out.name + suffix)
        try:
            path.write_text(content, encoding="utf-8")
        except OSError as error:
            raise DatasetError(f"{path} cannot be written: {error.strerror}") from error
    return text


def gather(specification: Specification, out: Path, made: dict[str, Any], jobs: int) -> dict[str, Any]:
    """Everything the report says."""
    sizes = sorted(sum(one["totals"].values()) for one in open_dataset(out)["members"])
    facts = made["facts"]
    return {
        "dataset": {
            key: made[key] for key in ("seed", "family", "guides", "members_requested", "shard", "as_of", "generator")
        },
        "resources": sum(made["counts"].values()),
        "resources_a_member": {"least": sizes[0], "median": median(sizes), "most": sizes[-1]},
        "counts": made["counts"],
        "profiles": made["profiles"],
        "prevalences": prevalences(facts),
        "utilisation": utilisation(facts),
        "people": people(facts),
        "must_support": must_support(specification, out, jobs),
    }


def prevalences(facts: dict[str, int]) -> list[dict[str, Any]]:
    """Each pathway's share of the drawn members of each line, beside what its file asks for and the source."""
    rows = []
    for pathway in all_pathways():
        for line in LINES:
            members = facts.get(f"eligible|{pathway.key}|{line}", 0)
            if members and pathway.share[line]:
                found = facts.get(f"pathway|{pathway.key}|{line}", 0)
                rows.append(
                    {
                        "pathway": pathway.key,
                        "title": pathway.title,
                        "line_of_business": line,
                        "members": found,
                        "of": members,
                        "percent": round(100 * found / members, 1),
                        "wanted_percent": round(100 * pathway.share[line], 1),
                        "ages": list(pathway.ages),
                        "source": " ".join(pathway.source.split()),
                    }
                )
    return rows


def utilisation(facts: dict[str, int]) -> list[dict[str, Any]]:
    """Contacts, stays and fills a thousand member-years."""
    rows = []
    for line in LINES:
        years = facts.get(f"days enrolled||{line}", 0) / 365.25
        if years < 1:
            continue
        for key, count in facts.items():
            subject, detail, of_line = key.split("|")
            if of_line == line and subject in {
                "visits",
                "stays",
                "prescriptions filled",
                "assessments",
                "telehealth visits",
            }:
                rows.append(
                    {
                        "line_of_business": line,
                        "what": f"{subject}: {detail}" if detail else subject,
                        "count": count,
                        "per_1000_member_years": round(1000 * count / years, 1),
                    }
                )
    return rows


def people(facts: dict[str, int]) -> list[dict[str, Any]]:
    """Who the drawn members are."""
    rows = []
    for key, count in facts.items():
        subject, detail, line = key.split("|")
        if subject in {"gender", "race or ethnicity", "language", "age"}:
            share = round(100 * count / facts[f"members||{line}"], 1)
            rows.append({"line_of_business": line, "what": subject, "value": detail, "count": count, "percent": share})
    return rows


def must_support(specification: Specification, out: Path, jobs: int) -> dict[str, Any]:
    """Per profile how many must-support elements some resource shows, and which none does."""
    guides = specification.guides
    named = {
        "us-core": guides.us_core,
        "carin-bb": guides.carin_bb,
        "pdex": guides.pdex,
        "plan-net": guides.plan_net,
        "formulary": guides.formulary,
    }
    command = [sys.executable, "-m", "patient_access", "validate", str(out), "--must-support", "--format", "ndjson"]
    command += [
        "--jobs",
        str(jobs),
        *(part for name, version in named.items() for part in ("--guide", f"{name}@{version}")),
    ]
    valid = invalid = 0
    profiles = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as judge:
        assert judge.stdout is not None
        for line in judge.stdout:
            said = orjson.loads(line)
            if "must_support" in said:
                profiles.append(_coverage(said["must_support"]))
            elif said.get("valid"):
                valid += 1
            else:
                invalid += 1
    if judge.returncode not in (0, 1):
        return {"asked": False, "reason": f"`patient-access validate` ended with {judge.returncode}"}
    return {
        "asked": True,
        "valid": valid,
        "invalid": invalid,
        "elements": sum(one["of"] for one in profiles),
        "seen": sum(one["seen"] for one in profiles),
        "excepted": sum(len(one["excepted"]) for one in profiles),
        "profiles": profiles,
    }


def _coverage(said: dict[str, Any]) -> dict[str, Any]:
    missing = [one["element"] for one in said["elements"] if not one["seen_in"]]
    name = said["profile"].rsplit("/", 1)[1]
    reasons = {
        row["element"]: row["reason"]
        for row in table("must_support_exceptions.yaml")["exceptions"]
        if name in row["profiles"]
    }
    return {
        "profile": said["profile"],
        "resources": said["resources"],
        "of": len(said["elements"]),
        "seen": len(said["elements"]) - len(missing),
        "missing": [one for one in missing if one not in reasons],
        "excepted": [{"element": one, "reason": reasons[one]} for one in missing if one in reasons],
    }


def member_shown(specification: Specification) -> Member:
    """The member whose years are drawn: the one with everything where this shard has it, else the first."""
    world = world_of(specification)
    makers = Makers(world.seed, world.as_of, world.network)
    numbers = specification.numbers
    wanted = next(
        (number for number, row in enumerate(makers.planted, start=1) if row.key == SHOWN_MEMBER and number in numbers),
        numbers[0],
    )
    return makers.member(wanted, specification.members)


def render_page(found: dict[str, Any], drawing: str, member: Member) -> str:
    """The page: one file, no network."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report_page.html").render(
        found=found,
        lines=LINES,
        drawing=Markup(drawing),  # noqa: S704 - every text in it was escaped when drawn
        member=member,
    )
