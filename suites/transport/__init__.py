"""Checks of this chapter: TLS, headers and pages on the way."""
