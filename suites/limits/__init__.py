"""Checks of this chapter: the declared rate limit and what is answered past it."""
