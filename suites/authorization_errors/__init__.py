"""Checks of this chapter: what the authorization endpoint refuses, and how."""
