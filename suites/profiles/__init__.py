"""The profile validator: official verdicts, offline. `Validator` is the way in; what it finds is a `Report` of `Issue`s.

facts, registry, tables   what the guides say, compiled from the official packages
source                    JSON as it was sent
engine                    the judging
must_support              which must-support elements a set of resources shows
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suites.profiles.engine.findings import Issue as Issue
    from suites.profiles.validator import Report as Report
    from suites.profiles.validator import Validator as Validator

__all__ = ["Issue", "Report", "Validator"]


def __getattr__(name: str) -> object:
    # Loaded when asked for: the commands of the room are listed without compiling anything.
    if name in ("Validator", "Report"):
        from suites.profiles import validator

        return getattr(validator, name)
    if name == "Issue":
        from suites.profiles.engine.findings import Issue

        return Issue
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
