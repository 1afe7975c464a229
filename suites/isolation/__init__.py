"""Checks of this chapter: one member's token never opens another member's record."""
