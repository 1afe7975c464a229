"""Checks of this chapter: RFC 7009: revoked is revoked."""
