"""Checks of this chapter: RFC 7591: dynamic registration where it is offered."""
