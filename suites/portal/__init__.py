"""Checks of this chapter: the member's own pages: which apps have access, and how it ends."""
