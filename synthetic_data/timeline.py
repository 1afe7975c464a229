"""One member's years drawn as SVG: coverage, conditions, stays, drugs, visits and the scores over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from synthetic_data.records import Member
from synthetic_data.yaml_tables import table

WIDTH = 1080
LEFT = 210
ROW = 20
COLOURS = {
    "coverage": "#5b7a99",
    "condition": "#a8553a",
    "stay": "#8c2d4f",
    "drug": "#3f7d5c",
    "visit": "#4a4a6a",
    "score": "#b0801f",
}
SCORES = ("phq-9", "gad-7", "audit-c", "pcl-5", "dast-10", "asam")


@dataclass(frozen=True, slots=True)
class Scale:
    """Days to pixels."""

    first: date
    last: date

    def x(self, day: date) -> float:
        """Where a day is drawn; days outside the span sit at its edge."""
        day = min(max(day, self.first), self.last)
        return round(LEFT + (WIDTH - LEFT - 20) * (day - self.first).days / max(1, (self.last - self.first).days), 1)


def draw_timeline(member: Member, as_of: date) -> str:
    """The drawing."""
    first = min([span.start for span in member.coverages])
    scale = Scale(first, max(as_of, first + timedelta(days=30)))
    rows = list(_rows(member, scale, as_of))
    height = 46 + sum(tall for _, tall in rows)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Timeline of {escape(member.id)}" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="11">'
    ]
    parts += _years(scale, height)
    top = 30
    for row, tall in rows:
        parts.append(f'<g transform="translate(0 {top})">{row}</g>')
        top += tall
    return "".join((*parts, "</svg>"))


def _years(scale: Scale, height: int) -> Iterator[str]:
    for year in range(scale.first.year, scale.last.year + 1):
        x = scale.x(date(year, 1, 1))
        yield f'<line x1="{x}" y1="22" x2="{x}" y2="{height}" stroke="#ddd"/><text x="{x + 3}" y="16" fill="#666">{year}</text>'


def _rows(member: Member, scale: Scale, as_of: date) -> Iterator[tuple[str, int]]:
    for span in member.coverages:
        yield _bar(scale, span.plan_name, span.start, span.end or as_of, "coverage"), ROW
    for diagnosis in member.diagnoses:
        if diagnosis.category != "encounter-diagnosis":
            yield _bar(scale, diagnosis.text, diagnosis.onset, diagnosis.abatement or as_of, "condition"), ROW
    if member.admissions:
        bars = "".join(
            _bar(scale, "", stay.start.date(), (stay.end or stay.start).date(), "stay", stay.level_of_care)
            for stay in member.admissions
        )
        yield _label("Stays") + bars, ROW
    drugs = table("codes/drugs.yaml")
    for course in member.medications:
        end = course.end.date() if course.end else as_of
        name = drugs[course.drug]["rxnorm"][1]
        fills = "".join(
            f'<circle cx="{scale.x(fill.when.date())}" cy="8" r="1.6" fill="#fff"/>' for fill in course.fills
        )
        yield _bar(scale, name, course.start.date(), end, "drug") + fills, ROW
    kinds = table("codes/services.yaml")["visits"]
    for kind in sorted({visit.kind for visit in member.visits}):
        dots = "".join(
            f'<circle cx="{scale.x(visit.start.date())}" cy="8" r="3" fill="{COLOURS["visit"]}" fill-opacity="0.55">'
            f"<title>{visit.start:%Y-%m-%d} {escape(kinds[kind]['title'])}</title></circle>"
            for visit in member.visits
            if visit.kind == kind
        )
        yield _label(kinds[kind]["title"]) + dots, ROW
    yield from _scores(member, scale)


def _scores(member: Member, scale: Scale) -> Iterator[tuple[str, int]]:
    for instrument in SCORES:
        points = [(one.when.date(), one.total) for one in member.assessments if one.instrument == instrument]
        if len(points) < 3:
            continue
        most = max(total for _, total in points) or 1
        drawn = [(scale.x(day), round(44 - 38 * total / most, 1), day, total) for day, total in sorted(points)]
        line = " ".join(f"{x},{y}" for x, y, _, _ in drawn)
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="2.4" fill="{COLOURS["score"]}"><title>{day} {instrument} {total}</title></circle>'
            for x, y, day, total in drawn
        )
        shape = f'<polyline points="{line}" fill="none" stroke="{COLOURS["score"]}" stroke-width="1.4"/>'
        yield _label(f"{instrument.upper()} total (to {most})", 28) + shape + dots, 56


def _label(text: str, y: int = 12) -> str:
    short = text if len(text) < 32 else text[:30] + "…"
    return f'<text x="{LEFT - 8}" y="{y}" text-anchor="end" fill="#333">{escape(short)}</text>'


def _bar(scale: Scale, label: str, start: date, end: date, kind: str, title: str = "") -> str:
    x = scale.x(start)
    width = max(3.0, round(scale.x(end) - x, 1))
    said = escape(f"{title or label}: {start} to {end}")
    bar = f'<rect x="{x}" y="3" width="{width}" height="10" rx="2" fill="{COLOURS[kind]}"><title>{said}</title></rect>'
    return (_label(label) if label else "") + bar
