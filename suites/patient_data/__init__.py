"""Checks of this chapter: the member's data: read and search."""
