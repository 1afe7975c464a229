"""Checks of this chapter: the arithmetic, pointers, links and identifiers of every claim a member is given."""
