"""Checks of this chapter: whether all is there that a payer holds, whether it makes sense, and whether the server is what it says it is."""
