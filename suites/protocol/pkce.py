"""Proof Key for Code Exchange: verifiers and their challenges (RFC 7636 section 4)."""

from __future__ import annotations

import base64
import hashlib
import random

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def new_verifier(rng: random.Random, length: int = 64) -> str:
    """A code_verifier of unreserved characters, 43 to 128 long (section 4.1)."""
    if not 43 <= length <= 128:
        raise ValueError(f"a code_verifier is 43 to 128 characters long, not {length}")
    return "".join(rng.choice(UNRESERVED) for _ in range(length))


def challenge_s256(verifier: str) -> str:
    """code_challenge for the S256 method: BASE64URL(SHA256(ASCII(code_verifier))), unpadded (section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
