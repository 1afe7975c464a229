"""The payer's members as people who sign in: credentials, second factors, challenge answers, whom they may act for, their mail.

Members come from the dataset's manifest. Leaves to others: the pages (authorization/interaction.py, member.py).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyotp

from simulators.payer.context import Payer
from simulators.payer.rules import rule

TOTP_STEP = 30
CODE_LIFE = 600.0


@dataclass(frozen=True)
class ActsFor:
    """One person a member may act for."""

    patient: str
    relationship: str
    until: date | None


@dataclass(frozen=True)
class Member:
    """One member who can sign in."""

    patient: str
    username: str
    password: str
    totp_seed: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    unique_client_identifier: str = ""
    birth_date: date | None = None
    line_of_business: str = ""
    name: str = ""
    acts_for: tuple[ActsFor, ...] = ()
    related_person: dict[str, str] = field(default_factory=dict)  # patient acted for -> RelatedPerson id


def members(payer: Payer) -> dict[str, Member]:
    """Every member by username."""
    kept: dict[str, Member] | None = payer.parts.get("members")
    if kept is None:
        kept = payer.parts["members"] = {one.username: one for one in map(_member, payer.manifest.get("members", []))}
        payer.parts["members_by_patient"] = {one.patient: one for one in kept.values()}
    return kept


def by_patient(payer: Payer, patient: str) -> Member | None:
    """The member a Patient id belongs to."""
    members(payer)
    found: Member | None = payer.parts["members_by_patient"].get(patient)
    return found


def _member(entry: dict[str, Any]) -> Member:
    acts_for = entry.get("acts_for", [])
    return Member(
        patient=entry["patient"],
        username=entry["username"],
        password=entry["password"],
        totp_seed=entry.get("totp_seed", ""),
        answers=entry.get("answers", {}),
        unique_client_identifier=entry.get("unique_client_identifier", ""),
        birth_date=_day(entry.get("birth_date")),
        line_of_business=entry.get("line_of_business", ""),
        name=entry.get("name") or entry["username"],
        acts_for=tuple(
            ActsFor(one["patient"], one.get("relationship", ""), _day(one.get("until"))) for one in acts_for
        ),
        related_person={one["patient"]: one["related_person"] for one in acts_for if one.get("related_person")},
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def today(payer: Payer) -> date:
    """The date where the payer is."""
    return payer.clock.now().astimezone(ZoneInfo(payer.deployment.payer.time_zone)).date()


# -- proving who one is --------------------------------------------------------------------------------------------------------


@rule
def password_is_right(stored: str, sent: str) -> bool:
    """The password is the member's, compared in constant time."""
    return hmac.compare_digest(stored.encode(), sent.encode("utf-8", "surrogatepass"))


@password_is_right.fault(
    "any-password-signs-in", violates="DEAN-RELEASE-AFTER-VERIFY-01", also=["SMART-STANDALONE-24", "HIPAA-164.312-d"]
)
def any_password(stored: str, sent: str) -> bool:
    """A member is signed in with whatever password."""
    return True


@rule
def locked(failures: int, locked_until: float, now: float, most: int) -> bool:
    """After so many wrong passwords the account waits."""
    return failures >= most and now < locked_until


@locked.fault("lock-out-never-comes", violates="HIPAA-164.312-d-LOCK")
def never_locked(failures: int, locked_until: float, now: float, most: int) -> bool:
    """Passwords may be guessed without end."""
    return False


@rule
def sign_in_refusal(known: bool) -> str:
    """The text of a failed sign-in: the same whether or not the account exists."""
    return "signin_failed"


@sign_in_refusal.fault("sign-in-tells-which-accounts-exist", violates="HIPAA-164.312-d-ENUM")
def tells(known: bool) -> str:
    """A wrong password and an unknown user name are answered differently."""
    return "signin_failed" if known else "signin_unknown"


@rule
def one_time_code_is_right(expected: tuple[str, ...], sent: str, used: tuple[str, ...]) -> bool:
    """A one-time code is right and was not used before (RFC 6238 section 5.2)."""
    return sent not in used and any(hmac.compare_digest(one, sent) for one in expected)


@one_time_code_is_right.fault("any-one-time-code-accepted", violates="DEAN-MFA-01", also=["DEAN-MFA-02"], on="dean")
def any_code(expected: tuple[str, ...], sent: str, used: tuple[str, ...]) -> bool:
    """Any six digits pass for the second factor."""
    return True


@one_time_code_is_right.fault("one-time-code-accepted-twice", violates="DEAN-MFA-02", on="dean")
def again(expected: tuple[str, ...], sent: str, used: tuple[str, ...]) -> bool:
    """A one-time code works again within its half minute."""
    return sent in expected


@rule
def second_factor_needed(factors: tuple[str, ...]) -> bool:
    """Where the deployment has a second factor, nobody passes without."""
    return bool(factors)


@second_factor_needed.fault("second-factor-never-asked", violates="DEAN-MFA-01", also=["DEAN-MFA-02"], on="dean")
def not_needed(factors: tuple[str, ...]) -> bool:
    """The password alone signs in, although a second factor is announced."""
    return False


@rule
def answer_is_right(stored: str, sent: str) -> bool:
    """A challenge answer, without regard to case and spacing."""
    return hmac.compare_digest(_plain(stored), _plain(sent))


@answer_is_right.fault("any-challenge-answer-accepted", violates="DEAN-CHALLENGE-01", on="dean")
def any_answer(stored: str, sent: str) -> bool:
    """Any answer to a challenge question passes."""
    return True


@rule
def identifier_is_right(stored: str, sent: str) -> bool:
    """The unique client identifier is the member's own."""
    return bool(stored) and hmac.compare_digest(stored.encode(), sent.strip().encode("utf-8", "surrogatepass"))


@identifier_is_right.fault("any-client-identifier-accepted", violates="CONNEX-V.B.4.b-DENY", on="connex")
def any_identifier(stored: str, sent: str) -> bool:
    """Any unique client identifier opens the record."""
    return True


@rule
def may_represent(acts_for: ActsFor, born: date | None, today: date, majority: int) -> bool:
    """A right to act for someone holds until its date, and a parent's until the child is of age."""
    if acts_for.until is not None and today >= acts_for.until:
        return False
    of_age = (
        born is not None and (today.year - born.year - ((today.month, today.day) < (born.month, born.day))) >= majority
    )
    return not (acts_for.relationship in ("parent", "guardian", "mother", "father") and of_age)


@may_represent.fault("parent-offered-grown-child", violates="HEALTHSHARE-2.1.1-PROXY-END")
def for_ever(acts_for: ActsFor, born: date | None, today: date, majority: int) -> bool:
    """A parent may still choose a child who came of age."""
    return True


@may_represent.fault(
    "representatives-are-turned-away", violates="CMS9115-431.60-a-REP", also=("HEALTHSHARE-2.1-DELEGATE",)
)
def never(acts_for: ActsFor, born: date | None, today: date, majority: int) -> bool:
    """Nobody may act for another, whatever right they have."""
    return False


@rule
def person_is_offered(patient: str, offered: frozenset[str]) -> bool:
    """Only the member and those they may act for can be chosen, whatever the form says."""
    return patient in offered


@person_is_offered.fault("any-person-can-be-chosen", violates="CONNEX-V.B.4")
def anyone(patient: str, offered: frozenset[str]) -> bool:
    """A member who sends another person's id with the consent form gets that person's record."""
    return True


def _plain(text: str) -> bytes:
    return " ".join(text.casefold().split()).encode("utf-8", "surrogatepass")


def totp_codes(member: Member, now: float) -> tuple[str, ...]:
    """The codes an authenticator app shows now and a step around."""
    if not member.totp_seed:
        return ()
    generator = pyotp.TOTP(member.totp_seed, interval=TOTP_STEP)
    return tuple(generator.at(datetime.fromtimestamp(now + step, UTC)) for step in (0, -TOTP_STEP, TOTP_STEP))


def persons(payer: Payer, member: Member) -> list[tuple[str, str, str]]:
    """Whom a member may choose: patient id, name, relationship; themselves first."""
    day, majority = today(payer), payer.deployment.consent.age_of_majority
    found = [(member.patient, member.name, "self")]
    if not payer.deployment.consent.delegates:
        return found
    for one in member.acts_for:
        person = by_patient(payer, one.patient)
        if may_represent(payer.faults, one, person.birth_date if person else None, day, majority):
            found.append((one.patient, person.name if person else one.patient, one.relationship))
    return found


def related_person(payer: Payer, member: Member, patient: str) -> str | None:
    """The RelatedPerson in someone's record who is this member, by name; None when the record has none."""
    if member.related_person.get(patient):
        return member.related_person[patient]
    record = payer.store.record("RelatedPerson", patient)
    for body in payer.store.bodies([candidate.rid for candidate in record]):
        resource = orjson.loads(body)
        for name in resource.get("name", []):
            if " ".join([*name.get("given", []), name.get("family", "")]).casefold() == member.name.casefold():
                return str(resource["id"])
    return None


def rights_end(payer: Payer, member: Member, patient: str) -> float | None:
    """When a right to act for someone ends, seconds since the epoch; None for oneself and without end."""
    right = next((one for one in member.acts_for if one.patient == patient), None)
    if right is None or patient == member.patient:
        return None
    ends = [right.until] if right.until else []
    person = by_patient(payer, patient)
    if right.relationship in ("parent", "guardian", "mother", "father") and person and person.birth_date:
        born, years = person.birth_date, payer.deployment.consent.age_of_majority
        try:
            ends.append(born.replace(year=born.year + years))
        except ValueError:  # born on 29 February: of age on 1 March
            ends.append(date(born.year + years, 3, 1))
    if not ends:
        return None
    return datetime.combine(min(ends), datetime.min.time(), ZoneInfo(payer.deployment.payer.time_zone)).timestamp()


# -- failures and mail ---------------------------------------------------------------------------------------------------------


def failures(payer: Payer, username: str) -> tuple[int, float]:
    """How often sign-in failed in a row, and until when the account waits."""
    row = payer.database.one("SELECT count, locked_until FROM failures WHERE name = ?", (username,))
    return (int(row[0]), float(row[1])) if row else (0, 0.0)


def failed(payer: Payer, username: str) -> None:
    """One more failure; at the limit the account is locked, and past the lock the count begins again."""
    now, login = payer.clock.timestamp(), payer.deployment.login
    count, until = failures(payer, username)
    count = 1 if count >= login.failures_before_lock and now >= until else count + 1
    until = now + login.lock_minutes * 60 if count >= login.failures_before_lock else now
    payer.database.execute(
        "INSERT INTO failures (name, count, locked_until) VALUES (?, ?, ?) ON CONFLICT (name) "
        "DO UPDATE SET count = excluded.count, locked_until = excluded.locked_until",
        (username[:200], count, until),
    )


def succeeded(payer: Payer, username: str) -> None:
    """The count of failures begins again."""
    payer.database.execute("DELETE FROM failures WHERE name = ?", (username,))


def send_mail(payer: Payer, username: str, subject: str, body: str) -> None:
    """Put a message into the simulated mailbox."""
    payer.database.execute(
        "INSERT INTO mailbox (username, at, subject, body) VALUES (?, ?, ?, ?)",
        (username, payer.clock.timestamp(), subject, body),
    )


def mailbox(payer: Payer, username: str) -> list[dict[str, Any]]:
    """What is in a mailbox, oldest first."""
    rows = payer.database.query("SELECT at, subject, body FROM mailbox WHERE username = ? ORDER BY id", (username,))
    return [
        {"at": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"), "subject": subject, "body": body}
        for at, subject, body in rows
    ]


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"
