"""Checks of this chapter: RFC 7662: what a token is, told to those who may ask."""
