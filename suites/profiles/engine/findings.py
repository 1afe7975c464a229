"""What the validator says: an issue, where, under which rule; and the running state of one validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suites.profiles.engine.place import Place, json_steps, path_of

ERROR, WARNING, INFORMATION = "error", "warning", "information"
MOST_ISSUES = 1000
"""Issues listed of one document; the rest is counted, so that memory and time stay bounded whatever is sent."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding. `rule` is a stable key; `path` a FHIRPath with indices; line and column count from 1."""

    severity: str
    rule: str
    path: str
    message: str
    profile: str | None = None
    expected: str | None = None
    found: str | None = None
    line: int | None = None
    column: int | None = None
    steps: tuple[str | int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        names = ("severity", "rule", "path", "profile", "message", "expected", "found", "line", "column")
        said = {name: getattr(self, name) for name in names}
        return {name: value for name, value in said.items() if value is not None or name == "profile"}


class Findings:
    """Issues of one validation, in the order found; equal ones are folded."""

    __slots__ = ("issues", "not_checked", "notes", "said", "seen", "targets", "untold")

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.said = 0
        """How often something was found, folded and unlisted findings included: unchanged, nothing was."""
        self.untold: dict[str, int] = {}
        """How many more there are, by severity."""
        self.seen: set[tuple[str, str, str]] = set()
        self.not_checked: dict[str, Place] = {}
        self.targets: dict[tuple[int, tuple[str, ...]], bool] = {}
        """Whether resources of this document conform to target profiles, once found out."""
        self.notes: list[str] = []
        """What was noted as not checked since somebody began to listen."""

    def add(
        self,
        severity: str,
        rule: str,
        place: Place,
        message: str,
        profile: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        self.said += 1
        if len(self.issues) >= MOST_ISSUES:
            self.untold[severity] = self.untold.get(severity, 0) + 1
            return
        path = path_of(place)
        key = (rule, path, message)
        if key not in self.seen:
            self.seen.add(key)
            self.issues.append(
                Issue(severity, rule, path, message, profile, expected, found, steps=tuple(json_steps(place)))
            )

    def lacks(self, what: str, place: Place) -> None:
        self.notes.append(what)
        if what not in self.not_checked:
            self.not_checked[what] = place

    @property
    def errors(self) -> int:
        return sum(issue.severity == ERROR for issue in self.issues) + self.untold.get(ERROR, 0)

    def told(self) -> list[Issue]:
        """The issues, and at the end how many were left out."""
        if not self.untold:
            return self.issues
        severity = ERROR if ERROR in self.untold else WARNING
        counts = ", ".join(f"{number:,} of severity {name}" for name, number in self.untold.items())
        root = self.issues[0].path.partition(".")[0]
        return [*self.issues, Issue(severity, "too-many-findings", root, f"more was found and is not listed: {counts}")]


class FirstPlaces(Mapping[str, str]):
    """What could not be checked and the path of the first place where it was wanted, written out for those who ask."""

    __slots__ = ("_places",)

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places

    def __getitem__(self, what: str) -> str:
        return path_of(self._places[what])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))


class Resource:
    """The resource being judged and what surrounds it: its container, its Bundle, the document's root."""

    __slots__ = ("_contained", "bundle", "container", "json", "place", "type")

    def __init__(
        self, json: dict[str, Any], type_name: str, place: Place, container: Resource | None = None, bundle: Any = None
    ) -> None:
        self.json = json
        self.type = type_name
        self.place = place
        self.container = container
        self.bundle = bundle
        self._contained: Mapping[str, tuple[dict[str, Any], int]] | None = None

    @property
    def outermost(self) -> Resource:
        """What `#id` is looked up in: the container of a contained resource, else the resource itself."""
        return self.container.outermost if self.container is not None else self

    def contained(self, identity: str) -> tuple[dict[str, Any], int] | None:
        if self._contained is None:
            listed = self.json.get("contained")
            found: dict[str, tuple[dict[str, Any], int]] = {}
            for index, one in enumerate(listed if isinstance(listed, list) else []):
                if isinstance(one, dict) and isinstance(one.get("id"), str):
                    found.setdefault(one["id"], (one, index))
            self._contained = found
        return self._contained.get(identity)


def none_of(trials: Sequence[tuple[str, Findings]]) -> str:
    """Why a value conforms to none of several profiles: the first error under the one it comes nearest to."""
    nearest, findings = min(trials, key=lambda trial: trial[1].errors)
    first = next((issue for issue in findings.issues if issue.severity == ERROR), findings.issues[-1])
    names = ", ".join(url for url, _ in trials)
    return f"conforms to none of {names}; nearest is {nearest}, but {first.path}: {first.message}"
