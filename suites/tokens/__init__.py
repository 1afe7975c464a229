"""Checks of this chapter: the token endpoint: codes, PKCE, client authentication, errors."""
