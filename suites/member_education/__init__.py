"""Checks of this chapter: what members can read before they share (42 CFR 431.60(g))."""
