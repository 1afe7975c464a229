"""Checks of this chapter: what developers can read without an account (42 CFR 431.60(d))."""
