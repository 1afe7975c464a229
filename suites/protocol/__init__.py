"""Pure pieces of the protocols the checks speak: no I/O, no state, nothing of the server's code."""
