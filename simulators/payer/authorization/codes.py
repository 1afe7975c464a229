"""Authorization codes: issued after consent, exchanged once, soon, by the same client, with the same redirect_uri and the verifier.

RFC 6749 section 4.1.2 and 4.1.3, RFC 7636. Leaves to others: who consented (interaction.py), what the exchange yields (token.py).
"""

from __future__ import annotations

import base64
import hashlib
import re
import time

from simulators.payer.authorization.records import Code, fresh, same
from simulators.payer.rules import rule

VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # S256 is 32 bytes, base64url without padding


@rule
def may_redeem(code: Code, now: float) -> bool:
    """A code is good for one exchange, before it expires."""
    return code.redeemed_at is None and now < code.expires_at


@may_redeem.fault("code-replay-accepted", violates="RFC6749-CODE-01")
def accept_replay(code: Code, now: float) -> bool:
    """A code already exchanged is exchanged again."""
    return now < code.expires_at


@may_redeem.fault("expired-code-accepted", violates="RFC6749-CODE-03")
def accept_expired(code: Code, now: float) -> bool:
    """A code is exchanged long after it was issued."""
    return code.redeemed_at is None


@rule
def replay_ends_the_grant() -> bool:
    """RFC 6749 section 4.1.2: on replay, what the code yielded should be revoked."""
    return True


@replay_ends_the_grant.fault("tokens-survive-code-replay", violates="RFC6749-CODE-04")
def grant_survives() -> bool:
    """After a code is replayed (and refused) the tokens of its first exchange go on working."""
    return False


@rule
def code_of_client(code: Code, client_id: str) -> bool:
    """A code belongs to the client it was issued to."""
    return code.client_id == client_id


@code_of_client.fault("code-of-other-client-accepted", violates="RFC6749-CODE-02")
def any_client(code: Code, client_id: str) -> bool:
    """One client exchanges the code another one was issued."""
    return True


@rule
def redirect_uri_repeated(code: Code, sent: str | None) -> bool:
    """RFC 6749 section 4.1.3: the token request repeats the redirect_uri of the authorization request."""
    return sent == code.redirect_uri


@redirect_uri_repeated.fault("code-with-other-redirect-uri-accepted", violates="RFC6749-CODE-05")
def any_redirect_uri(code: Code, sent: str | None) -> bool:
    """A code is exchanged with another redirect_uri than it was issued for."""
    return True


@redirect_uri_repeated.fault("code-without-redirect-uri-accepted", violates="RFC6749-CODE-05")
def missing_redirect_uri(code: Code, sent: str | None) -> bool:
    """A code is exchanged by a request that leaves redirect_uri out."""
    return sent is None or sent == code.redirect_uri


def s256(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


@rule
def verifier_proves(challenge: str | None, verifier: str | None) -> bool:
    """RFC 7636 section 4.6 and RFC 9700 section 4.8: the verifier fits the challenge; one without the other is refused."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    return VERIFIER.fullmatch(verifier) is not None and same(s256(verifier), challenge)


@verifier_proves.fault("code-verifier-not-checked", violates="RFC7636-PKCE-01", also=("RFC7636-PKCE-03",))
def any_verifier(challenge: str | None, verifier: str | None) -> bool:
    """A wrong code_verifier is accepted."""
    return bool(verifier) or verifier_proves.function(challenge, verifier)


@verifier_proves.fault("code-verifier-may-be-left-out", violates="RFC7636-PKCE-02")
def verifier_optional(challenge: str | None, verifier: str | None) -> bool:
    """A code issued with a challenge is exchanged without code_verifier."""
    return verifier is None or verifier_proves.function(challenge, verifier)


@verifier_proves.fault("code-challenge-taken-as-verifier", violates="RFC7636-PKCE-03")
def challenge_as_verifier(challenge: str | None, verifier: str | None) -> bool:
    """The challenge itself, sent as code_verifier, is accepted: plain after all."""
    return verifier_proves.function(challenge, verifier) or (challenge is not None and verifier == challenge)


@verifier_proves.fault("code-verifier-without-challenge-accepted", violates="RFC9700-PKCE-02", on="legacy")
def downgrade(challenge: str | None, verifier: str | None) -> bool:
    """A verifier is accepted for a code that was issued without a challenge."""
    return challenge is None or verifier_proves.function(challenge, verifier)


@rule
def challenge_trouble(challenge: str | None, method: str | None, policy: str) -> str | None:
    """What is wrong with the PKCE part of an authorization request, or None: S256 alone, required where the deployment says so."""
    if policy == "absent" or (challenge is None and method is None and policy == "optional"):
        return None
    if challenge is None:
        return "code_challenge is missing: this server requires PKCE"
    if method != "S256":
        return "code_challenge_method must be S256; plain is not accepted, nor is leaving it out"
    if not CHALLENGE.fullmatch(challenge):
        return "code_challenge is not the base64url form of a SHA-256"
    return None


@challenge_trouble.fault("pkce-not-required", violates="SMART2-PKCE-02")
def challenge_optional(challenge: str | None, method: str | None, policy: str) -> str | None:
    """An authorization request without code_challenge is served, although the server says it requires PKCE."""
    return challenge_trouble.function(challenge, method, "optional")


@challenge_trouble.fault("plain-challenge-accepted", violates="SMART2-PKCE-03")
def plain_too(challenge: str | None, method: str | None, policy: str) -> str | None:
    """code_challenge_method=plain is accepted."""
    return None if challenge and method == "plain" else challenge_trouble.function(challenge, method, policy)


@challenge_trouble.fault("challenge-without-method-accepted", violates="SMART2-PKCE-03")
def method_left_out(challenge: str | None, method: str | None, policy: str) -> str | None:
    """A code_challenge without method, which means plain, is accepted."""
    return None if challenge and method is None else challenge_trouble.function(challenge, method, policy)


@challenge_trouble.fault("malformed-challenge-accepted", violates="RFC7636-PKCE-04")
def any_challenge(challenge: str | None, method: str | None, policy: str) -> str | None:
    """A code_challenge of three letters is accepted."""
    return None if challenge and method == "S256" else challenge_trouble.function(challenge, method, policy)


@rule
def code_text(now: float) -> str:
    """RFC 6749 section 10.10: a code cannot be guessed."""
    return fresh()


@code_text.fault("codes-follow-the-clock", violates="RFC6749-CODE-06")
def clockwork(now: float) -> str:
    """Codes are long, and differ from each other in the time of day only."""
    return f"authorization-code-{time.time_ns() // 1000:026d}"


@rule
def code_lifetime(seconds: int) -> float:
    """RFC 6749 section 4.1.2: short, ten minutes at most."""
    return float(min(seconds, 600))


@code_lifetime.fault("code-lives-a-day", violates="RFC6749-CODE-03")
def long_lived(seconds: int) -> float:
    """A code can still be exchanged hours after it was issued."""
    return 86_400.0
