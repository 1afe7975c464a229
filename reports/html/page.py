"""Pages that stand alone: one file with its style and script inside, which fetches nothing and runs nothing else.

The content security policy names the hashes of the style and the script of the page, so that markup in evidence stays text.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent
ORDER = ("FAIL", "INCONCLUSIVE", "PASS", "SKIPPED", "NOT_APPLICABLE", "REVIEW", "NOT_TESTED", "NO_CHECK")
VERDICT_WORDS = {
    "PASS": "Pass",
    "FAIL": "Fail",
    "INCONCLUSIVE": "Inconclusive",
    "SKIPPED": "Skipped",
    "NOT_APPLICABLE": "Not applicable",
    "REVIEW": "Review",
    "NOT_TESTED": "Not tested",
    "NO_CHECK": "No check",
    "PARTLY": "Partly decided",
}
COUNTED = {
    "PASS": "passed",
    "FAIL": "failed",
    "INCONCLUSIVE": "inconclusive",
    "SKIPPED": "skipped",
    "NOT_APPLICABLE": "not applicable",
    "REVIEW": "for review",
    "NOT_TESTED": "not tested",
    "NO_CHECK": "without a check in this run",
}


def slug(name: str) -> str:
    """A name as a fragment id; a short hash keeps names apart that differ only in punctuation."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")
    # A name that was plain already needs no hash.
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def evidence_anchor(id: str) -> str:
    """WORKER/NUMBER as a fragment id; the last hyphen stands for the slash."""
    return f"ev-{id.replace('/', '-')}"


def sentence(text: str) -> str:
    """A message as the beginning of a line: checks write them to stand behind a colon."""
    return text[:1].upper() + text[1:]


def longest_word(text: str) -> int:
    """How long the longest unbroken piece of a text is; a cell of long ones breaks them, so that its table stays on the page."""
    return max(map(len, text.split()), default=0)


def shorten(text: str, limit: int) -> str:
    """The first `limit` characters, saying how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def moment(instant: str) -> str:
    """An RFC 3339 instant for reading: the fraction of a second left out."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)$", r"\1 \2 UTC", instant)


def _numeric_columns(table: Any) -> frozenset[int]:
    """Columns that hold numbers only, also ones written out with their decimals; they are aligned to the right."""

    def figure(value: object) -> bool:
        if isinstance(value, bool):
            return False
        return isinstance(value, int | float) or bool(
            re.fullmatch(r"<?[\d,]+(\.\d+)?( ?%)?|suppressed|not applicable", str(value))
        )

    found = []
    for column in range(1, len(table.columns)):
        cells = [row[column] for row in table.rows if row[column] not in ("", None)]
        if cells and all(map(figure, cells)):
            found.append(column)
    return frozenset(found)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def environment() -> Environment:
    """The template environment: everything escaped, an unknown name an error."""
    env = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = re.sub(r"\n\s*", "\n", (FOLDER / "page.css").read_text(encoding="utf-8"))
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    # Both files are ours and hold no closing tag, so they go in as they are.
    env.globals.update(
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        words=VERDICT_WORDS,
        counted=COUNTED,
    )
    env.filters["numeric_columns"] = _numeric_columns
    env.filters.update(
        slug=slug,
        evidence_anchor=evidence_anchor,
        shorten=shorten,
        sentence=sentence,
        longest_word=longest_word,
        duration=duration,
        moment=moment,
    )
    return env


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """Write a text file that appears only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_page(template: str, path: Path, **values: Any) -> None:
    """Render a template straight into a file."""
    with written_whole(path) as file:
        file.writelines(_chunks(environment().get_template(template).generate(**values)))


def _chunks(pieces: Iterable[str], size: int = 500) -> Iterator[str]:
    """Small pieces joined, because a page is a hundred thousand of them."""
    batch: list[str] = []
    for piece in pieces:
        batch.append(piece)
        if len(batch) == size:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)
