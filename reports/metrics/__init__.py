"""CMS metrics: Patient Access API usage, prior authorization, and utilisation data for counties.

Figures are refused rather than guessed: a row that could change a figure and cannot be read is named, counted and listed.
"""

from __future__ import annotations


class BadInput(ValueError):
    """Input, mapping or options that cannot be used as they are; the message says where and what to do."""


class Refused(Exception):
    """Input that was read but leaves a figure open; `problems` lists what and how often."""

    def __init__(self, problems: tuple[tuple[str, int, tuple[str, ...]], ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{count} × {name}" for name, count, _ in problems))
