"""A member's app opens the record: the Patient, the claims and their next page, the observations."""

from __future__ import annotations

from typing import Any, Protocol


class Member(Protocol):
    """What a story needs of a simulated member."""

    patient: str

    def fetch(self, path: str, name: str) -> dict[str, Any] | None:
        """GET a path or absolute link as this member; the parsed body of a 200, else None (the answer is counted)."""

    def pause(self, seconds: float) -> None:
        """Let that much time go by."""


def story(member: Member) -> None:
    """One visit: four or five requests, then a short look at the screen."""
    member.fetch(f"/Patient/{member.patient}", "Patient")
    claims = member.fetch(f"/ExplanationOfBenefit?patient={member.patient}&_count=10", "ExplanationOfBenefit")
    following = next_link(claims)
    if following:
        member.fetch(following, "ExplanationOfBenefit next")
    member.fetch(f"/Observation?patient={member.patient}&_count=20", "Observation")
    member.fetch(f"/Coverage?patient={member.patient}", "Coverage")
    member.pause(0.2)


def next_link(bundle: dict[str, Any] | None) -> str:
    """The `next` link of a searchset, or nothing."""
    for link in (bundle or {}).get("link", ()):
        if link.get("relation") == "next":
            return str(link.get("url", ""))
    return ""
