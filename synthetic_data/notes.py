"""Text of notes: short, plain, and plainly synthetic."""

from __future__ import annotations

from random import Random

MOODS = (
    "stable mood",
    "low mood with some relief",
    "marked distress",
    "brighter affect than last time",
    "restless and tense",
)
PLANS = (
    "Continue the present plan",
    "Review medication at the next visit",
    "Practise the agreed coping steps daily",
    "Invite family to the next session",
    "Check on housing and transport with the case manager",
)
SUBJECTS = ("sleep", "work", "family", "daily routine", "cravings", "worry", "appetite", "medication effects")

OPENINGS = {
    "progress": "Progress note.",
    "consult": "Intake consultation.",
    "discharge": "Discharge summary.",
    "history": "History and physical.",
    "procedure": "Procedure note.",
    "psychotherapy": "Psychotherapy note, kept apart from the record (45 CFR 164.501).",
    "imaging": "Imaging report.",
    "cardiology": "Electrocardiogram report.",
    "pathology": "Pathology report.",
}


def note_text(random: Random, kind: str, title: str, severity: float) -> str:
    """A note of a kind about a condition."""
    how = "severe" if severity > 0.7 else "moderate" if severity > 0.4 else "mild" if severity > 0.15 else "minimal"
    return (
        f"{OPENINGS[kind]} {title}, {how} symptoms. Presents with {random.choice(MOODS)}. "
        f"Spoke about {random.choice(SUBJECTS)} and {random.choice(SUBJECTS)}. {random.choice(PLANS)}. "
        "Synthetic text about nobody."
    )
