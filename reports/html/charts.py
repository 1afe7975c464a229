"""Charts as SVG by hand: each has a name and a description that say in words what it shows; colours come from the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from reports.html.page import COUNTED, ORDER, VERDICT_WORDS


def verdict_bar(counts: Mapping[str, int], label: str = "") -> Markup:
    """A stacked bar of verdicts; the numbers are in its name."""
    total = sum(counts.values())
    if not total:
        return Markup("")
    words = ", ".join(f"{counts[name]:,} {COUNTED[name]}" for name in ORDER if counts.get(name))
    left = 0.0
    parts = []
    for name in ORDER:
        if width := 1000 * counts.get(name, 0) / total:
            parts.append(f'<rect class="{name}" x="{left:.1f}" width="{width:.1f}" height="10"/>')
            left += width
    name = escape(f"{label}: {words}" if label else words)
    return Markup(  # noqa: S704 - numbers, fixed words and an escaped label
        f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{name}">{"".join(parts)}</svg>'
    )


def lines(
    series: Mapping[str, Sequence[float | None]], labels: Sequence[str], title: str, unit: str = "", id: str = "chart"
) -> Markup:
    """A line chart of one or more series over labelled points; a gap where a value is missing."""
    width, height, left, right, top, bottom = 760, 240, 56, 16, 14, 34
    values = [value for points in series.values() for value in points if value is not None]
    if not values or not labels:
        return Markup("")
    peak, steps = _scale(values)
    across = (width - left - right) / max(1, len(labels) - 1)

    def at(index: int, value: float) -> tuple[float, float]:
        x = left + across * index if len(labels) > 1 else (left + width - right) / 2
        return x, height - bottom - (height - top - bottom) * value / peak

    parts = [
        f'<title id="{id}-t">{escape(title)}</title><desc id="{id}-d">{escape(_in_words(series, labels, unit))}</desc>'
    ]
    for step in range(steps + 1):
        _, y = at(0, peak * step / steps)
        kind = "axis" if step == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(peak * step / steps)}</text>')
    every = max(1, -(-len(labels) // 7))
    for index, label in enumerate(labels):
        if index % every == 0:
            x, _ = at(index, 0)
            anchor = "middle" if 0 < index < len(labels) - 1 or len(labels) == 1 else "start" if index == 0 else "end"
            parts.append(f'<text x="{x:.1f}" y="{height - 10}" text-anchor="{anchor}">{escape(label)}</text>')
    for name, points in series.items():
        kind = name if name in ORDER else ""
        run: list[str] = []
        for index, value in enumerate([*points, None]):
            if value is not None:
                x, y = at(index, value)
                run.append(f"{x:.1f},{y:.1f}")
                if len(labels) <= 60:
                    parts.append(f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>')
            elif run:
                parts.append(f'<polyline class="line {kind}" points="{" ".join(run)}"/>')
                run = []
    return Markup(  # noqa: S704 - numbers and escaped labels
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d">{"".join(parts)}</svg>'
    )


def columns(values: Sequence[float], labels: Sequence[str], title: str, unit: str = "", id: str = "columns") -> Markup:
    """A column chart, one column a label."""
    width, height, left, right, top, bottom = 760, 220, 56, 16, 14, 34
    if not values:
        return Markup("")
    peak, steps = _scale(values)
    slot = (width - left - right) / len(values)
    parts = [
        f'<title id="{id}-t">{escape(title)}</title><desc id="{id}-d">{escape(_in_words({title: values}, labels, unit))}</desc>'
    ]
    for step in range(steps + 1):
        y = height - bottom - (height - top - bottom) * step / steps
        kind = "axis" if step == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(peak * step / steps)}</text>')
    every = max(1, -(-len(labels) // 13))
    for index, (value, label) in enumerate(zip(values, labels, strict=True)):
        tall = (height - top - bottom) * value / peak
        x = left + slot * index
        parts.append(
            f'<rect class="mark" x="{x + slot * 0.15:.1f}" y="{height - bottom - tall:.1f}" width="{slot * 0.7:.1f}" height="{tall:.1f}"/>'
        )
        if index % every == 0:
            parts.append(f'<text x="{x + slot / 2:.1f}" y="{height - 10}" text-anchor="middle">{escape(label)}</text>')
    return Markup(  # noqa: S704 - numbers and escaped labels
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d">{"".join(parts)}</svg>'
    )


def _scale(values: Sequence[float]) -> tuple[float, int]:
    """The top of the axis and how many steps lead to it; counts have whole steps."""
    peak = _nice(max([*values, 0.0]))
    if all(float(value).is_integer() for value in values):
        peak = float(math.ceil(peak))
        return peak, next(steps for steps in (4, 5, 3, 2, 1) if peak % steps == 0)
    return peak, 4


def _nice(peak: float) -> float:
    """The next round number, so that four grid lines fall on readable values."""
    if peak <= 0:
        return 4.0
    magnitude = 1.0
    while magnitude * 10 <= peak:
        magnitude *= 10
    while magnitude > peak:
        magnitude /= 10
    return next(step * magnitude for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * magnitude >= peak)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.3g}"


def _in_words(series: Mapping[str, Sequence[float | None]], labels: Sequence[str], unit: str) -> str:
    said = []
    for name, points in series.items():
        known = [(value, labels[index]) for index, value in enumerate(points) if value is not None]
        if not known:
            continue
        low, high, last = min(known), max(known), known[-1]
        word = VERDICT_WORDS.get(name, name)
        ends = f"lowest {_short(low[0])} {unit} at {low[1]}, highest {_short(high[0])} {unit} at {high[1]}, last {_short(last[0])} {unit}"
        said.append(f"{word}: {ends}".replace("  ", " "))
    return "; ".join(said) + "."
