"""Checks of this chapter: sensitive records stay back where law or the member wants it."""
