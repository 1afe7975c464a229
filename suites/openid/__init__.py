"""Checks of this chapter: OpenID Connect: discovery, keys, id_token, userinfo."""
