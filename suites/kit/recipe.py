"""Login recipes: how a member signs in and consents, as data (`[[login.step]]` of the target file).

A step says what to do (`do`), where (`at`, a Playwright selector) and with what (`value`). Placeholders are filled in from the
member and from what the check wants: {username} {password} {totp} {patient} {answer} {scope} {category} {client_id} {client_name}.

    fill            type `value` into the field
    click           click the button or link
    press           press the key `value` in the field
    wait_for        wait until it is on the page
    answer          find the member's answer whose question is on the page, type it into the field
    one_time_code   type a code: from `totp_seed`, or the last number group printed by `command`, or at `mailbox` (a URL)
    choose          pick the person to share records of (with {patient} in `at` or `value`), skipped for a member alone
    tick, untick    with {scope} or {category} in `at`: for each one the check wants withheld; without: always
    approve, deny   press the consent button; only the one the check wants is done

`sensitive = true` marks the tick that consents to substance-use records. `optional = true` marks a step whose page some members or some days do not show.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from suites.protocol.one_time_codes import PERIOD, totp

ACTIONS = (
    "fill",
    "click",
    "press",
    "wait_for",
    "answer",
    "one_time_code",
    "choose",
    "tick",
    "untick",
    "approve",
    "deny",
)
# When another process of the same run may have typed codes last, in seconds since the epoch: each code is taken once.
CODES_TYPED_UNTIL = "PATIENT_ACCESS_CODES_TYPED_UNTIL"
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Step:
    """One step of a recipe."""

    do: str
    at: str
    value: str = ""
    optional: bool = False
    sensitive: bool = (
        False  # tick: consents to records under 42 CFR Part 2, and is left alone where a check withholds that consent
    )
    command: tuple[str, ...] = ()  # one_time_code: prints the code
    mailbox: str = ""  # one_time_code: a URL answering the message that holds the code
    seconds: float = 0.0  # how long to wait for the element, when the default is too short


@dataclass(frozen=True)
class Choices:
    """What a check wants from the consent page."""

    approve: bool = True
    withhold: tuple[str, ...] = ()  # scopes to untick
    keep_back: tuple[str, ...] = ()  # kinds of data to untick
    person: str = ""  # patient id to share, where the member acts for several
    sensitive: bool = True  # whether steps marked sensitive are done


APPROVE_ALL = Choices()


@dataclass(frozen=True)
class Identity:
    """What of a member a recipe needs."""

    username: str
    password: str = field(repr=False)
    totp_seed: str = field(default="", repr=False)
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    patient: str = ""
    one_time_code: str = field(default="", repr=False)  # types this code whatever the seed says, for checks of codes


class CannotFill(ValueError):
    """A placeholder or answer the member has nothing for; the message says what to add to the target file."""


def wanted(step: Step, identity: Identity, choices: Choices) -> list[dict[str, str]]:
    """For which scopes or persons a step is done: one set of placeholders for each time, none to skip it."""
    if step.do == "approve":
        return [{}] if choices.approve else []
    if step.do == "deny":
        return [] if choices.approve else [{}]
    if step.sensitive and not choices.sensitive:
        return []
    if step.do in ("tick", "untick") and "{scope}" in step.at + step.value:
        return [{"scope": scope} for scope in choices.withhold] if step.do == "untick" else []
    if step.do in ("tick", "untick") and "{category}" in step.at + step.value:
        return [{"category": name} for name in choices.keep_back] if step.do == "untick" else []
    if step.do == "choose":
        person = choices.person or identity.patient
        return [{"patient": person}] if person else [{}] if "{patient}" not in step.at + step.value else []
    return [{}]


def filled(text: str, identity: Identity, extra: Mapping[str, str]) -> str:
    """A selector or value with its placeholders filled in."""
    known = {"username": identity.username, "password": identity.password, "patient": identity.patient, **extra}
    if "{totp}" in text:
        known["totp"] = one_time_code(identity)

    def replace(found: re.Match[str]) -> str:
        value = known.get(found[1])
        if value is None:
            raise CannotFill(f"the login recipe uses {found[0]}, which is not known for {identity.username!r}")
        return value

    return PLACEHOLDER.sub(replace, text)


_used: dict[
    str, int
] = {}  # the last period a seed's code was typed in: servers take each code once (RFC 6238 section 5.2)
_other_present: list[Callable[[], float]] = []


def tell_time_by(present: Callable[[], float] | None) -> None:
    """Codes are those of another present from now on (seconds since the epoch): a payer whose clock was moved takes no others. None ends it."""
    _other_present[:] = [present] if present else []


def _now() -> float:
    return _other_present[0]() if _other_present else time.time()


def last_typed(seed: str) -> int:
    """The period a seed's code was typed in last; what another process of the run may have typed counts too."""
    return _used.get(seed, int(float(os.environ.get(CODES_TYPED_UNTIL, "0")) // PERIOD))


def one_time_code(identity: Identity) -> str:
    """The RFC 6238 code of a member's seed, one that has not been typed before; waits for the next period where it must."""
    now = _now()
    if identity.one_time_code:
        _used[identity.totp_seed] = int(now // PERIOD)
        return identity.one_time_code
    if not identity.totp_seed:
        raise CannotFill("the login page asks for a one-time code and the member has no totp_seed in the target file")
    # The last second of a period is waited out too, so that the code does not go stale on the way.
    if last_typed(identity.totp_seed) == int(now // PERIOD) or PERIOD - now % PERIOD < 1.0:
        time.sleep(PERIOD - now % PERIOD + 0.05)
        now = _now()
    period = int(now // PERIOD)
    _used[identity.totp_seed] = period
    try:
        return totp(identity.totp_seed, period * PERIOD)
    except ValueError as wrong:
        raise CannotFill(f"member {identity.username!r}: {wrong}") from None


def answer_for(identity: Identity, page_text: str) -> str:
    """The member's answer to the question the page asks; the longest question found wins."""
    asked = [question for question in identity.answers if question.casefold() in page_text.casefold()]
    if not asked:
        raise CannotFill(f"the page asks a question {identity.username!r} has no answer for in the target file")
    return identity.answers[max(asked, key=len)]


def code_from_command(command: tuple[str, ...], seconds: float = 20.0) -> str:
    """The last group of four to eight digits a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise CannotFill(f"the command for the one-time code failed: {wrong}") from None
    return code_in(done.stdout)


def code_in(text: str) -> str:
    """The last group of four to eight digits in a text."""
    groups = re.findall(r"(?<!\d)\d{4,8}(?!\d)", text)
    if not groups:
        raise CannotFill("no one-time code was found where the recipe says it arrives")
    return str(groups[-1])
