"""Time-based one-time codes (RFC 6238, RFC 4226), from seeds of any length a payer may have handed out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PERIOD = 30  # seconds


def totp(seed: str, at: float, digits: int = 6) -> str:
    """The code of a base32 seed at a time; ValueError for what is no base32."""
    bare = seed.replace(" ", "").replace("-", "").upper()
    try:
        key = base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error as wrong:
        raise ValueError(f"a TOTP seed is base32: {wrong}") from None
    digest = hmac.new(key, int(at // PERIOD).to_bytes(8), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"
